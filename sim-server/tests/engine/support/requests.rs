//! Requests of clients and workers, with only the required fields set.

use foretime_server::proto::{
    common::{WorkflowExecution, WorkflowType},
    enums::TaskQueueKind,
    query::WorkflowQuery,
    taskqueue::TaskQueue,
    workflowservice::*,
};

use super::payloads;

/// The namespace that every test begins with.
pub(crate) const NAMESPACE: &str = "default";
/// The task queue of workflows and of their activities.
pub(crate) const QUEUE: &str = "queue";
/// The task queue of children, so that a test knows whose task it polls.
pub(crate) const CHILDREN: &str = "children";
/// The identity of clients.
pub(crate) const CLIENT: &str = "client";

/// The current run of a workflow id.
pub(crate) fn execution(workflow_id: &str) -> Option<WorkflowExecution> {
    run(workflow_id, "")
}

/// One run.
pub(crate) fn run(workflow_id: &str, run_id: &str) -> Option<WorkflowExecution> {
    Some(WorkflowExecution { workflow_id: workflow_id.to_owned(), run_id: run_id.to_owned() })
}

pub(crate) fn workflow_type(name: &str) -> Option<WorkflowType> {
    Some(WorkflowType { name: name.to_owned() })
}

/// A queue that all workers share.
pub(crate) fn task_queue(name: &str) -> Option<TaskQueue> {
    Some(TaskQueue { name: name.to_owned(), kind: TaskQueueKind::Normal.into(), ..TaskQueue::default() })
}

/// The queue of the worker that has the workflow in its cache.
pub(crate) fn sticky_queue(name: &str) -> Option<TaskQueue> {
    Some(TaskQueue { name: name.to_owned(), kind: TaskQueueKind::Sticky.into(), normal_name: QUEUE.to_owned() })
}

pub(crate) fn start(workflow_id: &str) -> StartWorkflowExecutionRequest {
    StartWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_id: workflow_id.to_owned(),
        workflow_type: workflow_type("W"),
        task_queue: task_queue(QUEUE),
        identity: CLIENT.to_owned(),
        ..StartWorkflowExecutionRequest::default()
    }
}

pub(crate) fn signal(workflow_id: &str, name: &str) -> SignalWorkflowExecutionRequest {
    SignalWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_execution: execution(workflow_id),
        signal_name: name.to_owned(),
        identity: CLIENT.to_owned(),
        ..SignalWorkflowExecutionRequest::default()
    }
}

pub(crate) fn signal_with_start(workflow_id: &str, name: &str) -> SignalWithStartWorkflowExecutionRequest {
    SignalWithStartWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_id: workflow_id.to_owned(),
        workflow_type: workflow_type("W"),
        task_queue: task_queue(QUEUE),
        signal_name: name.to_owned(),
        identity: CLIENT.to_owned(),
        ..SignalWithStartWorkflowExecutionRequest::default()
    }
}

pub(crate) fn request_cancel(workflow_id: &str) -> RequestCancelWorkflowExecutionRequest {
    RequestCancelWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_execution: execution(workflow_id),
        identity: CLIENT.to_owned(),
        ..RequestCancelWorkflowExecutionRequest::default()
    }
}

pub(crate) fn terminate(workflow_id: &str) -> TerminateWorkflowExecutionRequest {
    TerminateWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_execution: execution(workflow_id),
        identity: CLIENT.to_owned(),
        ..TerminateWorkflowExecutionRequest::default()
    }
}

pub(crate) fn describe(workflow_id: &str) -> DescribeWorkflowExecutionRequest {
    DescribeWorkflowExecutionRequest { namespace: NAMESPACE.to_owned(), execution: execution(workflow_id) }
}

pub(crate) fn read(workflow_id: &str) -> GetWorkflowExecutionHistoryRequest {
    GetWorkflowExecutionHistoryRequest {
        namespace: NAMESPACE.to_owned(),
        execution: execution(workflow_id),
        ..GetWorkflowExecutionHistoryRequest::default()
    }
}

pub(crate) fn query(workflow_id: &str, query_type: &str) -> QueryWorkflowRequest {
    QueryWorkflowRequest {
        namespace: NAMESPACE.to_owned(),
        execution: execution(workflow_id),
        query: Some(WorkflowQuery {
            query_type: query_type.to_owned(),
            query_args: payloads("argument"),
            ..WorkflowQuery::default()
        }),
        ..QueryWorkflowRequest::default()
    }
}

pub(crate) fn workflow_poll(queue: Option<TaskQueue>, identity: &str) -> PollWorkflowTaskQueueRequest {
    PollWorkflowTaskQueueRequest {
        namespace: NAMESPACE.to_owned(),
        task_queue: queue,
        identity: identity.to_owned(),
        ..PollWorkflowTaskQueueRequest::default()
    }
}

pub(crate) fn activity_poll(identity: &str) -> PollActivityTaskQueueRequest {
    PollActivityTaskQueueRequest {
        namespace: NAMESPACE.to_owned(),
        task_queue: task_queue(QUEUE),
        identity: identity.to_owned(),
        ..PollActivityTaskQueueRequest::default()
    }
}
