//! The commands that a script asks for.

use foretime_server::proto::{
    command::{
        CancelTimerCommandAttributes, CancelWorkflowExecutionCommandAttributes, Command,
        CompleteWorkflowExecutionCommandAttributes, ContinueAsNewWorkflowExecutionCommandAttributes,
        FailWorkflowExecutionCommandAttributes, ModifyWorkflowPropertiesCommandAttributes, ProtocolMessageCommandAttributes,
        RecordMarkerCommandAttributes, ScheduleActivityTaskCommandAttributes, StartChildWorkflowExecutionCommandAttributes,
        StartTimerCommandAttributes, command::Attributes,
    },
    common::{ActivityType, Memo, RetryPolicy, WorkflowType},
    enums::{CommandType, ParentClosePolicy},
    failure::{ApplicationFailureInfo, Failure, failure::FailureInfo},
    taskqueue::TaskQueue,
};

use crate::{
    nodes::requests::json,
    plan::{
        activity::Activity,
        script::{AtParentsClose, MEMO_FIELD, Script, WORKFLOW_TYPE},
    },
};

const RETRY_INTERVAL_INITIAL_MS: u64 = 1_000;
const RETRY_BACKOFF: f64 = 2.0;
const RETRY_INTERVAL_MAX_MS: u64 = 100_000;

pub(super) fn schedule_activity(activity_id: String, activity: &Activity, task_queue: &str) -> Command {
    let retry_policy = RetryPolicy {
        initial_interval: span(RETRY_INTERVAL_INITIAL_MS),
        backoff_coefficient: RETRY_BACKOFF,
        maximum_interval: span(RETRY_INTERVAL_MAX_MS),
        maximum_attempts: i32::try_from(activity.attempts_max.max(1)).unwrap_or(i32::MAX),
        ..RetryPolicy::default()
    };
    let attributes = ScheduleActivityTaskCommandAttributes {
        activity_id,
        activity_type: Some(ActivityType { name: activity.activity_type.clone() }),
        task_queue: queue(task_queue),
        input: Some(json(activity)),
        start_to_close_timeout: span(activity.start_to_close_ms),
        heartbeat_timeout: activity.heartbeat_timeout_ms().and_then(span),
        retry_policy: Some(retry_policy),
        ..ScheduleActivityTaskCommandAttributes::default()
    };
    command(CommandType::ScheduleActivityTask, Attributes::ScheduleActivityTaskCommandAttributes(attributes))
}

pub(super) fn start_timer(timer_id: String, ms: u64) -> Command {
    // The server knows no timer of no time.
    let attributes = StartTimerCommandAttributes { timer_id, start_to_fire_timeout: span(ms.max(1)) };
    command(CommandType::StartTimer, Attributes::StartTimerCommandAttributes(attributes))
}

pub(super) fn cancel_timer(timer_id: String) -> Command {
    let attributes = CancelTimerCommandAttributes { timer_id };
    command(CommandType::CancelTimer, Attributes::CancelTimerCommandAttributes(attributes))
}

pub(super) fn start_child(script: &Script, at_parents_close: AtParentsClose, task_queue: &str) -> Command {
    let policy = match at_parents_close {
        AtParentsClose::Terminated => ParentClosePolicy::Terminate,
        AtParentsClose::Abandoned => ParentClosePolicy::Abandon,
        AtParentsClose::Cancelled => ParentClosePolicy::RequestCancel,
    };
    let attributes = StartChildWorkflowExecutionCommandAttributes {
        workflow_id: script.child_workflow_id(),
        workflow_type: workflow_type(),
        task_queue: queue(task_queue),
        input: Some(json(script)),
        parent_close_policy: policy.into(),
        ..StartChildWorkflowExecutionCommandAttributes::default()
    };
    command(CommandType::StartChildWorkflowExecution, Attributes::StartChildWorkflowExecutionCommandAttributes(attributes))
}

pub(super) fn record_marker(name: &str) -> Command {
    let attributes = RecordMarkerCommandAttributes { marker_name: name.to_owned(), ..RecordMarkerCommandAttributes::default() };
    command(CommandType::RecordMarker, Attributes::RecordMarkerCommandAttributes(attributes))
}

pub(super) fn change_memo(value: &str) -> Command {
    let fields = json(&value).payloads.into_iter().map(|payload| (MEMO_FIELD.to_owned(), payload)).collect();
    let attributes = ModifyWorkflowPropertiesCommandAttributes { upserted_memo: Some(Memo { fields }) };
    command(CommandType::ModifyWorkflowProperties, Attributes::ModifyWorkflowPropertiesCommandAttributes(attributes))
}

pub(super) fn protocol_message(message_id: String) -> Command {
    let attributes = ProtocolMessageCommandAttributes { message_id };
    command(CommandType::ProtocolMessage, Attributes::ProtocolMessageCommandAttributes(attributes))
}

pub(super) fn complete(result: &str) -> Command {
    let attributes = CompleteWorkflowExecutionCommandAttributes { result: Some(json(&result)) };
    command(CommandType::CompleteWorkflowExecution, Attributes::CompleteWorkflowExecutionCommandAttributes(attributes))
}

pub(super) fn fail(message: &str) -> Command {
    let attributes = FailWorkflowExecutionCommandAttributes { failure: Some(failure(message)) };
    command(CommandType::FailWorkflowExecution, Attributes::FailWorkflowExecutionCommandAttributes(attributes))
}

pub(super) fn cancel(details: &str) -> Command {
    let attributes = CancelWorkflowExecutionCommandAttributes { details: Some(json(&details)) };
    command(CommandType::CancelWorkflowExecution, Attributes::CancelWorkflowExecutionCommandAttributes(attributes))
}

pub(super) fn continue_as_new(next: &Script, task_queue: &str) -> Command {
    let attributes = ContinueAsNewWorkflowExecutionCommandAttributes {
        workflow_type: workflow_type(),
        task_queue: queue(task_queue),
        input: Some(json(next)),
        ..ContinueAsNewWorkflowExecutionCommandAttributes::default()
    };
    command(
        CommandType::ContinueAsNewWorkflowExecution,
        Attributes::ContinueAsNewWorkflowExecutionCommandAttributes(attributes),
    )
}

/// A failure that is not retried.
pub(super) fn failure(message: &str) -> Failure {
    let info = ApplicationFailureInfo { r#type: "Script".to_owned(), non_retryable: true, ..ApplicationFailureInfo::default() };
    Failure { message: message.to_owned(), failure_info: Some(FailureInfo::ApplicationFailureInfo(info)), ..Failure::default() }
}

fn command(kind: CommandType, attributes: Attributes) -> Command {
    Command { command_type: kind.into(), attributes: Some(attributes), ..Command::default() }
}

fn workflow_type() -> Option<WorkflowType> {
    Some(WorkflowType { name: WORKFLOW_TYPE.to_owned() })
}

fn queue(name: &str) -> Option<TaskQueue> {
    Some(TaskQueue { name: name.to_owned(), ..TaskQueue::default() })
}

fn span(ms: u64) -> Option<prost_types::Duration> {
    std::time::Duration::from_millis(ms).try_into().ok()
}
