//! Options of workflows that are changed while they run (`tests/update_workflow_options_test.go` and
//! `api/updateworkflowoptions`).

use foretime_server::proto::{
    common::{Priority, TimeSkippingConfig},
    deployment::WorkerDeploymentVersion,
    enums::VersioningBehavior,
    workflow::{
        VersioningOverride, WorkflowExecutionOptions,
        versioning_override::{Override, PinnedOverride, PinnedOverrideBehavior},
    },
    workflowservice::*,
};
use foretime_tests::{commands::*, script::*};
use prost_types::FieldMask;

crate::scripts![
    priority,
    priority_by_field,
    priority_unset,
    priority_of_what_is_scheduled,
    priority_of_a_task_that_waits,
    while_a_worker_has_a_task,
    nothing_changes,
    auto_upgrade,
    auto_upgrade_and_a_task,
    pinned_to_no_version,
    pinned_to_no_version_after_all,
    pinned_to_an_unknown_version,
    pinned_in_the_old_way,
    override_unset,
    override_unset_before_the_first_task,
    override_by_field,
    override_that_is_bad,
    both_options,
    time_skipping,
    of_no_workflow,
    of_a_closed_workflow,
    bad_requests,
    bad_paths,
    override_in_a_start,
    time_skipping_in_a_start,
];

fn new_update(s: &Script, options: WorkflowExecutionOptions, paths: &[&str]) -> UpdateWorkflowExecutionOptionsRequest {
    UpdateWorkflowExecutionOptionsRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_execution: s.execution("wf"),
        workflow_execution_options: Some(options),
        update_mask: Some(FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() }),
        identity: "operator".to_owned(),
    }
}

async fn update(s: &Script, options: WorkflowExecutionOptions, paths: &[&str]) {
    let _ = s.call(new_update(s, options, paths)).await;
}

fn prioritised(priority_key: i32) -> WorkflowExecutionOptions {
    let priority = Priority { priority_key, fairness_key: "fair".to_owned(), fairness_weight: 1.5 };
    WorkflowExecutionOptions { priority: Some(priority), ..Default::default() }
}

