//! How much a search may take.

use std::time::{Duration, Instant};

use crate::result::RunResult;

/// What a run costs besides its steps, in steps: it starts its workers and stops them.
const STEPS_PER_RUN: u64 = 500;

/// A number of steps that runs may take. Steps are counted rather than time, so that a search finds the same on a busy machine. It
/// also ends at some time, because a step may take long where the user's code is slow.
pub(super) struct Budget {
    steps_left: u64,
    ends: Instant,
}

impl Budget {
    pub(super) fn new(steps_max: u64, time_max: Duration) -> Self {
        Self { steps_left: steps_max, ends: Instant::now() + time_max }
    }

    /// A run has taken its part.
    pub(super) fn spend(&mut self, result: &RunResult) {
        self.steps_left = self.steps_left.saturating_sub(STEPS_PER_RUN + result.steps);
    }

    /// Whether nothing is left.
    pub(super) fn is_over(&self) -> bool {
        self.steps_left == 0 || Instant::now() > self.ends
    }

    /// What is left when so many more steps will have been taken.
    pub(super) const fn after(&self, steps: u64) -> u64 {
        self.steps_left.saturating_sub(steps)
    }

    /// Whether no more than this is left.
    pub(super) fn is_down_to(&self, steps_left: u64) -> bool {
        self.steps_left <= steps_left || self.is_over()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_take_their_steps_and_a_start_each_until_nothing_is_left() {
        let run = RunResult { steps: 700, ..RunResult::empty(1) };
        let mut budget = Budget::new(2_000, Duration::from_secs(3_600));
        let rest = budget.after(1_000);
        budget.spend(&run);
        assert!(!budget.is_over() && budget.is_down_to(rest));
        budget.spend(&run);
        assert!(budget.is_over() && budget.is_down_to(rest));
        assert!(Budget::new(1, Duration::ZERO).is_over(), "its time is up");
    }
}
