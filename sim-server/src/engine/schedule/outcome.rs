//! What has become of a workflow that a schedule started (`processWatcherResult` in `workflow.go`).

use prost::Message;

use super::schedule::Schedule;
use crate::{
    engine::rules::limits::Limits,
    proto::{common::Payloads, enums::WorkflowExecutionStatus as Status, failure::Failure, history::history_event::Attributes},
};

/// What a record costs besides its payload, so that the next start can carry it.
const RECORD_OVERHEAD_BYTES: usize = 1024;

/// How the last run of a chain has closed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Outcome {
    /// UNSPECIFIED: it is gone.
    status: Status,
    result: Option<Payloads>,
    failure: Option<Failure>,
}

impl Outcome {
    /// Read off the close event. What is too large for the next start is dropped.
    pub(super) fn of(status: Status, close: Option<Attributes>, limits: &Limits) -> Self {
        let max = limits.blob_size_max_bytes.saturating_sub(RECORD_OVERHEAD_BYTES);
        let (result, failure) = match close {
            Some(Attributes::WorkflowExecutionCompletedEventAttributes(completed)) => (completed.result, None),
            Some(Attributes::WorkflowExecutionFailedEventAttributes(failed)) => (None, failed.failure),
            _ => (None, None),
        };
        Self {
            status,
            result: result.filter(|result| result.encoded_len() <= max),
            failure: failure.filter(|failure| failure.encoded_len() <= max),
        }
    }
}

impl Schedule {
    /// Learns how a workflow that it started has closed.
    pub(super) fn learn(&mut self, workflow_id: &str, outcome: Outcome) {
        let Outcome { status, result, failure } = outcome;
        if let Some(at) = self.info.running_workflows.iter().position(|running| running.workflow_id == workflow_id) {
            self.info.running_workflows.remove(at);
        }
        let mut recent = self.info.recent_actions.iter_mut();
        let is_it = |started: &&mut _| is_of(started, workflow_id);
        if let Some(action) = recent.find(is_it) {
            action.start_workflow_status = status.into();
        }
        self.pause_on_failure(workflow_id, status, failure.as_ref());
        if result.is_some() {
            self.last_completion_result = result;
            self.continued_failure = None;
        } else if failure.is_some() {
            self.continued_failure = failure;
        }
    }

    fn pause_on_failure(&mut self, workflow_id: &str, status: Status, failure: Option<&Failure>) {
        if !self.policies().pause_on_failure || self.state().paused {
            return;
        }
        let notes = match status {
            Status::Failed => {
                let message = failure.map_or("", |failure| failure.message.as_str());
                format!("paused due to workflow failure: {workflow_id}: {message}")
            }
            Status::TimedOut => format!("paused due to workflow timeout: {workflow_id}"),
            _ => return,
        };
        let state = self.state_mut();
        state.paused = true;
        state.notes = notes;
        self.has_changed();
    }
}

fn is_of(action: &crate::proto::schedule::ScheduleActionResult, workflow_id: &str) -> bool {
    action.start_workflow_result.as_ref().is_some_and(|started| started.workflow_id == workflow_id)
}
