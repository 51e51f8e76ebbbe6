//! What the events of a history tell.

use std::collections::BTreeSet;

use foretime_server::{
    engine::{RunView, time::Time},
    proto::{
        common::{Payloads, WorkflowExecution},
        enums::{TimeoutType, WorkflowExecutionStatus, WorkflowTaskFailedCause},
        failure::{Failure, failure::FailureInfo},
        history::{
            ActivityTaskScheduledEventAttributes, HistoryEvent, SignalExternalWorkflowExecutionInitiatedEventAttributes,
            history_event::Attributes,
        },
    },
};

use super::{
    Interest, Moment, NO_STEP, RunNames,
    attempts::{died_ns, span_of},
    name, spoken,
};
use crate::{
    os::ProcessId,
    process::test::IDENTITY,
    report::after,
    world::{
        State, first_workflow_task_ns,
        log::{Entry, REACHES, Span},
        since_start_ns,
    },
};

/// What the server says of a run that it terminates with its parent.
const PARENT_CLOSE_REASON: &str = "by parent close policy";
/// An input that is longer than this says more than a sentence has room for.
const INPUT_CHARS_MAX: usize = 40;

/// The moments of this run.
pub(super) fn moments(state: &State, names: &RunNames, view: &RunView<'_>) -> Vec<Moment> {
    let (workflow_id, run_id, events) = (view.workflow_id(), view.run_id(), &view.events_from(1));
    let run = Run { state, names, id: names.name(workflow_id, run_id), workflow_id, run_id, events };
    events.iter().filter_map(|event| of_event(&run, event)).collect()
}

/// The run that the events are of.
struct Run<'a> {
    state: &'a State,
    names: &'a RunNames,
    /// What it is called.
    id: &'a str,
    workflow_id: &'a str,
    run_id: &'a str,
    events: &'a [HistoryEvent],
}

fn of_event(run: &Run<'_>, event: &HistoryEvent) -> Option<Moment> {
    let at_ns = since_start_ns(Time::from_proto(event.event_time.as_ref()?))?;
    let attributes = event.attributes.as_ref()?;
    let (text, interest) = of_activity(run, attributes)
        .or_else(|| from_outside(run, at_ns, attributes))
        .or_else(|| of_others(run, attributes))
        .or_else(|| too_late(run, attributes))
        .or_else(|| end(run, at_ns, attributes))?;
    let signal = match attributes {
        Attributes::WorkflowExecutionSignaledEventAttributes(it) => {
            let sender = it.external_workflow_execution.as_ref().map_or("", |it| &it.workflow_id);
            Some(format!("{} {}{} {sender}", run.workflow_id, it.signal_name, brief(it.input.as_ref())))
        }
        Attributes::WorkflowExecutionCancelRequestedEventAttributes(_) => Some(format!("{} cancel", run.workflow_id)),
        _ => None,
    };
    Some(Moment { signal, ..Moment::new(at_ns, NO_STEP, text, interest) })
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
        // A sticky queue that was left behind times out, too, after each crash: that is of no interest.
        Attributes::WorkflowTaskTimedOutEventAttributes(it) if it.timeout_type() == TimeoutType::StartToClose => {
            (format!("a workflow task of {id} timed out{}", run.started_on(it.started_event_id)), Interest::Turn)
        }
        Attributes::WorkflowTaskFailedEventAttributes(it) if is_failure_of_code(it.cause()) => {
            (format!("a workflow task of {id} failed{}", reason(it.failure.as_ref())), Interest::Turn)
        }
        _ => return None,
    })
}

