//! What the worker has done so far.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use tokio::time::sleep;

use super::plan::Step;

/// How often a waiting measurement looks: often compared with a run, but seldom compared with the worker's own work.
const LOOK: Duration = Duration::from_millis(5);
/// How many failed calls are kept as text.
const NOTES: usize = 5;
/// After this many failed calls the server is considered broken.
const FAILURES: usize = 10_000;

/// Counters of one worker.
#[derive(Debug, Default)]
pub struct Tally {
    workflow_tasks: AtomicUsize,
    last_timers: AtomicUsize,
    completed: AtomicUsize,
    failures: AtomicUsize,
    last: Mutex<Last>,
}

#[derive(Debug, Default)]
struct Last {
    progress: Option<Instant>,
    notes: Vec<String>,
}

/// How long a run may take: in total, and without any progress.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// In total.
    pub limit: Duration,
    /// Without a workflow task answered. Longer than a workflow task's timeout of 10 s, so that a server may recover.
    pub stall: Duration,
}

/// How a wait ended.
#[derive(Clone, Copy, Debug)]
pub struct End {
    /// `done`, or the bound that was passed: `limit` or `stall`.
    pub by: &'static str,
    /// From the start to the last workflow task answered.
    pub wall: Duration,
}

impl Tally {
    /// Counts a workflow task whose answer the server accepted.
    pub fn answered(&self, step: Step) {
        self.workflow_tasks.fetch_add(1, Ordering::Relaxed);
        match step {
            Step::On => {}
            Step::LastTimer => _ = self.last_timers.fetch_add(1, Ordering::Relaxed),
            Step::Complete => _ = self.completed.fetch_add(1, Ordering::Relaxed),
        }
        self.last().progress = Some(Instant::now());
    }

    /// Counts a call that failed, or a task that could not be answered.
    pub fn failed(&self, what: impl Into<String>) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        let mut last = self.last();
        if last.notes.len() < NOTES {
            last.notes.push(what.into());
        }
    }

    /// Workflow tasks answered.
    pub fn workflow_tasks(&self) -> usize {
        self.workflow_tasks.load(Ordering::Relaxed)
    }

    /// Workflows that started their last timer.
    pub fn last_timers(&self) -> usize {
        self.last_timers.load(Ordering::Relaxed)
    }

    /// Workflows completed.
    pub fn completed(&self) -> usize {
        self.completed.load(Ordering::Relaxed)
    }

    /// Calls that failed.
    pub fn failures(&self) -> usize {
        self.failures.load(Ordering::Relaxed)
    }

    /// The first few failures, as text.
    pub fn notes(&self) -> Vec<String> {
        self.last().notes.clone()
    }

    /// Waits until `count` of this tally is `target`, or a bound is exceeded.
    ///
    /// # Errors
    /// More than 10,000 calls have failed.
    pub async fn wait(&self, start: Instant, bounds: Bounds, target: usize, count: fn(&Self) -> usize) -> Result<End> {
        loop {
            let progress = self.last().progress.map_or(start, |progress| progress.max(start));
            let by = if count(self) >= target {
                "done"
            } else if start.elapsed() > bounds.limit {
                "limit"
            } else if progress.elapsed() > bounds.stall {
                "stall"
            } else {
                ""
            };
            if !by.is_empty() {
                return Ok(End { by, wall: progress - start });
            }
            if self.failures() > FAILURES {
                bail!("{} calls failed; the first: {}", self.failures(), self.notes().join("; "));
            }
            sleep(LOOK).await;
        }
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
