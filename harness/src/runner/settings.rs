//! What steers the runner from outside: environment variables.

use std::{env, path::PathBuf, str::FromStr, time::Duration};

use super::Case;
use crate::{
    choices::{Only, kind_of_strike},
    faults::Fault,
    world::Limits,
};

/// Help for people: the variables and what they do.
pub(crate) const HELP: &str = "\
FORETIME_SEED=n      run only this seed
FORETIME_ONLY=names  only these faults: crash-1, the first crash that the seed draws; crash:9f3a21c4:1, a crash in that place, as
                     the command of a failing run has it; several, with commas between; or none; with @1 behind them,
                     in the first other order of events
FORETIME_TAPE=file   repeat the draws in this file, which a failing run leaves
FORETIME_RUNS=n      so many seeds in place of what the test says
FORETIME_BUDGET=30s  go on through seeds for this long (also 500ms, 10m, 2h)
FORETIME_JOBS=n      so many processes at once; one a core if not said
FORETIME_FIRST=n     begin with this seed; 1 if not said
FORETIME_STAGED=1    simulate nothing: run once, on foretime::Environment, as on other systems
FORETIME_REPORTS=dir where reports of failing runs go; target/foretime if not said
FORETIME_TWICE=n     run one seed in n twice, and compare; 10 if not said
FORETIME_PATIENCE=s  how long, in real time, a thread may keep its turn; 30s if not said
FORETIME_STEPS=n     how many steps a run may take before it counts as endless; 2000000 if not said
FORETIME_CUTS=all    replay the histories of a run cut at each workflow task; n: until the cuts have n events, 150 if not said
FORETIME_THREADS=system  each simulated thread runs on its own, for debuggers and profilers; slower";

/// How the seeds of a test are run.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) seed: Option<u64>,
    pub(crate) only: Only,
    pub(crate) tape: Option<PathBuf>,
    pub(crate) runs: u64,
    pub(crate) first: u64,
    pub(crate) budget: Option<Duration>,
    pub(crate) jobs: usize,
    pub(crate) twice_every: u64,
    pub(crate) reports: PathBuf,
}

impl Settings {
    /// Reads the environment, over what the test says.
    ///
    /// # Errors
    /// Names a variable that is not understood.
    pub(crate) fn from_env(case: &Case) -> Result<Self, String> {
        known()?;
        // Checks the variables that only the seed processes need here too, so that a mistake is reported once.
        read_limits()?;
        span("FORETIME_PATIENCE")?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            seed: read("FORETIME_SEED")?,
            only: only()?,
            tape: env::var_os("FORETIME_TAPE").map(PathBuf::from),
            runs: some_of("FORETIME_RUNS")?.unwrap_or(case.runs),
            first: read("FORETIME_FIRST")?.unwrap_or(1),
            budget: span("FORETIME_BUDGET")?,
            jobs: some_of("FORETIME_JOBS")?.map_or(cores, |jobs| usize::try_from(jobs).unwrap_or(usize::MAX)),
            twice_every: some_of("FORETIME_TWICE")?.unwrap_or(case.twice_every),
            reports: env::var_os("FORETIME_REPORTS").map_or_else(default_reports, PathBuf::from),
        })
    }
}

/// Whether to run without simulating.
pub(crate) fn is_staged() -> bool {
    env::var("FORETIME_STAGED").is_ok_and(|value| !["", "0"].contains(&&*value))
}

/// Refuses a variable that is almost one of ours. A misspelt one should not pass for one that has no effect.
fn known() -> Result<(), String> {
    let ours: Vec<&str> = HELP.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    let is_misspelt = |name: &String| {
        let is_like = |ours: &&str| ours.starts_with(&**name) || name.starts_with(ours);
        name.starts_with("FORETIME_") && !ours.contains(&&**name) && ours.iter().any(is_like)
    };
    match env::vars_os().filter_map(|(name, _)| name.into_string().ok()).find(is_misspelt) {
        None => Ok(()),
        Some(name) => Err(format!("{name} is no variable of Foretime's, but almost.\n{HELP}")),
    }
}

/// How long a thread may keep its turn.
pub(crate) fn patience() -> Duration {
    span("FORETIME_PATIENCE").ok().flatten().unwrap_or(Duration::from_secs(30))
}

/// How far a run may go.
pub(crate) fn limits() -> Limits {
    read_limits().unwrap_or_default()
}

fn read_limits() -> Result<Limits, String> {
    let usual = Limits::default();
    let cut_events_max = match env::var("FORETIME_CUTS").as_deref() {
        Ok("all") => usize::MAX,
        _ => read("FORETIME_CUTS")?.unwrap_or(usual.cut_events_max),
    };
    Ok(Limits { steps_max: read("FORETIME_STEPS")?.unwrap_or(usual.steps_max), cut_events_max })
}

/// Whether one OS thread runs the code of all simulated threads.
pub(crate) fn carries() -> bool {
    env::var("FORETIME_THREADS").map_or(true, |value| value != "system")
}

/// Next to what cargo builds, wherever that is: the test's binary is in `target/<profile>/deps`.
fn default_reports() -> PathBuf {
    let target = env::current_exe().ok().and_then(|exe| exe.ancestors().find(|it| it.ends_with("target")).map(PathBuf::from));
    target.unwrap_or_else(env::temp_dir).join("foretime")
}

fn only() -> Result<Only, String> {
    let Ok(value) = env::var("FORETIME_ONLY") else { return Ok(Only::default()) };
    let only: Only = value.parse().map_err(|_| {
        let order = value.split_once('@').map_or("", |(_, order)| order);
        format!("FORETIME_ONLY={value}: {order} is not the number of an order.\n{HELP}")
    })?;
    let kinds: Vec<String> = Fault::ALL.iter().map(|fault| kind_of_strike(*fault)).collect();
    match only.impossible(|kind| kinds.iter().any(|known| known == kind)) {
        None => Ok(only),
        Some(strike) => Err(format!(
            "FORETIME_ONLY={value}: {strike} is no fault: they are called as crash-1 or reply-lost:9f3a21c4:1.\n{HELP}"
        )),
    }
}

fn read<T: FromStr>(name: &str) -> Result<Option<T>, String> {
    let Some(value) = env::var(name).ok().filter(|value| !value.is_empty()) else { return Ok(None) };
    value.parse().map(Some).map_err(|_| format!("{name}={value} is not a number.\n{HELP}"))
}

/// A count of at least 1.
fn some_of(name: &str) -> Result<Option<u64>, String> {
    match read(name)? {
        Some(0) => Err(format!("{name}=0: there must be one at least.\n{HELP}")),
        count => Ok(count),
    }
}

fn span(name: &str) -> Result<Option<Duration>, String> {
    let Some(value) = env::var(name).ok().filter(|value| !value.is_empty()) else { return Ok(None) };
    let unit_at = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    let (number, unit) = value.split_at(unit_at);
    let unit_ms = match unit {
        "ms" => 1,
        "" | "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(format!("{name}={value}: {unit} is no unit of time.\n{HELP}")),
    };
    let number: u64 = number.parse().map_err(|_| format!("{name}={value} is not a span of time.\n{HELP}"))?;
    Ok(Some(Duration::from_millis(number * unit_ms)))
}
