//! What is too large, too long or too much, on servers with lowered limits: requests are refused, and commands fail their task.

#![allow(deprecated, reason = "workers send deprecated fields")]

use foretime_server::proto::{
    batch::BatchOperationSignal,
    command::{
        Command, ModifyWorkflowPropertiesCommandAttributes, ScheduleActivityTaskCommandAttributes,
        StartChildWorkflowExecutionCommandAttributes, UpsertWorkflowSearchAttributesCommandAttributes,
    },
    common::{Link, Memo, Payload, Payloads, SearchAttributes, WorkerVersionCapabilities, link},
    enums::WorkflowTaskFailedCause,
    failure::Failure,
    sdk::UserMetadata,
    workflowservice::*,
};
use foretime_tests::{
    commands::*,
    script::*,
    worker::{answered, failure},
};

crate::scripts![
    a_large_input,
    a_large_memo,
    long_names,
    a_long_namespace,
    search_attributes,
    links,
    a_long_build_id,
    large_signals,
    too_many_signals,
    too_many_signals_from_a_workflow,
    too_many_activities,
    too_many_children,
    too_many_signals_under_way,
    too_many_cancel_requests_under_way,
    commands_that_are_too_large,
    a_memo_that_grows_too_large,
    search_attributes_that_are_too_large,
    user_metadata_has_no_limit,
    a_large_result_of_an_activity,
    a_large_failure_of_an_activity,
    large_details_of_a_failed_activity,
    a_failure_that_is_kept,
    a_large_failure_of_a_workflow_task,
    a_large_answer_to_a_query,
    a_large_answer_along_with_a_task,
    a_large_batch_operation,
    large_heartbeat_details,
    large_details_of_a_cancellation_nobody_asked_for,
    default_task_timeout,
    what_a_namespace_says,
];

/// The lowered limits.
pub(crate) const ARGUMENTS: &[&str] = &[
    "--dynamic-config-value",
    "limit.blobSize.error=1000",
    "--dynamic-config-value",
    "limit.blobSize.warn=500",
    "--dynamic-config-value",
    "limit.memoSize.error=300",
    "--dynamic-config-value",
    "limit.memoSize.warn=200",
    "--dynamic-config-value",
    "limit.maxIDLength=100",
    "--dynamic-config-value",
    "limit.workerBuildIdSize=10",
    "--dynamic-config-value",
    "limit.numPendingActivities.error=2",
    "--dynamic-config-value",
    "limit.numPendingChildExecutions.error=2",
    "--dynamic-config-value",
    "limit.numPendingSignals.error=2",
    "--dynamic-config-value",
    "limit.numPendingCancelRequests.error=2",
    "--dynamic-config-value",
    "limit.mutableStateActivityFailureSize.error=300",
    "--dynamic-config-value",
    "limit.mutableStateActivityFailureSize.warn=200",
    "--dynamic-config-value",
    "limit.userMetadataSummarySize=20",
    "--dynamic-config-value",
    "limit.userMetadataDetailsSize=30",
    "--dynamic-config-value",
    "history.maximumSignalsPerExecution=3",
    "--dynamic-config-value",
    "history.defaultWorkflowTaskTimeout=\"3s\"",
    "--dynamic-config-value",
    "frontend.searchAttributesNumberOfKeysLimit=1",
    "--dynamic-config-value",
    "frontend.searchAttributesSizeOfValueLimit=20",
    "--dynamic-config-value",
    "frontend.searchAttributesTotalSizeLimit=60",
    "--dynamic-config-value",
    "frontend.maxlinksPerRequest=1",
    "--dynamic-config-value",
    "frontend.linkMaxSize=60",
];

fn long(length: usize) -> Option<Payloads> {
    payloads(&"x".repeat(length))
}

fn memo(length: usize) -> Option<Memo> {
    Some(Memo { fields: [("note".to_owned(), payload(&"x".repeat(length)))].into() })
}

async fn a_large_input(s: &Script) {
    let _ = s.call(StartWorkflowExecutionRequest { input: long(1000), ..s.new_start("large") }).await;
    let _ = s.call(StartWorkflowExecutionRequest { input: long(900), ..s.new_start("fits") }).await;
    let request = SignalWithStartWorkflowExecutionRequest { signal_input: long(1000), ..s.new_signal_with_start("swi", "s") };
    let _ = s.call(request).await;
    let request = SignalWithStartWorkflowExecutionRequest { input: long(1000), ..s.new_signal_with_start("swi", "s") };
    let _ = s.call(request).await;
}

