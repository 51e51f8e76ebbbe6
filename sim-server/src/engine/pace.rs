//! How time passes: what the wall brings about, whether virtual time may skip and how far, and who hears that it cannot.

use std::time::Duration;

use super::{
    Engine,
    kernel::{due::Due, key::Key, time::Time},
    skipping::{Awaits, holds::Work, skips::Skip},
};

/// A client that waits this long (wall) for time that cannot move is told why, in the log.
const STANDSTILL: Duration = Duration::from_secs(2);

impl Engine {
    /// The long polls that wait for an end.
    pub(super) fn awaits(&self) -> Awaits {
        Awaits { close_event_count: self.waiters.close_event_count(), outcome_count: self.update_waiters.outcome_count() }
    }

    /// Whether time may skip at all now.
    fn may_skip(&self) -> bool {
        self.skipping.may_skip(self.awaits(), self.matching.unserved_count())
    }

    /// Where time may jump to now: to the next instant at which something falls due; but where a sleep lifts attempts that are at
    /// work, not to their timeouts.
    pub(super) fn next_skip(&self) -> Option<Time> {
        let next = self.domain.next()?;
        if !self.may_skip() {
            return None;
        }
        let to = self.sleep_limit().map_or(next, |limit| next.min(limit));
        (to > self.domain.now() || to == next).then_some(to)
    }

    /// The last instant before a timeout of an attempt that a sleep lifts, and that has not been silent for long.
    pub(super) fn sleep_limit(&self) -> Option<Time> {
        let wall = self.wall();
        let lifted = self.skipping.holds.lifted().filter(|(_, silent_at)| *silent_at > wall);
        lifted.filter_map(|(work, _)| self.timeout_of(work)).min().map(|at| at.shifted(-1))
    }

    fn timeout_of(&self, work: Work) -> Option<Time> {
        match work {
            Work::WorkflowTask(_) => None,
            Work::Activity(activity) => {
                let Key::Run(run) = activity.owner;
                self.runs.get(run).pending_activity(activity.scheduled_event_id)?.1.next_timeout()
            }
        }
    }

    /// Time jumps to `to`.
    pub(super) fn skip(&mut self, to: Time) {
        let from = self.domain.now();
        self.domain.clock.skip_to(to);
        let due = self.domain.timers.first().filter(|(at, _)| *at <= to).map(|(_, due)| *due);
        if to > from {
            self.skipping.skips.add(Skip { from, to, due });
        }
        let is_bounded = self.skipping.sleeps.is_any();
        if self.skipping.runaway.skipped(to.since(from), is_bounded) {
            let text = self.skipping.runaway.stop(&due.map_or_else(String::new, |due| self.name_of(due)));
            self.skipping.notices.warn(text);
        }
        self.standing_since = None;
    }

    /// The wall moved on: who has not come by now does not count.
    pub(super) fn end_graces(&mut self) {
        let wall = self.wall();
        for worker in self.workers.tick(wall) {
            self.matching.forget_worker(worker, wall);
            self.skipping.holds.mark_worker(worker, true);
        }
        self.matching.tick(wall);
        self.skipping.holds.tick(wall);
        for locks in self.skipping.locks.tick(wall) {
            let what = if locks > 0 { "locked" } else { "unlocked" };
            let text = format!("a client has closed its connection and left time {what}: that is undone now");
            self.skipping.notices.inform(text);
        }
        for queue in self.matching.take_released() {
            if let Some(text) = self.matching.waiting_in(queue).map(|waiting| self.name_unserved(&waiting)) {
                self.skipping.notices.inform(format!("time no longer waits for it: {text}"));
            }
        }
    }

    /// When (wall) one of the graces ends, or somebody is told why time stands still.
    pub(super) fn next_grace(&self) -> Option<Time> {
        let wall = self.wall();
        let silent_at = self.skipping.holds.lifted().map(|(_, silent_at)| silent_at).filter(|at| *at > wall).min();
        let told_at = self.standing_since.filter(|(_, is_told)| !is_told).map(|(since, _)| since + STANDSTILL);
        // Nobody cares for whom time waits where nothing is due.
        let is_of_interest = self.domain.next().is_some() || !self.resting.is_empty();
        let graces = [
            self.workers.next_tick().filter(|_| is_of_interest),
            self.matching.next_tick().filter(|_| is_of_interest),
            self.skipping.holds.next_tick(),
            self.skipping.locks.next_tick(),
            silent_at,
            told_at,
        ];
        graces.into_iter().flatten().min()
    }

    /// After all that can happen has happened: time stands still before the timeouts that a sleep must not reach; who waits until
    /// nothing is in flight is answered; and who has waited for long is told why.
    pub(super) fn watch(&mut self) {
        self.domain.clock.stop_at(self.sleep_limit());
        self.answer_rest();
        let is_standing = self.skipping.is_awaited(self.awaits()) && self.next_skip().is_none();
        let wall = self.wall();
        if !is_standing {
            self.standing_since = None;
            return;
        }
        let changed = self.skipping.holds.changed();
        let (since, is_told) = self.standing_since.filter(|(since, _)| *since >= changed).unwrap_or((wall, false));
        self.standing_since = Some((since, is_told));
        if !is_told && wall.since(since) >= STANDSTILL {
            self.standing_since = Some((since, true));
            self.tell_standstill();
        }
    }

    /// What falls due, for people.
    pub(super) fn name_of(&self, due: Due) -> String {
        match due {
            Due::Sleep(_) => "the end of a sleep".to_owned(),
            Due::Run(run, what) => self.runs.get(run).name_of(what),
        }
    }
}
