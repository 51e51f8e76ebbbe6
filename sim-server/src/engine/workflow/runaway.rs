//! What a run tells of its failures and its progress, so that time does not run away with something that fails for ever.

use super::run::Run;
use crate::{
    engine::{
        execution::Cx,
        kernel::{
            due::{ActivityDue, RunDue},
            effects::Effect,
        },
        rules::names,
        skipping::runaway::Subject,
    },
    proto::{failure::Failure, history::history_event::Attributes},
};

impl Run {
    /// Something else happened than a failure.
    pub(super) fn note_progress(&self, cx: &mut Cx<'_>) {
        cx.skipping.runaway.progressed(self.first_run_id());
    }

    /// An attempt of an activity failed, and another follows.
    pub(super) fn note_failed_attempt(&self, cx: &mut Cx<'_>, scheduled_event_id: i64) {
        let Some((scheduled, attempt)) = self.pending_activity(scheduled_event_id) else { return };
        let subject = Subject::Activity(self.activity_key(scheduled_event_id));
        let tell = |count| {
            let (activity_type, attempt_number) = (&scheduled.activity.activity_type, attempt.number() - 1);
            let failure = words(attempt.last_failure());
            let of = self.name();
            format!(
                "activity {activity_type} of {of} failed {count} times in a row, at last in attempt {attempt_number} ({failure})"
            )
        };
        let text = cx.skipping.runaway.failed(subject, self.key, tell);
        if let Some(text) = text {
            self.fail_fast(cx, text);
        }
    }

    /// The workflow task at hand failed or timed out.
    pub(super) fn note_failed_workflow_task(&self, cx: &mut Cx<'_>, why: &str) {
        let attempt = self.volatile.attempt;
        let tell = |count| {
            let of = self.name();
            format!("the workflow task of {of} failed {count} times in a row, at last in attempt {attempt} ({why})")
        };
        let text = cx.skipping.runaway.failed(Subject::WorkflowTask(self.key), self.key, tell);
        if let Some(text) = text {
            self.fail_fast(cx, text);
        }
    }

    /// The run failed, and another follows.
    pub(super) fn note_failed_run(&self, cx: &mut Cx<'_>, failure: Option<&Failure>) {
        let tell = |count| format!("{} failed {count} times in a row, at last with {}", self.name(), words(failure));
        let text = cx.skipping.runaway.failed(Subject::Chain(self.first_run_id().to_owned()), self.key, tell);
        if let Some(text) = text {
            self.fail_fast(cx, text);
        }
    }

    /// Leaves it to be done that the workflow is terminated, for this reason.
    pub(in crate::engine) fn fail_fast(&self, cx: &mut Cx<'_>, reason: String) {
        cx.skipping.notices.warn(reason.clone());
        cx.effects.leave(Effect::FailFast { namespace: self.namespace, workflow_id: self.workflow_id().to_owned(), reason });
    }

    /// What falls due on it, for people.
    pub(in crate::engine) fn name_of(&self, due: RunDue) -> String {
        let of = self.name();
        match due {
            RunDue::FirstWorkflowTask => format!("the first workflow task of {of}"),
            RunDue::WorkflowTaskScheduleToStart => format!("the schedule-to-start timeout of the workflow task of {of}"),
            RunDue::WorkflowTaskStartToClose => format!("the start-to-close timeout of the workflow task of {of}"),
            RunDue::UserTimer(started_event_id) => {
                let started = self.history().get(started_event_id).and_then(|event| event.attributes);
                let timer_id = match started {
                    Some(Attributes::TimerStartedEventAttributes(started)) => started.timer_id,
                    _ => String::new(),
                };
                format!("timer {timer_id} of {of}")
            }
            RunDue::Activity(id, ActivityDue::Retry) => format!("the next attempt of {}", self.name_of_activity(id)),
            RunDue::Activity(id, ActivityDue::Timeout(timeout)) => {
                format!("the {} timeout of {}", names::timeout(timeout.into()), self.name_of_activity(id))
            }
            RunDue::RunTimeout => format!("the run timeout of {of}"),
            RunDue::ExecutionTimeout => format!("the execution timeout of {of}"),
        }
    }

    /// One of its activities, for people.
    pub(in crate::engine) fn name_of_activity(&self, scheduled_event_id: i64) -> String {
        let of = self.name();
        match self.pending_activity(scheduled_event_id) {
            Some((scheduled, attempt)) => {
                let (activity_type, number) = (&scheduled.activity.activity_type, attempt.number());
                format!("activity {activity_type} (attempt {number}) of {of}")
            }
            None => format!("an activity of {of}"),
        }
    }

    /// For people.
    pub(in crate::engine) fn name(&self) -> String {
        format!("workflow {} ({})", self.workflow_id(), self.workflow_type())
    }
}

fn words(failure: Option<&Failure>) -> &str {
    failure.map_or("no failure", |failure| failure.message.as_str())
}
