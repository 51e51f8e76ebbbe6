//! DescribeBatchOperation and ListBatchOperations (`service/frontend/workflow_handler.go`).

use crate::{
    engine::{
        Engine,
        execution::machine::Machine,
        kernel::{
            error::{Error, Result},
            time::Time,
        },
    },
    proto::{
        enums::{BatchOperationState, WorkflowExecutionStatus},
        workflowservice::{
            DescribeBatchOperationRequest, DescribeBatchOperationResponse, ListBatchOperationsRequest,
            ListBatchOperationsResponse,
        },
    },
};

/// Jobs on a page (`frontend.visibilityMaxPageSize`).
const PAGE_MAX: usize = 1000;

impl Engine {
    /// DescribeBatchOperation. A workflow of this id is described as if it were one, as on the real server.
    pub(in crate::engine) fn describe_batch_operation(
        &mut self,
        request: DescribeBatchOperationRequest,
    ) -> Result<DescribeBatchOperationResponse> {
        let namespace = self.resolve(&request.namespace)?;
        if request.job_id.is_empty() {
            return Err(Error::invalid("JobId is not set on request."));
        }
        self.switches.check_batches()?;
        if let Some(key) = self.batches.find(namespace, &request.job_id) {
            return Ok(self.batches.get(key).described());
        }
        let run = self.runs.get(self.runs.find(namespace, &request.job_id, "")?);
        let state = match run.status() {
            WorkflowExecutionStatus::Running => BatchOperationState::Running,
            WorkflowExecutionStatus::Completed => BatchOperationState::Completed,
            _ => BatchOperationState::Failed,
        };
        Ok(DescribeBatchOperationResponse {
            job_id: request.job_id,
            state: state.into(),
            start_time: Some(run.row().start_time.to_proto()),
            close_time: run.close_time().map(Time::to_proto),
            ..DescribeBatchOperationResponse::default()
        })
    }

    /// ListBatchOperations: open ones first, then those that closed last, as executions are listed.
    pub(in crate::engine) fn list_batch_operations(
        &mut self,
        request: ListBatchOperationsRequest,
    ) -> Result<ListBatchOperationsResponse> {
        let namespace = self.resolve(&request.namespace)?;
        self.switches.check_batches()?;
        let size = usize::try_from(request.page_size).ok().filter(|size| (1..=PAGE_MAX).contains(size)).unwrap_or(PAGE_MAX);
        let start = match request.next_page_token.as_slice() {
            [] => 0,
            token => {
                let token = token.try_into().map_err(|_| Error::invalid("Invalid NextPageToken."))?;
                u32::from_be_bytes(token) as usize
            }
        };
        let mut jobs: Vec<_> = self.batches.of(namespace).collect();
        jobs.sort_by_key(|job| std::cmp::Reverse((job.close_time.unwrap_or(Time::MAX), job.start_time)));
        let end = start.saturating_add(size).min(jobs.len());
        let page = jobs.get(start..end).unwrap_or_default();
        let next_page_token = if end < jobs.len() { (end as u32).to_be_bytes().to_vec() } else { Vec::new() };
        Ok(ListBatchOperationsResponse { operation_info: page.iter().map(|job| job.listed()).collect(), next_page_token })
    }
}
