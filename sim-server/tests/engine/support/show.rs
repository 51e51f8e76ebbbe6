//! Replies as text. An event is one line: its id, its type, the ids of the events it refers to in brackets, its other
//! attributes, and its time if that differs from the event before.

use std::fmt::Debug;

use foretime_server::{
    engine::time::Time,
    proto::{
        common::{Payloads, WorkflowExecution},
        enums::{
            CancelExternalWorkflowExecutionFailedCause, ContinueAsNewInitiator, RetryState,
            SignalExternalWorkflowExecutionFailedCause, StartChildWorkflowExecutionFailedCause, TaskQueueKind, TimeoutType,
            WorkflowTaskFailedCause,
        },
        failure::{Failure, failure::FailureInfo},
        history::{HistoryEvent, WorkflowExecutionStartedEventAttributes, history_event::Attributes},
        update::outcome,
    },
};

use super::transcript::START;

/// Events, one a line.
pub(crate) fn events(events: &[HistoryEvent]) -> String {
    let mut last = START;
    let mut lines = Vec::new();
    for event in events {
        let at = event.event_time.as_ref().map(Time::from_proto).expect("every event has a time");
        let told = if at == last { String::new() } else { format!(", at {:?}", at.since(START)) };
        last = at;
        lines.push(format!("{}{told}", self::event(event)));
    }
    lines.join("\n")
}

/// Ids and types of events, with commas between.
pub(crate) fn names(events: &[HistoryEvent]) -> String {
    let names: Vec<_> = events.iter().map(|event| format!("{} {:?}", event.event_id, event.event_type())).collect();
    names.join(", ")
}

fn event(event: &HistoryEvent) -> String {
    let attributes = event.attributes.as_ref().expect("every event has attributes");
    let said = of_the_run(attributes)
        .or_else(|| of_workflow_tasks(attributes))
        .or_else(|| of_activities(attributes))
        .or_else(|| of_timers_and_marks(attributes))
        .or_else(|| of_children(attributes))
        .or_else(|| of_others(attributes));
    let said = said.unwrap_or_else(|| panic!("no words for {attributes:?}"));
    let said: Vec<_> = said.into_iter().filter(|word| !word.is_empty()).collect();
    format!("{} {:?} {}", event.event_id, event.event_type(), said.join(" ")).trim_end().to_owned()
}

type Words = Option<Vec<String>>;

fn of_the_run(attributes: &Attributes) -> Words {
    use Attributes as A;
    Some(match attributes {
        A::WorkflowExecutionStartedEventAttributes(a) => started(a),
        A::WorkflowExecutionCompletedEventAttributes(a) => {
            vec![ids(&[a.workflow_task_completed_event_id]), text(a.result.as_ref()), next(&a.new_execution_run_id)]
        }
        A::WorkflowExecutionFailedEventAttributes(a) => vec![
            ids(&[a.workflow_task_completed_event_id]),
            failure(a.failure.as_ref()),
            name::<RetryState>(a.retry_state),
            next(&a.new_execution_run_id),
        ],
        A::WorkflowExecutionTimedOutEventAttributes(a) => {
            vec![name::<RetryState>(a.retry_state), next(&a.new_execution_run_id)]
        }
        A::WorkflowExecutionCanceledEventAttributes(a) => {
            vec![ids(&[a.workflow_task_completed_event_id]), text(a.details.as_ref())]
        }
        A::WorkflowExecutionTerminatedEventAttributes(a) => vec![quoted(&a.reason), text(a.details.as_ref()), by(&a.identity)],
        A::WorkflowExecutionContinuedAsNewEventAttributes(a) => {
            vec![ids(&[a.workflow_task_completed_event_id]), text(a.input.as_ref()), next(&a.new_execution_run_id)]
        }
        A::WorkflowExecutionSignaledEventAttributes(a) => vec![
            a.signal_name.clone(),
            text(a.input.as_ref()),
            from(a.external_workflow_execution.as_ref(), 0),
            by(&a.identity),
        ],
        A::WorkflowExecutionCancelRequestedEventAttributes(a) => {
            vec![quoted(&a.cause), from(a.external_workflow_execution.as_ref(), a.external_initiated_event_id), by(&a.identity)]
        }
        A::WorkflowExecutionOptionsUpdatedEventAttributes(a) => vec![
            told("attached", &a.attached_request_id),
            a.priority.as_ref().map(|priority| format!("priority {}", priority.priority_key)).unwrap_or_default(),
            by(&a.identity),
        ],
        A::WorkflowExecutionPausedEventAttributes(a) => vec![quoted(&a.reason), by(&a.identity)],
        A::WorkflowExecutionUnpausedEventAttributes(a) => vec![quoted(&a.reason), by(&a.identity)],
        _ => return None,
    })
}

