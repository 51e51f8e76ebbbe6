//! Children, and what workflows do to one another.

use foretime_server::proto::{
    command::{
        Command, RequestCancelExternalWorkflowExecutionCommandAttributes, SignalExternalWorkflowExecutionCommandAttributes,
        StartChildWorkflowExecutionCommandAttributes,
    },
    common::{RetryPolicy, WorkflowExecution},
    enums::{EventType, ParentClosePolicy, WorkflowIdReusePolicy},
    workflowservice::*,
};
use foretime_tests::{commands::*, script::*};
use prost_types::Duration;

crate::scripts![
    completed,
    failed,
    terminated,
    cancelled,
    timed_out,
    continued_as_new,
    retried,
    with_a_running_id,
    with_a_used_id,
    in_an_unknown_namespace,
    without_a_type,
    inherits,
    parent_completes_terminates,
    parent_completes_abandons,
    parent_completes_cancels,
    parent_terminated,
    parent_times_out,
    parent_continues_as_new,
    parent_closes_before_the_child_starts,
    described,
    signals_a_child,
    signals_another,
    signals_a_missing_one,
    signals_a_closed_one,
    signals_itself,
    signals_as_if_a_child,
    signals_another_and_completes,
    signals_another_and_continues_as_new,
    cancels_another,
    cancels_another_and_completes,
    cancels_a_missing_one,
    cancels_a_closed_one,
];

type Child = StartChildWorkflowExecutionCommandAttributes;

/// A parent whose child runs with its first task waiting. Returns the child's run id.
async fn running(s: &Script, child: Child) -> String {
    s.start("parent").await;
    s.run_task([start_child(child)]).await;
    let started = s.await_event("parent", EventType::ChildWorkflowExecutionStarted).await;
    use foretime_server::proto::history::history_event::Attributes;
    match started.attributes {
        Some(Attributes::ChildWorkflowExecutionStartedEventAttributes(started)) => {
            started.workflow_execution.unwrap_or_default().run_id
        }
        other => panic!("not a start: {other:?}"),
    }
}

/// Completes the child's next task.
async fn child_does(s: &Script, commands: impl IntoIterator<Item = Command>) {
    let task = s.await_workflow_task_of(task_queue(&s.child_queue())).await;
    let _ = s.complete(&task, commands).await;
}

async fn completed(s: &Script) {
    s.start("parent").await;
    s.run_task([start_child(s.child("child"))]).await;
    s.workflow_task().await;
    let task = s.child_task().await;
    s.history("child").await;
    let _ = s.complete(&task, [complete_workflow("the child's result")]).await;
    s.describe("child").await;
    s.history("parent").await;
}

/// Lets the parent see what became of the child.
async fn parent_sees(s: &Script, event: EventType) {
    s.await_event("parent", event).await;
    s.history("parent").await;
}

async fn failed(s: &Script) {
    running(s, s.child("child")).await;
    s.run_task([]).await;
    child_does(s, [fail_workflow("the child failed")]).await;
    parent_sees(s, EventType::ChildWorkflowExecutionFailed).await;
}

async fn terminated(s: &Script) {
    running(s, s.child("child")).await;
    s.run_task([]).await;
    s.terminate("child").await;
    parent_sees(s, EventType::ChildWorkflowExecutionTerminated).await;
}

async fn cancelled(s: &Script) {
    running(s, s.child("child")).await;
    s.run_task([cancel_external(RequestCancelExternalWorkflowExecutionCommandAttributes {
        workflow_id: s.id("child"),
        child_workflow_only: true,
        reason: "the parent's reason".to_owned(),
        ..Default::default()
    })])
    .await;
    s.await_event("child", EventType::WorkflowExecutionCancelRequested).await;
    s.await_event("parent", EventType::ExternalWorkflowExecutionCancelRequested).await;
    s.run_task([]).await;
    s.history("child").await;
    child_does(s, [cancel_workflow()]).await;
    parent_sees(s, EventType::ChildWorkflowExecutionCanceled).await;
}

async fn timed_out(s: &Script) {
    running(s, Child { workflow_run_timeout: seconds(1.0), ..s.child("child") }).await;
    s.run_task([]).await;
    parent_sees(s, EventType::ChildWorkflowExecutionTimedOut).await;
}

async fn continued_as_new(s: &Script) {
    running(s, s.child("child")).await;
    s.run_task([]).await;
    s.await_restart_interval().await;
    let mut next = s.next_run();
    next.task_queue = Some(task_queue(&s.child_queue()));
    child_does(s, [foretime_tests::commands::continue_as_new(next)]).await;
    s.history("child").await;
    child_does(s, [complete_workflow("the second run's result")]).await;
    parent_sees(s, EventType::ChildWorkflowExecutionCompleted).await;
}

