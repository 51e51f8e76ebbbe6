//! DeleteWorkflowExecution (`api/deleteworkflow`), and what else deletes runs.

use crate::{
    engine::{
        Engine,
        kernel::{
            effects::SERVER_IDENTITY,
            error::Result,
            key::{Key, RunKey},
        },
    },
    proto::workflowservice::{DeleteWorkflowExecutionRequest, DeleteWorkflowExecutionResponse},
};

/// Why a run is terminated that is to be deleted.
const REASON: &str = "Delete workflow execution";

impl Engine {
    /// DeleteWorkflowExecution. An open run is terminated first, and deleted when all have heard of that who are to. The real server
    /// does it later, in its own time.
    pub(in crate::engine) fn delete_workflow_execution(
        &mut self,
        request: DeleteWorkflowExecutionRequest,
    ) -> Result<DeleteWorkflowExecutionResponse> {
        let target = self.target(&request.namespace, request.workflow_execution.as_ref())?;
        let key = self.find(&target)?;
        self.delete_any_run(key);
        Ok(DeleteWorkflowExecutionResponse::default())
    }

    /// Deletes a run. One that is open is terminated first.
    pub(in crate::engine) fn delete_any_run(&mut self, key: RunKey) {
        if self.runs.get(key).is_running() {
            self.transact(key, |run, cx| {
                run.delete_when_closed();
                run.terminate(cx, REASON, None, SERVER_IDENTITY, Vec::new());
            });
        } else {
            self.delete_run(key);
        }
    }

    /// The wall moved on: closed runs have been kept for long enough.
    pub(in crate::engine) fn delete_expired(&mut self) {
        while let Some(key) = self.retention.next_expired(self.wall()) {
            self.delete_run(key);
        }
        while let Some(key) = self.schedule_retention.next_expired(self.wall()) {
            self.remove_row(Key::Schedule(key));
            self.schedule_retention.remove(&mut self.schedules, key);
        }
    }

    /// Deletes a closed run. Who still waits for something of it hears what there is to hear.
    pub(in crate::engine) fn delete_run(&mut self, key: RunKey) {
        self.forget_replay(key);
        self.fail_queries_of(key);
        self.end_history_waits(key);
        self.fail_update_waits(key);
        self.skipping.runaway.forget(key);
        self.remove_row(Key::Run(key));
        let run = self.retention.remove(&mut self.runs, key);
        if let (Some(deleted), Some(run)) = (&mut self.deleted, run) {
            deleted.insert(key, run);
        }
    }
}
