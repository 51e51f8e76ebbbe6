//! The attempts of an activity: dispatch, start, heartbeats, timeouts, backoff (`workflow/activity.go`, `timer_sequence.go`,
//! `RetryActivity` in `mutable_state_impl.go`). Attempts leave no trace in a history.

use std::time::Duration;

use crate::{
    engine::{
        execution::Cx,
        kernel::{
            due::ActivityDue,
            key::{ActivityKey, NamespaceId, WorkerId},
            time::{Time, span},
            timers::TimerKey,
        },
        matching::queues::{Arrival, QueueKind, Task, TaskKey},
        rules::{
            retry::{self, Verdict, Whose},
            validate::respond,
        },
        skipping::holds::Work,
    },
    proto::{
        common::{Payloads, Priority, RetryPolicy},
        enums::{RetryState, TimeoutType},
        failure::Failure,
        history::ActivityTaskScheduledEventAttributes,
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
    pub(crate) priority: Option<Priority>,
}

impl Activity {
    /// The activity that a workflow has scheduled. `priority` is the one that counts: the workflow's, if the event has none.
    pub(crate) fn of_event(
        scheduled: ActivityTaskScheduledEventAttributes,
        scheduled_time: Time,
        priority: Option<Priority>,
    ) -> Self {
        Self {
            activity_id: scheduled.activity_id,
            activity_type: scheduled.activity_type.unwrap_or_default().name,
            task_queue: scheduled.task_queue.unwrap_or_default().name,
            scheduled_time,
            schedule_to_close: span(scheduled.schedule_to_close_timeout.as_ref()),
            schedule_to_start: span(scheduled.schedule_to_start_timeout.as_ref()),
            start_to_close: span(scheduled.start_to_close_timeout.as_ref()),
            heartbeat_timeout: span(scheduled.heartbeat_timeout.as_ref()),
            retry_policy: scheduled.retry_policy,
            priority,
        }
    }

    /// When it must be closed, if ever.
    pub(crate) fn expiration(&self) -> Option<Time> {
        (!self.schedule_to_close.is_zero()).then(|| self.scheduled_time + self.schedule_to_close)
    }

    fn priority_key(&self) -> i32 {
        self.priority.as_ref().map_or(0, |priority| priority.priority_key)
    }
}

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AttemptState {
    /// It waits in its task queue.
    Scheduled,
    /// A worker has it.
    Started,
    /// It waits until it may be tried again.
    Backoff,
}

/// The attempt that an activity is at.
#[derive(Debug)]
pub(crate) struct Attempt {
    key: ActivityKey,
    state: AttemptState,
    /// From 1.
    number: i32,
    /// When it was, or will be, due.
    scheduled_time: Time,
    started_time: Option<Time>,
    /// Of the worker that has, or last had it.
    identity: String,
    request_id: String,
    last_failure: Option<Failure>,
    last_complete_time: Option<Time>,
    heartbeat_details: Option<Payloads>,
    last_heartbeat_time: Option<Time>,
    place: Option<TaskKey>,
    /// Lives as long as the activity.
    schedule_to_close_timer: Option<TimerKey>,
    /// Schedule-to-start, start-to-close or the backoff: one of them runs.
    timer: Option<TimerKey>,
    heartbeat_timer: Option<TimerKey>,
}

impl Attempt {
    /// The first attempt of an activity that is scheduled now. A worker may take it along (`eager`); else it goes into its
    /// queue.
    pub(crate) fn first(cx: &mut Cx<'_>, key: ActivityKey, namespace: NamespaceId, of: &Activity, eager: bool) -> Self {
        let mut attempt = Self {
            key,
            state: AttemptState::Scheduled,
            number: 1,
            scheduled_time: cx.now,
            started_time: None,
            identity: String::new(),
            request_id: String::new(),
            last_failure: None,
            last_complete_time: None,
            heartbeat_details: None,
            last_heartbeat_time: None,
            place: None,
            schedule_to_close_timer: None,
            timer: None,
            heartbeat_timer: None,
        };
        if !eager {
            attempt.dispatch(cx, namespace, of);
        }
        if let Some(at) = of.expiration() {
            let due = key.due(ActivityDue::Timeout(TimeoutType::ScheduleToClose));
            attempt.schedule_to_close_timer = Some(cx.timers.add(at, due));
        }
        attempt
    }

    /// Puts it into its task queue.
    fn dispatch(&mut self, cx: &mut Cx<'_>, namespace: NamespaceId, of: &Activity) {
        self.state = AttemptState::Scheduled;
        self.scheduled_time = cx.now;
        let queue = cx.matching.queue(namespace, QueueKind::Activity, &of.task_queue);
        self.place = Some(cx.matching.add(queue, of.priority_key(), Task::Activity(self.key), Arrival::Usual, cx.wall));
        if !of.schedule_to_start.is_zero() {
            self.timer = Some(self.arm(cx, cx.now + of.schedule_to_start, ActivityDue::Timeout(TimeoutType::ScheduleToStart)));
        }
    }

    fn arm(&self, cx: &mut Cx<'_>, at: Time, due: ActivityDue) -> TimerKey {
        cx.timers.add(at, self.key.due(due))
    }

    /// A worker takes it: `worker`, with this identity. `request_id`: that of the poll; empty where the start is made up for a
    /// completion by id.
    pub(crate) fn start(
        &mut self,
        cx: &mut Cx<'_>,
        of: &Activity,
        worker: Option<WorkerId>,
        identity: &str,
        request_id: String,
    ) {
        self.leave(cx);
        cx.skipping.holds.take(Work::Activity(self.key), worker, self.number, cx.wall);
        self.state = AttemptState::Started;
        self.started_time = Some(cx.now);
        identity.clone_into(&mut self.identity);
        self.request_id = request_id;
        if !of.start_to_close.is_zero() {
            self.timer = Some(self.arm(cx, cx.now + of.start_to_close, ActivityDue::Timeout(TimeoutType::StartToClose)));
        }
        self.arm_heartbeat(cx, of);
    }

    fn arm_heartbeat(&mut self, cx: &mut Cx<'_>, of: &Activity) {
        if let Some(timer) = self.heartbeat_timer.take() {
            cx.timers.cancel(timer);
        }
        if !of.heartbeat_timeout.is_zero() {
            let due = ActivityDue::Timeout(TimeoutType::Heartbeat);
            self.heartbeat_timer = Some(self.arm(cx, cx.now + of.heartbeat_timeout, due));
        }
    }

    /// Records a heartbeat.
    pub(crate) fn heartbeat(&mut self, cx: &mut Cx<'_>, of: &Activity, details: Option<Payloads>) {
        self.heartbeat_details = details;
        self.last_heartbeat_time = Some(cx.now);
        cx.skipping.holds.hear(Work::Activity(self.key), cx.wall);
        self.arm_heartbeat(cx, of);
    }

    /// Its backoff is over.
    pub(crate) fn end_backoff(&mut self, cx: &mut Cx<'_>, namespace: NamespaceId, of: &Activity) {
        self.timer = None;
        self.dispatch(cx, namespace, of);
    }

    /// Whether a timeout that falls due now still means this attempt.
    pub(crate) fn is_meant_by(&self, timeout_type: TimeoutType) -> bool {
        match timeout_type {
            TimeoutType::ScheduleToStart => self.state == AttemptState::Scheduled,
            TimeoutType::StartToClose | TimeoutType::Heartbeat => self.state == AttemptState::Started,
            TimeoutType::ScheduleToClose | TimeoutType::Unspecified => true,
        }
    }

    /// Begins the backoff before the next attempt.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn retry(
        &mut self,
        cx: &mut Cx<'_>,
        of: &Activity,
        is_cancel_requested: bool,
        failure: Option<&Failure>,
    ) -> Result<(), RetryState> {
        let Some(policy) = &of.retry_policy else { return Err(RetryState::RetryPolicyNotSet) };
        if is_cancel_requested {
            return Err(RetryState::CancelRequested);
        }
        let backoff = match retry::backoff(policy, self.number, cx.now, of.expiration(), failure, Whose::Activity) {
            Verdict::Retry(backoff) => backoff,
            Verdict::Stop(retry_state) => return Err(retry_state),
        };
        self.leave(cx);
        self.number += 1;
        self.state = AttemptState::Backoff;
        self.started_time = None;
        self.last_failure = failure.map(|failure| respond::kept_failure(failure, cx.limits));
        self.last_complete_time = Some(cx.now);
        self.scheduled_time = cx.now + backoff;
        self.timer = Some(self.arm(cx, cx.now + backoff, ActivityDue::Retry));
        Ok(())
    }

    /// Ends what belongs to one attempt: its timers, its place in the queue.
    fn leave(&mut self, cx: &mut Cx<'_>) {
        cx.skipping.holds.put_down(Work::Activity(self.key), cx.wall);
        for timer in [self.timer.take(), self.heartbeat_timer.take()].into_iter().flatten() {
            cx.timers.cancel(timer);
        }
        if let Some(place) = self.place.take() {
            cx.matching.remove(place);
        }
    }

    /// The activity closes: nothing of it is left.
    pub(crate) fn stop(&mut self, cx: &mut Cx<'_>) {
        self.leave(cx);
        if let Some(timer) = self.schedule_to_close_timer.take() {
            cx.timers.cancel(timer);
        }
    }
}

