//! Runs the seeds of a test: each in a process of its own, several at once, some of them twice.
//!
//! [`settings`] is what the environment says. [`job`] is a process that runs seeds, as seen from here. [`seeds`] hands them out
//! and gathers the results. [`regressions`] are the failing runs of before, which go first. [`search`] finds the least that makes a
//! seed fail, within a [`budget`], [`explain`] records that run, [`doom`] says when it was doomed, and [`difference`] finds where two runs
//! of a seed part.
//! [`progress`] says how far they are, [`output`] what a run prints, and [`summary`] what came of all.

#[cfg(unix)]
mod budget;
#[cfg(unix)]
mod difference;
#[cfg(unix)]
mod doom;
#[cfg(unix)]
mod explain;
#[cfg(unix)]
mod job;
#[cfg(unix)]
mod output;
#[cfg(unix)]
mod progress;
#[cfg(unix)]
mod regressions;
#[cfg(unix)]
mod search;
#[cfg(unix)]
mod seeds;
pub mod settings;
mod summary;

#[cfg(unix)]
pub use seeds::run;
pub use summary::Summary;
