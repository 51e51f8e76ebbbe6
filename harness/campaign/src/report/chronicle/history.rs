//! What the events of a history tell a reader.

use foretime_server::{
    engine::{PARENT_CLOSE_REASON, RESETTER_IDENTITY, RunView},
    proto::{
        common::{Payloads, SearchAttributes, WorkflowExecution},
        enums::{TimeoutType, WorkflowTaskFailedCause},
        failure::{Failure, failure::FailureInfo},
        history::{HistoryEvent, history_event::Attributes},
        update::{Request, outcome},
    },
};

use super::{
    Interest, Moment, NO_STEP, RunNames,
    run::{Run, closing_task, from, on, types_with_several_inputs},
};
use crate::view::View;

/// A longer input has no room in a sentence.
const INPUT_CHARS_MAX: usize = 40;
/// Of what the next run is given, no more is told: it may be all that a workflow knows.
const GIVEN_CHARS_MAX: usize = 200;

/// The moments of this run.
pub(super) fn moments(view: &View<'_>, names: &RunNames, of: &RunView<'_>) -> Vec<Moment> {
    let (workflow_id, run_id, events) = (of.workflow_id(), of.run_id(), &of.events_from(1));
    let varied = types_with_several_inputs(events);
    let run = Run { view, names, id: names.name(workflow_id, run_id), workflow_id, run_id, events, varied };
    events.iter().filter_map(|event| of_event(&run, event)).collect()
}

fn of_event(run: &Run<'_>, event: &HistoryEvent) -> Option<Moment> {
    let at_ns = run.view.starts_at.event_ns(event)?;
    let attributes = event.attributes.as_ref()?;
    let (text, interest) = of_activity(run, attributes)
        .or_else(|| from_outside(run, at_ns, attributes))
        .or_else(|| of_update(run, attributes))
        .or_else(|| of_others(run, attributes))
        .or_else(|| too_late(run, attributes))
        .or_else(|| end(run, at_ns, attributes))?;
    let signal = match attributes {
        Attributes::WorkflowExecutionSignaledEventAttributes(it) => {
            let sender = it.external_workflow_execution.as_ref().map_or("", |it| &it.workflow_id);
            Some(format!("{} {}{} {sender}", run.workflow_id, it.signal_name, brief(it.input.as_ref())))
        }
        Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(it) => {
            Some(format!("{} {}", run.workflow_id, update(it.accepted_request.as_ref())))
        }
        Attributes::WorkflowExecutionCancelRequestedEventAttributes(_) => Some(format!("{} cancel", run.workflow_id)),
        _ => None,
    };
    let update_id = match attributes {
        Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(it) => Some(it.protocol_instance_id.clone()),
        _ => None,
    };
    let mut moment = Moment { signal, update_id, ..Moment::new(at_ns, NO_STEP, text, interest) };
    // It may not have taken the signal with it.
    if let Attributes::WorkflowExecutionContinuedAsNewEventAttributes(_) = attributes {
        moment.beside_signal = Interest::Wrong;
    }
    Some(moment)
}

