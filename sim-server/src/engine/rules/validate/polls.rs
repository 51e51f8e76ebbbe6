//! Polls for tasks (`service/frontend/workflow_handler.go`, `common/worker_versioning/worker_versioning.go`).

use super::task_queue;
use crate::{
    engine::{
        kernel::error::{Error, Result},
        rules::limits::Limits,
    },
    proto::{
        enums::{TaskQueueKind, WorkerVersioningMode},
        taskqueue::TaskQueue,
        temporal::api::deployment::v1::WorkerDeploymentOptions,
        workflowservice::{PollActivityTaskQueueRequest, PollWorkflowTaskQueueRequest},
    },
};

/// Bytes that the real server keeps free in an id for "temporal-sys-worker-deployment-version:".
const DEPLOYMENT_ID_RESERVE: usize = 39;

/// PollWorkflowTaskQueue. A task queue of unspecified kind counts as NORMAL.
pub fn poll_workflow_task(request: &PollWorkflowTaskQueueRequest, limits: &Limits) -> Result<()> {
    identity(&request.identity, limits)?;
    let stamp = request.worker_version_capabilities.as_ref().map(|worker| (worker.build_id.as_str(), worker.use_versioning));
    versioning(stamp, request.deployment_options.as_ref(), request.task_queue.as_ref(), limits)?;
    task_queue(request.task_queue.clone().as_mut(), "", limits)
}

/// PollActivityTaskQueue. A task queue of unspecified kind counts as NORMAL.
pub fn poll_activity_task(request: &PollActivityTaskQueueRequest, limits: &Limits) -> Result<()> {
    task_queue(request.task_queue.clone().as_mut(), "", limits)?;
    identity(&request.identity, limits)?;
    let stamp = request.worker_version_capabilities.as_ref().map(|worker| (worker.build_id.as_str(), worker.use_versioning));
    versioning(stamp, request.deployment_options.as_ref(), request.task_queue.as_ref(), limits)
}

/// Checks the identity that a worker or client gives.
pub(crate) fn identity(identity: &str, limits: &Limits) -> Result<()> {
    if identity.len() > limits.id_length_max {
        return Err(Error::invalid("Identity length exceeds limit."));
    }
    Ok(())
}

/// Checks the version that a worker gives. `stamp` is a build id, and whether to use it.
pub(crate) fn versioning(
    stamp: Option<(&str, bool)>,
    deployment: Option<&WorkerDeploymentOptions>,
    queue: Option<&TaskQueue>,
    limits: &Limits,
) -> Result<()> {
    let (build_id, is_versioned) = stamp.unwrap_or_default();
    let is_nameless_sticky =
        queue.is_some_and(|queue| queue.kind == TaskQueueKind::Sticky as i32 && queue.normal_name.is_empty());
    if is_nameless_sticky && (is_versioned || deployment.is_some()) {
        return Err(Error::invalid(
            "NormalName must be set on sticky queue when UseVersioning is true or DeploymentOptions are set.",
        ));
    }
    if is_versioned && build_id.is_empty() {
        return Err(Error::invalid("WorkerVersionStamp must be present if UseVersioning is true."));
    }
    if build_id.len() > limits.build_id_length_max {
        return Err(Error::invalid("Build ID exceeds configured limit.workerBuildIdSize, use a shorter build ID."));
    }
    let versioned =
        |options: &&WorkerDeploymentOptions| options.worker_versioning_mode == WorkerVersioningMode::Versioned as i32;
    deployment.filter(versioned).map_or(Ok(()), |options| deployment_version(options, limits))
}

fn deployment_version(options: &WorkerDeploymentOptions, limits: &Limits) -> Result<()> {
    if options.deployment_name.is_empty() || options.build_id.is_empty() {
        return Err(Error::invalid("Deployment name and build id must be set together."));
    }
    let longest = limits.id_length_max.saturating_sub(DEPLOYMENT_ID_RESERVE) / 2;
    for (field, value, forbidden) in
        [("WorkerDeploymentName", &options.deployment_name, ".:"), ("BuildID", &options.build_id, "")]
    {
        if value.len() > longest {
            return Err(Error::invalid(format!("size of {field} larger than the maximum allowed")));
        }
        if let Some(letter) = forbidden.chars().find(|&letter| value.contains(letter)) {
            return Err(Error::invalid(format!("worker deployment name cannot contain '{letter}'")));
        }
        if value.starts_with("__") {
            return Err(Error::invalid(format!("{field} cannot start with '__'")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::common::WorkerVersionCapabilities;

    fn refused(text: &str) -> Result<()> {
        if text.is_empty() { Ok(()) } else { Err(Error::invalid(text)) }
    }

    fn versioned(deployment_name: &str, build_id: &str) -> Option<WorkerDeploymentOptions> {
        Some(WorkerDeploymentOptions {
            deployment_name: deployment_name.to_owned(),
            build_id: build_id.to_owned(),
            worker_versioning_mode: WorkerVersioningMode::Versioned as i32,
        })
    }

    #[test]
    fn bad_polls_are_refused() {
        type Change = fn(&mut PollWorkflowTaskQueueRequest);
        let cases: &[(Change, &str)] = &[
            (|_| (), ""),
            (|r| r.task_queue = None, "taskQueue is not set"),
            (|r| r.task_queue = Some(TaskQueue::default()), "missing task queue name"),
            (|r| r.identity = "i".repeat(1001), "Identity length exceeds limit."),
            (|r| r.deployment_options = versioned("", "b"), "Deployment name and build id must be set together."),
            (|r| r.deployment_options = versioned("a.b", "b"), "worker deployment name cannot contain '.'"),
            (|r| r.deployment_options = versioned("d", "__b"), "BuildID cannot start with '__'"),
            (
                |r| r.deployment_options = versioned(&"d".repeat(481), "b"),
                "size of WorkerDeploymentName larger than the maximum allowed",
            ),
            (|r| r.deployment_options = versioned("d", "b"), ""),
            (
                |r| {
                    r.deployment_options = versioned("d", "b");
                    r.task_queue = Some(TaskQueue { name: "s".to_owned(), kind: 2, normal_name: String::new() });
                },
                "NormalName must be set on sticky queue when UseVersioning is true or DeploymentOptions are set.",
            ),
            (
                |r| {
                    let capabilities = WorkerVersionCapabilities { use_versioning: true, ..Default::default() };
                    r.worker_version_capabilities = Some(capabilities);
                },
                "WorkerVersionStamp must be present if UseVersioning is true.",
            ),
            (
                |r| {
                    let capabilities = WorkerVersionCapabilities { build_id: "b".repeat(256), ..Default::default() };
                    r.worker_version_capabilities = Some(capabilities);
                },
                "Build ID exceeds configured limit.workerBuildIdSize, use a shorter build ID.",
            ),
        ];
        for (change, expected) in cases {
            let mut request = PollWorkflowTaskQueueRequest {
                task_queue: Some(TaskQueue { name: "q".to_owned(), ..TaskQueue::default() }),
                ..PollWorkflowTaskQueueRequest::default()
            };
            change(&mut request);
            assert_eq!(poll_workflow_task(&request, &Limits::default()), refused(expected));
            let request = PollActivityTaskQueueRequest {
                task_queue: request.task_queue,
                identity: request.identity,
                worker_version_capabilities: request.worker_version_capabilities,
                deployment_options: request.deployment_options,
                ..PollActivityTaskQueueRequest::default()
            };
            assert_eq!(poll_activity_task(&request, &Limits::default()), refused(expected));
        }
    }
}
