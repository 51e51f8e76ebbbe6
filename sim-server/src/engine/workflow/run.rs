//! One run of a workflow: a machine of what its history tells and what it does not.

use super::{
    history::History,
    recorded::Recorded,
    volatile::{Stage, Volatile},
    workflow_task::{Sticky, WorkflowTask},
};
use crate::{
    engine::{
        execution::{
            By, Cx,
            conflict::Holder,
            machine::{Machine, Row},
        },
        kernel::{
            due::RunDue,
            key::{NamespaceId, RunKey, WorkerId},
            time::Time,
        },
        matching::queues::{QueueId, TaskKey},
    },
    proto::{
        common::WorkflowExecution,
        enums::WorkflowExecutionStatus,
        history::{HistoryEvent, WorkflowExecutionStartedEventAttributes, history_event::Attributes},
    },
};

/// One run of a workflow.
#[derive(Debug)]
pub(in crate::engine) struct Run {
    pub(super) key: RunKey,
    pub(super) namespace: NamespaceId,
    pub(super) recorded: Recorded,
    pub(super) volatile: Volatile,
}

impl Machine for Run {
    type Key = RunKey;
    type Due = RunDue;

    fn fall_due(&mut self, cx: &mut Cx<'_>, due: &[RunDue]) {
        self.all_fall_due(cx, due);
    }

    /// Flushes what is buffered, unless a worker has a workflow task now. A speculative task becomes a normal one, unless it is
    /// all that changed.
    fn end_transaction(&mut self, cx: &mut Cx<'_>) {
        self.enforce_buffer_limits(cx);
        if !std::mem::take(&mut self.volatile.keeps_speculative) {
            if Machine::is_running(self) {
                self.settle_speculative_task(cx, By::default());
            }
            self.volatile.transition_count += 1;
        }
        // Its start is always written.
        self.volatile.transition_count = self.volatile.transition_count.max(1);
        if self.started_task().is_none() {
            self.flush_buffer();
        }
        self.recorded.end_batch();
    }

    /// Its workflow task, and each activity that is not in backoff.
    fn holds(&self) -> i64 {
        let activities = self.volatile.attempts.values().filter(|attempt| attempt.is_in_flight()).count();
        activities as i64 + i64::from(self.has_workflow_task())
    }

    fn is_running(&self) -> bool {
        matches!(self.recorded.status, WorkflowExecutionStatus::Running | WorkflowExecutionStatus::Paused)
    }

    fn row(&self) -> Row<'_> {
        let recorded = &*self.recorded;
        let facts = &recorded.facts;
        Row {
            namespace: self.namespace,
            id: &facts.workflow_id,
            run_id: &recorded.run_id,
            type_name: &facts.workflow_type,
            task_queue: &facts.task_queue,
            status: self.status(),
            start_time: facts.start_time,
            execution_time: facts.execution_time,
            close_time: recorded.close_time,
            parent: facts.parent.as_deref().map(|parent| (&*parent.workflow_id, &*parent.run_id)),
            root: facts.root.as_deref().map_or((&facts.workflow_id, &recorded.run_id), |(id, run_id)| (id, run_id)),
            history_length: self.history().last_id(),
            history_size_bytes: self.history().size_bytes() as i64,
            transition_count: self.transition_count(),
            memo: &recorded.memo,
            search_attributes: &recorded.search_attributes,
        }
    }

    fn row_revision(&self) -> u32 {
        self.recorded.row_revision + self.volatile.row_revision
    }
}

/// What other rooms ask.
impl Run {
    pub(in crate::engine) fn namespace(&self) -> NamespaceId {
        self.namespace
    }

    pub(in crate::engine) fn workflow_id(&self) -> &str {
        &self.recorded.facts.workflow_id
    }

    pub(in crate::engine) fn key(&self) -> RunKey {
        self.key
    }

    pub(in crate::engine) fn run_id(&self) -> &str {
        &self.recorded.run_id
    }

    pub(in crate::engine) fn first_run_id(&self) -> &str {
        &self.recorded.facts.first_run_id
    }

    pub(in crate::engine) fn workflow_type(&self) -> &str {
        &self.recorded.facts.workflow_type
    }

    pub(in crate::engine) fn task_queue(&self) -> &str {
        &self.recorded.facts.task_queue
    }

