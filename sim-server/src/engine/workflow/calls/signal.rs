//! What clients do to a running workflow: signal, cancel, terminate (`api/signalworkflow`, `api/requestcancelworkflow`,
//! `api/terminateworkflow`), and what workers' owners do to its stickiness.

use prost::Message;

use crate::{
    engine::{
        Engine,
        kernel::{
            error::{Error, Result},
            key::RunKey,
        },
        rules::{updates, validate},
        workflow::{
            growth::Growth,
            signal::{CancelRequest, Signal},
        },
    },
    proto::{
        enums::EventType,
        workflowservice::{
            RequestCancelWorkflowExecutionRequest, RequestCancelWorkflowExecutionResponse, ResetStickyTaskQueueRequest,
            ResetStickyTaskQueueResponse, SignalWorkflowExecutionRequest, SignalWorkflowExecutionResponse,
            TerminateWorkflowExecutionRequest, TerminateWorkflowExecutionResponse,
        },
    },
};

impl Engine {
    /// SignalWorkflowExecution. A signal that has come already is answered as it was then, also when the workflow is closed.
    pub(in crate::engine) fn signal_workflow_execution(
        &mut self,
        mut request: SignalWorkflowExecutionRequest,
    ) -> Result<SignalWorkflowExecutionResponse> {
        let target = self.target(&request.namespace, request.workflow_execution.as_ref())?;
        validate::execution::signal(&mut request, &self.limits)?;
        let key = self.find(&target)?;
        let link = self.link_by_request(key, &request.request_id, EventType::WorkflowExecutionSignaled);
        if self.runs.get(key).has_signal(&request.request_id) {
            return Ok(SignalWorkflowExecutionResponse { link: Some(link) });
        }
        self.check_running(key)?;
        self.check_signal(key)?;
        let signal = Signal {
            name: request.signal_name,
            input: request.input,
            identity: request.identity,
            header: request.header,
            request_id: request.request_id,
            links: request.links,
            external_workflow_execution: None,
        };
        self.check_growth(key, self.growth_by_signal(key, &signal))?;
        self.transact(key, |run, cx| run.signal(cx, signal));
        Ok(SignalWorkflowExecutionResponse { link: Some(link) })
    }

    /// A signal that is buffered is kept with its input.
    fn growth_by_signal(&self, key: RunKey, signal: &Signal) -> Growth {
        let is_buffered = self.runs.get(key).started_task().is_some();
        let input_bytes = if is_buffered { signal.input.as_ref().map_or(0, Message::encoded_len) } else { 0 };
        Growth { state_bytes: signal.request_id.len() + input_bytes, ..self.runs.get(key).waking() }
    }

    /// RequestCancelWorkflowExecution. A closed workflow is left as it is, and that is no error.
    pub(in crate::engine) fn request_cancel_workflow_execution(
        &mut self,
        mut request: RequestCancelWorkflowExecutionRequest,
    ) -> Result<RequestCancelWorkflowExecutionResponse> {
        let target = self.target(&request.namespace, request.workflow_execution.as_ref())?;
        validate::execution::request_cancel(&mut request, &self.limits)?;
        let key = self.find_in_chain(&target, &request.first_execution_run_id)?;
        if !self.runs.get(key).is_running() {
            return Ok(RequestCancelWorkflowExecutionResponse::default());
        }
        self.check_chain(key, &request.first_execution_run_id)?;
        self.check_growth(key, self.runs.get(key).waking())?;
        let cancel = CancelRequest {
            reason: request.reason,
            identity: request.identity,
            request_id: request.request_id,
            links: request.links,
            external_initiated_event_id: 0,
            external_workflow_execution: None,
        };
        self.transact(key, |run, cx| run.request_cancel(cx, cancel));
        Ok(RequestCancelWorkflowExecutionResponse::default())
    }

    /// TerminateWorkflowExecution.
    pub(in crate::engine) fn terminate_workflow_execution(
        &mut self,
        mut request: TerminateWorkflowExecutionRequest,
    ) -> Result<TerminateWorkflowExecutionResponse> {
        let target = self.target(&request.namespace, request.workflow_execution.as_ref())?;
        validate::execution::terminate(&mut request, &self.limits)?;
        let key = self.find_in_chain(&target, &request.first_execution_run_id)?;
        self.check_running(key)?;
        self.check_chain(key, &request.first_execution_run_id)?;
        let TerminateWorkflowExecutionRequest { reason, details, identity, links, .. } = request;
        self.transact(key, |run, cx| run.terminate(cx, &reason, details, &identity, links));
        Ok(TerminateWorkflowExecutionResponse::default())
    }

    /// ResetStickyTaskQueue.
    pub(in crate::engine) fn reset_sticky_task_queue(
        &mut self,
        request: ResetStickyTaskQueueRequest,
    ) -> Result<ResetStickyTaskQueueResponse> {
        let target = self.target(&request.namespace, request.execution.as_ref())?;
        let key = self.find(&target)?;
        self.check_running(key)?;
        self.transact(key, |run, _| run.clear_sticky());
        Ok(ResetStickyTaskQueueResponse::default())
    }

    /// Refuses a signal too many, and one that comes while the workflow most likely closes (`ValidateSignal`).
    pub(super) fn check_signal(&self, key: RunKey) -> Result<()> {
        if self.has_all_signals(key) {
            return Err(Error::InvalidArgument("exceeded workflow execution limit for signal events".to_owned()));
        }
        if self.runs.get(key).is_closing() { Err(updates::try_the_next_run()) } else { Ok(()) }
    }

    /// Whether the run has had as many signals as it may have. A limit of 0 is none.
    pub(in crate::engine) fn has_all_signals(&self, key: RunKey) -> bool {
        let limit = self.limits.signals_max;
        limit > 0 && self.runs.get(key).signal_count() >= limit
    }
}
