//! Small records and histories for the tests of the checks, made by hand: what was said ([`talk`]), what was written ([`history`]), and
//! what clients were told in the end ([`calls`]).

use foretime_server::proto::{
    common::{Payload, Payloads, WorkflowExecution},
    history::{HistoryEvent, history_event::Attributes},
    taskqueue::TaskQueue,
};
use prost_types::{Duration, Timestamp};

mod calls;
mod history;
mod talk;

pub(super) use calls::{already_started, closed, described, query_call, signal_call, start_call, update_call};
pub(super) use history::History;
pub(super) use talk::{Activity, Talk, WorkflowTask};

/// The task queue of all tasks.
const QUEUE: &str = "queue";

fn event(event_id: i64, at_s: i64, attributes: Attributes) -> HistoryEvent {
    HistoryEvent {
        event_id,
        event_time: Some(at(at_s)),
        event_type: attributes.event_type().into(),
        task_id: 1_000 + event_id,
        attributes: Some(attributes),
        ..HistoryEvent::default()
    }
}

fn execution(workflow_id: &str, run_id: &str) -> WorkflowExecution {
    WorkflowExecution { workflow_id: workflow_id.to_owned(), run_id: run_id.to_owned() }
}

fn queue(name: &str) -> TaskQueue {
    TaskQueue { name: name.to_owned(), ..TaskQueue::default() }
}

fn text(text: &str) -> Payloads {
    payloads(serde_json::Value::from(text))
}

fn input_with(nonce: &str) -> Payloads {
    payloads(serde_json::json!({ "nonce": nonce }))
}

fn payloads(value: serde_json::Value) -> Payloads {
    Payloads { payloads: vec![Payload { data: value.to_string().into_bytes(), ..Payload::default() }] }
}

fn at(at_s: i64) -> Timestamp {
    Timestamp { seconds: at_s, nanos: 0 }
}

fn seconds(seconds: i64) -> Duration {
    Duration { seconds, nanos: 0 }
}
