//! The callers that wait for updates.

use std::collections::{BTreeMap, VecDeque};

use crate::{
    engine::{
        kernel::{key::RunKey, tickets::Ticket},
        workflow::calls::multi_operation::Started,
    },
    proto::enums::UpdateWorkflowExecutionLifecycleStage as Stage,
};

/// A caller that waits for an update of a run.
#[derive(Debug)]
pub(in crate::engine) struct Waiter {
    pub(in crate::engine) ticket: Ticket,
    pub(in crate::engine) update_id: String,
    /// What it waits for.
    pub(in crate::engine) stage: Stage,
    pub(in crate::engine) call: Call,
}

/// What it called.
#[derive(Debug)]
pub(in crate::engine) enum Call {
    /// UpdateWorkflowExecution, with the request id of the update.
    Update { request_id: String },
    /// PollWorkflowExecutionUpdate.
    Poll,
    /// ExecuteMultiOperation, with what has become of the start.
    UpdateWithStart(Box<Started>),
}

/// The callers that wait, by run.
#[derive(Debug, Default)]
pub(in crate::engine) struct UpdateWaiters {
    of: BTreeMap<RunKey, Vec<Waiter>>,
    /// How many of them wait for an outcome.
    outcome_count: usize,
    /// Those whose workflow closed before it had processed the update, and who may start it anew.
    to_start_anew: VecDeque<Waiter>,
}

impl UpdateWaiters {
    pub(in crate::engine) fn add(&mut self, run: RunKey, waiter: Waiter) {
        self.outcome_count += usize::from(waiter.stage == Stage::Completed);
        self.of.entry(run).or_default().push(waiter);
    }

    /// How many callers wait.
    pub(in crate::engine) fn count(&self) -> usize {
        self.of.values().map(Vec::len).sum::<usize>() + self.to_start_anew.len()
    }

    /// How many callers wait for the outcome of an update.
    pub(in crate::engine) fn outcome_count(&self) -> usize {
        self.outcome_count
    }

    pub(in crate::engine) fn is_empty(&self, run: RunKey) -> bool {
        !self.of.contains_key(&run)
    }

    /// Takes the waiters of a run that `is_done` names, in the order in which they came.
    pub(in crate::engine) fn take(&mut self, run: RunKey, mut is_done: impl FnMut(&Waiter) -> bool) -> Vec<Waiter> {
        let Some(waiting) = self.of.get_mut(&run) else { return Vec::new() };
        let taken: Vec<Waiter> = waiting.extract_if(.., |waiter| is_done(waiter)).collect();
        if waiting.is_empty() {
            self.of.remove(&run);
        }
        self.outcome_count -= taken.iter().filter(|waiter| waiter.stage == Stage::Completed).count();
        taken
    }

    pub(in crate::engine) fn start_anew(&mut self, waiter: Waiter) {
        self.to_start_anew.push_back(waiter);
    }

    pub(in crate::engine) fn next_to_start_anew(&mut self) -> Option<Waiter> {
        self.to_start_anew.pop_front()
    }

    /// Takes the waiter whose wait is over.
    pub(in crate::engine) fn remove(&mut self, run: RunKey, ticket: Ticket) -> Option<Waiter> {
        self.take(run, |waiter| waiter.ticket == ticket).pop()
    }
}
