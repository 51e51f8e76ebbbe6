//! DescribeBatchOperation and ListBatchOperations (`service/frontend/workflow_handler.go`).

use std::cmp::{Ordering, Reverse};

use crate::{
    engine::{
        Engine,
        batch::job::Job,
        execution::{found::micros, machine::Machine},
        kernel::{
            error::{Error, Result},
            time::Time,
        },
        rules::list_token::ListToken,
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
        let token = ListToken::read(&request.next_page_token)?;
        let mut jobs: Vec<_> = self.batches.of(namespace).map(|job| (place(job), job)).collect();
        jobs.sort_by(|(a, _), (b, _)| in_order(a, b));
        jobs.retain(|(place, _)| token.as_ref().is_none_or(|token| in_order(token, place).is_lt()));
        jobs.truncate(size);
        let last = jobs.last().filter(|_| jobs.len() == size);
        let next_page_token = last.map(|(place, _)| place.written()).unwrap_or_default();
        let operation_info = jobs.into_iter().map(|(_, job)| job.listed()).collect();
        Ok(ListBatchOperationsResponse { operation_info, next_page_token })
    }
}

/// Where a job is listed.
fn place(job: &Job) -> ListToken {
    ListToken {
        close_micros: job.close_time.map_or(i64::MAX, micros),
        start_micros: micros(job.start_time),
        run_id: job.run_id.clone(),
    }
}

fn in_order(a: &ListToken, b: &ListToken) -> Ordering {
    let times = |token: &ListToken| Reverse((token.close_micros, token.start_micros));
    times(a).cmp(&times(b)).then_with(|| a.run_id.cmp(&b.run_id))
}
