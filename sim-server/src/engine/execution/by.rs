//! Who does something to an execution.

use crate::{
    engine::{
        kernel::{effects::SERVER_IDENTITY, key::WorkerId},
        rules::versions,
    },
    proto::{common::WorkerVersionStamp, workflowservice::RespondWorkflowTaskCompletedRequest},
};

/// Who takes a task or reports on one, as the events tell of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct By<'a> {
    /// The worker, as its polls have shown it.
    pub(crate) worker: Option<WorkerId>,
    pub(crate) identity: &'a str,
    /// The build of a worker that says one.
    pub(crate) version: Option<&'a WorkerVersionStamp>,
    pub(crate) binary_checksum: &'a str,
}

impl<'a> By<'a> {
    /// The server itself.
    pub(crate) const SERVER: Self = Self { worker: None, identity: SERVER_IDENTITY, version: None, binary_checksum: "" };

    /// Somebody of whom the events tell no more.
    pub(crate) fn identity(identity: &'a str) -> Self {
        Self { identity, ..Self::default() }
    }

    /// The worker that completes a workflow task.
    pub(crate) fn completing(request: &'a RespondWorkflowTaskCompletedRequest) -> Self {
        let version = versions::of_report(request.worker_version_stamp.as_ref());
        Self { worker: None, identity: &request.identity, version, binary_checksum: &request.binary_checksum }
    }
}
