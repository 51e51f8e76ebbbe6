//! A campaign: hands out seeds to processes, gathers the results, runs a share of the seeds twice to compare them, and explains
//! the first failing seed.

use std::{
    path::PathBuf,
    sync::{
        Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Instant,
};

use super::{
    difference, explain,
    job::Job,
    output,
    progress::{self, Progress},
    regressions,
    settings::Settings,
    summary::{Failed, Summary},
};
use crate::{
    case::Case,
    report,
    result::{Order, RunFailure, RunResult},
};

/// What the jobs share.
struct Shared<'a> {
    case: &'a Case,
    settings: &'a Settings,
    begun: Instant,
    next: AtomicU64,
    has_failed: AtomicBool,
    summary: Mutex<Summary>,
    progress: Progress,
}

/// Runs the seeds.
///
/// # Errors
/// The seeds could not be run at all.
pub fn run(case: &Case, settings: &Settings) -> Result<Summary, String> {
    if let Some(path) = &settings.tape {
        return shown(case, settings, regressions::read_tape(path)?.0.seed, || explain::tape(case, settings, path));
    }
    if let Some(seed) = settings.seed {
        let order = Order { only: settings.only.clone(), ..Order::of(seed) };
        return shown(case, settings, seed, || explain::one(case, settings, &order));
    }
    let mut first = Summary::new(case);
    let rotten = regressions::run_first(case, settings, &mut first)?;
    if first.failed.is_some() {
        return Ok(first);
    }
    let shared = Shared {
        case,
        settings,
        begun: Instant::now(),
        next: AtomicU64::new(0),
        has_failed: AtomicBool::new(false),
        summary: Mutex::new(first),
        progress: Progress::begin(case, settings),
    };
    let (running, over) = mpsc::channel::<()>();
    let errors: Vec<String> = thread::scope(|scope| {
        let progress = &shared.progress;
        scope.spawn(move || progress.tell_until(&over));
        let jobs: Vec<_> = (0..settings.jobs)
            .map(|core| {
                scope.spawn({
                    let shared = &shared;
                    move || shared.work(core)
                })
            })
            .collect();
        let errors = jobs
            .into_iter()
            .filter_map(|job| job.join().unwrap_or_else(|_| Err("a thread of the runner panicked".to_owned())).err())
            .collect();
        drop(running);
        errors
    });
    shared.progress.end();
    let mut summary = shared.summary.into_inner().unwrap_or_else(PoisonError::into_inner);
    summary.elapsed = shared.begun.elapsed();
    summary.jobs = settings.jobs;
    if let Some(error) = errors.into_iter().next()
        && summary.failed.is_none()
    {
        return Err(error);
    }
    if let Some(failed) = summary.failed.take() {
        let order = Order::of(failed.seed);
        let explained = progress::searching(&case.name, failed.seed, || explain::explain(case, settings, failed, &order));
        summary.failed = Some(explained?);
    } else {
        summary.never_held = never_held(case, &summary);
        summary.never_reached = never_reached(&summary);
        if let Some((seed, _)) = summary.most_faults.filter(|_| case.shows_one) {
            summary.report = explain::one(case, settings, &Order::of(seed))?.report;
        }
    }
    regressions::settle(rotten, settings, &mut summary)?;
    Ok(summary)
}

/// Does `work`, a run of this seed that a person asked for. What it prints is shown while it runs.
fn shown(
    case: &Case,
    settings: &Settings,
    seed: u64,
    work: impl FnOnce() -> Result<Summary, String>,
) -> Result<Summary, String> {
    let directory = report::files::directory(&settings.reports, case, seed)?;
    output::shown(&report::files::output(&directory), work)?
}

