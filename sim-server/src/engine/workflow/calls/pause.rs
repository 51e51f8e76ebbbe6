//! PauseWorkflowExecution and UnpauseWorkflowExecution (`api/pauseworkflow`, `api/unpauseworkflow`), if
//! `frontend.WorkflowPauseEnabled` switches them on.

use crate::{
    engine::{
        Engine,
        kernel::{
            error::{Error, Result},
            key::RunKey,
        },
        workflow::pause::ByWhom,
    },
    proto::{
        common::WorkflowExecution,
        workflowservice::{
            PauseWorkflowExecutionRequest, PauseWorkflowExecutionResponse, UnpauseWorkflowExecutionRequest,
            UnpauseWorkflowExecutionResponse,
        },
    },
};

/// How the real server calls that a workflow has not begun: a paused one has another state.
const NOT_BEGUN: &str = "c27988bd";

impl Engine {
    /// PauseWorkflowExecution.
    pub(in crate::engine) fn pause_workflow_execution(
        &mut self,
        request: PauseWorkflowExecutionRequest,
    ) -> Result<PauseWorkflowExecutionResponse> {
        let namespace = self.resolve(&request.namespace)?;
        if !self.switches.workflow_pause {
            let text = format!("workflow pause is not enabled for namespace: {}", request.namespace);
            return Err(Error::Unimplemented(text));
        }
        let by = ByWhom { identity: request.identity, reason: request.reason, request_id: request.request_id };
        self.check_by_whom(&by)?;
        let execution = WorkflowExecution { workflow_id: request.workflow_id, run_id: request.run_id };
        let key = self.load(namespace, &execution)?;
        self.pause_run(key, by)?;
        Ok(PauseWorkflowExecutionResponse {})
    }

    /// UnpauseWorkflowExecution.
    pub(in crate::engine) fn unpause_workflow_execution(
        &mut self,
        request: UnpauseWorkflowExecutionRequest,
    ) -> Result<UnpauseWorkflowExecutionResponse> {
        let namespace = self.resolve(&request.namespace)?;
        let by = ByWhom { identity: request.identity, reason: request.reason, request_id: request.request_id };
        self.check_by_whom(&by)?;
        let execution = WorkflowExecution { workflow_id: request.workflow_id, run_id: request.run_id };
        let key = self.load(namespace, &execution)?;
        self.unpause_run(key, by)?;
        Ok(UnpauseWorkflowExecutionResponse {})
    }

    /// Pauses a run, unless this very request has done so.
    ///
    /// # Errors
    /// The run is closed, has not begun, or is paused.
    pub(in crate::engine) fn pause_run(&mut self, key: RunKey, by: ByWhom) -> Result<()> {
        self.check_running(key)?;
        let run = self.runs.get(key);
        if run.is_paused() {
            let is_same = run.pause().is_some_and(|pause| !by.request_id.is_empty() && pause.request_id == by.request_id);
            let refused = || Error::FailedPrecondition("workflow is already paused.".to_owned());
            return if is_same { Ok(()) } else { Err(refused()) };
        }
        if run.waits_to_begin() {
            return Err(Error::Internal(NOT_BEGUN.to_owned()));
        }
        self.transact(key, |run, cx| run.begin_pause(cx, by));
        Ok(())
    }

    /// Unpauses a run.
    ///
    /// # Errors
    /// The run is closed, or not paused.
    pub(in crate::engine) fn unpause_run(&mut self, key: RunKey, by: ByWhom) -> Result<()> {
        self.check_running(key)?;
        if !self.runs.get(key).is_paused() {
            return Err(Error::FailedPrecondition("workflow is not paused.".to_owned()));
        }
        self.transact(key, |run, cx| run.end_pause(cx, by));
        Ok(())
    }

    fn check_by_whom(&self, by: &ByWhom) -> Result<()> {
        for (text, name) in [(&by.reason, "reason"), (&by.request_id, "request id"), (&by.identity, "identity")] {
            if text.len() > self.limits.id_length_max {
                return Err(Error::invalid(format!("{name} is too long.")));
            }
        }
        Ok(())
    }
}
