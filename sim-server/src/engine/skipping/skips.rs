//! The last skips, and what each was for.

use std::collections::VecDeque;

use crate::engine::kernel::{due::Due, time::Time};

/// As many are remembered.
const KEPT_MAX: usize = 20;

/// One jump of the clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Skip {
    pub(crate) from: Time,
    pub(crate) to: Time,
    /// What fell due first where it ended; `None` if it ended before anything did.
    pub(crate) due: Option<Due>,
}

/// The last jumps of the clock.
#[derive(Debug, Default)]
pub(crate) struct Skips {
    last: VecDeque<Skip>,
    count: u64,
}

impl Skips {
    pub(crate) fn add(&mut self, skip: Skip) {
        if self.last.len() == KEPT_MAX {
            self.last.pop_front();
        }
        self.last.push_back(skip);
        self.count += 1;
    }

    /// All skips so far.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The last ones, the newest first.
    pub(crate) fn last(&self) -> impl Iterator<Item = Skip> {
        self.last.iter().rev().copied()
    }
}
