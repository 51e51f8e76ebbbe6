//! Commands of a completed workflow task: `service/history/api/command_attr_validator.go`, and the sizes that
//! `workflow_task_completed_handler.go` checks after it. A bad command fails the workflow task. One that is too large ends the
//! workflow.
//!
//! Not checked here: ids that are already in use, how much is pending, and whether another namespace exists.

mod child;
mod context;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use prost::Message;

pub use child::{continue_as_new, start_child};
pub use context::{CommandContext, Rejected};

use super::{duration, execution::is_uuid, priority, user_task_queue};
use crate::{
    engine::{
        kernel::error::{Error, Result},
        rules::{limits::Limits, names, payloads, retry},
    },
    proto::{
        command::{
            CancelTimerCommandAttributes, CancelWorkflowExecutionCommandAttributes, Command,
            CompleteWorkflowExecutionCommandAttributes, FailWorkflowExecutionCommandAttributes,
            ModifyWorkflowPropertiesCommandAttributes, RecordMarkerCommandAttributes,
            RequestCancelActivityTaskCommandAttributes, RequestCancelExternalWorkflowExecutionCommandAttributes,
            ScheduleActivityTaskCommandAttributes, SignalExternalWorkflowExecutionCommandAttributes,
            StartTimerCommandAttributes, UpsertWorkflowSearchAttributesCommandAttributes,
        },
        common::{Memo, Payload, SearchAttributes},
        enums::{CommandType, WorkflowTaskFailedCause as Cause},
    },
};

/// Refuses commands after one that closes the workflow, and unknown ones. This refuses the whole request, so the workflow task
/// does not fail.
pub fn command_sequence(commands: &[Command]) -> Result<()> {
    let mut closed_by = None;
    for command in commands {
        if let Some(close) = closed_by {
            let all: Vec<_> = commands.iter().map(|command| names::command(command.command_type)).collect();
            return Err(Error::invalid(format!(
                "invalid command sequence: [{}], command {} must be the last command.",
                all.join(", "),
                names::command(close)
            )));
        }
        match CommandType::try_from(command.command_type) {
            Ok(CommandType::Unspecified) | Err(_) => {
                return Err(Error::invalid(format!("unknown command type: {}", names::command(command.command_type))));
            }
            Ok(
                CommandType::ContinueAsNewWorkflowExecution
                | CommandType::CompleteWorkflowExecution
                | CommandType::FailWorkflowExecution
                | CommandType::CancelWorkflowExecution,
            ) => closed_by = Some(command.command_type),
            Ok(_) => {}
        }
    }
    Ok(())
}

/// The rejection of a command whose attributes are absent, or are those of another command.
pub fn attributes_missing(command_type: CommandType) -> Rejected {
    let cause = match command_type {
        CommandType::ScheduleActivityTask => Cause::BadScheduleActivityAttributes,
        CommandType::StartTimer => Cause::BadStartTimerAttributes,
        CommandType::CancelTimer => Cause::BadCancelTimerAttributes,
        CommandType::CompleteWorkflowExecution => Cause::BadCompleteWorkflowExecutionAttributes,
        CommandType::FailWorkflowExecution => Cause::BadFailWorkflowExecutionAttributes,
        CommandType::CancelWorkflowExecution => Cause::BadCancelWorkflowExecutionAttributes,
        CommandType::RequestCancelActivityTask => Cause::BadRequestCancelActivityAttributes,
        CommandType::RequestCancelExternalWorkflowExecution => Cause::BadRequestCancelExternalWorkflowExecutionAttributes,
        CommandType::SignalExternalWorkflowExecution => Cause::BadSignalWorkflowExecutionAttributes,
        CommandType::RecordMarker => Cause::BadRecordMarkerAttributes,
        CommandType::ContinueAsNewWorkflowExecution => Cause::BadContinueAsNewAttributes,
        CommandType::StartChildWorkflowExecution => Cause::BadStartChildExecutionAttributes,
        CommandType::UpsertWorkflowSearchAttributes => Cause::BadSearchAttributes,
        CommandType::ModifyWorkflowProperties => Cause::BadModifyWorkflowPropertiesAttributes,
        CommandType::ProtocolMessage => Cause::BadUpdateWorkflowExecutionMessage,
        _ => Cause::Unspecified,
    };
    let name = names::command(command_type as i32);
    Rejected::fails(cause, format!("{name}CommandAttributes is not set on {name}Command."))
}

