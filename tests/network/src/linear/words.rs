//! Calls and runs for people.

use super::{
    answers::already_started,
    line::{Line, Step, closed, closed_at, running},
};
use crate::record::call::{Asked, ClientCall, Given, Refused, Start};

const NS_PER_S: u64 = 1_000_000_000;

/// Where the chain is.
pub(super) fn place(line: &Line<'_>, place: usize) -> String {
    match (closed_at(place), place) {
        (_, 0) => "there is no run".to_owned(),
        (Some(run), _) => format!("{} has closed: {}", line.runs[run].run_id, line.runs[run].status.as_str_name()),
        (None, place) => format!("{} is running", line.runs[place / 2].run_id),
    }
}

/// A run, and what began and closed it.
pub(super) fn run(line: &Line<'_>, run: usize) -> String {
    let truth = &line.runs[run];
    let began = match (&truth.continued_from, line.steps.get(running(run) - 1)) {
        (Some(before), Some(Step::Any)) => format!("continued {before}"),
        (_, Some(Step::By(_))) => format!("begun by the start {}", truth.start_request_id),
        _ => format!("begun by the start {}, which no client asked for then", truth.start_request_id),
    };
    let reason = if truth.terminated_for.is_empty() { String::new() } else { format!(" for {:?}", truth.terminated_for) };
    let closed = match line.steps.get(closed(run) - 1) {
        Some(Step::Never) => format!("{}{reason}, which no client asked for then", truth.status.as_str_name()),
        _ => format!("{}{reason}", truth.status.as_str_name()),
    };
    format!("{}: {began}; {closed}", truth.run_id)
}

/// A call, and its answer.
pub(super) fn call(call: &ClientCall) -> String {
    let (client, began, asked) = (&call.client, seconds(call.began_ns), asked(&call.asked));
    match &call.ended {
        None => format!("{client}, from {began}: {asked}: never heard an answer"),
        Some((ended_ns, Ok(given))) => format!("{client}, {began} to {}: {asked}: {}", seconds(*ended_ns), self::given(given)),
        Some((ended_ns, Err(refused))) => {
            format!("{client}, {began} to {}: {asked}: {}", seconds(*ended_ns), self::refused(refused))
        }
    }
}

fn seconds(ns: u64) -> String {
    format!("{}.{:09} s", ns / NS_PER_S, ns % NS_PER_S)
}

fn target(run_id: &str) -> &str {
    if run_id.is_empty() { "the current run" } else { run_id }
}

fn asked(asked: &Asked) -> String {
    match asked {
        Asked::Start(start) => format!("Start {}", self::start(start)),
        Asked::SignalWithStart { start, nonce } => format!("SignalWithStart {nonce}, {}", self::start(start)),
        Asked::Signal { run_id, nonce, .. } => format!("Signal {nonce} of {}", target(run_id)),
        Asked::Update { run_id, update_id, .. } => format!("Update {update_id} of {}", target(run_id)),
        Asked::Query { run_id } => format!("Query of {}", target(run_id)),
        Asked::Cancel { run_id, request_id } => format!("RequestCancel {request_id} of {}", target(run_id)),
        Asked::Terminate { run_id, nonce } => format!("Terminate of {} for {nonce:?}", target(run_id)),
        Asked::Await { run_id } => format!("wait for the end of {}", target(run_id)),
        Asked::Describe { run_id } => format!("Describe of {}", target(run_id)),
    }
}

fn start(start: &Start) -> String {
    let Start { request_id, reuse, conflict, .. } = start;
    format!("{request_id} ({}, {})", reuse.as_str_name(), conflict.as_str_name())
}

fn given(given: &Given) -> String {
    match given {
        Given::Started { run_id, started: true } => format!("started {run_id}"),
        Given::Started { run_id, started: false } => format!("{run_id} was there"),
        Given::Done => "done".to_owned(),
        Given::Updated { run_id, outcome: Ok(result) } => format!("completed in {run_id}: {result}"),
        Given::Updated { run_id, outcome: Err(failure) } => format!("failed in {run_id}: {failure}"),
        Given::Answered(result) => format!("answered: {result}"),
        Given::Described { run_id, status } => format!("{run_id} is {}", status.as_str_name()),
        Given::Closed { run_id, status, .. } => format!("{run_id} has closed: {}", status.as_str_name()),
    }
}

fn refused(refused: &Refused) -> String {
    let Refused { code, text, .. } = refused;
    match already_started(refused) {
        Some(had) => format!("{code:?}: {text} (run {}, begun by the start {})", had.run_id, had.start_request_id),
        None => format!("{code:?}: {text}"),
    }
}
