//! What dynamic configuration switches off.

use std::time::Duration;

use foretime_server::proto::{enums::UpdateWorkflowExecutionLifecycleStage as Stage, update::UpdateRef, workflowservice::*};
use foretime_tests::{script::*, updates::*};

crate::scripts![
    no_updates,
    no_updates_with_start,
    no_eager_start,
    no_batches,
    bad_values,
    capabilities,
    a_shutdown_ends_no_poll
];

/// What is switched off, and values that fit no key.
pub(crate) const ARGUMENTS: &[&str] = &[
    "--dynamic-config-value",
    "frontend.enableUpdateWorkflowExecution=false",
    "--dynamic-config-value",
    "system.enableEagerWorkflowStart=\"f\"",
    "--dynamic-config-value",
    "frontend.enableBatcher=false",
    "--dynamic-config-value",
    "frontend.enableCancelWorkerPollsOnShutdown=false",
    "--dynamic-config-value",
    "limit.maxIDLength=\"20\"",
    "--dynamic-config-value",
    "limit.blobSize.error=50.7",
    "--dynamic-config-value",
    "no.such.key=[1]",
];

async fn no_updates(s: &Script) {
    s.start("wf").await;
    for stage in [Stage::Unspecified, Stage::Admitted, Stage::Accepted, Stage::Completed] {
        let _ = s.call(UpdateWorkflowExecutionRequest { wait_policy: until(stage), ..s.new_update("wf", "u") }).await;
    }
    let _ = s.call(s.new_update("missing", "u")).await;
    let poll = s.new_update_poll("wf", "u");
    let _ = s.call(poll.clone()).await;
    let update_ref = Some(UpdateRef { workflow_execution: s.execution("missing"), update_id: "u".to_owned() });
    let _ = s.call(PollWorkflowExecutionUpdateRequest { update_ref, ..poll }).await;
}

async fn no_updates_with_start(s: &Script) {
    let _ = s.call_within(Duration::from_secs(3), s.new_update_with_start("wf", "u")).await;
    s.describe("wf").await;
}

async fn no_eager_start(s: &Script) {
    let _ = s.call(StartWorkflowExecutionRequest { request_eager_execution: true, ..s.new_start("wf") }).await;
    s.history("wf").await;
}

async fn no_batches(s: &Script) {
    let namespace = || NAMESPACE.to_owned();
    let (job_id, reason) = ("j".to_owned(), "why".to_owned());
    let _ = s.call(StartBatchOperationRequest { namespace: namespace(), ..Default::default() }).await;
    let stop = StopBatchOperationRequest { namespace: namespace(), job_id: job_id.clone(), reason, ..Default::default() };
    let _ = s.call(stop).await;
    let _ = s.call(DescribeBatchOperationRequest { namespace: namespace(), job_id }).await;
    let _ = s.call(DescribeBatchOperationRequest { namespace: namespace(), ..Default::default() }).await;
    let _ = s.call(ListBatchOperationsRequest { namespace: namespace(), ..Default::default() }).await;
    let _ = s.call(ListBatchOperationsRequest::default()).await;
}

async fn bad_values(s: &Script) {
    let _ = s
        .call(StartWorkflowExecutionRequest { input: payloads(&"x".repeat(60)), ..s.new_start("a-name-of-more-than-20") })
        .await;
}

async fn capabilities(s: &Script) {
    let request = DescribeNamespaceRequest { namespace: NAMESPACE.to_owned(), ..Default::default() };
    let reply = s.client.call(request).await.expect("it is there").namespace_info.unwrap_or_default();
    let can = reply.capabilities.unwrap_or_default();
    s.note(format_args!("eager {} sync {} async {}", can.eager_workflow_start, can.sync_update, can.async_update));
    s.note(format_args!("polls end {}", can.worker_poll_complete_on_shutdown));
}

async fn a_shutdown_ends_no_poll(s: &Script) {
    let (queue, key) = (Some(task_queue(s.queue())), "the worker".to_owned());
    let poll = s.new_workflow_poll(task_queue(s.queue()));
    let poll = PollWorkflowTaskQueueRequest { worker_instance_key: key.clone(), ..poll };
    let shut_down = async {
        let describe = DescribeTaskQueueRequest { namespace: NAMESPACE.to_owned(), task_queue: queue, ..Default::default() };
        while s.client.call(describe.clone()).await.expect("it is told").pollers.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let _ = s
            .call(ShutdownWorkerRequest {
                namespace: NAMESPACE.to_owned(),
                identity: "worker".to_owned(),
                worker_instance_key: key,
                task_queue: s.queue().to_owned(),
                ..Default::default()
            })
            .await;
        s.start("wf").await;
    };
    let (task, ()) = tokio::join!(s.client.call_within(Duration::from_secs(20), poll), shut_down);
    s.show_workflow_task(&task.expect("the poll is answered"));
}
