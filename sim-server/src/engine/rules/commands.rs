//! Which events commands write.

use crate::proto::enums::{CommandType, EventType};

/// The command that writes an event of this type; `None` if none does. An update's events are written by commands that name messages.
pub fn command_of(event_type: EventType) -> Option<CommandType> {
    use {CommandType as C, EventType as E};
    Some(match event_type {
        E::ActivityTaskScheduled => C::ScheduleActivityTask,
        E::ActivityTaskCancelRequested => C::RequestCancelActivityTask,
        E::TimerStarted => C::StartTimer,
        E::TimerCanceled => C::CancelTimer,
        E::MarkerRecorded => C::RecordMarker,
        E::StartChildWorkflowExecutionInitiated => C::StartChildWorkflowExecution,
        E::SignalExternalWorkflowExecutionInitiated => C::SignalExternalWorkflowExecution,
        E::RequestCancelExternalWorkflowExecutionInitiated => C::RequestCancelExternalWorkflowExecution,
        E::UpsertWorkflowSearchAttributes => C::UpsertWorkflowSearchAttributes,
        E::WorkflowPropertiesModified => C::ModifyWorkflowProperties,
        E::NexusOperationScheduled => C::ScheduleNexusOperation,
        E::NexusOperationCancelRequested => C::RequestCancelNexusOperation,
        E::WorkflowExecutionCompleted => C::CompleteWorkflowExecution,
        E::WorkflowExecutionFailed => C::FailWorkflowExecution,
        E::WorkflowExecutionCanceled => C::CancelWorkflowExecution,
        E::WorkflowExecutionContinuedAsNew => C::ContinueAsNewWorkflowExecution,
        E::WorkflowExecutionUpdateAccepted | E::WorkflowExecutionUpdateCompleted => C::ProtocolMessage,
        _ => return None,
    })
}
