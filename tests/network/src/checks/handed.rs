//! No task is lost on its way to a worker: each one that was started was in an answer of the service. Whether the answer reached the
//! worker is the network's affair. The service's is to give no task to somebody who no longer waits for one.
//!
//! A history has the start of a workflow task, unless it repeats one that failed, and the start of the last attempt of an activity. The
//! attempts between are known from their successors: an attempt follows one that somebody had. That holds because nothing in these
//! runs waits for a worker within a timeout.

use std::collections::BTreeSet;

use foretime_server::proto::history::{HistoryEvent, history_event::Attributes};

use super::{
    broken::Broken,
    reading::Reading,
    run::{Run, event_ns},
    tasks::{Handed, Work},
};

/// Checks that each task that was started was handed out.
pub fn check(read: &Reading<'_>) -> Option<Broken> {
    let &Reading { runs, ref tasks, .. } = read;
    let handed: BTreeSet<Start<'_>> = tasks.handed.iter().filter_map(Start::handed).collect();
    let is_lost = |start: &Start<'_>| !handed.contains(start);
    let written = || runs.iter().find_map(|run| run.events.iter().find_map(|event| lost(run, event, is_lost)));
    let skipped = || {
        tasks.handed.iter().find_map(|later| {
            let start = Start::handed(later)?.before().filter(is_lost)?;
            Some(Broken::at(later.exchange, start.whose.title(), format!("{start}, and then {}", later.name())))
        })
    };
    written().or_else(skipped)
}

/// What the start that this event tells of is, if nobody was given its task.
fn lost(run: &Run, event: &HistoryEvent, is_lost: impl Fn(&Start<'_>) -> bool) -> Option<Broken> {
    let start = Start::written(run, event).filter(is_lost)?;
    let identity = match &event.attributes {
        Some(Attributes::WorkflowTaskStartedEventAttributes(it)) => &it.identity,
        Some(Attributes::ActivityTaskStartedEventAttributes(it)) => &it.identity,
        _ => return None,
    };
    let detail = format!("{start} of {}, for {identity:?}, at {} ns", run.workflow_id, event_ns(event));
    Some(Broken { title: start.whose.title().to_owned(), detail, at_ns: 0, process: None })
}

/// The start of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Start<'a> {
    run_id: &'a str,
    whose: Whose<'a>,
    attempt: i32,
}

/// What is attempted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Whose<'a> {
    /// The workflow task whose started event has this id, whether it is written or not. The attempts that repeat it from the second one
    /// on have the same.
    Workflow(i64),
    /// The activity with this activity id.
    Activity(&'a str),
}

impl Whose<'_> {
    fn title(&self) -> &'static str {
        match self {
            Self::Workflow(_) => "a workflow task was started that nobody was given",
            Self::Activity(_) => "an attempt of an activity was started that nobody was given",
        }
    }
}

impl<'a> Start<'a> {
    /// That of a task that was handed out. `None`: it is a query.
    fn handed(task: &'a Handed<'_>) -> Option<Self> {
        let (whose, attempt) = match &task.work {
            Work::Workflow { started_event_id, attempt, .. } => (Whose::Workflow(*started_event_id), *attempt),
            Work::Activity { activity_id, attempt, .. } => (Whose::Activity(activity_id), *attempt),
            Work::Query => return None,
        };
        Some(Self { run_id: &task.run_id, whose, attempt })
    }

    /// That of which an event tells. `None`: it is another event.
    fn written(run: &'a Run, event: &HistoryEvent) -> Option<Self> {
        let scheduled_by = |event_id: i64| run.event(event_id)?.attributes.as_ref();
        let (whose, attempt) = match event.attributes.as_ref()? {
            Attributes::WorkflowTaskStartedEventAttributes(it) => {
                let Some(Attributes::WorkflowTaskScheduledEventAttributes(scheduled)) = scheduled_by(it.scheduled_event_id)
                else {
                    return None;
                };
                (Whose::Workflow(event.event_id), scheduled.attempt.max(1))
            }
            Attributes::ActivityTaskStartedEventAttributes(it) => {
                let Some(Attributes::ActivityTaskScheduledEventAttributes(scheduled)) = scheduled_by(it.scheduled_event_id)
                else {
                    return None;
                };
                (Whose::Activity(&scheduled.activity_id), it.attempt)
            }
            _ => return None,
        };
        Some(Self { run_id: &run.run_id, whose, attempt })
    }

