//! Versioning overrides: somebody says which version of its worker a workflow is for, whatever that says
//! (`common/worker_versioning/worker_versioning.go`).
//!
//! This server has no deployments. What it says of one is what the real server says where none is there.

use crate::{
    engine::{
        kernel::error::{Error, Result},
        rules::names,
    },
    proto::{
        deployment::WorkerDeploymentVersion,
        enums::VersioningBehavior,
        workflow::{
            VersioningOverride,
            versioning_override::{Override, PinnedOverrideBehavior},
        },
    },
};

/// Checks an override, and spells it in the new way.
///
/// # Errors
/// `InvalidArgument`; `FailedPrecondition` for a version that no worker of `task_queue` has; `Unimplemented` for one of a
/// deployment that is named in the oldest way, whose workers the real server does not look for.
pub(crate) fn checked(asked: &VersioningOverride, task_queue: &str) -> Result<VersioningOverride> {
    match &asked.r#override {
        Some(Override::AutoUpgrade(true)) => return Ok(auto_upgrade()),
        Some(Override::AutoUpgrade(false)) => return Err(Error::invalid("auto-upgrade override must be true")),
        Some(Override::Pinned(pinned)) => {
            let Some(version) = &pinned.version else {
                return Err(Error::invalid("must provide version if override is pinned."));
            };
            if pinned.behavior == PinnedOverrideBehavior::Unspecified as i32 {
                return Err(Error::invalid("must specify pinned override behavior if override is pinned."));
            }
            return Err(not_there(version, task_queue));
        }
        Some(Override::OneTime(once)) => {
            let missing = || Error::invalid("must provide target deployment version if override is one-time.");
            return Err(not_there(once.target_deployment_version.as_ref().ok_or_else(missing)?, task_queue));
        }
        None => {}
    }
    match VersioningBehavior::try_from(asked.behavior) {
        Ok(VersioningBehavior::Pinned) if asked.deployment.is_some() => {
            Err(Error::Unimplemented("Versioning overrides by Deployment are not supported by this server.".to_owned()))
        }
        Ok(VersioningBehavior::Pinned) if asked.pinned_version.is_empty() => {
            Err(Error::invalid("must provide deployment (deprecated) or pinned version if behavior is 'PINNED'"))
        }
        Ok(VersioningBehavior::Pinned) => Err(not_there(&version_of(&asked.pinned_version)?, task_queue)),
        Ok(VersioningBehavior::AutoUpgrade) if asked.deployment.is_some() => {
            Err(Error::invalid("only provide deployment if behavior is 'PINNED'"))
        }
        Ok(VersioningBehavior::AutoUpgrade) if !asked.pinned_version.is_empty() => {
            Err(Error::invalid("only provide pinned version if behavior is 'PINNED'"))
        }
        Ok(VersioningBehavior::AutoUpgrade) => Ok(auto_upgrade()),
        Ok(VersioningBehavior::Unspecified) => Err(Error::invalid("override behavior is required")),
        Err(_) => Err(Error::invalid(format!("override behavior {} not recognized", asked.behavior))),
    }
}

/// Whether it pins a workflow to the version that it has already. Here none has one.
pub(crate) fn names_no_version(asked: &VersioningOverride) -> bool {
    let Some(Override::Pinned(pinned)) = &asked.r#override else { return false };
    pinned.version.is_none() && pinned.behavior != PinnedOverrideBehavior::Unspecified as i32
}

/// Why such an override is refused. `by`: the override that there is.
pub(crate) fn no_version_yet(workflow_id: &str, by: Option<&VersioningOverride>) -> Error {
    let behavior = by.map_or("Unspecified", behavior_name);
    Error::FailedPrecondition(format!(
        "must specify a specific pinned override version because workflow with id {workflow_id} has behavior {behavior} and is \
         not yet pinned to any version"
    ))
}

/// How a search attribute calls what it imposes.
pub(crate) fn behavior_name(by: &VersioningOverride) -> &'static str {
    match by.r#override {
        Some(Override::AutoUpgrade(_)) => "AutoUpgrade",
        Some(Override::Pinned(_)) => "Pinned",
        Some(Override::OneTime(_)) | None => "",
    }
}

fn auto_upgrade() -> VersioningOverride {
    VersioningOverride { r#override: Some(Override::AutoUpgrade(true)), ..VersioningOverride::default() }
}

/// "deployment.build", or "deployment:build".
fn version_of(text: &str) -> Result<WorkerDeploymentVersion> {
    match text.split_once(['.', ':']) {
        Some((name, build_id)) if !name.is_empty() && !build_id.is_empty() => {
            Ok(WorkerDeploymentVersion { deployment_name: name.to_owned(), build_id: build_id.to_owned() })
        }
        _ => {
            let expected = "expected format is \"<deployment_name>.<build_id>\"";
            Err(Error::invalid(format!("invalid version string {}, {expected}", names::quoted(text))))
        }
    }
}

fn not_there(version: &WorkerDeploymentVersion, task_queue: &str) -> Error {
    let WorkerDeploymentVersion { deployment_name, build_id } = version;
    Error::FailedPrecondition(format!(
        "Pinned version '{deployment_name}:{build_id}' is not present in task queue '{task_queue}' of type 'Workflow'"
    ))
}
