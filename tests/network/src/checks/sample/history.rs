//! A history, event by event.

use foretime_server::proto::{
    common::RetryPolicy,
    enums::{TimeoutType, WorkflowExecutionStatus, WorkflowTaskFailedCause},
    history::{self, HistoryEvent, history_event::Attributes},
    update::{Meta, Outcome, outcome::Value},
};

use super::{QUEUE, event, input_with, queue, seconds, text};
use crate::checks::Run;

/// A history that grows. Each event happens in the second of its id, or when [`Self::at_s`] says.
#[derive(Clone)]
pub(in crate::checks) struct History {
    workflow_id: String,
    run_id: String,
    status: WorkflowExecutionStatus,
    events: Vec<HistoryEvent>,
    at_s: Option<i64>,
}

impl History {
    pub(in crate::checks) fn of(workflow_id: &str, run_id: &str) -> Self {
        Self::started(workflow_id, run_id, run_id)
    }

    pub(in crate::checks) fn started(workflow_id: &str, run_id: &str, nonce: &str) -> Self {
        let history = Self {
            workflow_id: workflow_id.to_owned(),
            run_id: run_id.to_owned(),
            status: WorkflowExecutionStatus::Running,
            events: Vec::new(),
            at_s: None,
        };
        history.with(Attributes::WorkflowExecutionStartedEventAttributes(history::WorkflowExecutionStartedEventAttributes {
            input: Some(input_with(nonce)),
            task_queue: Some(queue(QUEUE)),
            workflow_task_timeout: Some(seconds(10)),
            ..Default::default()
        }))
    }

    pub(in crate::checks) fn on_queue(mut self, name: &str) -> Self {
        if let Some(Attributes::WorkflowExecutionStartedEventAttributes(it)) = &mut self.events[0].attributes {
            it.task_queue = Some(queue(name));
        }
        self
    }

    /// From here on it is so late, in seconds of the server's time.
    pub(in crate::checks) fn at_s(mut self, at_s: i64) -> Self {
        self.at_s = Some(at_s);
        self
    }

    pub(in crate::checks) fn signaled(self, nonce: &str) -> Self {
        self.with(Attributes::WorkflowExecutionSignaledEventAttributes(history::WorkflowExecutionSignaledEventAttributes {
            input: Some(text(nonce)),
            ..Default::default()
        }))
    }

    pub(in crate::checks) fn cancel_requested(self, cause: &str) -> Self {
        let cause = cause.to_owned();
        self.with(Attributes::WorkflowExecutionCancelRequestedEventAttributes(
            history::WorkflowExecutionCancelRequestedEventAttributes { cause, ..Default::default() },
        ))
    }

    pub(in crate::checks) fn updated(self, update_id: &str, result: &str) -> Self {
        let accepted = history::WorkflowExecutionUpdateAcceptedEventAttributes {
            protocol_instance_id: update_id.to_owned(),
            ..Default::default()
        };
        let completed = history::WorkflowExecutionUpdateCompletedEventAttributes {
            meta: Some(Meta { update_id: update_id.to_owned(), ..Meta::default() }),
            outcome: Some(Outcome { value: Some(Value::Success(text(result))) }),
            ..Default::default()
        };
        self.with(Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(accepted))
            .with(Attributes::WorkflowExecutionUpdateCompletedEventAttributes(completed))
    }

    /// `after`: how many events are before it, for readers.
    pub(in crate::checks) fn task_scheduled(self, after: usize) -> Self {
        assert_eq!(self.events.len(), after);
        self.with(Attributes::WorkflowTaskScheduledEventAttributes(Default::default()))
    }

    /// The worker of the task has this long, in seconds.
    pub(in crate::checks) fn task_scheduled_for(self, timeout_s: i64) -> Self {
        self.with(Attributes::WorkflowTaskScheduledEventAttributes(history::WorkflowTaskScheduledEventAttributes {
            start_to_close_timeout: Some(seconds(timeout_s)),
            ..Default::default()
        }))
    }

    /// `scheduled_event_id`: that of the event before.
    pub(in crate::checks) fn task_started(self, scheduled_event_id: i64) -> Self {
        self.with(Attributes::WorkflowTaskStartedEventAttributes(history::WorkflowTaskStartedEventAttributes {
            scheduled_event_id,
            ..Default::default()
        }))
    }

