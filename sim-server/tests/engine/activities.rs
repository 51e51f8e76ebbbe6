//! Activities: attempts and backoff, each timeout, heartbeats, cancellation.

use foretime_server::proto::{failure::ApplicationFailureInfo, workflowservice::RespondActivityTaskFailedRequest};

use crate::support::{worker::*, *};

const NOT_FOUND: &str = "NotFound: invalid activityID or activity already timed out or invoking workflow is completed";

/// A workflow that has scheduled this activity in its first task, with event 5.
fn scheduled(activity: Activity) -> Transcript {
    let mut t = Transcript::new();
    t.starts("order");
    t.runs_workflow_task([schedule(activity)]);
    t
}

#[test]
fn an_attempt_is_written_when_the_activity_closes() {
    let mut t = scheduled(activity("a"));
    t.time_passes(seconds(1));
    let task = t.polls_activity("w1").is("a, attempt 1");
    assert_eq!(show::text(task.input.as_ref()), "\"input\"");
    t.description("order").is("
        Running, 5 events
        activity a: Started, attempt 1
    ");
    t.time_passes(seconds(2));
    t.completes_activity(&task, "result");
    t.history_from(4, "order").is("
        4 WorkflowTaskCompleted (2, 3) by w
        5 ActivityTaskScheduled (4) a
        6 ActivityTaskStarted (5) by w1, at 1s
        7 ActivityTaskCompleted (5, 6) \"result\" by w, at 3s
        8 WorkflowTaskScheduled
    ");
    t.refuses(activity_completion(&task, "again"), NOT_FOUND);
    t.refuses(heartbeat(&task, "still there"), NOT_FOUND);
}

#[test]
fn a_failure_is_followed_by_another_attempt_after_a_growing_span_until_there_are_no_more() {
    let mut policy = attempts(3);
    policy.as_mut().expect("a policy").backoff_coefficient = 3.0;
    let mut t = scheduled(Activity { retry_policy: policy, ..activity("a") });
    let task = t.polls_activity("w1");
    t.fails_activity(&task, failure("one"));
    t.description("order").is("
        Running, 5 events
        activity a: Scheduled, attempt 2, next at 1s, after \"one\"
    ");
    t.refuses(activity_completion(&task, "late"), NOT_FOUND);
    let poll = t.awaits_activity("w2");
    t.time_passes(seconds(1));
    let task = t.gets_activity(&poll).is("a, attempt 2");
    t.fails_activity(&task, failure("two"));
    t.time_passes(seconds(2));
    t.has_no_activity();
    t.time_passes(seconds(1));
    let task = t.polls_activity("w3").is("a, attempt 3");
    t.history_from(6, "order").is("");
    t.fails_activity(&task, failure("three"));
    t.history_from(6, "order").is("
        6 ActivityTaskStarted (5) attempt 3 after \"two\" by w3, at 4s
        7 ActivityTaskFailed (5, 6) \"three\" MaximumAttemptsReached by w
        8 WorkflowTaskScheduled
    ");
}

#[test]
fn a_failure_may_say_that_it_is_the_last_or_when_the_next_attempt_is_due() {
    let retried = Activity { retry_policy: attempts(0), ..activity("a") };
    let mut t = scheduled(retried);
    let task = t.polls_activity("w1");
    let hour = ApplicationFailureInfo { next_retry_delay: span(seconds(3600)), ..ApplicationFailureInfo::default() };
    t.fails_activity(&task, application_failure("in an hour", hour));
    t.time_passes(seconds(3599));
    t.has_no_activity();
    t.time_passes(seconds(1));
    let task = t.polls_activity("w1").is("a, attempt 2");
    let last = ApplicationFailureInfo { non_retryable: true, ..ApplicationFailureInfo::default() };
    t.fails_activity(&task, application_failure("for good", last));
    t.history_from(6, "order").is("
        6 ActivityTaskStarted (5) attempt 2 after \"in an hour\" by w1, at 3600s
        7 ActivityTaskFailed (5, 6) \"for good\" NonRetryableFailure by w
        8 WorkflowTaskScheduled
    ");
}

#[test]
fn an_attempt_that_is_not_answered_times_out_and_is_made_again() {
    let mut t = scheduled(Activity { retry_policy: attempts(2), ..activity("a") });
    let late = t.polls_activity("w1");
    t.time_passes(seconds(10));
    t.refuses(activity_completion(&late, "late"), NOT_FOUND);
    t.time_passes(seconds(1));
    t.polls_activity("w2").is("a, attempt 2");
    t.time_passes(seconds(10));
    t.history_from(6, "order").is("
        6 ActivityTaskStarted (5) attempt 2 after StartToClose \"activity StartToClose timeout\" by w2, at 11s
        7 ActivityTaskTimedOut (5, 6) StartToClose \"activity StartToClose timeout\" because StartToClose \
        \"activity StartToClose timeout\" MaximumAttemptsReached, at 21s
        8 WorkflowTaskScheduled
    ");
}

#[test]
fn one_that_nobody_takes_in_time_is_not_tried_again() {
    let hasty = Activity { schedule_to_start_timeout: span(seconds(3)), retry_policy: attempts(0), ..activity("a") };
    let mut t = scheduled(hasty);
    t.time_passes(seconds(3));
    t.has_no_activity();
    t.history_from(6, "order").is("
        6 ActivityTaskTimedOut (5, 0) ScheduleToStart \"activity ScheduleToStart timeout\" Timeout, at 3s
        7 WorkflowTaskScheduled
    ");
}

#[test]
fn no_attempt_is_made_that_could_not_begin_in_time() {
    let bounded = Activity { schedule_to_close_timeout: span(seconds(5)), retry_policy: attempts(0), ..activity("a") };
    let mut t = scheduled(bounded);
    for _ in 0..4 {
        let task = t.polls_activity("w1");
        t.fails_activity(&task, failure("no luck"));
        t.time_passes(seconds(1));
    }
    let task = t.polls_activity("w1").is("a, attempt 5");
    t.fails_activity(&task, failure("the last"));
    t.history_from(6, "order").is("
        6 ActivityTaskStarted (5) attempt 5 after \"no luck\" by w1, at 4s
        7 ActivityTaskFailed (5, 6) \"the last\" Timeout by w
        8 WorkflowTaskScheduled
    ");
    // The activity left no timer behind.
    t.runs_workflow_task([complete("done")]);
    assert_eq!(t.next_deadline(), None);
}

#[test]
fn heartbeats_keep_an_attempt_alive_and_the_next_is_told_the_last() {
    let beating = Activity {
        heartbeat_timeout: span(seconds(2)),
        start_to_close_timeout: span(seconds(100)),
        retry_policy: attempts(2),
        ..activity("a")
    };
    let mut t = scheduled(beating);
    let task = t.polls_activity("w1");
    for beat in 1..=3 {
        t.time_passes(seconds(1));
        assert!(!t.heartbeats(&task, &format!("beat {beat}")), "nobody cancels it");
    }
    t.time_passes(seconds(2));
    t.refuses(heartbeat(&task, "late"), NOT_FOUND);
    t.time_passes(seconds(1));
    t.polls_activity("w2").is("a, attempt 2, says \"beat 3\"");
    t.time_passes(seconds(2));
    t.history_from(6, "order").is("
        6 ActivityTaskStarted (5) attempt 2 after Heartbeat \"activity Heartbeat timeout\" by w2, at 6s
        7 ActivityTaskTimedOut (5, 6) Heartbeat \"activity Heartbeat timeout\" \"beat 3\" because Heartbeat \
        \"activity Heartbeat timeout\" MaximumAttemptsReached, at 8s
        8 WorkflowTaskScheduled
    ");
}

#[test]
fn a_failure_may_bring_the_last_heartbeat_along() {
    let mut t = scheduled(Activity { retry_policy: attempts(2), ..activity("a") });
    let task = t.polls_activity("w1");
    t.calls(RespondActivityTaskFailedRequest {
        last_heartbeat_details: payloads("halfway"),
        ..activity_failure(&task, failure("no luck"))
    });
    t.time_passes(seconds(1));
    t.polls_activity("w2").is("a, attempt 2, says \"halfway\"");
}

#[test]
fn one_that_no_worker_has_is_cancelled_at_once() {
    let mut t = scheduled(Activity { retry_policy: attempts(0), ..activity("a") });
    let task = t.polls_activity("w1");
    t.fails_activity(&task, failure("no luck"));
    t.signals("order", "stop");
    t.runs_workflow_task([request_cancel_activity(5)]);
    t.history_from(10, "order").is("
        10 ActivityTaskCancelRequested (9, 5)
        11 ActivityTaskCanceled (5, 0, 10) \"ACTIVITY_ID_NOT_STARTED\" by w
        12 WorkflowTaskScheduled
    ");
    t.time_passes(seconds(60));
    t.has_no_activity();
}

#[test]
fn one_that_a_worker_has_is_told_by_its_next_heartbeat() {
    let mut t = scheduled(Activity { retry_policy: attempts(0), ..activity("a") });
    let task = t.polls_activity("w1");
    t.refuses(
        activity_cancellation(&task),
        "InvalidArgument: unable to mark activity as canceled without activity being request canceled first",
    );
    t.signals("order", "stop");
    t.runs_workflow_task([request_cancel_activity(5)]);
    t.description("order").is("
        Running, 10 events
        activity a: CancelRequested, attempt 1
    ");
    assert!(t.heartbeats(&task, "halfway"), "it is told");
    t.cancels_activity(&task);
    t.history_from(10, "order").is("
        10 ActivityTaskCancelRequested (9, 5)
        11 ActivityTaskStarted (5) by w1
        12 ActivityTaskCanceled (5, 11, 10) \"cancelled\" by w
        13 WorkflowTaskScheduled
    ");
}

#[test]
fn one_whose_cancellation_is_requested_is_not_tried_again() {
    let mut t = scheduled(Activity { retry_policy: attempts(0), ..activity("a") });
    let task = t.polls_activity("w1");
    t.signals("order", "stop");
    t.runs_workflow_task([request_cancel_activity(5)]);
    t.fails_activity(&task, failure("on the way"));
    t.history_from(11, "order").is("
        11 ActivityTaskStarted (5) by w1
        12 ActivityTaskFailed (5, 11) \"on the way\" CancelRequested by w
        13 WorkflowTaskScheduled
    ");
}

#[test]
fn what_ends_while_a_workflow_task_is_out_is_written_behind_it() {
    let mut t = Transcript::new();
    t.starts("order");
    t.runs_workflow_task([schedule(activity("a")), schedule(activity("b"))]);
    let (a, b) = (t.polls_activity("w1"), t.polls_activity("w2"));
    t.signals("order", "hello");
    let task = t.polls_workflow_task("w1");
    t.completes_activity(&b, "b");
    t.signals("order", "in between");
    t.completes_activity(&a, "a");
    t.history_from(10, "order").is("");
    t.completes(&task, [start_timer("t", seconds(60))]);
    t.history_from(10, "order").is("
        10 WorkflowTaskCompleted (8, 9) by w
        11 TimerStarted (10) t 60s
        12 ActivityTaskStarted (6) by w2
        13 WorkflowExecutionSignaled in between by client
        14 ActivityTaskStarted (5) by w1
        15 ActivityTaskCompleted (6, 12) \"b\" by w
        16 ActivityTaskCompleted (5, 14) \"a\" by w
        17 WorkflowTaskScheduled
    ");
}
