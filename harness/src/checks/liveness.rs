//! Liveness: a run that cannot go on, or never ends, and who waits for what.

use foretime_server::proto::{enums::WorkflowExecutionStatus, history::HistoryEvent};

use crate::{
    finding::FindingKind,
    os::{self, ProcessId},
    world::{State, event_type},
};

impl State {
    /// Nothing will ever happen again, and the test's body still waits.
    pub(crate) fn hangs(&mut self) {
        let detail = self.who_waits();
        let title = "nothing will ever happen again, and the test still waits".to_owned();
        self.find(FindingKind::Liveness, None, title, detail);
    }

    /// The run goes on for longer than any should.
    pub(crate) fn does_not_end(&mut self) {
        let years = self.now_ns() / (365 * 24 * 60 * 60 * 1_000_000_000);
        let title = format!("no end after {} steps and {years} virtual years", self.log.steps());
        let detail = self.who_waits();
        self.find(FindingKind::Liveness, None, title, detail);
    }

    /// Who waits for what, a line each.
    fn who_waits(&self) -> String {
        let open = self.service().runs().filter(|run| run.status() == WorkflowExecutionStatus::Running);
        let mut lines: Vec<String> = open
            .map(|run| {
                let events = run.events_from(1);
                let waits_for = waits_for(&events);
                format!("{} ({}) waits for {waits_for}", run.workflow_id(), run.workflow_type())
            })
            .collect();
        if lines.is_empty() {
            lines.push("no workflow is open".to_owned());
        }
        for (number, life) in (0..).zip(&self.lives.all) {
            if life.ended.is_none() {
                lines.push(format!("{}: {}", life.name, os::waits(ProcessId(number)).join(", ")));
            }
        }
        lines.join("\n")
    }
}

/// What an open run waits for, by its history.
fn waits_for(events: &[HistoryEvent]) -> String {
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
            "WorkflowTaskScheduled" => waits.push("a worker to take its workflow task".to_owned()),
            "WorkflowTaskStarted" => waits.push("the answer to its workflow task".to_owned()),
            _ => {}
        }
    }
    let open = |begun: &str, ended: &[&str]| count(begun).saturating_sub(ended.iter().map(|name| count(name)).sum());
    let activities = open(
        "ActivityTaskScheduled",
        &["ActivityTaskCompleted", "ActivityTaskFailed", "ActivityTaskTimedOut", "ActivityTaskCanceled"],
    );
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
    for (number, one, many) in
        [(activities, "activity", "activities"), (timers, "timer", "timers"), (children, "child", "children")]
    {
        if number > 0 {
            waits.push(format!("{number} {}", if number == 1 { one } else { many }));
        }
    }
    if waits.is_empty() { "a signal, or for nothing that could come".to_owned() } else { waits.join(" and ") }
}
