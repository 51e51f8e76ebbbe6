//! Activities that the workflow scheduled: attempts, timeouts, retries, heartbeats, cancellation
//! (`workflow/activity.go`, `timer_sequence.go`, `RetryActivity` in `mutable_state_impl.go`).
//!
//! The started event is written when the activity closes: attempts leave no trace in the history.

use std::time::Duration;

use super::{
    Cx, Run,
    due::{Due, RunDue},
    events::{Extras, new_event},
};
use crate::{
    engine::{
        failure::{self, encode_string},
        matching::{QueueKind, Task, TaskKey},
        retry::{self, Verdict, Whose},
        time::{Time, span},
        timers::TimerKey,
        validate::respond,
    },
    proto::{
        command::ScheduleActivityTaskCommandAttributes,
        common::{Payloads, Priority, RetryPolicy},
        enums::{RetryState, TimeoutType},
        failure::Failure,
        history::{
            ActivityTaskCancelRequestedEventAttributes, ActivityTaskCanceledEventAttributes,
            ActivityTaskCompletedEventAttributes, ActivityTaskFailedEventAttributes, ActivityTaskScheduledEventAttributes,
            ActivityTaskStartedEventAttributes, ActivityTaskTimedOutEventAttributes, history_event::Attributes,
        },
    },
};

/// What falls due on an activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ActivityDue {
    /// The backoff before the next attempt is over.
    Retry,
    /// One of the four timeouts.
    Timeout(TimeoutType),
}

/// Where an activity stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ActivityState {
    /// Waits in its task queue.
    Scheduled,
    /// A worker has it.
    Started,
    /// Waits for its next attempt.
    Backoff,
}

/// A pending activity.
#[derive(Debug)]
pub(crate) struct Activity {
    pub(crate) scheduled_event_id: i64,
    pub(crate) activity_id: String,
    pub(crate) activity_type: String,
    pub(crate) task_queue: String,
    pub(crate) state: ActivityState,
    pub(crate) attempt: i32,
    pub(crate) first_scheduled_time: Time,
    /// When this attempt was due.
    pub(crate) scheduled_time: Time,
    pub(crate) started_time: Option<Time>,
    pub(crate) schedule_to_close: Duration,
    pub(crate) schedule_to_start: Duration,
    pub(crate) start_to_close: Duration,
    pub(crate) heartbeat_timeout: Duration,
    pub(crate) retry_policy: Option<RetryPolicy>,
    pub(crate) priority: Option<Priority>,
    /// Of the worker that has, or last had it.
    pub(crate) identity: String,
    pub(crate) request_id: String,
    pub(crate) last_failure: Option<Failure>,
    pub(crate) last_attempt_complete_time: Option<Time>,
    pub(crate) heartbeat_details: Option<Payloads>,
    pub(crate) last_heartbeat_time: Option<Time>,
    /// The event that asked for its cancellation; 0: none did.
    pub(crate) cancel_requested_event_id: i64,
    pub(crate) place: Option<TaskKey>,
    /// Lives as long as the activity.
    schedule_to_close_timer: Option<TimerKey>,
    /// Schedule-to-start, start-to-close or the backoff: one of them runs.
    attempt_timer: Option<TimerKey>,
    heartbeat_timer: Option<TimerKey>,
}

impl Activity {
    pub(crate) fn is_in_flight(&self) -> bool {
        self.state != ActivityState::Backoff
    }

    /// When it must be closed, if ever.
    pub(crate) fn expiration(&self) -> Option<Time> {
        (!self.schedule_to_close.is_zero()).then(|| self.first_scheduled_time + self.schedule_to_close)
    }
}

/// How an activity closes.
#[derive(Debug)]
pub(crate) enum Outcome {
    Completed(Option<Payloads>),
    Failed(Option<Failure>, RetryState),
    TimedOut(Failure, RetryState),
    Canceled(Option<Payloads>),
}