/// Activities and tasks.
fn of_activity(run: &Run<'_>, attributes: &Attributes) -> Option<(String, Interest)> {
    let id = run.id;
    Some(match attributes {
        Attributes::ActivityTaskFailedEventAttributes(it) => {
            let (failed, on) = (reason(it.failure.as_ref()), on(&it.identity));
            (format!("{} of {id} failed for good{on}{failed}", run.activity(it.scheduled_event_id)?), Interest::Wrong)
        }
        Attributes::ActivityTaskTimedOutEventAttributes(it) => {
            let (timed_out, unreached) =
                (reason(it.failure.as_ref()), run.unreached(it.scheduled_event_id, it.started_event_id));
            let activity = run.activity(it.scheduled_event_id)?;
            (format!("{activity} of {id} timed out for good{timed_out}{unreached}"), Interest::Wrong)
        }
        Attributes::ActivityTaskCancelRequestedEventAttributes(it) => {
            (format!("{id} asked {} to cancel", run.activity(it.scheduled_event_id)?), Interest::Turn)
        }
        Attributes::ActivityTaskCompletedEventAttributes(it) => {
            let (on, beside) = (on(&it.identity), run.beside(it.scheduled_event_id));
            let interest = if beside.is_empty() { Interest::Well } else { Interest::End };
            (format!("{} of {id} completed{on}{beside}", run.activity(it.scheduled_event_id)?), interest)
        }
        // A sticky queue that its worker left times out too, after each crash. That is not interesting.
        Attributes::WorkflowTaskTimedOutEventAttributes(it) if it.timeout_type() == TimeoutType::StartToClose => {
            (format!("a workflow task of {id} timed out{}", run.started_on(it.started_event_id)), Interest::Turn)
        }
        Attributes::WorkflowTaskFailedEventAttributes(it) if is_failure_of_code(it.cause()) => {
            (format!("a workflow task of {id} failed{}", reason(it.failure.as_ref())), Interest::Turn)
        }
        _ => return None,
    })
}

/// What others want from the run, and who they are.
fn from_outside(run: &Run<'_>, at_ns: u64, attributes: &Attributes) -> Option<(String, Interest)> {
    let id = run.id;
    if let Attributes::WorkflowExecutionStartedEventAttributes(it) = attributes {
        let is_another = run.names.is_another(run.run_id);
        let is_from_outside = it.continued_execution_run_id.is_empty() && it.parent_workflow_execution.is_none();
        let by = run.by(at_ns, "Start", &it.identity);
        // A reset begins with the events of the run that it is a reset of.
        if it.original_execution_run_id != run.run_id {
            return None;
        }
        if let Some(schedule) = scheduled_by(it.search_attributes.as_ref()) {
            return Some((format!("{id} was started by the schedule {schedule}"), Interest::Well));
        }
        return (is_another && is_from_outside).then(|| (format!("{id} was started{by}"), Interest::Turn));
    }
    let by = |workflow: Option<&WorkflowExecution>, rpc, identity: &str| {
        workflow.map_or_else(|| run.by(at_ns, rpc, identity), |workflow| format!(" by {}", workflow.workflow_id))
    };
    Some(match attributes {
        Attributes::WorkflowExecutionSignaledEventAttributes(it) => {
            let (input, by) = (brief(it.input.as_ref()), by(it.external_workflow_execution.as_ref(), "Signal", &it.identity));
            (format!("{id} was signalled \"{}\"{input}{by}", it.signal_name), Interest::Turn)
        }
        Attributes::WorkflowExecutionCancelRequestedEventAttributes(it) => {
            let by = by(it.external_workflow_execution.as_ref(), "RequestCancel", &it.identity);
            (format!("{id} was asked to cancel{by}"), Interest::Wrong)
        }
        _ => return None,
    })
}

/// The schedule that has started a run.
fn scheduled_by(search_attributes: Option<&SearchAttributes>) -> Option<String> {
    let payload = search_attributes?.indexed_fields.get("TemporalScheduledById")?;
    serde_json::from_slice(&payload.data).ok()
}

/// Updates. No event tells of a rejection.
fn of_update(run: &Run<'_>, attributes: &Attributes) -> Option<(String, Interest)> {
    let id = run.id;
    Some(match attributes {
        Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(it) => {
            let request = it.accepted_request.as_ref();
            let from = request.and_then(|it| it.meta.as_ref()).map_or_else(String::new, |meta| from(&meta.identity));
            (format!("{id} accepted the update {}{from}", update(request)), Interest::Turn)
        }
        Attributes::WorkflowExecutionUpdateCompletedEventAttributes(it) => {
            let what = run.update(it.accepted_event_id)?;
            match it.outcome.as_ref().and_then(|outcome| outcome.value.as_ref()) {
                Some(outcome::Value::Failure(failure)) => {
                    (format!("the update {what} of {id} failed{}", reason(Some(failure))), Interest::Wrong)
                }
                _ => (format!("{id} completed the update {what}"), Interest::Well),
            }
        }
        _ => return None,
    })
}

