//! Which attempt of an activity a thread is running, and which are under way.

use std::{collections::BTreeMap, future::Future};

use foretime_campaign::{attempt::Attempt, process::ProcessId};

tokio::task_local! {
    /// The attempt whose code a task runs, and its number among those that have begun.
    static CURRENT: (u64, Attempt);
}

/// The attempt whose code calls this, if any. It does not see tasks or threads that the activity started: see [`UnderWay`].
pub(crate) fn current() -> Option<Attempt> {
    CURRENT.try_with(|(_, attempt)| attempt.clone()).ok()
}

/// The same, with its number among those that have begun.
pub(crate) fn current_with_number() -> Option<(u64, Attempt)> {
    CURRENT.try_with(Clone::clone).ok()
}

/// Does the work of this attempt. `number`: of [`UnderWay::begin`].
pub(crate) fn within<F: Future>(number: u64, attempt: Attempt, work: F) -> impl Future<Output = F::Output> {
    CURRENT.scope((number, attempt), work)
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
        self.numbered(process).map(|(_, attempt)| attempt)
    }

    /// The one in this process, if there is one and no other.
    pub(crate) fn only_one_of(&self, process: ProcessId) -> Option<&Attempt> {
        let mut attempts = self.of(process);
        attempts.next().filter(|_| attempts.next().is_none())
    }

    /// Those in this process, with their numbers.
    pub(crate) fn numbered(&self, process: ProcessId) -> impl Iterator<Item = (u64, &Attempt)> {
        let of_process = self.attempts.iter().filter(move |(_, (of, _))| *of == process);
        of_process.map(|(number, (_, attempt))| (*number, attempt))
    }
}
