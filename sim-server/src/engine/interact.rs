//! What clients do to a running workflow: signal, cancel, terminate (`api/signalworkflow`, `api/requestcancelworkflow`,
//! `api/terminateworkflow`), and what workers' owners do to its stickiness.

use super::{
    Engine,
    error::{Error, Result},
    matching::QueueKind,
    runs::RunKey,
    validate,
    workflow::signal::{CancelRequest, Signal},
};
use crate::proto::{
    common::WorkflowExecution,
    workflowservice::{
        RequestCancelWorkflowExecutionRequest, RequestCancelWorkflowExecutionResponse, ResetStickyTaskQueueRequest,
        ResetStickyTaskQueueResponse, ShutdownWorkerRequest, ShutdownWorkerResponse, SignalWorkflowExecutionRequest,
        SignalWorkflowExecutionResponse, TerminateWorkflowExecutionRequest, TerminateWorkflowExecutionResponse,
    },
};

/// The text for a workflow that is closed already.
pub(super) const COMPLETED: &str = "workflow execution already completed";

impl Engine {
    /// SignalWorkflowExecution.
    pub fn signal_workflow_execution(
        &mut self,
        mut request: SignalWorkflowExecutionRequest,
    ) -> Result<SignalWorkflowExecutionResponse> {
        let key = self.target(&request.namespace, request.workflow_execution.as_ref())?;
        validate::execution::signal(&mut request, &self.limits)?;
        let key = key?;
        self.check_running(key)?;
        if !self.runs.get(key).signal_request_ids.contains(&request.request_id) {
            self.check_signal_limit(key)?;
        }
        let signal = Signal {
            name: request.signal_name,
            input: request.input,
            identity: request.identity,
            header: request.header,
            request_id: request.request_id,
            links: request.links,
            external_workflow_execution: None,
        };
        self.transact(key, |run, cx| run.signal(cx, signal));
        Ok(SignalWorkflowExecutionResponse::default())
    }

    /// RequestCancelWorkflowExecution. A closed workflow is left as it is, and that is no error.
    pub fn request_cancel_workflow_execution(
        &mut self,
        mut request: RequestCancelWorkflowExecutionRequest,
    ) -> Result<RequestCancelWorkflowExecutionResponse> {
        let key = self.target(&request.namespace, request.workflow_execution.as_ref())?;
        validate::execution::request_cancel(&mut request, &self.limits)?;
        let key = self.in_chain(key?, request.workflow_execution.as_ref(), &request.first_execution_run_id)?;
        if !self.runs.get(key).is_running() {
            return Ok(RequestCancelWorkflowExecutionResponse::default());
        }
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
    pub fn terminate_workflow_execution(
        &mut self,
        mut request: TerminateWorkflowExecutionRequest,
    ) -> Result<TerminateWorkflowExecutionResponse> {
        let key = self.target(&request.namespace, request.workflow_execution.as_ref())?;
        validate::execution::terminate(&mut request, &self.limits)?;
        let key = self.in_chain(key?, request.workflow_execution.as_ref(), &request.first_execution_run_id)?;
        self.check_running(key)?;
        let TerminateWorkflowExecutionRequest { reason, details, identity, links, .. } = request;
        self.transact(key, |run, cx| run.terminate(cx, &reason, details, &identity, links));
        Ok(TerminateWorkflowExecutionResponse::default())
    }

    /// ResetStickyTaskQueue.
    pub fn reset_sticky_task_queue(&mut self, request: ResetStickyTaskQueueRequest) -> Result<ResetStickyTaskQueueResponse> {
        let key = self.target(&request.namespace, request.execution.as_ref())??;
        self.check_running(key)?;
        self.transact(key, |run, cx| run.clear_sticky(cx));
        Ok(ResetStickyTaskQueueResponse::default())
    }

    /// ShutdownWorker: the worker's polls end, and its sticky queue counts as gone.
    pub fn shutdown_worker(&mut self, request: ShutdownWorkerRequest) -> Result<ShutdownWorkerResponse> {
        let namespace = self.namespaces.resolve(&request.namespace, &mut self.ids)?;
        if !request.worker_instance_key.is_empty() {
            for ticket in self.matching.shut_down(&request.worker_instance_key) {
                self.end_poll(ticket);
            }
        }
        if !request.sticky_task_queue.is_empty() {
            let queue = self.matching.queue(namespace, QueueKind::Workflow, &request.sticky_task_queue);
            for key in self.matching.close_sticky(queue) {
                self.transact(key, |run, cx| run.clear_sticky(cx));
            }
        }
        Ok(ShutdownWorkerResponse::default())
    }

    /// The run that a request names; the outer error is the namespace's or the name's, the inner one that there is none.
    pub(super) fn target(&mut self, namespace: &str, execution: Option<&WorkflowExecution>) -> Result<Result<RunKey>> {
        let namespace = self.namespaces.resolve(namespace, &mut self.ids)?;
        validate::execution::execution(execution)?;
        let (workflow_id, run_id) = execution.map_or(("", ""), |execution| (&execution.workflow_id, &execution.run_id));
        Ok(self.runs.find(namespace, workflow_id, run_id))
    }

    /// The run of the chain that `first_run_id` began, if one is asked for.
    fn in_chain(&self, key: RunKey, execution: Option<&WorkflowExecution>, first_run_id: &str) -> Result<RunKey> {
        let names_run = execution.is_some_and(|execution| !execution.run_id.is_empty());
        if first_run_id.is_empty() || names_run || self.runs.get(key).facts.first_run_id == first_run_id {
            return Ok(key);
        }
        Err(Error::not_found(COMPLETED))
    }

    pub(super) fn check_running(&self, key: RunKey) -> Result<()> {
        if self.runs.get(key).is_running() { Ok(()) } else { Err(Error::not_found(COMPLETED)) }
    }

    pub(super) fn check_signal_limit(&self, key: RunKey) -> Result<()> {
        let limit = self.limits.signals_max;
        if limit > 0 && self.runs.get(key).signal_count >= limit {
            return Err(Error::InvalidArgument("exceeded workflow execution limit for signal events".to_owned()));
        }
        Ok(())
    }
}
