//! The virtual clock: the wall's pace, and how far it is ahead of the wall, or behind.

use super::time::Time;

/// The virtual clock of a domain.
#[derive(Debug)]
pub(crate) struct Clock {
    wall: Time,
    /// Virtual less wall.
    ahead_nanos: i64,
    /// Where virtual time begins, until it has.
    starts_at: Option<Time>,
    /// Virtual time does not pass this instant by itself.
    limit: Option<Time>,
}

impl Clock {
    /// A clock that begins at `starts_at` with its first tick, or else goes with the wall.
    pub(crate) fn new(starts_at: Option<Time>) -> Self {
        Self { wall: Time::EPOCH, ahead_nanos: 0, starts_at, limit: None }
    }

    /// Virtual now.
    pub(crate) fn now(&self) -> Time {
        self.wall.shifted(self.ahead_nanos)
    }

    /// Wall now, as of the last tick.
    pub(crate) fn wall(&self) -> Time {
        self.wall
    }

    /// The wall moved on. It never goes back here, whatever the caller's clock does.
    pub(crate) fn tick(&mut self, wall: Time) {
        self.wall = self.wall.max(wall);
        if let Some(start) = self.starts_at.take() {
            self.ahead_nanos = start.as_nanos().saturating_sub(self.wall.as_nanos());
        }
        if let Some(limit) = self.limit {
            let too_far = self.now().as_nanos().saturating_sub(limit.as_nanos());
            self.ahead_nanos -= too_far.max(0);
        }
    }

    /// When, on the wall, virtual time reaches `at` if nothing is skipped; never while it stands still before that.
    pub(crate) fn to_wall(&self, at: Time) -> Time {
        if self.limit.is_some_and(|limit| at > limit) { Time::MAX } else { at.shifted(self.ahead_nanos.saturating_neg()) }
    }

    /// Jumps to `at`, if that is ahead.
    pub(crate) fn skip_to(&mut self, at: Time) {
        self.ahead_nanos += at.as_nanos().saturating_sub(self.now().as_nanos()).max(0);
    }

    /// From now on, virtual time stands still when it reaches `limit`. One that it has passed stops it where it is.
    pub(crate) fn stop_at(&mut self, limit: Option<Time>) {
        self.limit = limit.map(|limit| limit.max(self.now()));
    }
}
