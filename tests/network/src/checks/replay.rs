//! The history of a run is the one that its script makes: what each workflow task asked for follows from what was in the history then.

use std::collections::BTreeMap;

use foretime_server::proto::{
    enums::EventType,
    history::{HistoryEvent, WorkflowTaskCompletedEventAttributes, history_event::Attributes},
};

use super::{asked::Asked, run::is_close};
use crate::{
    nodes::interpreter::{decide, payload, script, update},
    plan::digest::signals_text,
};

/// Checks the whole history of a run, open or closed.
///
/// # Errors
/// Where it differs from what the script makes, and how, for people.
pub fn check(events: &[HistoryEvent]) -> Result<(), String> {
    check_frame(events)?;
    let mut at_event = BTreeMap::new();
    for (at, event) in events.iter().enumerate() {
        at_event.insert(event.event_id, at);
        let Some(Attributes::WorkflowTaskCompletedEventAttributes(completed)) = &event.attributes else { continue };
        check_task(events, &at_event, at, completed)?;
    }
    check_origins(events)?;
    check_result(events)
}

/// The events have the ids 1, 2, 3 ..., the first one begins the run, and nothing comes after its end.
fn check_frame(events: &[HistoryEvent]) -> Result<(), String> {
    for (event, expected) in events.iter().zip(1..) {
        if event.event_id != expected {
            return Err(format!("event {} stands where event {expected} belongs", event.event_id));
        }
        if event.event_type() != event.attributes.as_ref().map_or(EventType::Unspecified, Attributes::event_type) {
            return Err(format!("{} has the attributes of another type", named(event)));
        }
    }
    match events.first().map(HistoryEvent::event_type) {
        Some(EventType::WorkflowExecutionStarted) => {}
        Some(other) => return Err(format!("the history begins with {}", other.as_str_name())),
        None => return Err("the history is empty".to_owned()),
    }
    let closed = events.iter().position(|event| is_close(event.event_type()));
    match closed.and_then(|at| events.get(at + 1)) {
        Some(event) => Err(format!("{} comes after the end of the run", named(event))),
        None => Ok(()),
    }
}

/// What was asked for with one workflow task is what the script asks for there.
fn check_task(
    events: &[HistoryEvent],
    at_event: &BTreeMap<i64, usize>,
    at: usize,
    completed: &WorkflowTaskCompletedEventAttributes,
) -> Result<(), String> {
    let completion = named(&events[at]);
    let is_started = |at: &&usize| events[**at].event_type() == EventType::WorkflowTaskStarted;
    let Some(started) = at_event.get(&completed.started_event_id).filter(is_started).copied() else {
        let id = completed.started_event_id;
        return Err(format!("{completion} is for a workflow task that started with event {id}, and there is no such start"));
    };
    let decision = decide(&events[..=started], &update::accepted_with(events, at));
    let expected = Asked::all_of(&decision);
    let mut recorded = update::asked_with(events, at);
    for expected in &expected {
        let Some(event) = recorded.next() else {
            return Err(format!("after {completion}, the script asks {expected}, and the history has nothing of it"));
        };
        let found = event.attributes.as_ref().map(Asked::of_event);
        if found.as_ref() != Some(expected) {
            let found = found.map_or_else(|| "for nothing".to_owned(), |found| found.to_string());
            return Err(format!("{}: the script asks {expected}, in the history it asked {found}", named(event)));
        }
    }
    match recorded.next() {
        Some(event) => Err(format!("{}: the script asks for no such thing after {completion}", named(event))),
        None => Ok(()),
    }
}

/// What a workflow task asked for comes right after its completion, and so belongs to one.
fn check_origins(events: &[HistoryEvent]) -> Result<(), String> {
    let mut completed_event_id = 0;
    let mut expected = 0;
    for event in events {
        let is_update = matches!(
            event.event_type(),
            EventType::WorkflowExecutionUpdateAccepted | EventType::WorkflowExecutionUpdateCompleted
        );
        let of = update::asked_by(event);
        if event.event_type() == EventType::WorkflowTaskCompleted {
            completed_event_id = event.event_id;
            expected = event.event_id + 1;
        } else if is_update || of.is_some() {
            if event.event_id != expected || of.is_some_and(|of| of != completed_event_id) {
                return Err(format!("{} does not follow the completion of its workflow task", named(event)));
            }
            expected += 1;
        }
    }
    Ok(())
}

