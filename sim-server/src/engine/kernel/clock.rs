//! The virtual clock: the wall's pace plus what was skipped, and who holds it.
//!
//! Three counts, apart from each other, so that no client can corrupt the others: the clients' locks (TestService), the
//! sleeps that each lift one hold for as long as they last, and what the engine itself has in flight. Time skips only
//! when, together, they come to nothing.

use std::time::Duration;

use super::{
    error::{Error, Result},
    time::Time,
};

/// The virtual clock of one server.
#[derive(Debug)]
pub(crate) struct Clock {
    wall: Time,
    skipped: Duration,
    /// Locks less unlocks of the clients. Below zero while several clients that share a lock await results at once: every
    /// SDK but Java's unlocks once for each waiting call, against the one lock of the start.
    client_locks: i64,
    /// Calls of UnlockTimeSkippingWithSleep that wait now.
    sleeps: i64,
    /// Calls that await an update now. Each lifts one lock of a client, as an SDK itself does while it awaits a workflow's result.
    awaits: i64,
    /// Whether they do: on the test server.
    awaits_lift_locks: bool,
    /// Tasks and queries that someone works on, or is expected to.
    holds: i64,
}

impl Clock {
    /// A clock at wall time. `locked`: as the SDKs start a test server, with one lock that the first unlock takes away.
    /// `awaits_lift_locks`: whether time may skip while a call awaits an update.
    pub(crate) fn new(now: Time, locked: bool, awaits_lift_locks: bool) -> Self {
        Self {
            wall: now,
            skipped: Duration::ZERO,
            client_locks: i64::from(locked),
            sleeps: 0,
            awaits: 0,
            awaits_lift_locks,
            holds: 0,
        }
    }

    /// Virtual now.
    pub(crate) fn now(&self) -> Time {
        self.wall + self.skipped
    }

    /// Wall now, as of the last tick.
    pub(crate) fn wall(&self) -> Time {
        self.wall
    }

    /// The wall moved on. It never goes back here, whatever the caller's clock does.
    pub(crate) fn tick(&mut self, wall: Time) {
        self.wall = self.wall.max(wall);
    }

    /// When, on the wall, virtual time reaches `at` if nothing is skipped.
    pub(crate) fn to_wall(&self, at: Time) -> Time {
        at - self.skipped
    }

    /// Whether time may jump to the next deadline. `abandoned`: how many of the holds no longer count, since nobody works
    /// on them.
    pub(crate) fn may_skip(&self, abandoned: i64) -> bool {
        self.locks() + self.holds - abandoned - self.sleeps <= 0
    }

    /// Jumps to `at`, if that is ahead.
    pub(crate) fn skip_to(&mut self, at: Time) {
        self.skipped += at.since(self.now());
    }

    pub(crate) fn hold(&mut self, change: i64) {
        self.holds += change;
    }

    /// The clients' locks as they count: surplus unlocks never eat what the engine holds.
    fn locks(&self) -> i64 {
        let lifted = if self.awaits_lift_locks { self.awaits } else { 0 };
        (self.client_locks - lifted).max(0)
    }

    pub(crate) fn lock(&mut self) {
        self.client_locks += 1;
    }

    /// One client unlocks. `awaited`: there are workflows. The client may be about to await the result of one, and to lock
    /// again afterwards, so the count may go below zero.
    pub(crate) fn unlock(&mut self, awaited: bool) -> Result<()> {
        if self.client_locks <= 0 && !awaited {
            return Err(unbalanced());
        }
        self.client_locks -= 1;
        Ok(())
    }

    /// A sleep begins: it lifts one lock or hold until [`Self::end_sleep`].
    pub(crate) fn begin_sleep(&mut self) -> Result<()> {
        if self.locks() + self.holds - self.sleeps <= 0 {
            return Err(unbalanced());
        }
        self.sleeps += 1;
        Ok(())
    }

    pub(crate) fn end_sleep(&mut self) {
        self.sleeps -= 1;
    }

    /// A call awaits an update, until [`Self::end_await`].
    pub(crate) fn begin_await(&mut self) {
        self.awaits += 1;
    }

    pub(crate) fn end_await(&mut self) {
        self.awaits -= 1;
    }
}

fn unbalanced() -> Error {
    Error::FailedPrecondition("Unbalanced lock and unlock calls: time skipping is not locked.".to_owned())
}