/// An update by the name of its handler and what is passed to it: `"pay" (3)`.
pub(super) fn update(request: Option<&Request>) -> String {
    let input = request.and_then(|request| request.input.as_ref());
    input.map_or_else(String::new, |input| format!("\"{}\"{}", input.name, brief(input.args.as_ref())))
}

/// Timers, children and other workflows.
fn of_others(run: &Run<'_>, attributes: &Attributes) -> Option<(String, Interest)> {
    let id = run.id;
    Some(match attributes {
        Attributes::TimerFiredEventAttributes(_) => (format!("a timer of {id} fired"), Interest::Well),
        Attributes::StartChildWorkflowExecutionFailedEventAttributes(it) => {
            (format!("{id} could not start its child {}, which there is already", it.workflow_id), Interest::Wrong)
        }
        Attributes::SignalExternalWorkflowExecutionFailedEventAttributes(it) => {
            let target = it.workflow_execution.as_ref().map_or("another workflow", |it| &it.workflow_id);
            let sent = run.signal(it.initiated_event_id)?;
            // The request may give a run id, while another run of the workflow is open.
            let is_one_run = it.workflow_execution.as_ref().is_some_and(|it| !it.run_id.is_empty());
            let what = match is_one_run {
                true => "the one run of it that was meant was closed",
                false if run.asks_for_child(target, sent.workflow_task_completed_event_id) => {
                    "the server had not yet started it, for which the same workflow task asked"
                }
                false => "it did not run",
            };
            (format!("{id} could not signal {target} \"{}\": {what}", sent.signal_name), Interest::Wrong)
        }
        Attributes::RequestCancelExternalWorkflowExecutionFailedEventAttributes(it) => {
            let target = it.workflow_execution.as_ref().map_or("another workflow", |it| &it.workflow_id);
            (format!("{id} could not cancel {target}: it did not run"), Interest::Wrong)
        }
        _ => return None,
    })
}

/// What the run asked for in the workflow task that closed it. The server therefore never does it.
fn too_late(run: &Run<'_>, attributes: &Attributes) -> Option<(String, Interest)> {
    let target = |it: &Option<WorkflowExecution>| it.as_ref().map_or_else(String::new, |it| it.workflow_id.clone());
    let (task, asked, done) = match attributes {
        Attributes::SignalExternalWorkflowExecutionInitiatedEventAttributes(it) => {
            let asked = format!("signalled {} \"{}\"", target(&it.workflow_execution), it.signal_name);
            (it.workflow_task_completed_event_id, asked, "sends such a signal")
        }
        Attributes::RequestCancelExternalWorkflowExecutionInitiatedEventAttributes(it) => {
            let asked = format!("asked {} to cancel", target(&it.workflow_execution));
            (it.workflow_task_completed_event_id, asked, "sends such a request")
        }
        Attributes::StartChildWorkflowExecutionInitiatedEventAttributes(it) => {
            let asked = format!("asked for its child {}", it.workflow_id);
            (it.workflow_task_completed_event_id, asked, "starts such a child")
        }
        _ => return None,
    };
    let is_closing = run.events.last().and_then(|last| closing_task(last.attributes.as_ref()?)) == Some(task);
    is_closing.then(|| {
        let text = format!("{} {asked} in the workflow task that closed it: the server never {done}", run.id);
        (text, Interest::Wrong)
    })
}

