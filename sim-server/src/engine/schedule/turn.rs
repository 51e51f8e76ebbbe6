//! What a schedule does in a turn (`run`, `processTimeRange`, `processBackfills`, `processBuffer` and `sleep` in `workflow.go`).

use std::time::Duration;

use super::schedule::Schedule;
use crate::{
    engine::{
        execution::Cx,
        kernel::{due::Due, time::Time},
        rules::schedule::{
            check,
            overlap::{self, Decision, Start},
        },
    },
    proto::{
        common::WorkflowExecution,
        enums::{ScheduleOverlapPolicy, WorkflowExecutionStatus},
        schedule::ScheduleActionResult,
    },
};

/// So much waits at most.
const BUFFER_MAX: usize = 1000;
/// So many actions of backfills are taken up in one turn.
const BACKFILLED_MAX: usize = 10;
/// Between two turns with actions of backfills that need not wait for each other.
const BACKFILL_PAUSE: Duration = Duration::from_secs(1);
/// A schedule that has nothing more to do is kept for this long.
const RETENTION: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// So many actions are remembered.
const RECENT_MAX: usize = 10;

/// A stretch of time in which actions fall due.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    /// Exclusive.
    start: Time,
    end: Time,
    overlap_policy: i32,
    is_manual: bool,
}

impl Schedule {
    /// The first part of a turn: what fell due since the last, what clients have changed, and backfills. Gives when the next action
    /// is due.
    pub(super) fn begin_turn(&mut self, now: Time) -> Option<Time> {
        let now = now.max(self.processed);
        let (mut next, last_action) = self.process(self.elapsed(now), None);
        self.processed = last_action;
        if self.apply_pending(now) {
            next = self.process(self.elapsed(now), None).0;
        }
        self.process_backfills();
        next
    }

    fn elapsed(&self, now: Time) -> Stretch {
        Stretch { start: self.processed, end: now, overlap_policy: 0, is_manual: false }
    }

