//! Kinds of events: which type goes with which attributes, which events a server holds back while a worker has a workflow
//! task, and which events come from a worker's commands.

use foretime_server::proto::{enums::EventType, history::history_event::Attributes};

/// The type that goes with the attributes.
pub(super) fn type_of(attributes: &Attributes) -> EventType {
    use {Attributes as A, EventType as E};
    match attributes {
        A::WorkflowExecutionStartedEventAttributes(_) => E::WorkflowExecutionStarted,
        A::WorkflowExecutionCompletedEventAttributes(_) => E::WorkflowExecutionCompleted,
        A::WorkflowExecutionFailedEventAttributes(_) => E::WorkflowExecutionFailed,
        A::WorkflowExecutionTimedOutEventAttributes(_) => E::WorkflowExecutionTimedOut,
        A::WorkflowTaskScheduledEventAttributes(_) => E::WorkflowTaskScheduled,
        A::WorkflowTaskStartedEventAttributes(_) => E::WorkflowTaskStarted,
        A::WorkflowTaskCompletedEventAttributes(_) => E::WorkflowTaskCompleted,
        A::WorkflowTaskTimedOutEventAttributes(_) => E::WorkflowTaskTimedOut,
        A::WorkflowTaskFailedEventAttributes(_) => E::WorkflowTaskFailed,
        A::ActivityTaskScheduledEventAttributes(_) => E::ActivityTaskScheduled,
        A::ActivityTaskStartedEventAttributes(_) => E::ActivityTaskStarted,
        A::ActivityTaskCompletedEventAttributes(_) => E::ActivityTaskCompleted,
        A::ActivityTaskFailedEventAttributes(_) => E::ActivityTaskFailed,
        A::ActivityTaskTimedOutEventAttributes(_) => E::ActivityTaskTimedOut,
        A::TimerStartedEventAttributes(_) => E::TimerStarted,
        A::TimerFiredEventAttributes(_) => E::TimerFired,
        A::ActivityTaskCancelRequestedEventAttributes(_) => E::ActivityTaskCancelRequested,
        A::ActivityTaskCanceledEventAttributes(_) => E::ActivityTaskCanceled,
        A::TimerCanceledEventAttributes(_) => E::TimerCanceled,
        A::MarkerRecordedEventAttributes(_) => E::MarkerRecorded,
        A::WorkflowExecutionSignaledEventAttributes(_) => E::WorkflowExecutionSignaled,
        A::WorkflowExecutionTerminatedEventAttributes(_) => E::WorkflowExecutionTerminated,
        A::WorkflowExecutionCancelRequestedEventAttributes(_) => E::WorkflowExecutionCancelRequested,
        A::WorkflowExecutionCanceledEventAttributes(_) => E::WorkflowExecutionCanceled,
        A::RequestCancelExternalWorkflowExecutionInitiatedEventAttributes(_) => {
            E::RequestCancelExternalWorkflowExecutionInitiated
        }
        A::RequestCancelExternalWorkflowExecutionFailedEventAttributes(_) => E::RequestCancelExternalWorkflowExecutionFailed,
        A::ExternalWorkflowExecutionCancelRequestedEventAttributes(_) => E::ExternalWorkflowExecutionCancelRequested,
        A::WorkflowExecutionContinuedAsNewEventAttributes(_) => E::WorkflowExecutionContinuedAsNew,
        A::StartChildWorkflowExecutionInitiatedEventAttributes(_) => E::StartChildWorkflowExecutionInitiated,
        A::StartChildWorkflowExecutionFailedEventAttributes(_) => E::StartChildWorkflowExecutionFailed,
        A::ChildWorkflowExecutionStartedEventAttributes(_) => E::ChildWorkflowExecutionStarted,
        A::ChildWorkflowExecutionCompletedEventAttributes(_) => E::ChildWorkflowExecutionCompleted,
        A::ChildWorkflowExecutionFailedEventAttributes(_) => E::ChildWorkflowExecutionFailed,
        A::ChildWorkflowExecutionCanceledEventAttributes(_) => E::ChildWorkflowExecutionCanceled,
        A::ChildWorkflowExecutionTimedOutEventAttributes(_) => E::ChildWorkflowExecutionTimedOut,
        A::ChildWorkflowExecutionTerminatedEventAttributes(_) => E::ChildWorkflowExecutionTerminated,
        A::SignalExternalWorkflowExecutionInitiatedEventAttributes(_) => E::SignalExternalWorkflowExecutionInitiated,
        A::SignalExternalWorkflowExecutionFailedEventAttributes(_) => E::SignalExternalWorkflowExecutionFailed,
        A::ExternalWorkflowExecutionSignaledEventAttributes(_) => E::ExternalWorkflowExecutionSignaled,
        A::UpsertWorkflowSearchAttributesEventAttributes(_) => E::UpsertWorkflowSearchAttributes,
        A::WorkflowExecutionUpdateAcceptedEventAttributes(_) => E::WorkflowExecutionUpdateAccepted,
        A::WorkflowExecutionUpdateRejectedEventAttributes(_) => E::WorkflowExecutionUpdateRejected,
        A::WorkflowExecutionUpdateCompletedEventAttributes(_) => E::WorkflowExecutionUpdateCompleted,
        A::WorkflowPropertiesModifiedExternallyEventAttributes(_) => E::WorkflowPropertiesModifiedExternally,
        A::ActivityPropertiesModifiedExternallyEventAttributes(_) => E::ActivityPropertiesModifiedExternally,
        A::WorkflowPropertiesModifiedEventAttributes(_) => E::WorkflowPropertiesModified,
        A::WorkflowExecutionUpdateAdmittedEventAttributes(_) => E::WorkflowExecutionUpdateAdmitted,
        A::NexusOperationScheduledEventAttributes(_) => E::NexusOperationScheduled,
        A::NexusOperationStartedEventAttributes(_) => E::NexusOperationStarted,
        A::NexusOperationCompletedEventAttributes(_) => E::NexusOperationCompleted,
        A::NexusOperationFailedEventAttributes(_) => E::NexusOperationFailed,
        A::NexusOperationCanceledEventAttributes(_) => E::NexusOperationCanceled,
        A::NexusOperationTimedOutEventAttributes(_) => E::NexusOperationTimedOut,
        A::NexusOperationCancelRequestedEventAttributes(_) => E::NexusOperationCancelRequested,
        A::WorkflowExecutionOptionsUpdatedEventAttributes(_) => E::WorkflowExecutionOptionsUpdated,
        A::NexusOperationCancelRequestCompletedEventAttributes(_) => E::NexusOperationCancelRequestCompleted,
        A::NexusOperationCancelRequestFailedEventAttributes(_) => E::NexusOperationCancelRequestFailed,
        A::WorkflowExecutionPausedEventAttributes(_) => E::WorkflowExecutionPaused,
        A::WorkflowExecutionUnpausedEventAttributes(_) => E::WorkflowExecutionUnpaused,
        A::WorkflowExecutionTimeSkippingTransitionedEventAttributes(_) => E::WorkflowExecutionTimeSkippingTransitioned,
    }
}

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

