//! The attempts of an activity: dispatch, start, heartbeats, timeouts, backoff (`workflow/activity.go`, `timer_sequence.go`,
//! `RetryActivity` in `mutable_state_impl.go`). Attempts leave no trace in a history.

use std::sync::Arc;

use super::{options::Activity, pause::Pause};
use crate::{
    engine::{
        execution::Cx,
        kernel::{
            due::ActivityDue,
            key::{ActivityKey, NamespaceId, WorkerId},
            time::Time,
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
        common::Payloads,
        enums::{RetryState, TimeoutType},
        failure::Failure,
    },
};

/// What an attempt has to know of the workflow that owns it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Home {
    pub(crate) namespace: NamespaceId,
    /// Counts where the activity has none of its own.
    pub(crate) priority_key: i32,
}

/// Where the first attempt of an activity goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum First {
    /// Into its task queue.
    Queued,
    /// To the worker that scheduled it, along with the answer.
    Eager,
    /// Nowhere: the workflow is paused.
    Held,
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
    pub(super) key: ActivityKey,
    /// What is asked for now.
    pub(super) of: Arc<Activity>,
    pub(super) state: AttemptState,
    /// From 1.
    pub(super) number: i32,
    /// The number that its worker was told.
    number_taken: i32,
    /// Its worker was told another number. Whatever it reports is refused, so nobody waits for that.
    has_lost_worker: bool,
    /// When it was, or will be, due.
    pub(super) scheduled_time: Time,
    pub(super) started_time: Option<Time>,
    /// Of the worker that has, or last had it.
    identity: String,
    request_id: String,
    pub(super) last_failure: Option<Failure>,
    /// When a worker last reported a failure.
    pub(super) last_complete_time: Option<Time>,
    pub(super) heartbeat_details: Option<Payloads>,
    pub(super) last_heartbeat_time: Option<Time>,
    /// While it is paused: no timeout runs, and no worker gets it.
    pub(super) pause: Option<Box<Pause>>,
    /// The pause of its workflow has taken it out of its queue, or has ended its backoff.
    pub(super) is_held: bool,
    /// It was reset, and its worker is to hear of that.
    pub(super) is_reset: bool,
    /// The next attempt begins without the heartbeat details of this one.
    pub(super) resets_heartbeat: bool,
    place: Option<TaskKey>,
    /// Lives as long as the activity.
    pub(super) schedule_to_close_timer: Option<TimerKey>,
    /// Schedule-to-start, start-to-close or the backoff: one of them runs.
    pub(super) timer: Option<TimerKey>,
    pub(super) heartbeat_timer: Option<TimerKey>,
}

impl Attempt {
    /// The first attempt of an activity that is scheduled now.
    pub(crate) fn first(cx: &mut Cx<'_>, key: ActivityKey, home: Home, of: Arc<Activity>, first: First) -> Self {
        let mut attempt = Self {
            key,
            of,
            state: AttemptState::Scheduled,
            number: 1,
            number_taken: 0,
            has_lost_worker: false,
            scheduled_time: cx.now,
            started_time: None,
            identity: String::new(),
            request_id: String::new(),
            last_failure: None,
            last_complete_time: None,
            heartbeat_details: None,
            last_heartbeat_time: None,
            pause: None,
            is_held: first == First::Held,
            is_reset: false,
            resets_heartbeat: false,
            place: None,
            schedule_to_close_timer: None,
            timer: None,
            heartbeat_timer: None,
        };
        if first == First::Queued {
            attempt.enqueue(cx, home);
        }
        if first != First::Eager {
            attempt.arm_schedule_to_start(cx);
        }
        if let Some(at) = attempt.of.expiration() {
            let due = key.due(ActivityDue::Timeout(TimeoutType::ScheduleToClose));
            attempt.schedule_to_close_timer = Some(cx.timers.add(at, due));
        }
        attempt
    }

    /// Puts it into its task queue.
    pub(super) fn enqueue(&mut self, cx: &mut Cx<'_>, home: Home) {
        let queue = cx.matching.queue(home.namespace, QueueKind::Activity, &self.of.task_queue);
        let own = self.of.priority.as_ref().map_or(0, |priority| priority.priority_key);
        let priority_key = if own == 0 { home.priority_key } else { own };
        self.place = Some(cx.matching.add(queue, priority_key, Task::Activity(self.key), Arrival::Usual, cx.wall));
    }

    fn arm_schedule_to_start(&mut self, cx: &mut Cx<'_>) {
        if !self.of.schedule_to_start.is_zero() {
            let at = self.scheduled_time + self.of.schedule_to_start;
            self.timer = Some(self.arm(cx, at, ActivityDue::Timeout(TimeoutType::ScheduleToStart)));
        }
    }

    pub(super) fn arm(&self, cx: &mut Cx<'_>, at: Time, due: ActivityDue) -> TimerKey {
        cx.timers.add(at, self.key.due(due))
    }

    /// A worker takes it: `worker`, with this identity. `request_id`: that of the poll; empty where the start is made up for a
    /// completion by id.
    pub(crate) fn start(&mut self, cx: &mut Cx<'_>, worker: Option<WorkerId>, identity: &str, request_id: String) {
        self.leave(cx);
        self.is_held = false;
        self.number_taken = self.number;
        self.has_lost_worker = false;
        cx.skipping.holds.take(Work::Activity(self.key), worker, self.number, cx.wall);
        self.state = AttemptState::Started;
        self.started_time = Some(cx.now);
        identity.clone_into(&mut self.identity);
        self.request_id = request_id;
        if !self.of.start_to_close.is_zero() {
            let at = cx.now + self.of.start_to_close;
            self.timer = Some(self.arm(cx, at, ActivityDue::Timeout(TimeoutType::StartToClose)));
        }
        self.arm_heartbeat(cx);
    }

