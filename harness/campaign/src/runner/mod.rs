//! Runs the seeds of a test: each in a process of its own, several at once, some of them twice.
//!
//! [`Case`] is the test and [`settings`] is what the environment says. [`job`] is a process that runs seeds, as seen from here, and
//! [`result`] is what goes over the line to it. [`seeds`] hands them out and gathers the results. [`explain`] finds out which faults a
//! failure needs, and [`difference`] where two runs of a seed part. [`summary`] reports to people.

use std::{io, process::Command};

#[cfg(unix)]
mod difference;
#[cfg(unix)]
mod explain;
#[cfg(unix)]
mod job;
pub mod result;
#[cfg(unix)]
mod seeds;
pub mod settings;
mod summary;

#[cfg(unix)]
pub use seeds::run;
pub use summary::Summary;

use crate::choices::Only;

/// How many seeds a test runs by default.
pub const RUNS: u64 = 100;
/// One in this many seeds runs twice by default.
pub const TWICE_EVERY: u64 = 10;

/// A test to simulate.
#[derive(Clone, Debug)]
pub struct Case {
    /// The name of the test, as `cargo test` knows it.
    pub name: String,
    /// What it is built into, unless that is a program of its own.
    pub target: Option<String>,
    /// The claims of all `sometimes!` in the test.
    pub claims: Vec<&'static str>,
    /// How many seeds it runs.
    pub runs: u64,
    /// The program that runs its seeds, without arguments.
    pub program: fn() -> io::Result<Command>,
    /// The arguments that make the program run this test alone.
    pub arguments: Vec<String>,
    /// One in this many seeds runs twice.
    pub twice_every: u64,
    /// Whether a report is written when all runs pass.
    pub shows_one: bool,
    /// How a person runs this test.
    pub command: String,
}

impl Case {
    /// The command that repeats a seed, with these strikes of faults.
    pub fn repeat(&self, seed: u64, only: &Only) -> String {
        let only = if *only == Only::default() { String::new() } else { format!("FORETIME_ONLY={only} ") };
        format!("FORETIME_SEED={seed} {only}{}", self.command)
    }
}
