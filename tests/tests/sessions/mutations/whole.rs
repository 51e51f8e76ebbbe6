//! Mutations of what holds for every event and for the run as a whole.

use std::time::Duration;

use foretime_server::proto::{
    enums::{EventType, RetryState},
    history::{HistoryEvent, NexusOperationStartedEventAttributes, history_event::Attributes as A},
};

use super::{assert_found, campaign, check, set_time, time};

#[test]
fn ids_without_gaps() {
    assert_found(
        "event-id",
        &[
            |events| (events.len() > 3).then(|| drop(events.remove(2))),
            |events| (events.len() > 3).then(|| events.swap(1, 2)),
            |events| (events.len() > 3).then(|| events.insert(2, events[1].clone())),
            |events| events.first_mut().map(|event| event.event_id = 2),
        ],
    );
}

#[test]
fn types_that_go_with_attributes() {
    assert_found(
        "event-type",
        &[
            |events| events.last_mut().map(|event| event.event_type = EventType::Unspecified.into()),
            |events| events.last_mut().map(|event| event.attributes = None),
        ],
    );
}

#[test]
fn times_that_do_not_go_back() {
    assert_found(
        "event-time",
        &[
            |events| events.last_mut().map(|event| event.event_time = None),
            |events| {
                let at = find!(events, WorkflowTaskCompletedEventAttributes)?;
                let early = time(&events[at - 1]) - Duration::from_nanos(1);
                set_time(&mut events[at], early);
                Some(())
            },
            |events| {
                // Held-back events happen after the start of the task, and all others after everything before them.
                let at = find!(events, WorkflowExecutionSignaledEventAttributes, 3)?;
                let early = time(&events[0]) - Duration::from_nanos(1);
                set_time(&mut events[at], early);
                Some(())
            },
            |events| {
                let at = find!(events, ActivityTaskStartedEventAttributes)?;
                let early = time(&events[0]) - Duration::from_nanos(1);
                set_time(&mut events[at], early);
                Some(())
            },
        ],
    );
}

#[test]
fn a_start_that_is_first_and_a_close_that_is_last() {
    assert_found(
        "first-event",
        &[
            |events| (events.len() > 1).then(|| drop(events.remove(0))),
            |events| {
                events.push(HistoryEvent { event_id: events.len() as i64 + 1, ..events[0].clone() });
                Some(())
            },
        ],
    );
    assert_found(
        "after-close",
        &[twice!(WorkflowExecutionCompletedEventAttributes), twice!(WorkflowExecutionTerminatedEventAttributes), |events| {
            find!(events, WorkflowExecutionTimedOutEventAttributes)?;
            let at = find!(events, WorkflowExecutionSignaledEventAttributes)?;
            events.push(HistoryEvent { event_id: events.len() as i64 + 1, ..events[at].clone() });
            Some(())
        }],
    );
}

#[test]
fn the_runs_own_end_and_what_reaches_it_twice() {
    assert_found(
        "run-timeout",
        &[|events| {
            let at = find!(events, WorkflowExecutionTimedOutEventAttributes)?;
            let early = time(&events[at]) - Duration::from_millis(1_001);
            let start = time(&events[0]);
            let is_due_exactly = |a: &A| match a {
                A::WorkflowExecutionStartedEventAttributes(a) => {
                    a.workflow_execution_expiration_time.is_none() && a.workflow_run_timeout.is_some()
                }
                _ => false,
            };
            (early > start && events[0].attributes.as_ref().is_some_and(is_due_exactly))
                .then(|| set_time(&mut events[at], start))
        }],
    );
    assert_found(
        "successor",
        &[
            |events| edit!(events, WorkflowExecutionContinuedAsNewEventAttributes, |a| true, a.new_execution_run_id.clear()),
            |events| {
                let Some(A::WorkflowExecutionStartedEventAttributes(a)) = &events[0].attributes else { return None };
                let own = a.original_execution_run_id.clone();
                edit!(events, WorkflowExecutionContinuedAsNewEventAttributes, |a| true, a.new_execution_run_id.clone_from(&own))
            },
            |events| {
                let in_progress = RetryState::InProgress as i32;
                edit!(
                    events,
                    WorkflowExecutionFailedEventAttributes,
                    |a| a.retry_state == in_progress,
                    a.new_execution_run_id.clear()
                )
            },
        ],
    );
    assert_found("signal-repeated", &[twice!(WorkflowExecutionSignaledEventAttributes)]);
    assert_found("cancel-repeated", &[twice!(WorkflowExecutionCancelRequestedEventAttributes)]);
}

#[test]
fn a_nexus_operation_may_have_started_before_that_was_told() {
    let open = campaign().histories.iter().find(|events| waits_for_a_worker(events)).expect("some run waits for a worker");
    let started = HistoryEvent {
        event_id: open.len() as i64 + 1,
        event_time: open[0].event_time,
        event_type: EventType::NexusOperationStarted.into(),
        attributes: Some(A::NexusOperationStartedEventAttributes(NexusOperationStartedEventAttributes::default())),
        ..HistoryEvent::default()
    };
    let events: Vec<_> = open.iter().cloned().chain([started]).collect();
    assert_eq!(check(&events), Vec::new());
}

/// Whether the history ends with a workflow task that no worker has.
fn waits_for_a_worker(events: &[HistoryEvent]) -> bool {
    matches!(events.last().map(HistoryEvent::event_type), Some(EventType::WorkflowTaskScheduled))
}
