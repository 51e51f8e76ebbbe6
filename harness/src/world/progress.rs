//! How far a run got.

use foretime_campaign::process::ProcessId;

/// A run makes no progress if this many steps lead to nothing. An activity that fails for ever takes twelve steps an attempt.
const STEPS_WITHOUT_PROGRESS_MAX: u64 = 100_000;
/// After how many steps the run is checked again.
const LOOK_EVERY_STEPS: u64 = 5_000;

/// How far a run got, and when that was observed.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Requests of the test and of clients, and heartbeats. They count as progress.
    signs_of_life: usize,
    seen: usize,
    seen_at_step: u64,
    next_look_at_step: u64,
    /// The process that had all of the latest turns, at which instant, and how many.
    turns: Option<(ProcessId, u64, u64)>,
}

impl Progress {
    /// Notes something that counts as progress.
    pub(super) fn lives(&mut self) {
        self.signs_of_life += 1;
    }

    /// Notes that a thread of this process gets the turn.
    pub(super) fn turn(&mut self, process: ProcessId, at_ns: u64) {
        let count = match self.turns {
            Some((of, since_ns, count)) if (of, since_ns) == (process, at_ns) => count,
            _ => 0,
        };
        self.turns = Some((process, at_ns, count + 1));
    }

    /// Whether it is time to check for progress.
    pub(crate) fn is_to_be_looked_at(&self, steps: u64) -> bool {
        steps >= self.next_look_at_step
    }

    /// Checks for progress: how many steps led to nothing, if too many. `events_count`: the events in all histories.
    pub(crate) fn steps_in_vain(&mut self, steps: u64, events_count: usize) -> Option<u64> {
        self.next_look_at_step = steps + LOOK_EVERY_STEPS;
        if self.seen != events_count + self.signs_of_life {
            (self.seen, self.seen_at_step) = (events_count + self.signs_of_life, steps);
        }
        Some(steps - self.seen_at_step).filter(|without| *without >= STEPS_WITHOUT_PROGRESS_MAX)
    }

    /// The process that spins while no virtual time passes.
    pub(crate) fn who_spins(&self) -> Option<ProcessId> {
        self.turns.filter(|(.., count)| *count >= STEPS_WITHOUT_PROGRESS_MAX / 2).map(|(process, ..)| process)
    }
}
