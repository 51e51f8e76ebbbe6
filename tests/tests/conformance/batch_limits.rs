//! How many batch operations may be open at once.

#![allow(deprecated, reason = "the API deprecates how executions are named, which clients still use")]

use foretime_server::proto::{
    batch::BatchOperationCancellation,
    common::WorkflowExecution,
    enums::BatchOperationState,
    workflowservice::{start_batch_operation_request::Operation, *},
};
use foretime_tests::script::*;

crate::scripts![one_at_a_time];

/// The real server counts what is listed, which is late.
async fn await_listed(s: &Script, id: &str, state: BatchOperationState) {
    let list = ListBatchOperationsRequest { namespace: NAMESPACE.to_owned(), ..Default::default() };
    let is_listed = |reply: ListBatchOperationsResponse| {
        reply.operation_info.iter().any(|job| job.job_id == s.id(id) && job.state() == state)
    };
    while !s.client.call(list.clone()).await.is_ok_and(is_listed) {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn one_at_a_time(s: &Script) {
    s.start("a").await;
    let execution = WorkflowExecution { workflow_id: s.id("a"), run_id: String::new() };
    let job = |id: &str| StartBatchOperationRequest {
        namespace: NAMESPACE.to_owned(),
        job_id: s.id(id),
        reason: "the reason".to_owned(),
        executions: vec![execution.clone(); 900],
        operation: Some(Operation::CancellationOperation(BatchOperationCancellation::default())),
        ..Default::default()
    };
    let _ = s.call(job("first")).await;
    await_listed(s, "first", BatchOperationState::Running).await;
    let _ = s.call(job("second")).await;
    let (namespace, job_id) = (NAMESPACE.to_owned(), s.id("first"));
    let stop = StopBatchOperationRequest { namespace, job_id, reason: "enough".to_owned(), ..Default::default() };
    let _ = s.call(stop).await;
    await_listed(s, "first", BatchOperationState::Failed).await;
    let _ = s.call(StartBatchOperationRequest { executions: vec![execution.clone()], ..job("third") }).await;
}
