//! Resets of parents and of children.

use super::*;

/// A parent whose child runs; a signal and a task come after. Returns the parent's run id.
async fn with_child(s: &Script, child: StartChildWorkflowExecutionCommandAttributes) -> String {
    let run_id = s.start("parent").await;
    s.run_task([start_child(child)]).await;
    s.await_event("parent", EventType::ChildWorkflowExecutionStarted).await;
    s.run_task([]).await;
    s.signal("parent", "later").await;
    s.run_task([]).await;
    run_id
}

pub(super) async fn child_goes_on(s: &Script) {
    let first = with_child(s, s.child("child")).await;
    s.history("parent").await;
    reset_run(s, reset(s, "parent", 13)).await;
    s.history_of_run("parent", &first).await;
    s.history("parent").await;
    s.describe("parent").await;
    s.describe("child").await;
    s.run_task([]).await;
    s.step("the child completes");
    let task = s.child_task().await;
    let _ = s.complete(&task, [complete_workflow("the child's result")]).await;
    s.await_event("parent", EventType::ChildWorkflowExecutionCompleted).await;
    s.history("parent").await;
    s.describe("parent").await;
}

pub(super) async fn child_completes_before(s: &Script) {
    with_child(s, s.child("child")).await;
    let task = s.child_task().await;
    let _ = s.complete(&task, [complete_workflow("the child's result")]).await;
    s.await_event("parent", EventType::ChildWorkflowExecutionCompleted).await;
    s.run_task([complete_workflow("done")]).await;
    reset_run(s, reset(s, "parent", 13)).await;
    s.history("parent").await;
    s.describe("parent").await;
}

pub(super) async fn child_starts_after_the_point(s: &Script) {
    with_child(s, s.child("child")).await;
    s.history("parent").await;
    s.step("the task of the child's start");
    let _ = s.call(reset(s, "parent", 7)).await;
    let _ = s.call(reset(s, "parent", 8)).await;
    s.history("parent").await;
    s.describe("parent").await;
}

/// The child was asked for in the task that is done again.
pub(super) async fn child_after_the_point(s: &Script) {
    let first = with_child(s, s.child("child")).await;
    reset_run(s, reset(s, "parent", 4)).await;
    s.history("parent").await;
    s.describe("parent").await;
    s.describe("child").await;
    s.step("it is asked for again");
    s.run_task([start_child(s.child("child"))]).await;
    s.await_event("parent", EventType::StartChildWorkflowExecutionFailed).await;
    s.history("parent").await;
    s.step("the old child completes");
    let task = s.child_task().await;
    let _ = s.complete(&task, [complete_workflow("the child's result")]).await;
    s.history("parent").await;
    s.history_of_run("parent", &first).await;
}

pub(super) async fn child_after_the_point_abandoned(s: &Script) {
    use foretime_server::proto::enums::ParentClosePolicy;
    let child = StartChildWorkflowExecutionCommandAttributes {
        parent_close_policy: ParentClosePolicy::Abandon.into(),
        ..s.child("child")
    };
    with_child(s, child).await;
    s.run_task_of_child().await;
    reset_run(s, reset(s, "parent", 4)).await;
    s.run_task([start_child(s.child("child"))]).await;
    s.await_event("parent", EventType::ChildWorkflowExecutionStarted).await;
    s.history("parent").await;
    s.describe("child").await;
}

/// The reset run closes: its child is one of the run before.
pub(super) async fn child_and_close_policy(s: &Script) {
    with_child(s, s.child("child")).await;
    reset_run(s, reset(s, "parent", 13)).await;
    s.run_task([complete_workflow("done")]).await;
    s.close_event("parent", "").await;
    until_it_has_come().await;
    s.describe("child").await;
    s.history("child").await;
}

pub(super) async fn of_a_child(s: &Script) {
    with_child(s, s.child("child")).await;
    let task = s.await_workflow_task_of(task_queue(&s.child_queue())).await;
    let _ = s.complete(&task, []).await;
    reset_run(s, reset(s, "child", 4)).await;
    s.history("child").await;
    s.describe("child").await;
    s.history("parent").await;
    s.describe("parent").await;
    s.step("the reset child completes");
    let task = s.child_task().await;
    let _ = s.complete(&task, [complete_workflow("the child's result")]).await;
    s.await_event("parent", EventType::ChildWorkflowExecutionCompleted).await;
    s.history("parent").await;
}

pub(super) async fn of_a_closed_child(s: &Script) {
    with_child(s, s.child("child")).await;
    let task = s.await_workflow_task_of(task_queue(&s.child_queue())).await;
    let _ = s.complete(&task, [complete_workflow("the child's result")]).await;
    s.await_event("parent", EventType::ChildWorkflowExecutionCompleted).await;
    s.run_task([]).await;
    reset_run(s, reset(s, "child", 4)).await;
    let task = s.child_task().await;
    let _ = s.complete(&task, [complete_workflow("another result")]).await;
    s.history("child").await;
    s.history("parent").await;
}

/// What the scripts of children need.
trait Children {
    /// The child's next task is done, and the child with it.
    async fn run_task_of_child(&self);
}

impl Children for Script {
    async fn run_task_of_child(&self) {
        let task = self.await_workflow_task_of(task_queue(&self.child_queue())).await;
        let commands: [Command; 1] = [complete_workflow("the child's result")];
        let _ = self.complete(&task, commands).await;
    }
}
