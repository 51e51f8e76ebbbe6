//! What a raw worker without versioning says of its version.
#![allow(deprecated, reason = "workers still send the deprecated fields")]

use foretime_server::proto::{
    command::Command,
    common::{WorkerVersionCapabilities, WorkerVersionStamp},
    enums::{WorkerVersioningMode, WorkflowTaskFailedCause},
    temporal::api::deployment::v1::WorkerDeploymentOptions,
    workflowservice::*,
};

use crate::{
    script::{NAMESPACE, Script, task_queue},
    updates::done,
    worker::{ActivityTask, WorkflowTask, failure},
};

impl Script {
    /// The next workflow task, which must come, as a worker of this build takes it; not written down.
    pub async fn await_task_of_build(&self, build_id: &str) -> WorkflowTask {
        let poll = self.new_workflow_poll(task_queue(self.queue()));
        let worker_version_capabilities = capabilities(build_id);
        self.await_polled(PollWorkflowTaskQueueRequest { worker_version_capabilities, ..poll }).await
    }

    /// What this poll gets, which must be a task; not written down.
    pub async fn await_polled(&self, poll: PollWorkflowTaskQueueRequest) -> WorkflowTask {
        let task = self.client.call(poll).await.expect("the poll is answered");
        assert!(!task.task_token.is_empty(), "no workflow task came");
        task
    }

    /// The next activity task, which must come, as a worker of this build takes it; not written down.
    pub async fn await_activity_of_build(&self, build_id: &str) -> ActivityTask {
        let worker_version_capabilities = capabilities(build_id);
        let poll = PollActivityTaskQueueRequest { worker_version_capabilities, ..self.new_activity_poll() };
        let task = self.client.call(poll).await.expect("the poll is answered");
        assert!(!task.task_token.is_empty(), "no activity task came");
        task
    }

    /// A completion by a worker of this build, to be filled in.
    pub fn new_completion_of_build(
        &self,
        task: &WorkflowTask,
        build_id: &str,
        commands: impl IntoIterator<Item = Command>,
    ) -> RespondWorkflowTaskCompletedRequest {
        let worker_version_stamp = stamp(build_id);
        RespondWorkflowTaskCompletedRequest { worker_version_stamp, ..self.new_completion(task, commands) }
    }

    /// Does an update, as a worker of this build.
    pub async fn report_of_build(&self, task: &WorkflowTask, update_id: &str, build_id: &str) {
        let (report, worker_version_stamp) = (self.new_report(task, done(task, update_id)), stamp(build_id));
        let _ = self.complete_with(RespondWorkflowTaskCompletedRequest { worker_version_stamp, ..report }).await;
    }

    /// Completes an activity, as a worker of this build.
    pub async fn complete_activity_of_build(&self, task: &ActivityTask, build_id: &str) {
        let request = RespondActivityTaskCompletedRequest {
            namespace: NAMESPACE.to_owned(),
            task_token: task.task_token.clone(),
            identity: "worker".to_owned(),
            worker_version: stamp(build_id),
            deployment_options: unversioned("deployment", build_id),
            ..Default::default()
        };
        let _ = self.call(request).await;
    }

    /// Fails a workflow task, as a worker of this build.
    pub async fn fail_task_of_build(&self, task: &WorkflowTask, build_id: &str) {
        let request = RespondWorkflowTaskFailedRequest {
            namespace: NAMESPACE.to_owned(),
            task_token: task.task_token.clone(),
            cause: WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure.into(),
            failure: Some(failure("the worker failed")),
            identity: "worker".to_owned(),
            binary_checksum: "the failed binary".to_owned(),
            worker_version: stamp(build_id),
            deployment_options: unversioned("failed deployment", build_id),
            ..Default::default()
        };
        let _ = self.call(request).await;
    }
}

/// A build, as a worker reports it.
pub fn stamp(build_id: &str) -> Option<WorkerVersionStamp> {
    Some(WorkerVersionStamp { build_id: build_id.to_owned(), use_versioning: false })
}

/// A build, as a worker polls.
pub fn capabilities(build_id: &str) -> Option<WorkerVersionCapabilities> {
    Some(WorkerVersionCapabilities { build_id: build_id.to_owned(), ..Default::default() })
}

/// The deployment of a worker that is not versioned.
pub fn unversioned(deployment_name: &str, build_id: &str) -> Option<WorkerDeploymentOptions> {
    Some(WorkerDeploymentOptions {
        deployment_name: deployment_name.to_owned(),
        build_id: build_id.to_owned(),
        worker_versioning_mode: WorkerVersioningMode::Unversioned.into(),
    })
}
