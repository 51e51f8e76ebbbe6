//! Real workflows with their tests: examples and benchmarks at once, on the official Rust SDK and nothing of ours but the
//! server. Start with [`subscription`]; [`outside`] is the world it acts upon, a payment gateway that can fail; [`worker`]
//! runs a worker beside a test. The tests of each are in `tests/`, and `src/bin/subscription.rs` runs a year of it. Each has
//! a `simulation`, with its people and what must hold in the end; `tests/simulations.rs` runs them all.

pub mod approval;
pub mod cron_billing;
pub mod fan_out;
pub mod onboarding;
pub mod order_saga;
pub mod outside;
mod people;
pub mod rolling_deploy;
pub mod subscription;
pub mod transfer;
pub mod worker;
