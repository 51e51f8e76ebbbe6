//! Liveness: a run that cannot go on, or never ends, and who waits for what.

use foretime_server::{
    engine::{ActivityView, RunView},
    proto::{enums::WorkflowExecutionStatus, history::HistoryEvent},
};

use crate::{
    activities::Attempt,
    finding::{Stuck, Wrong},
    os::{self, ProcessId},
    words::after,
    world::{State, event_type, first_workflow_task_ns, lives::Role},
};

/// A run in which nothing comes of so many steps gets nowhere: an activity that fails for ever takes twelve for an attempt.
const STEPS_WITHOUT_PROGRESS_MAX: u64 = 100_000;
/// Progress is looked for once in so many steps.
const LOOK_EVERY_STEPS: u64 = 5_000;
/// At most so many activities of a workflow are named.
const ACTIVITIES_NAMED_MAX: usize = 3;

/// How far a run got, and when that was seen.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// What the test asked for, and heartbeats: nobody calls that standing still.
    pub(crate) signs_of_life: usize,
    seen: usize,
    seen_at_step: u64,
    next_look_at_step: u64,
    /// Who has had all turns of late, at which instant, and how many.
    turns: Option<(ProcessId, u64, u64)>,
}

impl Progress {
    /// A thread of this process gets the turn.
    pub(crate) fn turn(&mut self, process: ProcessId, at_ns: u64) {
        let count = match self.turns {
            Some((of, since_ns, count)) if (of, since_ns) == (process, at_ns) => count,
            _ => 0,
        };
        self.turns = Some((process, at_ns, count + 1));
    }

    /// The process that goes round and round, while no time goes by.
    fn who_spins(&self) -> Option<ProcessId> {
        self.turns.filter(|(.., count)| *count >= STEPS_WITHOUT_PROGRESS_MAX / 2).map(|(process, ..)| process)
    }
}

impl State {
    /// Whether the run is at its end by force: it makes steps, but gets nowhere, or goes on for longer than any should.
    pub(crate) fn is_endless(&mut self) -> bool {
        let steps = self.log.steps();
        if self.is_too_long() {
            self.does_not_end();
            return true;
        }
        if steps < self.progress.next_look_at_step {
            return false;
        }
        let events: usize = self.service().runs().map(|run| run.events_count()).sum();
        let progress = &mut self.progress;
        progress.next_look_at_step = steps + LOOK_EVERY_STEPS;
        if progress.seen != events + progress.signs_of_life {
            progress.seen = events + progress.signs_of_life;
            progress.seen_at_step = steps;
        }
        let without = steps - progress.seen_at_step;
        if without >= STEPS_WITHOUT_PROGRESS_MAX {
            let spins = self.progress.who_spins();
            let how = match spins {
                None => Stuck::NoProgress { steps: without },
                Some(process) => Stuck::Spins { process: self.lives.get(process).name.clone() },
            };
            self.is_stuck(spins, how);
            return true;
        }
        false
    }

    /// Nothing will ever happen again, and the test's body still waits.
    pub(crate) fn hangs(&mut self) {
        self.is_stuck(None, Stuck::Standstill);
    }

    /// The run goes on for longer than any should.
    fn does_not_end(&mut self) {
        let days = self.now_ns() / (24 * 60 * 60 * 1_000_000_000);
        self.is_stuck(None, Stuck::NoEnd { steps: self.log.steps(), days });
    }

    fn is_stuck(&mut self, process: Option<ProcessId>, how: Stuck) {
        let who_waits = self.who_waits();
        self.find(process, Wrong::Stuck { how, who_waits });
    }

