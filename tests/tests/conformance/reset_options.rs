//! Resets of paused workflows, and options that are changed along with a reset.

use foretime_server::proto::{
    common::Priority,
    enums::WorkflowTaskFailedCause,
    workflow::{
        PostResetOperation, VersioningOverride, WorkflowExecutionOptions, post_reset_operation, versioning_override as by,
    },
    workflowservice::*,
};
use foretime_tests::{commands::*, script::*};

crate::scripts![
    paused_before_the_point,
    paused_after_the_point,
    paused_before_any_task,
    paused_after_a_failure,
    override_that_is_gone,
    priority,
    versioning,
    nothing_named,
    a_mask_that_names_nothing_known,
    several,
    options_that_come_again,
    bad_override,
];

fn changing(s: &Script, id: &str, options: WorkflowExecutionOptions, paths: &[&str]) -> ResetWorkflowExecutionRequest {
    let mask = prost_types::FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() };
    ResetWorkflowExecutionRequest { post_reset_operations: vec![change(options, Some(mask))], ..s.new_reset(id, 4) }
}

fn change(options: WorkflowExecutionOptions, update_mask: Option<prost_types::FieldMask>) -> PostResetOperation {
    let update = post_reset_operation::UpdateWorkflowOptions { workflow_execution_options: Some(options), update_mask };
    PostResetOperation { variant: Some(post_reset_operation::Variant::UpdateWorkflowOptions(update)) }
}

fn with_priority(priority_key: i32) -> WorkflowExecutionOptions {
    WorkflowExecutionOptions { priority: Some(Priority { priority_key, ..Default::default() }), ..Default::default() }
}

fn auto_upgrade() -> WorkflowExecutionOptions {
    let versioning_override =
        Some(VersioningOverride { r#override: Some(by::Override::AutoUpgrade(true)), ..Default::default() });
    WorkflowExecutionOptions { versioning_override, ..Default::default() }
}

fn pause(s: &Script, id: &str) -> PauseWorkflowExecutionRequest {
    PauseWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_id: s.id(id),
        identity: "client".to_owned(),
        reason: "a pause".to_owned(),
        request_id: s.request_id(),
        ..Default::default()
    }
}

async fn paused_before_the_point(s: &Script) {
    s.start("wf").await;
    s.run_task([schedule_activity(s.activity("activity")), start_timer("timer", 1.0)]).await;
    let _ = s.call(pause(s, "wf")).await;
    s.signal("wf", "one").await;
    let _ = s.call(unpause(s, "wf")).await;
    s.run_task([]).await;
    s.history("wf").await;
    for event_id in [10, 11, 12, 13] {
        s.step(&format!("to {event_id}"));
        let _ = s.call(s.new_reset("wf", event_id)).await;
        s.await_restart_interval().await;
    }
    s.history("wf").await;
    s.describe("wf").await;
}

async fn paused_after_the_point(s: &Script) {
    s.start_waiting("wf").await;
    let _ = s.call(pause(s, "wf")).await;
    s.signal("wf", "one").await;
    let _ = s.call(s.new_reset("wf", 4)).await;
    s.history("wf").await;
    s.describe("wf").await;
    s.workflow_task().await;
}

fn unpause(s: &Script, id: &str) -> UnpauseWorkflowExecutionRequest {
    UnpauseWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_id: s.id(id),
        identity: "client".to_owned(),
        ..Default::default()
    }
}

/// A pause and its end, and a task. Then the run is reset to each of its events.
async fn pause_and_reset_to_each_event(s: &Script, run_id: &str) {
    let _ = s.call(pause(s, "wf")).await;
    s.signal("wf", "one").await;
    let _ = s.call(unpause(s, "wf")).await;
    s.run_task([]).await;
    s.history("wf").await;
    for event_id in 3..=11 {
        s.step(&format!("to {event_id}"));
        let reset = ResetWorkflowExecutionRequest { workflow_execution: s.run("wf", run_id), ..s.new_reset("wf", event_id) };
        if s.call(reset).await.is_ok() {
            s.history("wf").await;
            s.await_restart_interval().await;
        }
    }
}

/// The task that waited has failed with the pause; nothing is left of it while the workflow is paused.
async fn paused_before_any_task(s: &Script) {
    let run_id = s.start("wf").await;
    pause_and_reset_to_each_event(s, &run_id).await;
}

