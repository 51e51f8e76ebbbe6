//! Mutations of what a run can have open: activities, timers, updates, children, requests to others.

use std::time::Duration;

use foretime_server::{
    engine::time::span,
    proto::{
        enums::TimeoutType,
        failure::failure::FailureInfo,
        history::{HistoryEvent, history_event::Attributes as A},
    },
};

use super::{assert_found, set_time, time};

/// The scheduled event of the activity that the event closes.
fn closed_activity(event: &HistoryEvent) -> Option<i64> {
    match event.attributes.as_ref()? {
        A::ActivityTaskCompletedEventAttributes(a) => Some(a.scheduled_event_id),
        A::ActivityTaskFailedEventAttributes(a) => Some(a.scheduled_event_id),
        A::ActivityTaskTimedOutEventAttributes(a) => Some(a.scheduled_event_id),
        A::ActivityTaskCanceledEventAttributes(a) => Some(a.scheduled_event_id),
        _ => None,
    }
}

#[test]
fn activities_that_start_and_close_once() {
    assert_found(
        "activity-order",
        &[
            twice!(ActivityTaskStartedEventAttributes),
            twice!(ActivityTaskCompletedEventAttributes),
            twice!(ActivityTaskFailedEventAttributes),
            twice!(ActivityTaskTimedOutEventAttributes),
            twice!(ActivityTaskCanceledEventAttributes),
            without!(ActivityTaskStartedEventAttributes),
            |events| edit!(events, ActivityTaskStartedEventAttributes, |a| true, a.scheduled_event_id -= 1_000),
            |events| edit!(events, ActivityTaskCompletedEventAttributes, |a| true, a.scheduled_event_id = 1),
            |events| edit!(events, ActivityTaskCompletedEventAttributes, |a| true, a.started_event_id = 0),
            |events| edit!(events, ActivityTaskFailedEventAttributes, |a| true, a.started_event_id -= 1),
            |events| edit!(events, ActivityTaskTimedOutEventAttributes, |a| a.started_event_id == 0, a.started_event_id = 1),
            |events| {
                find!(events, ActivityTaskStartedEventAttributes)?;
                events.retain(|event| !matches!(event.attributes, Some(A::ActivityTaskScheduledEventAttributes(_))));
                Some(())
            },
            |events| {
                // A timeout of an attempt that no worker had.
                edit!(events, ActivityTaskTimedOutEventAttributes, |a| a.started_event_id == 0, {
                    let info = a.failure.as_mut()?.failure_info.as_mut()?;
                    let FailureInfo::TimeoutFailureInfo(timeout) = info else { return None };
                    timeout.set_timeout_type(TimeoutType::Heartbeat);
                })
            },
        ],
    );
}

#[test]
fn activities_that_are_cancelled_once_and_on_request() {
    assert_found(
        "activity-cancel",
        &[
            |events| {
                // Twice, and the activity was open all along.
                let at = find!(events, ActivityTaskCancelRequestedEventAttributes)?;
                let next = find!(events, WorkflowTaskScheduledEventAttributes, at)?;
                let closes = |event: &HistoryEvent| closed_activity(event).is_some();
                (!events[at..next].iter().any(closes)).then(|| events.insert(at + 1, events[at].clone()))
            },
            |events| {
                find!(events, ActivityTaskCanceledEventAttributes)?;
                events.retain(|event| !matches!(event.attributes, Some(A::ActivityTaskCancelRequestedEventAttributes(_))));
                Some(())
            },
            |events| edit!(events, ActivityTaskCanceledEventAttributes, |a| true, a.latest_cancel_requested_event_id = 0),
            |events| {
                let at = find!(events, ActivityTaskCompletedEventAttributes)?;
                let request = find!(events, ActivityTaskCancelRequestedEventAttributes, at)?;
                let Some(A::ActivityTaskCompletedEventAttributes(completed)) = &events[at].attributes else { return None };
                let closed = completed.scheduled_event_id;
                edit!(
                    &mut events[request..],
                    ActivityTaskCancelRequestedEventAttributes,
                    |a| true,
                    a.scheduled_event_id = closed
                )
            },
        ],
    );
}

