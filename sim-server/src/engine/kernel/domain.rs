//! A clock domain: a virtual clock and what falls due on it. Namespaces of one domain share their time.

use super::{clock::Clock, due::Due, time::Time, timers::Timers};

/// A virtual clock, and what falls due on it.
#[derive(Debug)]
pub(crate) struct Domain {
    pub(crate) clock: Clock,
    pub(crate) timers: Timers<Due>,
}

impl Domain {
    /// A domain whose time begins at `starts_at`, or else goes with the wall.
    pub(crate) fn new(starts_at: Option<Time>) -> Self {
        Self { clock: Clock::new(starts_at), timers: Timers::default() }
    }

    /// Virtual now.
    pub(crate) fn now(&self) -> Time {
        self.clock.now()
    }

    /// The next instant at which something falls due. Nothing does at [`Time::END`] or later.
    pub(crate) fn next(&self) -> Option<Time> {
        self.timers.next().filter(|at| *at < Time::END)
    }

    /// When (wall) the next entry falls due if nothing is skipped.
    pub(crate) fn next_due(&self) -> Option<Time> {
        self.next().map(|at| self.clock.to_wall(at)).filter(|at| *at < Time::MAX)
    }

    /// Takes all entries of the next due instant, in order, with that instant.
    pub(crate) fn take_next_instant(&mut self) -> Option<(Time, Vec<Due>)> {
        let last = self.clock.now().min(Time::END.shifted(-1));
        let (at, first) = self.timers.pop_due(last)?;
        let mut all = vec![first];
        while let Some((_, next)) = self.timers.pop_due(at) {
            all.push(next);
        }
        Some((at, all))
    }
}