    /// Each open run, and what it waits for.
    pub(crate) fn open_runs(&self) -> Vec<(String, String)> {
        let open = self.service().runs().filter(|run| run.status() == WorkflowExecutionStatus::Running);
        let waits = |run: RunView<'_>| {
            let waits_for = waits_for(&run.events_from(1), activities(&run), run.task_queue());
            (format!("{} ({})", run.workflow_id(), run.workflow_type()), waits_for)
        };
        open.map(waits).collect()
    }

    /// Who waits for what, a line each.
    fn who_waits(&self) -> String {
        let waits = |(run, waits_for)| format!("{run} waits for {waits_for}");
        let mut lines: Vec<String> = self.open_runs().into_iter().map(waits).collect();
        if lines.is_empty() {
            lines.push("no workflow is open".to_owned());
        }
        lines.extend(self.queues_that_nobody_serves());
        for (number, life) in (0..).zip(&self.lives.all) {
            let process = ProcessId(number);
            if life.ended.is_some() {
                continue;
            }
            let asked: Vec<&str> = self.asked(process).collect();
            let does = match life.role {
                _ if self.progress.who_spins() == Some(process) => self.spins_in(process),
                Role::Test if !asked.is_empty() => format!("waits for the answer to {}", asked.join(", ")),
                Role::Worker(_) if self.under_way.of(process).next().is_some() => self.at_work(process),
                _ => what_threads_do(&os::waits(process)),
            };
            lines.push(format!("{}: {does}", life.name));
        }
        lines.join("\n")
    }

    /// What goes round and round in this process.
    fn spins_in(&self, process: ProcessId) -> String {
        let workflows = self.workflow_tasks_of(process);
        let loops = "whose awaits all return at once (those of a workflow that was cancelled do)";
        match workflows.as_slice() {
            [] => format!("goes on without an end: it has a loop {loops}"),
            _ => format!(
                "goes on without an end with a workflow task of {}: its code has a loop {loops}",
                workflows.join(" or of ")
            ),
        }
    }

    /// The attempts that are under way in a process in which nothing happens: each takes one of the places that its worker has.
    fn at_work(&self, process: ProcessId) -> String {
        let attempts: Vec<String> = self.under_way.of(process).map(Attempt::subject).collect();
        let more = attempts.len().saturating_sub(ACTIVITIES_NAMED_MAX);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let named = &attempts[..attempts.len().min(ACTIVITIES_NAMED_MAX)];
        format!("is still in {}{more}", named.join(" and "))
    }
}

/// What the threads of a process do, by their lines; those that have nothing to do are not worth a word if all have not.
fn what_threads_do(threads: &[String]) -> String {
    if threads.iter().all(|line| line.ends_with("has nothing to do")) {
        return "has nothing to do".to_owned();
    }
    threads.join(", ")
}

/// The activities that an open run waits for, by name, with what is wrong with them.
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

/// What an open run waits for, by its history; its activities are known.
fn waits_for(events: &[HistoryEvent], activities: Vec<String>, task_queue: &str) -> String {
    let last_of = |wanted: &[&str]| events.iter().rev().find(|event| wanted.contains(&event_type(event).as_str()));
    let count = |name: &str| events.iter().filter(|event| event_type(event) == name).count();
    let mut waits = Vec::new();
    if let Some(task) = last_of(&[
        "WorkflowTaskScheduled",
        "WorkflowTaskStarted",
        "WorkflowTaskCompleted",
        "WorkflowTaskFailed",
        "WorkflowTaskTimedOut",
    ]) {
        match event_type(task).as_str() {
            "WorkflowTaskScheduled" => waits.push(format!("a worker to take its workflow task from queue \"{task_queue}\"")),
            "WorkflowTaskStarted" => waits.push("the answer to its workflow task".to_owned()),
            _ => {}
        }
    }
    if let Some(at_ns) =
        events.first().filter(|_| last_of(&["WorkflowTaskScheduled"]).is_none()).and_then(first_workflow_task_ns)
    {
        waits.push(format!("its first workflow task, {}", after(at_ns)));
    }
    let open = |begun: &str, ended: &[&str]| count(begun).saturating_sub(ended.iter().map(|name| count(name)).sum());
    let timers = open("TimerStarted", &["TimerFired", "TimerCanceled"]);
    let children = open(
        "StartChildWorkflowExecutionInitiated",
        &[
            "StartChildWorkflowExecutionFailed",
            "ChildWorkflowExecutionCompleted",
            "ChildWorkflowExecutionFailed",
            "ChildWorkflowExecutionCanceled",
            "ChildWorkflowExecutionTimedOut",
            "ChildWorkflowExecutionTerminated",
        ],
    );
    waits.extend(activities);
    for (number, one, many) in [(timers, "timer", "timers"), (children, "child", "children")] {
        if number > 0 {
            waits.push(format!("{number} {}", if number == 1 { one } else { many }));
        }
    }
    if waits.is_empty() { "a signal, or for nothing that could come".to_owned() } else { waits.join(" and ") }
}