/// The result of a completed run tells of each signal in its history once, after those of the runs before it.
fn check_result(events: &[HistoryEvent]) -> Result<(), String> {
    let Some(last) = events.last() else { return Ok(()) };
    let Some(Attributes::WorkflowExecutionCompletedEventAttributes(completed)) = &last.attributes else { return Ok(()) };
    let mut nonces = script(events).map(|script| script.so_far.signals).unwrap_or_default();
    nonces.extend(events.iter().filter_map(|event| match &event.attributes {
        Some(Attributes::WorkflowExecutionSignaledEventAttributes(it)) => Some(payload::text(it.input.as_ref())),
        _ => None,
    }));
    let (result, expected) = (payload::text(completed.result.as_ref()), signals_text(&nonces));
    if result.contains(&expected) {
        return Ok(());
    }
    Err(format!("{}: the history has {expected}, the result is {result:?}", named(last)))
}

fn named(event: &HistoryEvent) -> String {
    format!("event {} ({})", event.event_id, event.event_type().as_str_name().trim_start_matches("EVENT_TYPE_"))
}

#[cfg(test)]
mod tests {
    use foretime_server::proto::{history::StartChildWorkflowExecutionFailedEventAttributes, update::outcome};

    use super::*;
    use crate::nodes::{
        interpreter::{drive::Drive, tests},
        requests::json,
    };

    /// A history with one of everything: all kinds of steps, signals, an update, and a result.
    fn history() -> Vec<HistoryEvent> {
        let mut drive = Drive::new();
        drive.starts("order", &tests::one_of_each());
        drive.passes(std::time::Duration::from_secs(2));
        drive.updates("order", "u1");
        drive.passes(std::time::Duration::from_secs(2));
        assert!(drive.signals("order", "s1") && drive.signals("order", "s2"));
        drive.runs_to_the_end();
        drive.histories("order").pop().unwrap()
    }

    #[track_caller]
    fn refused(events: &[HistoryEvent]) -> String {
        check(events).expect_err("it differs from what the script makes")
    }

    /// The place of the first event of this type.
    #[track_caller]
    fn place(events: &[HistoryEvent], of: EventType) -> usize {
        events.iter().position(|event| event.event_type() == of).unwrap()
    }

    /// The attributes of the first event of this type, as another run might have them.
    #[track_caller]
    fn changed(of: EventType, change: impl FnOnce(&mut Attributes)) -> String {
        let mut events = history();
        let at = place(&events, of);
        change(events[at].attributes.as_mut().unwrap());
        refused(&events)
    }

    /// The history without the event at this place, and as if it had never been: all ids behind it are one less.
    fn without(events: &[HistoryEvent], at: usize) -> Vec<HistoryEvent> {
        let dropped = events[at].event_id;
        let mut kept = events.to_vec();
        kept.remove(at);
        for event in &mut kept {
            if event.event_id > dropped {
                event.event_id -= 1;
            }
            let Some(attributes) = &mut event.attributes else { continue };
            let reads: [fn(&mut Attributes) -> Option<&mut i64>; 5] = [
                Attributes::workflow_task_completed_event_id_mut,
                Attributes::scheduled_event_id_mut,
                Attributes::started_event_id_mut,
                Attributes::initiated_event_id_mut,
                Attributes::accepted_event_id_mut,
            ];
            for read in reads {
                if let Some(id) = read(attributes).filter(|id| **id > dropped) {
                    *id -= 1;
                }
            }
        }
        kept
    }

    #[test]
    fn a_history_that_the_server_has_written_is_the_one_of_its_script() {
        let history = history();
        assert_eq!(check(&history), Ok(()));
        // What was on the way fits, too: up to where the worker has a task, or is about to.
        let ends = history.iter().enumerate().filter(|(_, event)| event.event_type() == EventType::WorkflowTaskStarted);
        for (at, _) in ends {
            assert_eq!(check(&history[..=at]), Ok(()));
        }
    }

    #[test]
    fn no_event_may_be_missing() {
        let history = history();
        for at in 0..history.len() {
            let mut events = history.clone();
            events.remove(at);
            refused(&events);
        }
    }

    #[test]
    fn what_the_script_sees_or_asks_for_may_not_be_missing_even_if_the_ids_are_whole() {
        use EventType as E;
        let history = history();
        assert_eq!(check(&without(&history, place(&history, E::ActivityTaskStarted))), Ok(()), "the script sees no starts");
        for of in [
            E::WorkflowExecutionStarted,
            E::WorkflowTaskStarted,
            E::WorkflowTaskCompleted,
            E::MarkerRecorded,
            E::ActivityTaskScheduled,
            E::ActivityTaskCompleted,
            E::TimerStarted,
            E::TimerCanceled,
            E::TimerFired,
            E::WorkflowExecutionUpdateAccepted,
            E::WorkflowExecutionUpdateCompleted,
            E::WorkflowExecutionSignaled,
            E::StartChildWorkflowExecutionInitiated,
            E::ChildWorkflowExecutionCompleted,
            E::WorkflowPropertiesModified,
            E::WorkflowExecutionCompleted,
        ] {
            refused(&without(&history, place(&history, of)));
        }
    }

