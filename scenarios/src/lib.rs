//! Real workflows with their tests: examples and benchmarks at once, on the official Rust SDK and nothing of ours but the
//! server. Start with [`subscription`]; [`outside`] is the world it acts upon, a payment gateway that can fail; [`worker`]
//! runs a worker beside a test. The tests of each are in `tests/`, and `src/bin/subscription.rs` runs a year of it.

pub mod approval;
pub mod cron_billing;
mod effect_shim;
pub mod fan_out;
pub mod onboarding;
pub mod order_saga;
pub mod outside;
pub mod rolling_deploy;
pub mod subscription;
pub mod transfer;
pub mod worker;
