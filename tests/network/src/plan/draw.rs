//! Draws for the plan of a run. They come from the seed alone, apart from the choices: whatever faults are left out, the plan stays.

use std::time::Duration;

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

/// The source of a plan.
#[derive(Debug)]
pub struct Draw(ChaCha8Rng);

impl Draw {
    /// The source for this number.
    pub fn new(source: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(source))
    }

    /// A number from 0 to `bound` - 1; 0 if there is nothing to decide.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound <= 1 { 0 } else { self.0.next_u64() % bound }
    }

    /// A number between the two, both included.
    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to.saturating_sub(from).saturating_add(1))
    }

    /// Whether something happens that does so once in `times`.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of these; there must be one.
    pub fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap_or(0)]
    }

    /// A span between the two, decade by decade equally likely.
    pub fn span(&mut self, from: Duration, to: Duration) -> Duration {
        let micros = |span: Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX).max(1);
        let (from, to) = (micros(from), micros(to).max(micros(from)));
        let octave = self.below(u64::from((to / from).max(1).ilog2()) + 1);
        let low = from << octave;
        Duration::from_micros(self.between(low, (low * 2).min(to).max(low)))
    }
}
