//! Nothing is due too early. The grammar of histories has what an activity's own events show, and timers. Here is the rest: a workflow
//! task times out no earlier than its timeout, and each attempt of an activity waits for the backoff after the one before, also those
//! that leave no event.

use std::{collections::BTreeMap, time::Duration};

use foretime_server::proto::{
    common::RetryPolicy,
    enums::TimeoutType,
    history::{HistoryEvent, history_event::Attributes},
};

use super::{
    broken::Broken,
    clock::Clock,
    reading::Reading,
    run::{Run, event_ns, find, span_ns},
    tasks::{Handed, Said, Tasks, Work},
};

/// What rounding may take from a backoff that was computed in floating point.
const ROUNDING_NS: i64 = 1_000;

/// Checks that what waits for an instant has waited for it.
pub fn check(read: &Reading<'_>) -> Option<Broken> {
    read.runs.iter().find_map(early_timeout).or_else(|| early_retry(read))
}

/// The first workflow task that timed out too early.
fn early_timeout(run: &Run) -> Option<Broken> {
    run.events.iter().find_map(|event| {
        let early_ns = due_ns(run, event)?.saturating_sub(event_ns(event));
        let detail = || format!("{}: event {} comes {early_ns} ns early", run.name(), event.event_id);
        let title = "a workflow task timed out before its timeout";
        (early_ns > 0).then(|| Broken { title: title.to_owned(), detail: detail(), at_ns: 0, process: None })
    })
}

/// When the workflow task could time out of whose timeout this event tells. `None`: it is another event, or the task had no worker.
fn due_ns(run: &Run, event: &HistoryEvent) -> Option<i64> {
    let Some(Attributes::WorkflowTaskTimedOutEventAttributes(it)) = &event.attributes else { return None };
    let started = run.event(it.started_event_id).filter(|_| it.timeout_type() == TimeoutType::StartToClose)?;
    let Some(Attributes::WorkflowTaskStartedEventAttributes(of_started)) = &started.attributes else { return None };
    let timeout = match &run.event(of_started.scheduled_event_id)?.attributes {
        Some(Attributes::WorkflowTaskScheduledEventAttributes(scheduled)) => scheduled.start_to_close_timeout.as_ref(),
        _ => None,
    };
    Some(event_ns(started).saturating_add(span_ns(timeout)?))
}

/// The first attempt of an activity that came too early after the one before.
fn early_retry(read: &Reading<'_>) -> Option<Broken> {
    let &Reading { runs, ref tasks, ref clock, .. } = read;
    let mut last: BTreeMap<(&str, &str), (&Handed<'_>, i32)> = BTreeMap::new();
    tasks.handed.iter().find_map(|later| {
        let Work::Activity { activity_id, attempt, .. } = &later.work else { return None };
        let (earlier, attempt_before) = last.insert((&later.run_id, activity_id), (later, *attempt))?;
        if attempt_before + 1 != *attempt {
            return None;
        }
        let wait_ns = backoff_ns(policy(find(runs, &later.run_id)?, activity_id)?, attempt_before)?;
        let due_ns = ended_ns(earlier, later, tasks, clock)?.saturating_add(wait_ns);
        let early_ns = due_ns.saturating_sub(later.started_ns);
        let detail = || format!("{} started {early_ns} ns before the backoff was over", later.name());
        let title = "an attempt of an activity started before its backoff was over";
        (early_ns > 0).then(|| Broken::at(later.exchange, title, detail()))
    })
}

/// When an attempt of an activity ended at the earliest; nanoseconds of the server's time. Its worker has reported that it failed, or it
/// has timed out.
fn ended_ns(earlier: &Handed<'_>, later: &Handed<'_>, tasks: &Tasks<'_>, clock: &Clock) -> Option<i64> {
    let Work::Activity { start_to_close_ns, heartbeat_ns, .. } = earlier.work else { return None };
    let mut reports = tasks.reports_before(&earlier.token, later.step);
    let failed = reports.find(|report| report.is_accepted() && report.said == Said::ActivityFailed);
    let after_ns = match failed {
        Some(report) => clock.at_least(report.exchange.arrived_step),
        None => earlier.started_ns.saturating_add([start_to_close_ns, heartbeat_ns].into_iter().flatten().min()?),
    };
    Some(after_ns.max(earlier.started_ns))
}

/// The retry policy with which an activity was scheduled.
fn policy<'a>(run: &'a Run, activity_id: &str) -> Option<&'a RetryPolicy> {
    match &run.event(run.scheduled_event_id(activity_id)?)?.attributes {
        Some(Attributes::ActivityTaskScheduledEventAttributes(scheduled)) => scheduled.retry_policy.as_ref(),
        _ => None,
    }
}

