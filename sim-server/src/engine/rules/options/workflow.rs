//! Changing the options of a workflow (`api/updateworkflowoptions/api.go`).

use prost_types::FieldMask;

use super::field_mask::Fields;
use crate::{
    engine::{
        kernel::error::{Error, Result},
        rules::{names, validate},
    },
    proto::{workflow::WorkflowExecutionOptions, workflowservice::UpdateWorkflowExecutionOptionsRequest},
};

const OPTIONS: &str = "temporal.api.workflow.v1.WorkflowExecutionOptions";

/// Every path that a mask of `WorkflowExecutionOptions` may name.
const PATHS: &[&str] = &[
    "versioning_override",
    "versioning_override.behavior",
    "versioning_override.deployment",
    "versioning_override.deployment.series_name",
    "versioning_override.deployment.build_id",
    "versioning_override.pinned_version",
    "versioning_override.pinned",
    "versioning_override.pinned.behavior",
    "versioning_override.pinned.version",
    "versioning_override.pinned.version.build_id",
    "versioning_override.pinned.version.deployment_name",
    "versioning_override.auto_upgrade",
    "versioning_override.one_time",
    "versioning_override.one_time.target_deployment_version",
    "versioning_override.one_time.target_deployment_version.build_id",
    "versioning_override.one_time.target_deployment_version.deployment_name",
    "priority",
    "priority.priority_key",
    "priority.fairness_key",
    "priority.fairness_weight",
    "time_skipping_config",
    "time_skipping_config.enabled",
    "time_skipping_config.fast_forward_config",
    "time_skipping_config.disable_propagation",
    "time_skipping_config.max_session_skip_count",
];

/// Checks an UpdateWorkflowExecutionOptions, but for its namespace.
///
/// # Errors
/// `InvalidArgument`; `Unimplemented` for time skipping by the workflow, which is switched off on the real server.
pub(crate) fn check(request: &UpdateWorkflowExecutionOptionsRequest) -> Result<()> {
    if request.workflow_execution.as_ref().is_none_or(|execution| execution.workflow_id.is_empty()) {
        return Err(Error::invalid("WorkflowId is not set on request."));
    }
    let Some(mask) = &request.update_mask else { return Err(Error::invalid("UpdateMask is required")) };
    let Some(options) = &request.workflow_execution_options else {
        return Err(Error::invalid("WorkflowExecutionOptions is required"));
    };
    if let Some(text) = unknown_path(mask) {
        return Err(Error::invalid(format!("error parsing UpdateMask: {text}")));
    }
    validate::priority(options.priority.as_ref())?;
    validate::start::no_time_skipping(options.time_skipping_config.is_some())
}

/// What Go's protobuf library says of a mask that names no field of the options; `None` if it names fields only.
pub(crate) fn unknown_path(mask: &FieldMask) -> Option<String> {
    let path = names::quoted(mask.paths.iter().find(|path| !PATHS.contains(&path.as_str()))?);
    // A no-break space stands there: Go's protobuf library wants nobody to depend on its texts.
    Some(format!("proto:\u{a0}invalid path {path} for message \"{OPTIONS}\""))
}

/// The options with those of `from` that the mask names.
///
/// # Errors
/// The mask names a part of what is changed as a whole only.
pub(crate) fn merged(
    mut into: WorkflowExecutionOptions,
    from: &WorkflowExecutionOptions,
    mask: &FieldMask,
) -> Result<WorkflowExecutionOptions> {
    let fields = Fields::new(mask);
    let refuse = |text: &str| Err(Error::invalid(format!("error applying update_options: {text}")));
    let old = ["versioningOverride.deployment", "versioningOverride.behavior"].map(|path| fields.has(path));
    if old[0] != old[1] {
        return refuse("versioning_override fields must be updated together");
    }
    if fields.has("versioningOverride") || old[0] {
        into.versioning_override.clone_from(&from.versioning_override);
    }
    if fields.below("versioningOverride").any(|below| below != "deployment" && below != "behavior") {
        return refuse("versioning_override doesn't support partial updates");
    }
    if fields.has("priority") {
        into.priority.clone_from(&from.priority);
    }
    let asked = from.priority.clone().unwrap_or_default();
    if fields.has("priority.priorityKey") {
        into.priority.get_or_insert_default().priority_key = asked.priority_key;
    }
    if fields.has("priority.fairnessKey") {
        into.priority.get_or_insert_default().fairness_key = asked.fairness_key;
    }
    if fields.has("priority.fairnessWeight") {
        into.priority.get_or_insert_default().fairness_weight = asked.fairness_weight;
    }
    if fields.has_below("timeSkippingConfig") {
        return refuse("time_skipping_config doesn't support partial update");
    }
    Ok(into)
}
