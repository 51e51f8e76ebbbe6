//! Signals, cancel requests, terminations: what comes to a workflow from outside.

use foretime_server::proto::{
    common::Header,
    enums::{EventType, WorkflowIdConflictPolicy, WorkflowIdReusePolicy},
    history::history_event::Attributes,
    workflowservice::*,
};
use foretime_tests::{commands::*, script::*};

crate::scripts![
    before_the_first_task,
    between_tasks,
    twice_with_one_request_id,
    to_a_closed_workflow,
    again_to_a_closed_workflow,
    while_the_workflow_closes,
    from_another_workflow,
    described_by_its_start_with_signal,
    with_start_of_a_new_workflow,
    with_start_of_a_running_workflow,
    with_start_of_a_closed_workflow,
    with_start_and_policies,
    cancel,
    cancel_twice,
    cancel_of_another_chain,
    cancel_of_a_closed_workflow,
    cancelled_without_a_request,
    terminate,
    terminate_during_a_task,
    terminate_another_chain,
];

async fn before_the_first_task(s: &Script) {
    s.start("wf").await;
    let header = Some(Header { fields: [("trace".to_owned(), payload("the header"))].into() });
    let _ = s.call(SignalWorkflowExecutionRequest { header, ..s.new_signal("wf", "one") }).await;
    s.signal("wf", "two").await;
    s.workflow_task().await;
    s.history("wf").await;
}

async fn between_tasks(s: &Script) {
    s.start("wf").await;
    s.run_task([]).await;
    s.signal("wf", "one").await;
    s.signal("wf", "two").await;
    let task = s.workflow_task().await;
    let _ = s.complete(&task, [complete_workflow("done")]).await;
    s.history("wf").await;
}

async fn twice_with_one_request_id(s: &Script) {
    s.start("wf").await;
    let request = s.new_signal("wf", "once");
    let _ = s.call(request.clone()).await;
    let _ = s.call(request).await;
    s.history("wf").await;
}

async fn to_a_closed_workflow(s: &Script) {
    let run = s.start("wf").await;
    s.run_task([complete_workflow("done")]).await;
    s.signal("wf", "late").await;
    let request = SignalWorkflowExecutionRequest { workflow_execution: s.run("wf", &run), ..s.new_signal("wf", "late") };
    let _ = s.call(request).await;
}

/// A signal that has come already is answered as it was then.
async fn again_to_a_closed_workflow(s: &Script) {
    s.start("wf").await;
    let request = s.new_signal("wf", "once");
    let _ = s.call(request.clone()).await;
    s.run_task([complete_workflow("done")]).await;
    let _ = s.call(request.clone()).await;
    let _ = s.call(SignalWorkflowExecutionRequest { request_id: s.request_id(), ..request }).await;
    s.history("wf").await;
    s.describe("wf").await;
}

/// The worker tried to close the workflow, in vain because of a signal. While it has the next task, it most likely closes it.
async fn while_the_workflow_closes(s: &Script) {
    s.start("wf").await;
    let task = s.await_workflow_task().await;
    s.signal("wf", "first").await;
    let _ = s.complete(&task, [complete_workflow("done")]).await;
    s.step("the task waits for a worker");
    s.signal("wf", "second").await;
    let task = s.workflow_task().await;
    s.step("a worker has it");
    s.signal("wf", "third").await;
    let _ = s.call(s.new_signal_with_start("wf", "fourth")).await;
    s.request_cancel("wf").await;
    let _ = s.complete(&task, [complete_workflow("done")]).await;
    s.history("wf").await;
    s.step("the next one");
    let task = s.workflow_task().await;
    let _ = s.complete(&task, []).await;
    s.signal("wf", "fifth").await;
    s.history("wf").await;
}

/// Once its sender knows that it has come, one with the same request id would be another signal.
async fn from_another_workflow(s: &Script) {
    s.start("target").await;
    s.run_task([]).await;
    s.start("sender").await;
    s.run_task([signal_external(s.external_signal("target", "signal"))]).await;
    s.await_event("sender", EventType::ExternalWorkflowExecutionSignaled).await;
    // What the real server then does to the target is seen in the count of its transitions only.
    until_it_has_come().await;
    s.describe("target").await;
    let event = s.await_event("target", EventType::WorkflowExecutionSignaled).await;
    let Some(Attributes::WorkflowExecutionSignaledEventAttributes(signaled)) = event.attributes else { return };
    let request = SignalWorkflowExecutionRequest { request_id: signaled.request_id, ..s.new_signal("target", "again") };
    let _ = s.call(request).await;
    s.history("target").await;
}

async fn described_by_its_start_with_signal(s: &Script) {
    let _ = s.call(s.new_signal_with_start("wf", "signal")).await;
    s.describe("wf").await;
    s.run_task([]).await;
    s.await_restart_interval().await;
    let _ = s.call(s.new_reset("wf", 5)).await;
    s.describe("wf").await;
}

