//! What a completed workflow task asks for. All commands are checked first ([`check`], against what is [`pending`]), then all
//! are applied ([`apply`]): a bad command fails the whole workflow task, and nothing of it remains.

use super::{child::TargetNamespace, update::message::Reported};
use crate::{
    engine::{
        kernel::{effects::Extras, error::Error},
        rules::names,
    },
    proto::{
        command::{
            CancelTimerCommandAttributes, CancelWorkflowExecutionCommandAttributes, CompleteWorkflowExecutionCommandAttributes,
            ContinueAsNewWorkflowExecutionCommandAttributes, FailWorkflowExecutionCommandAttributes,
            ModifyWorkflowPropertiesCommandAttributes, RecordMarkerCommandAttributes,
            RequestCancelActivityTaskCommandAttributes, RequestCancelExternalWorkflowExecutionCommandAttributes,
            ScheduleActivityTaskCommandAttributes, SignalExternalWorkflowExecutionCommandAttributes,
            StartChildWorkflowExecutionCommandAttributes, StartTimerCommandAttributes,
            UpsertWorkflowSearchAttributesCommandAttributes,
        },
        enums::WorkflowTaskFailedCause,
    },
};

mod apply;
mod check;
mod pending;

pub(super) use apply::Completion;
pub(super) use check::Checker;

/// A command that can be applied.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) command: Fit,
    pub(super) extras: Extras,
}

/// What a command asks for, complete and allowed.
#[derive(Debug)]
pub(super) enum Fit {
    ScheduleActivity(ScheduleActivityTaskCommandAttributes),
    RequestCancelActivity(RequestCancelActivityTaskCommandAttributes),
    StartTimer(StartTimerCommandAttributes),
    CancelTimer(CancelTimerCommandAttributes),
    RecordMarker(RecordMarkerCommandAttributes),
    UpsertSearchAttributes(UpsertWorkflowSearchAttributesCommandAttributes),
    ModifyProperties(ModifyWorkflowPropertiesCommandAttributes),
    StartChild(Box<StartChildWorkflowExecutionCommandAttributes>, TargetNamespace),
    SignalExternal(SignalExternalWorkflowExecutionCommandAttributes, TargetNamespace),
    CancelExternal(RequestCancelExternalWorkflowExecutionCommandAttributes, TargetNamespace),
    Complete(CompleteWorkflowExecutionCommandAttributes),
    Fail(FailWorkflowExecutionCommandAttributes),
    Cancel(CancelWorkflowExecutionCommandAttributes),
    ContinueAsNew(Box<ContinueAsNewWorkflowExecutionCommandAttributes>),
    /// A message about an update, which a command names, or which came without one.
    Update(Box<Reported>),
}

/// Why the commands cannot be applied.
#[derive(Debug)]
pub(super) enum Unfit {
    /// The workflow task fails.
    TaskFailed(TaskFailed),
    /// The call is refused; the worker still has the task.
    Refused(Error),
}

impl Unfit {
    /// The workflow task fails for this cause, with its name before the message.
    pub(super) fn task_failed(cause: WorkflowTaskFailedCause, message: &str, terminates: bool) -> Self {
        let message = format!("{}: {message}", names::cause(cause));
        Self::TaskFailed(TaskFailed { cause, message, terminates })
    }
}

/// How a workflow task fails if its commands do not fit.
#[derive(Debug)]
pub(super) struct TaskFailed {
    pub(super) cause: WorkflowTaskFailedCause,
    /// The cause's name, and what was wrong.
    pub(super) message: String,
    /// The workflow fails with it: a limit was passed.
    pub(super) terminates: bool,
}
