//! What became of tasks is what their workers reported. A failure of an activity that the service has accepted is in the history: as the
//! end of the activity, or as that of the attempt before the last. And the history has no completion and no failure that no worker
//! reported, or that the service refused.

use std::collections::BTreeSet;

use foretime_server::proto::{
    enums::{RetryState, TimeoutType},
    failure::{Failure, failure::FailureInfo},
    history::{HistoryEvent, history_event::Attributes},
    workflowservice::RespondActivityTaskFailedRequest,
};
use prost::Message;

use super::{
    broken::Broken,
    reading::Reading,
    run::{Run, find},
    tasks::{Report, Said, Tasks, Work},
};

/// What a history tells of the attempts of an activity.
struct Told<'a> {
    /// The number of the last attempt, and how the one before it ended.
    last: Option<(i32, Option<&'a Failure>)>,
    end: Option<&'a Attributes>,
    attempts_max: i32,
}

/// Checks the failures of activities, and all completions.
pub fn check(read: &Reading<'_>) -> Option<Broken> {
    let &Reading { runs, ref tasks, .. } = read;
    let reports = failures(tasks);
    let completed = completions(tasks, runs);
    let wrong = |run: &Run, event: &HistoryEvent| {
        invented(run, event, &reports).or_else(|| {
            let is_known = completed.contains(&Completion::of_event(&run.run_id, event)?);
            let title = "a history has a completion that its worker has not reported, or that was refused".to_owned();
            let detail = format!("event {} of {}", event.event_id, run.name());
            (!is_known).then_some(Broken { title, detail, at_ns: 0, process: None })
        })
    };
    lost(&reports, runs).or_else(|| runs.iter().find_map(|run| run.events.iter().find_map(|event| wrong(run, event))))
}

/// The completion of a task, by its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Completion<'a> {
    /// With the id of its started event.
    Workflow(&'a str, i64),
    /// With the id of its scheduled event.
    Activity(&'a str, i64),
}

impl<'a> Completion<'a> {
    fn of_event(run_id: &'a str, event: &HistoryEvent) -> Option<Self> {
        match event.attributes.as_ref()? {
            Attributes::WorkflowTaskCompletedEventAttributes(it) => Some(Self::Workflow(run_id, it.started_event_id)),
            Attributes::ActivityTaskCompletedEventAttributes(it) => Some(Self::Activity(run_id, it.scheduled_event_id)),
            _ => None,
        }
    }
}

/// What workers reported as completed, and the service did not refuse.
fn completions<'a>(tasks: &'a Tasks<'_>, runs: &[Run]) -> BTreeSet<Completion<'a>> {
    let completed = |report: &Report<'_>| {
        let task = tasks.task_of(report).filter(|_| report.refusal().is_none())?;
        match (&report.said, &task.work) {
            (Said::WorkflowTaskCompleted { .. }, Work::Workflow { started_event_id, .. }) => {
                Some(Completion::Workflow(&task.run_id, *started_event_id))
            }
            (Said::ActivityCompleted(_), Work::Activity { activity_id, .. }) => {
                let scheduled_event_id = find(runs, &task.run_id)?.scheduled_event_id(activity_id)?;
                Some(Completion::Activity(&task.run_id, scheduled_event_id))
            }
            _ => None,
        }
    };
    tasks.reports.iter().filter_map(completed).collect()
}

/// A worker's report that an attempt has failed.
struct Failed<'a> {
    report: &'a Report<'a>,
    run_id: &'a str,
    activity_id: &'a str,
    attempt: i32,
    message: String,
}

fn failures<'a>(tasks: &'a Tasks<'a>) -> Vec<Failed<'a>> {
    let failed = |report: &'a Report<'a>| {
        let task = tasks.task_of(report).filter(|_| report.said == Said::ActivityFailed)?;
        let Work::Activity { activity_id, attempt, .. } = &task.work else { return None };
        let request = RespondActivityTaskFailedRequest::decode(report.exchange.request.as_ref()).ok()?;
        let message = request.failure.unwrap_or_default().message;
        Some(Failed { report, run_id: &task.run_id, activity_id, attempt: *attempt, message })
    };
    tasks.reports.iter().filter_map(failed).collect()
}

