//! One batch operation.

use std::collections::VecDeque;

use crate::{
    engine::kernel::{key::NamespaceId, time::Time, timers::TimerKey},
    proto::{
        batch::BatchOperationInfo,
        common::{Execution, WorkflowExecution},
        enums::{BatchOperationState, BatchOperationType, ExecutionType},
        workflowservice::{
            DescribeBatchOperationResponse, StartBatchOperationRequest, start_batch_operation_request::Operation,
        },
    },
};

/// A batch operation, from its start on. It is kept when it is over.
#[derive(Debug)]
pub(crate) struct Job {
    pub(super) namespace: NamespaceId,
    pub(super) request: StartBatchOperationRequest,
    /// As of a workflow: in the real server, a job is one, and its id is a workflow id.
    pub(super) run_id: String,
    pub(super) start_request_id: String,
    pub(super) state: BatchOperationState,
    pub(super) start_time: Time,
    pub(super) close_time: Option<Time>,
    /// What is left to do; `None` until the query has been asked.
    pub(super) left: Option<VecDeque<WorkflowExecution>>,
    pub(super) progress: Progress,
    /// Fires when the next one is done.
    pub(super) timer: Option<TimerKey>,
}

/// How far a job is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) total: i64,
    pub(super) complete: i64,
    pub(super) failed: i64,
}

impl Job {
    pub(crate) fn is_open(&self) -> bool {
        self.state == BatchOperationState::Running
    }

    pub(crate) fn id(&self) -> &str {
        &self.request.job_id
    }

    pub(super) fn operation_type(&self) -> BatchOperationType {
        operation_type(self.request.operation.as_ref())
    }

    /// The workflows that the request names; empty if it has a query.
    pub(super) fn named(&self) -> VecDeque<WorkflowExecution> {
        let targets = self.request.target_executions.iter();
        let targets =
            targets.map(|target| WorkflowExecution { workflow_id: target.business_id.clone(), run_id: target.run_id.clone() });
        self.request.executions.iter().cloned().chain(targets).collect()
    }

    pub(super) fn described(&self) -> DescribeBatchOperationResponse {
        let Progress { total, complete, failed } = self.progress;
        let executions = self.named().into_iter().map(|execution| Execution {
            r#type: ExecutionType::Workflow.into(),
            business_id: execution.workflow_id,
            run_id: execution.run_id,
        });
        DescribeBatchOperationResponse {
            operation_type: self.operation_type().into(),
            job_id: self.id().to_owned(),
            state: self.state.into(),
            start_time: Some(self.start_time.to_proto()),
            close_time: self.close_time.map(Time::to_proto),
            total_operation_count: total,
            complete_operation_count: complete,
            failure_operation_count: failed,
            identity: identity(self.request.operation.as_ref()).to_owned(),
            reason: self.request.reason.clone(),
            query: self.request.visibility_query.clone(),
            executions: executions.collect(),
        }
    }

    pub(super) fn listed(&self) -> BatchOperationInfo {
        BatchOperationInfo {
            job_id: self.id().to_owned(),
            state: self.state.into(),
            start_time: Some(self.start_time.to_proto()),
            close_time: self.close_time.map(Time::to_proto),
            operation_type: self.operation_type().into(),
        }
    }
}

fn operation_type(operation: Option<&Operation>) -> BatchOperationType {
    use BatchOperationType as T;
    match operation {
        None => T::Unspecified,
        Some(Operation::TerminationOperation(_)) => T::TerminateWorkflow,
        Some(Operation::SignalOperation(_)) => T::SignalWorkflow,
        Some(Operation::CancellationOperation(_)) => T::CancelWorkflow,
        Some(Operation::DeletionOperation(_)) => T::DeleteWorkflow,
        Some(Operation::ResetOperation(_)) => T::ResetWorkflow,
        Some(Operation::UpdateWorkflowOptionsOperation(_)) => T::UpdateWorkflowExecutionOptions,
        Some(Operation::UnpauseActivitiesOperation(_)) => T::UnpauseActivity,
        Some(Operation::ResetActivitiesOperation(_)) => T::ResetActivity,
        Some(Operation::UpdateActivityOptionsOperation(_)) => T::UpdateActivityOptions,
        Some(Operation::CancelActivitiesOperation(_)) => T::CancelActivity,
        Some(Operation::TerminateActivitiesOperation(_)) => T::TerminateActivity,
        Some(Operation::DeleteActivitiesOperation(_)) => T::DeleteActivity,
    }
}

/// Who asks.
fn identity(operation: Option<&Operation>) -> &str {
    match operation {
        None | Some(Operation::DeleteActivitiesOperation(_)) => "",
        Some(Operation::TerminationOperation(of)) => &of.identity,
        Some(Operation::SignalOperation(of)) => &of.identity,
        Some(Operation::CancellationOperation(of)) => &of.identity,
        Some(Operation::DeletionOperation(of)) => &of.identity,
        Some(Operation::ResetOperation(of)) => &of.identity,
        Some(Operation::UpdateWorkflowOptionsOperation(of)) => &of.identity,
        Some(Operation::UnpauseActivitiesOperation(of)) => &of.identity,
        Some(Operation::ResetActivitiesOperation(of)) => &of.identity,
        Some(Operation::UpdateActivityOptionsOperation(of)) => &of.identity,
        Some(Operation::CancelActivitiesOperation(of)) => &of.identity,
        Some(Operation::TerminateActivitiesOperation(of)) => &of.identity,
    }
}
