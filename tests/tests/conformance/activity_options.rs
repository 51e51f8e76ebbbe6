//! Options of activities that are changed while they are pending (`tests/activity_api_update_test.go`).

use foretime_server::proto::{
    activity::ActivityOptions,
    command::ScheduleActivityTaskCommandAttributes,
    common::{Priority, RetryPolicy},
    workflowservice::{update_activity_options_request::Activity as Named, *},
};
use foretime_tests::{
    commands::*,
    script::*,
    worker::{ActivityTask, failure},
};
use prost_types::FieldMask;

crate::scripts![
    before_its_start,
    while_it_runs,
    during_backoff,
    while_paused,
    moved_to_another_queue,
    each_field,
    fields_of_the_retry_policy,
    fields_of_the_priority,
    restored,
    of_many,
    of_no_activity,
    bad_requests,
    bad_values,
    a_field_that_is_not_one,
    shortened_past_its_time,
    a_priority_set_and_restored,
    after_a_timeout,
];

type Attributes = ScheduleActivityTaskCommandAttributes;

fn policy(initial_s: f64) -> Option<RetryPolicy> {
    Some(RetryPolicy { initial_interval: seconds(initial_s), backoff_coefficient: 2.0, ..Default::default() })
}

fn slow(s: &Script, id: &str) -> Attributes {
    Attributes { retry_policy: policy(60.0), ..s.activity(id) }
}

async fn schedule(s: &Script, attributes: Attributes) {
    s.start("wf").await;
    s.run_task([schedule_activity(attributes)]).await;
}

async fn started(s: &Script, attributes: Attributes) -> ActivityTask {
    schedule(s, attributes).await;
    s.activity_task().await
}

fn new_update(s: &Script, options: ActivityOptions, paths: &[&str]) -> UpdateActivityOptionsRequest {
    UpdateActivityOptionsRequest {
        namespace: NAMESPACE.to_owned(),
        execution: s.execution("wf"),
        identity: "operator".to_owned(),
        activity_options: Some(options),
        update_mask: Some(FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() }),
        activity: Some(Named::Id("a".to_owned())),
        restore_original: false,
    }
}

async fn update(s: &Script, options: ActivityOptions, paths: &[&str]) {
    let _ = s.call(new_update(s, options, paths)).await;
}

async fn wait(wait_s: f64) {
    tokio::time::sleep(std::time::Duration::from_secs_f64(wait_s)).await;
}

async fn before_its_start(s: &Script) {
    schedule(s, slow(s, "a")).await;
    update(s, ActivityOptions { start_to_close_timeout: seconds(7.0), ..Default::default() }, &["start_to_close_timeout"])
        .await;
    s.describe("wf").await;
    s.activity_task().await;
    s.describe("wf").await;
    s.no_activity_task().await;
}

async fn while_it_runs(s: &Script) {
    let activity = started(s, Attributes { start_to_close_timeout: seconds(30.0), ..slow(s, "a") }).await;
    update(s, ActivityOptions { start_to_close_timeout: seconds(1.0), ..Default::default() }, &["start_to_close_timeout"])
        .await;
    s.describe("wf").await;
    wait(2.0).await;
    s.describe("wf").await;
    s.complete_activity(&activity, "too late").await;
}

async fn during_backoff(s: &Script) {
    let activity = started(s, slow(s, "a")).await;
    s.fail_activity(&activity, failure("no luck")).await;
    update(s, ActivityOptions { retry_policy: policy(1.0), ..Default::default() }, &["retry_policy.initial_interval"]).await;
    s.describe("wf").await;
    s.activity_task().await;
}

async fn while_paused(s: &Script) {
    let activity = started(s, slow(s, "a")).await;
    s.fail_activity(&activity, failure("no luck")).await;
    let _ = s
        .call(PauseActivityRequest {
            namespace: NAMESPACE.to_owned(),
            execution: s.execution("wf"),
            identity: "operator".to_owned(),
            activity: Some(pause_activity_request::Activity::Id("a".to_owned())),
            ..Default::default()
        })
        .await;
    update(s, ActivityOptions { retry_policy: policy(0.1), ..Default::default() }, &["retry_policy.initial_interval"]).await;
    s.describe("wf").await;
    s.no_activity_task().await;
}