impl Run {
    /// Writes the scheduled event and puts the task into its queue, unless the worker takes it along (`eager`).
    pub(crate) fn schedule_activity(
        &mut self,
        cx: &mut Cx<'_>,
        command: ScheduleActivityTaskCommandAttributes,
        extras: Extras,
        completed_event_id: i64,
        eager: bool,
    ) -> i64 {
        let activity_type = command.activity_type.as_ref().map(|of| of.name.clone()).unwrap_or_default();
        let task_queue = command.task_queue.as_ref().map(|of| of.name.clone()).unwrap_or_default();
        let mut activity = Box::new(Activity {
            scheduled_event_id: 0,
            activity_id: command.activity_id.clone(),
            activity_type,
            task_queue,
            state: ActivityState::Scheduled,
            attempt: 1,
            first_scheduled_time: cx.now,
            scheduled_time: cx.now,
            started_time: None,
            schedule_to_close: span(command.schedule_to_close_timeout.as_ref()),
            schedule_to_start: span(command.schedule_to_start_timeout.as_ref()),
            start_to_close: span(command.start_to_close_timeout.as_ref()),
            heartbeat_timeout: span(command.heartbeat_timeout.as_ref()),
            retry_policy: command.retry_policy.clone(),
            priority: command.priority.clone().or_else(|| self.facts.priority.clone()),
            identity: String::new(),
            request_id: String::new(),
            last_failure: None,
            last_attempt_complete_time: None,
            heartbeat_details: None,
            last_heartbeat_time: None,
            cancel_requested_event_id: 0,
            place: None,
            schedule_to_close_timer: None,
            attempt_timer: None,
            heartbeat_timer: None,
        });
        let id = self.add_event_with(
            cx,
            Attributes::ActivityTaskScheduledEventAttributes(scheduled(command, completed_event_id)),
            extras,
        );
        activity.scheduled_event_id = id;
        if !eager {
            self.dispatch_activity(cx, &mut activity);
        }
        if let Some(at) = activity.expiration() {
            activity.schedule_to_close_timer =
                Some(self.activity_timer(cx, id, at, ActivityDue::Timeout(TimeoutType::ScheduleToClose)));
        }
        self.activities.insert(id, activity);
        id
    }

    /// Puts an attempt into its task queue.
    fn dispatch_activity(&self, cx: &mut Cx<'_>, activity: &mut Activity) {
        activity.state = ActivityState::Scheduled;
        activity.scheduled_time = cx.now;
        let queue = cx.matching.queue(self.namespace, QueueKind::Activity, &activity.task_queue);
        let priority = activity.priority.as_ref().map_or(0, |priority| priority.priority_key);
        activity.place = Some(cx.matching.add(queue, priority, Task::Activity(self.key, activity.scheduled_event_id), cx.wall));
        if !activity.schedule_to_start.is_zero() {
            let due = ActivityDue::Timeout(TimeoutType::ScheduleToStart);
            activity.attempt_timer =
                Some(self.activity_timer(cx, activity.scheduled_event_id, cx.now + activity.schedule_to_start, due));
        }
    }

    fn activity_timer(&self, cx: &mut Cx<'_>, scheduled_event_id: i64, at: Time, due: ActivityDue) -> TimerKey {
        cx.timers.add(at, Due::Run(self.key, RunDue::Activity(scheduled_event_id, due)))
    }

    /// A worker takes the activity. `request_id`: that of the poll; empty where the start is made up for a completion by id.
    pub(crate) fn start_activity(&mut self, cx: &mut Cx<'_>, scheduled_event_id: i64, identity: &str, request_id: String) {
        let Some(mut activity) = self.activities.remove(&scheduled_event_id) else { return };
        stop_attempt(cx, &mut activity);
        activity.state = ActivityState::Started;
        activity.started_time = Some(cx.now);
        activity.identity = identity.to_owned();
        activity.request_id = request_id;
        if !activity.start_to_close.is_zero() {
            let due = ActivityDue::Timeout(TimeoutType::StartToClose);
            activity.attempt_timer = Some(self.activity_timer(cx, scheduled_event_id, cx.now + activity.start_to_close, due));
        }
        self.arm_heartbeat(cx, &mut activity);
        self.activities.insert(scheduled_event_id, activity);
    }

    fn arm_heartbeat(&self, cx: &mut Cx<'_>, activity: &mut Activity) {
        if let Some(timer) = activity.heartbeat_timer.take() {
            cx.timers.cancel(timer);
        }
        if !activity.heartbeat_timeout.is_zero() {
            let due = ActivityDue::Timeout(TimeoutType::Heartbeat);
            let at = cx.now + activity.heartbeat_timeout;
            activity.heartbeat_timer = Some(self.activity_timer(cx, activity.scheduled_event_id, at, due));
        }
    }

    /// Records a heartbeat; whether cancellation is requested.
    pub(crate) fn heartbeat_activity(&mut self, cx: &mut Cx<'_>, scheduled_event_id: i64, details: Option<Payloads>) -> bool {
        let Some(mut activity) = self.activities.remove(&scheduled_event_id) else { return false };
        activity.heartbeat_details = details;
        activity.last_heartbeat_time = Some(cx.now);
        self.arm_heartbeat(cx, &mut activity);
        let cancel_requested = activity.cancel_requested_event_id != 0;
        self.activities.insert(scheduled_event_id, activity);
        cancel_requested
    }

