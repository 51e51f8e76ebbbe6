//! Starts: workflow ids, request ids, policies, delay.

use std::time::Duration;

use foretime_server::proto::{
    common::{Header, Memo, Priority, RetryPolicy, SearchAttributes},
    enums::{EventType, WorkflowIdConflictPolicy, WorkflowIdReusePolicy},
    sdk::UserMetadata,
    workflow::OnConflictOptions,
    workflowservice::*,
};
use foretime_tests::{commands::*, script::*};

crate::scripts![
    a_workflow,
    everything_set,
    reuse_of_a_completed_id,
    reuse_of_a_failed_id,
    conflict_with_a_running_id,
    conflict_options,
    the_same_request_id,
    restarted_at_once,
    start_delay,
    start_delay_and_signal,
    start_delay_and_cancel,
];

/// The conflict policy has replaced this value, but old clients still send it.
#[expect(deprecated, reason = "on the wire all the same")]
const TERMINATE_IF_RUNNING: WorkflowIdReusePolicy = WorkflowIdReusePolicy::TerminateIfRunning;

fn reuse(s: &Script, policy: WorkflowIdReusePolicy) -> StartWorkflowExecutionRequest {
    StartWorkflowExecutionRequest { workflow_id_reuse_policy: policy.into(), ..s.new_start("wf") }
}

fn conflict(s: &Script, policy: WorkflowIdConflictPolicy) -> StartWorkflowExecutionRequest {
    StartWorkflowExecutionRequest { workflow_id_conflict_policy: policy.into(), ..s.new_start("wf") }
}

async fn a_workflow(s: &Script) {
    s.start("wf").await;
    let task = s.workflow_task().await;
    let _ = s.complete(&task, [complete_workflow("done")]).await;
    s.history("wf").await;
    s.describe("wf").await;
}

async fn everything_set(s: &Script) {
    let map = |name: &str, value: &str| [(name.to_owned(), payload(value))].into();
    s.start_with(StartWorkflowExecutionRequest {
        input: payloads("the input"),
        workflow_execution_timeout: seconds(3600.0),
        workflow_run_timeout: seconds(7200.0),
        workflow_task_timeout: seconds(200.0),
        retry_policy: Some(RetryPolicy { maximum_attempts: 3, ..Default::default() }),
        memo: Some(Memo { fields: map("note", "the memo") }),
        search_attributes: Some(SearchAttributes { indexed_fields: map("Colour", "red") }),
        header: Some(Header { fields: map("trace", "the header") }),
        user_metadata: Some(UserMetadata { summary: Some(payload("the summary")), details: Some(payload("the details")) }),
        priority: Some(Priority { priority_key: 2, ..Default::default() }),
        ..s.new_start("wf")
    })
    .await;
    s.workflow_task().await;
    s.history("wf").await;
    s.describe("wf").await;
}

async fn reuse_of_a_completed_id(s: &Script) {
    s.start("wf").await;
    s.run_task([complete_workflow("done")]).await;
    s.step("rejected: no duplicates");
    let _ = s.call(reuse(s, WorkflowIdReusePolicy::RejectDuplicate)).await;
    s.step("rejected: only after a failure");
    let _ = s.call(reuse(s, WorkflowIdReusePolicy::AllowDuplicateFailedOnly)).await;
    s.step("allowed");
    let _ = s.call(reuse(s, WorkflowIdReusePolicy::AllowDuplicate)).await;
    s.run_task([complete_workflow("done")]).await;
    s.step("allowed: nothing runs that could be terminated");
    let _ = s.call(reuse(s, TERMINATE_IF_RUNNING)).await;
    s.step("terminates what runs");
    let _ = s.call(reuse(s, TERMINATE_IF_RUNNING)).await;
    s.history("wf").await;
}

async fn reuse_of_a_failed_id(s: &Script) {
    s.start("wf").await;
    s.run_task([fail_workflow("failed")]).await;
    let _ = s.call(reuse(s, WorkflowIdReusePolicy::RejectDuplicate)).await;
    let _ = s.call(reuse(s, WorkflowIdReusePolicy::AllowDuplicateFailedOnly)).await;
    s.terminate("wf").await;
    s.step("terminated counts as failed");
    let _ = s.call(reuse(s, WorkflowIdReusePolicy::AllowDuplicateFailedOnly)).await;
    s.request_cancel("wf").await;
    s.run_task([cancel_workflow()]).await;
    s.step("cancelled counts as failed");
    let _ = s.call(reuse(s, WorkflowIdReusePolicy::AllowDuplicateFailedOnly)).await;
}