async fn with_start_of_a_new_workflow(s: &Script) {
    let _ = s.call(s.new_signal_with_start("wf", "hello")).await;
    s.workflow_task().await;
    s.history("wf").await;
}

async fn with_start_of_a_running_workflow(s: &Script) {
    s.start("wf").await;
    s.run_task([]).await;
    let request = s.new_signal_with_start("wf", "hello");
    let _ = s.call(request.clone()).await;
    s.step("the same request again");
    let _ = s.call(request).await;
    s.workflow_task().await;
    s.history("wf").await;
}

async fn with_start_of_a_closed_workflow(s: &Script) {
    s.start("wf").await;
    s.run_task([complete_workflow("done")]).await;
    s.await_restart_interval().await;
    let reject = WorkflowIdReusePolicy::RejectDuplicate;
    let request = s.new_signal_with_start("wf", "hello");
    let _ =
        s.call(SignalWithStartWorkflowExecutionRequest { workflow_id_reuse_policy: reject.into(), ..request.clone() }).await;
    let _ = s.call(request).await;
    s.history("wf").await;
}

async fn with_start_and_policies(s: &Script) {
    let first = s.start("wf").await;
    s.await_restart_interval().await;
    let with = |policy: WorkflowIdConflictPolicy| SignalWithStartWorkflowExecutionRequest {
        workflow_id_conflict_policy: policy.into(),
        ..s.new_signal_with_start("wf", "hello")
    };
    s.step("the default and use-existing are the same");
    let _ = s.call(with(WorkflowIdConflictPolicy::UseExisting)).await;
    s.step("to fail makes no sense");
    let _ = s.call(with(WorkflowIdConflictPolicy::Fail)).await;
    s.step("terminates the running one");
    let _ = s.call(with(WorkflowIdConflictPolicy::TerminateExisting)).await;
    s.close_event("wf", &first).await;
    s.history("wf").await;
}

async fn cancel(s: &Script) {
    s.start("wf").await;
    s.run_task([]).await;
    s.request_cancel("wf").await;
    s.describe("wf").await;
    let task = s.workflow_task().await;
    let _ = s.complete(&task, [cancel_workflow()]).await;
    s.history("wf").await;
}

async fn cancel_twice(s: &Script) {
    s.start("wf").await;
    let request = s.new_request_cancel("wf");
    let _ = s.call(request.clone()).await;
    s.step("the same request again");
    let _ = s.call(request).await;
    s.step("another request");
    s.request_cancel("wf").await;
    s.history("wf").await;
}

const ANOTHER_RUN: &str = "01234567-0123-7123-8123-0123456789ab";

async fn cancel_of_another_chain(s: &Script) {
    let first_execution_run_id = s.start("wf").await;
    let another = ANOTHER_RUN.to_owned();
    let request = s.new_request_cancel("wf");
    let _ = s.call(RequestCancelWorkflowExecutionRequest { first_execution_run_id: another, ..request.clone() }).await;
    let _ = s.call(RequestCancelWorkflowExecutionRequest { first_execution_run_id, ..request }).await;
}

async fn cancel_of_a_closed_workflow(s: &Script) {
    let run = s.start("wf").await;
    s.run_task([complete_workflow("done")]).await;
    s.request_cancel("wf").await;
    let request = RequestCancelWorkflowExecutionRequest { workflow_execution: s.run("wf", &run), ..s.new_request_cancel("wf") };
    let _ = s.call(request).await;
}

async fn cancelled_without_a_request(s: &Script) {
    s.start("wf").await;
    s.run_task([cancel_workflow()]).await;
    s.history("wf").await;
}

async fn terminate(s: &Script) {
    s.start("wf").await;
    s.terminate("wf").await;
    s.history("wf").await;
    s.describe("wf").await;
    s.step("again");
    s.terminate("wf").await;
    s.step("its task is gone");
    s.no_workflow_task().await;
}

async fn terminate_during_a_task(s: &Script) {
    s.start("wf").await;
    let task = s.await_workflow_task().await;
    s.signal("wf", "buffered").await;
    s.terminate("wf").await;
    s.history("wf").await;
    s.step("the worker is too late");
    let _ = s.complete(&task, [complete_workflow("done")]).await;
}

async fn terminate_another_chain(s: &Script) {
    let first_execution_run_id = s.start("wf").await;
    let another = ANOTHER_RUN.to_owned();
    let request = s.new_terminate("wf");
    let _ = s.call(TerminateWorkflowExecutionRequest { first_execution_run_id: another, ..request.clone() }).await;
    let _ = s.call(TerminateWorkflowExecutionRequest { first_execution_run_id, ..request }).await;
}
