//! What came of it: the moments between a fault and a failed assertion that a reader would look up in the histories and among
//! the attempts of activities, as sentences. A run has many of them; the most telling are chosen.

use std::collections::BTreeMap;

use foretime_server::proto::{
    enums::TimeoutType,
    history::{HistoryEvent, history_event::Attributes},
};

use crate::{
    os::ProcessId,
    world::{
        EPOCH_S, State,
        log::{EntryKind, Span},
    },
};

/// At most so many moments are told.
const TOLD_MAX: usize = 8;
/// With fewer than these, what went well is told, too.
const FEW: usize = 4;
/// An activity that is tried again and again is told up to this attempt.
const ATTEMPT_TOLD_MAX: u32 = 3;

/// Something that a reader may want to know.
#[derive(Debug)]
pub(super) struct Moment {
    pub(super) at_ns: u64,
    /// Its place among all steps, if that is known: then it may be told before what happened at the same instant.
    pub(super) step: u64,
    pub(super) text: String,
    interest: Interest,
}

/// How telling a moment is; the most telling first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Interest {
    /// Something failed for good, or two attempts ran side by side.
    Wrong,
    /// Something was tried again, or came from outside.
    Turn,
    /// A workflow came to its end, or something was done to the outside world.
    End,
    /// All went well.
    Well,
}

/// The moments up to `until_ns`, in order.
pub(super) fn moments(state: &State, until_ns: u64) -> Vec<Moment> {
    let mut all: Vec<Moment> = attempts(state).into_iter().chain(effects(state)).collect();
    for run in state.service().runs() {
        let events = run.events_from(1);
        all.extend(events.iter().filter_map(|event| of_event(run.workflow_id(), &events, event)));
    }
    all.retain(|moment| moment.at_ns <= until_ns);
    if all.iter().filter(|moment| moment.interest < Interest::Well).count() >= FEW {
        all.retain(|moment| moment.interest < Interest::Well);
    }
    // Of two that are as telling, the later is nearer to the failure.
    all.sort_by_key(|moment| (moment.interest, u64::MAX - moment.at_ns));
    all.truncate(TOLD_MAX);
    all.sort_by_key(|moment| (moment.at_ns, moment.step));
    all
}

/// What was done to the outside world.
fn effects(state: &State) -> impl Iterator<Item = Moment> {
    let effects = state.log.entries.iter().filter(|entry| entry.kind == EntryKind::Effect);
    effects.map(|entry| {
        let who = entry.process.map_or_else(String::new, |process| name(state, process));
        let what = entry.detail.split(" (").next().unwrap_or_default();
        let text = format!("{who} {} \"{what}\"", if entry.label == "does" { "did" } else { "asked again for" });
        Moment { at_ns: entry.at_ns, step: entry.step, text, interest: Interest::End }
    })
}

/// A process, as people say it: `worker 1`.
pub(super) fn name(state: &State, process: ProcessId) -> String {
    state.lives.get(process).name.replace('-', " ")
}

/// The attempts of activities after the first, and what became of the one before.
fn attempts(state: &State) -> Vec<Moment> {
    let mut of_activity: BTreeMap<(&str, Option<&str>), Vec<&Span>> = BTreeMap::new();
    for span in state.log.spans.iter().filter(|span| span.is_activity) {
        of_activity.entry((&span.workflow_id, span.activity_id.as_deref())).or_default().push(span);
    }
    let pairs = of_activity.values().flat_map(|spans| spans.windows(2));
    pairs.map(|pair| tried_again(state, pair[0], pair[1])).collect()
}

