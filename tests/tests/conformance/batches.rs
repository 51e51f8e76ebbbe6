//! Batch operations: what is refused, and what is done to workflows.

#![allow(deprecated, reason = "the API deprecates how executions are named, which clients still use")]

mod activities;
mod resets;

use std::time::Duration;

use foretime_server::proto::{
    batch::*,
    common::{Execution, ResetOptions, WorkflowExecution, reset_options::Target},
    enums::{BatchOperationState, EventType, ExecutionType, ResetType},
    history::history_event::Attributes,
    workflow::WorkflowExecutionOptions,
    workflowservice::{start_batch_operation_request::Operation, *},
};
use foretime_tests::{commands::*, script::*};
use tonic::Status;

use activities::*;
use resets::*;

crate::scripts![
    refused,
    refused_queries,
    refused_operations,
    refused_activity_operations,
    refused_targets,
    terminate,
    cancel,
    signal,
    delete,
    reset_to_first_and_last,
    reset_by_options,
    reset_without_a_task,
    reset_of_what_is_not_there,
    reset_to_a_build,
    reset_to_a_build_of_the_current_run,
    reset_of_a_chain_to_a_build,
    named_twice_and_not_there,
    by_query,
    a_query_that_is_none,
    a_query_without_results,
    a_job_id_again,
    a_job_id_of_a_workflow,
    target_executions,
    stop,
    stop_refused,
    describe_refused,
    describe_a_workflow,
    list,
    pause_and_unpause_activities,
    reset_activities,
    activity_options,
    activity_options_of_a_type,
    activity_options_of_all,
    activity_options_refused,
];

/// Scripts share a namespace, each with jobs of its own.
pub(crate) const ARGUMENTS: &[&str] = &[
    "--dynamic-config-value",
    "frontend.MaxConcurrentBatchOperationPerNamespace=1000",
    "--dynamic-config-value",
    "worker.batcherRPS=20",
];

fn job(s: &Script, id: &str, operation: Operation) -> StartBatchOperationRequest {
    StartBatchOperationRequest {
        namespace: NAMESPACE.to_owned(),
        job_id: s.id(id),
        reason: "the reason".to_owned(),
        operation: Some(operation),
        ..Default::default()
    }
}

fn on(s: &Script, ids: &[&str], request: StartBatchOperationRequest) -> StartBatchOperationRequest {
    let executions = ids.iter().map(|id| WorkflowExecution { workflow_id: s.id(id), run_id: String::new() });
    StartBatchOperationRequest { executions: executions.collect(), ..request }
}

fn termination() -> Operation {
    Operation::TerminationOperation(BatchOperationTermination { identity: "operator".to_owned(), ..Default::default() })
}

fn new_describe(s: &Script, id: &str) -> DescribeBatchOperationRequest {
    DescribeBatchOperationRequest { namespace: NAMESPACE.to_owned(), job_id: s.id(id) }
}

/// Starts a job, waits until it is over, and writes down what has become of it.
async fn done(s: &Script, request: StartBatchOperationRequest) {
    let job_id = request.job_id.clone();
    let _ = s.call(request).await;
    let request = DescribeBatchOperationRequest { namespace: NAMESPACE.to_owned(), job_id };
    loop {
        match s.client.call(request.clone()).await {
            Ok(reply) if reply.state() == BatchOperationState::Running => tokio::time::sleep(Duration::from_millis(20)).await,
            reply => return s.show::<DescribeBatchOperationRequest>(&reply),
        }
    }
}

/// The history of the current run. Who terminates and cancels is a worker of the server's own, by its process and host.
async fn history(s: &Script, id: &str) {
    let reply = s.client.call(s.new_history(id)).await;
    let mut events = match reply {
        Ok(reply) => reply.history.unwrap_or_default().events,
        Err(refused) => return s.show::<GetWorkflowExecutionHistoryRequest>(&Err(refused)),
    };
    for event in &mut events {
        match &mut event.attributes {
            Some(Attributes::WorkflowExecutionTerminatedEventAttributes(ended)) => ended.identity.clear(),
            Some(Attributes::WorkflowExecutionCancelRequestedEventAttributes(asked)) => asked.identity.clear(),
            Some(Attributes::WorkflowExecutionSignaledEventAttributes(signalled)) => signalled.request_id.clear(),
            _ => {}
        }
    }
    s.note(format_args!("history of {id}:"));
    s.show_events("  ", &events);
}