/// ScheduleActivityTask. Completes the retry policy and all four timeouts. Unset timeouts follow from schedule-to-close, or
/// else from the run timeout (zero if unlimited). Nothing exceeds the run timeout or, for heartbeats, start-to-close. The task
/// queue has no default.
pub fn schedule_activity(
    attributes: &mut ScheduleActivityTaskCommandAttributes,
    context: &CommandContext<'_>,
) -> Result<(), Rejected> {
    const CAUSE: Cause = Cause::BadScheduleActivityAttributes;
    let refuse = Rejected::because(CAUSE);
    let policy = attributes.retry_policy.get_or_insert_default();
    user_task_queue(attributes.task_queue.as_mut(), "", context.task_queue, context.limits).map_err(refuse)?;
    let activity_type = attributes.activity_type.as_ref().map_or("", |activity_type| &activity_type.name);
    let named = [("activityId", attributes.activity_id.as_str()), ("activityType", activity_type)];
    if let Some((what, _)) = named.iter().find(|(_, value)| value.is_empty()) {
        return Err(Rejected::fails(CAUSE, format!("{what} is not set")));
    }
    retry::normalise(policy);
    retry::validate(policy).map_err(refuse)?;
    let limit = context.limits.id_length_max;
    if let Some((what, value)) = named.iter().find(|(_, value)| value.len() > limit) {
        return Err(Rejected::fails(CAUSE, format!("{what} exceeds length limit. Length={} Limit={limit}", value.len())));
    }
    priority(attributes.priority.as_ref())
        .map_err(|error| Rejected::fails(CAUSE, format!("invalid priorities: {}", context::text(error))))?;
    activity_timeouts(attributes, context.run_timeout)?;

    let queue = attributes.task_queue.as_ref().map_or("", |queue| &queue.name);
    if attributes.use_workflow_build_id && queue != context.task_queue {
        return Err(Rejected::fails(CAUSE, "Activity with UseCompatibleVersion cannot run on different task queue."));
    }
    let input = attributes.input.as_ref().map_or(0, Message::encoded_len);
    context.blob(input, CAUSE, "ScheduleActivityTaskCommandAttributes.Input exceeds size limit.")
}

/// A pending activity that is to have other options: a ScheduleActivityTask without retry policy, whose timeouts no run timeout
/// cuts (`adjustActivityOptions`).
///
/// # Errors
/// `InvalidArgument`.
pub(crate) fn rescheduled_activity(
    attributes: &mut ScheduleActivityTaskCommandAttributes,
    workflow_queue: &str,
    limits: &Limits,
) -> Result<(), Error> {
    user_task_queue(attributes.task_queue.as_mut(), "", workflow_queue, limits)?;
    activity_timeouts(attributes, Duration::ZERO).map_err(|rejected| Error::invalid(rejected.message))
}