/// What others want of the run, and who.
fn from_outside(run: &Run<'_>, at_ns: u64, attributes: &Attributes) -> Option<(String, Interest)> {
    let id = run.id;
    let by = |workflow: Option<&WorkflowExecution>, rpc| {
        workflow.map_or_else(|| run.by(at_ns, rpc), |workflow| format!(" by {}", workflow.workflow_id))
    };
    Some(match attributes {
        Attributes::WorkflowExecutionSignaledEventAttributes(it) => {
            let (input, by) = (brief(it.input.as_ref()), by(it.external_workflow_execution.as_ref(), "Signal"));
            (format!("{id} was signalled \"{}\"{input}{by}", it.signal_name), Interest::Turn)
        }
        Attributes::WorkflowExecutionCancelRequestedEventAttributes(it) => {
            let by = by(it.external_workflow_execution.as_ref(), "RequestCancel");
            (format!("{id} was asked to cancel{by}"), Interest::Turn)
        }
        _ => return None,
    })
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
            // A run id may be given, and another run of the workflow be open.
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

/// What the run asked for in the workflow task that closed it, and that the server therefore never does.
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
        Attributes::WorkflowExecutionContinuedAsNewEventAttributes(_) => ("continued as new".to_owned(), Interest::Well),
        Attributes::WorkflowExecutionTerminatedEventAttributes(it) => {
            let why = if it.reason.is_empty() { String::new() } else { format!(" ({})", it.reason) };
            let text = match it.reason == PARENT_CLOSE_REASON {
                true => format!("was terminated{why}{}", run.since_its_parent()),
                false => format!("was terminated{}{why}", run.by(at_ns, "Terminate")),
            };
            (text, Interest::Wrong)
        }
        Attributes::WorkflowExecutionFailedEventAttributes(it) => {
            (format!("failed{}", reason(it.failure.as_ref())), Interest::Wrong)
        }
        Attributes::WorkflowExecutionTimedOutEventAttributes(_) => ("timed out".to_owned(), Interest::Wrong),
        _ => return None,
    };
    let (left, next) = (run.open_activities(), run.next(attributes));
    if left.is_empty() {
        return Some((format!("{id} {how}{next}"), interest));
    }
    Some((format!("{id} {how}, with {} not finished{next}", left.join(" and ")), Interest::Wrong))
}