fn started(a: &WorkflowExecutionStartedEventAttributes) -> Vec<String> {
    let parent = a.parent_workflow_execution.as_ref();
    let limits = [("execution", &a.workflow_execution_timeout), ("run", &a.workflow_run_timeout)];
    let limits = limits.map(|(word, limit)| told(&format!("{word} within"), &span(limit.as_ref())));
    let initiator = name::<ContinueAsNewInitiator>(a.initiator);
    vec![
        text(a.input.as_ref()),
        parent.map(|parent| format!("by {} ({})", parent.run_id, a.parent_initiated_event_id)).unwrap_or_default(),
        told("after", &a.continued_execution_run_id),
        if initiator == "Unspecified" { String::new() } else { initiator },
        if a.attempt > 1 { format!("attempt {}", a.attempt) } else { String::new() },
        told("in", &span(a.first_workflow_task_backoff.as_ref())),
        limits.iter().filter(|limit| !limit.is_empty()).cloned().collect::<Vec<_>>().join(" "),
        told("last result", &text(a.last_completion_result.as_ref())),
        told("last failure", &failure(a.continued_failure.as_ref())),
        if a.eager_execution_accepted { "eager".to_owned() } else { String::new() },
    ]
}

fn of_workflow_tasks(attributes: &Attributes) -> Words {
    use Attributes as A;
    Some(match attributes {
        A::WorkflowTaskScheduledEventAttributes(a) => {
            let queue = a.task_queue.clone().unwrap_or_default();
            let sticky = if queue.kind() == TaskQueueKind::Sticky { format!("on {}", queue.name) } else { String::new() };
            let limit = span(a.start_to_close_timeout.as_ref());
            vec![sticky, if a.attempt > 1 { format!("attempt {} within {limit}", a.attempt) } else { String::new() }]
        }
        A::WorkflowTaskStartedEventAttributes(a) => {
            let suggests = if a.suggest_continue_as_new { "suggests to continue as new" } else { "" };
            vec![ids(&[a.scheduled_event_id]), suggests.to_owned(), by(&a.identity)]
        }
        A::WorkflowTaskCompletedEventAttributes(a) => {
            vec![ids(&[a.scheduled_event_id, a.started_event_id]), by(&a.identity)]
        }
        A::WorkflowTaskFailedEventAttributes(a) => vec![
            ids(&[a.scheduled_event_id, a.started_event_id]),
            name::<WorkflowTaskFailedCause>(a.cause),
            failure(a.failure.as_ref()),
            by(&a.identity),
        ],
        A::WorkflowTaskTimedOutEventAttributes(a) => {
            vec![ids(&[a.scheduled_event_id, a.started_event_id]), name::<TimeoutType>(a.timeout_type)]
        }
        _ => return None,
    })
}

