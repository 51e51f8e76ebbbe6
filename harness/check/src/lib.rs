//! Checks in a test whether workflow code in Rust still replays what production recorded.
//!
//! [`check()`] takes the options of the worker and gives the worker recorded histories, each as a worker with an empty cache gets it. Where
//! code and history part, the test fails and says at which event, in which workflow task, what is recorded there and what the code asks
//! for. No activity runs, no local activity, no Nexus operation.
//!
//! ```no_run
//! # fn worker() -> Result<temporalio_sdk::WorkerOptions, std::io::Error> { Ok(temporalio_sdk::WorkerOptions::new("orders").build()) }
//! #[tokio::test]
//! async fn replays() -> foretime_check::Result {
//!     foretime_check::check(worker()?).histories("histories").run().await
//! }
//! ```
//!
//! It is what the command line `foretime check` does, in the same words. That one checks workers in all languages and needs no code; this
//! one needs no program beside the tests. This crate links nothing of simulations. With the crate `foretime` all of it is there as
//! `foretime::check`.
//!
//! The rooms: [`check`](mod@check) is what the test holds, [`worker`] runs the user's worker on a thread of its own, [`wire`] connects it to the
//! server in this process, and [`failure`] is what the test fails with.

mod check;
mod failure;
mod wire;
mod worker;

pub use check::{Check, check};
pub use failure::{Failure, Result};
pub use foretime_examine::report::Report;