/// The pause takes away the next attempt of the task.
async fn paused_after_a_failure(s: &Script) {
    let run_id = s.start("wf").await;
    let task = s.await_workflow_task().await;
    s.fail_task(&task, WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure).await;
    pause_and_reset_to_each_event(s, &run_id).await;
}

/// An override that was set after the point, and taken away again: both come again.
async fn override_that_is_gone(s: &Script) {
    s.start_waiting("wf").await;
    for options in [auto_upgrade(), WorkflowExecutionOptions::default()] {
        let change = UpdateWorkflowExecutionOptionsRequest {
            namespace: NAMESPACE.to_owned(),
            workflow_execution: s.execution("wf"),
            workflow_execution_options: Some(options),
            update_mask: Some(prost_types::FieldMask { paths: vec!["versioning_override".to_owned()] }),
            ..Default::default()
        };
        let _ = s.call(change).await;
    }
    let _ = s.call(s.new_reset("wf", 4)).await;
    s.history("wf").await;
    s.describe("wf").await;
}

async fn priority(s: &Script) {
    s.start_waiting("wf").await;
    s.signal("wf", "one").await;
    let _ = s.call(changing(s, "wf", with_priority(2), &["priority"])).await;
    s.history("wf").await;
    s.describe("wf").await;
}

async fn versioning(s: &Script) {
    s.start_waiting("wf").await;
    let _ = s.call(changing(s, "wf", auto_upgrade(), &["versioning_override"])).await;
    s.history("wf").await;
    s.describe("wf").await;
}

async fn nothing_named(s: &Script) {
    s.start_waiting("wf").await;
    let _ = s.call(changing(s, "wf", with_priority(2), &[])).await;
    s.history("wf").await;
    s.await_restart_interval().await;
    let no_mask = vec![change(with_priority(3), None)];
    let request = ResetWorkflowExecutionRequest { post_reset_operations: no_mask, ..s.new_reset("wf", 4) };
    let refused = s.client.call(request).await.expect_err("there is no mask");
    s.note(refused.code());
    s.history("wf").await;
}

async fn a_mask_that_names_nothing_known(s: &Script) {
    s.start_waiting("wf").await;
    let _ = s.call(changing(s, "wf", with_priority(2), &["nonsense"])).await;
    s.history("wf").await;
}

async fn several(s: &Script) {
    s.start_waiting("wf").await;
    let mask = |path: &str| Some(prost_types::FieldMask { paths: vec![path.to_owned()] });
    let post_reset_operations =
        vec![change(auto_upgrade(), mask("versioning_override")), change(with_priority(4), mask("priority"))];
    let _ = s.call(ResetWorkflowExecutionRequest { post_reset_operations, ..s.new_reset("wf", 4) }).await;
    s.history("wf").await;
}

/// Options that were changed after the reset point are changed again.
async fn options_that_come_again(s: &Script) {
    s.start_waiting("wf").await;
    let update = UpdateWorkflowExecutionOptionsRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_execution: s.execution("wf"),
        workflow_execution_options: Some(with_priority(5)),
        update_mask: Some(prost_types::FieldMask { paths: vec!["priority".to_owned()] }),
        identity: "client".to_owned(),
    };
    let _ = s.call(update).await;
    let _ = s.call(s.new_reset("wf", 4)).await;
    s.history("wf").await;
    s.describe("wf").await;
}

async fn bad_override(s: &Script) {
    s.start_waiting("wf").await;
    let none = WorkflowExecutionOptions { versioning_override: Some(VersioningOverride::default()), ..Default::default() };
    let _ = s.call(changing(s, "wf", none, &["versioning_override"])).await;
    let pinned = by::PinnedOverride::default();
    let pinned = VersioningOverride { r#override: Some(by::Override::Pinned(pinned)), ..Default::default() };
    let pinned = WorkflowExecutionOptions { versioning_override: Some(pinned), ..Default::default() };
    let _ = s.call(changing(s, "wf", pinned, &["versioning_override"])).await;
    let _ = s.call(changing(s, "wf", with_priority(-1), &["priority"])).await;
    s.history("wf").await;
}
