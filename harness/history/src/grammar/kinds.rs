//! Kinds of events: those that a server holds back while a worker has a workflow task, and those that end a run.
//!
//! The engine has such lists, too. They are not shared: the grammar checks the engine, and would not see a mistake in them.

use foretime_server::proto::{enums::EventType, history::history_event::Attributes};

/// Whether events of this type wait until the worker has answered its workflow task (`bufferEvent`). They keep the
/// time at which they happened, so they can follow later ones.
pub(super) fn is_held_back(event_type: EventType) -> bool {
    use EventType as E;
    !is_close(event_type)
        && !matches!(
            event_type,
            E::WorkflowExecutionStarted
                | E::WorkflowTaskScheduled
                | E::WorkflowTaskStarted
                | E::WorkflowTaskCompleted
                | E::WorkflowTaskFailed
                | E::WorkflowTaskTimedOut
                | E::ActivityTaskScheduled
                | E::ActivityTaskCancelRequested
                | E::TimerStarted
                | E::TimerCanceled
                | E::RequestCancelExternalWorkflowExecutionInitiated
                | E::MarkerRecorded
                | E::StartChildWorkflowExecutionInitiated
                | E::SignalExternalWorkflowExecutionInitiated
                | E::UpsertWorkflowSearchAttributes
                | E::WorkflowPropertiesModified
                | E::NexusOperationScheduled
                | E::NexusOperationCancelRequested
                | E::WorkflowExecutionUpdateAccepted
                | E::WorkflowExecutionUpdateCompleted
        )
}

/// Whether an event of this type ends the run.
pub(super) fn is_close(event_type: EventType) -> bool {
    use EventType as E;
    matches!(
        event_type,
        E::WorkflowExecutionCompleted
            | E::WorkflowExecutionFailed
            | E::WorkflowExecutionTimedOut
            | E::WorkflowExecutionTerminated
            | E::WorkflowExecutionCanceled
            | E::WorkflowExecutionContinuedAsNew
    )
}

/// The completed workflow task that the event refers to, if it comes from a worker's command. Such an event is never held back.
/// Some that are have the field, too, and leave it empty.
pub(super) fn asked_by(attributes: &Attributes) -> Option<i64> {
    attributes.workflow_task_completed_event_id().filter(|_| !is_held_back(attributes.event_type()))
}
