//! Activities that are paused, unpaused and reset, and those that the pause of their workflow holds back (`workflow/activity.go`).
//! Histories do not tell of it.
//!
//! A change of that kind rearranges an attempt: its place in the queue and all its timers follow from its state anew. A timeout
//! whose time has passed meanwhile falls due at once.

use std::{sync::Arc, time::Duration};

use super::{
    attempt::{Attempt, AttemptState, Home},
    options::Activity,
};
use crate::{
    engine::{
        execution::Cx,
        kernel::{due::ActivityDue, time::Time},
        rules::retry,
    },
    proto::enums::TimeoutType,
};

/// Who has paused an activity, and why.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pause {
    pub(crate) at: Time,
    pub(crate) identity: String,
    pub(crate) reason: String,
    pub(crate) request_id: String,
}

/// Which activities of a run are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Selector {
    /// The one with this id.
    Id(String),
    /// Those of this type.
    Type(String),
    /// All that are pending.
    All,
}

/// How an activity goes on that is unpaused.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Unpause {
    /// It counts its attempts from 1 again.
    pub(crate) resets_attempts: bool,
    /// Its heartbeat details are forgotten.
    pub(crate) resets_heartbeat: bool,
    /// It is due after this, if no worker has it.
    pub(crate) delay: Duration,
}

/// How an activity begins anew.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reset {
    /// The next attempt begins without heartbeat details.
    pub(crate) resets_heartbeat: bool,
    /// If it is paused, it stays so.
    pub(crate) keeps_paused: bool,
    /// It is due after this, if no worker has it.
    pub(crate) delay: Duration,
}

impl Attempt {
    /// Who has paused it and why, if it is paused.
    pub(in crate::engine) fn paused_by(&self) -> Option<(&str, &str)> {
        self.pause.as_ref().map(|pause| (pause.identity.as_str(), pause.reason.as_str()))
    }

    /// Pauses it. A worker that has it may finish; nobody else gets it.
    pub(crate) fn begin_pause(&mut self, cx: &mut Cx<'_>, home: Home, pause: Pause) {
        self.pause = Some(Box::new(pause));
        self.rearrange(cx, home);
    }

    /// Unpauses it. It is due at once, whatever was left of its backoff.
    pub(crate) fn end_pause(&mut self, cx: &mut Cx<'_>, home: Home, unpause: Unpause) {
        self.pause = None;
        if unpause.resets_attempts {
            self.count_anew(cx);
        }
        if unpause.resets_heartbeat {
            self.heartbeat_details = None;
            self.last_heartbeat_time = None;
        }
        if !self.is_started() {
            self.schedule_anew(cx.now + unpause.delay);
        }
        self.rearrange(cx, home);
    }

    /// It begins with attempt 1 again. If a worker has it, the attempt after this one will be the second. `original`: what was
    /// asked for at first, if that counts again.
    pub(crate) fn reset(&mut self, cx: &mut Cx<'_>, home: Home, reset: Reset, original: Option<Arc<Activity>>) {
        self.count_anew(cx);
        self.is_reset = true;
        self.resets_heartbeat |= reset.resets_heartbeat;
        if let Some(original) = original {
            self.of = original;
        }
        if !reset.keeps_paused {
            self.pause = None;
        }
        if !self.is_started() && self.pause.is_none() {
            self.schedule_anew(cx.now + reset.delay);
        }
        self.rearrange(cx, home);
    }

    /// Something else is asked for from now on. If it waits for another attempt, the backoff is measured anew.
    pub(crate) fn change_options(&mut self, cx: &mut Cx<'_>, home: Home, of: Arc<Activity>) {
        self.of = of;
        if !self.is_started() {
            self.schedule_anew(self.next_scheduled_time());
        }
        self.rearrange(cx, home);
    }

