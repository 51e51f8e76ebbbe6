//! How many batch operations may be open at once.

#![allow(deprecated, reason = "the API deprecates how executions are named, which clients still use")]

use foretime_server::proto::{
    batch::BatchOperationCancellation,
    common::WorkflowExecution,
    workflowservice::{start_batch_operation_request::Operation, *},
};
use foretime_tests::script::*;

crate::scripts![one_at_a_time];

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
    // The real server counts what is listed, which is late.
    let count = CountWorkflowExecutionsRequest {
        namespace: NAMESPACE.to_owned(),
        query: "TemporalNamespaceDivision = 'TemporalBatcher'".to_owned(),
    };
    let _ = s.client.call(count).await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let _ = s.call(job("second")).await;
    let (namespace, job_id) = (NAMESPACE.to_owned(), s.id("first"));
    let stop = StopBatchOperationRequest { namespace, job_id, reason: "enough".to_owned(), ..Default::default() };
    let _ = s.call(stop).await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let _ = s.call(StartBatchOperationRequest { executions: vec![execution.clone()], ..job("third") }).await;
}
