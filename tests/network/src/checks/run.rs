//! A run as it is in the end: the truth that the checks compare with.

use foretime_server::{
    engine::View,
    proto::{
        common::Payloads,
        enums::{EventType, WorkflowExecutionStatus},
        history::{HistoryEvent, WorkflowExecutionStartedEventAttributes, history_event::Attributes},
    },
};
use prost_types::{Duration, Timestamp};
use serde_json::Value;

use crate::nodes::interpreter::payload;

/// A run, decoded once.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its run id.
    pub run_id: String,
    /// Its workflow id.
    pub workflow_id: String,
    /// Its status.
    pub status: WorkflowExecutionStatus,
    /// All its events, from the first one on.
    pub events: Vec<HistoryEvent>,
}

impl Run {
    /// All runs of a service, in the order in which they began.
    pub fn all(view: View<'_>) -> Vec<Self> {
        let run = |run: foretime_server::engine::RunView<'_>| Self {
            run_id: run.run_id().to_owned(),
            workflow_id: run.workflow_id().to_owned(),
            status: run.status(),
            events: run.events_from(1),
        };
        view.runs().map(run).collect()
    }

    /// How it was started.
    pub(super) fn started(&self) -> Option<&WorkflowExecutionStartedEventAttributes> {
        match self.events.first()?.attributes.as_ref()? {
            Attributes::WorkflowExecutionStartedEventAttributes(started) => Some(started),
            _ => None,
        }
    }

    /// Whether a client started it: it follows no other run.
    pub(super) fn is_first_of_chain(&self) -> bool {
        self.started().is_some_and(|started| started.continued_execution_run_id.is_empty())
    }

    /// The nonce in its input.
    pub(super) fn nonce(&self) -> Option<String> {
        nonce(self.started()?.input.as_ref())
    }

    /// The event with this id.
    pub(super) fn event(&self, event_id: i64) -> Option<&HistoryEvent> {
        self.events.get(usize::try_from(event_id.checked_sub(1)?).ok()?)
    }

    /// The event that closed it, if it is closed.
    pub(super) fn close_event(&self) -> Option<&HistoryEvent> {
        self.events.last().filter(|event| is_close(event.event_type()))
    }

    /// The run that follows it, if its close event names one.
    pub(super) fn next_run_id(&self) -> Option<&str> {
        let next = match self.close_event()?.attributes.as_ref()? {
            Attributes::WorkflowExecutionContinuedAsNewEventAttributes(close) => &close.new_execution_run_id,
            Attributes::WorkflowExecutionCompletedEventAttributes(close) => &close.new_execution_run_id,
            Attributes::WorkflowExecutionFailedEventAttributes(close) => &close.new_execution_run_id,
            Attributes::WorkflowExecutionTimedOutEventAttributes(close) => &close.new_execution_run_id,
            _ => return None,
        };
        (!next.is_empty()).then_some(next)
    }

    /// When it began; nanoseconds of the server's time.
    pub(super) fn begun_ns(&self) -> i64 {
        self.events.first().map_or(0, event_ns)
    }

    /// When it closed; nanoseconds of the server's time. Never, if it has not closed.
    pub(super) fn closed_ns(&self) -> i64 {
        self.close_event().map_or(i64::MAX, event_ns)
    }

    /// The id of the event that scheduled an activity.
    pub(super) fn scheduled_event_id(&self, activity_id: &str) -> Option<i64> {
        let of = |event: &&HistoryEvent| match &event.attributes {
            Some(Attributes::ActivityTaskScheduledEventAttributes(scheduled)) => scheduled.activity_id == activity_id,
            _ => false,
        };
        self.events.iter().find(of).map(|event| event.event_id)
    }

    /// For people: its ids.
    pub(super) fn name(&self) -> String {
        format!("{} (run {})", self.workflow_id, self.run_id)
    }
}

/// The run with this run id.
pub(super) fn find<'a>(runs: &'a [Run], run_id: &str) -> Option<&'a Run> {
    runs.iter().find(|run| run.run_id == run_id)
}

/// The runs of a workflow id that a request may mean, which names one of them, or the current one with an empty run id.
pub(super) fn meant<'a>(runs: &'a [Run], workflow_id: &str, run_id: &str) -> Vec<&'a Run> {
    runs.iter().filter(|run| run.workflow_id == workflow_id && (run_id.is_empty() || run.run_id == run_id)).collect()
}

/// When an event happened; nanoseconds of the server's time.
pub(super) fn event_ns(event: &HistoryEvent) -> i64 {
    event.event_time.as_ref().map_or(0, instant_ns)
}

/// An instant of the server's time, in nanoseconds.
pub(super) fn instant_ns(instant: &Timestamp) -> i64 {
    instant.seconds.saturating_mul(1_000_000_000).saturating_add(i64::from(instant.nanos))
}

/// A span of time in nanoseconds. `None` if it is not given, or zero: there is no such limit.
pub(super) fn span_ns(span: Option<&Duration>) -> Option<i64> {
    let span = span?;
    let ns = span.seconds.saturating_mul(1_000_000_000).saturating_add(i64::from(span.nanos));
    (ns > 0).then_some(ns)
}

/// The text of the first payload, which is a JSON string.
pub(super) fn text(payloads: Option<&Payloads>) -> Option<String> {
    payload::value(payloads)
}

/// Whether the first payload is this text as a JSON string.
pub(super) fn is_text(payloads: Option<&Payloads>, expected: &str) -> bool {
    let Some(payload) = payloads.and_then(|it| it.payloads.first()) else { return false };
    match payload.data.as_slice() {
        // Most texts are as they are written, and there are many to look at.
        [b'"', inner @ .., b'"'] if !inner.contains(&b'\\') => inner == expected.as_bytes(),
        _ => text(payloads).is_some_and(|text| text == expected),
    }
}

/// The nonce in the first payload, which is a JSON object.
pub(super) fn nonce(payloads: Option<&Payloads>) -> Option<String> {
    let value: Value = payload::value(payloads)?;
    value.get("nonce")?.as_str().map(str::to_owned)
}

/// Whether an event of this type closes a run.
pub(super) fn is_close(event_type: EventType) -> bool {
    use EventType as E;
    matches!(
        event_type,
        E::WorkflowExecutionCompleted
            | E::WorkflowExecutionFailed
            | E::WorkflowExecutionTimedOut
            | E::WorkflowExecutionCanceled
            | E::WorkflowExecutionTerminated
            | E::WorkflowExecutionContinuedAsNew
    )
}
