//! Runs that are paused: no workflow task begins, and no activity that waits goes to a worker
//! (`ApplyWorkflowExecutionPausedEvent`). What a worker has already, it may finish. Signals, timers and ends of children are
//! written as usual, and all timeouts run.

use super::{recorded::RunPause, run::Run, workflow_task::WorkflowTask};
use crate::{
    engine::{
        execution::{By, Cx},
        kernel::{error::Error, time::Time},
        rules::updates,
    },
    proto::{
        enums::{WorkflowExecutionStatus, WorkflowTaskFailedCause},
        history::{
            WorkflowExecutionPausedEventAttributes, WorkflowExecutionUnpausedEventAttributes, history_event::Attributes,
        },
    },
};

/// The search attribute that says what of a run is paused.
const PAUSE_INFO: &str = "TemporalPauseInfo";

/// Who pauses or unpauses a run, and why.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct ByWhom {
    pub(in crate::engine) identity: String,
    pub(in crate::engine) reason: String,
    pub(in crate::engine) request_id: String,
}

impl Run {
    /// The last pause or unpause that is buffered: it counts already. `Some(None)`: an unpause.
    fn buffered_pause(&self) -> Option<Option<RunPause>> {
        self.volatile.buffer.iter().rev().find_map(|event| match &event.attributes {
            Some(Attributes::WorkflowExecutionPausedEventAttributes(paused)) => Some(Some(RunPause {
                at: event.event_time.as_ref().map(Time::from_proto).unwrap_or_default(),
                identity: paused.identity.clone(),
                reason: paused.reason.clone(),
                request_id: paused.request_id.clone(),
            })),
            Some(Attributes::WorkflowExecutionUnpausedEventAttributes(_)) => Some(None),
            _ => None,
        })
    }

    /// The pause that it is in, or was in when it closed.
    pub(in crate::engine) fn pause(&self) -> Option<RunPause> {
        self.buffered_pause().unwrap_or_else(|| self.recorded.pause.as_deref().cloned())
    }

    /// Whether it is open, and paused.
    pub(in crate::engine) fn is_paused(&self) -> bool {
        self.status() == WorkflowExecutionStatus::Paused
    }

    /// Whether nobody waits for its events any more. On the real server that is so of a paused run as well: who awaits its end gets
    /// its last event instead (`api/getworkflowexecutionhistory`).
    pub(in crate::engine) fn ends_waits(&self) -> bool {
        self.status() != WorkflowExecutionStatus::Running
    }

    pub(in crate::engine) fn status(&self) -> WorkflowExecutionStatus {
        if !self.is_running() {
            return self.recorded.status;
        }
        match self.buffered_pause() {
            Some(Some(_)) => WorkflowExecutionStatus::Paused,
            Some(None) => WorkflowExecutionStatus::Running,
            None => self.recorded.status,
        }
    }

    /// Pauses it. A workflow task that waits for a worker fails, or there would be nothing to end it.
    pub(in crate::engine) fn begin_pause(&mut self, cx: &mut Cx<'_>, by: ByWhom) {
        if matches!(self.workflow_task(), WorkflowTask::Scheduled(_)) {
            let was_there_for_updates = self.is_task_speculative();
            self.fail_waiting_task(cx, WorkflowTaskFailedCause::WorkflowPauseRequestedBeforeTaskStarted);
            if was_there_for_updates {
                // They are lost with it, and asked for again, which is refused now.
                self.abort_pending_updates(&Error::FailedPrecondition(updates::PAUSED.to_owned()));
            }
        }
        let ByWhom { identity, reason, request_id } = by;
        let attributes = WorkflowExecutionPausedEventAttributes { identity, reason, request_id };
        self.add_event(cx, Attributes::WorkflowExecutionPausedEventAttributes(attributes));
        let home = self.home();
        self.volatile.attempts.values_mut().for_each(|attempt| attempt.hold_back(cx, home));
        self.note_pauses();
    }

    /// Unpauses it. It gets a workflow task, whatever has happened meanwhile.
    pub(in crate::engine) fn end_pause(&mut self, cx: &mut Cx<'_>, by: ByWhom) {
        let ByWhom { identity, reason, request_id } = by;
        let attributes = WorkflowExecutionUnpausedEventAttributes { identity, reason, request_id };
        self.add_event(cx, Attributes::WorkflowExecutionUnpausedEventAttributes(attributes));
        let home = self.home();
        self.volatile.attempts.values_mut().for_each(|attempt| attempt.let_go(cx, home));
        self.note_pauses();
        if !self.has_workflow_task() {
            // Something has happened since the last one: the next is no mere repetition.
            self.volatile.attempt = 1;
        }
        self.schedule_workflow_task(cx);
    }

    /// Fails a workflow task that no worker has. The next one counts as a first attempt.
    fn fail_waiting_task(&mut self, cx: &mut Cx<'_>, cause: WorkflowTaskFailedCause) {
        self.start_speculative_task_for_nobody(cx);
        self.give_up_for_cause(cx, cause, None, By::SERVER);
        self.volatile.attempt = 1;
    }

    /// Writes down for the search what of it is paused now (`updatePauseInfoSearchAttribute`).
    pub(super) fn note_pauses(&mut self) {
        let mut entries = Vec::new();
        if let Some(pause) = self.pause() {
            entries.push(format!("Workflow:{}", self.workflow_id()));
            entries.extend((!pause.reason.is_empty()).then(|| format!("Reason:{}", pause.reason)));
        }
        let paused = self.pending_activities().filter(|(.., attempt)| attempt.pause().is_some());
        let mut types: Vec<&str> = paused.map(|(_, scheduled, _)| scheduled.activity.activity_type.as_str()).collect();
        types.sort_unstable();
        types.dedup();
        entries.extend(types.into_iter().map(|activity_type| format!("property:activityType={activity_type}")));
        self.note_unwritten(PAUSE_INFO, &entries);
    }
}
