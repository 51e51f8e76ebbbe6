//! Workflow tasks, at most one at a time: scheduled, started, then completed, failed or timed out. The events of commands
//! belong to the completed task right before them.

use std::collections::BTreeSet;

use foretime_server::proto::{
    enums::{TaskQueueKind, TimeoutType, WorkflowTaskFailedCause as Cause},
    history::{HistoryEvent, WorkflowTaskScheduledEventAttributes, history_event::Attributes},
};

use super::{Findings, Step, is_reset, kinds};

/// The rule of the order of a workflow task's events.
const ORDER: &str = "workflow-task-order";
/// The rule of the attempts of workflow tasks.
const ATTEMPT: &str = "workflow-task-attempt";

/// The workflow tasks of a run.
#[derive(Debug, Default)]
pub(super) struct WorkflowTasks {
    open: Option<Task>,
    last_completed: Option<i64>,
    /// Set if the event at hand directly follows the end of a task that did not complete, or only what was buffered is between
    /// them.
    just_failed: Option<Counts>,
    /// The server took the last task that failed from its worker, because too much was buffered. Then what was buffered comes
    /// between that task and the next attempt.
    is_taken_back: bool,
    /// The tasks that a reset has failed. One that was to repeat another is written as a first attempt then.
    reset: BTreeSet<i64>,
}

#[derive(Debug)]
struct Task {
    scheduled: i64,
    started: Option<i64>,
    attempt: i32,
    is_sticky: bool,
}

impl Task {
    /// Whether this attempt is written only if it completes.
    fn is_transient(&self) -> bool {
        self.attempt > 1
    }
}

/// Whether a task that did not complete counts as an attempt, so that the task that directly follows is the next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counts {
    Yes,
    No,
    /// On a sticky queue it does not count, unless the queue was given up before, which no event shows.
    Maybe,
}

impl WorkflowTasks {
    pub(super) fn of(events: &[HistoryEvent]) -> Self {
        let reset = events.iter().filter_map(|event| match &event.attributes {
            Some(failed) if is_reset(failed) => failed.scheduled_event_id(),
            _ => None,
        });
        Self { reset: reset.collect(), ..Self::default() }
    }

    pub(super) fn take(&mut self, step: &Step<'_>, findings: &mut Findings) {
        use Attributes as A;
        let just_failed = self.just_failed.take();
        match step.attributes {
            A::WorkflowTaskScheduledEventAttributes(scheduled) => self.schedule(step.id, scheduled, just_failed, findings),
            A::WorkflowTaskStartedEventAttributes(started) => self.start(step.id, started.scheduled_event_id, findings),
            A::WorkflowTaskCompletedEventAttributes(done) => {
                self.end(done.scheduled_event_id, done.started_event_id, findings);
                self.last_completed = Some(step.id);
            }
            A::WorkflowTaskFailedEventAttributes(failed) => {
                let for_a_pause = failed.cause() == Cause::WorkflowPauseRequestedBeforeTaskStarted;
                let task = if for_a_pause && failed.started_event_id == 0 {
                    self.end_in_queue(failed.scheduled_event_id, failed.started_event_id, findings)
                } else {
                    self.end(failed.scheduled_event_id, failed.started_event_id, findings)
                };
                let is_reset = matches!(failed.cause(), Cause::ResetWorkflow | Cause::FailoverCloseCommand);
                self.is_taken_back = failed.cause() == Cause::ForceCloseCommand;
                self.fail(task, !is_reset && !for_a_pause, findings);
            }
            A::WorkflowExecutionUnpausedEventAttributes(_) => {
                // The task that follows is a first attempt, whatever became of those before the pause.
                self.pass(step.attributes, findings);
                self.is_taken_back = false;
            }
            A::WorkflowTaskTimedOutEventAttributes(timed_out) => {
                let in_queue = timed_out.timeout_type() == TimeoutType::ScheduleToStart;
                let task = if in_queue {
                    self.end_in_queue(timed_out.scheduled_event_id, timed_out.started_event_id, findings)
                } else {
                    self.end(timed_out.scheduled_event_id, timed_out.started_event_id, findings)
                };
                self.fail(task, !in_queue, findings);
            }
            other => {
                self.pass(other, findings);
                self.just_failed = just_failed.filter(|_| self.is_taken_back);
            }
        }
    }