impl Run<'_> {
    fn at(&self, event_id: i64) -> Option<&Attributes> {
        self.events.get(usize::try_from(event_id - 1).ok()?)?.attributes.as_ref()
    }

    fn scheduled(&self, event_id: i64) -> Option<&ActivityTaskScheduledEventAttributes> {
        if let Attributes::ActivityTaskScheduledEventAttributes(it) = self.at(event_id)? { Some(it) } else { None }
    }

    /// Whose request, of those that begin so, reached the server at this moment, if it was one process's.
    fn by(&self, at_ns: u64, rpc: &str) -> String {
        let log = &self.state.log.entries;
        let (from, to) = (log.partition_point(|it| it.at_ns < at_ns), log.partition_point(|it| it.at_ns <= at_ns));
        let asks = |entry: &&Entry| entry.label.strip_prefix(REACHES).is_some_and(|it| it.trim_start().starts_with(rpc));
        let senders: BTreeSet<ProcessId> = log[from..to].iter().filter(asks).filter_map(|entry| entry.process).collect();
        match senders.first() {
            Some(sender) if senders.len() == 1 => format!(" by {}", name(self.state, *sender)),
            _ => String::new(),
        }
    }

    /// What became of its parent: `, since run 1 of shop continued as new`.
    fn since_its_parent(&self) -> String {
        let Some(Attributes::WorkflowExecutionStartedEventAttributes(started)) = self.at(1) else { return String::new() };
        let Some(parent) = &started.parent_workflow_execution else { return String::new() };
        let status = self.state.service().runs().find(|run| run.run_id() == parent.run_id).map(|run| run.status());
        let became = match status {
            Some(WorkflowExecutionStatus::ContinuedAsNew) => "continued as new",
            Some(WorkflowExecutionStatus::Completed) => "completed",
            Some(WorkflowExecutionStatus::Failed) => "failed",
            Some(WorkflowExecutionStatus::Canceled) => "was cancelled",
            Some(WorkflowExecutionStatus::Terminated) => "was terminated",
            Some(WorkflowExecutionStatus::TimedOut) => "timed out",
            _ => return String::new(),
        };
        format!(", since {} {became}", self.names.name(&parent.workflow_id, &parent.run_id))
    }

    /// When the run begins to work that follows this one, if it waits for that.
    fn next(&self, end: &Attributes) -> String {
        let next_run_id = match end {
            Attributes::WorkflowExecutionCompletedEventAttributes(it) => &it.new_execution_run_id,
            Attributes::WorkflowExecutionFailedEventAttributes(it) => &it.new_execution_run_id,
            Attributes::WorkflowExecutionTimedOutEventAttributes(it) => &it.new_execution_run_id,
            Attributes::WorkflowExecutionContinuedAsNewEventAttributes(it) => &it.new_execution_run_id,
            _ => return String::new(),
        };
        let next = self.state.service().runs().find(|run| run.run_id() == *next_run_id);
        let starts_ns = next.and_then(|run| first_workflow_task_ns(run.events_from(1).first()?));
        let name = self.names.name(self.workflow_id, next_run_id);
        starts_ns.map_or_else(String::new, |at_ns| format!("; {name} was to begin {}", after(at_ns)))
    }

    /// Who had the workflow task that was started by this event.
    fn started_on(&self, event_id: i64) -> String {
        match self.at(event_id) {
            Some(Attributes::WorkflowTaskStartedEventAttributes(it)) => on(&it.identity),
            _ => String::new(),
        }
    }

    /// The type of the activity that was scheduled by this event.
    fn activity(&self, scheduled_event_id: i64) -> Option<String> {
        Some(self.scheduled(scheduled_event_id)?.activity_type.as_ref()?.name.clone())
    }

    /// That no worker's code ever saw the attempt that was started by this event, if it is so.
    fn unreached(&self, scheduled_event_id: i64, started_event_id: i64) -> String {
        let (Some(scheduled), Some(Attributes::ActivityTaskStartedEventAttributes(started))) =
            (self.scheduled(scheduled_event_id), self.at(started_event_id))
        else {
            return String::new();
        };
        let (attempt, worker) = (started.attempt, spoken(&started.identity));
        match span_of(self.state, self.run_id, &scheduled.activity_id, attempt) {
            None => format!(", since attempt {attempt}, which {worker} was given, never reached its code"),
            Some(_) => String::new(),
        }
    }

    /// Which other workflow's activity of the same struct was under way at the same time: they may share what is in it, or what it
    /// works on.
    fn beside(&self, scheduled_event_id: i64) -> String {
        let activity_id = self.scheduled(scheduled_event_id).map(|it| &it.activity_id);
        let spans = || self.state.log.spans.iter().filter(|span| span.is_activity);
        let is_it = |span: &&Span| span.run_id == self.run_id && span.activity_id.as_ref() == activity_id;
        let Some(last) = spans().rfind(is_it) else { return String::new() };
        let of_struct = |span: &Span| span.label.split("::").next().map(str::to_owned);
        let overlaps = |span: &&Span| {
            span.workflow_id != self.workflow_id
                && of_struct(span) == of_struct(last)
                && span.from_ns < last.to_ns.unwrap_or(u64::MAX)
                // One that hangs to the end of the run is at no work.
                && span.to_ns.or(died_ns(self.state, span)).is_some_and(|ended_ns| ended_ns > last.from_ns)
        };
        let others: Vec<&Span> = spans().filter(overlaps).collect();
        match *others {
            [] => String::new(),
            [other] => {
                let beside = format!(", beside {} of {}", other.label, self.names.name(&other.workflow_id, &other.run_id));
                if other.process == last.process { beside } else { format!("{beside} on {}", name(self.state, other.process)) }
            }
            _ => format!(", beside {} others", others.len()),
        }
    }

    /// Whether this workflow task asked for a child of this id.
    fn asks_for_child(&self, workflow_id: &str, completed_event_id: i64) -> bool {
        let is_it = |it: &Attributes| match it {
            Attributes::StartChildWorkflowExecutionInitiatedEventAttributes(it) => {
                it.workflow_id == workflow_id && it.workflow_task_completed_event_id == completed_event_id
            }
            _ => false,
        };
        self.events.iter().filter_map(|event| event.attributes.as_ref()).any(is_it)
    }

    /// The signal that was sent by this event.
    fn signal(&self, initiated_event_id: i64) -> Option<&SignalExternalWorkflowExecutionInitiatedEventAttributes> {
        match self.at(initiated_event_id)? {
            Attributes::SignalExternalWorkflowExecutionInitiatedEventAttributes(sent) => Some(sent),
            _ => None,
        }
    }

    /// The activities that have no end in the history.
    fn open_activities(&self) -> Vec<String> {
        let ended: BTreeSet<i64> =
            self.events.iter().filter_map(|event| scheduled_event_of_end(event.attributes.as_ref()?)).collect();
        let scheduled = self.events.iter().map(|event| event.event_id).filter(|id| !ended.contains(id));
        scheduled.filter_map(|id| self.activity(id)).collect()
    }
}

