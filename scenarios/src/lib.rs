//! Real workflows with their simulations, as examples and as benchmarks, on the official Rust SDK. Start with [`subscription`];
//! [`outside`] is the world it acts upon, a payment gateway that can fail. Each scenario has a `simulation`, with its people
//! and what must hold in the end. `tests/simulations.rs` runs them all, and `tests/broken.rs` those that are known to be wrong.
//! The other tests try single paths on `foretime::Environment`, where [`worker`] runs a worker beside a test.
//! `src/bin/subscription.rs` is the main job of the README; `src/bin/soak.rs` runs every seed of every scenario twice;
//! `src/bin/check_worker` is the Rust worker of `ci/check.sh`.

pub mod account;
pub mod approval;
pub mod cron_billing;
pub mod fan_out;
pub mod onboarding;
pub mod operations;
pub mod order_saga;
pub mod outside;
mod people;
pub mod rolling_deploy;
pub mod subscription;
pub mod transfer;
pub mod worker;
