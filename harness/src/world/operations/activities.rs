//! Changes of activities.

use bytes::Bytes;
use foretime_campaign::operation::{Deed, Target, Which};
use foretime_server::proto::{
    common::WorkflowExecution,
    workflowservice::{
        PauseActivityExecutionRequest, PauseActivityRequest, ResetActivityExecutionRequest, ResetActivityRequest,
        UnpauseActivityExecutionRequest, UnpauseActivityRequest, UpdateActivityExecutionOptionsRequest,
        UpdateActivityOptionsRequest, pause_activity_request, reset_activity_request, unpause_activity_request,
        update_activity_options_request,
    },
};
use prost::Message;

use super::carried_out::Done;

/// A change of activities of one workflow.
pub(super) fn of_activity(rpc: &str, message: &Bytes) -> Option<Done> {
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
        "PauseActivityExecution" => {
            let it = PauseActivityExecutionRequest::decode(message).ok()?;
            (Deed::Pause, one(it.workflow_id, it.run_id, it.activity_id), it.reason)
        }
        "UnpauseActivityExecution" => {
            let it = UnpauseActivityExecutionRequest::decode(message).ok()?;
            (Deed::Unpause, one(it.workflow_id, it.run_id, it.activity_id), it.reason)
        }
        "ResetActivityExecution" => {
            let it = ResetActivityExecutionRequest::decode(message).ok()?;
            (Deed::Reset { event_id: None }, one(it.workflow_id, it.run_id, it.activity_id), String::new())
        }
        "UpdateActivityExecutionOptions" => {
            let it = UpdateActivityExecutionOptionsRequest::decode(message).ok()?;
            (Deed::ChangeOptions, one(it.workflow_id, it.run_id, it.activity_id), String::new())
        }
        _ => return None,
    })
}

fn activity(execution: Option<WorkflowExecution>, which: Which) -> Target {
    let WorkflowExecution { workflow_id, run_id } = execution.unwrap_or_default();
    Target::Activity { workflow_id, run_id, which }
}

fn one(workflow_id: String, run_id: String, activity_id: String) -> Target {
    Target::Activity { workflow_id, run_id, which: Which::Id(activity_id) }
}