async fn a_large_memo(s: &Script) {
    let _ = s.call(StartWorkflowExecutionRequest { memo: memo(300), ..s.new_start("large") }).await;
    let _ = s.call(StartWorkflowExecutionRequest { memo: memo(200), ..s.new_start("fits") }).await;
    let _ = s.call(SignalWithStartWorkflowExecutionRequest { memo: memo(300), ..s.new_signal_with_start("swi", "s") }).await;
}

async fn long_names(s: &Script) {
    let name = "n".repeat(101);
    let start = || s.new_start("wf");
    let _ = s.call(StartWorkflowExecutionRequest { workflow_id: name.clone(), ..start() }).await;
    let _ = s.call(StartWorkflowExecutionRequest { workflow_type: Some(workflow_type(&name)), ..start() }).await;
    let _ = s.call(StartWorkflowExecutionRequest { task_queue: Some(task_queue(&name)), ..start() }).await;
    let _ = s.call(StartWorkflowExecutionRequest { request_id: name.clone(), ..start() }).await;
    s.start("wf").await;
    s.signal("wf", &name).await;
    let _ = s.call(SignalWorkflowExecutionRequest { request_id: name.clone(), ..s.new_signal("wf", "s") }).await;
    let _ = s.call(PollWorkflowTaskQueueRequest { identity: name.clone(), ..s.new_workflow_poll(task_queue(s.queue())) }).await;
    s.run_task([start_timer(&name, 60.0)]).await;
    s.run_task([schedule_activity(s.activity(&name))]).await;
}

async fn a_long_namespace(s: &Script) {
    let name = "n".repeat(101);
    let _ = s.call(StartWorkflowExecutionRequest { namespace: name.clone(), ..s.new_start("wf") }).await;
    let _ = s.call(DescribeWorkflowExecutionRequest { namespace: name.clone(), ..s.new_describe("wf") }).await;
    let _ = s.call(DescribeNamespaceRequest { namespace: name, ..Default::default() }).await;
}

fn colour(value: &str) -> (String, Payload) {
    ("Colour".to_owned(), payload(value))
}

async fn search_attributes(s: &Script) {
    let size = || {
        let metadata = [("encoding".to_owned(), b"json/plain".to_vec())].into();
        ("Size".to_owned(), Payload { metadata, data: b"1".to_vec(), ..Default::default() })
    };
    let with = |fields: Vec<(String, Payload)>| Some(SearchAttributes { indexed_fields: fields.into_iter().collect() });
    for fields in [vec![colour("red"), size()], vec![colour(&"r".repeat(30))], vec![colour("red")]] {
        let _ = s.call(StartWorkflowExecutionRequest { search_attributes: with(fields), ..s.new_start("wf") }).await;
    }
}

async fn links(s: &Script) {
    let to = |length: usize| Link {
        variant: Some(link::Variant::WorkflowEvent(link::WorkflowEvent {
            namespace: NAMESPACE.to_owned(),
            workflow_id: "w".repeat(length),
            run_id: "r".to_owned(),
            ..Default::default()
        })),
    };
    let _ = s.call(StartWorkflowExecutionRequest { links: vec![to(1), to(1)], ..s.new_start("wf") }).await;
    let _ = s.call(StartWorkflowExecutionRequest { links: vec![to(100)], ..s.new_start("wf") }).await;
    s.start("wf").await;
    let _ = s.call(SignalWorkflowExecutionRequest { links: vec![to(1), to(1)], ..s.new_signal("wf", "s") }).await;
}

async fn a_long_build_id(s: &Script) {
    let worker_version_capabilities =
        Some(WorkerVersionCapabilities { build_id: "b".repeat(11), use_versioning: true, ..Default::default() });
    let poll = s.new_workflow_poll(task_queue(s.queue()));
    let _ = s.call(PollWorkflowTaskQueueRequest { worker_version_capabilities, ..poll }).await;
}