async fn moved_to_another_queue(s: &Script) {
    let other = Attributes { task_queue: Some(task_queue("nobody polls it")), ..slow(s, "a") };
    schedule(s, other).await;
    let options = ActivityOptions { task_queue: Some(task_queue(s.queue())), ..Default::default() };
    s.step("the whole task queue is no path of the mask");
    update(s, options.clone(), &["task_queue"]).await;
    update(s, options, &["task_queue.name"]).await;
    s.describe("wf").await;
    s.activity_task().await;
}

async fn each_field(s: &Script) {
    schedule(s, slow(s, "a")).await;
    let options = ActivityOptions {
        task_queue: Some(task_queue("another")),
        schedule_to_close_timeout: seconds(100.0),
        schedule_to_start_timeout: seconds(20.0),
        start_to_close_timeout: seconds(30.0),
        heartbeat_timeout: seconds(4.0),
        retry_policy: Some(RetryPolicy {
            initial_interval: seconds(2.0),
            backoff_coefficient: 3.0,
            maximum_interval: seconds(50.0),
            maximum_attempts: 6,
            non_retryable_error_types: vec!["Final".to_owned()],
        }),
        priority: Some(Priority { priority_key: 2, fairness_key: "fair".to_owned(), fairness_weight: 1.5 }),
        start_delay: seconds(3.0),
    };
    for path in [
        "heartbeat_timeout",
        "schedule_to_start_timeout",
        "start_to_close_timeout",
        "schedule_to_close_timeout",
        "retry_policy",
        "priority",
        "start_delay",
        "scheduleToStartTimeout",
    ] {
        s.step(path);
        update(s, options.clone(), &[path]).await;
    }
    s.describe("wf").await;
}

async fn fields_of_the_retry_policy(s: &Script) {
    schedule(s, slow(s, "a")).await;
    let options = ActivityOptions {
        retry_policy: Some(RetryPolicy {
            initial_interval: seconds(2.0),
            backoff_coefficient: 3.0,
            maximum_interval: seconds(50.0),
            maximum_attempts: 6,
            ..Default::default()
        }),
        ..Default::default()
    };
    for path in ["maximum_attempts", "backoff_coefficient", "maximum_interval", "initial_interval", "non_retryable_error_types"]
    {
        update(s, options.clone(), &[&format!("retry_policy.{path}")]).await;
    }
    update(s, ActivityOptions::default(), &["retry_policy"]).await;
    update(s, ActivityOptions::default(), &["retry_policy.maximum_attempts"]).await;
    let none = ActivityOptions { retry_policy: Some(RetryPolicy::default()), ..Default::default() };
    update(s, none, &["retry_policy"]).await;
    s.describe("wf").await;
}

async fn fields_of_the_priority(s: &Script) {
    schedule(s, slow(s, "a")).await;
    let options = ActivityOptions {
        priority: Some(Priority { priority_key: 2, fairness_key: "fair".to_owned(), fairness_weight: 1.5 }),
        ..Default::default()
    };
    for path in ["priority_key", "fairness_key", "fairness_weight"] {
        update(s, options.clone(), &[&format!("priority.{path}")]).await;
    }
    update(s, ActivityOptions::default(), &["priority.priority_key"]).await;
    update(s, ActivityOptions::default(), &["priority"]).await;
    s.describe("wf").await;
}