    /// The workflow is paused. One that waits waits on, but not in its queue.
    pub(crate) fn hold_back(&mut self, cx: &mut Cx<'_>, home: Home) {
        if !self.is_started() {
            self.is_held = true;
            self.rearrange(cx, home);
        }
    }

    /// The workflow is unpaused.
    pub(crate) fn let_go(&mut self, cx: &mut Cx<'_>, home: Home) {
        if !self.is_started() {
            self.is_held = false;
            self.rearrange(cx, home);
        }
    }

    /// When the policy wants the attempt at hand (`GetNextScheduledTime`).
    fn next_scheduled_time(&self) -> Time {
        let policy = self.of.retry_policy.as_ref().filter(|_| self.number > 1);
        let interval = policy.map(|policy| retry::interval(policy, self.number)).filter(|interval| !interval.is_zero());
        // The real server knows no end of an attempt that timed out, and counts from 1970.
        interval.map_or(self.scheduled_time, |interval| self.last_complete_time.unwrap_or_default() + interval)
    }

    /// It is due then. The failure before is forgotten (`RegenerateActivityRetryTask`).
    fn schedule_anew(&mut self, at: Time) {
        self.scheduled_time = at;
        self.last_failure = None;
        self.is_held = false;
        self.forget_reset();
    }

    /// Its place in the queue and its timers, as its state wants them.
    fn rearrange(&mut self, cx: &mut Cx<'_>, home: Home) {
        self.leave_queue(cx);
        if let Some(timer) = self.schedule_to_close_timer.take() {
            cx.timers.cancel(timer);
        }
        if !self.is_started() {
            let is_due = self.scheduled_time <= cx.now;
            self.state = if is_due { AttemptState::Scheduled } else { AttemptState::Backoff };
        }
        if self.pause.is_some() {
            return;
        }
        if self.state == AttemptState::Scheduled && !self.is_held {
            self.enqueue(cx, home);
        }
        let mut due = self.deadlines();
        due.sort_by_key(|(at, due)| (*at, rank(*due)));
        for (at, due) in due {
            let timer = self.arm(cx, at.max(cx.now), due);
            let slot = match due {
                ActivityDue::Timeout(TimeoutType::ScheduleToClose) => &mut self.schedule_to_close_timer,
                ActivityDue::Timeout(TimeoutType::Heartbeat) => &mut self.heartbeat_timer,
                ActivityDue::Retry | ActivityDue::Timeout(_) => &mut self.timer,
            };
            *slot = Some(timer);
        }
    }

    /// What falls due on it, and when.
    fn deadlines(&self) -> Vec<(Time, ActivityDue)> {
        let of = &*self.of;
        let after = |from: Time, span: Duration, timeout_type| {
            (!span.is_zero()).then(|| (from + span, ActivityDue::Timeout(timeout_type)))
        };
        let started_time = self.started_time.unwrap_or_default();
        let heard_time = self.last_heartbeat_time.map_or(started_time, |at| at.max(started_time));
        let of_attempt = match self.state {
            AttemptState::Started => [
                after(started_time, of.start_to_close, TimeoutType::StartToClose),
                after(heard_time, of.heartbeat_timeout, TimeoutType::Heartbeat),
            ],
            AttemptState::Backoff if !self.is_held => [Some((self.scheduled_time, ActivityDue::Retry)), None],
            AttemptState::Backoff | AttemptState::Scheduled => {
                [after(self.scheduled_time, of.schedule_to_start, TimeoutType::ScheduleToStart), None]
            }
        };
        let to_close = of.expiration().map(|at| (at, ActivityDue::Timeout(TimeoutType::ScheduleToClose)));
        of_attempt.into_iter().flatten().chain(to_close).collect()
    }
}

/// What falls due first at one instant (`TimerSequenceIDs.Less`).
fn rank(due: ActivityDue) -> i32 {
    match due {
        ActivityDue::Retry => 0,
        ActivityDue::Timeout(timeout_type) => timeout_type.into(),
    }
}
