//! What the dynamic configuration switches off or on (`common/dynamicconfig/constants.go`).

use crate::engine::kernel::error::{Error, Result};

/// What is switched on. `default()` has the values of OSS 1.32, but for `shutdowns_end_polls`: a worker that stops is to take no
/// task along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Switches {
    /// An activity may come with the answer to the workflow task that scheduled it (`system.enableActivityEagerExecution`).
    pub(crate) eager_activities: bool,
    /// The first workflow task may come with the answer to the start (`system.enableEagerWorkflowStart`).
    pub(crate) eager_starts: bool,
    /// Workflows can be updated (`frontend.enableUpdateWorkflowExecution`).
    pub(crate) updates: bool,
    /// A client may wait for no more than an update's acceptance (`frontend.enableUpdateWorkflowExecutionAsyncAccepted`).
    pub(crate) accepted_updates: bool,
    /// There are batch operations (`frontend.enableBatcher`).
    pub(crate) batches: bool,
    /// Histories are read as the bytes of their batches (`frontend.sendRawWorkflowHistory`).
    pub(crate) raw_history: bool,
    /// Workflows can be paused (`frontend.WorkflowPauseEnabled`).
    pub(crate) workflow_pause: bool,
    /// The completion of a workflow task may come in pages (`history.enableWorkflowTaskCompletionPagination`).
    pub(crate) completion_pages: bool,
    /// It is told how much of a workflow's payloads is stored elsewhere (`history.externalPayloadsEnabled`).
    pub(crate) external_payloads: bool,
    /// Workers tell of themselves (`frontend.WorkerHeartbeatsEnabled`).
    pub(crate) worker_heartbeats: bool,
    /// ShutdownWorker ends the worker's polls (`frontend.enableCancelWorkerPollsOnShutdown`).
    pub(crate) shutdowns_end_polls: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            eager_activities: true,
            eager_starts: true,
            updates: true,
            accepted_updates: true,
            batches: true,
            raw_history: false,
            workflow_pause: false,
            completion_pages: false,
            external_payloads: true,
            worker_heartbeats: true,
            shutdowns_end_polls: true,
        }
    }
}

impl Switches {
    /// # Errors
    /// `PermissionDenied` if workflows cannot be updated.
    pub(crate) fn check_updates(&self) -> Result<()> {
        if self.updates {
            return Ok(());
        }
        Err(Error::PermissionDenied("UpdateWorkflowExecution operation is disabled on this namespace.".to_owned()))
    }

    /// # Errors
    /// `PermissionDenied` if there are no batch operations.
    pub(crate) fn check_batches(&self) -> Result<()> {
        if self.batches {
            return Ok(());
        }
        Err(Error::PermissionDenied("Batch operation feature are disabled on this namespace.".to_owned()))
    }
}
