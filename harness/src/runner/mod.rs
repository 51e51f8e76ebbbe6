//! Runs the seeds of a test: each in a process of its own, several at once, some of them twice.
//!
//! [`Case`] is the test and [`settings`] is what the environment says. [`job`] and [`child`] are the two ends of the line to a
//! process that runs seeds; [`result`] is what goes over it. [`campaign`] hands out the seeds and gathers the results.
//! [`explain`] finds out which faults a failure needs, and [`difference`] where two runs of a seed part. [`summary`] reports to
//! people.

use std::env;

#[cfg(simulates)]
mod campaign;
#[cfg(simulates)]
mod child;
#[cfg(simulates)]
mod difference;
#[cfg(simulates)]
mod explain;
#[cfg(simulates)]
mod job;
pub(crate) mod result;
mod settings;
mod summary;

pub use summary::Summary;

use crate::{
    choices::Only,
    entry::Test,
    os,
    sim::{Body, Sim},
    stage,
};

/// How many seeds a test runs by default.
pub(crate) const RUNS: u64 = 100;
/// One in this many seeds runs twice by default.
pub(crate) const TWICE_EVERY: u64 = 10;

/// A test to simulate.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// The name of the test, as `cargo test` knows it.
    pub(crate) name: String,
    /// What it is built into, unless that is a program of its own.
    pub(crate) target: Option<String>,
    /// The path of the test's function, as `std::any::type_name` gives it.
    pub(crate) function: String,
    /// How many seeds it runs.
    pub(crate) runs: u64,
    /// The arguments that make this same program run this test alone.
    pub(crate) arguments: Vec<String>,
    /// One in this many seeds runs twice.
    pub(crate) twice_every: u64,
    /// Whether a report is written when all runs pass.
    pub(crate) shows_one: bool,
    /// How a person runs this test.
    pub(crate) command: String,
}

impl Case {
    /// The case of a `#[foretime::test]`.
    pub(crate) fn of_test(test: &Test) -> Self {
        let Test { module, function, package, .. } = test;
        let (target, inner) =
            module.split_once("::").map_or((*module, String::new()), |(it, inner)| (it, format!("{inner}::")));
        let name = format!("{inner}{function}");
        // In this target only: other targets may have a test of the same name.
        let place = if test.is_integration { format!("--test {target}") } else { "--lib --bins".to_owned() };
        let arguments = ["--exact", &name, "--include-ignored", "--nocapture", "--test-threads=1"].map(str::to_owned).to_vec();
        let command = format!("cargo test -p {package} {place} -- --exact {name} --nocapture");
        Self {
            function: format!("{module}::{function}"),
            name,
            target: Some((*target).to_owned()),
            runs: test.runs.unwrap_or(RUNS),
            arguments,
            twice_every: TWICE_EVERY,
            shows_one: false,
            command,
        }
    }

    /// The command that repeats a seed, with these strikes of faults.
    pub(crate) fn repeat(&self, seed: u64, only: &Only) -> String {
        let only = if *only == Only::default() { String::new() } else { format!("FORETIME_ONLY={only} ") };
        format!("FORETIME_SEED={seed} {only}{}", self.command)
    }

    /// The case of a program of its own.
    pub(crate) fn of_program(name: &str, runs: u64) -> Self {
        let command = env::args().collect::<Vec<_>>().join(" ");
        let arguments = env::args().skip(1).collect();
        Self {
            function: String::new(),
            name: name.to_owned(),
            target: None,
            runs,
            arguments,
            twice_every: TWICE_EVERY,
            shows_one: false,
            command,
        }
    }
}

/// Runs the seeds of a case. In a process that was started to run seeds, it runs those that are ordered and never returns.
///
/// # Errors
/// The seeds could not be run at all.
pub(crate) fn run(case: &Case, body: impl Fn() -> Body) -> Result<Summary, String> {
    if !os::SIMULATES || settings::is_staged() {
        let mut summary = Summary::new(case);
        summary.ran_staged(case, stage::run(|stage| body()(Sim::staged(stage))));
        return Ok(summary);
    }
    simulate(case, body)
}

#[cfg(simulates)]
fn simulate(case: &Case, body: impl Fn() -> Body) -> Result<Summary, String> {
    if child::is_child(&case.name) {
        child::serve(case, body);
    }
    if child::is_any() {
        // A program with several campaigns, on its way to the one that this process is for.
        return Ok(Summary::new(case));
    }
    let settings = settings::Settings::from_env(case)?;
    campaign::run(case, &settings)
}

#[cfg(not(simulates))]
fn simulate(_case: &Case, _body: impl Fn() -> Body) -> Result<Summary, String> {
    unreachable!("no simulation begins on this system")
}