async fn retried(s: &Script) {
    let policy =
        RetryPolicy { initial_interval: Some(Duration { seconds: 1, nanos: 0 }), maximum_attempts: 2, ..Default::default() };
    running(s, Child { retry_policy: Some(policy), ..s.child("child") }).await;
    s.run_task([]).await;
    child_does(s, [fail_workflow("one")]).await;
    child_does(s, [fail_workflow("two")]).await;
    parent_sees(s, EventType::ChildWorkflowExecutionFailed).await;
}

async fn with_a_running_id(s: &Script) {
    s.start("child").await;
    s.await_workflow_task().await;
    s.start("parent").await;
    s.run_task([start_child(s.child("child"))]).await;
    s.workflow_task().await;
    s.history("parent").await;
}

async fn with_a_used_id(s: &Script) {
    s.start("child").await;
    s.run_task([complete_workflow("done")]).await;
    s.await_restart_interval().await;
    s.start("parent").await;
    let reject = WorkflowIdReusePolicy::RejectDuplicate;
    s.run_task([start_child(Child { workflow_id_reuse_policy: reject.into(), ..s.child("child") })]).await;
    s.workflow_task().await;
    s.history("parent").await;
}

#[expect(deprecated, reason = "the field is on the wire all the same")]
async fn in_an_unknown_namespace(s: &Script) {
    s.start("parent").await;
    s.run_task([start_child(Child { namespace: "nowhere".to_owned(), ..s.child("child") })]).await;
    s.history("parent").await;
}

async fn without_a_type(s: &Script) {
    s.start("parent").await;
    s.run_task([start_child(Child { workflow_type: None, ..s.child("child") })]).await;
    s.history("parent").await;
}

async fn inherits(s: &Script) {
    s.start_with(StartWorkflowExecutionRequest {
        workflow_execution_timeout: seconds(3600.0),
        workflow_run_timeout: seconds(1800.0),
        workflow_task_timeout: seconds(7.0),
        ..s.new_start("parent")
    })
    .await;
    s.run_task([start_child(Child { task_queue: None, workflow_id: s.id("child"), ..s.child("child") })]).await;
    s.await_event("parent", EventType::ChildWorkflowExecutionStarted).await;
    s.history("parent").await;
    s.history("child").await;
}

fn policy(s: &Script, policy: ParentClosePolicy) -> Child {
    Child { parent_close_policy: policy.into(), ..s.child("child") }
}

async fn parent_completes_terminates(s: &Script) {
    running(s, policy(s, ParentClosePolicy::Terminate)).await;
    s.run_task([complete_workflow("done")]).await;
    s.await_event("child", EventType::WorkflowExecutionTerminated).await;
    s.history("child").await;
    s.history("parent").await;
}

async fn parent_completes_abandons(s: &Script) {
    running(s, policy(s, ParentClosePolicy::Abandon)).await;
    s.run_task([complete_workflow("done")]).await;
    child_does(s, [complete_workflow("alone")]).await;
    s.history("child").await;
    s.history("parent").await;
}

async fn parent_completes_cancels(s: &Script) {
    running(s, policy(s, ParentClosePolicy::RequestCancel)).await;
    s.run_task([complete_workflow("done")]).await;
    s.await_event("child", EventType::WorkflowExecutionCancelRequested).await;
    s.history("child").await;
}

async fn parent_terminated(s: &Script) {
    running(s, policy(s, ParentClosePolicy::Unspecified)).await;
    s.terminate("parent").await;
    s.await_event("child", EventType::WorkflowExecutionTerminated).await;
    s.history("child").await;
}

async fn parent_times_out(s: &Script) {
    s.start_with(StartWorkflowExecutionRequest { workflow_run_timeout: seconds(2.0), ..s.new_start("parent") }).await;
    s.run_task([start_child(policy(s, ParentClosePolicy::RequestCancel))]).await;
    s.await_event("parent", EventType::ChildWorkflowExecutionStarted).await;
    s.await_event("child", EventType::WorkflowExecutionCancelRequested).await;
    s.history("child").await;
}

async fn parent_continues_as_new(s: &Script) {
    running(s, policy(s, ParentClosePolicy::Terminate)).await;
    s.await_restart_interval().await;
    s.run_task([foretime_tests::commands::continue_as_new(s.next_run())]).await;
    s.step("the parent's first run is closed: the policy applies");
    s.await_event("child", EventType::WorkflowExecutionTerminated).await;
    s.history("child").await;
}

