//! Changes of schedules.

use bytes::Bytes;
use foretime_campaign::operation::{Deed, Target};
use foretime_server::proto::workflowservice::{
    CreateScheduleRequest, DeleteScheduleRequest, PatchScheduleRequest, UpdateScheduleRequest,
};
use prost::Message;

use super::carried_out::Done;

/// A change of a schedule.
pub(super) fn of_schedule(rpc: &str, message: &Bytes) -> Option<Done> {
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