    /// Takes up the actions that fall due in a stretch of time, at most as many as the limit says, which goes down. Gives the time that comes
    /// next, and that of the last action.
    fn process(&mut self, stretch: Stretch, mut limit: Option<&mut usize>) -> (Option<Time>, Time) {
        let Stretch { start, end, overlap_policy, is_manual } = stretch;
        if !is_manual && !self.can_act() {
            // The time that passes without actions is not made up for.
            return (self.next_after(end), end);
        }
        let (updated, window) = (self.updated(), self.catchup_window());
        let (mut after, mut last_action) = (start, start);
        loop {
            let due = self.spec.next_found(&self.jitter_seed, after);
            let Some(due) = due.filter(|due| due.actual <= end) else { return (due.map(|due| due.actual), last_action) };
            after = due.actual;
            if !is_manual && due.actual < updated {
                // It was due under what was before the update.
                continue;
            }
            if !is_manual && end.since(due.actual) > window {
                self.info.missed_catchup_window += 1;
                continue;
            }
            self.add_start(due.nominal, due.actual, overlap_policy, is_manual);
            last_action = due.actual;
            if let Some(left) = limit.as_deref_mut() {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    return (Some(due.actual), last_action);
                }
            }
        }
    }

    fn next_after(&self, after: Time) -> Option<Time> {
        self.spec.next_found(&self.jitter_seed, after).map(|due| due.actual)
    }

    pub(super) fn add_start(&mut self, nominal: Time, actual: Time, overlap_policy: i32, is_manual: bool) {
        if self.buffer.len() >= BUFFER_MAX {
            self.info.buffer_dropped += 1;
            return;
        }
        self.buffer.push(Start { nominal, actual, overlap_policy, is_manual });
        self.needs_refresh = true;
    }

    fn process_backfills(&mut self) {
        let mut limit = BACKFILLED_MAX;
        // Only half of the buffer is for them.
        while limit > 0 && self.buffer.len() < BUFFER_MAX / 2 {
            let Some(&backfill) = self.backfills.front() else { return };
            let time = |stamp: Option<&prost_types::Timestamp>| stamp.map_or(Time::EPOCH, Time::from_proto);
            let (start, end) = (time(backfill.start_time.as_ref()), time(backfill.end_time.as_ref()));
            let stretch = Stretch { start, end, overlap_policy: backfill.overlap_policy, is_manual: true };
            match self.process(stretch, Some(&mut limit)).0.filter(|next| *next <= end) {
                None => {
                    self.backfills.pop_front();
                }
                Some(next) => {
                    if let Some(backfill) = self.backfills.front_mut() {
                        backfill.start_time = Some(next.to_proto());
                    }
                }
            }
        }
    }

    /// Whether it acts by itself: it is not paused, and has actions left.
    fn can_act(&self) -> bool {
        let state = self.state();
        !state.paused && (!state.limited_actions || state.remaining_actions > 0)
    }

    /// Whether an action may be taken now. It then counts.
    pub(super) fn take_action(&mut self, is_manual: bool) -> bool {
        if is_manual {
            return true;
        }
        if !self.can_act() {
            return false;
        }
        if self.state().limited_actions {
            self.state_mut().remaining_actions -= 1;
            self.has_changed();
        }
        true
    }

    /// Decides what becomes of what is due. `None`: there is nothing.
    pub(super) fn decide(&mut self) -> Option<Decision> {
        let due = std::mem::take(&mut self.buffer);
        if due.is_empty() || check::started(&self.set).is_none() {
            return None;
        }
        let is_running = !self.info.running_workflows.is_empty();
        let mut decision = overlap::decide(&due, is_running, |policy| self.resolve(policy));
        self.info.overlap_skipped += decision.skipped_count;
        self.buffer = std::mem::take(&mut decision.kept);
        Some(decision)
    }

    /// An action was taken: this workflow was started. `may_overlap`: nothing waits for it.
    pub(super) fn record(&mut self, start: Start, started: WorkflowExecution, may_overlap: bool, now: Time) {
        self.info.action_count += 1;
        if !may_overlap {
            self.info.running_workflows.push(started.clone());
        }
        self.info.recent_actions.push(ScheduleActionResult {
            schedule_time: Some(start.actual.to_proto()),
            actual_time: Some(now.to_proto()),
            start_workflow_result: Some(started),
            start_workflow_status: WorkflowExecutionStatus::Running.into(),
        });
        let too_many = self.info.recent_actions.len().saturating_sub(RECENT_MAX);
        self.info.recent_actions.drain(..too_many);
    }

    /// The last part of a turn: until when it sleeps. `next`: when the next action is due.
    pub(super) fn end_turn(&mut self, cx: &mut Cx<'_>, next: Option<Time>) {
        self.expires_at = self.retention_end(next);
        let wakes_at = if self.backfills_on() {
            Some(cx.now + BACKFILL_PAUSE)
        } else {
            next.filter(|_| self.can_act() && self.expires_at.is_none())
        };
        if self.timer.is_some_and(|timer| Some(timer.at) == wakes_at) {
            return;
        }
        if let Some(timer) = self.timer.take() {
            cx.timers.cancel(timer);
        }
        self.timer = wakes_at.map(|at| cx.timers.add(at, Due::Schedule(self.key)));
    }

    /// Whether a backfill goes on by itself.
    fn backfills_on(&self) -> bool {
        let first = self.backfills.front();
        first.is_some_and(|first| self.resolve(first.overlap_policy) == ScheduleOverlapPolicy::AllowAll as i32)
    }

    /// When it ceases to be, if it has nothing more to do.
    fn retention_end(&self, next: Option<Time>) -> Option<Time> {
        let has_more = self.state().paused || next.is_some() && self.can_act() || self.backfills_on();
        (!has_more).then(|| self.last_event() + RETENTION)
    }

    fn last_event(&self) -> Time {
        let last = self.info.recent_actions.last().and_then(|last| last.actual_time.as_ref());
        last.map_or(Time::EPOCH, Time::from_proto).max(self.created()).max(self.updated())
    }
}