    fn arm_heartbeat(&mut self, cx: &mut Cx<'_>) {
        if let Some(timer) = self.heartbeat_timer.take() {
            cx.timers.cancel(timer);
        }
        if !self.of.heartbeat_timeout.is_zero() && self.pause.is_none() {
            let due = ActivityDue::Timeout(TimeoutType::Heartbeat);
            self.heartbeat_timer = Some(self.arm(cx, cx.now + self.of.heartbeat_timeout, due));
        }
    }

    /// Records a heartbeat.
    pub(crate) fn heartbeat(&mut self, cx: &mut Cx<'_>, details: Option<Payloads>) {
        self.heartbeat_details = details;
        self.last_heartbeat_time = Some(cx.now);
        cx.skipping.holds.hear(Work::Activity(self.key), cx.wall);
        self.arm_heartbeat(cx);
    }

    /// Its backoff is over.
    pub(crate) fn end_backoff(&mut self, cx: &mut Cx<'_>, home: Home) {
        self.timer = None;
        self.state = AttemptState::Scheduled;
        self.scheduled_time = cx.now;
        self.enqueue(cx, home);
        self.arm_schedule_to_start(cx);
    }

    /// Whether a timeout that falls due now still means this attempt.
    pub(crate) fn is_meant_by(&self, timeout_type: TimeoutType) -> bool {
        match timeout_type {
            TimeoutType::ScheduleToStart => self.state == AttemptState::Scheduled,
            TimeoutType::StartToClose | TimeoutType::Heartbeat => self.state == AttemptState::Started,
            TimeoutType::ScheduleToClose | TimeoutType::Unspecified => true,
        }
    }

    /// It counts as the first again. If a worker has it as another, that has lost it.
    pub(super) fn count_anew(&mut self, cx: &mut Cx<'_>) {
        self.number = 1;
        if self.is_started() && self.number_taken != 1 {
            self.has_lost_worker = true;
            cx.skipping.holds.put_down(Work::Activity(self.key), cx.wall);
        }
    }

    /// A worker has reported its failure. A timeout does not count as that.
    pub(crate) fn note_report(&mut self, now: Time) {
        self.last_complete_time = Some(now);
    }

    /// Begins the backoff before the next attempt. A paused activity waits without one, however often it has failed before
    /// (`RetryActivity`).
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn retry(
        &mut self,
        cx: &mut Cx<'_>,
        is_cancel_requested: bool,
        failure: Option<&Failure>,
    ) -> Result<(), RetryState> {
        let Some(policy) = &self.of.retry_policy else { return Err(RetryState::RetryPolicyNotSet) };
        if is_cancel_requested {
            return Err(RetryState::CancelRequested);
        }
        let backoff = match retry::backoff(policy, self.number, cx.now, self.of.retry_expiration, failure, Whose::Activity) {
            Verdict::Retry(backoff) => Some(backoff),
            Verdict::Stop(RetryState::NonRetryableFailure) => return Err(RetryState::NonRetryableFailure),
            Verdict::Stop(_) if self.pause.is_some() => None,
            Verdict::Stop(retry_state) => return Err(retry_state),
        };
        self.leave(cx);
        self.number += 1;
        self.started_time = None;
        self.request_id.clear();
        self.is_held = false;
        self.last_failure = failure.map(|failure| respond::kept_failure(failure, cx.limits));
        match backoff.filter(|_| self.pause.is_none()) {
            Some(backoff) => {
                self.forget_reset();
                self.state = AttemptState::Backoff;
                self.scheduled_time = cx.now + backoff;
                self.timer = Some(self.arm(cx, cx.now + backoff, ActivityDue::Retry));
            }
            None => self.state = AttemptState::Scheduled,
        }
        Ok(())
    }

    /// Another attempt begins: what a reset has left to do is done.
    pub(super) fn forget_reset(&mut self) {
        if std::mem::take(&mut self.resets_heartbeat) {
            self.heartbeat_details = None;
            self.last_heartbeat_time = None;
        }
        self.is_reset = false;
    }

    /// Ends what belongs to one attempt: its timers, its place in the queue.
    fn leave(&mut self, cx: &mut Cx<'_>) {
        cx.skipping.holds.put_down(Work::Activity(self.key), cx.wall);
        self.leave_queue(cx);
    }

    /// Takes the timers of the attempt and its place in the queue away.
    pub(super) fn leave_queue(&mut self, cx: &mut Cx<'_>) {
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
        match self.state {
            AttemptState::Started => !self.has_lost_worker,
            AttemptState::Scheduled => self.pause.is_none() && !self.is_held,
            AttemptState::Backoff => false,
        }
    }

    /// What is asked for now.
    pub(crate) fn activity(&self) -> &Activity {
        &self.of
    }

    pub(crate) fn pause(&self) -> Option<&Pause> {
        self.pause.as_deref()
    }

    /// Whether it was reset while its worker has it.
    pub(crate) fn is_reset(&self) -> bool {
        self.is_reset
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