    /// The attempt before it. `None` if it is the first, or if that has another started event: the history tells of it.
    fn before(self) -> Option<Self> {
        let first = match self.whose {
            Whose::Workflow(_) => 2,
            Whose::Activity(_) => 1,
        };
        (self.attempt > first).then(|| Self { attempt: self.attempt - 1, ..self })
    }
}

impl std::fmt::Display for Start<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { run_id, whose, attempt } = self;
        match whose {
            Whose::Workflow(event_id) => write!(f, "the workflow task with started event {event_id}, attempt {attempt}")?,
            Whose::Activity(activity_id) => write!(f, "the activity {activity_id}, attempt {attempt}")?,
        }
        write!(f, " (run {run_id})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::sample::{Activity, History, Talk, WorkflowTask};

    const TASK: WorkflowTask =
        WorkflowTask { token: "t", workflow_id: "w", run_id: "r", started_event_id: 3, attempt: 1, at_s: 3 };
    const ACTIVITY: Activity = Activity { token: "a", workflow_id: "w", run_id: "r", activity_id: "act", attempt: 1, at_s: 6 };
    const NO_WORKER: Option<&str> = Some("a workflow task was started that nobody was given");
    const NO_ACTIVITY_WORKER: Option<&str> = Some("an attempt of an activity was started that nobody was given");

    fn title(talk: &Talk, history: History) -> Option<String> {
        check(&Reading::of(&talk.record(), &[history.run()])).map(|broken| broken.title)
    }

    fn begun() -> Talk {
        let mut talk = Talk::default();
        talk.poll_workflow_task().workflow_task(TASK);
        talk
    }

    fn history() -> History {
        History::of("w", "r").task_scheduled(1).task_started(2)
    }

    #[test]
    fn tasks_that_were_handed_out_are_as_they_must_be() {
        let mut talk = begun();
        talk.complete_workflow_task("t").done();
        talk.poll_activity_task().activity_task(ACTIVITY);
        talk.poll_activity_task().activity_task(Activity { token: "b", attempt: 2, at_s: 9, ..ACTIVITY });
        let history = history().task_completed(3).activity_scheduled("act").activity_completed("act", 2, "ok").completed("r");
        assert_eq!(title(&talk, history), None);
    }

    #[test]
    fn a_workflow_task_that_was_started_was_handed_out() {
        let mut talk = Talk::default();
        talk.poll_workflow_task().unanswered();
        assert_eq!(title(&talk, history()).as_deref(), NO_WORKER);
        // The same task of another run is another.
        let mut talk = Talk::default();
        talk.poll_workflow_task().workflow_task(WorkflowTask { run_id: "s", ..TASK });
        assert_eq!(title(&talk, history()).as_deref(), NO_WORKER);
        assert_eq!(title(&talk, History::of("w", "r").task_scheduled(1)), None);
    }

    #[test]
    fn a_repeated_workflow_task_follows_one_that_was_handed_out() {
        let third = WorkflowTask { token: "v", started_event_id: 6, attempt: 3, at_s: 30, ..TASK };
        let history = history().task_timed_out(3);
        let mut talk = begun();
        talk.poll_workflow_task().workflow_task(third);
        assert_eq!(title(&talk, history.clone()).as_deref(), NO_WORKER);
        let mut talk = begun();
        talk.poll_workflow_task().workflow_task(WorkflowTask { token: "u", attempt: 2, at_s: 15, ..third });
        talk.poll_workflow_task().workflow_task(third);
        assert_eq!(title(&talk, history), None);
    }

    #[test]
    fn an_attempt_of_an_activity_that_was_started_was_handed_out() {
        let scheduled = history().task_completed(3).activity_scheduled("act");
        let mut talk = begun();
        talk.poll_activity_task().unanswered();
        assert_eq!(title(&talk, scheduled.clone()), None);
        let expected = NO_ACTIVITY_WORKER;
        assert_eq!(title(&talk, scheduled.clone().activity_completed("act", 1, "ok")).as_deref(), expected);
        // The first attempt was lost, and the second one was not.
        talk.poll_activity_task().activity_task(Activity { attempt: 2, at_s: 50, ..ACTIVITY });
        assert_eq!(title(&talk, scheduled).as_deref(), expected);
    }
}
