//! How far a run got.

use crate::os::ProcessId;

/// A run gets nowhere if nothing comes of this many steps. An activity that fails for ever takes twelve for an attempt.
const STEPS_WITHOUT_PROGRESS_MAX: u64 = 100_000;
/// After how many steps the run is looked at again.
const LOOK_EVERY_STEPS: u64 = 5_000;

/// How far a run got, and when that was seen.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// What the test asked for, and heartbeats: nobody calls that standing still.
    signs_of_life: usize,
    seen: usize,
    seen_at_step: u64,
    next_look_at_step: u64,
    /// Who has had all turns of late, at which instant, and how many.
    turns: Option<(ProcessId, u64, u64)>,
}

impl Progress {
    /// Something that nobody calls standing still.
    pub(super) fn lives(&mut self) {
        self.signs_of_life += 1;
    }

    /// A thread of this process gets the turn.
    pub(super) fn turn(&mut self, process: ProcessId, at_ns: u64) {
        let count = match self.turns {
            Some((of, since_ns, count)) if (of, since_ns) == (process, at_ns) => count,
            _ => 0,
        };
        self.turns = Some((process, at_ns, count + 1));
    }

    /// Whether it is time to look whether the run gets anywhere.
    pub(crate) fn is_to_be_looked_at(&self, steps: u64) -> bool {
        steps >= self.next_look_at_step
    }

    /// Looks: of how many steps nothing has come, if these are too many. `events_count`: how many there are in all histories.
    pub(crate) fn steps_in_vain(&mut self, steps: u64, events_count: usize) -> Option<u64> {
        self.next_look_at_step = steps + LOOK_EVERY_STEPS;
        if self.seen != events_count + self.signs_of_life {
            (self.seen, self.seen_at_step) = (events_count + self.signs_of_life, steps);
        }
        Some(steps - self.seen_at_step).filter(|without| *without >= STEPS_WITHOUT_PROGRESS_MAX)
    }

    /// The process that goes round and round, while no time goes by.
    pub(crate) fn who_spins(&self) -> Option<ProcessId> {
        self.turns.filter(|(.., count)| *count >= STEPS_WITHOUT_PROGRESS_MAX / 2).map(|(process, ..)| process)
    }
}
