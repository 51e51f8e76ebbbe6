//! StartBatchOperation and StopBatchOperation (`service/frontend/workflow_handler.go`).

use prost::Message;

use crate::{
    engine::{
        Engine,
        batch::job::{Job, Progress},
        execution::conflict::{self, Claim, Holder},
        kernel::{
            error::{Error, Result},
            key::NamespaceId,
        },
        rules::validate,
    },
    proto::{
        common::WorkflowExecution,
        enums::{
            BatchOperationState, ResourceExhaustedCause, WorkflowExecutionStatus, WorkflowIdConflictPolicy,
            WorkflowIdReusePolicy,
        },
        workflowservice::{
            StartBatchOperationRequest, StartBatchOperationResponse, StopBatchOperationRequest, StopBatchOperationResponse,
            TerminateWorkflowExecutionRequest,
        },
    },
};

impl Engine {
    /// StartBatchOperation. The first step is due after a moment, in virtual time.
    pub(in crate::engine) fn start_batch_operation(
        &mut self,
        request: StartBatchOperationRequest,
    ) -> Result<StartBatchOperationResponse> {
        let namespace = self.resolve(&request.namespace)?;
        self.switches.check_batches()?;
        validate::batch::start_batch(&request, &self.limits)?;
        if self.batches.open_in(namespace).len() >= self.limits.batches_max {
            let message = "Max concurrent batch operations is reached".to_owned();
            return Err(Error::ResourceExhausted { message, cause: ResourceExhaustedCause::ConcurrentLimit });
        }
        // The real server counts the request as JSON, with its own about it.
        if request.encoded_len() > self.limits.blob_size_max_bytes {
            return Err(Error::invalid("Blob data size exceeds limit."));
        }
        self.check_job_id(namespace, &request.job_id)?;
        let start_time = self.now(namespace);
        let key = self.batches.insert(Job {
            namespace,
            request,
            run_id: self.ids.run_id(start_time),
            start_request_id: self.ids.uuid(),
            state: BatchOperationState::Running,
            start_time,
            close_time: None,
            left: None,
            progress: Progress::default(),
            timer: None,
        });
        self.await_next_step(key);
        Ok(StartBatchOperationResponse {})
    }

    /// In the real server, a job is a workflow, and its id is that of no other.
    fn check_job_id(&self, namespace: NamespaceId, job_id: &str) -> Result<()> {
        let run = self.runs.current(namespace, job_id).map(|key| self.runs.get(key));
        let run = run.map(|run| (run.holder(), run.start_request_id(), run.first_run_id()));
        let job = self.batches.find(namespace, job_id).map(|key| self.batches.get(key));
        let job = job.map(|job| {
            let status = if job.is_open() { WorkflowExecutionStatus::Running } else { WorkflowExecutionStatus::Completed };
            let holder = Holder { id: job_id, run_id: &job.run_id, status };
            (holder, job.start_request_id.as_str(), holder.run_id)
        });
        for (holder, start_request_id, first_run_id) in run.into_iter().chain(job) {
            let (reuse, conflict) = (WorkflowIdReusePolicy::RejectDuplicate, WorkflowIdConflictPolicy::Fail);
            if let Claim::Refused(message) = conflict::claim(holder, reuse, conflict) {
                return Err(Error::AlreadyStarted {
                    message,
                    start_request_id: start_request_id.to_owned(),
                    run_id: holder.run_id.to_owned(),
                    first_execution_run_id: first_run_id.to_owned(),
                });
            }
        }
        Ok(())
    }

    /// StopBatchOperation. In the real server, it terminates the workflow of this id, whatever that is.
    pub(in crate::engine) fn stop_batch_operation(
        &mut self,
        request: StopBatchOperationRequest,
    ) -> Result<StopBatchOperationResponse> {
        let namespace = self.resolve(&request.namespace)?;
        if request.job_id.is_empty() {
            return Err(Error::invalid("JobId is not set on request."));
        }
        if request.reason.is_empty() {
            return Err(Error::invalid("Reason is not set on request."));
        }
        self.switches.check_batches()?;
        match self.batches.find(namespace, &request.job_id) {
            Some(key) if self.batches.get(key).is_open() => self.end_batch(key, BatchOperationState::Failed),
            Some(_) => return Err(Error::not_found("workflow execution already completed")),
            None => {
                let workflow_execution = Some(WorkflowExecution { workflow_id: request.job_id, run_id: String::new() });
                self.terminate_workflow_execution(TerminateWorkflowExecutionRequest {
                    namespace: request.namespace,
                    workflow_execution,
                    reason: request.reason,
                    identity: request.identity,
                    ..TerminateWorkflowExecutionRequest::default()
                })?;
            }
        }
        Ok(StopBatchOperationResponse {})
    }
}
