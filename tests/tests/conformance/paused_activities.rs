//! Activities that are paused, unpaused and reset (`tests/activity_api_pause_test.go`, `tests/activity_api_reset_test.go`).

mod executions;
mod resets;

use foretime_server::proto::{
    command::ScheduleActivityTaskCommandAttributes,
    common::RetryPolicy,
    enums::EventType,
    failure::ApplicationFailureInfo,
    workflowservice::*,
    workflowservice::{
        pause_activity_request::Activity as Paused, reset_activity_request::Activity as Reset,
        unpause_activity_request::Activity as Unpaused,
    },
};
use foretime_tests::{
    commands::*,
    script::*,
    worker::{ActivityTask, application_failure, failure},
};
use prost_types::Duration;

use executions::*;
use resets::*;

crate::scripts![
    before_its_start,
    while_it_runs,
    while_it_runs_and_fails,
    while_it_runs_and_fails_for_good,
    while_it_runs_after_its_last_attempt,
    during_backoff,
    twice,
    by_type,
    of_no_activity,
    of_unknown_ones,
    of_a_closed_workflow,
    bad_requests,
    unpaused_though_it_was_not,
    unpaused_all,
    unpaused_with_resets,
    unpaused_with_resets_while_it_runs,
    unpaused_with_jitter,
    cancelled_while_paused,
    cancelled_while_paused_and_running,
    completed_by_id_while_paused,
    timeouts_while_paused,
    timeout_after_the_pause,
    timeouts_of_a_paused_running_one,
    heartbeat_timeout_after_the_pause,
    reset_before_its_start,
    reset_during_backoff,
    reset_while_it_runs,
    reset_while_it_runs_again,
    reset_heartbeats,
    reset_heartbeats_while_it_runs,
    reset_while_paused,
    reset_and_kept_paused,
    reset_by_type_and_all,
    reset_to_original_options,
    named_as_executions,
    bad_requests_that_name_executions,
];

type Attributes = ScheduleActivityTaskCommandAttributes;

fn policy(initial_s: f64, maximum_attempts: i32) -> Option<RetryPolicy> {
    Some(RetryPolicy {
        initial_interval: seconds(initial_s),
        backoff_coefficient: 2.0,
        maximum_attempts,
        non_retryable_error_types: vec!["Final".to_owned()],
        ..Default::default()
    })
}

fn slow(s: &Script, id: &str) -> Attributes {
    Attributes { retry_policy: policy(60.0, 0), ..s.activity(id) }
}

