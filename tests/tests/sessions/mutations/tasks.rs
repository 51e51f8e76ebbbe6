//! Mutations of workflow tasks and of what their commands wrote.

use foretime_server::proto::history::{HistoryEvent, history_event::Attributes as A};

use super::assert_found;

#[test]
fn workflow_tasks_one_at_a_time() {
    assert_found(
        "workflow-task-order",
        &[
            twice!(WorkflowTaskScheduledEventAttributes),
            twice!(WorkflowTaskStartedEventAttributes),
            twice!(WorkflowTaskCompletedEventAttributes),
            twice!(WorkflowTaskFailedEventAttributes),
            twice!(WorkflowTaskTimedOutEventAttributes),
            |events| {
                find!(events, WorkflowTaskCompletedEventAttributes)?;
                without!(WorkflowTaskStartedEventAttributes)(events)
            },
            |events| {
                find!(events, WorkflowTaskStartedEventAttributes)?;
                without!(WorkflowTaskScheduledEventAttributes)(events)
            },
            |events| {
                let at = find!(events, WorkflowTaskCompletedEventAttributes)?;
                find!(events, WorkflowTaskScheduledEventAttributes, at)?;
                events.remove(at);
                Some(())
            },
            |events| edit!(events, WorkflowTaskCompletedEventAttributes, |a| true, a.started_event_id -= 1),
            |events| edit!(events, WorkflowTaskFailedEventAttributes, |a| true, a.scheduled_event_id -= 1),
            |events| edit!(events, WorkflowTaskTimedOutEventAttributes, |a| true, a.started_event_id += 1),
            |events| edit!(events, WorkflowTaskStartedEventAttributes, |a| true, a.scheduled_event_id += 1),
            |events| {
                // No longer held back.
                let signal = find!(events, WorkflowExecutionSignaledEventAttributes)?;
                let task = find!(events, WorkflowTaskCompletedEventAttributes)?;
                events.insert(task, events[signal].clone());
                Some(())
            },
        ],
    );
}

/// The attempt of a scheduled workflow task; 0 for other events.
fn attempt_of(event: &HistoryEvent) -> i32 {
    match &event.attributes {
        Some(A::WorkflowTaskScheduledEventAttributes(a)) => a.attempt,
        _ => 0,
    }
}

#[test]
fn attempts_of_workflow_tasks() {
    assert_found(
        "workflow-task-attempt",
        &[
            |events| edit!(events, WorkflowTaskScheduledEventAttributes, |a| true, a.attempt = 0),
            |events| edit!(events, WorkflowTaskScheduledEventAttributes, |a| true, a.attempt = 2),
            |events| edit!(events, WorkflowTaskScheduledEventAttributes, |a| a.attempt > 1, a.attempt = -1),
            |events| {
                // A repetition that counts as a first attempt, though no sticky queue excuses it.
                let at = events.iter().position(|event| attempt_of(event) > 1)?;
                let queue_of_failed = events[..at].iter().rev().find_map(|event| match &event.attributes {
                    Some(A::WorkflowTaskScheduledEventAttributes(a)) => a.task_queue.as_ref(),
                    _ => None,
                });
                queue_of_failed?.normal_name.is_empty().then_some(())?;
                edit!(&mut events[at..], WorkflowTaskScheduledEventAttributes, |a| true, a.attempt = 1)
            },
            |events| {
                let at = events.iter().position(|event| attempt_of(event) > 1)?;
                let signal = find!(events, WorkflowExecutionSignaledEventAttributes)?;
                let signal = events[signal].clone();
                events.insert(at + 1, signal);
                Some(())
            },
        ],
    );
}

#[test]
fn commands_of_the_last_completed_task() {
    assert_found(
        "command",
        &[
            |events| edit!(events, ActivityTaskScheduledEventAttributes, |a| true, a.workflow_task_completed_event_id -= 1),
            |events| edit!(events, TimerStartedEventAttributes, |a| true, a.workflow_task_completed_event_id += 1),
            |events| edit!(events, TimerCanceledEventAttributes, |a| true, a.workflow_task_completed_event_id = 0),
            |events| edit!(events, MarkerRecordedEventAttributes, |a| true, a.workflow_task_completed_event_id = 0),
            |events| edit!(events, WorkflowPropertiesModifiedEventAttributes, |a| true, a.workflow_task_completed_event_id = 1),
            |events| {
                edit!(events, ActivityTaskCancelRequestedEventAttributes, |a| true, a.workflow_task_completed_event_id = 4_000)
            },
            |events| {
                edit!(events, WorkflowExecutionCompletedEventAttributes, |a| true, a.workflow_task_completed_event_id -= 1)
            },
            |events| edit!(events, WorkflowExecutionFailedEventAttributes, |a| true, a.workflow_task_completed_event_id = 0),
            |events| edit!(events, WorkflowExecutionCanceledEventAttributes, |a| true, a.workflow_task_completed_event_id = 0),
            |events| {
                // A command that comes when the next task is already scheduled.
                let command = find!(events, MarkerRecordedEventAttributes)?;
                let task = find!(events, WorkflowTaskScheduledEventAttributes, command)?;
                events.insert(task + 1, events[command].clone());
                Some(())
            },
        ],
    );
}