fn activity_timeouts(attributes: &mut ScheduleActivityTaskCommandAttributes, run_timeout: Duration) -> Result<(), Rejected> {
    const CAUSE: Cause = Cause::BadScheduleActivityAttributes;
    for (name, span) in [
        ("ScheduleToCloseTimeout", &mut attributes.schedule_to_close_timeout),
        ("ScheduleToStartTimeout", &mut attributes.schedule_to_start_timeout),
        ("StartToCloseTimeout", &mut attributes.start_to_close_timeout),
        ("HeartbeatTimeout", &mut attributes.heartbeat_timeout),
    ] {
        duration::check_and_cap(span.as_mut()).map_err(|reason| Rejected::fails(CAUSE, format!("invalid {name}: {reason}")))?;
    }
    let run = duration::std_nanos(run_timeout);
    let mut schedule_to_close = duration::nanos(attributes.schedule_to_close_timeout.as_ref());
    let mut schedule_to_start = duration::nanos(attributes.schedule_to_start_timeout.as_ref());
    let mut start_to_close = duration::nanos(attributes.start_to_close_timeout.as_ref());
    let mut heartbeat = duration::nanos(attributes.heartbeat_timeout.as_ref());
    let open = |span: i64, default: i64| if span > 0 { span } else { default };
    if schedule_to_close > 0 {
        schedule_to_start = open(schedule_to_start, schedule_to_close).min(schedule_to_close);
        start_to_close = open(start_to_close, schedule_to_close).min(schedule_to_close);
    } else if start_to_close > 0 {
        schedule_to_close = run;
        schedule_to_start = open(schedule_to_start, run);
    } else {
        let activity_type = attributes.activity_type.as_ref().map_or("", |activity_type| &activity_type.name);
        return Err(Rejected::fails(
            CAUSE,
            format!(
                "a valid StartToCloseTimeout or ScheduleToCloseTimeout must be set on the activity. ActivityId={} ActivityType={activity_type}",
                attributes.activity_id
            ),
        ));
    }
    if run > 0 {
        for span in [&mut schedule_to_close, &mut schedule_to_start, &mut start_to_close, &mut heartbeat] {
            *span = run.min(*span);
        }
    }
    attributes.schedule_to_close_timeout = Some(duration::from_nanos(schedule_to_close));
    attributes.schedule_to_start_timeout = Some(duration::from_nanos(schedule_to_start));
    attributes.start_to_close_timeout = Some(duration::from_nanos(start_to_close));
    attributes.heartbeat_timeout = Some(duration::from_nanos(heartbeat.min(start_to_close)));
    Ok(())
}

/// StartTimer.
pub fn start_timer(attributes: &mut StartTimerCommandAttributes, context: &CommandContext<'_>) -> Result<(), Rejected> {
    const CAUSE: Cause = Cause::BadStartTimerAttributes;
    context.named(CAUSE, "TimerId", "StartTimerCommand", &attributes.timer_id)?;
    duration::check_and_cap(attributes.start_to_fire_timeout.as_mut()).map_err(|reason| {
        let id = &attributes.timer_id;
        Rejected::fails(CAUSE, format!("An invalid StartToFireTimeout is set on StartTimerCommand: {reason}. TimerId={id}"))
    })
}

/// CancelTimer.
pub fn cancel_timer(attributes: &CancelTimerCommandAttributes, context: &CommandContext<'_>) -> Result<(), Rejected> {
    context.named(Cause::BadCancelTimerAttributes, "TimerId", "CancelTimerCommand", &attributes.timer_id)
}

/// CompleteWorkflowExecution.
pub fn complete_workflow(
    attributes: &CompleteWorkflowExecutionCommandAttributes,
    context: &CommandContext<'_>,
) -> Result<(), Rejected> {
    let size = attributes.result.as_ref().map_or(0, Message::encoded_len);
    // This cause is not our mistake: the real server gives it.
    let message = "CompleteWorkflowExecutionCommandAttributes.Result exceeds size limit.";
    context.blob(size, Cause::BadScheduleActivityAttributes, message)
}

/// FailWorkflowExecution.
pub fn fail_workflow(
    attributes: &FailWorkflowExecutionCommandAttributes,
    context: &CommandContext<'_>,
) -> Result<(), Rejected> {
    const CAUSE: Cause = Cause::BadFailWorkflowExecutionAttributes;
    let Some(failure) = &attributes.failure else {
        return Err(Rejected::fails(CAUSE, "Failure is not set on FailWorkflowExecutionCommand."));
    };
    context.blob(failure.encoded_len(), CAUSE, "FailWorkflowExecutionCommandAttributes.Failure exceeds size limit.")
}

/// CancelWorkflowExecution: nothing is refused.
pub fn cancel_workflow(
    _attributes: &CancelWorkflowExecutionCommandAttributes,
    _context: &CommandContext<'_>,
) -> Result<(), Rejected> {
    Ok(())
}

