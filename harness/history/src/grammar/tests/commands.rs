//! What a careless worker asks for: any command, with ids that repeat, and sometimes ids that do not exist.

use std::time::Duration;

use foretime_server::proto::{
    command::{
        CancelTimerCommandAttributes, CancelWorkflowExecutionCommandAttributes, Command,
        CompleteWorkflowExecutionCommandAttributes, ContinueAsNewWorkflowExecutionCommandAttributes,
        FailWorkflowExecutionCommandAttributes, ModifyWorkflowPropertiesCommandAttributes, RecordMarkerCommandAttributes,
        RequestCancelActivityTaskCommandAttributes, RequestCancelExternalWorkflowExecutionCommandAttributes,
        ScheduleActivityTaskCommandAttributes, SignalExternalWorkflowExecutionCommandAttributes,
        StartChildWorkflowExecutionCommandAttributes, StartTimerCommandAttributes, command::Attributes,
    },
    common::{ActivityType, Memo, Payload, RetryPolicy, WorkflowExecution},
    enums::{CommandType, ParentClosePolicy},
    failure::{ApplicationFailureInfo, Failure, failure::FailureInfo},
    history::{HistoryEvent, history_event::Attributes as Event},
};

use super::{
    cluster::{QUEUE, some_workflow, task_queue, workflow_type},
    draws::Draws,
};

/// A worker's answer to a workflow task with this history.
pub(super) fn some_commands(draws: &mut Draws, events: &[HistoryEvent]) -> Vec<Command> {
    let mut commands: Vec<Command> = (0..draws.below(4)).map(|_| some_command(draws, events)).collect();
    match draws.below(24) {
        0 => commands.push(complete()),
        1 => commands.push(fail()),
        2 => commands.push(command(
            CommandType::CancelWorkflowExecution,
            Attributes::CancelWorkflowExecutionCommandAttributes(CancelWorkflowExecutionCommandAttributes::default()),
        )),
        3 => commands.push(continue_as_new()),
        _ => {}
    }
    commands
}

fn some_command(draws: &mut Draws, events: &[HistoryEvent]) -> Command {
    match draws.below(20) {
        0..=3 => start_timer(&format!("timer-{}", draws.below(60)), draws.span(4_000)),
        4 => cancel_timer(&of_history(draws, events, timer_id).unwrap_or_else(|| "timer-0".to_owned())),
        5..=9 => some_activity(draws),
        10..=11 => match of_history(draws, events, scheduled_event_id) {
            Some(scheduled_event_id) => request_cancel_activity(scheduled_event_id),
            None => marker(),
        },
        12..=13 => some_child(draws),
        14..=15 => signal_external(draws),
        16..=17 => cancel_external(draws),
        18 => command(
            CommandType::ModifyWorkflowProperties,
            Attributes::ModifyWorkflowPropertiesCommandAttributes(ModifyWorkflowPropertiesCommandAttributes {
                upserted_memo: Some(Memo { fields: [("note".to_owned(), Payload::default())].into() }),
            }),
        ),
        _ => marker(),
    }
}

fn of_history<T>(draws: &mut Draws, events: &[HistoryEvent], pick: impl Fn(&HistoryEvent) -> Option<T>) -> Option<T> {
    let mut found: Vec<T> = events.iter().filter_map(pick).collect();
    let at = draws.below(found.len().max(1) as u64) as usize;
    (at < found.len()).then(|| found.swap_remove(at))
}

fn timer_id(event: &HistoryEvent) -> Option<String> {
    match &event.attributes {
        Some(Event::TimerStartedEventAttributes(timer)) => Some(timer.timer_id.clone()),
        _ => None,
    }
}

fn scheduled_event_id(event: &HistoryEvent) -> Option<i64> {
    matches!(event.attributes, Some(Event::ActivityTaskScheduledEventAttributes(_))).then_some(event.event_id)
}

fn command(command_type: CommandType, attributes: Attributes) -> Command {
    Command { command_type: command_type.into(), attributes: Some(attributes), ..Command::default() }
}

fn start_timer(timer_id: &str, after: Duration) -> Command {
    let attributes =
        StartTimerCommandAttributes { timer_id: timer_id.to_owned(), start_to_fire_timeout: after.try_into().ok() };
    command(CommandType::StartTimer, Attributes::StartTimerCommandAttributes(attributes))
}

fn cancel_timer(timer_id: &str) -> Command {
    let attributes = CancelTimerCommandAttributes { timer_id: timer_id.to_owned() };
    command(CommandType::CancelTimer, Attributes::CancelTimerCommandAttributes(attributes))
}