    /// As who has its workflow id.
    pub(in crate::engine) fn holder(&self) -> Holder<'_> {
        Holder { id: self.workflow_id(), run_id: self.run_id(), status: self.status() }
    }

    pub(in crate::engine) fn execution(&self) -> WorkflowExecution {
        WorkflowExecution { workflow_id: self.workflow_id().to_owned(), run_id: self.run_id().to_owned() }
    }

    pub(in crate::engine) fn close_time(&self) -> Option<Time> {
        self.recorded.close_time
    }

    pub(in crate::engine) fn is_running(&self) -> bool {
        Machine::is_running(self)
    }

    pub(in crate::engine) fn history(&self) -> &History {
        self.recorded.history()
    }

    /// The attributes of its started event.
    pub(in crate::engine) fn started_attributes(&self) -> WorkflowExecutionStartedEventAttributes {
        match self.history().get(1).and_then(|event| event.attributes) {
            Some(Attributes::WorkflowExecutionStartedEventAttributes(attributes)) => attributes,
            _ => WorkflowExecutionStartedEventAttributes::default(),
        }
    }

    /// The started event of its last completed workflow task; 0 before the first.
    pub(in crate::engine) fn last_started_event_id(&self) -> i64 {
        self.recorded.last_started_event_id
    }

    /// The run that follows it, if one does.
    pub(in crate::engine) fn next_run_id(&self) -> Option<&str> {
        Some(self.recorded.new_run_id.as_str()).filter(|run_id| !run_id.is_empty())
    }

    /// Whether another run follows it.
    pub(in crate::engine) fn is_followed(&self) -> bool {
        !self.recorded.new_run_id.is_empty()
    }

    /// The run that it continued as new as.
    pub(in crate::engine) fn continued_as(&self) -> Option<&str> {
        let is_continued = self.recorded.status == WorkflowExecutionStatus::ContinuedAsNew;
        is_continued.then_some(self.recorded.new_run_id.as_str())
    }

    /// Whether a workflow task of it has ever been completed.
    pub(in crate::engine) fn has_begun_work(&self) -> bool {
        self.recorded.last_started_event_id != 0
    }

    /// Whether a workflow task waits for a worker, or has one.
    pub(in crate::engine) fn has_workflow_task(&self) -> bool {
        self.workflow_task().is_some()
    }

    /// The workflow task that a worker has, by its started event and its attempt.
    pub(in crate::engine) fn started_task(&self) -> Option<(i64, i32)> {
        match self.workflow_task() {
            WorkflowTask::Started(_, started) => Some((started.started_event_id, self.volatile.attempt)),
            WorkflowTask::None | WorkflowTask::Scheduled(_) => None,
        }
    }

    /// The attempt of the workflow task that there is, or of the next one; from 1.
    pub(in crate::engine) fn workflow_task_attempt(&self) -> i32 {
        self.volatile.attempt
    }

    /// The workflow id at the root of its tree, if that is another workflow.
    pub(in crate::engine) fn root_workflow_id(&self) -> Option<&str> {
        self.recorded.facts.root.as_deref().map(|(workflow_id, _)| workflow_id.as_str())
    }

    /// The run id at the root of its tree, if that is another workflow.
    pub(in crate::engine) fn root_run_id(&self) -> Option<&str> {
        self.recorded.facts.root.as_deref().map(|(_, run_id)| run_id.as_str())
    }

    /// Where its tasks wait for workers.
    pub(in crate::engine) fn places(&self) -> impl Iterator<Item = TaskKey> {
        let activities = self.volatile.attempts.values().filter_map(|attempt| attempt.place());
        self.volatile.task.place.into_iter().chain(activities)
    }

    /// The worker that last took a workflow task of it.
    pub(in crate::engine) fn last_worker(&self) -> Option<WorkerId> {
        self.volatile.task.worker
    }

    /// When the workflow task that there is was scheduled.
    pub(in crate::engine) fn workflow_task_scheduled_time(&self) -> Time {
        self.volatile.task.scheduled_time
    }

    /// When the first of the chain of heartbeats was scheduled that it belongs to.
    pub(super) fn workflow_task_original_scheduled_time(&self) -> Time {
        self.volatile.task.original_scheduled_time
    }

    /// Transactions so far.
    pub(super) fn transition_count(&self) -> i64 {
        self.volatile.transition_count
    }

    /// When its first workflow task is due: as it starts, or after a start delay, a cron's pause or that of a retry.
    pub(in crate::engine) fn execution_time(&self) -> Time {
        self.recorded.facts.execution_time
    }

    /// The queue of the worker that has it in its cache.
    pub(in crate::engine) fn sticky(&self) -> Option<&Sticky> {
        self.volatile.sticky.as_ref()
    }

    /// Whether the worker that polls this queue has it in its cache.
    pub(in crate::engine) fn has_cached(&self, queue: QueueId) -> bool {
        self.volatile.sticky.as_ref().is_some_and(|sticky| sticky.queue == queue)
    }

    /// The events that came while a worker had a workflow task, and are not written yet.
    pub(super) fn buffered(&self) -> &[HistoryEvent] {
        &self.volatile.buffer
    }

    /// The event that the first command writes with which the task is completed that a worker has: behind the completed event
    /// of the task, and its own events where they are not written yet.
    pub(super) fn next_command_event_id(&self) -> i64 {
        let unwritten = if self.volatile.unwritten.is_some() { 2 } else { 0 };
        self.history().next_id() + unwritten + 1
    }

    /// Several things fall due at once: notes that a workflow task is wanted at their end.
    pub(super) fn is_deferring_tasks(&mut self) -> bool {
        match &mut self.volatile.stage {
            Stage::FallingDue { wants_task } => {
                *wants_task = true;
                true
            }
            Stage::Usual | Stage::Completing => false,
        }
    }

    /// Sets a search attribute that the server keeps, and that no event tells of; without values it takes it away.
    pub(super) fn note_unwritten(&mut self, name: &str, values: &[String]) {
        self.recorded.note_unwritten(name, values);
        self.volatile.row_revision += 1;
    }

    /// Checks that a rebuild from its history gives the same run, in all that history tells.
    ///
    /// # Panics
    /// If it does not.
    pub(in crate::engine) fn verify_rebuild(&self) {
        let mut rebuilt = Recorded::rebuild(self.run_id().to_owned(), self.history().clone());
        rebuilt.copy_unwritten(&self.recorded);
        assert!(rebuilt == self.recorded, "a run is {:?}, but its history makes it {rebuilt:?}", self.recorded);
    }
}
