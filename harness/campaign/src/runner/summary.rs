//! The results of all seeds, for people.

use std::{collections::BTreeMap, fmt, panic::Location, path::PathBuf, time::Duration};

use crate::{
    case::Case,
    choices::Only,
    finding::FindingKind,
    process::TEST,
    result::{RunFailure, RunResult},
    words::after,
};

const YEAR_NS: f64 = 365.0 * 24.0 * 3600.0 * 1e9;

/// The results of a test's seeds.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Summary {
    /// The test.
    pub test: String,
    /// How many seeds ran.
    pub runs: u64,
    /// How many of them ran twice for comparison.
    pub twice_count: u64,
    /// The sum of their virtual time.
    pub virtual_time: Duration,
    /// How long it took, in real time.
    pub elapsed: Duration,
    /// How many processes ran seeds at once.
    pub jobs: usize,
    /// Faults by kind.
    pub faults: BTreeMap<String, u64>,
    /// Workflow tasks that began with a replay.
    pub replays: u64,
    /// Histories, whole and cut, that the official replayer accepted.
    pub replays_checked: u64,
    /// Workflow runs.
    pub workflow_runs: u64,
    /// Effects on the outside world.
    pub effects: u64,
    /// Steps of the simulations.
    pub steps: u64,
    /// The hash of each run, by its seed. It covers what happened, was sent and was drawn, but no wording.
    pub hashes: BTreeMap<u64, u64>,
    /// The seed that took longest, and its time.
    pub slowest: Option<(u64, Duration)>,
    /// The seed with the most faults, and how many it had.
    pub most_faults: Option<(u64, u64)>,
    /// The directory with the report of a run that did not fail, if one was asked for.
    pub report: Option<PathBuf>,
    /// Claims of `sometimes!` that never held.
    pub never_held: Vec<String>,
    /// The types of activities that have faults of their own, and of which no run reached an attempt.
    pub never_reached: Vec<String>,
    /// What has become of the regressions that do not fail, one line each.
    pub regressions: Vec<String>,
    /// Regressions that the code no longer fits, one line each.
    pub rotten: Vec<String>,
    pub(super) claims: BTreeMap<String, bool>,
    /// The types of activities that have faults of their own or attempts, and whether an attempt began in any run.
    pub(super) activities: BTreeMap<String, bool>,
    /// Nothing was simulated.
    is_staged: bool,
    pub(super) failed: Option<Failed>,
}

/// The seed that failed.
#[derive(Clone, Debug)]
pub(super) struct Failed {
    pub seed: u64,
    pub failure: RunFailure,
    /// The directory of its report.
    pub report: Option<PathBuf>,
    pub story: Vec<String>,
    /// The command that repeats it.
    pub repeat: String,
    /// What is odd about it.
    pub note: Option<String>,
    /// Where it is kept as a regression.
    pub kept: Option<Keeping>,
}

/// What has become of a failing run.
#[derive(Clone, Debug)]
pub(super) enum Keeping {
    /// It is kept in this file.
    File(PathBuf),
    /// It is not kept, for this reason. The file with it, and where it belongs.
    Nowhere { why: String, copy: PathBuf, to: PathBuf },
}

impl fmt::Display for Keeping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(f, "{}, which runs first from now on", file.display()),
            Self::Nowhere { why, copy, to } => write!(f, "nowhere, because {why}; copy {} to {}", copy.display(), to.display()),
        }
    }
}

impl Failed {
    pub(super) fn new(case: &Case, seed: u64, failure: RunFailure) -> Self {
        let repeat = case.repeat(seed, &Only::default(), None);
        Self { seed, failure, report: None, story: Vec::new(), repeat, note: None, kept: None }
    }
}

impl Summary {
    /// Nothing has run.
    #[doc(hidden)]
    pub fn new(case: &Case) -> Self {
        Self {
            test: case.name.clone(),
            runs: 0,
            twice_count: 0,
            virtual_time: Duration::ZERO,
            elapsed: Duration::ZERO,
            jobs: 1,
            faults: BTreeMap::new(),
            replays: 0,
            replays_checked: 0,
            workflow_runs: 0,
            effects: 0,
            steps: 0,
            hashes: BTreeMap::new(),
            slowest: None,
            most_faults: None,
            report: None,
            never_held: Vec::new(),
            never_reached: Vec::new(),
            regressions: Vec::new(),
            rotten: Vec::new(),
            is_staged: false,
            claims: BTreeMap::new(),
            activities: BTreeMap::new(),
            failed: None,
        }
    }

    pub(super) fn add(&mut self, result: &RunResult) {
        self.runs += 1;
        self.virtual_time += Duration::from_nanos(result.virtual_ns);
        self.replays += result.replays;
        self.replays_checked += result.replays_checked;
        self.workflow_runs += result.runs_count;
        self.effects += result.effects_count;
        self.steps += result.steps;
        self.hashes.insert(result.seed, result.hash);
        for (fault, count) in &result.faults {
            *self.faults.entry(fault.clone()).or_default() += count;
        }
        for (claim, held) in &result.claims {
            *self.claims.entry(claim.clone()).or_default() |= held;
        }
        for (activity_type, has_begun) in &result.activities {
            *self.activities.entry(activity_type.clone()).or_default() |= has_begun;
        }
        let faults = result.faults.values().sum();
        if self.most_faults.is_none_or(|(_, most)| faults > most) {
            self.most_faults = Some((result.seed, faults));
        }
        let took = Duration::from_micros(result.real_us);
        if self.slowest.is_none_or(|(_, slowest)| took > slowest) {
            self.slowest = Some((result.seed, took));
        }
    }

