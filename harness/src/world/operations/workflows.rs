//! Changes of one workflow.

use bytes::Bytes;
use foretime_campaign::operation::{Deed, Target};
use foretime_server::proto::{
    common::WorkflowExecution,
    workflowservice::{
        DeleteWorkflowExecutionRequest, PauseWorkflowExecutionRequest, ResetWorkflowExecutionRequest,
        UnpauseWorkflowExecutionRequest, UpdateWorkflowExecutionOptionsRequest,
    },
};
use prost::Message;

use super::carried_out::Done;

/// A change of one workflow that is no part of its work.
pub(super) fn of_workflow(rpc: &str, message: &Bytes) -> Option<Done> {
    let message = message.clone();
    Some(match rpc {
        "PauseWorkflowExecution" => {
            let it = PauseWorkflowExecutionRequest::decode(message).ok()?;
            (Deed::Pause, Target::Workflow { workflow_id: it.workflow_id, run_id: it.run_id }, it.reason)
        }
        "UnpauseWorkflowExecution" => {
            let it = UnpauseWorkflowExecutionRequest::decode(message).ok()?;
            (Deed::Unpause, Target::Workflow { workflow_id: it.workflow_id, run_id: it.run_id }, it.reason)
        }
        "ResetWorkflowExecution" => {
            let it = ResetWorkflowExecutionRequest::decode(message).ok()?;
            let deed = Deed::Reset { event_id: Some(it.workflow_task_finish_event_id) };
            (deed, workflow(it.workflow_execution), it.reason)
        }
        "DeleteWorkflowExecution" => {
            let it = DeleteWorkflowExecutionRequest::decode(message).ok()?;
            (Deed::Delete, workflow(it.workflow_execution), String::new())
        }
        "UpdateWorkflowExecutionOptions" => {
            let it = UpdateWorkflowExecutionOptionsRequest::decode(message).ok()?;
            (Deed::ChangeOptions, workflow(it.workflow_execution), String::new())
        }
        _ => return None,
    })
}

fn workflow(execution: Option<WorkflowExecution>) -> Target {
    let WorkflowExecution { workflow_id, run_id } = execution.unwrap_or_default();
    Target::Workflow { workflow_id, run_id }
}