/// What others may read.
impl Attempt {
    pub(crate) fn state(&self) -> AttemptState {
        self.state
    }

    pub(crate) fn is_started(&self) -> bool {
        self.state == AttemptState::Started
    }

    /// Whether somebody works on it, or is expected to.
    pub(crate) fn is_in_flight(&self) -> bool {
        self.state != AttemptState::Backoff
    }

    /// Where it waits for a worker.
    pub(crate) fn place(&self) -> Option<TaskKey> {
        self.place
    }

    /// When the first of its timeouts falls due, if it has any.
    pub(crate) fn next_timeout(&self) -> Option<Time> {
        let timers = [self.timer, self.heartbeat_timer, self.schedule_to_close_timer];
        timers.into_iter().flatten().map(|timer| timer.at).min()
    }

    pub(crate) fn number(&self) -> i32 {
        self.number
    }

    pub(crate) fn scheduled_time(&self) -> Time {
        self.scheduled_time
    }

    pub(crate) fn started_time(&self) -> Option<Time> {
        self.started_time
    }

    pub(crate) fn identity(&self) -> &str {
        &self.identity
    }

    pub(crate) fn request_id(&self) -> &str {
        &self.request_id
    }

    pub(crate) fn last_failure(&self) -> Option<&Failure> {
        self.last_failure.as_ref()
    }

    pub(crate) fn last_complete_time(&self) -> Option<Time> {
        self.last_complete_time
    }

    pub(crate) fn heartbeat_details(&self) -> Option<&Payloads> {
        self.heartbeat_details.as_ref()
    }

    pub(crate) fn last_heartbeat_time(&self) -> Option<Time> {
        self.last_heartbeat_time
    }
}