/// RequestCancelActivityTask.
pub fn request_cancel_activity(
    attributes: &RequestCancelActivityTaskCommandAttributes,
    _context: &CommandContext<'_>,
) -> Result<(), Rejected> {
    if attributes.scheduled_event_id <= 0 {
        let message = "ScheduledEventId is not set on RequestCancelActivityTaskCommand.";
        return Err(Rejected::fails(Cause::BadRequestCancelActivityAttributes, message));
    }
    Ok(())
}

/// RequestCancelExternalWorkflowExecution. `children_initiated`: workflow ids of the children that earlier commands of this
/// task initiated.
pub fn request_cancel_external(
    attributes: &RequestCancelExternalWorkflowExecutionCommandAttributes,
    context: &CommandContext<'_>,
    children_initiated: &BTreeSet<String>,
) -> Result<(), Rejected> {
    let refuse = |message| Err(Rejected::fails(Cause::BadRequestCancelExternalWorkflowExecutionAttributes, message));
    let (id, run, namespace) = (&attributes.workflow_id, &attributes.run_id, &attributes.namespace);
    let limit = context.limits.id_length_max;
    const COMMAND: &str = "RequestCancelExternalWorkflowExecutionCommand";
    context.same_namespace(Cause::BadRequestCancelExternalWorkflowExecutionAttributes, namespace)?;
    if id.is_empty() {
        return refuse(format!("WorkflowId is not set on {COMMAND}. Namespace={namespace} RunId={run}"));
    }
    if namespace.len() > limit {
        let sizes = format!("Length={} Limit={limit}", namespace.len());
        return refuse(format!(
            "Namespace on {COMMAND} exceeds length limit. WorkflowId={id} RunId={run} Namespace={namespace} {sizes}"
        ));
    }
    if id.len() > limit {
        let sizes = format!("Length={} Limit={limit}", id.len());
        return refuse(format!(
            "WorkflowId on {COMMAND} exceeds length limit. WorkflowId={id} {sizes} RunId={run} Namespace={namespace}"
        ));
    }
    if !run.is_empty() && !is_uuid(run) {
        return refuse(format!("Invalid RunId set on {COMMAND}. WorkflowId={id} RunId={run} Namespace={namespace}"));
    }
    if children_initiated.contains(id) {
        return refuse(format!(
            "Start and RequestCancel for child workflow is not allowed in same workflow task. WorkflowId={id} RunId={run} Namespace={namespace}"
        ));
    }
    Ok(())
}

/// SignalExternalWorkflowExecution.
pub fn signal_external(
    attributes: &SignalExternalWorkflowExecutionCommandAttributes,
    context: &CommandContext<'_>,
) -> Result<(), Rejected> {
    const CAUSE: Cause = Cause::BadSignalWorkflowExecutionAttributes;
    const COMMAND: &str = "SignalExternalWorkflowExecutionCommand";
    let refuse = |message| Err(Rejected::fails(CAUSE, message));
    let Some(execution) = &attributes.execution else { return refuse(format!("Execution is not set on {COMMAND}.")) };
    let (id, run) = (&execution.workflow_id, &execution.run_id);
    let (namespace, signal) = (&attributes.namespace, &attributes.signal_name);
    let limit = context.limits.id_length_max;
    context.same_namespace(CAUSE, namespace)?;
    if id.is_empty() {
        return refuse(format!("WorkflowId is not set on {COMMAND}. Namespace={namespace} RunId={run} SignalName={signal}"));
    }
    if namespace.len() > limit {
        let sizes = format!("Length={} Limit={limit}", namespace.len());
        return refuse(format!(
            "Namespace on {COMMAND} exceeds length limit. WorkflowId={id} Namespace={namespace} {sizes} RunId={run} SignalName={signal}"
        ));
    }
    if id.len() > limit {
        let sizes = format!("Length={} Limit={limit}", id.len());
        return refuse(format!(
            "WorkflowId on {COMMAND} exceeds length limit. WorkflowId={id} {sizes} Namespace={namespace} RunId={run} SignalName={signal}"
        ));
    }
    if !run.is_empty() && !is_uuid(run) {
        return refuse(format!(
            "Invalid RunId set on {COMMAND}. WorkflowId={id} Namespace={namespace} RunId={run} SignalName={signal}"
        ));
    }
    if signal.is_empty() {
        return refuse(format!("SignalName is not set on {COMMAND}. WorkflowId={id} Namespace={namespace} RunId={run}"));
    }
    let input = attributes.input.as_ref().map_or(0, Message::encoded_len);
    context.blob(input, CAUSE, "SignalExternalWorkflowExecutionCommandAttributes.Input exceeds size limit.")
}

