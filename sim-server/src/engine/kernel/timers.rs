//! What falls due when: one ordered queue. Ties at one instant go by creation.

use std::collections::BTreeMap;

use super::time::Time;

/// Names a scheduled entry: its instant, then its creation sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TimerKey {
    pub(crate) at: Time,
    sequence: u64,
}

/// An ordered queue of entries that fall due.
#[derive(Debug)]
pub(crate) struct Timers<T> {
    entries: BTreeMap<TimerKey, T>,
    last_sequence: u64,
}

impl<T> Default for Timers<T> {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), last_sequence: 0 }
    }
}

impl<T> Timers<T> {
    pub(crate) fn add(&mut self, at: Time, entry: T) -> TimerKey {
        self.last_sequence += 1;
        let key = TimerKey { at, sequence: self.last_sequence };
        self.entries.insert(key, entry);
        key
    }

    /// Entries that can no longer matter are cancelled at once: they must not move the clock.
    pub(crate) fn cancel(&mut self, key: TimerKey) {
        self.entries.remove(&key);
    }

    pub(crate) fn next(&self) -> Option<Time> {
        self.entries.first_key_value().map(|(key, _)| key.at)
    }

    /// All entries, in the order in which they fall due.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.entries.values()
    }

    /// The first entry, with its instant.
    pub(crate) fn first(&self) -> Option<(Time, &T)> {
        self.entries.first_key_value().map(|(key, entry)| (key.at, entry))
    }

    /// Takes the first entry that is due at `now`.
    pub(crate) fn pop_due(&mut self, now: Time) -> Option<(Time, T)> {
        let first = self.entries.first_entry()?;
        if first.key().at > now {
            return None;
        }
        let (key, entry) = first.remove_entry();
        Some((key.at, entry))
    }
}
