//! A clock domain: a virtual clock and what falls due on it. Namespaces of one domain share their time.

use super::{clock::Clock, due::Due, time::Time, timers::Timers};

/// A virtual clock, and what falls due on it.
#[derive(Debug)]
pub(crate) struct Domain {
    pub(crate) clock: Clock,
    pub(crate) timers: Timers<Due>,
}

impl Domain {
    /// A domain at wall time. `locked`: its time is locked until the first unlock. `awaits_lift_locks`: or while a call awaits an
    /// update.
    pub(crate) fn new(now: Time, locked: bool, awaits_lift_locks: bool) -> Self {
        Self { clock: Clock::new(now, locked, awaits_lift_locks), timers: Timers::default() }
    }

    /// Virtual now.
    pub(crate) fn now(&self) -> Time {
        self.clock.now()
    }

    /// Where time may jump to now. `abandoned_count`: how many of the holds no longer count, since nobody works on them.
    pub(crate) fn next_skip(&self, abandoned_count: i64) -> Option<Time> {
        self.timers.next().filter(|_| self.clock.may_skip(abandoned_count))
    }

    /// When (wall) the next entry falls due if nothing is skipped.
    pub(crate) fn next_due(&self) -> Option<Time> {
        self.timers.next().map(|at| self.clock.to_wall(at))
    }

    /// Takes all entries of the next due instant, in order, with that instant.
    pub(crate) fn take_next_instant(&mut self) -> Option<(Time, Vec<Due>)> {
        let (at, first) = self.timers.pop_due(self.clock.now())?;
        let mut all = vec![first];
        while let Some((_, next)) = self.timers.pop_due(at) {
            all.push(next);
        }
        Some((at, all))
    }
}