async fn large_signals(s: &Script) {
    s.start("wf").await;
    let _ = s.call(SignalWorkflowExecutionRequest { input: long(1000), ..s.new_signal("wf", "s") }).await;
    let _ = s.call(SignalWorkflowExecutionRequest { input: long(900), ..s.new_signal("wf", "s") }).await;
    let _ = s.call(TerminateWorkflowExecutionRequest { details: long(1000), ..s.new_terminate("wf") }).await;
}

async fn too_many_signals(s: &Script) {
    s.start("wf").await;
    for name in ["a", "b", "c", "d"] {
        s.signal("wf", name).await;
    }
    let _ = s.call(s.new_signal_with_start("wf", "e")).await;
    s.history("wf").await;
}

async fn too_many_signals_from_a_workflow(s: &Script) {
    s.start("target").await;
    s.run_task([]).await;
    for name in ["a", "b", "c"] {
        s.signal("target", name).await;
    }
    s.run_task([]).await;
    s.start("wf").await;
    s.run_task([signal_external(s.external_signal("target", "hello"))]).await;
    s.await_workflow_task().await;
    s.history("wf").await;
}

async fn failed_task(s: &Script, commands: impl IntoIterator<Item = Command>) {
    s.start("wf").await;
    s.run_task(commands).await;
    s.history("wf").await;
}

async fn too_many_activities(s: &Script) {
    failed_task(s, ["a", "b", "c"].map(|id| schedule_activity(s.activity(id)))).await;
}

async fn too_many_children(s: &Script) {
    failed_task(s, ["a", "b", "c"].map(|id| start_child(s.child(id)))).await;
}

async fn too_many_signals_under_way(s: &Script) {
    failed_task(s, ["a", "b", "c"].map(|id| signal_external(s.external_signal(id, "hello")))).await;
}

async fn too_many_cancel_requests_under_way(s: &Script) {
    use foretime_server::proto::command::RequestCancelExternalWorkflowExecutionCommandAttributes as Cancel;
    let cancel = |id: &str| cancel_external(Cancel { workflow_id: s.id(id), ..Default::default() });
    failed_task(s, ["a", "b", "c"].map(cancel)).await;
}

async fn commands_that_are_too_large(s: &Script) {
    let activity = || ScheduleActivityTaskCommandAttributes { input: long(1000), ..s.activity("a") };
    let child = || StartChildWorkflowExecutionCommandAttributes { input: long(1000), ..s.child("c") };
    let child_memo = || StartChildWorkflowExecutionCommandAttributes { memo: memo(300), ..s.child("c") };
    for command in [
        schedule_activity(activity()),
        start_child(child()),
        start_child(child_memo()),
        complete_workflow(&"x".repeat(1000)),
        fail_workflow(&"x".repeat(1000)),
    ] {
        failed_task(s, [command]).await;
        s.await_restart_interval().await;
    }
}

fn upserted_memo(length: usize) -> Command {
    modify_properties(ModifyWorkflowPropertiesCommandAttributes { upserted_memo: memo(length) })
}

async fn a_memo_that_grows_too_large(s: &Script) {
    s.start_with(StartWorkflowExecutionRequest { memo: memo(100), ..s.new_start("wf") }).await;
    s.run_task([upserted_memo(200)]).await;
    s.signal("wf", "s").await;
    s.run_task([upserted_memo(300)]).await;
    s.history("wf").await;
}

async fn search_attributes_that_are_too_large(s: &Script) {
    let search_attributes = Some(SearchAttributes { indexed_fields: [colour(&"r".repeat(30))].into() });
    failed_task(s, [upsert_search_attributes(UpsertWorkflowSearchAttributesCommandAttributes { search_attributes })]).await;
}

async fn user_metadata_has_no_limit(s: &Script) {
    let long = || Some(UserMetadata { summary: Some(payload(&"s".repeat(100))), details: Some(payload(&"d".repeat(200))) });
    s.start_with(StartWorkflowExecutionRequest { user_metadata: long(), ..s.new_start("wf") }).await;
    s.run_task([Command { user_metadata: long(), ..start_timer("t", 60.0) }]).await;
    s.history("wf").await;
}

async fn large_report(s: &Script) -> foretime_server::proto::workflowservice::PollActivityTaskQueueResponse {
    s.start("wf").await;
    s.run_task([schedule_activity(s.activity("a"))]).await;
    s.activity_task().await
}