    pub(crate) fn activity_falls_due(&mut self, cx: &mut Cx<'_>, scheduled_event_id: i64, what: ActivityDue) {
        match what {
            ActivityDue::Retry => {
                let Some(mut activity) = self.activities.remove(&scheduled_event_id) else { return };
                activity.attempt_timer = None;
                self.dispatch_activity(cx, &mut activity);
                self.activities.insert(scheduled_event_id, activity);
            }
            ActivityDue::Timeout(timeout_type) => {
                let state = self.activities.get(&scheduled_event_id).map(|activity| activity.state);
                let still_counts = match timeout_type {
                    TimeoutType::ScheduleToStart => state == Some(ActivityState::Scheduled),
                    TimeoutType::StartToClose | TimeoutType::Heartbeat => state == Some(ActivityState::Started),
                    TimeoutType::ScheduleToClose | TimeoutType::Unspecified => state.is_some(),
                };
                if still_counts {
                    self.time_out_activity(cx, scheduled_event_id, timeout_type);
                }
            }
        }
    }

    fn time_out_activity(&mut self, cx: &mut Cx<'_>, scheduled_event_id: i64, timeout_type: TimeoutType) {
        let Some(activity) = self.activities.get(&scheduled_event_id) else { return };
        let heartbeat_details = activity.heartbeat_details.clone();
        let failure = failure::timeout(format!("activity {} timeout", failure::timeout_name(timeout_type)), timeout_type);
        let retry_state = match self.retry_activity(cx, scheduled_event_id, Some(&failure)) {
            Ok(()) => return,
            Err(retry_state) => retry_state,
        };
        let mut failure = if retry_state == RetryState::Timeout && timeout_type != TimeoutType::ScheduleToStart {
            failure::timeout(failure::NOT_ENOUGH_TIME_TO_RETRY.to_owned(), TimeoutType::ScheduleToClose)
        } else {
            failure
        };
        failure::set_heartbeat_details(&mut failure, heartbeat_details);
        let last = self.activities.get(&scheduled_event_id).and_then(|activity| activity.last_failure.clone());
        failure.cause = last.map(Box::new);
        self.close_activity(cx, scheduled_event_id, Outcome::TimedOut(failure, retry_state), "");
        self.schedule_workflow_task(cx);
    }

    /// Begins the backoff before another attempt, or says why there is none.
    pub(crate) fn retry_activity(
        &mut self,
        cx: &mut Cx<'_>,
        scheduled_event_id: i64,
        failure: Option<&Failure>,
    ) -> Result<(), RetryState> {
        let Some(activity) = self.activities.get(&scheduled_event_id) else { return Err(RetryState::InternalServerError) };
        let Some(policy) = &activity.retry_policy else { return Err(RetryState::RetryPolicyNotSet) };
        if activity.cancel_requested_event_id != 0 {
            return Err(RetryState::CancelRequested);
        }
        let backoff = match retry::backoff(policy, activity.attempt, cx.now, activity.expiration(), failure, Whose::Activity) {
            Verdict::Retry(backoff) => backoff,
            Verdict::Stop(retry_state) => return Err(retry_state),
        };
        let Some(mut activity) = self.activities.remove(&scheduled_event_id) else {
            return Err(RetryState::InternalServerError);
        };
        stop_attempt(cx, &mut activity);
        activity.attempt += 1;
        activity.state = ActivityState::Backoff;
        activity.started_time = None;
        activity.last_failure = failure.map(|failure| respond::kept_failure(failure, cx.limits));
        activity.last_attempt_complete_time = Some(cx.now);
        activity.scheduled_time = cx.now + backoff;
        activity.attempt_timer = Some(self.activity_timer(cx, scheduled_event_id, cx.now + backoff, ActivityDue::Retry));
        self.activities.insert(scheduled_event_id, activity);
        Ok(())
    }

