//! Activities: results, retries, timeouts, heartbeats, cancellation, completion by id.

use foretime_server::proto::{
    command::ScheduleActivityTaskCommandAttributes,
    common::{ActivityType, Header, Priority, RetryPolicy},
    enums::EventType,
    failure::ApplicationFailureInfo,
    sdk::UserMetadata,
    workflowservice::*,
};
use foretime_tests::{
    commands::*,
    script::*,
    worker::{ActivityTask, application_failure, failure},
};
use prost_types::Duration;

crate::scripts![
    completed,
    everything_set,
    failed_for_good,
    retried,
    retried_until_attempts_end,
    retry_of_no_named_type,
    retry_of_no_non_retryable_failure,
    retry_when_the_failure_says,
    retry_past_schedule_to_close,
    schedule_to_start_timeout,
    schedule_to_close_timeout,
    schedule_to_close_timeout_during_backoff,
    start_to_close_timeout,
    start_to_close_timeout_retried,
    heartbeat_timeout,
    heartbeat_details_survive,
    heartbeat_details_in_a_failure,
    heartbeats_keep_it_alive,
    timeouts_filled_in,
    timeouts_clamped,
    bad_timeouts,
    two_with_one_id,
    cancelled_before_its_start,
    cancelled_in_the_same_task,
    cancelled_while_it_runs,
    cancelled_but_completed,
    cancelled_but_failed,
    cancel_during_backoff,
    cancel_of_an_unknown_one,
    cancelled_without_a_request,
    completed_by_id,
    failed_by_id,
    heartbeat_by_id,
    cancelled_by_id,
    by_an_unknown_id,
    answered_twice,
    answered_after_a_timeout,
    answered_after_the_workflow_closed,
    described_while_it_retries,
    failure_too_large,
    queue_left_out,
];

type Attributes = ScheduleActivityTaskCommandAttributes;

fn policy(maximum_attempts: i32) -> RetryPolicy {
    RetryPolicy {
        initial_interval: Some(Duration { seconds: 0, nanos: 200_000_000 }),
        backoff_coefficient: 2.0,
        maximum_attempts,
        non_retryable_error_types: vec!["Final".to_owned()],
        ..Default::default()
    }
}

fn attempts(s: &Script, maximum_attempts: i32) -> Attributes {
    Attributes { retry_policy: Some(policy(maximum_attempts)), ..s.activity("a") }
}

/// A workflow that has scheduled this activity.
async fn schedule(s: &Script, attributes: Attributes) {
    s.start("wf").await;
    s.run_task([schedule_activity(attributes)]).await;
}

/// A workflow whose activity has been handed to a worker.
async fn started(s: &Script, attributes: Attributes) -> ActivityTask {
    schedule(s, attributes).await;
    s.activity_task().await
}

async fn completed(s: &Script) {
    let activity = started(s, s.activity("a")).await;
    s.step("a running activity has left no trace in the history");
    s.history("wf").await;
    s.complete_activity(&activity, "the result").await;
    s.run_task([complete_workflow("done")]).await;
    s.history("wf").await;
}

async fn everything_set(s: &Script) {
    let header = Some(Header { fields: [("trace".to_owned(), payload("the header"))].into() });
    let mut command = schedule_activity(Attributes {
        header,
        schedule_to_close_timeout: seconds(50.0),
        schedule_to_start_timeout: seconds(40.0),
        heartbeat_timeout: seconds(5.0),
        retry_policy: Some(policy(7)),
        priority: Some(Priority { priority_key: 4, ..Default::default() }),
        ..s.activity("a")
    });
    command.user_metadata = Some(UserMetadata { summary: Some(payload("the summary")), details: None });
    s.start("wf").await;
    s.run_task([command]).await;
    s.activity_task().await;
    s.history("wf").await;
    s.describe("wf").await;
}

async fn failed_for_good(s: &Script) {
    let activity = started(s, attempts(s, 1)).await;
    s.fail_activity(&activity, failure("no luck")).await;
    s.workflow_task().await;
    s.history("wf").await;
}