/// How long the next attempt waits after this one has failed, in nanoseconds. `None`: the policy does not say.
fn backoff_ns(policy: &RetryPolicy, attempt: i32) -> Option<i64> {
    let initial = Duration::try_from(policy.initial_interval?).ok()?;
    let longest = policy.maximum_interval.and_then(|longest| Duration::try_from(longest).ok()).filter(|it| !it.is_zero());
    let factor = policy.backoff_coefficient.powi(attempt.saturating_sub(1));
    let grown = Duration::try_from_secs_f64(initial.as_secs_f64() * factor).unwrap_or(Duration::MAX);
    let wait_ns = i64::try_from(longest.map_or(grown, |longest| grown.min(longest)).as_nanos()).ok()?;
    Some(wait_ns.saturating_sub(ROUNDING_NS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::sample::{Activity, History, Talk};

    const FIRST: Activity = Activity { token: "a", workflow_id: "w", run_id: "r", activity_id: "act", attempt: 1, at_s: 10 };

    fn title(talk: &Talk, history: History) -> Option<String> {
        check(&Reading::of(&talk.record(), &[history.run()])).map(|broken| broken.title)
    }

    /// An activity whose attempts are 4 s apart, then 8, then 10.
    fn history() -> History {
        let history = History::of("w", "r").task_scheduled(1).task_started(2).task_completed(3);
        history.activity_scheduled("act").retried(4, 10)
    }

    /// A second attempt at this second. `fails`: whether the first one is reported to have failed, in second 12 or later.
    fn retried(fails: bool, at_s: i64) -> Talk {
        let mut talk = Talk::default();
        talk.poll_activity_task().activity_task(FIRST);
        // The only sign of what time it is.
        talk.poll_activity_task().activity_task(Activity { token: "o", activity_id: "other", at_s: 12, ..FIRST });
        if fails {
            talk.fail_activity("a").done();
        }
        talk.poll_activity_task().activity_task(Activity { token: "b", attempt: 2, at_s, ..FIRST });
        talk
    }

    #[test]
    fn a_workflow_task_times_out_no_earlier_than_its_timeout() {
        let timed_out = |at_s| History::of("w", "r").task_scheduled_for(5).task_started(2).at_s(at_s).task_timed_out(3);
        assert_eq!(title(&Talk::default(), timed_out(8)), None);
        let expected = Some("a workflow task timed out before its timeout");
        assert_eq!(title(&Talk::default(), timed_out(7)).as_deref(), expected);
    }

    #[test]
    fn an_attempt_waits_for_the_backoff_after_the_failure() {
        assert_eq!(title(&retried(true, 16), history()), None);
        let expected = Some("an attempt of an activity started before its backoff was over");
        assert_eq!(title(&retried(true, 15), history()).as_deref(), expected);
    }

    #[test]
    fn an_attempt_waits_for_the_backoff_after_the_timeout() {
        // The heartbeat timeout is 10 s.
        assert_eq!(title(&retried(false, 24), history()), None);
        let expected = Some("an attempt of an activity started before its backoff was over");
        assert_eq!(title(&retried(false, 23), history()).as_deref(), expected);
    }

    #[test]
    fn the_backoff_grows_to_its_maximum() {
        let run = history().run();
        let policy = policy(&run, "act").expect("it was scheduled");
        let waits = [1, 2, 3, 4].map(|attempt| backoff_ns(policy, attempt).map(|ns| ns + ROUNDING_NS));
        assert_eq!(waits, [4, 8, 10, 10].map(|seconds: i64| Some(seconds * 1_000_000_000)));
    }
}