/// RecordMarker.
pub fn record_marker(attributes: &RecordMarkerCommandAttributes, context: &CommandContext<'_>) -> Result<(), Rejected> {
    const CAUSE: Cause = Cause::BadRecordMarkerAttributes;
    context.named(CAUSE, "MarkerName", "RecordMarkerCommand", &attributes.marker_name)?;
    let size = attributes.details.iter().map(|(key, payloads)| key.len() + payloads.encoded_len()).sum();
    context.blob(size, CAUSE, "RecordMarkerCommandAttributes.Details exceeds size limit.")
}

/// UpsertWorkflowSearchAttributes. The size limits apply to what the run has afterwards.
pub fn upsert_search_attributes(
    attributes: &UpsertWorkflowSearchAttributesCommandAttributes,
    context: &CommandContext<'_>,
) -> Result<(), Rejected> {
    const CAUSE: Cause = Cause::BadSearchAttributes;
    const COMMAND: &str = "UpsertWorkflowSearchAttributesCommand";
    let refuse = Rejected::because(CAUSE);
    let Some(change) = &attributes.search_attributes else {
        return Err(Rejected::fails(CAUSE, format!("SearchAttributes is not set on {COMMAND}.")));
    };
    context.registry.known(change).map_err(refuse)?;
    if change.indexed_fields.is_empty() {
        return Err(Rejected::fails(CAUSE, format!("IndexedFields is not set on {COMMAND}.")));
    }
    context.registry.typed(change, context.limits).map_err(refuse)?;
    context.blob(data_size(&change.indexed_fields), CAUSE, format!("{COMMAND}Attributes exceeds size limit."))?;
    let mut merged = SearchAttributes { indexed_fields: context.search_attributes.clone() };
    payloads::merge(&mut merged.indexed_fields, change.indexed_fields.clone());
    context.registry.sized(&merged, context.limits).map_err(|error| Rejected::ends(CAUSE, context::text(error)))
}

/// ModifyWorkflowProperties. The size limit applies to the memo that the run has afterwards.
pub fn modify_properties(
    attributes: &ModifyWorkflowPropertiesCommandAttributes,
    context: &CommandContext<'_>,
) -> Result<(), Rejected> {
    const CAUSE: Cause = Cause::BadModifyWorkflowPropertiesAttributes;
    const COMMAND: &str = "ModifyWorkflowPropertiesCommand";
    let Some(change) = &attributes.upserted_memo else {
        return Err(Rejected::fails(CAUSE, format!("UpsertedMemo is not set on {COMMAND}.")));
    };
    if change.fields.is_empty() {
        return Err(Rejected::fails(CAUSE, format!("UpsertedMemo.Fields is not set on {COMMAND}.")));
    }
    context.blob(data_size(&change.fields), CAUSE, format!("{COMMAND}Attributes exceeds size limit."))?;
    let mut merged = Memo { fields: context.memo.clone() };
    payloads::merge(&mut merged.fields, change.fields.clone());
    context.memo_size(Some(&merged), CAUSE, format!("{COMMAND}Attributes. Memo exceeds size limit."))
}

fn data_size(fields: &BTreeMap<String, Payload>) -> usize {
    fields.iter().map(|(key, payload)| key.len() + payload.data.len()).sum()
}

#[cfg(test)]
mod tests;
