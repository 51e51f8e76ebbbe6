//! The callers that sleep in virtual time, and what each lifts as long as it does.

use std::collections::BTreeMap;

use super::holds::Taken;
use crate::engine::kernel::{key::Connection, tickets::Ticket};

/// Which locks a sleep lifts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lift {
    /// None.
    Nothing,
    /// One, whosever it is.
    OneLock,
    /// All: a hand on the clock.
    EveryLock,
    /// None any more: it belonged to an attempt that has ended.
    Orphaned,
}

/// What was called.
#[derive(Clone, Debug)]
pub(crate) enum SleepCall {
    /// One of TestService's sleeps.
    Sleep,
    /// SkipTime.
    Skip,
    /// SleepUntil of ForetimeService. `lock`: who locks time on waking up, if anybody.
    Until { lock: Option<(Connection, String)> },
}

/// A caller that sleeps.
#[derive(Debug)]
pub(crate) struct Sleep {
    pub(crate) call: SleepCall,
    pub(crate) lift: Lift,
    /// The attempts that it lifts, which ran when it came.
    pub(crate) taken: Vec<Taken>,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Sleeps {
    of: BTreeMap<Ticket, Sleep>,
    orphaned_count: usize,
    one_lock_count: i64,
    every_lock_count: usize,
}

impl Sleeps {
    pub(crate) fn begin(&mut self, ticket: Ticket, sleep: Sleep) {
        self.orphaned_count += usize::from(sleep.lift == Lift::Orphaned);
        self.one_lock_count += i64::from(sleep.lift == Lift::OneLock);
        self.every_lock_count += usize::from(sleep.lift == Lift::EveryLock);
        self.of.insert(ticket, sleep);
    }

    pub(crate) fn end(&mut self, ticket: Ticket) -> Option<Sleep> {
        let sleep = self.of.remove(&ticket)?;
        self.orphaned_count -= usize::from(sleep.lift == Lift::Orphaned);
        self.one_lock_count -= i64::from(sleep.lift == Lift::OneLock);
        self.every_lock_count -= usize::from(sleep.lift == Lift::EveryLock);
        Some(sleep)
    }

    /// Whether somebody sleeps, who is not orphaned.
    pub(crate) fn is_any(&self) -> bool {
        self.of.len() > self.orphaned_count
    }

    pub(crate) fn count(&self) -> usize {
        self.of.len()
    }

    /// An attempt has timed out, or its workflow has closed, and these sleeps lifted it: probably it was the attempt that slept. They
    /// go on, but lift nothing any more.
    pub(crate) fn demote(&mut self, taken: Taken) {
        let of_it = self.of.iter().filter(|(_, sleep)| sleep.lift == Lift::OneLock && sleep.taken.contains(&taken));
        for ticket in of_it.map(|(ticket, _)| *ticket).collect::<Vec<_>>() {
            if let Some(sleep) = self.end(ticket) {
                self.begin(ticket, Sleep { lift: Lift::Orphaned, ..sleep });
            }
        }
    }

    /// Whether somebody sleeps whose sleep lifts nothing any more.
    pub(crate) fn has_orphans(&self) -> bool {
        self.orphaned_count > 0
    }

    /// Nothing else is going on: whoever still sleeps is no attempt that has ended.
    pub(crate) fn reinstate_orphans(&mut self) {
        let orphans = self.of.iter().filter(|(_, sleep)| sleep.lift == Lift::Orphaned).map(|(ticket, _)| *ticket);
        for ticket in orphans.collect::<Vec<_>>() {
            if let Some(sleep) = self.end(ticket) {
                self.begin(ticket, Sleep { lift: Lift::OneLock, ..sleep });
            }
        }
    }

    /// Whether one lifts a lock.
    pub(crate) fn lifts_any(&self) -> bool {
        self.one_lock_count > 0 || self.every_lock_count > 0
    }

    /// How many of these locks still hold.
    pub(crate) fn left_of(&self, locks: i64) -> i64 {
        if self.every_lock_count > 0 { 0 } else { (locks - self.one_lock_count).max(0) }
    }
}