fn of_activities(attributes: &Attributes) -> Words {
    use Attributes as A;
    Some(match attributes {
        A::ActivityTaskScheduledEventAttributes(a) => {
            vec![ids(&[a.workflow_task_completed_event_id]), a.activity_id.clone()]
        }
        A::ActivityTaskStartedEventAttributes(a) => vec![
            ids(&[a.scheduled_event_id]),
            if a.attempt > 1 { format!("attempt {}", a.attempt) } else { String::new() },
            told("after", &failure(a.last_failure.as_ref())),
            by(&a.identity),
        ],
        A::ActivityTaskCompletedEventAttributes(a) => {
            vec![ids(&[a.scheduled_event_id, a.started_event_id]), text(a.result.as_ref()), by(&a.identity)]
        }
        A::ActivityTaskFailedEventAttributes(a) => vec![
            ids(&[a.scheduled_event_id, a.started_event_id]),
            failure(a.failure.as_ref()),
            name::<RetryState>(a.retry_state),
            by(&a.identity),
        ],
        A::ActivityTaskTimedOutEventAttributes(a) => vec![
            ids(&[a.scheduled_event_id, a.started_event_id]),
            failure(a.failure.as_ref()),
            name::<RetryState>(a.retry_state),
        ],
        A::ActivityTaskCancelRequestedEventAttributes(a) => {
            vec![ids(&[a.workflow_task_completed_event_id, a.scheduled_event_id])]
        }
        A::ActivityTaskCanceledEventAttributes(a) => vec![
            ids(&[a.scheduled_event_id, a.started_event_id, a.latest_cancel_requested_event_id]),
            text(a.details.as_ref()),
            by(&a.identity),
        ],
        _ => return None,
    })
}

fn of_timers_and_marks(attributes: &Attributes) -> Words {
    use Attributes as A;
    Some(match attributes {
        A::TimerStartedEventAttributes(a) => {
            vec![ids(&[a.workflow_task_completed_event_id]), a.timer_id.clone(), span(a.start_to_fire_timeout.as_ref())]
        }
        A::TimerFiredEventAttributes(a) => vec![ids(&[a.started_event_id]), a.timer_id.clone()],
        A::TimerCanceledEventAttributes(a) => {
            vec![ids(&[a.workflow_task_completed_event_id, a.started_event_id]), a.timer_id.clone()]
        }
        A::MarkerRecordedEventAttributes(a) => vec![ids(&[a.workflow_task_completed_event_id]), a.marker_name.clone()],
        _ => return None,
    })
}

fn of_children(attributes: &Attributes) -> Words {
    use Attributes as A;
    let who = |execution: &Option<WorkflowExecution>| execution.clone().unwrap_or_default().run_id;
    Some(match attributes {
        A::StartChildWorkflowExecutionInitiatedEventAttributes(a) => {
            vec![ids(&[a.workflow_task_completed_event_id]), a.workflow_id.clone()]
        }
        A::StartChildWorkflowExecutionFailedEventAttributes(a) => {
            vec![ids(&[a.initiated_event_id]), a.workflow_id.clone(), name::<StartChildWorkflowExecutionFailedCause>(a.cause)]
        }
        A::ChildWorkflowExecutionStartedEventAttributes(a) => vec![ids(&[a.initiated_event_id]), who(&a.workflow_execution)],
        A::ChildWorkflowExecutionCompletedEventAttributes(a) => {
            let links = ids(&[a.initiated_event_id, a.started_event_id]);
            vec![links, who(&a.workflow_execution), text(a.result.as_ref())]
        }
        A::ChildWorkflowExecutionFailedEventAttributes(a) => vec![
            ids(&[a.initiated_event_id, a.started_event_id]),
            who(&a.workflow_execution),
            failure(a.failure.as_ref()),
            name::<RetryState>(a.retry_state),
        ],
        A::ChildWorkflowExecutionCanceledEventAttributes(a) => {
            let links = ids(&[a.initiated_event_id, a.started_event_id]);
            vec![links, who(&a.workflow_execution), text(a.details.as_ref())]
        }
        A::ChildWorkflowExecutionTimedOutEventAttributes(a) => vec![
            ids(&[a.initiated_event_id, a.started_event_id]),
            who(&a.workflow_execution),
            name::<RetryState>(a.retry_state),
        ],
        A::ChildWorkflowExecutionTerminatedEventAttributes(a) => {
            vec![ids(&[a.initiated_event_id, a.started_event_id]), who(&a.workflow_execution)]
        }
        _ => return None,
    })
}