async fn refused(s: &Script) {
    let whole = on(s, &["wf"], job(s, "j", termination()));
    let _ = s.call(StartBatchOperationRequest::default()).await;
    let _ = s.call(StartBatchOperationRequest { namespace: "nope".to_owned(), ..whole.clone() }).await;
    let _ = s.call(StartBatchOperationRequest { operation: None, ..whole.clone() }).await;
    let _ = s.call(StartBatchOperationRequest { reason: String::new(), ..whole.clone() }).await;
    let _ = s.call(StartBatchOperationRequest { executions: Vec::new(), ..whole.clone() }).await;
    let _ = s.call(StartBatchOperationRequest { job_id: String::new(), ..whole.clone() }).await;
    let _ = s.call(StartBatchOperationRequest { job_id: "j".repeat(1001), ..whole.clone() }).await;
    let _ = s.call(StartBatchOperationRequest { visibility_query: "WorkflowType='W'".to_owned(), ..whole }).await;
}

async fn refused_queries(s: &Script) {
    for query in ["()", "WorkflowType", "WorkflowType = 'W' AND", "ORDER BY StartTime", "a = b = c", "WorkflowId = 'x"] {
        let visibility_query = query.to_owned();
        let _ = s.call(StartBatchOperationRequest { visibility_query, ..job(s, "j", termination()) }).await;
    }
}

async fn refused_operations(s: &Script) {
    let options = |options: ResetOptions| BatchOperationReset { options: Some(options), ..Default::default() };
    let update = |workflow_execution_options| BatchOperationUpdateWorkflowExecutionOptions {
        workflow_execution_options,
        ..Default::default()
    };
    for operation in [
        Operation::SignalOperation(BatchOperationSignal::default()),
        Operation::ResetOperation(BatchOperationReset::default()),
        Operation::ResetOperation(BatchOperationReset { reset_type: 7, ..Default::default() }),
        Operation::ResetOperation(options(ResetOptions::default())),
        Operation::UpdateWorkflowOptionsOperation(update(None)),
        Operation::UpdateWorkflowOptionsOperation(update(Some(WorkflowExecutionOptions::default()))),
    ] {
        let _ = s.call(on(s, &["wf"], job(s, "j", operation))).await;
    }
}

async fn refused_activity_operations(s: &Script) {
    use {batch_operation_reset_activities as reset, batch_operation_unpause_activities as unpause};
    let unpause =
        |activity| Operation::UnpauseActivitiesOperation(BatchOperationUnpauseActivities { activity, ..Default::default() });
    let reset =
        |activity| Operation::ResetActivitiesOperation(BatchOperationResetActivities { activity, ..Default::default() });
    let update = |of| Operation::UpdateActivityOptionsOperation(of);
    for operation in [
        unpause(None),
        unpause(Some(unpause::Activity::Type(String::new()))),
        unpause(Some(unpause::Activity::MatchAll(false))),
        reset(None),
        reset(Some(reset::Activity::Type(String::new()))),
        reset(Some(reset::Activity::MatchAll(false))),
        update(BatchOperationUpdateActivityOptions::default()),
        update(BatchOperationUpdateActivityOptions {
            restore_original: true,
            activity_options: Some(Default::default()),
            ..Default::default()
        }),
        update(BatchOperationUpdateActivityOptions {
            restore_original: true,
            activity: Some(batch_operation_update_activity_options::Activity::Type(String::new())),
            ..Default::default()
        }),
    ] {
        let _ = s.call(on(s, &["wf"], job(s, "j", operation))).await;
    }
}

