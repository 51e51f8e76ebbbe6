//! What happens when: one ordered queue of virtual instants. Among entries due at the same instant, the world draws which goes
//! first.

use std::collections::BTreeMap;

/// Entries by instant; those of one instant in the order in which they were added.
#[derive(Debug)]
pub(super) struct Agenda<T> {
    entries: BTreeMap<(u64, u64), T>,
    last_sequence: u64,
}

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), last_sequence: 0 }
    }
}

impl<T> Agenda<T> {
    pub(super) fn add(&mut self, at_ns: u64, entry: T) {
        self.last_sequence += 1;
        self.entries.insert((at_ns, self.last_sequence), entry);
    }

    /// How many are due at `now_ns`.
    pub(super) fn due_count(&self, now_ns: u64) -> usize {
        self.entries.range(..=(now_ns, u64::MAX)).count()
    }

    /// Takes the `index`-th of the `count` entries that are due; `None` if `index` is not one of them.
    pub(super) fn take_due_if(&mut self, index: usize, count: usize) -> Option<T> {
        if index >= count {
            return None;
        }
        let key = *self.entries.keys().nth(index)?;
        self.entries.remove(&key)
    }

    pub(super) fn next_ns(&self) -> Option<u64> {
        self.entries.first_key_value().map(|((at_ns, _), _)| *at_ns)
    }

    /// Drops the entries that `keep` rejects.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.entries.retain(|_, entry| keep(entry));
    }
}
