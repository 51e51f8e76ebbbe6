//! Attempts of activities: how an attempt is named, which attempt a thread is running, and which are under way.

use std::{collections::BTreeMap, fmt, future::Future};

use crate::os::ProcessId;

/// An attempt of an activity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) workflow_id: String,
    pub(crate) run_id: String,
    pub(crate) activity_id: String,
    pub(crate) activity_type: String,
    pub(crate) attempt: u32,
}

impl Attempt {
    /// The form that stories use within a sentence.
    pub(crate) fn subject(&self) -> String {
        subject(&self.activity_type, &self.workflow_id, self.attempt)
    }
}

/// An attempt within a sentence. `of`: which workflow, or which run.
pub(crate) fn subject(activity_type: &str, of: &str, attempt: u32) -> String {
    format!("{activity_type} of {of} (attempt {attempt})")
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}, attempt {}", self.activity_type, self.workflow_id, self.attempt)
    }
}

tokio::task_local! {
    /// The attempt whose code a task runs.
    static CURRENT: Attempt;
}

/// The attempt whose code calls this, if any. It does not see tasks or threads that the activity started: see [`UnderWay`].
pub(crate) fn current() -> Option<Attempt> {
    CURRENT.try_with(Clone::clone).ok()
}

/// Does the work of this attempt.
pub(crate) fn within<F: Future>(attempt: Attempt, work: F) -> impl Future<Output = F::Output> {
    CURRENT.scope(attempt, work)
}

/// The attempts under way, in all processes.
#[derive(Debug, Default)]
pub(crate) struct UnderWay {
    begun_count: u64,
    attempts: BTreeMap<u64, (ProcessId, Attempt)>,
}

impl UnderWay {
    /// Notes that an attempt begins; pass the number to [`Self::end`].
    pub(crate) fn begin(&mut self, process: ProcessId, attempt: Attempt) -> u64 {
        self.begun_count += 1;
        self.attempts.insert(self.begun_count, (process, attempt));
        self.begun_count
    }

    /// Notes that it, or its process, has ended.
    pub(crate) fn end(&mut self, number: u64) {
        self.attempts.remove(&number);
    }

    /// Those in this process.
    pub(crate) fn of(&self, process: ProcessId) -> impl Iterator<Item = &Attempt> {
        self.attempts.values().filter(move |(of, _)| *of == process).map(|(_, attempt)| attempt)
    }
}
