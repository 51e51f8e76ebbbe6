//! A worker without an SDK, which replays histories of one workflow: it completes with what the environment says.

use std::env;

use foretime_server::proto::{
    Rpc,
    command::{Command, CompleteWorkflowExecutionCommandAttributes, command},
    common::{Payload, Payloads},
    enums::{CommandType, EventType, QueryResultType, TaskQueueKind, WorkflowTaskFailedCause},
    failure::Failure,
    history::history_event::Attributes,
    query::WorkflowQueryResult,
    taskqueue::TaskQueue,
    workflowservice::{
        PollWorkflowTaskQueueRequest, PollWorkflowTaskQueueResponse, RespondWorkflowTaskCompletedRequest,
        RespondWorkflowTaskFailedRequest,
    },
};
use prost::Message;
use tonic::{
    Request, Status,
    codegen::http::uri::PathAndQuery,
    transport::{Channel, Endpoint},
};
use tonic_prost::ProstCodec;

use super::codec::{plain, secret};

pub(crate) const TASK_QUEUE: &str = "orders";
/// What the workflow completes with, as JSON.
pub(crate) const RESULT: &str = "TEST_RESULT";
/// With which key that is turned; as it is if there is none.
pub(crate) const KEY: &str = "TEST_KEY";
/// What must be in the workflow's input, else its code fails.
pub(crate) const NEEDED: &str = "TEST_NEEDED";

/// The result that the code has today.
fn result() -> Payload {
    let json = env::var(RESULT).expect("a result");
    match env::var(KEY) {
        Ok(key) => secret(&json, key.parse().expect("a number")),
        Err(_) => plain(&json),
    }
}

/// Replays whatever comes, until it is killed.
pub(crate) async fn replay() {
    let address = format!("http://{}", env::var("TEMPORAL_ADDRESS").expect("an address"));
    let mut channel = Endpoint::from_shared(address).expect("an address").connect().await.expect("a server");
    loop {
        let request = PollWorkflowTaskQueueRequest {
            namespace: "default".to_owned(),
            task_queue: Some(TaskQueue {
                name: TASK_QUEUE.to_owned(),
                kind: TaskQueueKind::Normal.into(),
                ..TaskQueue::default()
            }),
            ..PollWorkflowTaskQueueRequest::default()
        };
        let task = call(&mut channel, request).await.expect("a task, or none");
        if !task.task_token.is_empty() {
            answer(&mut channel, task).await;
        }
    }
}

async fn answer(channel: &mut Channel, task: PollWorkflowTaskQueueResponse) {
    let events = task.history.unwrap_or_default().events;
    let input = match &events[0].attributes {
        Some(Attributes::WorkflowExecutionStartedEventAttributes(started)) => started.input.clone().unwrap_or_default(),
        _ => panic!("no history"),
    };
    let input = input.payloads.first().map(|payload| String::from_utf8_lossy(&payload.data).into_owned()).unwrap_or_default();
    if let Ok(needed) = env::var(NEEDED)
        && !input.contains(&needed)
    {
        let failure = Failure { message: format!("no {needed} in {input}"), ..Failure::default() };
        let failed = RespondWorkflowTaskFailedRequest {
            task_token: task.task_token,
            cause: WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure.into(),
            failure: Some(failure),
            ..RespondWorkflowTaskFailedRequest::default()
        };
        call(channel, failed).await.expect("an answer");
        return;
    }
    let is_complete = events.iter().any(|event| event.event_type() == EventType::WorkflowExecutionCompleted);
    let completes = CompleteWorkflowExecutionCommandAttributes { result: Some(Payloads { payloads: vec![result()] }) };
    let completes = Command {
        command_type: CommandType::CompleteWorkflowExecution.into(),
        attributes: Some(command::Attributes::CompleteWorkflowExecutionCommandAttributes(completes)),
        ..Command::default()
    };
    let stack = WorkflowQueryResult {
        result_type: QueryResultType::Answered.into(),
        answer: Some(Payloads { payloads: vec![plain("\"\"")] }),
        ..WorkflowQueryResult::default()
    };
    let completed = RespondWorkflowTaskCompletedRequest {
        task_token: task.task_token,
        commands: if is_complete { Vec::new() } else { vec![completes] },
        query_results: task.queries.keys().map(|id| (id.clone(), stack.clone())).collect(),
        ..RespondWorkflowTaskCompletedRequest::default()
    };
    // The server refuses it once it has read it, so that workers with a cache forget the run.
    let _ = call(channel, completed).await;
}

async fn call<R: Rpc + Message + 'static>(channel: &mut Channel, request: R) -> Result<R::Reply, Status>
where
    R::Reply: 'static,
{
    let mut client = tonic::client::Grpc::new(channel.clone());
    client.ready().await.expect("a connection");
    let codec = ProstCodec::<R, R::Reply>::default();
    Ok(client.unary(Request::new(request), PathAndQuery::from_static(R::PATH), codec).await?.into_inner())
}