async fn refused_targets(s: &Script) {
    let target = |of: ExecutionType| Execution { r#type: of.into(), business_id: s.id("wf"), run_id: String::new() };
    for kinds in [vec![ExecutionType::Activity], vec![ExecutionType::Workflow, ExecutionType::Unspecified]] {
        let target_executions = kinds.into_iter().map(target).collect();
        let _ = s.call(StartBatchOperationRequest { target_executions, ..job(s, "j", termination()) }).await;
    }
}

async fn terminate(s: &Script) {
    s.start("a").await;
    s.start_waiting("b").await;
    done(s, on(s, &["a", "b"], job(s, "j", termination()))).await;
    history(s, "a").await;
    history(s, "b").await;
}

async fn cancel(s: &Script) {
    s.start_waiting("open").await;
    s.start("closed").await;
    s.terminate("closed").await;
    let operation = Operation::CancellationOperation(BatchOperationCancellation { identity: "operator".to_owned() });
    done(s, on(s, &["open", "closed"], job(s, "j", operation))).await;
    history(s, "open").await;
    history(s, "closed").await;
}

fn signalling() -> Operation {
    Operation::SignalOperation(BatchOperationSignal {
        signal: "hello".to_owned(),
        input: payloads("the input"),
        identity: "operator".to_owned(),
        ..Default::default()
    })
}

async fn signal(s: &Script) {
    s.start_waiting("open").await;
    s.start("closed").await;
    s.terminate("closed").await;
    done(s, on(s, &["open", "closed"], job(s, "j", signalling()))).await;
    history(s, "open").await;
    history(s, "closed").await;
}

async fn delete(s: &Script) {
    s.start("open").await;
    s.start("closed").await;
    s.terminate("closed").await;
    let operation = Operation::DeletionOperation(BatchOperationDeletion { identity: "operator".to_owned() });
    done(s, on(s, &["open", "closed", "missing"], job(s, "j", operation))).await;
    for id in ["open", "closed"] {
        while s.client.call(s.new_describe(id)).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        s.describe(id).await;
    }
}

async fn named_twice_and_not_there(s: &Script) {
    s.start("a").await;
    let mut request = on(s, &["a", "a", "missing"], job(s, "j", termination()));
    request.executions.push(WorkflowExecution { workflow_id: s.id("a"), run_id: "no-uuid".to_owned() });
    request.executions.push(WorkflowExecution::default());
    done(s, request).await;
    history(s, "a").await;
}

/// Waits until a listing has as many.
async fn await_count(s: &Script, query: &str, count: i64) {
    let request = CountWorkflowExecutionsRequest { namespace: NAMESPACE.to_owned(), query: query.to_owned() };
    while s.client.call(request.clone()).await.map(|reply| reply.count).unwrap_or_default() != count {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn by_query(s: &Script) {
    for id in ["a", "b", "c"] {
        s.start(id).await;
    }
    s.terminate("c").await;
    let query = format!("TaskQueue = '{}'", s.queue());
    await_count(s, &format!("{query} AND ExecutionStatus = 'Running'"), 2).await;
    let visibility_query = query.clone();
    done(s, StartBatchOperationRequest { visibility_query, ..job(s, "signal", signalling()) }).await;
    await_count(s, &format!("{query} AND ExecutionStatus = 'Running'"), 2).await;
    done(s, StartBatchOperationRequest { visibility_query: query, ..job(s, "end", termination()) }).await;
    for id in ["a", "b", "c"] {
        history(s, id).await;
    }
}

async fn a_query_that_is_none(s: &Script) {
    for (n, query) in ["Nope = 'x'", "WorkflowType = 'W' ORDER BY StartTime", "WorkflowType > 3"].iter().enumerate() {
        let visibility_query = (*query).to_owned();
        done(s, StartBatchOperationRequest { visibility_query, ..job(s, &format!("j{n}"), termination()) }).await;
    }
}

async fn a_query_without_results(s: &Script) {
    let visibility_query = format!("TaskQueue = '{}'", s.queue());
    done(s, StartBatchOperationRequest { visibility_query, ..job(s, "j", termination()) }).await;
}

async fn a_job_id_again(s: &Script) {
    s.start("a").await;
    let request = on(s, &["a"], job(s, "j", termination()));
    done(s, request.clone()).await;
    let _ = s.call(request).await;
}

async fn a_job_id_of_a_workflow(s: &Script) {
    s.start("wf").await;
    let _ = s.call(on(s, &["wf"], job(s, "wf", termination()))).await;
    s.terminate("wf").await;
    let _ = s.call(on(s, &["wf"], job(s, "wf", termination()))).await;
}

async fn target_executions(s: &Script) {
    s.start("a").await;
    let target = Execution { r#type: ExecutionType::Workflow.into(), business_id: s.id("a"), run_id: String::new() };
    done(s, StartBatchOperationRequest { target_executions: vec![target], ..job(s, "j", termination()) }).await;
    history(s, "a").await;
}

fn new_stop(s: &Script, id: &str) -> StopBatchOperationRequest {
    StopBatchOperationRequest {
        namespace: NAMESPACE.to_owned(),
        job_id: s.id(id),
        reason: "enough".to_owned(),
        identity: "operator".to_owned(),
    }
}

/// Not how far it is: the real server tells that every few seconds.
fn show_state(s: &Script, reply: Result<DescribeBatchOperationResponse, Status>) {
    let reply = reply.map(|reply| DescribeBatchOperationResponse {
        total_operation_count: 0,
        complete_operation_count: 0,
        failure_operation_count: 0,
        executions: Vec::new(),
        ..reply
    });
    s.show::<DescribeBatchOperationRequest>(&reply);
}

async fn stop(s: &Script) {
    s.start("a").await;
    let many = vec!["a"; 900];
    let operation = Operation::CancellationOperation(BatchOperationCancellation { identity: "operator".to_owned() });
    let _ = s.call(on(s, &many, job(s, "j", operation))).await;
    s.await_event("a", EventType::WorkflowExecutionCancelRequested).await;
    show_state(s, s.client.call(new_describe(s, "j")).await);
    let _ = s.call(new_stop(s, "j")).await;
    show_state(s, s.client.call(new_describe(s, "j")).await);
    let _ = s.call(new_stop(s, "j")).await;
}

async fn stop_refused(s: &Script) {
    let _ = s.call(StopBatchOperationRequest::default()).await;
    let _ = s.call(StopBatchOperationRequest { job_id: String::new(), ..new_stop(s, "j") }).await;
    let _ = s.call(StopBatchOperationRequest { reason: String::new(), ..new_stop(s, "j") }).await;
    let _ = s.call(StopBatchOperationRequest { namespace: "nope".to_owned(), ..new_stop(s, "j") }).await;
    let _ = s.call(new_stop(s, "missing")).await;
}

async fn describe_refused(s: &Script) {
    let _ = s.call(DescribeBatchOperationRequest::default()).await;
    let _ = s.call(DescribeBatchOperationRequest { job_id: String::new(), ..new_describe(s, "j") }).await;
    let _ = s.call(DescribeBatchOperationRequest { namespace: "nope".to_owned(), ..new_describe(s, "j") }).await;
    let _ = s.call(new_describe(s, "missing")).await;
}

async fn describe_a_workflow(s: &Script) {
    s.start("stopped").await;
    let _ = s.call(new_stop(s, "stopped")).await;
    history(s, "stopped").await;
    let _ = s.call(new_describe(s, "stopped")).await;
}

async fn list(s: &Script) {
    let namespace = "batches-list".to_owned();
    let request = RegisterNamespaceRequest {
        namespace: namespace.clone(),
        workflow_execution_retention_period: seconds(3600.0),
        ..Default::default()
    };
    s.client.call(request).await.expect("it is registered");
    let job = |id: &str| StartBatchOperationRequest {
        namespace: namespace.clone(),
        job_id: id.to_owned(),
        ..on(s, &["missing"], job(s, id, signalling()))
    };
    // The real server's worker of the namespace comes after a while.
    for id in ["a", "b", "c"] {
        while s.client.call(job(id)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let describe = DescribeBatchOperationRequest { namespace: namespace.clone(), job_id: id.to_owned() };
        while s.client.call(describe.clone()).await.expect("it is there").state() == BatchOperationState::Running {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let query = "TemporalNamespaceDivision = 'TemporalBatcher' AND ExecutionStatus = 'Completed'";
    let all = ListBatchOperationsRequest { namespace: namespace.clone(), ..Default::default() };
    let is_listed = |reply: &ListBatchOperationsResponse| {
        reply.operation_info.iter().filter(|job| job.state() == BatchOperationState::Completed).count() == 3
    };
    while !s.client.call(all.clone()).await.is_ok_and(|reply| is_listed(&reply)) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let _ = (query, s.call(all.clone()).await);
    let mut page = ListBatchOperationsRequest { page_size: 2, ..all };
    while let Ok(reply) = s.call(page.clone()).await {
        page.next_page_token = reply.next_page_token;
        if page.next_page_token.is_empty() {
            break;
        }
    }
    let foreign =
        ListBatchOperationsRequest { next_page_token: b"bad".to_vec(), namespace: namespace.clone(), ..Default::default() };
    let _ = s.call(foreign).await;
    let _ = s.call(ListBatchOperationsRequest::default()).await;
    let _ = s.call(ListBatchOperationsRequest { namespace: "nope".to_owned(), ..Default::default() }).await;
}