    /// Writes the started event (if it ran) and the closing one, and forgets the activity.
    pub(crate) fn close_activity(&mut self, cx: &mut Cx<'_>, scheduled_event_id: i64, outcome: Outcome, identity: &str) {
        let Some(mut activity) = self.activities.remove(&scheduled_event_id) else { return };
        let started_event_id = self.write_activity_started(cx, &activity);
        let identity = identity.to_owned();
        let attributes = match outcome {
            Outcome::Completed(result) => {
                Attributes::ActivityTaskCompletedEventAttributes(ActivityTaskCompletedEventAttributes {
                    result,
                    scheduled_event_id,
                    started_event_id,
                    identity,
                    ..ActivityTaskCompletedEventAttributes::default()
                })
            }
            Outcome::Failed(failure, retry_state) => {
                Attributes::ActivityTaskFailedEventAttributes(ActivityTaskFailedEventAttributes {
                    failure,
                    scheduled_event_id,
                    started_event_id,
                    identity,
                    retry_state: retry_state.into(),
                    ..ActivityTaskFailedEventAttributes::default()
                })
            }
            Outcome::TimedOut(failure, retry_state) => {
                Attributes::ActivityTaskTimedOutEventAttributes(ActivityTaskTimedOutEventAttributes {
                    failure: Some(failure),
                    scheduled_event_id,
                    started_event_id,
                    retry_state: retry_state.into(),
                })
            }
            Outcome::Canceled(details) => {
                Attributes::ActivityTaskCanceledEventAttributes(ActivityTaskCanceledEventAttributes {
                    details,
                    latest_cancel_requested_event_id: activity.cancel_requested_event_id,
                    scheduled_event_id,
                    started_event_id,
                    identity,
                    ..ActivityTaskCanceledEventAttributes::default()
                })
            }
        };
        stop(cx, &mut activity);
        self.add_event(cx, attributes);
    }

    /// The started event of the last attempt; 0 if it never started (or was buffered).
    fn write_activity_started(&mut self, cx: &mut Cx<'_>, activity: &Activity) -> i64 {
        let Some(started_time) = activity.started_time else { return 0 };
        let attributes = ActivityTaskStartedEventAttributes {
            scheduled_event_id: activity.scheduled_event_id,
            identity: activity.identity.clone(),
            request_id: activity.request_id.clone(),
            attempt: activity.attempt,
            last_failure: activity.last_failure.clone(),
            ..ActivityTaskStartedEventAttributes::default()
        };
        let mut event = new_event(cx, Attributes::ActivityTaskStartedEventAttributes(attributes));
        event.event_time = Some(started_time.to_proto());
        if self.tasks.is_started() || self.tasks.completing {
            self.buffer.push(event);
            return 0;
        }
        self.write(event)
    }

    /// The workflow asks for the activity's cancellation. One that no worker has is cancelled at once; then true.
    pub(crate) fn request_cancel_activity(
        &mut self,
        cx: &mut Cx<'_>,
        scheduled_event_id: i64,
        identity: &str,
        completed_event_id: i64,
    ) -> bool {
        let attributes = ActivityTaskCancelRequestedEventAttributes {
            scheduled_event_id,
            workflow_task_completed_event_id: completed_event_id,
        };
        let requested = self.add_event(cx, Attributes::ActivityTaskCancelRequestedEventAttributes(attributes));
        let Some(activity) = self.activities.get_mut(&scheduled_event_id) else { return false };
        activity.cancel_requested_event_id = requested;
        if activity.state == ActivityState::Started {
            return false;
        }
        let details = encode_string("ACTIVITY_ID_NOT_STARTED");
        self.close_activity(cx, scheduled_event_id, Outcome::Canceled(Some(details)), identity);
        true
    }

    pub(crate) fn drop_activities(&mut self, cx: &mut Cx<'_>) {
        for (_, mut activity) in std::mem::take(&mut self.activities) {
            stop(cx, &mut activity);
        }
    }
}

/// Ends what belongs to one attempt: its timers, its place in the queue.
fn stop_attempt(cx: &mut Cx<'_>, activity: &mut Activity) {
    for timer in [activity.attempt_timer.take(), activity.heartbeat_timer.take()].into_iter().flatten() {
        cx.timers.cancel(timer);
    }
    if let Some(place) = activity.place.take() {
        cx.matching.remove(place);
    }
}

fn stop(cx: &mut Cx<'_>, activity: &mut Activity) {
    stop_attempt(cx, activity);
    if let Some(timer) = activity.schedule_to_close_timer.take() {
        cx.timers.cancel(timer);
    }
}

fn scheduled(command: ScheduleActivityTaskCommandAttributes, completed_event_id: i64) -> ActivityTaskScheduledEventAttributes {
    ActivityTaskScheduledEventAttributes {
        activity_id: command.activity_id,
        activity_type: command.activity_type,
        task_queue: command.task_queue,
        header: command.header,
        input: command.input,
        schedule_to_close_timeout: command.schedule_to_close_timeout,
        schedule_to_start_timeout: command.schedule_to_start_timeout,
        start_to_close_timeout: command.start_to_close_timeout,
        heartbeat_timeout: command.heartbeat_timeout,
        workflow_task_completed_event_id: completed_event_id,
        retry_policy: command.retry_policy,
        use_workflow_build_id: command.use_workflow_build_id,
        priority: command.priority,
    }
}
