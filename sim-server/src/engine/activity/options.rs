//! What was asked for of an activity: what its scheduled event tells, or what somebody has changed that to since
//! (`api/updateactivityoptions`).

use std::time::Duration;

use crate::{
    engine::kernel::time::{Time, span, span_to_proto},
    proto::{
        activity::ActivityOptions,
        common::{Priority, RetryPolicy},
        enums::TaskQueueKind,
        history::ActivityTaskScheduledEventAttributes,
        taskqueue::TaskQueue,
    },
};

/// What was asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Activity {
    pub(crate) activity_id: String,
    pub(crate) activity_type: String,
    pub(crate) task_queue: String,
    pub(crate) scheduled_time: Time,
    /// This and the next three: zero for none.
    pub(crate) schedule_to_close: Duration,
    pub(crate) schedule_to_start: Duration,
    pub(crate) start_to_close: Duration,
    pub(crate) heartbeat_timeout: Duration,
    pub(crate) retry_policy: Option<RetryPolicy>,
    /// When it may not be tried again. Other options leave this as it was.
    pub(crate) retry_expiration: Option<Time>,
    /// Its own. What it leaves open, the workflow's says when the activity is put into its queue.
    pub(crate) priority: Option<Priority>,
}

impl Activity {
    /// The activity that a workflow has scheduled.
    pub(crate) fn of_event(scheduled: ActivityTaskScheduledEventAttributes, scheduled_time: Time) -> Self {
        let schedule_to_close = span(scheduled.schedule_to_close_timeout.as_ref());
        Self {
            activity_id: scheduled.activity_id,
            activity_type: scheduled.activity_type.unwrap_or_default().name,
            task_queue: scheduled.task_queue.unwrap_or_default().name,
            scheduled_time,
            schedule_to_close,
            schedule_to_start: span(scheduled.schedule_to_start_timeout.as_ref()),
            start_to_close: span(scheduled.start_to_close_timeout.as_ref()),
            heartbeat_timeout: span(scheduled.heartbeat_timeout.as_ref()),
            retry_policy: scheduled.retry_policy,
            retry_expiration: (!schedule_to_close.is_zero()).then(|| scheduled_time + schedule_to_close),
            priority: scheduled.priority,
        }
    }

    /// A run that a reset has made schedules it again.
    pub(crate) fn schedule_again(&mut self, at: Time) {
        self.scheduled_time = at;
        self.retry_expiration = self.expiration();
    }

    /// When it must be closed, if ever.
    pub(crate) fn expiration(&self) -> Option<Time> {
        (!self.schedule_to_close.is_zero()).then(|| self.scheduled_time + self.schedule_to_close)
    }

    /// Its options as the API has them. The real server leaves out the types of failures that are not retried.
    pub(crate) fn options(&self) -> ActivityOptions {
        ActivityOptions {
            task_queue: Some(TaskQueue {
                name: self.task_queue.clone(),
                kind: TaskQueueKind::Unspecified.into(),
                normal_name: String::new(),
            }),
            schedule_to_close_timeout: Some(span_to_proto(self.schedule_to_close)),
            schedule_to_start_timeout: Some(span_to_proto(self.schedule_to_start)),
            start_to_close_timeout: Some(span_to_proto(self.start_to_close)),
            heartbeat_timeout: Some(span_to_proto(self.heartbeat_timeout)),
            retry_policy: self
                .retry_policy
                .as_ref()
                .map(|policy| RetryPolicy { non_retryable_error_types: Vec::new(), ..policy.clone() }),
            priority: self.priority.clone(),
            ..ActivityOptions::default()
        }
    }

    /// The same activity with other options. The types of failures that are not retried stay as they are, and so does the start
    /// delay, which only standalone activities have.
    pub(crate) fn with_options(&self, options: &ActivityOptions) -> Self {
        let types = self.retry_policy.as_ref().map(|policy| policy.non_retryable_error_types.clone()).unwrap_or_default();
        let policy = options.retry_policy.clone();
        Self {
            activity_id: self.activity_id.clone(),
            activity_type: self.activity_type.clone(),
            task_queue: options.task_queue.as_ref().map(|queue| queue.name.clone()).unwrap_or_default(),
            scheduled_time: self.scheduled_time,
            schedule_to_close: span(options.schedule_to_close_timeout.as_ref()),
            schedule_to_start: span(options.schedule_to_start_timeout.as_ref()),
            start_to_close: span(options.start_to_close_timeout.as_ref()),
            heartbeat_timeout: span(options.heartbeat_timeout.as_ref()),
            retry_policy: policy.map(|policy| RetryPolicy { non_retryable_error_types: types, ..policy }),
            retry_expiration: self.retry_expiration,
            priority: options.priority.clone(),
        }
    }
}
