//! Where a test comes in: what `#[foretime::test]` expands to.

use std::{future::Future, panic::Location, pin::Pin};

use crate::{
    failure::Failure,
    process::test::Body,
    runner::{self, Case, Summary},
    sim::Sim,
};

/// The future of a test's body.
type Running = Pin<Box<dyn Future<Output = Result<(), Failure>>>>;

/// What a test's body may return: nothing, or a result.
pub trait Outcome {
    /// As a result.
    ///
    /// # Errors
    /// Why the body gave up.
    fn into_result(self) -> Result<(), Failure>;
}

impl Outcome for () {
    fn into_result(self) -> Result<(), Failure> {
        Ok(())
    }
}

impl<E: Into<Failure>> Outcome for Result<(), E> {
    fn into_result(self) -> Result<(), Failure> {
        self.map_err(Into::into)
    }
}

/// Runs the seeds of a `#[foretime::test]`.
///
/// # Panics
/// When a seed fails, or the seeds cannot be run: that is how a test fails.
#[track_caller]
pub fn test(module: &str, function: &str, package: &str, runs: Option<u64>, body: fn(Sim) -> Running) {
    let case = Case::of_test(module, function, package, runs.unwrap_or(runner::RUNS));
    let place = Location::caller();
    let make = || -> Body { Box::new(body) };
    match runner::run(&case, make) {
        Ok(summary) => {
            println!("{summary}");
            assert!(summary.is_good(), "{}", summary.why(place));
        }
        Err(error) => panic!("{error}"),
    }
}

/// Runs the seeds of a simulation outside of `cargo test`: in a program whose `main` does nothing else before. The
/// program starts itself again for the processes in which the seeds run.
///
/// # Errors
/// The seeds could not be run at all.
pub fn simulate(name: &str, runs: u64, body: impl Fn(Sim) -> Running + Clone + Send + 'static) -> Result<Summary, String> {
    let case = Case::of_program(name, runs);
    runner::run(&case, || Box::new(body.clone()))
}
