//! Foretime: tests of Temporal workflows in which a month passes in milliseconds.
//!
//! [`macro@test`] makes a test of an `async fn` that takes a [`Sim`]: a simulated cluster with the user's own workers in
//! virtual time ([`Sim::workers`]). The cluster is broken in every way that production can break it ([`Sim::faults`],
//! [`Faults`]), once for each of many seeds. A run repeats exactly from its seed. Activities tell the ledger what they do to
//! the outside world ([`effect`], [`Sim::ledger`]). Assertions, [`always!`] and [`sometimes!`] say what must hold. [`Campaign`]
//! does the same outside of `cargo test`.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use foretime::{Faults, Sim};
//! # fn worker() -> temporalio_sdk::WorkerOptions { temporalio_sdk::WorkerOptions::new("billing").build() }
//!
//! #[foretime::test(runs = 100)]
//! async fn a_subscriber_is_charged_once_a_month(sim: Sim) -> foretime::Result {
//!     sim.workers(2, |_| worker()); // the options that your `main` gives to its worker
//!     sim.faults(Faults::swarm());
//!     // ... start workflows with `sim.client()`, and wait for what comes of them
//!     sim.sleep(Duration::from_secs(30 * 24 * 60 * 60)).await;
//!     sim.ledger().exactly_once_by_key()?;
//!     Ok(())
//! }
//! ```
//!
//! [`Environment`] is a Temporal server within the test's own process, with a client connected to it. The workers and clients
//! are those of the official SDK. No port is opened and nothing is downloaded. Time skips whenever waiting is all that is left
//! to do.

#![cfg_attr(not(simulates), allow(dead_code, reason = "where nothing is simulated, most of this is only type-checked"))]

mod activities;
mod checks;
mod claims;
mod connection;
mod entry;
mod environment;
mod failure;
mod inputs;
mod ledger;
mod os;
mod process;
mod runner;
mod sim;
mod simulation;
mod stage;
mod transport;
mod world;

pub use entry::Campaign;
pub use environment::{Environment, EnvironmentBuilder, Error};
pub use failure::{Failure, Result};
pub use foretime_campaign::{
    effects::{Applied, Effect},
    fault::Fault,
    faults::{ActivityFaults, Faults, When},
    runner::Summary,
};
/// Checks of recorded histories; the function of that name begins one.
pub use foretime_check as check;
#[doc(no_inline)]
pub use foretime_check::check;
pub use foretime_macros::test;
pub use foretime_server::config::{Replay, SearchAttributeType};
pub use inputs::{fault, random};
pub use ledger::{DoneTwice, Ledger, NewEffect, Unmatched, effect};
/// For strategies of inputs ([`Sim::draw`]).
pub use proptest;
pub use sim::{IntoWorkerOptions, Sim, Workers};

/// What the macros of this crate call. Not public API.
#[doc(hidden)]
pub mod __private {
    pub use inventory;

    pub use crate::{
        claims::{Sometimes, always, sometimes},
        entry::{Outcome, Test, test},
        sim::Sim,
    };
}