#[test]
fn attempts_of_activities_and_their_backoff() {
    assert_found(
        "activity-attempt",
        &[
            |events| edit!(events, ActivityTaskStartedEventAttributes, |a| true, a.attempt = 0),
            |events| {
                let is_limited = |event: &HistoryEvent| match &event.attributes {
                    Some(A::ActivityTaskScheduledEventAttributes(a)) => {
                        let limit = a.retry_policy.as_ref().map_or(0, |policy| policy.maximum_attempts);
                        (limit > 0).then_some((event.event_id, limit))
                    }
                    _ => None,
                };
                let limited: Vec<_> = events.iter().filter_map(is_limited).collect();
                limited.into_iter().find_map(|(id, limit)| {
                    edit!(
                        events,
                        ActivityTaskStartedEventAttributes,
                        |a| a.scheduled_event_id == id && a.last_failure.is_some() && !a.request_id.is_empty(),
                        a.attempt = limit + 1
                    )
                })
            },
        ],
    );
    assert_found(
        "activity-backoff",
        &[|events| {
            // The second attempt of an activity that then fails starts when the first was scheduled.
            let failed = find!(events, ActivityTaskFailedEventAttributes)?;
            let Some(A::ActivityTaskFailedEventAttributes(close)) = &events[failed].attributes else { return None };
            let (scheduled, started) = (close.scheduled_event_id as usize - 1, close.started_event_id as usize - 1);
            let Some(A::ActivityTaskStartedEventAttributes(start)) = &events[started].attributes else { return None };
            let at = time(&events[scheduled]);
            (start.attempt > 1 && start.last_failure.is_some() && time(&events[started]).since(at).as_millis() > 0)
                .then(|| set_time(&mut events[started], at))
        }],
    );
}

#[test]
fn timeouts_of_activities_when_they_are_due() {
    assert_found(
        "activity-timeout",
        &[|events| {
            let closed = find!(events, ActivityTaskTimedOutEventAttributes)?;
            let Some(A::ActivityTaskTimedOutEventAttributes(close)) = &events[closed].attributes else { return None };
            let Some(A::ActivityTaskScheduledEventAttributes(asked)) =
                &events[close.scheduled_event_id as usize - 1].attributes
            else {
                return None;
            };
            // Of a timeout that an operator has set the history does not tell.
            let is_in_queue = close.started_event_id == 0;
            let timeouts = if is_in_queue {
                [asked.schedule_to_start_timeout, asked.schedule_to_close_timeout]
            } else {
                [asked.start_to_close_timeout, asked.heartbeat_timeout]
            };
            timeouts.into_iter().flatten().find(|timeout| timeout.seconds > 0)?;
            let from = if is_in_queue { close.scheduled_event_id } else { close.started_event_id };
            let from = time(&events[from as usize - 1]);
            set_time(&mut events[closed], from);
            Some(())
        }],
    );
}

#[test]
fn ids_that_are_unique_while_they_are_in_use() {
    assert_found(
        "activity-id",
        &[|events| {
            let first = find!(events, ActivityTaskScheduledEventAttributes)?;
            let second = find!(events, ActivityTaskScheduledEventAttributes, first + 1)?;
            find!(events, WorkflowTaskScheduledEventAttributes, second)?;
            let closes = |event: &HistoryEvent| closed_activity(event) == Some(events[first].event_id);
            if events.iter().any(|event| closes(event) && time(event) <= time(&events[second])) {
                return None;
            }
            let Some(A::ActivityTaskScheduledEventAttributes(a)) = &events[first].attributes else { return None };
            let id = a.activity_id.clone();
            edit!(&mut events[second..], ActivityTaskScheduledEventAttributes, |a| true, a.activity_id.clone_from(&id))
        }],
    );
    assert_found(
        "timer-id",
        &[|events| {
            let first = find!(events, TimerStartedEventAttributes)?;
            let second = find!(events, TimerStartedEventAttributes, first + 1)?;
            find!(events, WorkflowTaskScheduledEventAttributes, second)?;
            let ends = |event: &HistoryEvent| match &event.attributes {
                Some(A::TimerFiredEventAttributes(a)) => a.started_event_id == events[first].event_id,
                Some(A::TimerCanceledEventAttributes(a)) => a.started_event_id == events[first].event_id,
                _ => false,
            };
            if events.iter().any(|event| ends(event) && time(event) <= time(&events[second])) {
                return None;
            }
            let Some(A::TimerStartedEventAttributes(a)) = &events[first].attributes else { return None };
            let id = a.timer_id.clone();
            edit!(&mut events[second..], TimerStartedEventAttributes, |a| true, a.timer_id.clone_from(&id))
        }],
    );
}

