//! What operators do, as seen in requests that the server has carried out.

use std::collections::BTreeSet;

use bytes::Bytes;

use foretime_campaign::{
    operation::{Deed, Operation, Target, Which},
    process::ProcessId,
};
use foretime_server::proto::{
    common::WorkflowExecution,
    workflowservice::{
        CreateScheduleRequest, DeleteScheduleRequest, DeleteWorkflowExecutionRequest, PatchScheduleRequest,
        PauseActivityRequest, PauseWorkflowExecutionRequest, ResetActivityRequest, ResetWorkflowExecutionRequest,
        UnpauseActivityRequest, UnpauseWorkflowExecutionRequest, UpdateActivityOptionsRequest, UpdateScheduleRequest,
        UpdateWorkflowExecutionOptionsRequest, pause_activity_request, reset_activity_request, unpause_activity_request,
        update_activity_options_request,
    },
};
use prost::Message;

use super::State;

/// What operators did.
#[derive(Debug, Default)]
pub(super) struct Operations {
    /// Kept only for reports.
    pub(super) all: Vec<Operation>,
    /// The workflows of which the options of activities were changed.
    changed_options: BTreeSet<String>,
}

/// What was done, to what, and why.
type Done = (Deed, Target, String);

impl State {
    /// The server has carried out a request.
    pub(super) fn is_carried_out(&mut self, process: ProcessId, rpc: &str, message: &Bytes) {
        if rpc == "UpdateActivityOptions"
            && let Some((_, Target::Activity { workflow_id, .. }, _)) = of_activity(rpc, message)
        {
            self.operations.changed_options.insert(workflow_id);
        }
        if !self.log.is_detailed() {
            return;
        }
        let (at_ns, step) = (self.now_ns, self.log.steps());
        let done = of_activity(rpc, message).or_else(|| of_workflow(rpc, message)).or_else(|| of_schedule(rpc, message));
        if let Some((deed, to, reason)) = done {
            self.operations.all.push(Operation { at_ns, step, process, deed, to, reason });
        }
    }

    /// Whether somebody has changed the options of activities of this workflow.
    pub(crate) fn has_changed_options(&self, workflow_id: &str) -> bool {
        self.operations.changed_options.contains(workflow_id)
    }
}

fn of_activity(rpc: &str, message: &Bytes) -> Option<Done> {
    let message = message.clone();
    Some(match rpc {
        "PauseActivity" => {
            let it = PauseActivityRequest::decode(message).ok()?;
            let which = match it.activity? {
                pause_activity_request::Activity::Id(id) => Which::Id(id),
                pause_activity_request::Activity::Type(name) => Which::Type(name),
            };
            (Deed::Pause, activity(it.execution, which), it.reason)
        }
        "UnpauseActivity" => {
            let it = UnpauseActivityRequest::decode(message).ok()?;
            let which = match it.activity? {
                unpause_activity_request::Activity::Id(id) => Which::Id(id),
                unpause_activity_request::Activity::Type(name) => Which::Type(name),
                unpause_activity_request::Activity::UnpauseAll(_) => Which::All,
            };
            (Deed::Unpause, activity(it.execution, which), String::new())
        }
        "ResetActivity" => {
            let it = ResetActivityRequest::decode(message).ok()?;
            let which = match it.activity? {
                reset_activity_request::Activity::Id(id) => Which::Id(id),
                reset_activity_request::Activity::Type(name) => Which::Type(name),
                reset_activity_request::Activity::MatchAll(_) => Which::All,
            };
            (Deed::Reset { event_id: None }, activity(it.execution, which), String::new())
        }
        "UpdateActivityOptions" => {
            let it = UpdateActivityOptionsRequest::decode(message).ok()?;
            let which = match it.activity? {
                update_activity_options_request::Activity::Id(id) => Which::Id(id),
                update_activity_options_request::Activity::Type(name) => Which::Type(name),
                update_activity_options_request::Activity::MatchAll(_) => Which::All,
            };
            (Deed::ChangeOptions, activity(it.execution, which), String::new())
        }
        _ => return None,
    })
}

fn of_workflow(rpc: &str, message: &Bytes) -> Option<Done> {
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

fn of_schedule(rpc: &str, message: &Bytes) -> Option<Done> {
    let message = message.clone();
    Some(match rpc {
        "CreateSchedule" => {
            let it = CreateScheduleRequest::decode(message).ok()?;
            (Deed::Create, Target::Schedule(it.schedule_id), String::new())
        }
        "UpdateSchedule" => {
            let it = UpdateScheduleRequest::decode(message).ok()?;
            (Deed::Change, Target::Schedule(it.schedule_id), String::new())
        }
        "DeleteSchedule" => {
            let it = DeleteScheduleRequest::decode(message).ok()?;
            (Deed::Delete, Target::Schedule(it.schedule_id), String::new())
        }
        "PatchSchedule" => {
            let it = PatchScheduleRequest::decode(message).ok()?;
            let patch = it.patch?;
            let (deed, reason) = match patch {
                _ if !patch.pause.is_empty() => (Deed::Pause, patch.pause),
                _ if !patch.unpause.is_empty() => (Deed::Unpause, patch.unpause),
                _ if !patch.backfill_request.is_empty() => (Deed::Backfill, String::new()),
                _ if patch.trigger_immediately.is_some() => (Deed::Trigger, String::new()),
                _ => return None,
            };
            (deed, Target::Schedule(it.schedule_id), reason)
        }
        _ => return None,
    })
}

fn workflow(execution: Option<WorkflowExecution>) -> Target {
    let WorkflowExecution { workflow_id, run_id } = execution.unwrap_or_default();
    Target::Workflow { workflow_id, run_id }
}

fn activity(execution: Option<WorkflowExecution>, which: Which) -> Target {
    let WorkflowExecution { workflow_id, run_id } = execution.unwrap_or_default();
    Target::Activity { workflow_id, run_id, which }
}
