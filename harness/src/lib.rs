//! Foretime: tests of Temporal workflows in which a month passes in milliseconds.
//!
//! [`Environment`] is a Temporal server within the test's own process, and a client of it: the workers and the clients are
//! those of the official SDK, no port is opened, nothing is downloaded, and time skips whenever all that is left to do is
//! to wait.

mod activities;
mod checks;
mod choices;
mod claims;
mod entry;
mod environment;
mod failure;
mod faults;
mod finding;
mod ledger;
mod os;
mod process;
mod report;
mod runner;
mod sim;
mod simulation;
mod skipping;
mod stage;
mod transport;
mod world;

pub use entry::Campaign;
pub use environment::{Environment, EnvironmentBuilder, Error};
pub use failure::{Failure, Result};
pub use faults::{ActivityFaults, Fault, Faults, When};
pub use foretime_macros::test;
pub use foretime_server::config::SearchAttributeType;
pub use ledger::{Applied, DoneTwice, Effect, Ledger, NewEffect, effect};
pub use runner::Summary;
pub use sim::{IntoWorkerOptions, Sim, Workers};

/// What the macros of this crate call. Not for anyone else.
#[doc(hidden)]
pub mod __private {
    pub use inventory;

    pub use crate::{
        claims::{Sometimes, always, sometimes},
        entry::{Outcome, Test, test},
        sim::Sim,
    };
}
