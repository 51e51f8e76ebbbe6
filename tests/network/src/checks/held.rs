//! No task is held by two workers. A task is handed out once. The next workflow task of a run, and the next attempt of an activity, are
//! handed out only after the one before was answered, has timed out, or has ended in a way that the history tells.

use std::collections::BTreeMap;

use foretime_server::proto::history::history_event::Attributes;

use super::{
    broken::Broken,
    reading::Reading,
    run::{Run, event_ns, find, span_ns},
    tasks::{Handed, Tasks, Work},
};

/// Checks who had which task.
pub fn check(read: &Reading<'_>) -> Option<Broken> {
    let &Reading { runs, ref tasks, .. } = read;
    let mut by_token = BTreeMap::new();
    let mut holders: BTreeMap<(&str, Option<&str>), &Handed<'_>> = BTreeMap::new();
    tasks.handed.iter().find_map(|task| {
        if let Some(earlier) = by_token.insert(&task.token, task) {
            return Some(twice(earlier, task));
        }
        let whose = match &task.work {
            Work::Workflow { .. } => (task.run_id.as_str(), None),
            Work::Activity { activity_id, .. } => (task.run_id.as_str(), Some(activity_id.as_str())),
            Work::Query => return None,
        };
        let earlier = holders.insert(whose, task)?;
        match (&earlier.work, &task.work) {
            (Work::Activity { attempt: one, .. }, Work::Activity { attempt: other, .. }) if one == other => {
                Some(twice(earlier, task))
            }
            _ if has_ended(earlier, task, tasks, runs) => None,
            (Work::Activity { .. }, _) => Some(both(earlier, task, "two attempts of an activity were held at one time")),
            _ => Some(both(earlier, task, "two workflow tasks of a run were held at one time")),
        }
    })
}

/// How long the worker of a workflow task has at least.
pub(super) fn workflow_task_timeout_ns(timeout_ns: Option<i64>, run: Option<&Run>) -> Option<i64> {
    timeout_ns.or_else(|| span_ns(run?.started()?.workflow_task_timeout.as_ref()))
}

/// Whether a worker had lost its task when another was handed out.
fn has_ended(earlier: &Handed<'_>, later: &Handed<'_>, tasks: &Tasks<'_>, runs: &[Run]) -> bool {
    if tasks.reports_before(&earlier.token, later.step).any(|report| report.ends_task()) {
        return true;
    }
    let run = find(runs, &earlier.run_id);
    let held_ns = later.started_ns.saturating_sub(earlier.started_ns);
    match &earlier.work {
        Work::Workflow { started_event_id, timeout_ns, .. } => {
            let timeout_ns = workflow_task_timeout_ns(*timeout_ns, run);
            let is_told = run.is_some_and(|run| has_failed_by(run, *started_event_id, later.started_ns));
            is_told || timeout_ns.is_some_and(|timeout_ns| held_ns >= timeout_ns)
        }
        Work::Activity { start_to_close_ns, heartbeat_ns, .. } => {
            [start_to_close_ns, heartbeat_ns].into_iter().flatten().any(|timeout_ns| held_ns >= *timeout_ns)
        }
        Work::Query => true,
    }
}

/// Whether the history tells that a workflow task failed or timed out by then.
pub(super) fn has_failed_by(run: &Run, started_event_id: i64, by_ns: i64) -> bool {
    run.events.iter().any(|event| {
        let of = match &event.attributes {
            Some(Attributes::WorkflowTaskFailedEventAttributes(it)) => it.started_event_id,
            Some(Attributes::WorkflowTaskTimedOutEventAttributes(it)) => it.started_event_id,
            _ => return false,
        };
        of == started_event_id && event_ns(event) <= by_ns
    })
}

fn twice(earlier: &Handed<'_>, later: &Handed<'_>) -> Broken {
    both(earlier, later, "a task was handed out twice")
}