/// The first failure that was accepted, and of which nothing came.
fn lost(reports: &[Failed<'_>], runs: &[Run]) -> Option<Broken> {
    reports.iter().filter(|failed| failed.report.is_accepted()).find_map(|failed| {
        let run = find(runs, failed.run_id)?;
        let told = told(run, run.scheduled_event_id(failed.activity_id)?)?;
        let (last, before) = told.last?;
        let is_told = |failure: Option<&Failure>| failure.is_some_and(|failure| failure.message == failed.message);
        let is_kept = match told.end {
            _ if last == failed.attempt + 1 => is_told(before),
            _ if last != failed.attempt => true,
            Some(Attributes::ActivityTaskFailedEventAttributes(it)) => is_told(it.failure.as_ref()),
            Some(Attributes::ActivityTaskTimedOutEventAttributes(it)) => !is_of_attempt(it.failure.as_ref()),
            _ => true,
        };
        let detail = || format!("{} of {}, attempt {}: {}", failed.activity_id, run.name(), failed.attempt, failed.message);
        let title = "a failure of an activity that the service acknowledged is not what became of its attempt";
        (!is_kept).then(|| Broken::at(failed.report.exchange, title, detail()))
    })
}

/// What is wrong with the failure of which an event tells.
fn invented(run: &Run, event: &HistoryEvent, reports: &[Failed<'_>]) -> Option<Broken> {
    let Some(Attributes::ActivityTaskFailedEventAttributes(it)) = &event.attributes else { return None };
    let told = told(run, it.scheduled_event_id)?;
    let (attempt, _) = told.last?;
    let message = it.failure.as_ref().map_or("", |failure| &failure.message);
    let is_it = |failed: &Failed<'_>| {
        let is_of_it = failed.run_id == run.run_id && run.scheduled_event_id(failed.activity_id) == Some(it.scheduled_event_id);
        is_of_it && failed.attempt == attempt && failed.message == message && failed.report.refusal().is_none()
    };
    let is_early = it.retry_state() != RetryState::Timeout && attempt < told.attempts_max;
    let title = match reports.iter().any(is_it) {
        false => "a history has a failure of an activity that its worker has not reported",
        true if is_early => "an activity failed for good though it had attempts left",
        true => return None,
    };
    let detail = format!("event {} of {}, attempt {attempt}: {message}", event.event_id, run.name());
    Some(Broken { title: title.to_owned(), detail, at_ns: 0, process: None })
}

/// What the history tells of the activity that this event scheduled.
fn told(run: &Run, scheduled_event_id: i64) -> Option<Told<'_>> {
    let Some(Attributes::ActivityTaskScheduledEventAttributes(scheduled)) = &run.event(scheduled_event_id)?.attributes else {
        return None;
    };
    let attempts_max = scheduled.retry_policy.as_ref().map_or(0, |policy| policy.maximum_attempts);
    let mut told = Told { last: None, end: None, attempts_max };
    for attributes in run.events.iter().filter_map(|event| event.attributes.as_ref()) {
        match attributes {
            Attributes::ActivityTaskStartedEventAttributes(it) if it.scheduled_event_id == scheduled_event_id => {
                told.last = Some((it.attempt, it.last_failure.as_ref()));
            }
            Attributes::ActivityTaskFailedEventAttributes(it) if it.scheduled_event_id == scheduled_event_id => {
                told.end = Some(attributes);
            }
            Attributes::ActivityTaskTimedOutEventAttributes(it) if it.scheduled_event_id == scheduled_event_id => {
                told.end = Some(attributes);
            }
            _ => {}
        }
    }
    Some(told)
}

