//! Writing events, and buffering them while a worker has a workflow task (`historybuilder/event_store.go`).

use super::{Cx, Run};
use crate::proto::{
    common::Link,
    enums::EventType,
    history::{HistoryEvent, history_event::Attributes},
    sdk::{EventGroupMarker, UserMetadata},
};

/// What an event carries besides its attributes.
#[derive(Debug, Default)]
pub(crate) struct Extras {
    pub(crate) user_metadata: Option<UserMetadata>,
    pub(crate) links: Vec<Link>,
    pub(crate) event_group_markers: Vec<EventGroupMarker>,
}

impl Run {
    /// Writes an event, or buffers it; returns its id (0 for a buffered one: it has none yet).
    pub(crate) fn add_event(&mut self, cx: &mut Cx<'_>, attributes: Attributes) -> i64 {
        self.add_event_with(cx, attributes, Extras::default())
    }

    pub(crate) fn add_event_with(&mut self, cx: &mut Cx<'_>, attributes: Attributes, extras: Extras) -> i64 {
        let mut event = new_event(cx, attributes);
        event.user_metadata = extras.user_metadata;
        event.links = extras.links;
        event.event_group_markers = extras.event_group_markers;
        if (self.tasks.is_started() || self.tasks.completing) && is_buffered_type(event.event_type()) {
            self.buffer.push(event);
            return 0;
        }
        self.write(event)
    }

    /// Writes an event whatever its type.
    pub(crate) fn write(&mut self, mut event: HistoryEvent) -> i64 {
        event.event_id = self.history.next_id();
        self.history.push(&event);
        event.event_id
    }

    /// Gives the buffered events their ids: completions of activities and children after all others, each wired to the
    /// event that started it (`reorderBuffer`, `wireEventIDs`).
    pub(crate) fn flush_buffer(&mut self, _cx: &mut Cx<'_>) {
        if self.buffer.is_empty() {
            return;
        }
        let buffered = std::mem::take(&mut self.buffer);
        if !self.is_running() {
            return;
        }
        let (completions, others): (Vec<_>, Vec<_>) = buffered.into_iter().partition(|event| is_completion(event.event_type()));
        let mut started = Vec::new();
        for mut event in others.into_iter().chain(completions) {
            if let Some((scheduled, started_event_id)) = started_link(&mut event)
                && *started_event_id == 0
                && let Some((_, id)) = started.iter().rev().find(|(of, _)| *of == scheduled)
            {
                *started_event_id = *id;
            }
            let begun = begun_by(&event);
            let id = self.write(event);
            if let Some(of) = begun {
                started.push((of, id));
                if let Some(child) = self.children.get_mut(&of) {
                    child.started_event_id = id;
                }
            }
        }
    }

    /// Whether a buffered event fires the named timer; takes it out.
    pub(crate) fn take_buffered_fire(&mut self, timer_id: &str) -> Option<HistoryEvent> {
        let fires = |event: &HistoryEvent| match &event.attributes {
            Some(Attributes::TimerFiredEventAttributes(fired)) => fired.timer_id == timer_id,
            _ => false,
        };
        let at = self.buffer.iter().position(fires)?;
        Some(self.buffer.remove(at))
    }
}

/// An event with its time and task id, but no id yet.
pub(crate) fn new_event(cx: &mut Cx<'_>, attributes: Attributes) -> HistoryEvent {
    let event_type = type_of(&attributes);
    HistoryEvent {
        event_time: Some(cx.now.to_proto()),
        event_type: event_type.into(),
        task_id: cx.ids.task_id(),
        attributes: Some(attributes),
        ..HistoryEvent::default()
    }
}

/// Whether events of this type wait until the running workflow task is done (`bufferEvent`): all but the workflow's own
/// begin and end, workflow task events, and what commands and messages make directly.
fn is_buffered_type(event_type: EventType) -> bool {
    use EventType as E;
    !matches!(
        event_type,
        E::WorkflowExecutionStarted
            | E::WorkflowExecutionCompleted
            | E::WorkflowExecutionFailed
            | E::WorkflowExecutionTimedOut
            | E::WorkflowExecutionTerminated
            | E::WorkflowExecutionContinuedAsNew
            | E::WorkflowExecutionCanceled
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
    )
}

fn is_completion(event_type: EventType) -> bool {
    use EventType as E;
    matches!(
        event_type,
        E::ActivityTaskCompleted
            | E::ActivityTaskFailed
            | E::ActivityTaskTimedOut
            | E::ActivityTaskCanceled
            | E::ChildWorkflowExecutionCompleted
            | E::ChildWorkflowExecutionFailed
            | E::ChildWorkflowExecutionTimedOut
            | E::ChildWorkflowExecutionCanceled
            | E::ChildWorkflowExecutionTerminated
    )
}

/// The scheduled (or initiated) event that a completion belongs to, and its link to the started event.
fn started_link(event: &mut HistoryEvent) -> Option<(i64, &mut i64)> {
    use Attributes as A;
    match event.attributes.as_mut()? {
        A::ActivityTaskCompletedEventAttributes(a) => Some((a.scheduled_event_id, &mut a.started_event_id)),
        A::ActivityTaskFailedEventAttributes(a) => Some((a.scheduled_event_id, &mut a.started_event_id)),
        A::ActivityTaskTimedOutEventAttributes(a) => Some((a.scheduled_event_id, &mut a.started_event_id)),
        A::ActivityTaskCanceledEventAttributes(a) => Some((a.scheduled_event_id, &mut a.started_event_id)),
        A::ChildWorkflowExecutionCompletedEventAttributes(a) => Some((a.initiated_event_id, &mut a.started_event_id)),
        A::ChildWorkflowExecutionFailedEventAttributes(a) => Some((a.initiated_event_id, &mut a.started_event_id)),
        A::ChildWorkflowExecutionTimedOutEventAttributes(a) => Some((a.initiated_event_id, &mut a.started_event_id)),
        A::ChildWorkflowExecutionCanceledEventAttributes(a) => Some((a.initiated_event_id, &mut a.started_event_id)),
        A::ChildWorkflowExecutionTerminatedEventAttributes(a) => Some((a.initiated_event_id, &mut a.started_event_id)),
        _ => None,
    }
}

/// The scheduled (or initiated) event whose start this event tells.
fn begun_by(event: &HistoryEvent) -> Option<i64> {
    match event.attributes.as_ref()? {
        Attributes::ActivityTaskStartedEventAttributes(a) => Some(a.scheduled_event_id),
        Attributes::ChildWorkflowExecutionStartedEventAttributes(a) => Some(a.initiated_event_id),
        _ => None,
    }
}

/// The type that goes with the attributes. Types that the engine does not write (yet) have no row.
fn type_of(attributes: &Attributes) -> EventType {
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
        A::ActivityTaskCancelRequestedEventAttributes(_) => E::ActivityTaskCancelRequested,
        A::ActivityTaskCanceledEventAttributes(_) => E::ActivityTaskCanceled,
        A::TimerStartedEventAttributes(_) => E::TimerStarted,
        A::TimerFiredEventAttributes(_) => E::TimerFired,
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
        A::WorkflowPropertiesModifiedEventAttributes(_) => E::WorkflowPropertiesModified,
        A::WorkflowExecutionOptionsUpdatedEventAttributes(_) => E::WorkflowExecutionOptionsUpdated,
        _ => E::Unspecified,
    }
}