async fn retried(s: &Script) {
    let activity = started(s, s.activity("a")).await;
    s.fail_activity(&activity, failure("no luck")).await;
    let activity = s.activity_task().await;
    s.complete_activity(&activity, "the result").await;
    s.await_event("wf", EventType::ActivityTaskCompleted).await;
    s.history("wf").await;
}

async fn retried_until_attempts_end(s: &Script) {
    let activity = started(s, attempts(s, 3)).await;
    s.fail_activity(&activity, failure("one")).await;
    let activity = s.activity_task().await;
    s.fail_activity(&activity, failure("two")).await;
    let activity = s.activity_task().await;
    s.fail_activity(&activity, failure("three")).await;
    s.history("wf").await;
}

async fn retry_of_no_named_type(s: &Script) {
    let activity = started(s, attempts(s, 0)).await;
    let info = ApplicationFailureInfo { r#type: "Final".to_owned(), ..Default::default() };
    s.fail_activity(&activity, application_failure("no luck", info)).await;
    s.history("wf").await;
}

async fn retry_of_no_non_retryable_failure(s: &Script) {
    let activity = started(s, attempts(s, 0)).await;
    let info = ApplicationFailureInfo { non_retryable: true, ..Default::default() };
    s.fail_activity(&activity, application_failure("no luck", info)).await;
    s.history("wf").await;
}

async fn retry_when_the_failure_says(s: &Script) {
    let slow = RetryPolicy { initial_interval: Some(Duration { seconds: 600, nanos: 0 }), ..policy(0) };
    let activity = started(s, Attributes { retry_policy: Some(slow), ..s.activity("a") }).await;
    let info = ApplicationFailureInfo { next_retry_delay: seconds(0.5), ..Default::default() };
    s.fail_activity(&activity, application_failure("soon again", info)).await;
    s.activity_task().await;
}

async fn retry_past_schedule_to_close(s: &Script) {
    let slow = RetryPolicy { initial_interval: Some(Duration { seconds: 600, nanos: 0 }), ..policy(0) };
    let activity =
        started(s, Attributes { retry_policy: Some(slow), schedule_to_close_timeout: seconds(60.0), ..s.activity("a") }).await;
    s.fail_activity(&activity, failure("no luck")).await;
    s.history("wf").await;
}

async fn schedule_to_start_timeout(s: &Script) {
    schedule(s, Attributes { schedule_to_start_timeout: seconds(1.0), ..s.activity("a") }).await;
    s.workflow_task().await;
    s.history("wf").await;
    s.step("its task is gone");
    s.no_activity_task().await;
}

async fn schedule_to_close_timeout(s: &Script) {
    started(s, Attributes { schedule_to_close_timeout: seconds(1.0), ..s.activity("a") }).await;
    s.workflow_task().await;
    s.history("wf").await;
}

async fn schedule_to_close_timeout_during_backoff(s: &Script) {
    let activity = started(
        s,
        Attributes {
            schedule_to_close_timeout: seconds(2.0),
            retry_policy: Some(RetryPolicy { initial_interval: Some(Duration { seconds: 1, nanos: 0 }), ..policy(0) }),
            ..s.activity("a")
        },
    )
    .await;
    s.fail_activity(&activity, failure("no luck")).await;
    s.await_event("wf", EventType::ActivityTaskTimedOut).await;
    s.history("wf").await;
}

async fn start_to_close_timeout(s: &Script) {
    started(s, Attributes { start_to_close_timeout: seconds(1.0), ..attempts(s, 1) }).await;
    s.workflow_task().await;
    s.history("wf").await;
}

async fn start_to_close_timeout_retried(s: &Script) {
    started(s, Attributes { start_to_close_timeout: seconds(1.0), ..attempts(s, 2) }).await;
    s.activity_task().await;
    s.await_event("wf", EventType::ActivityTaskTimedOut).await;
    s.history("wf").await;
}

async fn heartbeat_timeout(s: &Script) {
    let activity = started(s, Attributes { heartbeat_timeout: seconds(1.0), ..attempts(s, 1) }).await;
    s.heartbeat(&activity, "alive once").await;
    s.await_event("wf", EventType::ActivityTaskTimedOut).await;
    s.history("wf").await;
}

async fn heartbeat_details_survive(s: &Script) {
    let activity = started(s, attempts(s, 0)).await;
    s.heartbeat(&activity, "halfway").await;
    s.fail_activity(&activity, failure("no luck")).await;
    let activity = s.activity_task().await;
    s.step("also an attempt that does not heartbeat keeps them");
    s.fail_activity(&activity, failure("no luck again")).await;
    s.activity_task().await;
}

async fn heartbeat_details_in_a_failure(s: &Script) {
    let activity = started(s, attempts(s, 0)).await;
    let request = RespondActivityTaskFailedRequest {
        last_heartbeat_details: payloads("as far as this"),
        ..s.new_activity_failure(&activity, failure("no luck"))
    };
    let _ = s.call(request).await;
    s.activity_task().await;
}

async fn heartbeats_keep_it_alive(s: &Script) {
    let activity = started(s, Attributes { heartbeat_timeout: seconds(2.0), ..attempts(s, 1) }).await;
    for _ in 0..4 {
        tokio::time::sleep(std::time::Duration::from_millis(700)).await;
        s.heartbeat(&activity, "alive").await;
    }
    s.complete_activity(&activity, "the result").await;
    s.await_event("wf", EventType::ActivityTaskCompleted).await;
}

async fn timeouts_filled_in(s: &Script) {
    s.start_with(StartWorkflowExecutionRequest { workflow_run_timeout: seconds(3600.0), ..s.new_start("wf") }).await;
    let only = |activity_id: &str| Attributes { start_to_close_timeout: None, ..s.activity(activity_id) };
    s.run_task([
        schedule_activity(Attributes { schedule_to_close_timeout: seconds(50.0), ..only("schedule-to-close") }),
        schedule_activity(Attributes { start_to_close_timeout: seconds(20.0), ..only("start-to-close") }),
    ])
    .await;
    s.history("wf").await;
}

async fn timeouts_clamped(s: &Script) {
    s.start_with(StartWorkflowExecutionRequest { workflow_run_timeout: seconds(3600.0), ..s.new_start("wf") }).await;
    s.run_task([
        schedule_activity(Attributes {
            schedule_to_close_timeout: seconds(50.0),
            schedule_to_start_timeout: seconds(60.0),
            start_to_close_timeout: seconds(70.0),
            heartbeat_timeout: seconds(80.0),
            ..s.activity("by-schedule-to-close")
        }),
        schedule_activity(Attributes {
            schedule_to_close_timeout: seconds(9000.0),
            start_to_close_timeout: seconds(8000.0),
            ..s.activity("by-the-run")
        }),
        schedule_activity(Attributes {
            start_to_close_timeout: seconds(5.0),
            heartbeat_timeout: seconds(8.0),
            ..s.activity("heartbeat-by-start-to-close")
        }),
    ])
    .await;
    s.history("wf").await;
}

async fn refused(s: &Script, id: &str, attributes: Attributes) {
    s.start(id).await;
    s.run_task([schedule_activity(attributes)]).await;
    s.terminate(id).await;
}

async fn bad_timeouts(s: &Script) {
    let negative = Some(Duration { seconds: -1, nanos: 0 });
    s.step("none");
    refused(s, "none", Attributes { start_to_close_timeout: None, ..s.activity("a") }).await;
    s.step("negative");
    refused(s, "negative", Attributes { start_to_close_timeout: negative, ..s.activity("a") }).await;
    refused(s, "negative heartbeat", Attributes { heartbeat_timeout: negative, ..s.activity("a") }).await;
    s.step("no id");
    refused(s, "no id", s.activity("")).await;
    s.step("no type");
    refused(s, "no type", Attributes { activity_type: None, ..s.activity("a") }).await;
    let nameless = Some(ActivityType::default());
    refused(s, "nameless type", Attributes { activity_type: nameless, ..s.activity("a") }).await;
    s.step("a retry policy that cannot be");
    let bad = RetryPolicy { backoff_coefficient: 0.5, ..policy(0) };
    refused(s, "policy", Attributes { retry_policy: Some(bad), ..s.activity("a") }).await;
    s.step("an id too long");
    refused(s, "long", s.activity(&"x".repeat(1001))).await;
}

async fn two_with_one_id(s: &Script) {
    s.start("wf").await;
    s.run_task([schedule_activity(s.activity("a")), schedule_activity(s.activity("a"))]).await;
    s.history("wf").await;
}

async fn cancelled_before_its_start(s: &Script) {
    schedule(s, s.activity("a")).await;
    s.signal("wf", "go").await;
    s.run_task([request_cancel_activity(5)]).await;
    s.workflow_task().await;
    s.history("wf").await;
    s.no_activity_task().await;
}

async fn cancelled_in_the_same_task(s: &Script) {
    s.start("wf").await;
    s.run_task([schedule_activity(s.activity("a")), request_cancel_activity(5)]).await;
    s.workflow_task().await;
    s.history("wf").await;
}

/// An activity that runs and that its workflow has asked to cancel itself.
async fn cancel_requested(s: &Script) -> ActivityTask {
    let activity = started(s, s.activity("a")).await;
    s.heartbeat(&activity, "before").await;
    s.signal("wf", "go").await;
    s.run_task([request_cancel_activity(5)]).await;
    s.heartbeat(&activity, "after").await;
    activity
}

async fn cancelled_while_it_runs(s: &Script) {
    let activity = cancel_requested(s).await;
    s.describe("wf").await;
    s.cancel_activity(&activity).await;
    s.workflow_task().await;
    s.history("wf").await;
}

async fn cancelled_but_completed(s: &Script) {
    let activity = cancel_requested(s).await;
    s.complete_activity(&activity, "nevertheless").await;
    s.history("wf").await;
}

async fn cancelled_but_failed(s: &Script) {
    let activity = cancel_requested(s).await;
    s.step("no retry after a cancel request");
    s.fail_activity(&activity, failure("no luck")).await;
    s.history("wf").await;
}

async fn cancel_during_backoff(s: &Script) {
    let slow = RetryPolicy { initial_interval: Some(Duration { seconds: 600, nanos: 0 }), ..policy(0) };
    let activity = started(s, Attributes { retry_policy: Some(slow), ..s.activity("a") }).await;
    s.fail_activity(&activity, failure("no luck")).await;
    s.signal("wf", "go").await;
    s.run_task([request_cancel_activity(5)]).await;
    s.workflow_task().await;
    s.history("wf").await;
}

async fn cancel_of_an_unknown_one(s: &Script) {
    s.start("wf").await;
    s.run_task([request_cancel_activity(99)]).await;
    s.history("wf").await;
}

async fn cancelled_without_a_request(s: &Script) {
    let activity = started(s, s.activity("a")).await;
    s.cancel_activity(&activity).await;
    s.history("wf").await;
}

async fn completed_by_id(s: &Script) {
    started(s, s.activity("a")).await;
    let request = RespondActivityTaskCompletedByIdRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_id: s.id("wf"),
        activity_id: "a".to_owned(),
        result: payloads("the result"),
        identity: "somebody else".to_owned(),
        ..Default::default()
    };
    let _ = s.call(request.clone()).await;
    s.step("again");
    let _ = s.call(request).await;
    s.history("wf").await;
}