    /// The test ran once, where nothing is simulated. It failed with this title and detail, or did not.
    #[doc(hidden)]
    pub fn staged(case: &Case, outcome: Result<(), (String, String)>) -> Self {
        let failed = outcome.err().map(|(title, detail)| {
            let failure = RunFailure {
                kind: FindingKind::Test,
                title,
                detail,
                process: TEST.to_owned(),
                at_ns: 0,
                likeness: 0,
                bare_likeness: None,
            };
            Failed::new(case, 0, failure)
        });
        Self { runs: 1, is_staged: true, failed, ..Self::new(case) }
    }

    /// Whether every run passed, at least one held each `sometimes!` and reached each activity that has faults of its own, and no
    /// regression is rotten.
    pub fn is_good(&self) -> bool {
        self.failed.is_none() && self.never_held.is_empty() && self.never_reached.is_empty() && self.rotten.is_empty()
    }

    /// The seed that failed, if one did.
    pub fn failed_seed(&self) -> Option<u64> {
        self.failed.as_ref().map(|failed| failed.seed)
    }

    /// Whether a seed failed and its failure (title, detail or story) contains this text.
    pub fn finds(&self, text: &str) -> bool {
        self.failed.as_ref().is_some_and(|Failed { failure, story, note, .. }| {
            [&failure.title, &failure.detail].into_iter().chain(story).chain(note).any(|line| line.contains(text))
        })
    }

    /// Virtual years.
    pub fn virtual_years(&self) -> f64 {
        self.virtual_time.as_secs_f64() * 1e9 / YEAR_NS
    }

    /// How many times faster than real time.
    pub fn speed_up(&self) -> f64 {
        self.virtual_time.as_secs_f64() / self.elapsed.as_secs_f64().max(1e-9)
    }
}

impl Summary {
    /// Why it is not good, and how to reproduce it; empty if it is good. `place`: where the test is.
    pub fn why(&self, place: Option<&Location<'_>>) -> String {
        let mut text = String::new();
        if let Some(Failed { seed, failure, report, story, note, repeat, kept }) = &self.failed {
            let place = place.map_or_else(String::new, |place| format!(" ({place})"));
            text = format!("seed {seed} of {}{place} failed: {}\n", self.test, failure.title);
            text += &format!("  on {}, {}\n", failure.process, after(failure.at_ns));
            for line in failure.detail.lines().chain(story.iter().map(String::as_str)).chain(note.as_deref()) {
                text += &format!("  {line}\n");
            }
            if let Some(report) = report {
                text += &format!("\nreport: {}\n", report.join("report.html").display());
            }
            text += &format!("repeat: {repeat}\n");
            if let Some(kept) = kept {
                text += &format!("kept: {kept}\n");
            }
        }
        for rotten in &self.rotten {
            text += &format!("rotten: {rotten}\n  {}\n", self.what_to_do_about_rot());
        }
        for claim in &self.never_held {
            text += &format!("sometimes! never held in {} runs: {claim}\n", self.runs);
        }
        for activity_type in &self.never_reached {
            text += &format!(
                "no run of {} reached an attempt of {activity_type}, which has faults of its own: is the name misspelt?{}\n",
                self.runs,
                self.reached()
            );
        }
        text
    }

    /// The activities that have had attempts, as a sentence.
    fn reached(&self) -> String {
        let begun: Vec<&str> = self.activities.iter().filter(|(_, has_begun)| **has_begun).map(|(it, _)| it.as_str()).collect();
        if begun.is_empty() { String::new() } else { format!(" There were attempts of {}.", begun.join(", ")) }
    }

    fn what_to_do_about_rot(&self) -> String {
        let searched = if self.failed.is_none() { format!("{} seeds passed. ", self.runs) } else { String::new() };
        format!(
            "The run that was kept can no longer come to pass. {searched}If its mistake is mended, FORETIME_PRUNE=1 drops it."
        )
    }

    /// Why a test that should find `text` fails.
    #[doc(hidden)]
    pub fn why_not_found(&self, text: &str, place: &Location<'_>) -> String {
        if self.failed.is_none() {
            return format!("{} ({place}) should find \"{text}\", but none of {} seeds failed\n", self.test, self.runs);
        }
        format!("{} ({place}) should find \"{text}\", but fails otherwise:\n{}", self.test, self.why(None))
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_staged {
            return writeln!(f, "{}: ran once, without simulation", self.test);
        }
        let faults: u64 = self.faults.values().sum();
        writeln!(
            f,
            "{}: {} runs in {:.1?}, {:.1} virtual years ({:.0} times as fast as life), {} workflow runs, {} steps",
            self.test,
            self.runs,
            self.elapsed,
            self.virtual_years(),
            self.speed_up(),
            self.workflow_runs,
            self.steps
        )?;
        let kinds: Vec<String> = self.faults.iter().map(|(fault, count)| format!("{fault} {count}")).collect();
        writeln!(f, "  {faults} faults: {}", if kinds.is_empty() { "none".to_owned() } else { kinds.join(", ") })?;
        writeln!(f, "  {} replays after a lost cache; {} histories replayed and accepted", self.replays, self.replays_checked)?;
        if let Some((seed, took)) = self.slowest {
            writeln!(f, "  slowest: seed {seed}, {took:.1?}; {} seeds ran twice, and were equal", self.twice_count)?;
        }
        for regression in &self.regressions {
            writeln!(f, "  regression {regression}")?;
        }
        if let Some(report) = &self.report {
            writeln!(f, "  report: {}", report.join("report.html").display())?;
        }
        f.write_str(&self.why(None))
    }
}
