//! What an operator does to many shipments at once, in batches.

use std::time::Duration;

use temporalio_client::tonic::IntoRequest;
use temporalio_common::protos::temporal::api::{
    batch::v1::{
        BatchOperationDeletion, BatchOperationResetActivities, BatchOperationSignal, BatchOperationUnpauseActivities,
        BatchOperationUpdateWorkflowExecutionOptions, batch_operation_reset_activities, batch_operation_unpause_activities,
    },
    common::v1::{Payload, Payloads, Priority},
    enums::v1::BatchOperationState,
    workflow::v1::WorkflowExecutionOptions,
    workflowservice::v1::{
        DescribeBatchOperationRequest, StartBatchOperationRequest, start_batch_operation_request::Operation,
    },
};

use super::{
    STAGE,
    operator::{IDENTITY, Operator},
};

/// How long a batch may take, in minutes. It waits for no worker.
const PATIENCE_MIN: u32 = 10;

/// What an operator may do to all shipments that it fits.
#[derive(Clone, Copy, Debug)]
pub(super) enum Batch {
    Addresses,
    UnpauseActivities,
    ResetActivities,
    Prefer,
}

pub(super) const BATCHES: [Batch; 4] = [Batch::Addresses, Batch::UnpauseActivities, Batch::ResetActivities, Batch::Prefer];

impl Operator<'_> {
    /// Repairs many shipments at once.
    pub(super) async fn repair_many(&mut self, batch: Batch) -> foretime::Result {
        let waiting = format!("{} = 'waiting'", STAGE.name());
        let (filter, operation) = match batch {
            Batch::Addresses => (waiting.as_str(), address()),
            Batch::UnpauseActivities => ("ExecutionStatus = 'Running'", unpause_activities()),
            Batch::ResetActivities => ("ExecutionStatus = 'Running'", reset_activities()),
            Batch::Prefer => ("CloseTime IS NULL", prefer()),
        };
        let count = self.do_to_all(filter, operation).await?;
        foretime::sometimes!(count > 1, "a batch repairs several shipments");
        Ok(())
    }

    /// Deletes all shipments that a filter finds. Returns how many those are.
    pub(super) async fn delete_all(&mut self, filter: &str) -> foretime::Result<usize> {
        let operation = Operation::DeletionOperation(BatchOperationDeletion { identity: IDENTITY.to_owned() });
        self.do_to_all(filter, operation).await
    }

    /// Does one thing to all shipments that a filter finds, and waits until that is done. Returns to how many it was done. Some may
    /// have ended before their turn.
    async fn do_to_all(&mut self, filter: &str, operation: Operation) -> foretime::Result<usize> {
        self.batches += 1;
        let job_id = format!("batch-{}", self.batches);
        let request = StartBatchOperationRequest {
            namespace: self.namespace(),
            visibility_query: format!("WorkflowType = 'Shipment' AND {filter}"),
            job_id: job_id.clone(),
            reason: "there are many".to_owned(),
            operation: Some(operation),
            ..Default::default()
        };
        self.service().start_batch_operation(request.into_request()).await?;
        for _ in 0..PATIENCE_MIN {
            let request = DescribeBatchOperationRequest { namespace: self.namespace(), job_id: job_id.clone() };
            let described = self.service().describe_batch_operation(request.into_request()).await?.into_inner();
            let done = described.complete_operation_count + described.failure_operation_count;
            foretime::always!(done <= described.total_operation_count, "a batch does no more than it found");
            if described.state() == BatchOperationState::Completed {
                assert_eq!(done, described.total_operation_count, "{job_id} is complete");
                return Ok(usize::try_from(described.complete_operation_count)?);
            }
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        panic!("{job_id} has not ended in {PATIENCE_MIN} minutes");
    }
}

fn address() -> Operation {
    let address = Payload {
        metadata: [("encoding".to_owned(), b"json/plain".to_vec())].into(),
        data: b"\"the shop\"".to_vec(),
        ..Default::default()
    };
    Operation::SignalOperation(BatchOperationSignal {
        signal: "address".to_owned(),
        input: Some(Payloads { payloads: vec![address] }),
        identity: IDENTITY.to_owned(),
        ..Default::default()
    })
}

fn unpause_activities() -> Operation {
    Operation::UnpauseActivitiesOperation(BatchOperationUnpauseActivities {
        identity: IDENTITY.to_owned(),
        activity: Some(batch_operation_unpause_activities::Activity::MatchAll(true)),
        ..Default::default()
    })
}

fn reset_activities() -> Operation {
    Operation::ResetActivitiesOperation(BatchOperationResetActivities {
        identity: IDENTITY.to_owned(),
        activity: Some(batch_operation_reset_activities::Activity::Type("Staff::ship".to_owned())),
        keep_paused: true,
        ..Default::default()
    })
}

fn prefer() -> Operation {
    let priority = Priority { priority_key: 2, ..Default::default() };
    let mut preferred = BatchOperationUpdateWorkflowExecutionOptions {
        identity: IDENTITY.to_owned(),
        workflow_execution_options: Some(WorkflowExecutionOptions { priority: Some(priority), ..Default::default() }),
        ..Default::default()
    };
    preferred.update_mask.get_or_insert_default().paths.push("priority".to_owned());
    Operation::UpdateWorkflowOptionsOperation(preferred)
}
