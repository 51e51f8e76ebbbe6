//! Batch operations in virtual time.

#![allow(deprecated, reason = "the API deprecates how executions are named, which clients still use")]

use foretime_server::{
    config::Config,
    proto::{
        batch::{BatchOperationCancellation, BatchOperationDeletion, BatchOperationTermination},
        common::WorkflowExecution,
        enums::{BatchOperationState as State, WorkflowExecutionStatus},
        foretimeservice::ExplainTimeRequest,
        operatorservice::DeleteNamespaceRequest,
        workflowservice::{start_batch_operation_request::Operation, *},
    },
};

use crate::support::*;

fn job(id: &str, operation: Operation) -> StartBatchOperationRequest {
    StartBatchOperationRequest {
        namespace: NAMESPACE.to_owned(),
        job_id: id.to_owned(),
        reason: "the reason".to_owned(),
        operation: Some(operation),
        ..StartBatchOperationRequest::default()
    }
}

fn on(ids: &[&str], request: StartBatchOperationRequest) -> StartBatchOperationRequest {
    let executions = ids.iter().map(|id| WorkflowExecution { workflow_id: (*id).to_owned(), run_id: String::new() });
    StartBatchOperationRequest { executions: executions.collect(), ..request }
}

fn termination() -> Operation {
    Operation::TerminationOperation(BatchOperationTermination::default())
}

/// State, and the counts: all, done, failed.
fn progress(t: &mut Transcript, job_id: &str) -> (State, [i64; 3]) {
    let (namespace, job_id) = (NAMESPACE.to_owned(), job_id.to_owned());
    let reply = t.calls(DescribeBatchOperationRequest { namespace, job_id });
    let counts = [reply.total_operation_count, reply.complete_operation_count, reply.failure_operation_count];
    (reply.state(), counts)
}

fn stop(job_id: &str) -> StopBatchOperationRequest {
    StopBatchOperationRequest {
        namespace: NAMESPACE.to_owned(),
        job_id: job_id.to_owned(),
        reason: "enough".to_owned(),
        ..StopBatchOperationRequest::default()
    }
}

const STEP: std::time::Duration = std::time::Duration::from_millis(20);

#[test]
fn one_workflow_after_another_at_fifty_a_second() {
    let mut t = Transcript::new();
    for id in ["a", "b", "c"] {
        t.starts(id);
    }
    t.calls(on(&["a", "b", "c"], job("j", termination())));
    assert_eq!(progress(&mut t, "j"), (State::Running, [0, 0, 0]));
    assert_eq!(t.next_deadline(), Some(STEP));
    t.time_passes(STEP);
    assert_eq!(progress(&mut t, "j"), (State::Running, [3, 1, 0]));
    t.time_passes(STEP);
    assert_eq!(t.status_of("b"), WorkflowExecutionStatus::Terminated);
    assert_eq!(t.status_of("c"), WorkflowExecutionStatus::Running);
    t.time_passes(STEP);
    assert_eq!(progress(&mut t, "j"), (State::Completed, [3, 3, 0]));
    assert_eq!(t.next_deadline(), None);
}

#[test]
fn the_request_may_ask_for_less_and_the_configuration_for_more() {
    let dynamic_config = [("worker.batcherRPS".to_owned(), "1000".to_owned())].into();
    let mut t = Transcript::with(Config { dynamic_config, ..Config::default() });
    t.calls(on(&["missing"], job("fast", termination())));
    assert_eq!(t.next_deadline(), Some(std::time::Duration::from_millis(1)));
    t.time_passes(std::time::Duration::from_millis(1));
    t.calls(StartBatchOperationRequest { max_operations_per_second: 0.5, ..on(&["missing"], job("slow", termination())) });
    assert_eq!(t.next_deadline(), Some(seconds(2)));
}

#[test]
fn one_that_is_stopped_does_nothing_more() {
    let mut t = Transcript::new();
    t.starts("a");
    t.starts("b");
    t.calls(on(&["a", "b"], job("j", termination())));
    t.time_passes(STEP);
    t.calls(stop("j"));
    t.time_passes(seconds(60));
    assert_eq!(progress(&mut t, "j"), (State::Failed, [2, 1, 0]));
    assert_eq!(t.status_of("b"), WorkflowExecutionStatus::Running);
    t.refuses(stop("j"), "NotFound: workflow execution already completed");
}

#[test]
fn only_one_at_a_time_in_a_namespace() {
    let namespaces = vec![NAMESPACE.to_owned(), "other".to_owned()];
    let mut t = Transcript::with(Config { namespaces, ..Config::default() });
    t.calls(on(&["missing"], job("first", termination())));
    let second = on(&["missing"], job("second", termination()));
    t.refuses(second.clone(), "ResourceExhausted: Max concurrent batch operations is reached");
    t.calls(StartBatchOperationRequest { namespace: "other".to_owned(), ..second.clone() });
    t.time_passes(STEP);
    t.calls(second);
}

