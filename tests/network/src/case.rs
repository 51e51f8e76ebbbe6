//! A test of many seeds on foretime-campaign's runner: what `cargo sim` runs.

use std::{env, io, process::Command};

use foretime_campaign::{
    case::Case,
    runner::{self, Summary, settings},
};

use crate::{child, run::MakeService, world::STARTS_AT};

/// Runs seeds of the test of this name, `runs` of them unless the environment says otherwise: `MADSIM_TEST_SEED` is the first,
/// `MADSIM_TEST_NUM` how many, `MADSIM_TEST_JOBS` how many at once, and with `MADSIM_TEST_CHECK_DETERMINISM` each runs twice. What
/// begins with `FORETIME_` wins over these. In a process that was started to run seeds, it runs those and never returns.
///
/// # Errors
/// The seeds could not be run at all.
pub fn run(name: &str, runs: u64, claims: &[&'static str], service: MakeService) -> Result<Summary, String> {
    let mut case = case(name, runs, claims);
    child::serve_if_any(&case, service);
    let (seed, count) = (settings::read::<u64>("MADSIM_TEST_SEED")?, settings::read::<u64>("MADSIM_TEST_NUM")?);
    if count == Some(0) {
        return Err("MADSIM_TEST_NUM=0: there must be one seed at least.".to_owned());
    }
    case.runs = count.unwrap_or(if seed.is_some() { 1 } else { runs });
    if env::var_os("MADSIM_TEST_CHECK_DETERMINISM").is_some() {
        case.twice_every = 1;
    }
    // Few seeds cannot show everything.
    if case.runs < runs {
        case.claims.clear();
    }
    let mut settings = settings::Settings::from_env(&case)?;
    if settings::read::<u64>("FORETIME_FIRST")?.is_none() {
        settings.first = seed.unwrap_or(1);
    }
    if settings::read::<u64>("FORETIME_JOBS")?.is_none()
        && let Some(jobs) = settings::read::<usize>("MADSIM_TEST_JOBS")?
    {
        settings.jobs = jobs.max(1);
    }
    runner::run(&case, &settings)
}

fn case(name: &str, runs: u64, claims: &[&'static str]) -> Case {
    Case {
        name: name.to_owned(),
        target: None,
        claims: claims.to_vec(),
        runs,
        starts_at: Some(STARTS_AT.unix_s()),
        program,
        arguments: vec![name.to_owned(), "--exact".to_owned(), "--nocapture".to_owned()],
        twice_every: foretime_campaign::case::TWICE_EVERY,
        shows_one: false,
        regressions: None,
        command: format!("cargo sim {name}"),
    }
}

/// This same program.
fn program() -> io::Result<Command> {
    Ok(Command::new(env::current_exe()?))
}
