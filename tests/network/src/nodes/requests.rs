//! The messages that nodes send.

use std::time::Duration;

use foretime_server::proto::{
    common::{Payload, Payloads, WorkflowExecution, WorkflowType},
    enums::{HistoryEventFilterType, UpdateWorkflowExecutionLifecycleStage},
    query::WorkflowQuery,
    taskqueue::TaskQueue,
    update::{Input, Meta, Request, WaitPolicy},
    workflowservice::{
        DescribeWorkflowExecutionRequest, GetWorkflowExecutionHistoryRequest, PollActivityTaskQueueRequest,
        PollWorkflowTaskQueueRequest, QueryWorkflowRequest, RequestCancelWorkflowExecutionRequest,
        SignalWithStartWorkflowExecutionRequest, SignalWorkflowExecutionRequest, StartWorkflowExecutionRequest,
        TerminateWorkflowExecutionRequest, UpdateWorkflowExecutionRequest,
    },
};
use serde::Serialize;

use super::{NAMESPACE, TASK_QUEUE};
use crate::plan::{errand::StartWish, script::WORKFLOW_TYPE};

/// The request id of what has this nonce. It is the same in each attempt.
pub fn request_id(nonce: &str) -> String {
    format!("request-{nonce}")
}

/// A value as the SDKs encode it by default: JSON.
pub fn json(value: &impl Serialize) -> Payloads {
    let metadata = [("encoding".to_owned(), b"json/plain".to_vec())].into_iter().collect();
    let data = serde_json::to_vec(value).unwrap_or_default();
    Payloads { payloads: vec![Payload { metadata, data, ..Payload::default() }] }
}

/// The task queue.
pub fn task_queue() -> TaskQueue {
    TaskQueue { name: TASK_QUEUE.to_owned(), ..TaskQueue::default() }
}

/// `StartWorkflowExecution`.
pub fn start(workflow_id: &str, nonce: &str, wish: &StartWish) -> StartWorkflowExecutionRequest {
    let mut request = StartWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_id: workflow_id.to_owned(),
        workflow_type: Some(WorkflowType { name: WORKFLOW_TYPE.to_owned() }),
        task_queue: Some(task_queue()),
        input: Some(json(&wish.script)),
        workflow_task_timeout: Some(duration(wish.task_timeout)),
        identity: identity(nonce),
        request_id: request_id(nonce),
        ..StartWorkflowExecutionRequest::default()
    };
    request.set_workflow_id_reuse_policy(wish.reuse);
    request.set_workflow_id_conflict_policy(wish.conflict);
    request
}

/// `SignalWithStartWorkflowExecution`.
pub fn signal_with_start(workflow_id: &str, nonce: &str, wish: &StartWish) -> SignalWithStartWorkflowExecutionRequest {
    let mut request = SignalWithStartWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_id: workflow_id.to_owned(),
        workflow_type: Some(WorkflowType { name: WORKFLOW_TYPE.to_owned() }),
        task_queue: Some(task_queue()),
        input: Some(json(&wish.script)),
        workflow_task_timeout: Some(duration(wish.task_timeout)),
        identity: identity(nonce),
        request_id: request_id(nonce),
        signal_name: "note".to_owned(),
        signal_input: Some(json(&nonce)),
        ..SignalWithStartWorkflowExecutionRequest::default()
    };
    request.set_workflow_id_reuse_policy(wish.reuse);
    request.set_workflow_id_conflict_policy(wish.conflict);
    request
}

/// `SignalWorkflowExecution`.
pub fn signal(execution: WorkflowExecution, nonce: &str) -> SignalWorkflowExecutionRequest {
    SignalWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_execution: Some(execution),
        signal_name: "note".to_owned(),
        input: Some(json(&nonce)),
        identity: identity(nonce),
        request_id: request_id(nonce),
        ..SignalWorkflowExecutionRequest::default()
    }
}

