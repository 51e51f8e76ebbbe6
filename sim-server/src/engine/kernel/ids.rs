//! Every id that the engine gives out, from one seed and the inputs.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

use super::time::Time;

/// The first task id of a server; the real one's start high as well, and clients must not care.
const FIRST_TASK_ID: i64 = 1_048_576;

/// The source of ids.
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    random: ChaCha8Rng,
    last_task_id: i64,
}

impl Ids {
    pub(crate) fn new(seed: u64) -> Self {
        Self { random: ChaCha8Rng::seed_from_u64(seed), last_task_id: FIRST_TASK_ID }
    }

    /// A UUID of version 7, as the run ids of the real server are: 48 bits of `now` in milliseconds, 74 random bits.
    pub(crate) fn run_id(&mut self, now: Time) -> String {
        let millis = now.as_millis() as u64 & 0xffff_ffff_ffff;
        let (high, low) = (self.random.next_u64(), self.random.next_u64());
        let version = 0x7000 | (high & 0x0fff);
        let variant = 0x8000 | ((low >> 48) & 0x3fff);
        format!("{:08x}-{:04x}-{version:04x}-{variant:04x}-{:012x}", millis >> 16, millis & 0xffff, low & 0xffff_ffff_ffff)
    }

    /// A UUID of version 4: request ids, namespace ids.
    pub(crate) fn uuid(&mut self) -> String {
        let (high, low) = (self.random.next_u64(), self.random.next_u64());
        let variant = 0x8000 | ((low >> 48) & 0x3fff);
        format!(
            "{:08x}-{:04x}-{:04x}-{variant:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            0x4000 | (high & 0x0fff),
            low & 0xffff_ffff_ffff
        )
    }

    /// `task_id` of the next history event.
    pub(crate) fn task_id(&mut self) -> i64 {
        self.last_task_id += 1;
        self.last_task_id
    }
}