async fn restored(s: &Script) {
    schedule(s, slow(s, "a")).await;
    let options = ActivityOptions {
        start_to_close_timeout: seconds(7.0),
        priority: Some(Priority { priority_key: 2, ..Default::default() }),
        ..Default::default()
    };
    update(s, options.clone(), &["start_to_close_timeout", "priority"]).await;
    let restore = UpdateActivityOptionsRequest {
        restore_original: true,
        activity_options: None,
        update_mask: None,
        ..new_update(s, ActivityOptions::default(), &[])
    };
    let _ = s.call(restore.clone()).await;
    s.describe("wf").await;
    s.step("with a mask besides");
    let _ = s.call(UpdateActivityOptionsRequest { restore_original: true, ..new_update(s, options, &["priority"]) }).await;
    let mask = Some(FieldMask::default());
    let _ = s.call(UpdateActivityOptionsRequest { update_mask: mask, ..restore.clone() }).await;
    s.step("an unknown one");
    let _ = s.call(UpdateActivityOptionsRequest { activity: Some(Named::Id("b".to_owned())), ..restore.clone() }).await;
    let _ = s.call(UpdateActivityOptionsRequest { activity: Some(Named::Type("b".to_owned())), ..restore.clone() }).await;
    s.step("of a closed workflow");
    s.terminate("wf").await;
    let _ = s.call(restore).await;
}

async fn of_many(s: &Script) {
    s.start("wf").await;
    s.run_task([schedule_activity(slow(s, "a")), schedule_activity(slow(s, "b"))]).await;
    let options = |timeout_s| ActivityOptions { start_to_close_timeout: seconds(timeout_s), ..Default::default() };
    let type_name = s.activity("a").activity_type.unwrap_or_default().name;
    let request = new_update(s, options(7.0), &["start_to_close_timeout"]);
    let _ = s.call(UpdateActivityOptionsRequest { activity: Some(Named::Type(type_name)), ..request }).await;
    s.describe("wf").await;
    let request = new_update(s, options(8.0), &["start_to_close_timeout"]);
    let _ = s.call(UpdateActivityOptionsRequest { activity: Some(Named::MatchAll(false)), ..request }).await;
    s.describe("wf").await;
}

async fn of_no_activity(s: &Script) {
    s.start_waiting("wf").await;
    let options = ActivityOptions { start_to_close_timeout: seconds(7.0), ..Default::default() };
    let request = new_update(s, options, &["start_to_close_timeout"]);
    let _ = s.call(request.clone()).await;
    let _ = s.call(UpdateActivityOptionsRequest { activity: Some(Named::MatchAll(true)), ..request.clone() }).await;
    s.terminate("wf").await;
    let _ = s.call(request.clone()).await;
    let _ = s.call(UpdateActivityOptionsRequest { execution: s.execution("unknown"), ..request }).await;
}

async fn bad_requests(s: &Script) {
    let _ = s.call(UpdateActivityOptionsRequest::default()).await;
    schedule(s, slow(s, "a")).await;
    let options = ActivityOptions { start_to_close_timeout: seconds(7.0), ..Default::default() };
    let request = new_update(s, options, &["start_to_close_timeout"]);
    s.step("no activity");
    let _ = s.call(UpdateActivityOptionsRequest { activity: None, ..request.clone() }).await;
    s.step("no options");
    let _ = s.call(UpdateActivityOptionsRequest { activity_options: None, ..request.clone() }).await;
    let _ = s
        .call(UpdateActivityOptionsRequest {
            activity_options: None,
            activity: Some(Named::Id("unknown".to_owned())),
            ..request.clone()
        })
        .await;
    s.step("no mask");
    let _ = s.call(UpdateActivityOptionsRequest { update_mask: None, ..request.clone() }).await;
    s.step("an empty mask");
    let _ = s.call(UpdateActivityOptionsRequest { update_mask: Some(FieldMask::default()), ..request.clone() }).await;
    s.step("no namespace");
    let namespace = "no-such-namespace".to_owned();
    let _ = s.call(UpdateActivityOptionsRequest { namespace, ..request.clone() }).await;
}