impl Shared<'_> {
    /// One job: takes seed after seed.
    fn work(&self, core: usize) -> Result<(), String> {
        let _place = Place::take(self.settings.jobs);
        let mut job = Job::start(self.case, core).map_err(|error| error.to_string())?;
        // A seed that runs twice runs in two processes that share nothing, not even their memory layout.
        let mut other = None;
        let mut ordered = self.order_next(&mut job)?;
        while let Some(seed) = ordered {
            let runs_twice = seed.is_multiple_of(self.settings.twice_every);
            // The next seed starts as soon as this one ends, without waiting for this thread. A comparison needs the job to
            // itself.
            let next = if runs_twice { None } else { self.order_next(&mut job)? };
            let result = job.result().map_err(|error| error.to_string())?;
            let mut differs = None;
            if runs_twice && result.failures.is_empty() {
                if other.is_none() {
                    other = Some(Job::start(self.case, core).map_err(|error| error.to_string())?);
                }
                if let Some(other) = &mut other {
                    differs = difference::look_for(&mut job, other, &result, || self.directory(seed))?;
                }
                self.summary().twice_count += 1;
            }
            self.gather(result, differs);
            ordered = if runs_twice { self.order_next(&mut job)? } else { next };
        }
        Ok(())
    }

    /// Orders the next seed, if there is one.
    fn order_next(&self, job: &mut Job) -> Result<Option<u64>, String> {
        let seed = self.next_seed();
        if let Some(seed) = seed {
            job.order(&Order::of(seed)).map_err(|error| error.to_string())?;
        }
        Ok(seed)
    }

    fn directory(&self, seed: u64) -> Result<PathBuf, String> {
        report::files::directory(&self.settings.reports, self.case, seed)
    }

    fn next_seed(&self) -> Option<u64> {
        if self.has_failed.load(Ordering::Relaxed) {
            return None;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let goes_on = match self.settings.budget {
            Some(budget) => self.begun.elapsed() < budget,
            None => number < self.settings.runs,
        };
        goes_on.then(|| self.settings.first + number)
    }

    fn gather(&self, result: RunResult, differs: Option<RunFailure>) {
        let mut summary = self.summary();
        summary.add(&result);
        let failure = result.failures.first().cloned().or(differs);
        if let Some(failure) = failure {
            self.has_failed.store(true, Ordering::Relaxed);
            if summary.failed.as_ref().is_none_or(|failed| result.seed < failed.seed) {
                summary.failed = Some(Failed::new(self.case, result.seed, failure));
            }
        }
        drop(summary);
        self.progress.seed_is_done();
    }

    fn summary(&self) -> std::sync::MutexGuard<'_, Summary> {
        self.summary.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The `sometimes!` claims that held in no run.
fn never_held(case: &Case, summary: &Summary) -> Vec<String> {
    let declared = case.claims.iter().map(|claim| ((*claim).to_owned(), false));
    let mut all: std::collections::BTreeMap<String, bool> = declared.collect();
    for (claim, held) in &summary.claims {
        *all.entry(claim.clone()).or_default() |= held;
    }
    all.into_iter().filter(|(_, held)| !held).map(|(claim, _)| claim).collect()
}

/// The activities with faults of their own of which no run reached an attempt. A misspelt name should not pass for a test.
fn never_reached(summary: &Summary) -> Vec<String> {
    summary.activities.iter().filter(|(_, has_begun)| !**has_begun).map(|(activity_type, _)| activity_type.clone()).collect()
}

/// A place for a job. All tests of one program together run no more jobs at once than one test may.
struct Place;

static PLACES: (Mutex<usize>, Condvar) = (Mutex::new(0), Condvar::new());

impl Place {
    fn take(most: usize) -> Self {
        let (taken, freed) = &PLACES;
        let mut count = taken.lock().unwrap_or_else(PoisonError::into_inner);
        while *count >= most {
            count = freed.wait(count).unwrap_or_else(PoisonError::into_inner);
        }
        *count += 1;
        Self
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let (taken, freed) = &PLACES;
        *taken.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        freed.notify_one();
    }
}
