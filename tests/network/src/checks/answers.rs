//! What workers answered and the service has accepted is in the histories, and each task was answered once at most.

use std::collections::BTreeMap;

use foretime_server::proto::history::{HistoryEvent, history_event::Attributes};

use super::{
    broken::Broken,
    reading::Reading,
    run::{Run, find},
    tasks::{Handed, Report, Said, Work},
};

/// Checks accepted answers to tasks.
pub fn check(read: &Reading<'_>) -> Option<Broken> {
    let &Reading { runs, ref tasks, .. } = read;
    let mut answered = BTreeMap::new();
    tasks.reports.iter().filter(|report| report.is_accepted() && report.said != Said::Heartbeat).find_map(|report| {
        let task = tasks.task_of(report)?;
        if let Some(earlier) = answered.insert(task.identity(), &report.exchange.method) {
            let detail = format!("{}: first {earlier}, then {}", task.name(), report.exchange.method);
            return Some(Broken::at(report.exchange, "a task that was answered was answered once more", detail));
        }
        let run = find(runs, &task.run_id)?;
        let title = match (&task.work, &report.said) {
            (Work::Workflow { started_event_id, attempt, .. }, _) => of_workflow_task(run, *started_event_id, *attempt, report),
            (Work::Activity { activity_id, attempt, .. }, _) => of_activity(run, activity_id, *attempt, report),
            (Work::Query, _) => None,
        };
        title.map(|title| Broken::at(report.exchange, title, format!("{}: {}", task.name(), report.exchange.method)))
    })
}

impl Handed<'_> {
    /// What no two tasks have in common, even if the service gave both the same token.
    pub(super) fn identity(&self) -> (String, String, i32, Vec<u8>) {
        match &self.work {
            Work::Activity { activity_id, attempt, .. } => (self.run_id.clone(), activity_id.clone(), *attempt, Vec::new()),
            // A speculative task may leave no trace, and the next has the same event ids.
            Work::Workflow { .. } | Work::Query => (self.run_id.clone(), String::new(), 0, self.token.clone()),
        }
    }

    /// For people: which task it is.
    pub(super) fn name(&self) -> String {
        let run = format!("{} (run {})", self.workflow_id, self.run_id);
        match &self.work {
            Work::Workflow { started_event_id, attempt, .. } => {
                format!("the workflow task of {run} with started event {started_event_id}, attempt {attempt}")
            }
            Work::Activity { activity_id, attempt, .. } => format!("the activity {activity_id} of {run}, attempt {attempt}"),
            Work::Query => format!("a query of {run}"),
        }
    }
}