#[test]
fn time_skips_to_its_steps() {
    let mut t = Transcript::skipping();
    t.starts("a");
    t.terminates("a");
    t.calls(on(&["a", "a", "a"], job("j", termination())));
    t.time_skips();
    assert_eq!(progress(&mut t, "j"), (State::Completed, [3, 3, 0]));
    assert_eq!(t.elapsed(), STEP * 3);
}

#[test]
fn a_query_is_asked_when_the_first_step_is_due() {
    let mut t = Transcript::new();
    t.starts("before");
    let visibility_query = "WorkflowType = 'W'".to_owned();
    t.calls(StartBatchOperationRequest { visibility_query, ..job("j", termination()) });
    t.starts("between");
    t.time_passes(STEP);
    t.starts("after");
    t.time_passes(seconds(1));
    assert_eq!(progress(&mut t, "j"), (State::Completed, [2, 2, 0]));
    assert_eq!(t.status_of("after"), WorkflowExecutionStatus::Running);
}

#[test]
fn a_query_that_finds_nothing_leaves_two_and_a_half_seconds_to_stop_the_job() {
    let mut t = Transcript::new();
    let visibility_query = "WorkflowType = 'Missing'".to_owned();
    for job_id in ["over", "stopped"] {
        t.calls(StartBatchOperationRequest { visibility_query: visibility_query.clone(), ..job(job_id, termination()) });
        t.time_passes(STEP);
        assert_eq!(progress(&mut t, job_id), (State::Running, [0, 0, 0]));
        assert_eq!(t.next_deadline(), Some(seconds(2) + seconds(1) / 2));
        if job_id == "stopped" {
            t.calls(stop(job_id));
            assert_eq!(progress(&mut t, job_id), (State::Failed, [0, 0, 0]));
        } else {
            t.time_passes(seconds(2) + seconds(1) / 2);
            assert_eq!(progress(&mut t, job_id), (State::Completed, [0, 0, 0]));
        }
        assert_eq!(t.next_deadline(), None);
    }
}

#[test]
fn what_is_closed_by_then_is_as_good_as_done() {
    let mut t = Transcript::new();
    t.starts("a");
    let cancellation = Operation::CancellationOperation(BatchOperationCancellation::default());
    let mut request = on(&["a", "missing"], job("j", cancellation));
    request.executions.push(WorkflowExecution { workflow_id: "a".to_owned(), run_id: "none".to_owned() });
    t.calls(request);
    t.terminates("a");
    t.time_passes(seconds(1));
    assert_eq!(progress(&mut t, "j"), (State::Completed, [3, 2, 1]));
}

#[test]
fn what_it_deletes_is_gone() {
    let mut t = Transcript::new();
    t.starts("a");
    t.calls(on(&["a"], job("j", Operation::DeletionOperation(BatchOperationDeletion::default()))));
    t.time_passes(seconds(1));
    t.refuses(describe("a"), "NotFound: workflow not found for ID: a");
}

#[test]
fn who_asks_why_time_stands_hears_what_is_due_next() {
    let mut t = Transcript::new();
    t.calls(on(&["missing"], job("j", termination())));
    let reply = t.calls(ExplainTimeRequest::default());
    assert!(format!("{reply:?}").contains("the next step of the batch operation j"), "{reply:?}");
}

#[test]
fn it_ends_with_its_namespace() {
    let mut t = Transcript::new();
    t.starts("a");
    t.calls(on(&["a"], job("j", termination())));
    t.calls(DeleteNamespaceRequest { namespace: NAMESPACE.to_owned(), ..DeleteNamespaceRequest::default() });
    assert_eq!(t.next_deadline(), None);
}

#[test]
fn one_that_is_still_listed_though_it_is_deleted_is_as_good_as_done() {
    let mut t = Transcript::with(Config { visibility_lag: seconds(2), ..Config::default() });
    t.starts("a");
    t.time_passes(seconds(2));
    t.calls(DeleteWorkflowExecutionRequest { namespace: NAMESPACE.to_owned(), workflow_execution: execution("a") });
    let request = StartBatchOperationRequest { visibility_query: "WorkflowType = 'W'".to_owned(), ..job("j", termination()) };
    t.calls(request);
    t.time_passes(STEP);
    t.time_passes(STEP);
    assert_eq!(progress(&mut t, "j"), (State::Completed, [1, 1, 0]));
}