fn some_activity(draws: &mut Draws) -> Command {
    let mut timeout = |longest: u64| if draws.below(2) == 0 { None } else { draws.span(longest).try_into().ok() };
    let schedule_to_close_timeout = timeout(12_000);
    let schedule_to_start_timeout = timeout(6_000);
    let heartbeat_timeout = timeout(2_000);
    let start_to_close_timeout = draws.span(3_000).try_into().ok();
    let retry_policy = RetryPolicy {
        initial_interval: draws.span(2_000).try_into().ok(),
        backoff_coefficient: 1.0 + draws.below(20) as f64 / 10.0,
        maximum_interval: Duration::from_secs(2 + draws.below(5)).try_into().ok(),
        maximum_attempts: draws.below(6) as i32,
        ..RetryPolicy::default()
    };
    let attributes = ScheduleActivityTaskCommandAttributes {
        activity_id: format!("activity-{}", draws.below(60)),
        activity_type: Some(ActivityType { name: "A".to_owned() }),
        task_queue: Some(task_queue(QUEUE)),
        schedule_to_close_timeout,
        schedule_to_start_timeout,
        start_to_close_timeout,
        heartbeat_timeout,
        retry_policy: Some(retry_policy).filter(|_| draws.below(4) > 0),
        request_eager_execution: draws.below(4) == 0,
        ..ScheduleActivityTaskCommandAttributes::default()
    };
    command(CommandType::ScheduleActivityTask, Attributes::ScheduleActivityTaskCommandAttributes(attributes))
}

fn request_cancel_activity(scheduled_event_id: i64) -> Command {
    let attributes = RequestCancelActivityTaskCommandAttributes { scheduled_event_id };
    command(CommandType::RequestCancelActivityTask, Attributes::RequestCancelActivityTaskCommandAttributes(attributes))
}

fn some_child(draws: &mut Draws) -> Command {
    let policies = [ParentClosePolicy::Terminate, ParentClosePolicy::Abandon, ParentClosePolicy::RequestCancel];
    let attributes = StartChildWorkflowExecutionCommandAttributes {
        workflow_id: some_workflow(draws),
        workflow_type: Some(workflow_type()),
        task_queue: Some(task_queue(QUEUE)),
        workflow_run_timeout: Some(draws.span(9_000)).filter(|_| draws.below(2) == 0).and_then(|span| span.try_into().ok()),
        parent_close_policy: policies[draws.below(3) as usize].into(),
        ..StartChildWorkflowExecutionCommandAttributes::default()
    };
    command(CommandType::StartChildWorkflowExecution, Attributes::StartChildWorkflowExecutionCommandAttributes(attributes))
}

fn signal_external(draws: &mut Draws) -> Command {
    let attributes = SignalExternalWorkflowExecutionCommandAttributes {
        execution: Some(WorkflowExecution { workflow_id: some_workflow(draws), run_id: String::new() }),
        signal_name: "hello".to_owned(),
        ..SignalExternalWorkflowExecutionCommandAttributes::default()
    };
    command(
        CommandType::SignalExternalWorkflowExecution,
        Attributes::SignalExternalWorkflowExecutionCommandAttributes(attributes),
    )
}

fn cancel_external(draws: &mut Draws) -> Command {
    let attributes = RequestCancelExternalWorkflowExecutionCommandAttributes {
        workflow_id: some_workflow(draws),
        ..RequestCancelExternalWorkflowExecutionCommandAttributes::default()
    };
    command(
        CommandType::RequestCancelExternalWorkflowExecution,
        Attributes::RequestCancelExternalWorkflowExecutionCommandAttributes(attributes),
    )
}

fn marker() -> Command {
    let attributes =
        RecordMarkerCommandAttributes { marker_name: "marker".to_owned(), ..RecordMarkerCommandAttributes::default() };
    command(CommandType::RecordMarker, Attributes::RecordMarkerCommandAttributes(attributes))
}

fn complete() -> Command {
    let attributes = CompleteWorkflowExecutionCommandAttributes::default();
    command(CommandType::CompleteWorkflowExecution, Attributes::CompleteWorkflowExecutionCommandAttributes(attributes))
}

fn fail() -> Command {
    let attributes = FailWorkflowExecutionCommandAttributes { failure: Some(failure(None)) };
    command(CommandType::FailWorkflowExecution, Attributes::FailWorkflowExecutionCommandAttributes(attributes))
}

fn continue_as_new() -> Command {
    let attributes = ContinueAsNewWorkflowExecutionCommandAttributes {
        workflow_type: Some(workflow_type()),
        task_queue: Some(task_queue(QUEUE)),
        ..ContinueAsNewWorkflowExecutionCommandAttributes::default()
    };
    command(
        CommandType::ContinueAsNewWorkflowExecution,
        Attributes::ContinueAsNewWorkflowExecutionCommandAttributes(attributes),
    )
}

/// A failure that may set when the next attempt is due.
pub(super) fn failure(next_retry_delay: Option<Duration>) -> Failure {
    let info = ApplicationFailureInfo {
        r#type: "Unlucky".to_owned(),
        next_retry_delay: next_retry_delay.and_then(|span| span.try_into().ok()),
        ..ApplicationFailureInfo::default()
    };
    Failure {
        message: "no luck".to_owned(),
        failure_info: Some(FailureInfo::ApplicationFailureInfo(info)),
        ..Failure::default()
    }
}
