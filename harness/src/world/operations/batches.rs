//! Batches: one thing done to many workflows, or to activities of many.

use bytes::Bytes;
use foretime_campaign::operation::{Deed, Target, Which};
use foretime_server::proto::{
    batch::{
        batch_operation_reset_activities as reset, batch_operation_unpause_activities as unpause,
        batch_operation_update_activity_options as options,
    },
    workflowservice::{StartBatchOperationRequest, start_batch_operation_request::Operation},
};
use prost::Message;

use super::carried_out::Done;

/// What a batch that has begun will do.
#[expect(deprecated, reason = "clients may still name `executions`")]
pub(super) fn of_batch(rpc: &str, message: &Bytes) -> Option<Done> {
    if rpc != "StartBatchOperation" {
        return None;
    }
    let it = StartBatchOperationRequest::decode(message.clone()).ok()?;
    let (deed, activities) = deed(it.operation?)?;
    let listed = it.executions.into_iter().map(|it| it.workflow_id);
    let workflow_ids: Vec<String> = listed.chain(it.target_executions.into_iter().map(|it| it.business_id)).collect();
    let to = match it.visibility_query {
        filter if !filter.is_empty() => Target::Found { filter, activities },
        _ => Target::Listed { workflow_ids, activities },
    };
    Some((deed, to, it.reason))
}

/// What is done, and to which activities if not to workflows.
fn deed(operation: Operation) -> Option<(Deed, Option<Which>)> {
    Some(match operation {
        Operation::TerminationOperation(_) => (Deed::Terminate, None),
        Operation::SignalOperation(_) => (Deed::Signal, None),
        Operation::CancellationOperation(_) => (Deed::Cancel, None),
        Operation::DeletionOperation(_) => (Deed::Delete, None),
        Operation::ResetOperation(_) => (Deed::Reset { event_id: None }, None),
        Operation::UpdateWorkflowOptionsOperation(_) => (Deed::ChangeOptions, None),
        Operation::UnpauseActivitiesOperation(it) => {
            let which = match it.activity? {
                unpause::Activity::Type(name) => Which::Type(name),
                unpause::Activity::MatchAll(_) => Which::All,
            };
            (Deed::Unpause, Some(which))
        }
        Operation::ResetActivitiesOperation(it) => {
            let which = match it.activity? {
                reset::Activity::Type(name) => Which::Type(name),
                reset::Activity::MatchAll(_) => Which::All,
            };
            (Deed::Reset { event_id: None }, Some(which))
        }
        Operation::UpdateActivityOptionsOperation(it) => {
            let which = match it.activity? {
                options::Activity::Type(name) => Which::Type(name),
                options::Activity::MatchAll(_) => Which::All,
            };
            (Deed::ChangeOptions, Some(which))
        }
        _ => return None,
    })
}
