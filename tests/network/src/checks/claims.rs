//! What many seeds together must show, each at least once: a check that has nothing to look at would pass.

use std::collections::BTreeSet;

use foretime_server::proto::{enums::EventType, history::HistoryEvent};
use tonic::Code;

use super::run::{Run, event_ns};
use crate::{
    record::{Record, call::Given, exchange::Exchange},
    world::{STARTS_AT, World},
};

/// Whether a run shows something.
type Shows = fn(&Record, &[Run]) -> bool;

/// What is to be shown, and whether a run does.
const CLAIMS: [(&str, Shows); 13] = [
    ("a run closes", |_, runs| runs.iter().any(|run| run.close_event().is_some())),
    ("a run continues as new", |_, runs| has(runs, EventType::WorkflowExecutionContinuedAsNew)),
    ("a child starts", |_, runs| has(runs, EventType::ChildWorkflowExecutionStarted)),
    ("a cancellation is requested", |_, runs| has(runs, EventType::WorkflowExecutionCancelRequested)),
    ("a run is terminated", |_, runs| has(runs, EventType::WorkflowExecutionTerminated)),
    ("an update completes", |_, runs| has(runs, EventType::WorkflowExecutionUpdateCompleted)),
    ("a workflow task times out", |_, runs| has(runs, EventType::WorkflowTaskTimedOut)),
    ("an activity times out", |_, runs| has(runs, EventType::ActivityTaskTimedOut)),
    ("a query is answered", |record, _| gives(record, |given| matches!(given, Given::Answered(_)))),
    ("a client gets a result", |record, _| gives(record, |given| matches!(given, Given::Closed { result: Some(_), .. }))),
    ("a late answer is refused", |record, _| {
        let mut answers = record.exchanges.iter().filter(|exchange| exchange.method.starts_with("Respond"));
        answers.any(|it| matches!(&it.answered, Some((.., Err(status))) if status.code() == Code::NotFound))
    }),
    ("a call reaches the server twice", |record, _| {
        let is_write = |method: &str| method == "StartWorkflowExecution" || method == "SignalWorkflowExecution";
        let writes = record.exchanges.iter().filter(|exchange| is_write(&exchange.method));
        let mut requests: Vec<_> = writes.map(|exchange| &exchange.request).collect();
        requests.sort_unstable();
        requests.windows(2).any(|pair| pair[0] == pair[1])
    }),
    ("time skips that a client has unlocked", |record, runs| {
        // Who awaits the outcome of an update lifts the lock as well.
        let is_by_unlock = record.exchanges.iter().all(|exchange| exchange.method != "UpdateWorkflowExecution");
        is_by_unlock && has_unlocked(record) && has_skipped(record, runs)
    }),
];

/// The names of what is to be shown.
pub fn names() -> Vec<&'static str> {
    CLAIMS.iter().map(|(name, _)| *name).collect()
}

/// Notes what a run shows.
pub fn note(world: &mut World, runs: &[Run]) {
    for (name, shows) in CLAIMS {
        let is_shown = shows(&world.record, runs);
        world.claim(name, is_shown);
    }
}

/// Whether a client has lifted the lock of the start: it unlocked time before it locked it.
fn has_unlocked(record: &Record) -> bool {
    let is_turn = |method: &str| method == "LockTimeSkipping" || method == "UnlockTimeSkipping";
    let mut turned = BTreeSet::new();
    let turns = record.exchanges.iter().filter(|exchange| is_turn(&exchange.method) && is_granted(exchange));
    turns.filter(|exchange| turned.insert(exchange.connection)).any(|exchange| exchange.method == "UnlockTimeSkipping")
}

/// Whether the server's time is ahead of the wall in the end.
fn has_skipped(record: &Record, runs: &[Run]) -> bool {
    let wall_ns = record.exchanges.last().map_or(0, |exchange| exchange.arrived_ns);
    let last_ns = runs.iter().flat_map(|run| &run.events).map(event_ns).max();
    last_ns.is_some_and(|last_ns| last_ns > STARTS_AT.time(wall_ns).as_nanos())
}

fn is_granted(exchange: &Exchange) -> bool {
    matches!(exchange.answered, Some((.., Ok(_))))
}

fn has(runs: &[Run], event_type: EventType) -> bool {
    let of_type = |event: &HistoryEvent| event.event_type() == event_type;
    runs.iter().any(|run| run.events.iter().any(of_type))
}

fn gives(record: &Record, is_meant: fn(&Given) -> bool) -> bool {
    record.calls.iter().any(|call| matches!(&call.ended, Some((_, Ok(given))) if is_meant(given)))
}