async fn a_large_result_of_an_activity(s: &Script) {
    let task = large_report(s).await;
    s.complete_activity(&task, &"x".repeat(1000)).await;
    s.await_workflow_task().await;
    s.history("wf").await;
}

fn large_failure() -> Failure {
    Failure { stack_trace: "s".repeat(700), ..failure(&"m".repeat(700)) }
}

async fn a_large_failure_of_an_activity(s: &Script) {
    let task = large_report(s).await;
    s.fail_activity(&task, large_failure()).await;
    s.await_workflow_task().await;
    s.history("wf").await;
}

async fn large_details_of_a_failed_activity(s: &Script) {
    let task = large_report(s).await;
    let request = s.new_activity_failure(&task, large_failure());
    let _ = s.call(RespondActivityTaskFailedRequest { last_heartbeat_details: long(1000), ..request }).await;
    s.await_workflow_task().await;
    s.history("wf").await;
}

async fn a_failure_that_is_kept(s: &Script) {
    let task = large_report(s).await;
    s.fail_activity(&task, Failure { stack_trace: "s".repeat(300), ..failure(&"m".repeat(100)) }).await;
    s.describe("wf").await;
}

async fn large_heartbeat_details(s: &Script) {
    let task = large_report(s).await;
    s.heartbeat(&task, &"x".repeat(1000)).await;
    s.await_workflow_task().await;
    s.history("wf").await;
}

async fn default_task_timeout(s: &Script) {
    s.start("wf").await;
    s.history("wf").await;
}

async fn large_details_of_a_cancellation_nobody_asked_for(s: &Script) {
    let task = large_report(s).await;
    let request = RespondActivityTaskCanceledRequest {
        namespace: NAMESPACE.to_owned(),
        task_token: task.task_token,
        details: long(1000),
        ..Default::default()
    };
    let _ = s.call(request).await;
    s.history("wf").await;
}

async fn what_a_namespace_says(s: &Script) {
    let request = DescribeNamespaceRequest { namespace: NAMESPACE.to_owned(), ..Default::default() };
    let reply = s.client.call(request).await.expect("it is there").namespace_info.unwrap_or_default();
    let limits = reply.limits.unwrap_or_default();
    s.note(format_args!("blob {} memo {}", limits.blob_size_limit_error, limits.memo_size_limit_error));
}

async fn a_large_failure_of_a_workflow_task(s: &Script) {
    s.start("wf").await;
    let task = s.await_workflow_task().await;
    let failed = RespondWorkflowTaskFailedRequest {
        namespace: NAMESPACE.to_owned(),
        task_token: task.task_token,
        cause: WorkflowTaskFailedCause::NonDeterministicError.into(),
        failure: Some(large_failure()),
        ..Default::default()
    };
    let _ = s.call(failed).await;
    s.history("wf").await;
}

async fn a_large_answer_to_a_query(s: &Script) {
    s.start_waiting("wf").await;
    let (asked, ()) = tokio::join!(s.client.call(s.new_query("wf", "q")), async {
        let task = s.await_workflow_task().await;
        s.answer_query(&task, &"x".repeat(1000)).await;
    });
    s.show::<QueryWorkflowRequest>(&asked);
}

async fn a_large_answer_along_with_a_task(s: &Script) {
    s.start_waiting("wf").await;
    s.signal("wf", "go").await;
    let (asked, ()) = tokio::join!(s.client.call(s.new_query("wf", "q")), async {
        until_it_has_come().await;
        let task = s.await_workflow_task().await;
        let answer = answered(&"x".repeat(1000));
        let query_results = task.queries.keys().map(|id| (id.clone(), answer.clone())).collect();
        let _ = s.call(RespondWorkflowTaskCompletedRequest { query_results, ..s.new_completion(&task, []) }).await;
    });
    s.show::<QueryWorkflowRequest>(&asked);
}

async fn a_large_batch_operation(s: &Script) {
    s.start("wf").await;
    let signal = BatchOperationSignal { signal: "s".to_owned(), input: long(1000), ..Default::default() };
    let request = StartBatchOperationRequest {
        namespace: NAMESPACE.to_owned(),
        job_id: s.id("job"),
        reason: "why".to_owned(),
        executions: s.execution("wf").into_iter().collect(),
        operation: Some(start_batch_operation_request::Operation::SignalOperation(signal)),
        ..Default::default()
    };
    let _ = s.call(request).await;
}