/// `RequestCancelWorkflowExecution`.
pub fn cancel(execution: WorkflowExecution, nonce: &str) -> RequestCancelWorkflowExecutionRequest {
    RequestCancelWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_execution: Some(execution),
        identity: identity(nonce),
        request_id: request_id(nonce),
        reason: nonce.to_owned(),
        ..RequestCancelWorkflowExecutionRequest::default()
    }
}

/// `TerminateWorkflowExecution`.
pub fn terminate(execution: WorkflowExecution, nonce: &str) -> TerminateWorkflowExecutionRequest {
    TerminateWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_execution: Some(execution),
        reason: nonce.to_owned(),
        identity: identity(nonce),
        ..TerminateWorkflowExecutionRequest::default()
    }
}

/// `UpdateWorkflowExecution`, to wait until it is completed.
pub fn update(execution: WorkflowExecution, nonce: &str) -> UpdateWorkflowExecutionRequest {
    let mut wait_policy = WaitPolicy::default();
    wait_policy.set_lifecycle_stage(UpdateWorkflowExecutionLifecycleStage::Completed);
    UpdateWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_execution: Some(execution),
        wait_policy: Some(wait_policy),
        request: Some(Request {
            meta: Some(Meta { update_id: request_id(nonce), identity: identity(nonce) }),
            input: Some(Input { name: "change".to_owned(), args: Some(json(&nonce)), ..Input::default() }),
            ..Request::default()
        }),
        ..UpdateWorkflowExecutionRequest::default()
    }
}

/// `QueryWorkflow`.
pub fn query(execution: WorkflowExecution) -> QueryWorkflowRequest {
    QueryWorkflowRequest {
        namespace: NAMESPACE.to_owned(),
        execution: Some(execution),
        query: Some(WorkflowQuery { query_type: "state".to_owned(), ..WorkflowQuery::default() }),
        ..QueryWorkflowRequest::default()
    }
}

/// `DescribeWorkflowExecution`.
pub fn describe(execution: WorkflowExecution) -> DescribeWorkflowExecutionRequest {
    DescribeWorkflowExecutionRequest { namespace: NAMESPACE.to_owned(), execution: Some(execution) }
}

/// `GetWorkflowExecutionHistory`, to wait for the close event. `token`: of the answer before.
pub fn close_event(execution: WorkflowExecution, token: Vec<u8>) -> GetWorkflowExecutionHistoryRequest {
    let mut request = GetWorkflowExecutionHistoryRequest {
        namespace: NAMESPACE.to_owned(),
        execution: Some(execution),
        next_page_token: token,
        wait_new_event: true,
        ..GetWorkflowExecutionHistoryRequest::default()
    };
    request.set_history_event_filter_type(HistoryEventFilterType::CloseEvent);
    request
}

/// `GetWorkflowExecutionHistory`, for a further page.
pub fn further_page(execution: WorkflowExecution, token: Vec<u8>) -> GetWorkflowExecutionHistoryRequest {
    GetWorkflowExecutionHistoryRequest {
        namespace: NAMESPACE.to_owned(),
        execution: Some(execution),
        next_page_token: token,
        ..GetWorkflowExecutionHistoryRequest::default()
    }
}

/// `PollWorkflowTaskQueue`.
pub fn poll_workflow(worker: &str) -> PollWorkflowTaskQueueRequest {
    PollWorkflowTaskQueueRequest {
        namespace: NAMESPACE.to_owned(),
        task_queue: Some(task_queue()),
        identity: worker.to_owned(),
        ..PollWorkflowTaskQueueRequest::default()
    }
}

/// `PollActivityTaskQueue`.
pub fn poll_activity(worker: &str) -> PollActivityTaskQueueRequest {
    PollActivityTaskQueueRequest {
        namespace: NAMESPACE.to_owned(),
        task_queue: Some(task_queue()),
        identity: worker.to_owned(),
        ..PollActivityTaskQueueRequest::default()
    }
}

/// The client whose nonce this is.
fn identity(nonce: &str) -> String {
    nonce.split('.').next().unwrap_or_default().to_owned()
}

fn duration(span: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(span.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(span.subsec_nanos()).unwrap_or(0),
    }
}
