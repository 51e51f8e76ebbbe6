//! What one machine's transaction leaves for others. It is plain data here; the rooms carry it out.

use std::collections::VecDeque;

use super::key::{NamespaceId, RunKey, ScheduleKey};
use crate::proto::{
    common::Link,
    enums::ParentClosePolicy,
    history::{
        RequestCancelExternalWorkflowExecutionInitiatedEventAttributes,
        SignalExternalWorkflowExecutionInitiatedEventAttributes, WorkflowExecutionStartedEventAttributes,
    },
    sdk::{EventGroupMarker, UserMetadata},
};

/// Who signs what the server does by itself.
pub(crate) const SERVER_IDENTITY: &str = "history-service";
/// Who signs what a reset does to the run that it ends.
pub const RESETTER_IDENTITY: &str = "history-resetter";
/// Why the server terminates a child whose parent has closed.
pub const PARENT_CLOSE_REASON: &str = "by parent close policy";

/// Given how many transfer tasks wait, chooses the one that is done next, counted from 0.
pub type Order<'a> = dyn FnMut(usize) -> usize + 'a;

/// One thing that is left to do.
#[derive(Debug)]
pub(crate) enum Effect {
    /// A parent asks for a child.
    StartChild { parent: RunKey, initiated_event_id: i64 },
    /// A run is followed by another (continue-as-new, retry, cron).
    StartRun(Box<Start>),
    /// A run closed: its parent is told, and its children are treated as their policies say.
    Closed { run: RunKey, children: Vec<ChildLeft> },
    /// A workflow that fails for ever is terminated.
    FailFast { namespace: NamespaceId, workflow_id: String, reason: String },
    /// A workflow signals or cancels another.
    External { from: RunKey, initiated_event_id: i64, namespace: NamespaceId, request_id: String, external: External },
    /// A schedule looks what there is to do.
    Schedule { schedule: ScheduleKey, wake: Wake },
}

/// Why a schedule looks what there is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// It is time, or a client has changed it.
    Turn,
    /// Somebody has seen that what it takes to be running has closed.
    Refresh,
    /// A chain of runs that it watches has closed: the run id of its first.
    Closed(String),
}

/// What a workflow sends to another.
#[derive(Debug)]
pub(crate) enum External {
    Signal(Box<SignalExternalWorkflowExecutionInitiatedEventAttributes>),
    Cancel(Box<RequestCancelExternalWorkflowExecutionInitiatedEventAttributes>),
}

/// All that a new run starts from.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) namespace: NamespaceId,
    pub(crate) run_id: String,
    pub(crate) request_id: String,
    pub(crate) attributes: WorkflowExecutionStartedEventAttributes,
    pub(crate) extras: Extras,
}

/// A child of a run that has closed.
#[derive(Debug)]
pub(crate) struct ChildLeft {
    /// The name of its namespace.
    pub(crate) namespace: String,
    pub(crate) workflow_id: String,
    /// The first run of its chain.
    pub(crate) run_id: String,
    pub(crate) parent_close_policy: ParentClosePolicy,
}

/// What an event carries besides its attributes.
#[derive(Debug, Default)]
pub(crate) struct Extras {
    pub(crate) user_metadata: Option<UserMetadata>,
    pub(crate) links: Vec<Link>,
    pub(crate) event_group_markers: Vec<EventGroupMarker>,
}

/// The effects that are left to do, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    left: VecDeque<Effect>,
}

impl Effects {
    pub(crate) fn leave(&mut self, effect: Effect) {
        self.left.push_back(effect);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    /// How many are left to do.
    pub(crate) fn count(&self) -> usize {
        self.left.len()
    }

    /// Takes the effect that is done next. A run that follows another begins in the transaction that closes that one. All else
    /// is a transfer task of its own, and the real server works on many of them side by side
    /// (`history.transferProcessorSchedulerWorkerCount`).
    pub(crate) fn take_next(&mut self, order: &mut Order<'_>) -> Option<Effect> {
        let follower = self.left.iter().position(|effect| matches!(effect, Effect::StartRun(_)));
        let next = match (follower, self.left.len()) {
            (Some(follower), _) => follower,
            (None, 0 | 1) => 0,
            (None, count) => order(count),
        };
        self.left.remove(next)
    }
}