fn quick(s: &Script, id: &str) -> Attributes {
    Attributes { retry_policy: policy(0.2, 0), ..s.activity(id) }
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

fn pause_of(s: &Script, activity: Option<Paused>) -> PauseActivityRequest {
    PauseActivityRequest {
        namespace: NAMESPACE.to_owned(),
        execution: s.execution("wf"),
        identity: "operator".to_owned(),
        reason: "the reason".to_owned(),
        request_id: s.request_id(),
        activity,
    }
}

async fn pause(s: &Script, id: &str) {
    let _ = s.call(pause_of(s, Some(Paused::Id(id.to_owned())))).await;
}

fn unpause_of(s: &Script, activity: Option<Unpaused>) -> UnpauseActivityRequest {
    UnpauseActivityRequest {
        namespace: NAMESPACE.to_owned(),
        execution: s.execution("wf"),
        identity: "operator".to_owned(),
        activity,
        ..Default::default()
    }
}

async fn unpause(s: &Script, id: &str) {
    let _ = s.call(unpause_of(s, Some(Unpaused::Id(id.to_owned())))).await;
}

fn reset_of(s: &Script, activity: Option<Reset>) -> ResetActivityRequest {
    ResetActivityRequest {
        namespace: NAMESPACE.to_owned(),
        execution: s.execution("wf"),
        identity: "operator".to_owned(),
        activity,
        ..Default::default()
    }
}

fn reset_by_id(s: &Script, id: &str) -> ResetActivityRequest {
    reset_of(s, Some(Reset::Id(id.to_owned())))
}

async fn wait(wait_s: f64) {
    tokio::time::sleep(std::time::Duration::from_secs_f64(wait_s)).await;
}

async fn before_its_start(s: &Script) {
    schedule(s, quick(s, "a")).await;
    pause(s, "a").await;
    s.describe("wf").await;
    s.no_activity_task().await;
    unpause(s, "a").await;
    s.describe("wf").await;
    let activity = s.activity_task().await;
    s.complete_activity(&activity, "the result").await;
    s.await_event("wf", EventType::ActivityTaskCompleted).await;
    s.history("wf").await;
    s.step("the search attribute stays, empty");
    s.describe("wf").await;
}

async fn while_it_runs(s: &Script) {
    let activity = started(s, quick(s, "a")).await;
    pause(s, "a").await;
    s.heartbeat(&activity, "half").await;
    s.describe("wf").await;
    s.complete_activity(&activity, "the result").await;
    s.describe("wf").await;
    s.workflow_task().await;
    s.history("wf").await;
}

async fn while_it_runs_and_fails(s: &Script) {
    let activity = started(s, quick(s, "a")).await;
    pause(s, "a").await;
    s.fail_activity(&activity, failure("no luck")).await;
    s.describe("wf").await;
    s.no_activity_task().await;
    s.heartbeat(&activity, "too late").await;
    unpause(s, "a").await;
    s.describe("wf").await;
    s.activity_task().await;
    s.describe("wf").await;
}

async fn while_it_runs_and_fails_for_good(s: &Script) {
    let activity = started(s, quick(s, "a")).await;
    pause(s, "a").await;
    let info = ApplicationFailureInfo { r#type: "Final".to_owned(), ..Default::default() };
    s.fail_activity(&activity, application_failure("no luck", info)).await;
    s.history("wf").await;
    s.describe("wf").await;
}

async fn while_it_runs_after_its_last_attempt(s: &Script) {
    let activity = started(s, Attributes { retry_policy: policy(0.2, 1), ..s.activity("a") }).await;
    pause(s, "a").await;
    s.fail_activity(&activity, failure("no luck")).await;
    s.describe("wf").await;
    unpause(s, "a").await;
    let activity = s.activity_task().await;
    s.fail_activity(&activity, failure("no luck again")).await;
    s.history("wf").await;
}

async fn during_backoff(s: &Script) {
    let activity = started(s, slow(s, "a")).await;
    s.fail_activity(&activity, failure("no luck")).await;
    pause(s, "a").await;
    s.describe("wf").await;
    unpause(s, "a").await;
    s.describe("wf").await;
    s.activity_task().await;
}

async fn twice(s: &Script) {
    schedule(s, quick(s, "a")).await;
    let request = pause_of(s, Some(Paused::Id("a".to_owned())));
    let _ = s.call(request.clone()).await;
    s.step("the same request");
    let _ = s.call(request.clone()).await;
    s.step("another request");
    pause(s, "a").await;
    s.step("without a request id");
    let _ = s.call(PauseActivityRequest { request_id: String::new(), ..request.clone() }).await;
    unpause(s, "a").await;
    s.step("without a request id, twice");
    let _ = s.call(PauseActivityRequest { request_id: String::new(), ..request.clone() }).await;
    let _ = s.call(PauseActivityRequest { request_id: String::new(), ..request }).await;
    s.describe("wf").await;
}

async fn by_type(s: &Script) {
    s.start("wf").await;
    let other = Attributes {
        activity_type: Some(foretime_server::proto::common::ActivityType { name: "B".to_owned() }),
        ..quick(s, "b")
    };
    s.run_task([schedule_activity(quick(s, "a")), schedule_activity(quick(s, "c")), schedule_activity(other)]).await;
    let type_name = s.activity("a").activity_type.unwrap_or_default().name;
    let _ = s.call(pause_of(s, Some(Paused::Type(type_name.clone())))).await;
    let activity = s.activity_task().await;
    s.no_activity_task().await;
    s.step("one of them is paused already");
    let _ = s.call(pause_of(s, Some(Paused::Type(type_name.clone())))).await;
    let _ = s.call(unpause_of(s, Some(Unpaused::Id("a".to_owned())))).await;
    s.activity_task().await;
    let _ = s.call(unpause_of(s, Some(Unpaused::Type(type_name)))).await;
    s.complete_activity(&activity, "done").await;
    s.activity_task().await;
}

async fn of_no_activity(s: &Script) {
    s.start_waiting("wf").await;
    pause(s, "a").await;
    unpause(s, "a").await;
    let _ = s.call(reset_by_id(s, "a")).await;
    let _ = s.call(pause_of(s, Some(Paused::Type("T".to_owned())))).await;
    let _ = s.call(unpause_of(s, Some(Unpaused::Type("T".to_owned())))).await;
    let _ = s.call(unpause_of(s, Some(Unpaused::UnpauseAll(true)))).await;
    let _ = s.call(reset_of(s, Some(Reset::Type("T".to_owned())))).await;
    let _ = s.call(reset_of(s, Some(Reset::MatchAll(true)))).await;
    let _ = s.call(pause_of(s, Some(Paused::Id(String::new())))).await;
    let _ = s.call(pause_of(s, Some(Paused::Type(String::new())))).await;
}

async fn of_unknown_ones(s: &Script) {
    schedule(s, quick(s, "a")).await;
    pause(s, "b").await;
    unpause(s, "b").await;
    let _ = s.call(reset_by_id(s, "b")).await;
    s.step("of another workflow");
    let execution = s.execution("unknown");
    let request = pause_of(s, Some(Paused::Id("a".to_owned())));
    let _ = s.call(PauseActivityRequest { execution: execution.clone(), ..request }).await;
    let request = unpause_of(s, Some(Unpaused::Id("a".to_owned())));
    let _ = s.call(UnpauseActivityRequest { execution: execution.clone(), ..request }).await;
    let _ = s.call(ResetActivityRequest { execution, ..reset_by_id(s, "a") }).await;
    s.step("of another run");
    let execution = s.run("wf", "11111111-2222-3333-4444-555555555555");
    let request = pause_of(s, Some(Paused::Id("a".to_owned())));
    let _ = s.call(PauseActivityRequest { execution, ..request }).await;
    let execution = s.run("wf", "not a run id");
    let request = pause_of(s, Some(Paused::Id("a".to_owned())));
    let _ = s.call(PauseActivityRequest { execution, ..request }).await;
}

async fn of_a_closed_workflow(s: &Script) {
    schedule(s, quick(s, "a")).await;
    s.terminate("wf").await;
    pause(s, "a").await;
    unpause(s, "a").await;
    let _ = s.call(reset_by_id(s, "a")).await;
    let _ = s.call(pause_of(s, Some(Paused::Type("T".to_owned())))).await;
    let _ = s.call(unpause_of(s, Some(Unpaused::Type("T".to_owned())))).await;
    let _ = s.call(reset_of(s, Some(Reset::Type("T".to_owned())))).await;
}

async fn bad_requests(s: &Script) {
    let _ = s.call(PauseActivityRequest::default()).await;
    let _ = s.call(UnpauseActivityRequest::default()).await;
    let _ = s.call(ResetActivityRequest::default()).await;
    s.step("no activity");
    let _ = s.call(pause_of(s, None)).await;
    let _ = s.call(unpause_of(s, None)).await;
    let _ = s.call(reset_of(s, None)).await;
    s.step("no such namespace");
    let id = || "a".to_owned();
    let namespace = || "no-such-namespace".to_owned();
    let _ = s.call(PauseActivityRequest { namespace: namespace(), ..pause_of(s, Some(Paused::Id(id()))) }).await;
    let _ = s.call(UnpauseActivityRequest { namespace: namespace(), ..unpause_of(s, Some(Unpaused::Id(id()))) }).await;
    let _ = s.call(ResetActivityRequest { namespace: namespace(), ..reset_by_id(s, "a") }).await;
    s.step("no namespace");
    let request = pause_of(s, Some(Paused::Id(id())));
    let _ = s.call(PauseActivityRequest { namespace: String::new(), ..request.clone() }).await;
    s.step("long texts");
    schedule(s, quick(s, "a")).await;
    let long = "x".repeat(1_001);
    let _ = s.call(PauseActivityRequest { reason: long.clone(), ..request.clone() }).await;
    unpause(s, "a").await;
    let _ = s.call(PauseActivityRequest { identity: long.clone(), ..request.clone() }).await;
    unpause(s, "a").await;
    let _ = s.call(PauseActivityRequest { request_id: long, ..request }).await;
    s.step("a negative jitter");
    let jitter = Some(Duration { seconds: -1, nanos: 0 });
    let _ = s.call(UnpauseActivityRequest { jitter, ..unpause_of(s, Some(Unpaused::Id(id()))) }).await;
    let _ = s.call(ResetActivityRequest { jitter, ..reset_by_id(s, "a") }).await;
}

async fn unpaused_though_it_was_not(s: &Script) {
    let activity = started(s, slow(s, "a")).await;
    unpause(s, "a").await;
    s.fail_activity(&activity, failure("no luck")).await;
    unpause(s, "a").await;
    s.describe("wf").await;
}

async fn unpaused_all(s: &Script) {
    s.start("wf").await;
    s.run_task([schedule_activity(quick(s, "a")), schedule_activity(quick(s, "b"))]).await;
    pause(s, "a").await;
    pause(s, "b").await;
    let _ = s.call(unpause_of(s, Some(Unpaused::UnpauseAll(false)))).await;
    s.describe("wf").await;
}

async fn unpaused_with_resets(s: &Script) {
    let activity = started(s, slow(s, "a")).await;
    s.heartbeat(&activity, "half").await;
    s.fail_activity(&activity, failure("no luck")).await;
    pause(s, "a").await;
    let request = unpause_of(s, Some(Unpaused::Id("a".to_owned())));
    let _ = s.call(UnpauseActivityRequest { reset_attempts: true, ..request.clone() }).await;
    let activity = s.activity_task().await;
    s.fail_activity(&activity, failure("no luck")).await;
    pause(s, "a").await;
    let _ = s.call(UnpauseActivityRequest { reset_heartbeat: true, ..request }).await;
    s.describe("wf").await;
    s.activity_task().await;
}

async fn unpaused_with_resets_while_it_runs(s: &Script) {
    let activity = started(s, quick(s, "a")).await;
    s.fail_activity(&activity, failure("no luck")).await;
    let activity = s.activity_task().await;
    s.heartbeat(&activity, "half").await;
    pause(s, "a").await;
    let request = unpause_of(s, Some(Unpaused::Id("a".to_owned())));
    let _ = s.call(UnpauseActivityRequest { reset_attempts: true, reset_heartbeat: true, ..request }).await;
    s.describe("wf").await;
    s.step("its token is of another attempt now");
    s.heartbeat(&activity, "more").await;
    s.complete_activity(&activity, "the result").await;
}

async fn unpaused_with_jitter(s: &Script) {
    schedule(s, quick(s, "a")).await;
    pause(s, "a").await;
    let request = unpause_of(s, Some(Unpaused::Id("a".to_owned())));
    let _ = s.call(UnpauseActivityRequest { jitter: seconds(0.001), ..request }).await;
    s.activity_task().await;
}

async fn cancelled_while_paused(s: &Script) {
    schedule(s, quick(s, "a")).await;
    pause(s, "a").await;
    s.signal("wf", "go").await;
    s.run_task([request_cancel_activity(5)]).await;
    s.history("wf").await;
    s.describe("wf").await;
}

async fn cancelled_while_paused_and_running(s: &Script) {
    let activity = started(s, quick(s, "a")).await;
    pause(s, "a").await;
    s.signal("wf", "go").await;
    s.run_task([request_cancel_activity(5)]).await;
    s.describe("wf").await;
    s.heartbeat(&activity, "half").await;
    s.cancel_activity(&activity).await;
    s.history("wf").await;
}

async fn completed_by_id_while_paused(s: &Script) {
    schedule(s, quick(s, "a")).await;
    pause(s, "a").await;
    let request = RespondActivityTaskCompletedByIdRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_id: s.id("wf"),
        activity_id: "a".to_owned(),
        result: payloads("the result"),
        identity: "someone".to_owned(),
        ..Default::default()
    };
    let _ = s.call(request).await;
    s.history("wf").await;
    s.describe("wf").await;
}

async fn timeouts_while_paused(s: &Script) {
    let short = Attributes { schedule_to_close_timeout: seconds(3.0), ..quick(s, "a") };
    let short_to_start = Attributes { schedule_to_start_timeout: seconds(3.0), ..quick(s, "b") };
    s.start("wf").await;
    s.run_task([schedule_activity(short), schedule_activity(short_to_start)]).await;
    pause(s, "a").await;
    pause(s, "b").await;
    wait(4.5).await;
    s.history("wf").await;
    s.step("what is overdue falls due when it is unpaused");
    unpause(s, "a").await;
    unpause(s, "b").await;
    wait(4.0).await;
    s.history("wf").await;
}

async fn timeout_after_the_pause(s: &Script) {
    schedule(s, Attributes { schedule_to_close_timeout: seconds(2.0), ..quick(s, "a") }).await;
    pause(s, "a").await;
    unpause(s, "a").await;
    s.await_event("wf", EventType::ActivityTaskTimedOut).await;
    s.history("wf").await;
}

async fn timeouts_of_a_paused_running_one(s: &Script) {
    let attributes =
        Attributes { start_to_close_timeout: seconds(1.0), schedule_to_close_timeout: seconds(30.0), ..quick(s, "a") };
    let activity = started(s, attributes).await;
    pause(s, "a").await;
    wait(2.5).await;
    s.describe("wf").await;
    s.heartbeat(&activity, "late").await;
    unpause(s, "a").await;
    wait(1.5).await;
    s.describe("wf").await;
}

async fn heartbeat_timeout_after_the_pause(s: &Script) {
    let attributes = Attributes { heartbeat_timeout: seconds(1.0), ..slow(s, "a") };
    let activity = started(s, attributes).await;
    s.heartbeat(&activity, "half").await;
    pause(s, "a").await;
    wait(2.5).await;
    s.describe("wf").await;
    unpause(s, "a").await;
    wait(1.5).await;
    s.describe("wf").await;
}
