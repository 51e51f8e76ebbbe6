//! The people around the simulated workflows: what they do and when follows from the run's seed alone, so that a seed has
//! always the same people. A simulation draws it with [`Dice`]; what goes wrong, and in which order things happen, is the
//! harness's to draw.

use std::time::Duration;

use foretime::Sim;
use temporalio_client::errors::WorkflowInteractionError;

/// How close to a deadline [`Dice::moment`] likes to come.
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

    /// How many there are of something, up to `most`: one two times in three, else two as often, and so on. What goes wrong with many
    /// goes wrong with few nearly always, in less time, and the story of it is shorter.
    pub(crate) fn few(&mut self, most: usize) -> usize {
        (1..most).find(|_| !self.once_in(3)).unwrap_or(most)
    }

    /// The first few of these.
    pub(crate) fn few_of<'a, T>(&mut self, these: &'a [T]) -> &'a [T] {
        &these[..self.few(these.len())]
    }

    /// True one time in so many.
    pub(crate) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// A span of at most this, in whole milliseconds.
    pub(crate) fn span(&mut self, most: Duration) -> Duration {
        Duration::from_millis(self.below(u64::try_from(most.as_millis()).unwrap_or(u64::MAX - 1) + 1))
    }

    /// A moment within `most`; every other time it is close to one of these deadlines, before or after, or on the dot.
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

/// What somebody says to a workflow may come too late, when it is closed already: whether it came in time.
///
/// # Errors
/// All others.
pub(crate) fn in_time(said: Result<(), WorkflowInteractionError>) -> Result<bool, WorkflowInteractionError> {
    match said {
        Ok(()) => Ok(true),
        Err(WorkflowInteractionError::NotFound(_)) => Ok(false),
        Err(error) => Err(error),
    }
}