async fn bad_values(s: &Script) {
    schedule(s, slow(s, "a")).await;
    let options = ActivityOptions::default;
    s.step("no timeout is left");
    update(s, options(), &["start_to_close_timeout", "schedule_to_close_timeout"]).await;
    s.step("a negative one");
    let negative = Some(prost_types::Duration { seconds: -1, nanos: 0 });
    update(s, ActivityOptions { start_to_close_timeout: negative, ..options() }, &["start_to_close_timeout"]).await;
    update(s, ActivityOptions { heartbeat_timeout: negative, ..options() }, &["heartbeat_timeout"]).await;
    s.step("longer than the run");
    let years = seconds(1e9);
    update(s, ActivityOptions { schedule_to_close_timeout: years, ..options() }, &["schedule_to_close_timeout"]).await;
    update(s, ActivityOptions { heartbeat_timeout: years, ..options() }, &["heartbeat_timeout"]).await;
    s.step("a bad retry policy");
    let policy = |policy| ActivityOptions { retry_policy: Some(policy), ..options() };
    let bad = RetryPolicy { backoff_coefficient: 0.5, initial_interval: seconds(1.0), ..Default::default() };
    update(s, policy(bad.clone()), &["retry_policy.backoff_coefficient"]).await;
    update(s, policy(bad), &["retry_policy"]).await;
    let bad = RetryPolicy { maximum_interval: seconds(0.5), initial_interval: seconds(1.0), ..Default::default() };
    update(s, policy(bad), &["retry_policy.maximum_interval"]).await;
    let bad = RetryPolicy { maximum_attempts: -1, ..Default::default() };
    update(s, policy(bad), &["retry_policy.maximum_attempts"]).await;
    s.step("a bad priority");
    let priority = |priority| ActivityOptions { priority: Some(priority), ..options() };
    update(s, priority(Priority { priority_key: -1, ..Default::default() }), &["priority"]).await;
    update(s, priority(Priority { fairness_weight: -1.0, ..Default::default() }), &[]).await;
    s.step("a bad task queue");
    update(s, options(), &["task_queue.name"]).await;
    update(s, ActivityOptions { task_queue: Some(task_queue("")), ..options() }, &["task_queue.name"]).await;
    let long = "x".repeat(1_001);
    update(s, ActivityOptions { task_queue: Some(task_queue(&long)), ..options() }, &["task_queue.name"]).await;
    s.describe("wf").await;
}

async fn a_field_that_is_not_one(s: &Script) {
    schedule(s, slow(s, "a")).await;
    update(s, ActivityOptions::default(), &["no_such_field"]).await;
    update(s, ActivityOptions::default(), &["*"]).await;
    s.describe("wf").await;
}

async fn shortened_past_its_time(s: &Script) {
    schedule(s, slow(s, "a")).await;
    wait(1.2).await;
    let options = ActivityOptions { schedule_to_close_timeout: seconds(1.0), ..Default::default() };
    update(s, options, &["schedule_to_close_timeout"]).await;
    wait(1.5).await;
    s.history("wf").await;
}

async fn a_priority_set_and_restored(s: &Script) {
    let priority = Some(Priority { priority_key: 4, ..Default::default() });
    s.start_with(StartWorkflowExecutionRequest { priority, ..s.new_start("wf") }).await;
    s.run_task([schedule_activity(slow(s, "a"))]).await;
    s.describe("wf").await;
    let priority = Some(Priority { fairness_key: "fair".to_owned(), ..Default::default() });
    update(s, ActivityOptions { priority, ..Default::default() }, &["priority"]).await;
    s.activity_task().await;
}

async fn after_a_timeout(s: &Script) {
    let attributes =
        Attributes { start_to_close_timeout: seconds(1.0), schedule_to_start_timeout: seconds(50.0), ..slow(s, "a") };
    started(s, attributes).await;
    wait(1.5).await;
    let priority = Some(Priority { priority_key: 4, ..Default::default() });
    update(s, ActivityOptions { priority, ..Default::default() }, &["priority"]).await;
    wait(1.0).await;
    s.describe("wf").await;
    s.history("wf").await;
}
