//! Liveness: finds a run that cannot go on or never ends, and tells who waits for what.

use foretime_campaign::{
    attempt::Attempt,
    finding::{Stuck, Wrong},
    process::{ProcessId, Role},
    waiting::{ACTIVITIES_NAMED_MAX, open_runs, queues, schedules},
};

use crate::{
    os::{self, ThreadDoes},
    world::State,
};

/// Whether the run must be ended: it takes steps without progress, or goes on for longer than any run should.
pub(crate) fn is_endless(state: &mut State) -> bool {
    let steps = state.log.steps();
    if state.is_too_long() {
        let days = state.now_ns() / (24 * 60 * 60 * 1_000_000_000);
        is_stuck(state, None, Stuck::NoEnd { steps, days });
        return true;
    }
    if !state.progress.is_to_be_looked_at(steps) {
        return false;
    }
    let events_count = state.service().runs().map(|run| run.events_count()).sum();
    let Some(steps) = state.progress.steps_in_vain(steps, events_count) else { return false };
    let spins = state.progress.who_spins();
    let how = match spins {
        None => Stuck::NoProgress { steps },
        Some(process) => Stuck::Spins { process: state.lives.get(process).name.clone() },
    };
    is_stuck(state, spins, how);
    true
}

/// Notes that nothing will ever happen again while the test's body still waits.
pub(crate) fn hangs(state: &mut State) {
    is_stuck(state, None, Stuck::Standstill);
}

fn is_stuck(state: &mut State, process: Option<ProcessId>, how: Stuck) {
    let who_waits = who_waits(state);
    state.find(process, Wrong::Stuck { how, who_waits });
}

/// Who waits for what, one line each.
fn who_waits(state: &State) -> String {
    let waits = |(run, waits_for)| format!("{run} waits for {waits_for}");
    let mut lines: Vec<String> = open_runs(&state.view()).into_iter().map(waits).collect();
    if lines.is_empty() {
        lines.push("no workflow is open".to_owned());
    }
    lines.extend(queues::that_nobody_serves(&state.view()));
    lines.extend(schedules::that_are_left(&state.view()));
    for (number, life) in (0..).zip(&state.lives.all) {
        let process = ProcessId(number);
        if life.ended.is_some() {
            continue;
        }
        let asked: Vec<&str> = state.asked(process).collect();
        let does = match life.role {
            _ if state.progress.who_spins() == Some(process) => spins_in(state, process),
            Role::Test | Role::Client(_) if !asked.is_empty() => format!("waits for the answer to {}", asked.join(", ")),
            Role::Test if !state.clients_awaited(process).is_empty() => {
                format!("waits for what it called {} for", state.clients_awaited(process).join(" and "))
            }
            Role::Worker(_) if state.under_way.of(process).next().is_some() => at_work(state, process),
            _ => what_threads_do(&os::waits(process)),
        };
        lines.push(format!("{}: {does}", life.name));
    }
    lines.join("\n")
}

/// What spins in this process.
fn spins_in(state: &State, process: ProcessId) -> String {
    let workflows = state.workflow_tasks_of(process);
    let loops = "whose awaits all return at once (those of a workflow that was cancelled do)";
    match workflows.as_slice() {
        [] => format!("goes on without an end: it has a loop {loops}"),
        _ => {
            format!("goes on without an end with a workflow task of {}: its code has a loop {loops}", workflows.join(" or of "))
        }
    }
}

/// The attempts that are under way in a process in which nothing happens. Each takes one of its worker's slots.
fn at_work(state: &State, process: ProcessId) -> String {
    let attempts: Vec<String> = state.under_way.of(process).map(Attempt::subject).collect();
    let more = attempts.len().saturating_sub(ACTIVITIES_NAMED_MAX);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let named = &attempts[..attempts.len().min(ACTIVITIES_NAMED_MAX)];
    format!("is still in {}{more}", named.join(" and "))
}

/// What the threads of a process are doing. Idle threads are left out unless all are idle.
fn what_threads_do(threads: &[ThreadDoes]) -> String {
    if threads.iter().all(|thread| thread.is_idle) {
        return "has nothing to do".to_owned();
    }
    threads.iter().map(|thread| thread.line.as_str()).collect::<Vec<_>>().join(", ")
}
