//! Deletions, and what is left after them.

use foretime_server::proto::{
    command::StartChildWorkflowExecutionCommandAttributes,
    enums::{EventType, ParentClosePolicy},
    workflowservice::*,
};
use foretime_tests::{commands::*, script::*};

crate::scripts![closed, open, refused, of_an_older_run, id_is_free, of_a_child, of_a_parent, of_a_reset_run, the_current_run];

/// A deletion of a run of `id`; of the current one if `run_id` is empty.
fn deletion(s: &Script, id: &str, run_id: &str) -> DeleteWorkflowExecutionRequest {
    DeleteWorkflowExecutionRequest { namespace: NAMESPACE.to_owned(), workflow_execution: s.run(id, run_id) }
}

/// Deletes a run, and waits until it is gone: the real server deletes in the background.
async fn delete(s: &Script, id: &str, run_id: &str) {
    let _ = s.call(deletion(s, id, run_id)).await;
    await_gone(s, id, run_id).await;
}

async fn await_gone(s: &Script, id: &str, run_id: &str) {
    let describe = || DescribeWorkflowExecutionRequest { execution: s.run(id, run_id), ..s.new_describe(id) };
    while s.client.call(describe()).await.is_ok() {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

/// All that is asked of a run that is gone.
async fn is_gone(s: &Script, id: &str, run_id: &str) {
    let _ = s.call(DescribeWorkflowExecutionRequest { execution: s.run(id, run_id), ..s.new_describe(id) }).await;
    s.history_of_run(id, run_id).await;
    let signal = SignalWorkflowExecutionRequest { workflow_execution: s.run(id, run_id), ..s.new_signal(id, "late") };
    let _ = s.call(signal).await;
    let _ = s.call(QueryWorkflowRequest { execution: s.run(id, run_id), ..s.new_query(id, "state") }).await;
    let _ = s.call(deletion(s, id, run_id)).await;
}

async fn closed(s: &Script) {
    let run_id = s.start("wf").await;
    s.run_task([complete_workflow("done")]).await;
    delete(s, "wf", "").await;
    is_gone(s, "wf", "").await;
    is_gone(s, "wf", &run_id).await;
}

async fn open(s: &Script) {
    let run_id = s.start_waiting("wf").await;
    s.signal("wf", "one").await;
    s.await_workflow_task().await;
    delete(s, "wf", &run_id).await;
    is_gone(s, "wf", "").await;
    is_gone(s, "wf", &run_id).await;
}

async fn refused(s: &Script) {
    s.start_waiting("wf").await;
    let _ = s.call(deletion(s, "unknown", "")).await;
    let _ = s.call(deletion(s, "wf", "no-uuid")).await;
    let _ = s.call(deletion(s, "wf", "01234567-89ab-4def-8123-456789abcdef")).await;
    let _ = s.call(DeleteWorkflowExecutionRequest { workflow_execution: None, ..deletion(s, "wf", "") }).await;
    let _ = s.call(DeleteWorkflowExecutionRequest { namespace: String::new(), ..deletion(s, "wf", "") }).await;
    let _ = s.call(DeleteWorkflowExecutionRequest { namespace: "unknown".to_owned(), ..deletion(s, "wf", "") }).await;
    s.describe("wf").await;
}

/// Two runs of one workflow id; the first is closed.
async fn two_runs(s: &Script) -> [String; 2] {
    let first = s.start("wf").await;
    s.run_task([complete_workflow("done")]).await;
    s.await_restart_interval().await;
    let second = s.start("wf").await;
    s.run_task([]).await;
    [first, second]
}

async fn of_an_older_run(s: &Script) {
    let [first, _] = two_runs(s).await;
    delete(s, "wf", &first).await;
    is_gone(s, "wf", &first).await;
    s.step("the other is as it was");
    s.history("wf").await;
    s.signal("wf", "still").await;
}

async fn the_current_run(s: &Script) {
    let [first, second] = two_runs(s).await;
    delete(s, "wf", &second).await;
    s.step("the older one is there, and the id names none");
    s.describe("wf").await;
    s.history_of_run("wf", &first).await;
    s.await_restart_interval().await;
    s.step("the id is free");
    s.start("wf").await;
    s.history("wf").await;
}

async fn id_is_free(s: &Script) {
    use foretime_server::proto::enums::WorkflowIdReusePolicy;
    s.start("wf").await;
    s.run_task([complete_workflow("done")]).await;
    let never_again = || StartWorkflowExecutionRequest {
        workflow_id_reuse_policy: WorkflowIdReusePolicy::RejectDuplicate.into(),
        ..s.new_start("wf")
    };
    s.await_restart_interval().await;
    let _ = s.call(never_again()).await;
    delete(s, "wf", "").await;
    let _ = s.call(never_again()).await;
    s.history("wf").await;
}

/// A parent whose child runs.
async fn with_child(s: &Script, policy: ParentClosePolicy) -> String {
    let parent = s.start("parent").await;
    let child = StartChildWorkflowExecutionCommandAttributes { parent_close_policy: policy.into(), ..s.child("child") };
    s.run_task([start_child(child)]).await;
    s.await_event("parent", EventType::ChildWorkflowExecutionStarted).await;
    parent
}

async fn of_a_child(s: &Script) {
    with_child(s, ParentClosePolicy::Terminate).await;
    delete(s, "child", "").await;
    s.await_event("parent", EventType::ChildWorkflowExecutionTerminated).await;
    s.history("parent").await;
}

async fn of_a_parent(s: &Script) {
    let parent = with_child(s, ParentClosePolicy::Terminate).await;
    delete(s, "parent", &parent).await;
    s.close_event("child", "").await;
    s.describe("child").await;
}

async fn of_a_reset_run(s: &Script) {
    let first = s.start_waiting("wf").await;
    s.signal("wf", "one").await;
    let reset = ResetWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_execution: s.execution("wf"),
        reason: "the reason".to_owned(),
        workflow_task_finish_event_id: 4,
        request_id: s.request_id(),
        ..Default::default()
    };
    let _ = s.call(reset.clone()).await;
    s.step("the base is deleted");
    delete(s, "wf", &first).await;
    s.history("wf").await;
    s.await_restart_interval().await;
    let request_id = s.request_id();
    s.step("the reset run is reset");
    let _ = s.call(ResetWorkflowExecutionRequest { request_id, ..reset }).await;
    s.history("wf").await;
}
