//! Numbers from a seed (splitmix64).

use std::time::Duration;

/// What a seed draws.
#[derive(Debug)]
pub(super) struct Draws(pub(super) u64);

impl Draws {
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    /// At least a millisecond.
    pub(super) fn span(&mut self, longest_ms: u64) -> Duration {
        Duration::from_millis(1 + self.below(longest_ms)) + Duration::from_nanos(self.below(1_000))
    }
}