fn both(earlier: &Handed<'_>, later: &Handed<'_>, title: &str) -> Broken {
    let ids = [earlier, later].map(|task| task.exchange.process.0);
    let detail = format!("process {} had {}; process {} was given {}", ids[0], earlier.name(), ids[1], later.name());
    Broken::at(later.exchange, title, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::sample::{Activity, History, Talk, WorkflowTask};

    const TASK: WorkflowTask =
        WorkflowTask { token: "t", workflow_id: "w", run_id: "r", started_event_id: 3, attempt: 1, at_s: 3 };
    const NEXT: WorkflowTask = WorkflowTask { token: "u", started_event_id: 7, at_s: 7, ..TASK };
    const ACTIVITY: Activity = Activity { token: "a", workflow_id: "w", run_id: "r", activity_id: "act", attempt: 1, at_s: 6 };
    const RETRY: Activity = Activity { token: "b", attempt: 2, at_s: 8, ..ACTIVITY };

    fn title(talk: &Talk, history: History) -> Option<String> {
        check(&Reading::of(&talk.record(), &[history.run()])).map(|broken| broken.title)
    }

    fn history() -> History {
        History::of("w", "r").task_scheduled(1).task_started(2)
    }

    #[test]
    fn a_task_after_the_one_before_was_answered_is_as_it_must_be() {
        let mut talk = Talk::default();
        talk.poll_workflow_task().workflow_task(TASK);
        talk.complete_workflow_task("t").done();
        talk.poll_workflow_task().workflow_task(NEXT);
        talk.poll_activity_task().activity_task(ACTIVITY);
        talk.fail_activity("a").done();
        talk.poll_activity_task().activity_task(RETRY);
        talk.poll_workflow_task().query_task("q", "w", "r");
        assert_eq!(title(&talk, history()), None);
    }

    #[test]
    fn a_task_is_handed_out_once() {
        let mut talk = Talk::default();
        talk.poll_workflow_task().workflow_task(TASK);
        talk.poll_workflow_task().workflow_task(TASK);
        assert_eq!(title(&talk, history()).as_deref(), Some("a task was handed out twice"));
        let mut talk = Talk::default();
        talk.poll_activity_task().activity_task(ACTIVITY);
        talk.poll_activity_task().activity_task(Activity { token: "b", at_s: 60, ..ACTIVITY });
        assert_eq!(title(&talk, history()).as_deref(), Some("a task was handed out twice"));
    }

    #[test]
    fn a_workflow_task_waits_for_the_end_of_the_one_before() {
        let mut talk = Talk::default();
        talk.poll_workflow_task().workflow_task(TASK);
        talk.complete_workflow_task("t").refused(tonic::Code::NotFound);
        talk.poll_workflow_task().workflow_task(NEXT);
        let expected = Some("two workflow tasks of a run were held at one time");
        assert_eq!(title(&talk, history()).as_deref(), expected);
        // Its failure is in the history.
        assert_eq!(title(&talk, history().task_failed(3)), None);
    }

    #[test]
    fn a_workflow_task_may_follow_one_that_timed_out() {
        let mut talk = Talk::default();
        talk.poll_workflow_task().workflow_task(TASK);
        talk.poll_workflow_task().workflow_task(WorkflowTask { at_s: 13, ..NEXT });
        assert_eq!(title(&talk, history()), None);
        let mut talk = Talk::default();
        talk.poll_workflow_task().workflow_task(TASK);
        talk.poll_workflow_task().workflow_task(WorkflowTask { at_s: 12, ..NEXT });
        assert_eq!(title(&talk, history()).as_deref(), Some("two workflow tasks of a run were held at one time"));
    }

    #[test]
    fn an_answer_that_does_not_fit_ends_a_workflow_task() {
        let mut talk = Talk::default();
        talk.poll_workflow_task().workflow_task(TASK);
        talk.complete_workflow_task("t").refused(tonic::Code::InvalidArgument);
        talk.poll_workflow_task().workflow_task(NEXT);
        assert_eq!(title(&talk, history()), None);
    }

    #[test]
    fn an_attempt_of_an_activity_waits_for_the_end_of_the_one_before() {
        let mut talk = Talk::default();
        talk.poll_activity_task().activity_task(ACTIVITY);
        talk.heartbeat("a").done();
        talk.poll_activity_task().activity_task(RETRY);
        assert_eq!(title(&talk, history()).as_deref(), Some("two attempts of an activity were held at one time"));
        let mut talk = Talk::default();
        talk.poll_activity_task().activity_task(ACTIVITY);
        talk.poll_activity_task().activity_task(Activity { at_s: 16, ..RETRY });
        assert_eq!(title(&talk, history()), None);
    }
}