    fn schedule(
        &mut self,
        id: i64,
        scheduled: &WorkflowTaskScheduledEventAttributes,
        just_failed: Option<Counts>,
        findings: &mut Findings,
    ) {
        if let Some(open) = &self.open {
            findings.say(ORDER, format!("the workflow task of event {} is open", open.scheduled));
        }
        let is_sticky = scheduled.task_queue.as_ref().is_some_and(|queue| queue.kind() == TaskQueueKind::Sticky);
        let attempt = scheduled.attempt;
        match just_failed {
            _ if attempt < 1 => findings.say(ATTEMPT, format!("there is no attempt {attempt}")),
            Some(Counts::Yes) if attempt == 1 && !self.reset.contains(&id) => {
                findings.say(ATTEMPT, "it repeats the task that failed right before, and counts as a first attempt");
            }
            Some(Counts::No) | None if attempt > 1 => {
                findings.say(ATTEMPT, format!("it counts as attempt {attempt}, and no failed one comes right before"));
            }
            _ => {}
        }
        self.open = Some(Task { scheduled: id, started: None, attempt, is_sticky });
    }

    fn start(&mut self, id: i64, scheduled: i64, findings: &mut Findings) {
        match &mut self.open {
            Some(task) if task.scheduled == scheduled && task.started.is_none() => task.started = Some(id),
            _ => findings.say(ORDER, format!("no workflow task of event {scheduled} waits to be started")),
        }
    }

    /// Ends the open task, which a worker had.
    fn end(&mut self, scheduled: i64, started: i64, findings: &mut Findings) -> Option<Task> {
        let task = self.open.take();
        let fits = task.as_ref().is_some_and(|task| task.scheduled == scheduled && task.started == Some(started));
        if !fits {
            findings.say(ORDER, format!("no workflow task of events {scheduled} and {started} is open"));
        }
        task
    }

    /// Ends the open task, which no worker had.
    fn end_in_queue(&mut self, scheduled: i64, started: i64, findings: &mut Findings) -> Option<Task> {
        let task = self.open.take();
        let fits = task.as_ref().is_some_and(|task| task.scheduled == scheduled && task.started.is_none() && started == 0);
        if !fits {
            findings.say(ORDER, format!("no workflow task of event {scheduled} waits to be started"));
        }
        task
    }

    /// The task that just ended did not complete.
    fn fail(&mut self, task: Option<Task>, may_count: bool, findings: &mut Findings) {
        let Some(task) = task else { return };
        // A reset fails one that was completed in the run before, so that its events are written.
        if task.is_transient() && !self.reset.contains(&task.scheduled) {
            let attempt = task.attempt;
            findings.say(ATTEMPT, format!("attempt {attempt} is not the first, so only its completion is written"));
        }
        self.just_failed = Some(match (may_count, task.is_sticky) {
            (false, _) => Counts::No,
            (true, false) => Counts::Yes,
            (true, true) => Counts::Maybe,
        });
    }

    /// An event of another kind.
    fn pass(&self, attributes: &Attributes, findings: &mut Findings) {
        match &self.open {
            Some(Task { scheduled, started: Some(_), .. }) => {
                findings.say(ORDER, format!("a worker has the workflow task of event {scheduled}, so it has to wait"));
            }
            Some(task) if task.is_transient() => {
                findings.say(ATTEMPT, "what comes after a failed attempt makes the next one a first attempt");
            }
            _ => {}
        }
        let Some(completed) = kinds::asked_by(attributes) else { return };
        match (self.last_completed, &self.open) {
            (last, _) if last != Some(completed) => {
                findings.say("command", format!("event {completed} is not the last completed workflow task before it"));
            }
            (_, Some(open)) => {
                findings.say("command", format!("the next workflow task, of event {}, is scheduled already", open.scheduled));
            }
            _ => {}
        }
    }
}
