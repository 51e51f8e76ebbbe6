//! The people around the simulated workflows. What they do, and when, follows from the run's seed alone, so a seed always has
//! the same people. A simulation draws it with [`Dice`]. The harness draws what goes wrong and in which order things happen.

use std::time::Duration;

use foretime::Sim;
use temporalio_client::errors::WorkflowInteractionError;

/// How close to a deadline a drawn [`Dice::moment`] tends to be.
const CLOSE: Duration = Duration::from_secs(2);

/// Dice: SplitMix64.
#[derive(Debug)]
pub(crate) struct Dice {
    state: u64,
}

impl Dice {
    /// The dice of this run.
    pub(crate) fn of(sim: &Sim) -> Self {
        Self { state: sim.seed() }
    }

    /// A number below `sides`.
    pub(crate) fn below(&mut self, sides: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    /// One of these.
    pub(crate) fn one_of<T: Copy>(&mut self, these: &[T]) -> T {
        these[usize::try_from(self.below(these.len() as u64)).unwrap_or(0)]
    }

    /// A small number, up to `most`: one in two of three cases, two in two thirds of the rest, and so on. What goes wrong with
    /// many nearly always goes wrong with few, in less time and with a shorter story.
    pub(crate) fn few(&mut self, most: usize) -> usize {
        (1..most).find(|_| !self.once_in(3)).unwrap_or(most)
    }

    /// The first few of these.
    pub(crate) fn few_of<'a, T>(&mut self, these: &'a [T]) -> &'a [T] {
        &these[..self.few(these.len())]
    }

    /// True in one of `times` cases.
    pub(crate) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// A span of at most this, in whole milliseconds.
    pub(crate) fn span(&mut self, most: Duration) -> Duration {
        Duration::from_millis(self.below(u64::try_from(most.as_millis()).unwrap_or(u64::MAX - 1) + 1))
    }

    /// A moment within `most`. Every other time it is close to one of these deadlines: before, after or exactly on it.
    pub(crate) fn moment(&mut self, deadlines: &[Duration], most: Duration) -> Duration {
        if self.once_in(2) {
            return self.span(most);
        }
        let deadline = self.one_of(deadlines);
        match self.below(3) {
            0 => deadline,
            1 => deadline + self.span(CLOSE),
            _ => deadline.saturating_sub(self.span(CLOSE)),
        }
    }
}

/// Whether a message to a workflow came in time. It may come too late, when the workflow is already closed.
///
/// # Errors
/// All other errors.
pub(crate) fn in_time(said: Result<(), WorkflowInteractionError>) -> Result<bool, WorkflowInteractionError> {
    match said {
        Ok(()) => Ok(true),
        Err(WorkflowInteractionError::NotFound(_)) => Ok(false),
        Err(error) => Err(error),
    }
}
