//! Commands of a workflow task's completion.

use std::time::Duration;

use foretime_server::proto::{
    command::{
        CancelTimerCommandAttributes, CancelWorkflowExecutionCommandAttributes, Command,
        CompleteWorkflowExecutionCommandAttributes, ContinueAsNewWorkflowExecutionCommandAttributes,
        FailWorkflowExecutionCommandAttributes, RecordMarkerCommandAttributes, RequestCancelActivityTaskCommandAttributes,
        RequestCancelExternalWorkflowExecutionCommandAttributes, ScheduleActivityTaskCommandAttributes,
        SignalExternalWorkflowExecutionCommandAttributes, StartChildWorkflowExecutionCommandAttributes,
        StartTimerCommandAttributes, command::Attributes,
    },
    common::{ActivityType, RetryPolicy},
    enums::CommandType,
    failure::Failure,
};

use super::{CHILDREN, QUEUE, execution, payloads, seconds, span, task_queue, workflow_type};

pub(crate) type Activity = ScheduleActivityTaskCommandAttributes;
pub(crate) type Child = StartChildWorkflowExecutionCommandAttributes;
pub(crate) type NextRun = ContinueAsNewWorkflowExecutionCommandAttributes;
pub(crate) type ExternalSignal = SignalExternalWorkflowExecutionCommandAttributes;
pub(crate) type ExternalCancel = RequestCancelExternalWorkflowExecutionCommandAttributes;

/// The command of these attributes.
pub(crate) fn command(command_type: CommandType, attributes: Attributes) -> Command {
    Command { command_type: command_type.into(), attributes: Some(attributes), ..Command::default() }
}

pub(crate) fn complete(result: &str) -> Command {
    let attributes = CompleteWorkflowExecutionCommandAttributes { result: payloads(result) };
    command(CommandType::CompleteWorkflowExecution, Attributes::CompleteWorkflowExecutionCommandAttributes(attributes))
}

pub(crate) fn fail(failure: Failure) -> Command {
    let attributes = FailWorkflowExecutionCommandAttributes { failure: Some(failure) };
    command(CommandType::FailWorkflowExecution, Attributes::FailWorkflowExecutionCommandAttributes(attributes))
}

pub(crate) fn cancel() -> Command {
    let attributes = CancelWorkflowExecutionCommandAttributes { details: payloads("cancelled") };
    command(CommandType::CancelWorkflowExecution, Attributes::CancelWorkflowExecutionCommandAttributes(attributes))
}

pub(crate) fn continue_as_new(next: NextRun) -> Command {
    command(CommandType::ContinueAsNewWorkflowExecution, Attributes::ContinueAsNewWorkflowExecutionCommandAttributes(next))
}

/// The next run, to be filled in.
pub(crate) fn next_run() -> NextRun {
    NextRun { workflow_type: workflow_type("W"), task_queue: task_queue(QUEUE), ..NextRun::default() }
}

pub(crate) fn start_timer(timer_id: &str, after: Duration) -> Command {
    let attributes = StartTimerCommandAttributes { timer_id: timer_id.to_owned(), start_to_fire_timeout: span(after) };
    command(CommandType::StartTimer, Attributes::StartTimerCommandAttributes(attributes))
}

pub(crate) fn cancel_timer(timer_id: &str) -> Command {
    let attributes = CancelTimerCommandAttributes { timer_id: timer_id.to_owned() };
    command(CommandType::CancelTimer, Attributes::CancelTimerCommandAttributes(attributes))
}

pub(crate) fn schedule(activity: Activity) -> Command {
    command(CommandType::ScheduleActivityTask, Attributes::ScheduleActivityTaskCommandAttributes(activity))
}

/// An activity with a start-to-close timeout of 10 s and no retries, to be filled in.
pub(crate) fn activity(activity_id: &str) -> Activity {
    Activity {
        activity_id: activity_id.to_owned(),
        activity_type: Some(ActivityType { name: "A".to_owned() }),
        task_queue: task_queue(QUEUE),
        input: payloads("input"),
        start_to_close_timeout: span(seconds(10)),
        retry_policy: attempts(1),
        ..Activity::default()
    }
}

/// A retry policy with this many attempts (0: no limit), 1 s apart.
pub(crate) fn attempts(count: i32) -> Option<RetryPolicy> {
    Some(RetryPolicy {
        initial_interval: span(seconds(1)),
        backoff_coefficient: 1.0,
        maximum_attempts: count,
        ..RetryPolicy::default()
    })
}

pub(crate) fn request_cancel_activity(scheduled_event_id: i64) -> Command {
    let attributes = RequestCancelActivityTaskCommandAttributes { scheduled_event_id };
    command(CommandType::RequestCancelActivityTask, Attributes::RequestCancelActivityTaskCommandAttributes(attributes))
}

pub(crate) fn start_child(child: Child) -> Command {
    command(CommandType::StartChildWorkflowExecution, Attributes::StartChildWorkflowExecutionCommandAttributes(child))
}

/// A child, to be filled in.
pub(crate) fn child(workflow_id: &str) -> Child {
    Child {
        workflow_id: workflow_id.to_owned(),
        workflow_type: workflow_type("Child"),
        task_queue: task_queue(CHILDREN),
        ..Child::default()
    }
}

pub(crate) fn signal_external(signal: ExternalSignal) -> Command {
    command(CommandType::SignalExternalWorkflowExecution, Attributes::SignalExternalWorkflowExecutionCommandAttributes(signal))
}

/// A signal from one workflow to another, to be filled in.
pub(crate) fn external_signal(workflow_id: &str, name: &str) -> ExternalSignal {
    ExternalSignal { execution: execution(workflow_id), signal_name: name.to_owned(), ..ExternalSignal::default() }
}

pub(crate) fn cancel_external(cancel: ExternalCancel) -> Command {
    command(
        CommandType::RequestCancelExternalWorkflowExecution,
        Attributes::RequestCancelExternalWorkflowExecutionCommandAttributes(cancel),
    )
}

/// A cancel request from one workflow to another, to be filled in.
pub(crate) fn external_cancel(workflow_id: &str) -> ExternalCancel {
    ExternalCancel { workflow_id: workflow_id.to_owned(), ..ExternalCancel::default() }
}

pub(crate) fn record_marker(name: &str) -> Command {
    let attributes = RecordMarkerCommandAttributes { marker_name: name.to_owned(), ..RecordMarkerCommandAttributes::default() };
    command(CommandType::RecordMarker, Attributes::RecordMarkerCommandAttributes(attributes))
}