fn tried_again(state: &State, before: &Span, again: &Span) -> Moment {
    let number = |span: &Span| span.detail.rsplit(' ').next().and_then(|number| number.parse::<u32>().ok()).unwrap_or_default();
    let died_ns = state.lives.get(before.process).ended.as_ref().map(|(at_ns, _)| *at_ns);
    let is_beside = before.to_ns.or(died_ns).is_none_or(|ended_ns| ended_ns > again.from_ns);
    let became = if is_beside {
        format!(", while attempt {} still ran on {}", number(before), name(state, before.process))
    } else if before.to_ns.is_none() {
        format!(", since attempt {} had ended with its worker", number(before))
    } else {
        String::new()
    };
    let (activity, workflow, who) = (&again.label, &again.workflow_id, name(state, again.process));
    let text = format!("attempt {} of {activity} ({workflow}) began on {who}{became}", number(again));
    let interest = match number(again) {
        _ if is_beside => Interest::Wrong,
        ..=ATTEMPT_TOLD_MAX => Interest::Turn,
        _ => Interest::Well,
    };
    Moment { at_ns: again.from_ns, step: again.from_step, text, interest }
}

fn of_event(id: &str, events: &[HistoryEvent], event: &HistoryEvent) -> Option<Moment> {
    let activity = |scheduled_event_id: i64| {
        let at = usize::try_from(scheduled_event_id - 1).ok()?;
        let Attributes::ActivityTaskScheduledEventAttributes(scheduled) = events.get(at)?.attributes.as_ref()? else {
            return None;
        };
        Some(scheduled.activity_type.as_ref()?.name.clone())
    };
    let message = |failure: &Option<foretime_server::proto::failure::Failure>| {
        let mut innermost = failure.as_ref();
        while let Some(cause) = innermost.and_then(|failure| failure.cause.as_deref()) {
            innermost = Some(cause);
        }
        innermost.map_or_else(String::new, |failure| format!(": {}", failure.message))
    };
    let (text, interest) = match event.attributes.as_ref()? {
        Attributes::ActivityTaskFailedEventAttributes(it) => {
            (format!("{} of {id} failed for good{}", activity(it.scheduled_event_id)?, message(&it.failure)), Interest::Wrong)
        }
        Attributes::ActivityTaskTimedOutEventAttributes(it) => {
            (format!("{} of {id} timed out for good", activity(it.scheduled_event_id)?), Interest::Wrong)
        }
        Attributes::ActivityTaskCompletedEventAttributes(it) => {
            (format!("{} of {id} completed", activity(it.scheduled_event_id)?), Interest::Well)
        }
        Attributes::WorkflowExecutionSignaledEventAttributes(it) => {
            let sender = it.external_workflow_execution.as_ref();
            let by = sender.map_or_else(String::new, |sender| format!(" by {}", sender.workflow_id));
            (format!("{id} was signalled \"{}\"{by}", it.signal_name), Interest::Turn)
        }
        // A sticky queue that was left behind times out, too, after each crash: that is of no interest.
        Attributes::WorkflowTaskTimedOutEventAttributes(it) if it.timeout_type() == TimeoutType::StartToClose => {
            (format!("a workflow task of {id} timed out"), Interest::Turn)
        }
        Attributes::StartChildWorkflowExecutionFailedEventAttributes(it) => {
            (format!("{id} could not start its child {}", it.workflow_id), Interest::Wrong)
        }
        Attributes::WorkflowExecutionCancelRequestedEventAttributes(_) => (format!("{id} was asked to cancel"), Interest::Turn),
        Attributes::WorkflowExecutionCompletedEventAttributes(_) => (format!("{id} completed"), Interest::End),
        Attributes::WorkflowExecutionCanceledEventAttributes(_) => (format!("{id} was cancelled"), Interest::End),
        Attributes::WorkflowExecutionTerminatedEventAttributes(_) => (format!("{id} was terminated"), Interest::Wrong),
        Attributes::WorkflowExecutionFailedEventAttributes(it) => {
            (format!("{id} failed{}", message(&it.failure)), Interest::Wrong)
        }
        Attributes::WorkflowExecutionTimedOutEventAttributes(_) => (format!("{id} timed out"), Interest::Wrong),
        _ => return None,
    };
    Some(Moment { at_ns: since_start_ns(event)?, step: u64::MAX, text, interest })
}

fn since_start_ns(event: &HistoryEvent) -> Option<u64> {
    let at = event.event_time.as_ref()?;
    let seconds = u64::try_from(at.seconds).ok()?.checked_sub(EPOCH_S)?;
    Some(seconds * 1_000_000_000 + u64::try_from(at.nanos).ok()?)
}
