//! What is seen of workflows, above all of closed ones.

use foretime_server::proto::{enums::EventType, workflowservice::*};
use foretime_tests::{commands::*, script::*, updates::*, worker::failure};

crate::scripts![
    terminated_with_an_activity_in_hand,
    terminated_with_an_activity_in_backoff,
    completed_with_an_activity,
    completed_with_an_activity_that_is_cancelled,
    terminated_with_a_child,
    completed_with_a_child,
    timed_out_with_a_task,
    continued_with_an_activity,
    a_token_of_another_workflow,
    started_with_a_signal,
    an_update_that_a_reset_admits_again,
];

async fn terminated_with_an_activity_in_hand(s: &Script) {
    s.start("wf").await;
    s.run_task([schedule_activity(s.activity("activity")), start_timer("timer", 3600.0)]).await;
    let task = s.activity_task().await;
    s.heartbeat(&task, "halfway").await;
    s.describe("wf").await;
    s.terminate("wf").await;
    s.describe("wf").await;
    s.complete_activity(&task, "late").await;
    s.describe("wf").await;
}

async fn terminated_with_an_activity_in_backoff(s: &Script) {
    use foretime_server::proto::common::RetryPolicy;
    s.start("wf").await;
    let mut activity = s.activity("activity");
    activity.retry_policy = Some(RetryPolicy { initial_interval: seconds(3600.0), ..Default::default() });
    s.run_task([schedule_activity(activity)]).await;
    let task = s.activity_task().await;
    s.fail_activity(&task, failure("the first attempt")).await;
    s.terminate("wf").await;
    s.describe("wf").await;
}

async fn completed_with_an_activity(s: &Script) {
    s.start("wf").await;
    s.run_task([schedule_activity(s.activity("activity"))]).await;
    s.signal("wf", "end").await;
    s.run_task([complete_workflow("done")]).await;
    s.describe("wf").await;
    s.no_activity_task().await;
}

async fn completed_with_an_activity_that_is_cancelled(s: &Script) {
    s.start("wf").await;
    s.run_task([schedule_activity(s.activity("activity"))]).await;
    s.activity_task().await;
    s.signal("wf", "end").await;
    s.run_task([request_cancel_activity(5), complete_workflow("done")]).await;
    s.describe("wf").await;
}

async fn terminated_with_a_child(s: &Script) {
    s.start("parent").await;
    s.run_task([start_child(s.child("child"))]).await;
    s.await_event("parent", EventType::ChildWorkflowExecutionStarted).await;
    s.terminate("parent").await;
    s.close_event("child", "").await;
    s.describe("parent").await;
    s.describe("child").await;
}

async fn completed_with_a_child(s: &Script) {
    s.start("parent").await;
    s.run_task([start_child(s.child("child"))]).await;
    s.await_event("parent", EventType::ChildWorkflowExecutionStarted).await;
    s.run_task([complete_workflow("done")]).await;
    s.close_event("child", "").await;
    s.describe("parent").await;
}

async fn timed_out_with_a_task(s: &Script) {
    let start = StartWorkflowExecutionRequest { workflow_run_timeout: seconds(1.0), ..s.new_start("wf") };
    s.start_with(start).await;
    s.await_workflow_task().await;
    s.close_event("wf", "").await;
    s.describe("wf").await;
}

async fn continued_with_an_activity(s: &Script) {
    let first = s.start("wf").await;
    s.run_task([schedule_activity(s.activity("activity"))]).await;
    s.await_restart_interval().await;
    s.signal("wf", "go on").await;
    s.run_task([continue_as_new(s.next_run())]).await;
    let _ = s.call(DescribeWorkflowExecutionRequest { execution: s.run("wf", &first), ..s.new_describe("wf") }).await;
    s.describe("wf").await;
}

/// A page token names a run. It must be one of the workflow that is asked for.
async fn a_token_of_another_workflow(s: &Script) {
    s.start("wf").await;
    s.start("other").await;
    let first = GetWorkflowExecutionHistoryRequest { maximum_page_size: 1, ..s.new_history("wf") };
    let next_page_token = s.call(first).await.expect("the history is readable").next_page_token;
    let _ = s.call(GetWorkflowExecutionHistoryRequest { next_page_token, ..s.new_history("other") }).await;
}

/// The request id is both of the start and of the signal.
async fn started_with_a_signal(s: &Script) {
    let _ = s.call(s.new_signal_with_start("wf", "hello")).await;
    s.describe("wf").await;
    let _ = s
        .call(SignalWithStartWorkflowExecutionRequest { request_id: s.request_id(), ..s.new_signal_with_start("wf", "hello") })
        .await;
    s.describe("wf").await;
}

async fn an_update_that_a_reset_admits_again(s: &Script) {
    s.start_waiting("wf").await;
    let mut update = s.new_update("wf", "u");
    if let Some(request) = &mut update.request {
        request.request_id = s.request_id();
    }
    s.updated(update, async {
        let task = s.await_workflow_task().await;
        s.report(&task, done(&task, "u")).await;
    })
    .await;
    s.describe("wf").await;
    let _ = s.call(s.new_reset("wf", 4)).await;
    s.describe("wf").await;
}