fn overridden(by: Override) -> WorkflowExecutionOptions {
    let versioning_override = VersioningOverride { r#override: Some(by), ..Default::default() };
    WorkflowExecutionOptions { versioning_override: Some(versioning_override), ..Default::default() }
}

fn pinned(version: Option<WorkerDeploymentVersion>) -> Override {
    Override::Pinned(PinnedOverride { behavior: PinnedOverrideBehavior::Pinned.into(), version })
}

fn version() -> Option<WorkerDeploymentVersion> {
    Some(WorkerDeploymentVersion { deployment_name: "deployment".to_owned(), build_id: "build".to_owned() })
}

async fn priority(s: &Script) {
    s.start_waiting("wf").await;
    update(s, prioritised(2), &["priority"]).await;
    s.describe("wf").await;
    s.history("wf").await;
}

async fn priority_by_field(s: &Script) {
    s.start_waiting("wf").await;
    for path in ["priority.priority_key", "priority.fairness_key", "priority.fairness_weight", "priority.priorityKey"] {
        update(s, prioritised(2), &[path]).await;
    }
    update(s, WorkflowExecutionOptions::default(), &["priority.fairness_key"]).await;
    s.history("wf").await;
}

async fn priority_unset(s: &Script) {
    let priority = prioritised(4).priority;
    s.start_with(StartWorkflowExecutionRequest { priority, ..s.new_start("wf") }).await;
    update(s, WorkflowExecutionOptions::default(), &["priority"]).await;
    s.describe("wf").await;
    s.history("wf").await;
}

async fn priority_of_what_is_scheduled(s: &Script) {
    s.start_waiting("wf").await;
    update(s, prioritised(2), &["priority"]).await;
    s.signal("wf", "go").await;
    s.run_task([schedule_activity(s.activity("a"))]).await;
    s.activity_task().await;
    s.describe("wf").await;
    s.step("an activity that is pending already");
    update(s, prioritised(3), &["priority"]).await;
    s.describe("wf").await;
}

async fn priority_of_a_task_that_waits(s: &Script) {
    s.start("wf").await;
    update(s, prioritised(2), &["priority"]).await;
    s.history("wf").await;
    s.workflow_task().await;
    s.no_workflow_task().await;
    s.history("wf").await;
}

async fn while_a_worker_has_a_task(s: &Script) {
    s.start("wf").await;
    let task = s.workflow_task().await;
    update(s, prioritised(2), &["priority"]).await;
    s.describe("wf").await;
    s.history("wf").await;
    s.step("again");
    update(s, prioritised(2), &["priority"]).await;
    let _ = s.complete(&task, []).await;
    s.history("wf").await;
}

async fn nothing_changes(s: &Script) {
    s.start_waiting("wf").await;
    update(s, prioritised(2), &["priority"]).await;
    update(s, prioritised(2), &["priority"]).await;
    s.step("an empty mask");
    update(s, prioritised(3), &[]).await;
    s.history("wf").await;
}

async fn auto_upgrade(s: &Script) {
    s.start_waiting("wf").await;
    update(s, overridden(Override::AutoUpgrade(true)), &["versioning_override"]).await;
    s.describe("wf").await;
    s.step("again");
    update(s, overridden(Override::AutoUpgrade(true)), &["versioning_override"]).await;
    s.step("not so");
    update(s, overridden(Override::AutoUpgrade(false)), &["versioning_override"]).await;
    s.history("wf").await;
    s.describe("wf").await;
}

async fn auto_upgrade_and_a_task(s: &Script) {
    s.start_waiting("wf").await;
    update(s, overridden(Override::AutoUpgrade(true)), &["versioning_override"]).await;
    s.signal("wf", "go").await;
    s.await_restart_interval().await;
    s.run_task([continue_as_new(s.next_run())]).await;
    s.describe("wf").await;
    s.history("wf").await;
    let task = s.workflow_task().await;
    let _ = s.complete(&task, []).await;
    update(s, overridden(Override::AutoUpgrade(true)), &["versioning_override"]).await;
    s.signal("wf", "go").await;
    s.run_task([]).await;
    s.describe("wf").await;
}

async fn pinned_to_no_version(s: &Script) {
    s.start_waiting("wf").await;
    update(s, overridden(pinned(None)), &["versioning_override"]).await;
    s.step("no behaviour");
    let no_behaviour = Override::Pinned(PinnedOverride { behavior: 0, version: version() });
    update(s, overridden(no_behaviour), &["versioning_override"]).await;
    s.step("nothing at all");
    let nothing = Override::Pinned(PinnedOverride { behavior: 0, version: None });
    update(s, overridden(nothing), &["versioning_override"]).await;
    s.history("wf").await;
}

async fn pinned_to_an_unknown_version(s: &Script) {
    s.start_waiting("wf").await;
    update(s, overridden(pinned(version())), &["versioning_override"]).await;
    let no_build = WorkerDeploymentVersion { build_id: String::new(), ..version().unwrap_or_default() };
    update(s, overridden(pinned(Some(no_build))), &["versioning_override"]).await;
    let no_name = WorkerDeploymentVersion { deployment_name: String::new(), ..version().unwrap_or_default() };
    update(s, overridden(pinned(Some(no_name))), &["versioning_override"]).await;
    s.history("wf").await;
}

#[expect(deprecated, reason = "clients still pin so")]
async fn pinned_in_the_old_way(s: &Script) {
    s.start_waiting("wf").await;
    let old = |behavior: VersioningBehavior, pinned_version: &str| WorkflowExecutionOptions {
        versioning_override: Some(VersioningOverride {
            behavior: behavior.into(),
            pinned_version: pinned_version.to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    update(s, old(VersioningBehavior::Pinned, "deployment.build"), &["versioning_override"]).await;
    update(s, old(VersioningBehavior::Pinned, ""), &["versioning_override"]).await;
    update(s, old(VersioningBehavior::AutoUpgrade, "deployment.build"), &["versioning_override"]).await;
    update(s, old(VersioningBehavior::AutoUpgrade, ""), &["versioning_override"]).await;
    update(s, old(VersioningBehavior::Unspecified, ""), &["versioning_override"]).await;
    s.history("wf").await;
    s.describe("wf").await;
}

/// The refusal names the behaviour that it has.
async fn pinned_to_no_version_after_all(s: &Script) {
    s.start_waiting("wf").await;
    update(s, overridden(Override::AutoUpgrade(true)), &["versioning_override"]).await;
    update(s, overridden(pinned(None)), &["versioning_override"]).await;
}

async fn override_unset_before_the_first_task(s: &Script) {
    s.start("wf").await;
    update(s, overridden(Override::AutoUpgrade(true)), &["versioning_override"]).await;
    s.describe("wf").await;
    update(s, WorkflowExecutionOptions::default(), &["versioning_override"]).await;
    s.describe("wf").await;
}

async fn override_unset(s: &Script) {
    s.start_waiting("wf").await;
    update(s, WorkflowExecutionOptions::default(), &["versioning_override"]).await;
    update(s, overridden(Override::AutoUpgrade(true)), &["versioning_override"]).await;
    update(s, prioritised(2), &["priority"]).await;
    update(s, WorkflowExecutionOptions::default(), &["versioning_override"]).await;
    s.history("wf").await;
    s.describe("wf").await;
}

async fn override_by_field(s: &Script) {
    s.start_waiting("wf").await;
    let options = || overridden(Override::AutoUpgrade(true));
    update(s, options(), &["versioning_override.behavior"]).await;
    update(s, options(), &["versioning_override.deployment"]).await;
    update(s, options(), &["versioning_override.deployment", "versioning_override.behavior"]).await;
    update(s, options(), &["versioning_override.auto_upgrade"]).await;
    update(s, options(), &["versioning_override.pinned"]).await;
    update(s, options(), &["versioning_override.pinned_version"]).await;
    s.history("wf").await;
}

async fn override_that_is_bad(s: &Script) {
    s.start_waiting("wf").await;
    let empty = WorkflowExecutionOptions { versioning_override: Some(VersioningOverride::default()), ..Default::default() };
    update(s, empty, &["versioning_override"]).await;
    s.step("not in the mask");
    update(s, WorkflowExecutionOptions { priority: prioritised(2).priority, ..overridden(pinned(None)) }, &["priority"]).await;
    update(s, WorkflowExecutionOptions { priority: prioritised(2).priority, ..overridden(pinned(version())) }, &["priority"])
        .await;
    s.history("wf").await;
}

async fn both_options(s: &Script) {
    s.start_waiting("wf").await;
    let options = WorkflowExecutionOptions { priority: prioritised(2).priority, ..overridden(Override::AutoUpgrade(true)) };
    update(s, options.clone(), &["priority", "versioning_override"]).await;
    s.history("wf").await;
}

async fn time_skipping(s: &Script) {
    s.start_waiting("wf").await;
    let config = TimeSkippingConfig { enabled: true, ..Default::default() };
    let options = WorkflowExecutionOptions { time_skipping_config: Some(config), ..Default::default() };
    update(s, options.clone(), &["time_skipping_config"]).await;
    update(s, options.clone(), &["time_skipping_config.enabled"]).await;
    update(s, options, &["priority"]).await;
    update(s, WorkflowExecutionOptions::default(), &["time_skipping_config"]).await;
    let config = TimeSkippingConfig::default();
    let options = WorkflowExecutionOptions { time_skipping_config: Some(config), ..Default::default() };
    update(s, options, &["time_skipping_config"]).await;
    s.history("wf").await;
}

async fn of_no_workflow(s: &Script) {
    update(s, prioritised(2), &["priority"]).await;
    s.start("wf").await;
    for run_id in ["11111111-2222-3333-4444-555555555555", "not a run id"] {
        let request = new_update(s, prioritised(2), &["priority"]);
        let _ = s.call(UpdateWorkflowExecutionOptionsRequest { workflow_execution: s.run("wf", run_id), ..request }).await;
    }
}

async fn of_a_closed_workflow(s: &Script) {
    s.start("wf").await;
    s.terminate("wf").await;
    update(s, prioritised(2), &["priority"]).await;
    update(s, overridden(pinned(None)), &["versioning_override"]).await;
    update(s, prioritised(2), &["priority", "versioning_override.behavior"]).await;
}

async fn bad_requests(s: &Script) {
    let request = new_update(s, prioritised(2), &["priority"]);
    let _ = s.call(UpdateWorkflowExecutionOptionsRequest::default()).await;
    let _ = s.call(UpdateWorkflowExecutionOptionsRequest { workflow_execution: None, ..request.clone() }).await;
    let _ = s.call(UpdateWorkflowExecutionOptionsRequest { update_mask: None, ..request.clone() }).await;
    let _ = s.call(UpdateWorkflowExecutionOptionsRequest { workflow_execution_options: None, ..request.clone() }).await;
    let namespace = "no-such-namespace".to_owned();
    let _ = s.call(UpdateWorkflowExecutionOptionsRequest { namespace, ..request.clone() }).await;
    update(s, prioritised(-1), &["priority"]).await;
    let priority = Priority { fairness_weight: -1.0, ..Default::default() };
    update(s, WorkflowExecutionOptions { priority: Some(priority), ..Default::default() }, &["priority"]).await;
    let priority = Priority { fairness_key: "x".repeat(65), ..Default::default() };
    update(s, WorkflowExecutionOptions { priority: Some(priority), ..Default::default() }, &["priority"]).await;
}

async fn bad_paths(s: &Script) {
    s.start_waiting("wf").await;
    for path in
        ["no_such_field", "priority.no_such_field", "priority.priority_key.deeper", "", "*", "Priority", "versioningOverride"]
    {
        update(s, prioritised(2), &[path]).await;
    }
    update(s, prioritised(2), &["priority", "no_such_field"]).await;
    s.history("wf").await;
}

async fn override_in_a_start(s: &Script) {
    for (id, by) in [("wf", Override::AutoUpgrade(true)), ("pinned", pinned(version())), ("to-nothing", pinned(None))] {
        let versioning_override = overridden(by).versioning_override;
        let _ = s.call(StartWorkflowExecutionRequest { versioning_override, ..s.new_start(id) }).await;
    }
    let versioning_override = Some(VersioningOverride::default());
    let _ = s.call(StartWorkflowExecutionRequest { versioning_override, ..s.new_start("empty") }).await;
    s.history("wf").await;
    s.describe("wf").await;
}

async fn time_skipping_in_a_start(s: &Script) {
    for (id, enabled) in [("wf", true), ("other", false)] {
        let time_skipping_config = Some(TimeSkippingConfig { enabled, ..Default::default() });
        let _ = s.call(StartWorkflowExecutionRequest { time_skipping_config, ..s.new_start(id) }).await;
    }
}
