//! Time that runs away: something fails for ever, and an awaited test would skip through the centuries with it.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    config::RunawayLimits,
    engine::kernel::{
        key::{ActivityKey, ActivityOwner, RunKey},
        time::Time,
    },
};

/// As many runs of a chain may follow each other at one instant of virtual time.
const FOLLOWERS_MAX: u32 = 1000;

/// What can fail again and again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Subject {
    Activity(ActivityKey),
    WorkflowTask(RunKey),
    /// The runs of a chain, by the id of its first.
    Chain(String),
}

#[derive(Debug)]
struct Failures {
    count: u32,
    /// The skips that had been made at the last one that counted.
    skip_count: u64,
}

/// What has failed too often.
#[derive(Debug)]
struct Exceeded {
    run: RunKey,
    text: String,
    is_told: bool,
}

/// Counts failures that nothing else comes between, and the time that is skipped without an end.
#[derive(Debug)]
pub(crate) struct Runaway {
    limits: RunawayLimits,
    failures: BTreeMap<Subject, Failures>,
    skip_count: u64,
    /// Skipped since a client last did something, or got what it awaited.
    skipped: Duration,
    /// How many runs of each chain have followed others at one instant.
    followers: BTreeMap<String, u32>,
    followers_at: Time,
    /// What has failed too often.
    exceeded: BTreeMap<Subject, Exceeded>,
    /// Why time no longer skips, if it has gone too far.
    too_far: Option<String>,
}

impl Runaway {
    pub(crate) fn new(limits: RunawayLimits) -> Self {
        Self {
            limits,
            failures: BTreeMap::new(),
            skip_count: 0,
            skipped: Duration::ZERO,
            followers: BTreeMap::new(),
            followers_at: Time::EPOCH,
            exceeded: BTreeMap::new(),
            too_far: None,
        }
    }

    /// Why time no longer skips, if it has gone too far.
    pub(crate) fn too_far(&self) -> Option<&str> {
        self.too_far.as_deref()
    }

    /// What has failed too often: a run of the workflow, and what is to be said.
    pub(crate) fn exceeded(&self) -> impl Iterator<Item = (RunKey, &str)> {
        self.exceeded.values().map(|exceeded| (exceeded.run, exceeded.text.as_str()))
    }

    /// Takes what has not been said yet of these runs.
    pub(crate) fn take_untold(&mut self, is_of_interest: impl Fn(RunKey) -> bool) -> Vec<String> {
        let untold = self.exceeded.values_mut().filter(|exceeded| !exceeded.is_told && is_of_interest(exceeded.run));
        untold
            .map(|exceeded| {
                exceeded.is_told = true;
                exceeded.text.clone()
            })
            .collect()
    }

    /// Whether a workflow is terminated for which time would stop skipping.
    pub(crate) fn is_fail_fast(&self) -> bool {
        self.limits.is_fail_fast
    }

    /// Time has skipped. `is_bounded`: towards an end that somebody named. Whether it has gone too far.
    pub(crate) fn skipped(&mut self, span: Duration, is_bounded: bool) -> bool {
        self.skip_count += 1;
        if is_bounded {
            return false;
        }
        self.skipped += span;
        self.skipped >= self.limits.skipped_max && self.too_far.is_none()
    }

    /// Time has gone too far, at last to `last`, and stops skipping. Gives what is to be said.
    pub(crate) fn stop(&mut self, last: &str) -> String {
        let years = self.skipped.as_secs() / (365 * 24 * 60 * 60);
        let text =
            format!("time no longer skips: {years} virtual years have passed within one wait, the last of them to {last}");
        self.too_far = Some(text.clone());
        text
    }

    /// An attempt failed, or a run that another follows, of the workflow that `run` belongs to. Only those count that time skipped to.
    /// `tell` names it and its failure, if it is one too many. Gives the whole text if the workflow is to be terminated for it.
    pub(crate) fn failed(&mut self, subject: Subject, run: RunKey, tell: impl FnOnce(u32) -> String) -> Option<String> {
        let skip_count = self.skip_count;
        let failures = self.failures.entry(subject.clone()).or_insert(Failures { count: 0, skip_count });
        if failures.count > 0 && failures.skip_count == skip_count {
            return None;
        }
        failures.count += 1;
        failures.skip_count = skip_count;
        if failures.count < self.limits.failed_attempts_max || self.exceeded.contains_key(&subject) {
            return None;
        }
        let what = tell(failures.count);
        if self.limits.is_fail_fast {
            self.failures.remove(&subject);
            return Some(format!("{what}, and nothing else happened"));
        }
        let text = format!("time no longer skips: {what}, and nothing else happens");
        self.exceeded.insert(subject, Exceeded { run, text, is_told: false });
        None
    }

    /// Something else happened, to a run of this chain. What counts the runs of that chain goes on.
    pub(crate) fn progressed(&mut self, first_run_id: &str) {
        if self.failures.is_empty() {
            return;
        }
        let is_own = |subject: &Subject| matches!(subject, Subject::Chain(of) if of == first_run_id);
        self.failures.retain(|subject, _| is_own(subject));
        self.exceeded.retain(|subject, _| is_own(subject));
    }

    /// This run is deleted.
    pub(crate) fn forget(&mut self, run: RunKey) {
        let is_of = |subject: &Subject| match subject {
            Subject::Activity(ActivityKey { owner: ActivityOwner::Run(of), .. }) | Subject::WorkflowTask(of) => *of == run,
            Subject::Chain(_) => false,
        };
        self.failures.retain(|subject, _| !is_of(subject));
        self.exceeded.retain(|subject, exceeded| !is_of(subject) && exceeded.run != run);
    }

    /// A run of this chain follows another. Whether it is one too many at one instant.
    pub(crate) fn follows(&mut self, first_run_id: &str, now: Time) -> bool {
        if self.followers_at != now {
            self.followers_at = now;
            self.followers.clear();
        }
        let count = self.followers.entry(first_run_id.to_owned()).or_default();
        *count += 1;
        *count > FOLLOWERS_MAX
    }

    /// A client did something, or got what it awaited.
    pub(crate) fn begin_anew(&mut self) {
        self.failures.clear();
        self.skipped = Duration::ZERO;
        self.exceeded.clear();
        self.too_far = None;
    }
}