async fn parent_closes_before_the_child_starts(s: &Script) {
    s.start("parent").await;
    s.run_task([start_child(policy(s, ParentClosePolicy::Abandon)), complete_workflow("done")]).await;
    s.history("parent").await;
    s.step("a parent that closes with the same task: the child is never started");
    s.no_child_task().await;
    s.describe("child").await;
}

async fn described(s: &Script) {
    running(s, s.child("child")).await;
    s.describe("parent").await;
}

async fn signals_a_child(s: &Script) {
    running(s, s.child("child")).await;
    let signal =
        SignalExternalWorkflowExecutionCommandAttributes { child_workflow_only: true, ..s.external_signal("child", "hello") };
    s.run_task([signal_external(signal)]).await;
    s.await_event("child", EventType::WorkflowExecutionSignaled).await;
    s.history("child").await;
    parent_sees(s, EventType::ExternalWorkflowExecutionSignaled).await;
}

/// Two workflows: `other` with its first task taken, and `wf`, which sends this command.
async fn does_to_another(s: &Script, command: Command) {
    s.start("other").await;
    s.await_workflow_task().await;
    s.start("wf").await;
    s.run_task([command]).await;
    s.workflow_task().await;
    s.history("wf").await;
}

async fn signals_another(s: &Script) {
    s.start("other").await;
    s.run_task([]).await;
    s.start("wf").await;
    s.run_task([signal_external(s.external_signal("other", "hello"))]).await;
    s.await_event("wf", EventType::ExternalWorkflowExecutionSignaled).await;
    s.history("wf").await;
    s.history("other").await;
}

async fn signals_a_missing_one(s: &Script) {
    does_to_another(s, signal_external(s.external_signal("missing", "hello"))).await;
}

async fn signals_a_closed_one(s: &Script) {
    s.start("closed").await;
    s.run_task([complete_workflow("done")]).await;
    does_to_another(s, signal_external(s.external_signal("closed", "hello"))).await;
}

async fn signals_itself(s: &Script) {
    does_to_another(s, signal_external(s.external_signal("wf", "hello"))).await;
}

async fn signals_as_if_a_child(s: &Script) {
    let signal =
        SignalExternalWorkflowExecutionCommandAttributes { child_workflow_only: true, ..s.external_signal("other", "hello") };
    does_to_another(s, signal_external(signal)).await;
}

/// A workflow `other` that has nothing to do, and `wf`, which sends these commands in one task.
async fn does_at_its_end(s: &Script, commands: [Command; 2]) {
    s.start("other").await;
    s.run_task([]).await;
    s.start("wf").await;
    s.await_restart_interval().await;
    s.run_task(commands).await;
    s.history("wf").await;
    s.step("what a workflow sends in the task that closes it is never sent");
    s.history("other").await;
}

async fn signals_another_and_completes(s: &Script) {
    does_at_its_end(s, [signal_external(s.external_signal("other", "hello")), complete_workflow("done")]).await;
    s.no_workflow_task().await;
}

async fn signals_another_and_continues_as_new(s: &Script) {
    let next = foretime_tests::commands::continue_as_new(s.next_run());
    does_at_its_end(s, [signal_external(s.external_signal("other", "hello")), next]).await;
    s.step("the task of the next run, and no other");
    s.workflow_task().await;
    s.no_workflow_task().await;
}

async fn cancels_another_and_completes(s: &Script) {
    does_at_its_end(s, [cancel(s, "other"), complete_workflow("done")]).await;
    s.no_workflow_task().await;
}

fn cancel(s: &Script, id: &str) -> Command {
    let WorkflowExecution { workflow_id, run_id } = s.execution(id).unwrap_or_default();
    cancel_external(RequestCancelExternalWorkflowExecutionCommandAttributes {
        workflow_id,
        run_id,
        reason: "another's reason".to_owned(),
        ..Default::default()
    })
}

async fn cancels_another(s: &Script) {
    s.start("other").await;
    s.run_task([]).await;
    s.start("wf").await;
    s.run_task([cancel(s, "other")]).await;
    s.await_event("wf", EventType::ExternalWorkflowExecutionCancelRequested).await;
    s.history("wf").await;
    s.history("other").await;
}

async fn cancels_a_missing_one(s: &Script) {
    does_to_another(s, cancel(s, "missing")).await;
}

async fn cancels_a_closed_one(s: &Script) {
    s.start("closed").await;
    s.run_task([complete_workflow("done")]).await;
    does_to_another(s, cancel(s, "closed")).await;
}
