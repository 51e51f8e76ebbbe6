//! The grammar of histories: finds everything in the history of one run that no Temporal server may write.
//!
//! The rules are the real server's (`service/history/workflow`, `historybuilder/event_store.go`). [`frame`] has those of every
//! event and [`run`] those of the run as a whole. [`workflow_tasks`], [`activities`], [`timers`], [`updates`] and [`others`] have
//! those of what a run can have open. A finding fails somebody's build, so a rule is silent wherever a legal history could break
//! it. Nexus operations only have to be well placed. A run that is still open is legal wherever its history ends. It may also
//! end with the scheduled and started events of a transient workflow task: readers see these before they are written.

use std::collections::BTreeSet;

use foretime_server::{
    engine::time::Time,
    proto::{
        enums::WorkflowTaskFailedCause,
        history::{HistoryEvent, WorkflowTaskFailedEventAttributes, history_event::Attributes},
    },
};

mod activities;
mod backoff;
mod frame;
mod kinds;
mod namesakes;
mod others;
mod run;
mod timers;
mod updates;
mod workflow_tasks;

/// A place where a history breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The event that breaks it.
    pub event_id: i64,
    /// The rule's name.
    pub rule: &'static str,
    /// What is wrong, as a sentence about the event.
    pub text: String,
}

/// Everything illegal in the history of one run, in the order of the events. The history must be whole, from event 1 on.
pub fn check(events: &[HistoryEvent]) -> Vec<Violation> {
    let mut findings = Findings::default();
    let mut frame = frame::Frame::default();
    let mut run = run::Run::default();
    let mut tasks = workflow_tasks::WorkflowTasks::of(events);
    let mut activities = activities::Activities::default();
    let mut timers = timers::Timers::default();
    let mut updates = updates::Updates::default();
    let mut others = others::Others::default();
    for event in events {
        findings.event_id = event.event_id;
        let Some(attributes) = frame.take(event, &mut findings) else { continue };
        let step = Step { id: event.event_id, at: event.event_time.as_ref().map(Time::from_proto), attributes };
        run.take(&step, &mut findings);
        tasks.take(&step, &mut findings);
        activities.take(&step, &mut findings);
        timers.take(&step, &mut findings);
        updates.take(&step, &mut findings);
        others.take(&step, &mut findings);
    }
    findings.into_violations()
}

/// One event, as the rules see it.
#[derive(Clone, Copy, Debug)]
struct Step<'a> {
    id: i64,
    /// `None` breaks a rule of its own, and no other rule looks at it.
    at: Option<Time>,
    attributes: &'a Attributes,
}

/// The violations found so far.
#[derive(Debug, Default)]
struct Findings {
    /// The event at hand.
    event_id: i64,
    violations: Vec<Violation>,
}

impl Findings {
    /// Reports that the event at hand breaks `rule`.
    fn say(&mut self, rule: &'static str, text: impl Into<String>) {
        self.say_of(self.event_id, rule, text);
    }

    /// Reports that an earlier event broke `rule`, which only shows now.
    fn say_of(&mut self, event_id: i64, rule: &'static str, text: impl Into<String>) {
        self.violations.push(Violation { event_id, rule, text: text.into() });
    }

    /// The violations. One broken link can show twice; it is reported once.
    fn into_violations(self) -> Vec<Violation> {
        let mut told = BTreeSet::new();
        let mut violations = self.violations;
        violations.retain(|violation| told.insert((violation.event_id, violation.rule)));
        violations.sort_by_key(|violation| violation.event_id);
        violations
    }
}

/// Whether a reset made the run here: what is counted from its beginning is counted from now on. A worker may name the cause of a
/// reset, too, but no run.
fn is_reset(attributes: &Attributes) -> bool {
    let is_of_reset = |failed: &WorkflowTaskFailedEventAttributes| {
        failed.cause() == WorkflowTaskFailedCause::ResetWorkflow && !failed.new_run_id.is_empty()
    };
    matches!(attributes, Attributes::WorkflowTaskFailedEventAttributes(failed) if is_of_reset(failed))
}

/// Whether `at` is too early for what is due at `due`. The real server compares whole milliseconds.
fn is_before(at: Time, due: Time) -> bool {
    at.as_millis() < due.as_millis()
}