    #[test]
    fn ids_and_inputs_are_compared() {
        use Attributes as A;
        let told = changed(EventType::ActivityTaskScheduled, |attributes| {
            let A::ActivityTaskScheduledEventAttributes(it) = attributes else { unreachable!() };
            it.activity_id = "a9".to_owned();
        });
        assert!(
            told.contains("the script asks for the activity a1 of type charge") && told.contains("asked for the activity a9")
        );
        changed(EventType::ActivityTaskScheduled, |attributes| {
            let A::ActivityTaskScheduledEventAttributes(it) = attributes else { unreachable!() };
            it.input = Some(json(&"another"));
        });
        let told = changed(EventType::TimerStarted, |attributes| {
            let A::TimerStartedEventAttributes(it) = attributes else { unreachable!() };
            it.start_to_fire_timeout = Some(prost_types::Duration { seconds: 61, nanos: 0 });
        });
        assert!(
            told.contains("asks for the timer t2 of 60000 ms, in the history it asked for the timer t2 of 61000 ms"),
            "{told}"
        );
        changed(EventType::StartChildWorkflowExecutionInitiated, |attributes| {
            let A::StartChildWorkflowExecutionInitiatedEventAttributes(it) = attributes else { unreachable!() };
            it.workflow_id = "another".to_owned();
        });
        changed(EventType::WorkflowExecutionUpdateCompleted, |attributes| {
            let A::WorkflowExecutionUpdateCompletedEventAttributes(it) = attributes else { unreachable!() };
            it.outcome.as_mut().unwrap().value = Some(outcome::Value::Success(json(&"u1 after 7 signals")));
        });
    }

    #[test]
    fn a_signal_that_the_script_has_not_seen_is_told() {
        let told = changed(EventType::WorkflowExecutionSignaled, |attributes| {
            let Attributes::WorkflowExecutionSignaledEventAttributes(it) = attributes else { unreachable!() };
            it.input = Some(json(&"another"));
        });
        assert!(told.contains("the script asks to complete with") && told.contains("signals [another, s2]"), "{told}");
    }

    #[test]
    fn a_result_must_tell_of_all_signals() {
        let mut events = history();
        let at = place(&events, EventType::WorkflowExecutionSignaled);
        let Some(Attributes::WorkflowExecutionSignaledEventAttributes(it)) = &mut events[at].attributes else { unreachable!() };
        it.input = Some(json(&"another"));
        let told = check_result(&events).expect_err("the result has another signal");
        assert!(told.contains("the history has signals [another, s2], the result is"), "{told}");
    }

    #[test]
    fn a_child_that_could_not_be_started_is_no_answer_to_a_workflow_task() {
        let mut events = history();
        let mut last = events.pop().expect("an event");
        last.event_type = EventType::StartChildWorkflowExecutionFailed as i32;
        let failed =
            StartChildWorkflowExecutionFailedEventAttributes { workflow_task_completed_event_id: 4, ..Default::default() };
        last.attributes = Some(Attributes::StartChildWorkflowExecutionFailedEventAttributes(failed));
        events.push(last);
        assert_eq!(check_origins(&events), Ok(()));
    }

    #[test]
    fn what_no_workflow_task_asked_for_is_told() {
        let mut events = history();
        assert_eq!(check_origins(&events), Ok(()));
        let marker = events[place(&events, EventType::MarkerRecorded)].clone();
        let at = place(&events, EventType::WorkflowExecutionSignaled);
        events[at] = HistoryEvent { event_id: events[at].event_id, ..marker };
        let told = check_origins(&events).expect_err("the marker comes out of nothing");
        assert!(told.contains("(MARKER_RECORDED) does not follow the completion of its workflow task"), "{told}");
        refused(&events);
    }

    #[test]
    fn nothing_comes_after_the_end() {
        let mut events = history();
        let last = events.last().cloned().unwrap();
        events.push(HistoryEvent { event_id: last.event_id + 1, ..last });
        assert!(refused(&events).contains("comes after the end of the run"));
    }
}