    pub(in crate::checks) fn task_completed(self, started_event_id: i64) -> Self {
        self.with(Attributes::WorkflowTaskCompletedEventAttributes(history::WorkflowTaskCompletedEventAttributes {
            started_event_id,
            ..Default::default()
        }))
    }

    /// Because of events that its worker had not seen.
    pub(in crate::checks) fn task_failed(self, started_event_id: i64) -> Self {
        self.with(Attributes::WorkflowTaskFailedEventAttributes(history::WorkflowTaskFailedEventAttributes {
            started_event_id,
            cause: WorkflowTaskFailedCause::UnhandledCommand.into(),
            ..Default::default()
        }))
    }

    pub(in crate::checks) fn task_timed_out(self, started_event_id: i64) -> Self {
        self.with(Attributes::WorkflowTaskTimedOutEventAttributes(history::WorkflowTaskTimedOutEventAttributes {
            started_event_id,
            timeout_type: TimeoutType::StartToClose.into(),
            ..Default::default()
        }))
    }

    pub(in crate::checks) fn activity_scheduled(self, activity_id: &str) -> Self {
        self.with(Attributes::ActivityTaskScheduledEventAttributes(history::ActivityTaskScheduledEventAttributes {
            activity_id: activity_id.to_owned(),
            task_queue: Some(queue(QUEUE)),
            ..Default::default()
        }))
    }

    /// The attempts of the activity that was scheduled last are so far apart, in seconds, and twice as far each time.
    pub(in crate::checks) fn retried(mut self, initial_s: i64, longest_s: i64) -> Self {
        let scheduled = self.events.last_mut().and_then(|event| event.attributes.as_mut());
        if let Some(Attributes::ActivityTaskScheduledEventAttributes(it)) = scheduled {
            it.retry_policy = Some(RetryPolicy {
                initial_interval: Some(seconds(initial_s)),
                maximum_interval: Some(seconds(longest_s)),
                backoff_coefficient: 2.0,
                ..RetryPolicy::default()
            });
        }
        self
    }

    pub(in crate::checks) fn activity_completed(self, activity_id: &str, attempt: i32, result: &str) -> Self {
        let scheduled_event_id = self.clone().run().scheduled_event_id(activity_id).expect("it was scheduled");
        let started = history::ActivityTaskStartedEventAttributes { scheduled_event_id, attempt, ..Default::default() };
        let completed = history::ActivityTaskCompletedEventAttributes {
            scheduled_event_id,
            result: Some(text(result)),
            ..Default::default()
        };
        self.with(Attributes::ActivityTaskStartedEventAttributes(started))
            .with(Attributes::ActivityTaskCompletedEventAttributes(completed))
    }

    pub(in crate::checks) fn completed(mut self, result: &str) -> Self {
        self.status = WorkflowExecutionStatus::Completed;
        self.with(Attributes::WorkflowExecutionCompletedEventAttributes(history::WorkflowExecutionCompletedEventAttributes {
            result: Some(text(result)),
            ..Default::default()
        }))
    }

    pub(in crate::checks) fn terminated(mut self, reason: &str) -> Self {
        self.status = WorkflowExecutionStatus::Terminated;
        self.with(Attributes::WorkflowExecutionTerminatedEventAttributes(history::WorkflowExecutionTerminatedEventAttributes {
            reason: reason.to_owned(),
            ..Default::default()
        }))
    }

    pub(in crate::checks) fn continued(mut self, next_run_id: &str) -> Self {
        self.status = WorkflowExecutionStatus::ContinuedAsNew;
        self.with(Attributes::WorkflowExecutionContinuedAsNewEventAttributes(
            history::WorkflowExecutionContinuedAsNewEventAttributes {
                new_execution_run_id: next_run_id.to_owned(),
                ..Default::default()
            },
        ))
    }

    pub(in crate::checks) fn run(self) -> Run {
        let Self { workflow_id, run_id, status, events, .. } = self;
        Run { run_id, workflow_id, status, events }
    }

    fn with(mut self, attributes: Attributes) -> Self {
        let event_id = self.events.len() as i64 + 1;
        self.events.push(event(event_id, self.at_s.unwrap_or(event_id), attributes));
        self
    }
}
