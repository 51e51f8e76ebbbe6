//! Writing events, and buffering them while a worker has a workflow task (`historybuilder/event_store.go`).

use prost::Message;

use super::{run::Run, volatile::Stage};
use crate::{
    engine::{
        execution::{By, Cx},
        kernel::{effects::Extras, time::Time},
    },
    proto::{
        enums::{EventType, WorkflowTaskFailedCause},
        history::{HistoryEvent, history_event::Attributes},
    },
};

impl Run {
    /// Writes an event, or buffers it; returns its id (0 for a buffered one: it has none yet).
    pub(super) fn add_event(&mut self, cx: &mut Cx<'_>, attributes: Attributes) -> i64 {
        self.add_event_with(cx, attributes, Extras::default())
    }

    pub(super) fn add_event_with(&mut self, cx: &mut Cx<'_>, attributes: Attributes, extras: Extras) -> i64 {
        if self.started_task().is_none() && is_buffered_type(attributes.event_type()) {
            self.settle_speculative_task(cx, By::default());
        }
        let mut event = new_event(cx, attributes);
        event.user_metadata = extras.user_metadata;
        event.links = extras.links;
        event.event_group_markers = extras.event_group_markers;
        self.put(event)
    }

    /// Writes an event, or buffers it.
    pub(super) fn put(&mut self, mut event: HistoryEvent) -> i64 {
        let is_held_back = self.volatile.stage == Stage::Completing || self.started_task().is_some();
        if is_held_back && is_buffered_type(event.event_type()) {
            self.volatile.buffer.push(event);
            return 0;
        }
        self.recorded.write(&mut event)
    }

    /// Takes the workflow task from its worker when too much is buffered (`closeTransactionHandleBufferedEventsLimit`).
    pub(super) fn enforce_buffer_limits(&mut self, cx: &mut Cx<'_>) {
        if self.started_task().is_none() || !self.is_running() {
            return;
        }
        let buffer = &self.volatile.buffer;
        let is_too_much = buffer.len() > cx.limits.buffered_events_max
            || buffer.iter().map(Message::encoded_len).sum::<usize>() > cx.limits.buffered_events_max_bytes;
        if is_too_much {
            self.fail_workflow_task(cx, WorkflowTaskFailedCause::ForceCloseCommand, None, By::SERVER);
            self.flush_buffer();
            self.schedule_workflow_task(cx);
        }
    }

    /// Gives the buffered events their ids: completions of activities and children after all others, each wired to the
    /// event that started it (`reorderBuffer`, `wireEventIDs`).
    pub(super) fn flush_buffer(&mut self) {
        if self.volatile.buffer.is_empty() {
            return;
        }
        let buffered = std::mem::take(&mut self.volatile.buffer);
        if !self.is_running() {
            return;
        }
        let (completions, others): (Vec<_>, Vec<_>) = buffered.into_iter().partition(|event| is_completion(event.event_type()));
        let mut started = Vec::new();
        for mut event in others.into_iter().chain(completions) {
            let of = event.attributes.as_ref().and_then(begun_by);
            if let Some(attributes) = event.attributes.as_mut().filter(|_| of.is_some())
                && let Some(started_event_id) = attributes.started_event_id_mut()
                && *started_event_id == 0
                && let Some((_, id)) = started.iter().rev().find(|(begun, _)| Some(*begun) == of)
            {
                *started_event_id = *id;
            }
            let begins =
                matches!(event.event_type(), EventType::ActivityTaskStarted | EventType::ChildWorkflowExecutionStarted);
            let id = self.recorded.write(&mut event);
            if let Some(of) = of.filter(|_| begins) {
                started.push((of, id));
            }
        }
    }

    /// Whether a buffered event fires the named timer; takes it out.
    pub(super) fn take_buffered_fire(&mut self, timer_id: &str) -> Option<HistoryEvent> {
        let fires = |event: &HistoryEvent| match &event.attributes {
            Some(Attributes::TimerFiredEventAttributes(fired)) => fired.timer_id == timer_id,
            _ => false,
        };
        let at = self.volatile.buffer.iter().position(fires)?;
        Some(self.volatile.buffer.remove(at))
    }
}

/// An event with its time and task id, but no id yet.
pub(super) fn new_event(cx: &mut Cx<'_>, attributes: Attributes) -> HistoryEvent {
    HistoryEvent { task_id: cx.ids.task_id(), ..bare_event(0, cx.now, attributes) }
}

/// An event with nothing but its id, its time and its attributes.
pub(super) fn bare_event(event_id: i64, at: Time, attributes: Attributes) -> HistoryEvent {
    let event_type = attributes.event_type();
    HistoryEvent {
        event_id,
        event_time: Some(at.to_proto()),
        event_type: event_type.into(),
        worker_may_ignore: matches!(
            event_type,
            EventType::WorkflowExecutionOptionsUpdated
                | EventType::WorkflowExecutionPaused
                | EventType::WorkflowExecutionUnpaused
        ),
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
            | E::WorkflowExecutionUpdateAccepted
            | E::WorkflowExecutionUpdateCompleted
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

/// The scheduled (or initiated) event that this one belongs to.
fn begun_by(attributes: &Attributes) -> Option<i64> {
    attributes.scheduled_event_id().or_else(|| attributes.initiated_event_id())
}
