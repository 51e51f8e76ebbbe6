//! Calls of clients, and what these were told in the end.

use foretime_server::proto::{
    enums::{WorkflowExecutionStatus, WorkflowIdConflictPolicy, WorkflowIdReusePolicy},
    errordetails::WorkflowExecutionAlreadyStartedFailure,
    google::rpc,
};
use prost::Message;
use prost_types::Any;
use tonic::{Code, Status};

use crate::record::call::{Asked, ClientCall, Given, Start};

/// A signal that its client was told is done.
pub(in crate::checks) fn signal_call(workflow_id: &str, nonce: &str) -> ClientCall {
    let asked = Asked::Signal { run_id: String::new(), request_id: format!("request-{nonce}"), nonce: nonce.to_owned() };
    call(workflow_id, asked, Given::Done)
}

/// A start, and what its client was told.
pub(in crate::checks) fn start_call(workflow_id: &str, nonce: &str, run_id: &str, started: bool) -> ClientCall {
    let start = Start {
        request_id: format!("request-{nonce}"),
        nonce: nonce.to_owned(),
        reuse: WorkflowIdReusePolicy::Unspecified,
        conflict: WorkflowIdConflictPolicy::Unspecified,
    };
    call(workflow_id, Asked::Start(start), Given::Started { run_id: run_id.to_owned(), started })
}

/// An update whose id is its nonce, and what its client was told.
pub(in crate::checks) fn update_call(workflow_id: &str, nonce: &str, run_id: &str, outcome: Result<&str, &str>) -> ClientCall {
    let asked = Asked::Update { run_id: String::new(), update_id: nonce.to_owned(), nonce: nonce.to_owned() };
    let outcome = outcome.map(str::to_owned).map_err(str::to_owned);
    call(workflow_id, asked, Given::Updated { run_id: run_id.to_owned(), outcome })
}

/// An await, and what its client was told.
pub(in crate::checks) fn closed(
    workflow_id: &str,
    asked_run_id: &str,
    run_id: &str,
    status: WorkflowExecutionStatus,
    result: Option<&str>,
) -> ClientCall {
    let given = Given::Closed { run_id: run_id.to_owned(), status, result: result.map(str::to_owned) };
    call(workflow_id, Asked::Await { run_id: asked_run_id.to_owned() }, given)
}

/// A description, and what its client was told.
pub(in crate::checks) fn described(
    workflow_id: &str,
    asked: &str,
    run_id: &str,
    status: WorkflowExecutionStatus,
) -> ClientCall {
    call(workflow_id, Asked::Describe { run_id: asked.to_owned() }, Given::Described { run_id: run_id.to_owned(), status })
}

/// A query, when it began and ended, in virtual nanoseconds, and what its client was told.
pub(in crate::checks) fn query_call(workflow_id: &str, asked: &str, told: &str, began_ns: u64, ended_ns: u64) -> ClientCall {
    let given = Given::Answered(told.to_owned());
    let asked = Asked::Query { run_id: asked.to_owned() };
    ClientCall { began_ns, ended: Some((ended_ns, Ok(given.clone()))), ..call(workflow_id, asked, given) }
}

/// The refusal of a start because of a run.
pub(in crate::checks) fn already_started(run_id: &str) -> Status {
    let failure = WorkflowExecutionAlreadyStartedFailure { run_id: run_id.to_owned(), ..Default::default() };
    let detail = Any { type_url: String::new(), value: failure.encode_to_vec() };
    let status = rpc::Status { code: Code::AlreadyExists as i32, message: String::new(), details: vec![detail] };
    Status::with_details(Code::AlreadyExists, "running", status.encode_to_vec().into())
}

fn call(workflow_id: &str, asked: Asked, given: Given) -> ClientCall {
    ClientCall {
        client: "client-1".to_owned(),
        workflow_id: workflow_id.to_owned(),
        asked,
        began_ns: 1,
        ended: Some((2, Ok(given))),
    }
}
