//! Limits on sizes that are below the sizes of their warnings: what is not worth a warning is not refused
//! (`common.CheckEventBlobSizeLimit`).

use foretime_server::proto::{common::Memo, failure::Failure, workflowservice::*};
use foretime_tests::{commands::*, script::*, worker::failure};

crate::scripts![blobs, memos, failures, what_a_namespace_says, no_payloads_elsewhere];

/// Without the warnings.
pub(crate) const ARGUMENTS: &[&str] = &[
    "--dynamic-config-value",
    "limit.blobSize.error=1000",
    "--dynamic-config-value",
    "limit.memoSize.error=300",
    "--dynamic-config-value",
    "limit.mutableStateActivityFailureSize.error=300",
    "--dynamic-config-value",
    "history.externalPayloadsEnabled=false",
];

const KIB: usize = 1024;

async fn blobs(s: &Script) {
    for (id, length) in [("over-the-limit", 1500), ("over-the-warning", 513 * KIB)] {
        let input = payloads(&"x".repeat(length));
        let started = s.client.call(StartWorkflowExecutionRequest { input, ..s.new_start(id) }).await;
        s.note(format_args!("{id}: {:?}", started.map(|reply| reply.started).map_err(|refused| refused.message().to_owned())));
    }
}

async fn memos(s: &Script) {
    for (id, length) in [("over-the-limit", 400), ("over-the-warning", 3000)] {
        let fields = [("m".to_owned(), payload(&"x".repeat(length)))].into();
        let memo = Some(Memo { fields });
        let started = s.client.call(StartWorkflowExecutionRequest { memo, ..s.new_start(id) }).await;
        s.note(format_args!("{id}: {:?}", started.map(|reply| reply.started).map_err(|refused| refused.message().to_owned())));
    }
}

/// How much is kept of failures of activities that are tried again.
async fn failures(s: &Script) {
    for (id, length) in [("over-the-limit", 400), ("over-the-warning", 3000)] {
        s.start(id).await;
        s.run_task([schedule_activity(s.activity("a"))]).await;
        let task = s.activity_task().await;
        s.fail_activity(&task, failure(&"x".repeat(length))).await;
        let reply = s.client.call(s.new_describe(id)).await.expect("it is there");
        let Failure { message, cause, .. } = reply.pending_activities[0].last_failure.clone().unwrap_or_default();
        s.note(format_args!("{id}: {} {}", message.len(), cause.is_some()));
        s.terminate(id).await;
    }
}

async fn what_a_namespace_says(s: &Script) {
    let request = DescribeNamespaceRequest { namespace: NAMESPACE.to_owned(), ..Default::default() };
    let reply = s.client.call(request).await.expect("it is there").namespace_info.unwrap_or_default();
    let limits = reply.limits.unwrap_or_default();
    s.note(format_args!("blob {} memo {}", limits.blob_size_limit_error, limits.memo_size_limit_error));
}

async fn no_payloads_elsewhere(s: &Script) {
    use foretime_server::proto::common::{Payload, Payloads, payload::ExternalPayloadDetails};
    let external_payloads = vec![ExternalPayloadDetails { size_bytes: 5 }];
    let input = Some(Payloads { payloads: vec![Payload { external_payloads, ..payload("here") }] });
    s.start_with(StartWorkflowExecutionRequest { input, ..s.new_start("wf") }).await;
    s.describe("wf").await;
}