#[test]
fn timers_that_end_once_and_fire_when_due() {
    assert_found(
        "timer-order",
        &[
            twice!(TimerFiredEventAttributes),
            twice!(TimerCanceledEventAttributes),
            |events| {
                find!(events, TimerFiredEventAttributes)?;
                events.retain(|event| !matches!(event.attributes, Some(A::TimerStartedEventAttributes(_))));
                Some(())
            },
            |events| edit!(events, TimerFiredEventAttributes, |a| true, a.started_event_id -= 1_000),
            |events| edit!(events, TimerFiredEventAttributes, |a| true, a.timer_id.push('x')),
            |events| edit!(events, TimerCanceledEventAttributes, |a| true, a.started_event_id += 1_000),
        ],
    );
    assert_found(
        "timer-early",
        &[
            |events| {
                let fired = find!(events, TimerFiredEventAttributes)?;
                let Some(A::TimerFiredEventAttributes(a)) = &events[fired].attributes else { return None };
                let started = &events[a.started_event_id as usize - 1];
                let Some(A::TimerStartedEventAttributes(a)) = &started.attributes else { return None };
                let early = time(started);
                let is_due_later = span(a.start_to_fire_timeout.as_ref()) >= Duration::from_millis(1);
                is_due_later.then(|| set_time(&mut events[fired], early))
            },
            |events| {
                // It fired as before, but should have fired later.
                let fired = find!(events, TimerFiredEventAttributes)?;
                let Some(A::TimerFiredEventAttributes(a)) = &events[fired].attributes else { return None };
                let started = a.started_event_id as usize - 1;
                edit!(
                    &mut events[started..],
                    TimerStartedEventAttributes,
                    |a| true,
                    a.start_to_fire_timeout.as_mut()?.seconds += 3_600
                )
            },
        ],
    );
}

#[test]
fn updates_that_are_accepted_and_completed_once() {
    assert_found(
        "update-order",
        &[
            twice!(WorkflowExecutionUpdateAcceptedEventAttributes),
            twice!(WorkflowExecutionUpdateCompletedEventAttributes),
            |events| {
                find!(events, WorkflowExecutionUpdateCompletedEventAttributes)?;
                events.retain(|event| !matches!(event.attributes, Some(A::WorkflowExecutionUpdateAcceptedEventAttributes(_))));
                Some(())
            },
            |events| edit!(events, WorkflowExecutionUpdateCompletedEventAttributes, |a| true, a.accepted_event_id = 1),
            |events| {
                edit!(events, WorkflowExecutionUpdateCompletedEventAttributes, |a| true, {
                    a.meta.as_mut()?.update_id.push('x');
                })
            },
        ],
    );
}

#[test]
fn children_that_start_and_close_once() {
    assert_found(
        "child-order",
        &[
            twice!(StartChildWorkflowExecutionFailedEventAttributes),
            twice!(ChildWorkflowExecutionStartedEventAttributes),
            twice!(ChildWorkflowExecutionCompletedEventAttributes),
            twice!(ChildWorkflowExecutionTimedOutEventAttributes),
            twice!(ChildWorkflowExecutionTerminatedEventAttributes),
            |events| {
                find!(events, ChildWorkflowExecutionStartedEventAttributes)?;
                events.retain(|event| {
                    !matches!(event.attributes, Some(A::StartChildWorkflowExecutionInitiatedEventAttributes(_)))
                });
                Some(())
            },
            |events| {
                find!(events, ChildWorkflowExecutionFailedEventAttributes)?;
                events.retain(|event| !matches!(event.attributes, Some(A::ChildWorkflowExecutionStartedEventAttributes(_))));
                Some(())
            },
            |events| edit!(events, ChildWorkflowExecutionCompletedEventAttributes, |a| true, a.started_event_id = 0),
            |events| edit!(events, ChildWorkflowExecutionCanceledEventAttributes, |a| true, a.initiated_event_id -= 1_000),
        ],
    );
}

#[test]
fn requests_to_others_that_are_answered_once() {
    assert_found(
        "external-order",
        &[
            twice!(ExternalWorkflowExecutionSignaledEventAttributes),
            twice!(SignalExternalWorkflowExecutionFailedEventAttributes),
            twice!(ExternalWorkflowExecutionCancelRequestedEventAttributes),
            twice!(RequestCancelExternalWorkflowExecutionFailedEventAttributes),
            |events| edit!(events, ExternalWorkflowExecutionSignaledEventAttributes, |a| true, a.initiated_event_id = 1),
            |events| {
                edit!(events, ExternalWorkflowExecutionCancelRequestedEventAttributes, |a| true, a.initiated_event_id += 1_000)
            },
        ],
    );
}