async fn failed_by_id(s: &Script) {
    started(s, attempts(s, 2)).await;
    let request = RespondActivityTaskFailedByIdRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_id: s.id("wf"),
        activity_id: "a".to_owned(),
        failure: Some(failure("no luck")),
        identity: "somebody else".to_owned(),
        ..Default::default()
    };
    let _ = s.call(request.clone()).await;
    s.activity_task().await;
    let _ = s.call(request).await;
    s.history("wf").await;
}

async fn heartbeat_by_id(s: &Script) {
    started(s, s.activity("a")).await;
    let request = RecordActivityTaskHeartbeatByIdRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_id: s.id("wf"),
        activity_id: "a".to_owned(),
        details: payloads("halfway"),
        identity: "somebody else".to_owned(),
        ..Default::default()
    };
    let _ = s.call(request).await;
    s.describe("wf").await;
}

async fn cancelled_by_id(s: &Script) {
    cancel_requested(s).await;
    let request = RespondActivityTaskCanceledByIdRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_id: s.id("wf"),
        activity_id: "a".to_owned(),
        details: payloads("cancelled"),
        identity: "somebody else".to_owned(),
        ..Default::default()
    };
    let _ = s.call(request).await;
    s.history("wf").await;
}

async fn by_an_unknown_id(s: &Script) {
    schedule(s, s.activity("a")).await;
    let request = RespondActivityTaskCompletedByIdRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_id: s.id("wf"),
        activity_id: "zz".to_owned(),
        ..Default::default()
    };
    let _ = s.call(request.clone()).await;
    s.step("not started yet");
    let _ = s.call(RespondActivityTaskCompletedByIdRequest { activity_id: "a".to_owned(), ..request.clone() }).await;
    s.step("of an unknown workflow");
    let unknown = RespondActivityTaskCompletedByIdRequest { workflow_id: s.id("missing"), ..request };
    let _ = s.call(unknown.clone()).await;
    s.step("with an identity that is too long");
    let _ = s.call(RespondActivityTaskCompletedByIdRequest { identity: "i".repeat(1001), ..unknown }).await;
}

