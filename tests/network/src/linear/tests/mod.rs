//! Small transcripts of what clients were told of one workflow, right and wrong, and the words in which they are written.

mod life;
mod search;
mod server;
mod starts;

use bytes::Bytes;
use foretime_server::proto::{
    enums::{
        WorkflowExecutionStatus::{self, Completed, ContinuedAsNew, Failed, Running, Terminated},
        WorkflowIdConflictPolicy as Conflict, WorkflowIdReusePolicy as Reuse,
    },
    errordetails::WorkflowExecutionAlreadyStartedFailure,
    google::rpc,
};
use prost::{Message, Name};
use tonic::Code;

use super::{RunTruth, Truth, Verdict, check, words};
use crate::record::call::{Asked, ClientCall, Given, Refused, Start};

const WORKFLOW: &str = "order-1";

/// What was told, in which words it is refuted.
fn verdict(calls: &[ClientCall], runs: &[RunTruth]) -> Result<Verdict, String> {
    let calls: Vec<&ClientCall> = calls.iter().collect();
    check(WORKFLOW, &calls, &Truth { runs: runs.to_vec() }).map_err(|contradiction| contradiction.to_string())
}

#[track_caller]
fn is_right(calls: &[ClientCall], runs: &[RunTruth]) {
    assert_eq!(verdict(calls, runs).unwrap_or_else(|story| panic!("{story}")), Verdict::Explained);
}

/// The last of the calls is the one that cannot be.
#[track_caller]
fn last_is_wrong(calls: &[ClientCall], runs: &[RunTruth]) {
    is_right(&calls[..calls.len() - 1], runs);
    let story = verdict(calls, runs).expect_err("the last call is wrong");
    let last = words::call(&calls[calls.len() - 1]);
    let (_, stuck) = story.split_once("the first must:\n").expect("a story ends with what must come next");
    assert!(stuck.trim_start().starts_with(&last), "{last}\nis not what is wrong here:\n{story}");
}

fn call(began_ns: u64, ended: Option<(u64, Result<Given, Refused>)>, asked: Asked) -> ClientCall {
    ClientCall { client: "client-1".to_owned(), workflow_id: WORKFLOW.to_owned(), asked, began_ns, ended }
}

fn heard(began_ns: u64, ended_ns: u64, asked: Asked, given: Given) -> ClientCall {
    call(began_ns, Some((ended_ns, Ok(given))), asked)
}

fn refused(began_ns: u64, ended_ns: u64, asked: Asked, code: Code) -> ClientCall {
    let refused = Refused { code, text: "no".to_owned(), details: Bytes::new() };
    call(began_ns, Some((ended_ns, Err(refused))), asked)
}

fn unheard(began_ns: u64, asked: Asked) -> ClientCall {
    call(began_ns, None, asked)
}

fn already_started(began_ns: u64, ended_ns: u64, asked: Asked, run_id: &str, start_request_id: &str) -> ClientCall {
    let failure = WorkflowExecutionAlreadyStartedFailure {
        start_request_id: start_request_id.to_owned(),
        run_id: run_id.to_owned(),
        ..WorkflowExecutionAlreadyStartedFailure::default()
    };
    let type_url = format!("type.googleapis.com/{}", WorkflowExecutionAlreadyStartedFailure::full_name());
    let detail = prost_types::Any { type_url, value: failure.encode_to_vec() };
    let status = rpc::Status { details: vec![detail], ..rpc::Status::default() };
    let details = status.encode_to_vec().into();
    call(began_ns, Some((ended_ns, Err(Refused { code: Code::AlreadyExists, text: "no".to_owned(), details }))), asked)
}

fn start_with(request_id: &str, reuse: Reuse, conflict: Conflict) -> Start {
    Start { request_id: request_id.to_owned(), nonce: format!("input of {request_id}"), reuse, conflict }
}

fn start(request_id: &str) -> Asked {
    Asked::Start(start_with(request_id, Reuse::AllowDuplicate, Conflict::Fail))
}

fn start_instead(request_id: &str) -> Asked {
    Asked::Start(start_with(request_id, Reuse::AllowDuplicate, Conflict::TerminateExisting))
}

fn start_or_use(request_id: &str) -> Asked {
    Asked::Start(start_with(request_id, Reuse::AllowDuplicate, Conflict::UseExisting))
}

fn signal_with_start(request_id: &str, nonce: &str) -> Asked {
    let start = start_with(request_id, Reuse::AllowDuplicate, Conflict::UseExisting);
    Asked::SignalWithStart { start, nonce: nonce.to_owned() }
}

fn signal(run_id: &str, nonce: &str) -> Asked {
    Asked::Signal { run_id: run_id.to_owned(), request_id: format!("request of {nonce}"), nonce: nonce.to_owned() }
}

fn update(run_id: &str, update_id: &str) -> Asked {
    Asked::Update { run_id: run_id.to_owned(), update_id: update_id.to_owned(), nonce: format!("input of {update_id}") }
}

fn cancel(run_id: &str) -> Asked {
    Asked::Cancel { run_id: run_id.to_owned(), request_id: "cancel-1".to_owned() }
}

fn terminate(run_id: &str, nonce: &str) -> Asked {
    Asked::Terminate { run_id: run_id.to_owned(), nonce: nonce.to_owned() }
}

fn describe(run_id: &str) -> Asked {
    Asked::Describe { run_id: run_id.to_owned() }
}

fn query(run_id: &str) -> Asked {
    Asked::Query { run_id: run_id.to_owned() }
}

fn wait(run_id: &str) -> Asked {
    Asked::Await { run_id: run_id.to_owned() }
}

fn started(run_id: &str) -> Given {
    Given::Started { run_id: run_id.to_owned(), started: true }
}

fn used(run_id: &str) -> Given {
    Given::Started { run_id: run_id.to_owned(), started: false }
}

fn described(run_id: &str, status: WorkflowExecutionStatus) -> Given {
    Given::Described { run_id: run_id.to_owned(), status }
}

fn ended(run_id: &str, status: WorkflowExecutionStatus) -> Given {
    Given::Closed { run_id: run_id.to_owned(), status, result: None }
}

fn updated(run_id: &str) -> Given {
    Given::Updated { run_id: run_id.to_owned(), outcome: Ok("done".to_owned()) }
}

fn answered() -> Given {
    Given::Answered("0".to_owned())
}

fn run(run_id: &str, start_request_id: &str, status: WorkflowExecutionStatus) -> RunTruth {
    RunTruth {
        run_id: run_id.to_owned(),
        continued_from: None,
        start_request_id: start_request_id.to_owned(),
        status,
        terminated_for: String::new(),
        signal_nonces: [].into(),
        update_ids: [].into(),
        is_cancel_requested: false,
    }
}

fn next_run(run_id: &str, before: &str, status: WorkflowExecutionStatus) -> RunTruth {
    RunTruth { continued_from: Some(before.to_owned()), ..run(run_id, "of-the-server", status) }
}

fn terminated(run: RunTruth, nonce: &str) -> RunTruth {
    RunTruth { status: Terminated, terminated_for: nonce.to_owned(), ..run }
}

fn signaled(run: RunTruth, nonce: &str) -> RunTruth {
    RunTruth { signal_nonces: [nonce.to_owned()].into(), ..run }
}