/// Whether it is the timeout of an attempt, and not that of all attempts together.
fn is_of_attempt(failure: Option<&Failure>) -> bool {
    match failure.and_then(|failure| failure.failure_info.as_ref()) {
        Some(FailureInfo::TimeoutFailureInfo(it)) => {
            matches!(it.timeout_type(), TimeoutType::StartToClose | TimeoutType::Heartbeat)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use foretime_server::proto::history::{
        ActivityTaskFailedEventAttributes, ActivityTaskScheduledEventAttributes, ActivityTaskStartedEventAttributes,
    };

    use super::*;
    use crate::checks::sample::{Activity, History, Talk};

    const ACTIVITY: Activity = Activity { token: "a", workflow_id: "w", run_id: "r", activity_id: "act", attempt: 1, at_s: 6 };
    const LOST: Option<&str> = Some("a failure of an activity that the service acknowledged is not what became of its attempt");
    const INVENTED: Option<&str> = Some("a history has a failure of an activity that its worker has not reported");

    /// The activity has failed for good, after its last attempt, with this message. `before`: that of the attempt before.
    fn run(attempt: i32, before: Option<&str>, message: &str, attempts_max: i32) -> Run {
        let failure = |message: &str| Some(Failure { message: message.to_owned(), ..Failure::default() });
        let mut run = History::of("w", "r").activity_scheduled("act").activity_completed("act", attempt, "").run();
        let scheduled_event_id = run.scheduled_event_id("act").expect("it was scheduled");
        for event in &mut run.events {
            match &mut event.attributes {
                Some(Attributes::ActivityTaskScheduledEventAttributes(ActivityTaskScheduledEventAttributes {
                    retry_policy,
                    ..
                })) => retry_policy.get_or_insert_default().maximum_attempts = attempts_max,
                Some(Attributes::ActivityTaskStartedEventAttributes(ActivityTaskStartedEventAttributes {
                    last_failure,
                    ..
                })) => *last_failure = before.and_then(failure),
                Some(ended @ Attributes::ActivityTaskCompletedEventAttributes(_)) => {
                    *ended = Attributes::ActivityTaskFailedEventAttributes(ActivityTaskFailedEventAttributes {
                        scheduled_event_id,
                        failure: failure(message),
                        ..Default::default()
                    });
                }
                _ => {}
            }
        }
        run
    }

    /// Each of the first attempts was reported to have failed, without a message.
    fn title(reported: i32, run: Run) -> Option<String> {
        let mut talk = Talk::default();
        for (attempt, token) in (1..=reported).zip(["a", "b", "c"]) {
            talk.poll_activity_task().activity_task(Activity { token, attempt, ..ACTIVITY });
            talk.fail_activity(token).done();
        }
        check(&Reading::of(&talk.record(), &[run])).map(|broken| broken.title)
    }

    #[test]
    fn a_failure_is_what_became_of_its_attempt() {
        assert_eq!(title(2, run(2, Some(""), "", 2)), None);
        assert_eq!(title(2, run(2, Some("timed out"), "", 2)).as_deref(), LOST);
        assert_eq!(title(2, run(2, Some(""), "other", 2)).as_deref(), LOST);
        // Nothing tells of those before.
        assert_eq!(title(3, run(3, Some(""), "", 3)), None);
    }

    #[test]
    fn a_history_has_no_failure_that_no_worker_reported() {
        assert_eq!(title(1, run(2, Some(""), "", 2)).as_deref(), INVENTED);
    }

    #[test]
    fn a_history_has_no_completion_that_was_refused() {
        let history = || History::of("w", "r").activity_scheduled("act").activity_completed("act", 1, "ok").run();
        let mut talk = Talk::default();
        talk.poll_activity_task().activity_task(ACTIVITY);
        let mut taken = talk.clone();
        taken.complete_activity("a", "ok").done();
        assert_eq!(check(&Reading::of(&taken.record(), &[history()])), None);
        talk.complete_activity("a", "ok").refused(tonic::Code::NotFound);
        let title = check(&Reading::of(&talk.record(), &[history()])).map(|broken| broken.title);
        let expected = "a history has a completion that its worker has not reported, or that was refused";
        assert_eq!(title.as_deref(), Some(expected));
    }

    #[test]
    fn an_activity_fails_for_good_when_its_attempts_are_used_up() {
        assert_eq!(
            title(2, run(2, Some(""), "", 3)).as_deref(),
            Some("an activity failed for good though it had attempts left")
        );
    }
}