fn of_others(attributes: &Attributes) -> Words {
    use Attributes as A;
    let who = |execution: &Option<WorkflowExecution>| execution.clone().unwrap_or_default().workflow_id;
    Some(match attributes {
        A::SignalExternalWorkflowExecutionInitiatedEventAttributes(a) => {
            vec![ids(&[a.workflow_task_completed_event_id]), who(&a.workflow_execution), a.signal_name.clone()]
        }
        A::ExternalWorkflowExecutionSignaledEventAttributes(a) => {
            vec![ids(&[a.initiated_event_id]), who(&a.workflow_execution)]
        }
        A::SignalExternalWorkflowExecutionFailedEventAttributes(a) => vec![
            ids(&[a.initiated_event_id]),
            who(&a.workflow_execution),
            name::<SignalExternalWorkflowExecutionFailedCause>(a.cause),
        ],
        A::RequestCancelExternalWorkflowExecutionInitiatedEventAttributes(a) => {
            vec![ids(&[a.workflow_task_completed_event_id]), who(&a.workflow_execution)]
        }
        A::ExternalWorkflowExecutionCancelRequestedEventAttributes(a) => {
            vec![ids(&[a.initiated_event_id]), who(&a.workflow_execution)]
        }
        A::RequestCancelExternalWorkflowExecutionFailedEventAttributes(a) => vec![
            ids(&[a.initiated_event_id]),
            who(&a.workflow_execution),
            name::<CancelExternalWorkflowExecutionFailedCause>(a.cause),
        ],
        A::WorkflowExecutionUpdateAcceptedEventAttributes(a) => {
            vec![a.protocol_instance_id.clone(), format!("after {}", a.accepted_request_sequencing_event_id)]
        }
        A::WorkflowExecutionUpdateCompletedEventAttributes(a) => {
            let result = match a.outcome.clone().unwrap_or_default().value {
                Some(outcome::Value::Success(result)) => text(Some(&result)),
                Some(outcome::Value::Failure(why)) => told("failed", &failure(Some(&why))),
                None => String::new(),
            };
            vec![ids(&[a.accepted_event_id]), a.meta.clone().unwrap_or_default().update_id, result]
        }
        _ => return None,
    })
}

/// A failure: for a timeout its type, then the message, heartbeat details and cause.
pub(crate) fn failure(failure: Option<&Failure>) -> String {
    let Some(failure) = failure else { return String::new() };
    let mut words = vec![quoted(&failure.message)];
    if let Some(FailureInfo::TimeoutFailureInfo(timeout)) = &failure.failure_info {
        words.insert(0, name::<TimeoutType>(timeout.timeout_type));
        words.push(text(timeout.last_heartbeat_details.as_ref()));
    }
    words.push(told("because", &self::failure(failure.cause.as_deref())));
    words.retain(|word| !word.is_empty());
    words.join(" ")
}

/// The bytes of payloads, as text.
pub(crate) fn text(payloads: Option<&Payloads>) -> String {
    let all = payloads.map(|payloads| payloads.payloads.as_slice()).unwrap_or_default();
    all.iter().map(|payload| String::from_utf8_lossy(&payload.data).into_owned()).collect::<Vec<_>>().join(" ")
}

/// The name of a proto enum's value.
pub(crate) fn name<E: TryFrom<i32> + Debug>(value: i32) -> String {
    E::try_from(value).map_or_else(|_| value.to_string(), |value| format!("{value:?}"))
}

/// A span; empty for zero.
pub(crate) fn span(span: Option<&prost_types::Duration>) -> String {
    let span = span.map(|span| std::time::Duration::try_from(*span).expect("no span is negative")).unwrap_or_default();
    if span.is_zero() { String::new() } else { format!("{span:?}") }
}

fn ids(ids: &[i64]) -> String {
    format!("({})", ids.iter().map(i64::to_string).collect::<Vec<_>>().join(", "))
}

fn from(execution: Option<&WorkflowExecution>, initiated_event_id: i64) -> String {
    let id = if initiated_event_id == 0 { String::new() } else { format!(" {}", ids(&[initiated_event_id])) };
    execution.map(|execution| format!("from {}{id}", execution.run_id)).unwrap_or_default()
}

fn quoted(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{text:?}") }
}

fn by(identity: &str) -> String {
    told("by", identity)
}

fn next(run_id: &str) -> String {
    told("then", run_id)
}

/// `word what`; empty if `what` is.
fn told(word: &str, what: &str) -> String {
    if what.is_empty() { String::new() } else { format!("{word} {what}") }
}
