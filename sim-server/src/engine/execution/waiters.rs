//! The callers that wait for new events of an execution.

use std::collections::BTreeMap;

use crate::engine::kernel::{
    key::{Connection, RunKey},
    tickets::Ticket,
};

/// The end of a run, as those see it who wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It runs.
    Ahead,
    /// It has closed, and nobody is told yet.
    Held,
    /// It has closed.
    Told,
}

/// One caller that waits for new events of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiter {
    pub(crate) ticket: Ticket,
    pub(crate) connection: Connection,
    /// Answered once an event with this id exists; a wait for the close event is never answered by count.
    pub(crate) from: i64,
    pub(crate) close_event_only: bool,
    /// It waits for the end of the run, in whatever way.
    pub(crate) awaits_end: bool,
    pub(crate) follows_next_run_id: bool,
    /// A wait in vain gives a token to go on with.
    pub(crate) goes_on: bool,
}

impl Waiter {
    /// Whether what it waits for is there: `next_id` is the id that the next event gets.
    pub(crate) fn is_ready(&self, end: End, next_id: i64) -> bool {
        match end {
            End::Told => true,
            End::Held => !self.close_event_only,
            End::Ahead => !self.close_event_only && self.from < next_id,
        }
    }
}

/// The callers that wait, by run.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    of: BTreeMap<RunKey, Vec<Waiter>>,
    /// How many of them wait for the end of a run.
    end_count: usize,
}

impl Waiters {
    pub(crate) fn add(&mut self, run: RunKey, waiter: Waiter) {
        self.end_count += usize::from(waiter.awaits_end);
        self.of.entry(run).or_default().push(waiter);
    }

    /// How many callers wait.
    pub(crate) fn count(&self) -> usize {
        self.of.values().map(Vec::len).sum()
    }

    /// How many callers wait for the end of a run.
    pub(crate) fn end_count(&self) -> usize {
        self.end_count
    }

    /// Whether somebody waits for the end of this run.
    pub(crate) fn awaits_end(&self, run: RunKey) -> bool {
        self.of.get(&run).is_some_and(|waiting| waiting.iter().any(|waiter| waiter.awaits_end))
    }

    /// The runs that somebody waits for.
    pub(crate) fn runs(&self) -> Vec<RunKey> {
        self.of.keys().copied().collect()
    }

    /// Takes the waiters that are ready, in the order in which they came.
    pub(crate) fn take_ready(&mut self, run: RunKey, end: End, next_id: i64) -> Vec<Waiter> {
        let Some(waiting) = self.of.get_mut(&run) else { return Vec::new() };
        let ready: Vec<Waiter> = waiting.extract_if(.., |waiter| waiter.is_ready(end, next_id)).collect();
        if waiting.is_empty() {
            self.of.remove(&run);
        }
        self.end_count -= ready.iter().filter(|waiter| waiter.awaits_end).count();
        ready
    }

    /// Takes the waiter whose wait is over.
    pub(crate) fn remove(&mut self, run: RunKey, ticket: Ticket) -> Option<Waiter> {
        let waiting = self.of.get_mut(&run)?;
        let at = waiting.iter().position(|waiter| waiter.ticket == ticket)?;
        let waiter = waiting.remove(at);
        if waiting.is_empty() {
            self.of.remove(&run);
        }
        self.end_count -= usize::from(waiter.awaits_end);
        Some(waiter)
    }
}