async fn conflict_with_a_running_id(s: &Script) {
    let first = s.start("wf").await;
    s.step("fails, by default");
    let _ = s.call(s.new_start("wf")).await;
    let _ = s.call(conflict(s, WorkflowIdConflictPolicy::Fail)).await;
    s.step("uses the existing one");
    let _ = s.call(conflict(s, WorkflowIdConflictPolicy::UseExisting)).await;
    s.step("terminates the existing one");
    let _ = s.call(conflict(s, WorkflowIdConflictPolicy::TerminateExisting)).await;
    s.history_of_run("wf", &first).await;
    s.history("wf").await;
    s.step("two policies that contradict each other");
    let _ = s
        .call(StartWorkflowExecutionRequest {
            workflow_id_reuse_policy: TERMINATE_IF_RUNNING.into(),
            ..conflict(s, WorkflowIdConflictPolicy::UseExisting)
        })
        .await;
    let _ = s
        .call(StartWorkflowExecutionRequest {
            workflow_id_reuse_policy: WorkflowIdReusePolicy::RejectDuplicate.into(),
            ..conflict(s, WorkflowIdConflictPolicy::TerminateExisting)
        })
        .await;
}

async fn conflict_options(s: &Script) {
    s.start("wf").await;
    let attach = OnConflictOptions { attach_request_id: true, ..Default::default() };
    let request = StartWorkflowExecutionRequest {
        on_conflict_options: Some(attach),
        ..conflict(s, WorkflowIdConflictPolicy::UseExisting)
    };
    s.step("the request id joins the running workflow");
    let _ = s.call(request.clone()).await;
    s.step("again, the same request");
    let _ = s.call(request).await;
    s.history("wf").await;
}

async fn the_same_request_id(s: &Script) {
    let request = s.new_start("wf");
    let _ = s.call(request.clone()).await;
    s.step("while it runs");
    let _ = s.call(request.clone()).await;
    s.run_task([complete_workflow("done")]).await;
    s.step("when it is closed");
    let _ = s.call(request).await;
}

async fn restarted_at_once(s: &Script) {
    s.start("wf").await;
    let _ = s.call(conflict(s, WorkflowIdConflictPolicy::TerminateExisting)).await;
    s.terminate("wf").await;
    let _ = s.call(s.new_start("wf")).await;
}

fn delayed(s: &Script) -> StartWorkflowExecutionRequest {
    StartWorkflowExecutionRequest { workflow_start_delay: seconds(2.0), ..s.new_start("wf") }
}

async fn start_delay(s: &Script) {
    s.start_with(delayed(s)).await;
    s.describe("wf").await;
    s.history("wf").await;
    let _ = s.call_within(Duration::from_secs(1), s.new_query("wf", "state")).await;
    s.workflow_task().await;
    s.history("wf").await;
}

async fn start_delay_and_signal(s: &Script) {
    s.start_with(StartWorkflowExecutionRequest { workflow_start_delay: seconds(60.0), ..s.new_start("wf") }).await;
    s.step("a signal does not wake it");
    s.signal("wf", "hello").await;
    s.no_workflow_task().await;
    s.history("wf").await;
    s.terminate("wf").await;
    s.step("signal with start: the delay is the workflow's");
    let _ = s
        .call(SignalWithStartWorkflowExecutionRequest {
            workflow_start_delay: seconds(2.0),
            ..s.new_signal_with_start("other", "hello")
        })
        .await;
    s.history("other").await;
    s.workflow_task().await;
}

async fn start_delay_and_cancel(s: &Script) {
    s.start_with(StartWorkflowExecutionRequest { workflow_start_delay: seconds(60.0), ..s.new_start("wf") }).await;
    s.request_cancel("wf").await;
    s.await_event("wf", EventType::WorkflowExecutionCancelRequested).await;
    s.history("wf").await;
}