async fn answered_twice(s: &Script) {
    let activity = started(s, s.activity("a")).await;
    s.complete_activity(&activity, "the result").await;
    s.complete_activity(&activity, "the result").await;
    s.fail_activity(&activity, failure("no luck")).await;
    s.cancel_activity(&activity).await;
    s.heartbeat(&activity, "still alive").await;
}

async fn answered_after_a_timeout(s: &Script) {
    let activity = started(s, Attributes { start_to_close_timeout: seconds(1.0), ..attempts(s, 2) }).await;
    s.activity_task().await;
    s.step("the first attempt's worker answers during the second");
    s.complete_activity(&activity, "late").await;
    s.heartbeat(&activity, "late").await;
}

async fn answered_after_the_workflow_closed(s: &Script) {
    let activity = started(s, s.activity("a")).await;
    s.terminate("wf").await;
    s.heartbeat(&activity, "late").await;
    s.complete_activity(&activity, "late").await;
}

async fn described_while_it_retries(s: &Script) {
    let slow = RetryPolicy { initial_interval: Some(Duration { seconds: 600, nanos: 0 }), ..policy(0) };
    schedule(s, Attributes { retry_policy: Some(slow), ..s.activity("a") }).await;
    s.describe("wf").await;
    let activity = s.activity_task().await;
    s.heartbeat(&activity, "halfway").await;
    s.describe("wf").await;
    s.fail_activity(&activity, failure("no luck")).await;
    s.describe("wf").await;
}

async fn failure_too_large(s: &Script) {
    let activity = started(s, attempts(s, 0)).await;
    s.fail_activity(&activity, failure(&"x".repeat(20_000))).await;
    let mut described = s.client.call(s.new_describe("wf")).await.expect("it is there");
    let stored = described.pending_activities.remove(0).last_failure.unwrap_or_default();
    s.note(format_args!("the stored failure has a message of {} bytes", stored.message.len()));
}

async fn queue_left_out(s: &Script) {
    schedule(s, Attributes { task_queue: None, ..s.activity("a") }).await;
    s.history("wf").await;
}