/// What is wrong with an accepted answer to a workflow task.
fn of_workflow_task(run: &Run, started_event_id: i64, attempt: i32, report: &Report<'_>) -> Option<&'static str> {
    let count = |is_it: fn(&Attributes) -> Option<i64>| {
        let ids = run.events.iter().filter_map(|event| event.attributes.as_ref().and_then(is_it));
        ids.filter(|id| *id == started_event_id).count()
    };
    let completed = count(|attributes| match attributes {
        Attributes::WorkflowTaskCompletedEventAttributes(it) => Some(it.started_event_id),
        _ => None,
    });
    let failed = count(|attributes| match attributes {
        Attributes::WorkflowTaskFailedEventAttributes(it) => Some(it.started_event_id),
        _ => None,
    });
    match &report.said {
        Said::WorkflowTaskCompleted { .. } if completed > 1 => Some("the completion of a workflow task is in a history twice"),
        Said::WorkflowTaskCompleted { is_empty: false } if completed == 0 => {
            Some("the completion of a workflow task that the service acknowledged is in no history")
        }
        // From the second attempt on, a failure leaves no event. The run is terminated, or it goes on.
        Said::WorkflowTaskFailed if failed == 0 && attempt == 1 => {
            Some("the failure of a workflow task that the service acknowledged is in no history")
        }
        _ => None,
    }
}

/// What is wrong with an accepted answer to an activity task.
fn of_activity(run: &Run, activity_id: &str, attempt: i32, report: &Report<'_>) -> Option<&'static str> {
    let Some(scheduled) = run.scheduled_event_id(activity_id) else {
        return Some("an activity was answered that no history has");
    };
    let of_it = |event: &&HistoryEvent| {
        event.attributes.as_ref().and_then(Attributes::scheduled_event_id).is_some_and(|id| id == scheduled)
    };
    let attributes = || run.events.iter().filter(of_it).filter_map(|event| event.attributes.as_ref());
    let last_attempt = attributes().find_map(|attributes| match attributes {
        Attributes::ActivityTaskStartedEventAttributes(it) => Some(it.attempt),
        _ => None,
    });
    match &report.said {
        Said::ActivityCompleted(result) => {
            let results: Vec<_> = attributes()
                .filter_map(|attributes| match attributes {
                    Attributes::ActivityTaskCompletedEventAttributes(it) => Some(&it.result),
                    _ => None,
                })
                .collect();
            match results[..] {
                [] => Some("the completion of an activity that the service acknowledged is in no history"),
                [written] if written != result => Some("an activity has another result than its worker has reported"),
                [_] if last_attempt != Some(attempt) => {
                    Some("an activity was completed by another attempt than its worker had")
                }
                [_] => None,
                _ => Some("the completion of an activity is in a history twice"),
            }
        }
        // Another attempt may follow, of which the history tells only if it starts, and if it is the last.
        Said::ActivityFailed => {
            let is_completed =
                attributes().any(|attributes| matches!(attributes, Attributes::ActivityTaskCompletedEventAttributes(_)));
            (is_completed && last_attempt.is_some_and(|last| last <= attempt))
                .then_some("an attempt of an activity that failed is in a history as completed")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::sample::{Activity, History, Talk, WorkflowTask};

    const TASK: WorkflowTask =
        WorkflowTask { token: "t", workflow_id: "w", run_id: "r", started_event_id: 3, attempt: 1, at_s: 3 };
    const ACTIVITY: Activity = Activity { token: "a", workflow_id: "w", run_id: "r", activity_id: "act", attempt: 1, at_s: 6 };

    fn title(talk: &Talk, history: History) -> Option<String> {
        check(&Reading::of(&talk.record(), &[history.run()])).map(|broken| broken.title)
    }

    fn answered_once() -> Talk {
        let mut talk = Talk::default();
        talk.poll_workflow_task().workflow_task(TASK);
        talk.complete_workflow_task("t").done();
        talk.poll_activity_task().activity_task(ACTIVITY);
        talk.complete_activity("a", "ok").done();
        talk
    }

    fn history() -> History {
        History::of("w", "r").task_scheduled(1).task_started(2).task_completed(3).activity_scheduled("act")
    }

    #[test]
    fn answers_that_are_in_the_history_are_as_they_must_be() {
        let mut talk = answered_once();
        talk.complete_workflow_task("t").refused(tonic::Code::NotFound);
        assert_eq!(title(&talk, history().activity_completed("act", 1, "ok").completed("r")), None);
    }

    #[test]
    fn an_accepted_completion_of_a_workflow_task_is_in_the_history() {
        let expected = Some("the completion of a workflow task that the service acknowledged is in no history");
        assert_eq!(title(&answered_once(), History::of("w", "r").completed("r")).as_deref(), expected);
        // Unless it was empty: the task may have been speculative.
        let mut talk = Talk::default();
        talk.poll_workflow_task().workflow_task(TASK);
        talk.complete_workflow_task_with_nothing("t").done();
        assert_eq!(title(&talk, History::of("w", "r").completed("r")), None);
    }

    #[test]
    fn a_task_is_answered_once() {
        let mut talk = answered_once();
        talk.complete_workflow_task("t").done();
        let history = history().activity_completed("act", 1, "ok").completed("r");
        assert_eq!(title(&talk, history).as_deref(), Some("a task that was answered was answered once more"));
    }

    #[test]
    fn an_attempt_of_an_activity_is_answered_once_also_by_two_workers() {
        let mut talk = answered_once();
        talk.poll_activity_task().activity_task(Activity { token: "b", ..ACTIVITY });
        talk.complete_activity("b", "ok").done();
        let history = history().activity_completed("act", 1, "ok").completed("r");
        assert_eq!(title(&talk, history).as_deref(), Some("a task that was answered was answered once more"));
    }

    #[test]
    fn the_completion_of_an_activity_is_in_the_history_with_its_result_and_attempt() {
        let of = |history: History| title(&answered_once(), history.completed("r"));
        let lost = "the completion of an activity that the service acknowledged is in no history";
        assert_eq!(of(history()).as_deref(), Some(lost));
        let other = "an activity has another result than its worker has reported";
        assert_eq!(of(history().activity_completed("act", 1, "no")).as_deref(), Some(other));
        let another = "an activity was completed by another attempt than its worker had";
        assert_eq!(of(history().activity_completed("act", 2, "ok")).as_deref(), Some(another));
    }

    #[test]
    fn a_failed_attempt_is_followed_by_another_or_by_nothing() {
        let mut talk = Talk::default();
        talk.poll_activity_task().activity_task(ACTIVITY);
        talk.fail_activity("a").done();
        assert_eq!(title(&talk, history().activity_completed("act", 2, "ok").completed("r")), None);
        assert_eq!(title(&talk, history().terminated("enough")), None);
        let expected = Some("an attempt of an activity that failed is in a history as completed");
        assert_eq!(title(&talk, history().activity_completed("act", 1, "ok").completed("r")).as_deref(), expected);
    }
}
