//! What a worker answers to a workflow task, or to a query.

use foretime_server::proto::{
    command::Command,
    enums::EventType,
    history::{HistoryEvent, WorkflowExecutionStartedEventAttributes, history_event::Attributes},
    protocol::Message,
};

use super::{commands, flow::Flow, payload, seen::Seen, update};
use crate::plan::script::Script;

/// The answer to a workflow task.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision {
    /// What the workflow asks for.
    pub commands: Vec<Command>,
    /// What it says of updates. Each but a rejection has its command.
    pub messages: Vec<Message>,
}

/// The answer to the last workflow task of a history, which came with these messages. What is in the history after its started event
/// is not looked at. A run whose input is no script fails.
pub fn decide(history: &[HistoryEvent], messages: &[Message]) -> Decision {
    let started = history.iter().rposition(|event| event.event_type() == EventType::WorkflowTaskStarted);
    let history = started.map_or(history, |at| &history[..=at]);
    let Some(mut flow) = begin(history) else {
        return Decision { commands: vec![commands::fail("the input of the run is no script")], messages: Vec::new() };
    };
    let mut unseen = history.iter().peekable();
    // A task that failed or timed out is as if it had never been: the next one sees all that it saw.
    for (at, event) in history.iter().enumerate() {
        let Some(Attributes::WorkflowTaskCompletedEventAttributes(completed)) = &event.attributes else { continue };
        while let Some(event) = unseen.next_if(|event| event.event_id <= completed.started_event_id) {
            flow.seen.see(event);
        }
        flow.go_on(&update::accepted_with(history, at));
    }
    unseen.for_each(|event| flow.seen.see(event));
    flow.go_on(messages)
}

/// The answer to a query about the run with this history: `NONCE after N signals`.
pub fn answer(history: &[HistoryEvent]) -> String {
    let nonce = script(history).map(|script| script.nonce).unwrap_or_default();
    let mut seen = Seen::default();
    history.iter().for_each(|event| seen.see(event));
    format!("{nonce} after {} signals", seen.signals.len())
}

/// The script of the run with this history; `None` if its input is none.
pub fn script(history: &[HistoryEvent]) -> Option<Script> {
    payload::value(started(history)?.input.as_ref())
}

fn begin(history: &[HistoryEvent]) -> Option<Flow> {
    let task_queue = started(history)?.task_queue.as_ref().map(|queue| queue.name.clone()).unwrap_or_default();
    Some(Flow::new(script(history)?, task_queue))
}

fn started(history: &[HistoryEvent]) -> Option<&WorkflowExecutionStartedEventAttributes> {
    match history.first()?.attributes.as_ref()? {
        Attributes::WorkflowExecutionStartedEventAttributes(started) => Some(started),
        _ => None,
    }
}
