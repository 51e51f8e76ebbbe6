//! Runs a test's body: in simulations, seed by seed, or once where nothing is simulated.
//!
//! `foretime_campaign::runner` counts the seeds and starts processes for them, which are this same program ([`program`]). Such
//! a process comes in through [`run`] as well, and does what [`child`] says. [`options`] is what the environment says about one
//! simulation.

use std::{env, io, process::Command};

#[cfg(simulates)]
use foretime_campaign::runner::settings::Settings;
use foretime_campaign::{case::Case, runner::Summary, time::Start};

#[cfg(simulates)]
mod child;
pub(crate) mod options;

use crate::{
    failure::Failure,
    os,
    sim::{Body, Sim},
    stage,
};

/// The variable from which glibc reads its settings.
#[cfg(simulates)]
const TUNABLES: &str = "GLIBC_TUNABLES";

/// This same program, as a process that runs seeds needs it: its memory lies where it lies in every other such process.
pub(crate) fn program() -> io::Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    #[cfg(simulates)]
    {
        if env::var_os(TUNABLES).is_none() {
            command.env(TUNABLES, os::fork::MEMORY_TUNABLES);
        }
        os::fork::fix_addresses(&mut command);
    }
    Ok(command)
}

/// Runs the seeds of a case. In a process that was started to run seeds, it runs those that are ordered and never returns. Each
/// simulated process has its own statics of these crates.
///
/// # Errors
/// The seeds could not be run at all.
pub(crate) fn run(case: &Case, crates: &[String], body: impl Fn() -> Body) -> Result<Summary, String> {
    if !os::SIMULATES || options::is_staged() {
        let starts_at = case.starts_at.map(|at| Start::from_unix_s(at).system_time(0));
        let outcome = stage::run(starts_at, |stage| body()(Sim::staged(stage)));
        return Ok(Summary::staged(case, outcome.map_err(Failure::into_title_and_detail)));
    }
    simulate(case, crates, body)
}

#[cfg(simulates)]
fn simulate(case: &Case, crates: &[String], body: impl Fn() -> Body) -> Result<Summary, String> {
    if child::is_child(&case.name) {
        child::serve(case, crates, body);
    }
    if child::is_any() {
        // A program with several campaigns, on its way to the one that this process is for.
        return Ok(Summary::new(case));
    }
    options::check()?;
    foretime_campaign::runner::run(case, &Settings::from_env(case)?)
}

#[cfg(not(simulates))]
fn simulate(_case: &Case, _crates: &[String], _body: impl Fn() -> Body) -> Result<Summary, String> {
    unreachable!("no simulation begins on this system")
}

#[cfg(test)]
mod tests {
    use foretime_campaign::runner::settings::HELP;

    #[test]
    fn the_front_page_has_every_variable() {
        let of_page = |line: &'static str| {
            line.strip_prefix("//! | `")?.split_once('=').filter(|(name, _)| name.starts_with("FORETIME_"))
        };
        let mut on_page: Vec<&str> = include_str!("../lib.rs").lines().filter_map(of_page).map(|(name, _)| name).collect();
        let mut helped: Vec<&str> = HELP.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
        on_page.sort_unstable();
        helped.sort_unstable();
        assert_eq!(on_page, helped);
    }
}