/// How the run ended.
fn end(run: &Run<'_>, at_ns: u64, attributes: &Attributes) -> Option<(String, Interest)> {
    let id = run.id;
    let (how, interest) = match attributes {
        Attributes::WorkflowExecutionCompletedEventAttributes(_) => ("completed".to_owned(), Interest::End),
        Attributes::WorkflowExecutionCanceledEventAttributes(_) => ("was cancelled".to_owned(), Interest::End),
        Attributes::WorkflowExecutionContinuedAsNewEventAttributes(it) => {
            (format!("continued as new{}", given(it.input.as_ref())), Interest::Well)
        }
        Attributes::WorkflowExecutionTerminatedEventAttributes(it) => {
            let why = if it.reason.is_empty() { String::new() } else { format!(" ({})", it.reason) };
            let text = match it.reason == PARENT_CLOSE_REASON {
                true => format!("was terminated{why}{}", run.since_its_parent()),
                false if it.identity == RESETTER_IDENTITY => format!("was ended by a reset{why}"),
                false => format!("was terminated{}{why}", run.by(at_ns, "Terminate", &it.identity)),
            };
            (text, Interest::Wrong)
        }
        Attributes::WorkflowExecutionFailedEventAttributes(it) => {
            (format!("failed{}", reason(it.failure.as_ref())), Interest::Wrong)
        }
        Attributes::WorkflowExecutionTimedOutEventAttributes(_) => ("timed out".to_owned(), Interest::Wrong),
        _ => return None,
    };
    let (left, next) = (run.unfinished(), run.next(attributes));
    if left.is_empty() {
        return Some((format!("{id} {how}{next}"), interest));
    }
    Some((format!("{id} {how}, with {} not finished{next}", left.join(" and ")), Interest::Wrong))
}

/// Four causes are no failure of the code: something arrived meanwhile and the task is done again, the run was closed or paused
/// meanwhile, or it was reset, which is written so.
fn is_failure_of_code(cause: WorkflowTaskFailedCause) -> bool {
    use WorkflowTaskFailedCause::{
        ForceCloseCommand, ResetWorkflow, UnhandledCommand, WorkflowPauseRequestedBeforeTaskStarted,
    };
    !matches!(cause, UnhandledCommand | ForceCloseCommand | ResetWorkflow | WorkflowPauseRequestedBeforeTaskStarted)
}

/// The innermost reason of a failure, after a colon. A timeout is a reason itself: its cause is how the last attempt ended
/// before it.
fn reason(failure: Option<&Failure>) -> String {
    let mut innermost = failure;
    while let Some(failure) = innermost
        && !matches!(failure.failure_info, Some(FailureInfo::TimeoutFailureInfo(_)))
        && let Some(cause) = failure.cause.as_deref()
    {
        innermost = Some(cause);
    }
    innermost.map_or_else(String::new, |failure| format!(": {}", failure.message))
}

/// What was sent along, if it is a short text: ` ("Basel")`.
pub(super) fn brief(input: Option<&Payloads>) -> String {
    match text_of(input) {
        Some(text) if text.chars().count() <= INPUT_CHARS_MAX => format!(" ({text})"),
        _ => String::new(),
    }
}

/// What the next run is given, if that is text: ` with {"month":3}`.
fn given(input: Option<&Payloads>) -> String {
    let Some(text) = text_of(input) else { return String::new() };
    let shown: String = text.chars().take(GIVEN_CHARS_MAX).collect();
    let cut = if shown.len() < text.len() { "…" } else { "" };
    format!(" with {shown}{cut}")
}

/// Payloads as text; `None` if they say nothing, or not in text.
fn text_of(input: Option<&Payloads>) -> Option<String> {
    let texts = input.into_iter().flat_map(|input| &input.payloads).map(|payload| String::from_utf8(payload.data.clone()));
    let texts: Vec<String> = texts.filter_map(Result::ok).filter(|text| !text.is_empty() && text != "null").collect();
    Some(texts.join(", ")).filter(|text| !text.is_empty() && !text.contains(char::is_control))
}
