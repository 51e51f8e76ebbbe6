//! How large a run may grow (`service/history/workflow/context.go`: `enforceHistorySizeCheck`, `enforceHistoryCountCheck`,
//! `enforceMutableStateSizeCheck`). A run that would grow beyond is terminated, and what would make it grow is refused.

use std::collections::BTreeMap;

use prost::Message;

use super::run::Run;
use crate::{
    engine::{
        execution::Cx,
        kernel::{due::RunDue, effects::SERVER_IDENTITY},
        rules::limits::Limits,
    },
    proto::{
        command::{Command, command::Attributes},
        common::Payload,
        history::HistoryEvent,
    },
};

/// What the real server's record of a run takes up, in bytes, apart from what is counted below. It is not the same in every run;
/// a run with nothing pending measures 700 to 850.
const RUN_BYTES: usize = 800;
const ACTIVITY_BYTES: usize = 300;
const CHILD_BYTES: usize = 250;
const EXTERNAL_BYTES: usize = 150;
const UPDATE_BYTES: usize = 100;
const TIMER_BYTES: usize = 60;

/// What is about to be added to a run.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::engine) struct Growth {
    /// Events that get their ids at once. The real server counts what it may have to buffer only when that is written.
    pub(in crate::engine) event_count: usize,
    /// By how much the state grows that is kept besides the history.
    pub(in crate::engine) state_bytes: usize,
}

impl Growth {
    /// The completion of a workflow task with these commands.
    pub(in crate::engine::workflow) fn of_commands(commands: &[Command]) -> Self {
        let state_bytes = commands.iter().map(|command| match &command.attributes {
            Some(Attributes::ScheduleActivityTaskCommandAttributes(_)) => ACTIVITY_BYTES,
            Some(Attributes::StartTimerCommandAttributes(_)) => TIMER_BYTES,
            Some(Attributes::StartChildWorkflowExecutionCommandAttributes(_)) => CHILD_BYTES,
            Some(Attributes::SignalExternalWorkflowExecutionCommandAttributes(_))
            | Some(Attributes::RequestCancelExternalWorkflowExecutionCommandAttributes(_)) => EXTERNAL_BYTES,
            Some(Attributes::ModifyWorkflowPropertiesCommandAttributes(modify)) => {
                modify.upserted_memo.as_ref().map_or(0, Message::encoded_len)
            }
            Some(Attributes::UpsertWorkflowSearchAttributesCommandAttributes(upsert)) => {
                upsert.search_attributes.as_ref().map_or(0, Message::encoded_len)
            }
            _ => 0,
        });
        Self { event_count: 1 + commands.len(), state_bytes: state_bytes.sum() }
    }
}

impl Run {
    /// Which limit a running run has passed, or would pass if it grew by so much: the reason of its end.
    pub(in crate::engine::workflow) fn excess(&self, limits: &Limits, growth: Growth) -> Option<&'static str> {
        if !self.is_running() {
            return None;
        }
        let event_count = self.history().next_id() as usize - 1 + growth.event_count;
        if self.history().size_bytes() > limits.history_size_max_bytes {
            Some("Workflow history size exceeds limit.")
        } else if event_count > limits.history_events_max {
            Some("Workflow history count exceeds limit.")
        } else if self.state_bytes() + growth.state_bytes > limits.state_size_max_bytes {
            Some("Workflow mutable state size exceeds limit.")
        } else {
            None
        }
    }

    /// Something happens that the workflow has to know of: a workflow task is scheduled, if there is none.
    pub(in crate::engine) fn waking(&self) -> Growth {
        let is_woken = !self.has_workflow_task() && self.volatile.first_backoff.is_none();
        Growth { event_count: usize::from(is_woken), state_bytes: 0 }
    }

    /// Terminates a run that is too large for what falls due on it.
    pub(super) fn end_if_too_large(&mut self, cx: &mut Cx<'_>, due: &[RunDue]) {
        let wakes = due.iter().any(|due| matches!(due, RunDue::UserTimer(_) | RunDue::Activity(..)));
        let growth = if wakes { self.waking() } else { Growth::default() };
        if let Some(reason) = self.excess(cx.limits, growth) {
            self.terminate(cx, reason, None, SERVER_IDENTITY, Vec::new());
        }
    }

    /// About what the real server's record of it takes up beside the history (`GetApproximatePersistedSize`).
    fn state_bytes(&self) -> usize {
        let fields = |fields: &BTreeMap<String, Payload>| {
            fields.iter().map(|(name, value)| name.len() + value.encoded_len()).sum::<usize>()
        };
        let activities = self.volatile.attempts.values().map(|attempt| {
            let details = attempt.heartbeat_details().map_or(0, Message::encoded_len);
            ACTIVITY_BYTES + details + attempt.last_failure().map_or(0, Message::encoded_len)
        });
        let told = &*self.recorded;
        RUN_BYTES
            + fields(&told.memo)
            + fields(&told.search_attributes)
            + activities.sum::<usize>()
            + told.timers.len() * TIMER_BYTES
            + told.children.len() * CHILD_BYTES
            + told.external.len() * EXTERNAL_BYTES
            + told.updates.len() * UPDATE_BYTES
            + self.volatile.signal_request_ids.iter().map(String::len).sum::<usize>()
            + self.volatile.buffer.iter().map(HistoryEvent::encoded_len).sum::<usize>()
    }
}