/// The completed workflow task that the event refers to, if the event comes from a worker's command.
pub(super) fn asked_by(attributes: &Attributes) -> Option<i64> {
    use Attributes as A;
    match attributes {
        A::WorkflowExecutionCompletedEventAttributes(a) => Some(a.workflow_task_completed_event_id),
        A::WorkflowExecutionFailedEventAttributes(a) => Some(a.workflow_task_completed_event_id),
        A::WorkflowExecutionCanceledEventAttributes(a) => Some(a.workflow_task_completed_event_id),
        A::WorkflowExecutionContinuedAsNewEventAttributes(a) => Some(a.workflow_task_completed_event_id),
        A::ActivityTaskScheduledEventAttributes(a) => Some(a.workflow_task_completed_event_id),
        A::ActivityTaskCancelRequestedEventAttributes(a) => Some(a.workflow_task_completed_event_id),
        A::TimerStartedEventAttributes(a) => Some(a.workflow_task_completed_event_id),
        A::TimerCanceledEventAttributes(a) => Some(a.workflow_task_completed_event_id),
        A::MarkerRecordedEventAttributes(a) => Some(a.workflow_task_completed_event_id),
        A::StartChildWorkflowExecutionInitiatedEventAttributes(a) => Some(a.workflow_task_completed_event_id),
        A::SignalExternalWorkflowExecutionInitiatedEventAttributes(a) => Some(a.workflow_task_completed_event_id),
        A::RequestCancelExternalWorkflowExecutionInitiatedEventAttributes(a) => Some(a.workflow_task_completed_event_id),
        A::UpsertWorkflowSearchAttributesEventAttributes(a) => Some(a.workflow_task_completed_event_id),
        A::WorkflowPropertiesModifiedEventAttributes(a) => Some(a.workflow_task_completed_event_id),
        _ => None,
    }
}