/// No failure is that something came in between, and the task is done again, or that the run was closed meanwhile.
fn is_failure_of_code(cause: WorkflowTaskFailedCause) -> bool {
    !matches!(cause, WorkflowTaskFailedCause::UnhandledCommand | WorkflowTaskFailedCause::ForceCloseCommand)
}

/// The completed workflow task that closed the run with this event.
fn closing_task(attributes: &Attributes) -> Option<i64> {
    match attributes {
        Attributes::WorkflowExecutionCompletedEventAttributes(it) => Some(it.workflow_task_completed_event_id),
        Attributes::WorkflowExecutionFailedEventAttributes(it) => Some(it.workflow_task_completed_event_id),
        Attributes::WorkflowExecutionCanceledEventAttributes(it) => Some(it.workflow_task_completed_event_id),
        Attributes::WorkflowExecutionContinuedAsNewEventAttributes(it) => Some(it.workflow_task_completed_event_id),
        _ => None,
    }
}

/// The event by which the activity was scheduled that ends here.
fn scheduled_event_of_end(attributes: &Attributes) -> Option<i64> {
    match attributes {
        Attributes::ActivityTaskCompletedEventAttributes(it) => Some(it.scheduled_event_id),
        Attributes::ActivityTaskFailedEventAttributes(it) => Some(it.scheduled_event_id),
        Attributes::ActivityTaskTimedOutEventAttributes(it) => Some(it.scheduled_event_id),
        Attributes::ActivityTaskCanceledEventAttributes(it) => Some(it.scheduled_event_id),
        _ => None,
    }
}

/// Where an activity ended, by the identity of who told the server.
fn on(identity: &str) -> String {
    match identity {
        "" => String::new(),
        IDENTITY => " by a client of the test's".to_owned(),
        _ => format!(" on {}", spoken(identity)),
    }
}

/// The innermost reason of a failure, after a colon. A timeout is one itself: its cause is how the last attempt ended before it.
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

/// What was sent along, if it is short text: ` ("Basel")`.
pub(super) fn brief(input: Option<&Payloads>) -> String {
    let texts = input.into_iter().flat_map(|input| &input.payloads).map(|payload| String::from_utf8(payload.data.clone()));
    let texts: Vec<String> = texts.filter_map(Result::ok).filter(|text| !text.is_empty() && text != "null").collect();
    let text = texts.join(", ");
    let is_told = !text.is_empty() && text.chars().count() <= INPUT_CHARS_MAX && !text.contains(char::is_control);
    if is_told { format!(" ({text})") } else { String::new() }
}
