//! Liveness: finds a run that cannot go on or never ends, and tells who waits for what.

use foretime_server::{
    engine::{ActivityView, RunView},
    proto::{
        enums::{EventType, WorkflowExecutionStatus},
        history::HistoryEvent,
    },
};

use super::queues;
use crate::{
    os::{self, ProcessId, ThreadDoes},
    words::after,
    world::{
        State, View,
        attempt::Attempt,
        finding::{Stuck, Wrong},
        first_workflow_task_ns,
        lives::Role,
    },
};

/// The most activities of a workflow that are named.
const ACTIVITIES_NAMED_MAX: usize = 3;

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

/// Each open run, and what it waits for.
pub(crate) fn open_runs(view: &View<'_>) -> Vec<(String, String)> {
    let open = view.runs().filter(|run| run.status() == WorkflowExecutionStatus::Running);
    let waits = |run: RunView<'_>| {
        let waits_for = waits_for(&run.events_from(1), activities(&run), run.task_queue());
        (format!("{} ({})", run.workflow_id(), run.workflow_type()), waits_for)
    };
    open.map(waits).collect()
}

/// Who waits for what, one line each.
fn who_waits(state: &State) -> String {
    let waits = |(run, waits_for)| format!("{run} waits for {waits_for}");
    let mut lines: Vec<String> = open_runs(&state.view()).into_iter().map(waits).collect();
    if lines.is_empty() {
        lines.push("no workflow is open".to_owned());
    }
    lines.extend(queues::that_nobody_serves(&state.view()));
    for (number, life) in (0..).zip(&state.lives.all) {
        let process = ProcessId(number);
        if life.ended.is_some() {
            continue;
        }
        let asked: Vec<&str> = state.asked(process).collect();
        let does = match life.role {
            _ if state.progress.who_spins() == Some(process) => spins_in(state, process),
            Role::Test if !asked.is_empty() => format!("waits for the answer to {}", asked.join(", ")),
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

/// The activities that an open run waits for, by name, with their problems.
fn activities(run: &RunView<'_>) -> Vec<String> {
    let said = |activity: ActivityView<'_>| {
        let failed = activity.last_failure().filter(|_| activity.attempt() > 1);
        let failed = failed.map_or_else(String::new, |failure| format!(", the one before failed with \"{failure}\""));
        format!("activity {} (attempt {}{failed})", activity.activity_type(), activity.attempt())
    };
    let mut named: Vec<String> = run.open_activities().take(ACTIVITIES_NAMED_MAX).map(said).collect();
    let more = run.open_activities().count() - named.len();
    if more > 0 {
        named.push(format!("{more} more activities"));
    }
    named
}

/// What is open in a run, by its history.
#[derive(Debug, Default)]
struct Open {
    /// The last event of its workflow tasks.
    task: Option<EventType>,
    timers: u64,
    children: u64,
}

impl Open {
    fn after(self, event: &HistoryEvent) -> Self {
        let Self { task, timers, children } = self;
        match event.event_type() {
            it @ (EventType::WorkflowTaskScheduled
            | EventType::WorkflowTaskStarted
            | EventType::WorkflowTaskCompleted
            | EventType::WorkflowTaskFailed
            | EventType::WorkflowTaskTimedOut) => Self { task: Some(it), timers, children },
            EventType::TimerStarted => Self { task, timers: timers + 1, children },
            EventType::TimerFired | EventType::TimerCanceled => Self { task, timers: timers.saturating_sub(1), children },
            EventType::StartChildWorkflowExecutionInitiated => Self { task, timers, children: children + 1 },
            EventType::StartChildWorkflowExecutionFailed
            | EventType::ChildWorkflowExecutionCompleted
            | EventType::ChildWorkflowExecutionFailed
            | EventType::ChildWorkflowExecutionCanceled
            | EventType::ChildWorkflowExecutionTimedOut
            | EventType::ChildWorkflowExecutionTerminated => Self { task, timers, children: children.saturating_sub(1) },
            _ => self,
        }
    }
}

/// What an open run waits for, according to its history. Its activities are given.
fn waits_for(events: &[HistoryEvent], activities: Vec<String>, task_queue: &str) -> String {
    let open = events.iter().fold(Open::default(), Open::after);
    let mut waits = Vec::new();
    match open.task {
        None => {
            let first_task = events.first().and_then(first_workflow_task_ns);
            waits.extend(first_task.map(|at_ns| format!("its first workflow task, {}", after(at_ns))));
        }
        Some(EventType::WorkflowTaskScheduled) => {
            waits.push(format!("a worker to take its workflow task from queue \"{task_queue}\""));
        }
        Some(EventType::WorkflowTaskStarted) => waits.push("the answer to its workflow task".to_owned()),
        Some(_) => {}
    }
    waits.extend(activities);
    for (number, one, many) in [(open.timers, "timer", "timers"), (open.children, "child", "children")] {
        if number > 0 {
            waits.push(format!("{number} {}", if number == 1 { one } else { many }));
        }
    }
    if waits.is_empty() { "a signal, or for nothing that could come".to_owned() } else { waits.join(" and ") }
}
