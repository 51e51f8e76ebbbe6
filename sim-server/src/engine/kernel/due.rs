//! What falls due: the entries of a domain's queue of timers.

use super::{
    key::{BatchKey, RunKey, ScheduleKey},
    tickets::Ticket,
};
use crate::proto::enums::TimeoutType;

/// An entry of the virtual clock's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Run(RunKey, RunDue),
    /// A schedule acts, or looks what there is to do.
    Schedule(ScheduleKey),
    /// A batch operation does the next of its workflows.
    Batch(BatchKey),
    /// A caller of TestService sleeps until now.
    Sleep(Ticket),
}

/// What falls due on a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunDue {
    /// The backoff before the first workflow task is over.
    FirstWorkflowTask,
    WorkflowTaskScheduleToStart,
    WorkflowTaskStartToClose,
    /// The timer that was started by this event.
    UserTimer(i64),
    /// The activity that was scheduled by this event.
    Activity(i64, ActivityDue),
    RunTimeout,
    ExecutionTimeout,
}

/// What falls due on an activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ActivityDue {
    /// The backoff before the next attempt is over.
    Retry,
    /// One of the four timeouts.
    Timeout(TimeoutType),
}
