//! What steers the runner from outside: environment variables.

use std::{env, path::PathBuf, str::FromStr, time::Duration};

use crate::{
    case::Case,
    time::Start,
    {
        choices::{Only, kind_of_strike},
        fault::Fault,
    },
};

/// Help for people: the variables and what they do.
pub const HELP: &str = "\
FORETIME_SEED=n      run this seed only
FORETIME_ONLY=names  allow these faults only, separated by commas, or none. crash-1 is the first crash that the seed draws;
                     crash:9f3a21c4:1 is a crash in that place, as the command of a failing run names it; input:5c31d08e:12sc
                     makes an input simpler. Names followed by @1 mean the first other order of events
FORETIME_TAPE=file   repeat the draws in this file, which a failing run leaves behind
FORETIME_RUNS=n      run n seeds instead of the number in the test
FORETIME_BUDGET=30s  run seeds for this long (also 500ms, 10m, 2h)
FORETIME_JOBS=n      run n processes at once; by default one for each core
FORETIME_FIRST=n     begin with seed n; by default 1
FORETIME_STARTS_AT=2027-03-28T00:30:00Z  begin each run then, whatever the test says; by default the seed draws a day
FORETIME_STAGED=1    simulate nothing: run once on foretime::Environment, as on other systems
FORETIME_REPORTS=dir write the reports of failing runs here; by default target/foretime
FORETIME_REGRESSIONS=dir  keep failing runs here, and repeat those first; none: neither. By default foretime-regressions beside the test
FORETIME_PRUNE=1     drop regressions whose inputs or faults the code no longer asks for
FORETIME_SAVE_HISTORIES=dir  keep a history of each path that a workflow takes in a run that passes, for foretime check
FORETIME_TWICE=n     run one seed in n twice and compare; by default 10
FORETIME_PATIENCE=s  let a thread keep its turn for this long, in real time; by default 30s
FORETIME_STEPS=n     count a run as endless after n steps; by default 2000000
FORETIME_CUTS=n      replay histories that are cut at workflow tasks until the cuts have n events in all; by default 150. all: every cut
FORETIME_THREADS=system  give each simulated thread a thread of the system, for debuggers and profilers; slower";

/// How the seeds of a test are run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The only seed to run.
    pub seed: Option<u64>,
    /// Which of its faults strike.
    pub only: Only,
    /// The file with the draws to repeat.
    pub tape: Option<PathBuf>,
    /// How many seeds run, if time is not limited.
    pub runs: u64,
    /// The first seed.
    pub first: u64,
    /// How long to go on through seeds, in real time.
    pub budget: Option<Duration>,
    /// How many processes run seeds at once.
    pub jobs: usize,
    /// One in this many seeds runs twice.
    pub twice_every: u64,
    /// Where reports go.
    pub reports: PathBuf,
    /// Where the test's regressions are, if they are kept.
    pub regressions: Option<PathBuf>,
    /// Whether rotten ones are dropped.
    pub prunes: bool,
    /// Whether this is a job of CI, where nobody commits a file that a run leaves behind.
    pub is_ci: bool,
}

impl Settings {
    /// Reads the environment, over what the test says.
    ///
    /// # Errors
    /// Names a variable that is not understood.
    pub fn from_env(case: &Case) -> Result<Self, String> {
        known()?;
        let (seed, only) = (read("FORETIME_SEED")?, only()?);
        if seed.is_none() && only != Only::default() {
            return Err(format!("FORETIME_ONLY is of one seed: say which with FORETIME_SEED.\n{HELP}"));
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            seed,
            only,
            tape: env::var_os("FORETIME_TAPE").map(PathBuf::from),
            runs: some_of("FORETIME_RUNS")?.unwrap_or(case.runs),
            first: read("FORETIME_FIRST")?.unwrap_or(1),
            budget: span("FORETIME_BUDGET")?,
            jobs: some_of("FORETIME_JOBS")?.map_or(cores, |jobs| usize::try_from(jobs).unwrap_or(usize::MAX)),
            twice_every: some_of("FORETIME_TWICE")?.unwrap_or(case.twice_every),
            reports: env::var_os("FORETIME_REPORTS").map_or_else(default_reports, PathBuf::from),
            regressions: regressions(case),
            prunes: is_on("FORETIME_PRUNE"),
            is_ci: is_on("CI"),
        })
    }
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

/// Next to what cargo builds, wherever that is: the test's binary is in `target/<profile>/deps`.
fn default_reports() -> PathBuf {
    let target = env::current_exe().ok().and_then(|exe| exe.ancestors().find(|it| it.ends_with("target")).map(PathBuf::from));
    target.unwrap_or_else(env::temp_dir).join("foretime")
}

fn regressions(case: &Case) -> Option<PathBuf> {
    let usual = case.regressions.as_ref()?;
    match env::var_os("FORETIME_REGRESSIONS").filter(|value| !value.is_empty()) {
        None => Some(usual.clone()).filter(|_| !case.has_no_source()),
        Some(none) if none == "none" => None,
        Some(folder) => Some(PathBuf::from(folder).join(usual.file_name()?)),
    }
}

/// Whether this variable is set to anything that does not say no.
fn is_on(name: &str) -> bool {
    env::var(name).is_ok_and(|value| !["", "0", "false"].contains(&&*value))
}

fn only() -> Result<Only, String> {
    let Some(value) = env::var("FORETIME_ONLY").ok().filter(|value| !value.is_empty()) else { return Ok(Only::default()) };
    let only: Only = value.parse().map_err(|wrong| format!("FORETIME_ONLY={value}: {wrong}.\n{HELP}"))?;
    let kinds: Vec<String> = Fault::ALL.iter().chain([&Fault::Custom]).map(|fault| kind_of_strike(*fault)).collect();
    match only.impossible(|kind| kinds.iter().any(|known| known == kind)) {
        None => Ok(only),
        Some(strike) => Err(format!(
            "FORETIME_ONLY={value}: {strike} is no fault: they are called as crash-1 or reply-lost:9f3a21c4:1.\n{HELP}"
        )),
    }
}

/// When runs begin, if the environment fixes that.
///
/// # Errors
/// It has something else than an instant.
pub fn starts_at() -> Result<Option<Start>, String> {
    let Some(value) = env::var("FORETIME_STARTS_AT").ok().filter(|value| !value.is_empty()) else { return Ok(None) };
    Start::parse(&value).map(Some).map_err(|why| format!("FORETIME_STARTS_AT={value}: {why}.\n{HELP}"))
}

/// The number that this variable has; `None` if it is not set, or empty.
///
/// # Errors
/// It has something else.
pub fn read<T: FromStr>(name: &str) -> Result<Option<T>, String> {
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

/// The span of time that this variable has, such as `500ms`, `30s` or `2h`; `None` if it is not set, or empty. Without a unit
/// it is in seconds.
///
/// # Errors
/// It has something else.
pub fn span(name: &str) -> Result<Option<Duration>, String> {
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
