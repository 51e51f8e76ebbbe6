//! What each open run of a workflow waits for, by its history and its activities.

use foretime_server::{
    engine::{ActivityView, RunView},
    proto::{enums::EventType, history::HistoryEvent},
};

use crate::{time::Start, view::View, words::after};

/// The most activities that are named, of a workflow or of a worker.
pub const ACTIVITIES_NAMED_MAX: usize = 3;

/// Each open run, and what it waits for.
pub fn open_runs(view: &View<'_>) -> Vec<(String, String)> {
    let open = view.runs().filter(|run| run.is_open());
    let waits = |run: RunView<'_>| {
        let waits_for = match run.pause() {
            Some((who, why)) => format!("somebody to unpause it (paused{})", by(&who, &why)),
            None => waits_for(view.starts_at, &run.events_from(1), activities(&run), run.task_queue()),
        };
        (format!("{} ({})", run.workflow_id(), run.workflow_type()), waits_for)
    };
    open.map(waits).collect()
}

/// Who did it and why, as far as they said so.
fn by(who: &str, why: &str) -> String {
    let who = if who.is_empty() { String::new() } else { format!(" by {who}") };
    if why.is_empty() { who } else { format!("{who}: \"{why}\"") }
}

/// The activities that an open run waits for, by name, with their problems.
fn activities(run: &RunView<'_>) -> Vec<String> {
    let said = |activity: ActivityView<'_>| {
        let failed = activity.last_failure().filter(|_| activity.attempt() > 1);
        let failed = failed.map_or_else(String::new, |failure| format!(", the one before failed with \"{failure}\""));
        let paused = activity.pause().map_or_else(String::new, |(who, why)| format!(", paused{}", by(who, why)));
        format!("activity {} (attempt {}{failed}{paused})", activity.activity_type(), activity.attempt())
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
    updates: u64,
}

impl Open {
    fn after(self, event: &HistoryEvent) -> Self {
        let Self { timers, children, updates, .. } = self;
        match event.event_type() {
            it @ (EventType::WorkflowTaskScheduled
            | EventType::WorkflowTaskStarted
            | EventType::WorkflowTaskCompleted
            | EventType::WorkflowTaskFailed
            | EventType::WorkflowTaskTimedOut) => Self { task: Some(it), ..self },
            EventType::TimerStarted => Self { timers: timers + 1, ..self },
            EventType::TimerFired | EventType::TimerCanceled => Self { timers: timers.saturating_sub(1), ..self },
            EventType::StartChildWorkflowExecutionInitiated => Self { children: children + 1, ..self },
            EventType::StartChildWorkflowExecutionFailed
            | EventType::ChildWorkflowExecutionCompleted
            | EventType::ChildWorkflowExecutionFailed
            | EventType::ChildWorkflowExecutionCanceled
            | EventType::ChildWorkflowExecutionTimedOut
            | EventType::ChildWorkflowExecutionTerminated => Self { children: children.saturating_sub(1), ..self },
            EventType::WorkflowExecutionUpdateAccepted => Self { updates: updates + 1, ..self },
            EventType::WorkflowExecutionUpdateCompleted => Self { updates: updates.saturating_sub(1), ..self },
            _ => self,
        }
    }
}

/// What an open run waits for, according to its history. Its activities are given.
fn waits_for(start: Start, events: &[HistoryEvent], activities: Vec<String>, task_queue: &str) -> String {
    let open = events.iter().fold(Open::default(), Open::after);
    let mut waits = Vec::new();
    match open.task {
        None => {
            let first_task = events.first().and_then(|event| start.first_workflow_task_ns(event));
            waits.extend(first_task.map(|at_ns| format!("its first workflow task, {}", after(at_ns))));
        }
        Some(EventType::WorkflowTaskScheduled) => {
            waits.push(format!("a worker to take its workflow task from queue \"{task_queue}\""));
        }
        Some(EventType::WorkflowTaskStarted) => waits.push("the answer to its workflow task".to_owned()),
        Some(_) => {}
    }
    waits.extend(activities);
    let counted = [
        (open.timers, "timer", "timers"),
        (open.children, "child", "children"),
        (open.updates, "handler of an update", "handlers of updates"),
    ];
    for (number, one, many) in counted {
        if number > 0 {
            waits.push(format!("{number} {}", if number == 1 { one } else { many }));
        }
    }
    if waits.is_empty() { "a signal, or for nothing that could come".to_owned() } else { waits.join(" and ") }
}
