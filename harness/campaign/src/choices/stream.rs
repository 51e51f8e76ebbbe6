//! A stream of draws: a generator of its own, and what was taken from it.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

use super::tape::Draw;
use crate::hash::Hash;

/// The draws under one label.
#[derive(Debug)]
pub(super) struct Stream {
    generator: ChaCha8Rng,
    /// The number of the label.
    code: u64,
    /// What the generator was made from.
    source: u64,
    /// How many strikes there were when the generator was made.
    strikes_count: usize,
    taken: Vec<Draw>,
    /// The hashes of everything that was taken, and of all but the last.
    hash: Hash,
    hash_before: Hash,
}

impl Stream {
    pub(super) fn new(source: u64, code: u64) -> Self {
        let hash = Hash::new().number(code);
        let generator = generator(source, code);
        Self { generator, code, source, strikes_count: 0, taken: Vec::new(), hash, hash_before: hash }
    }

    /// Makes the generator anew if it was made from another source.
    pub(super) fn draw_from(&mut self, source: u64) {
        if self.source != source {
            (self.source, self.generator) = (source, generator(source, self.code));
        }
    }

    /// Makes the generator anew, from this seed, if there were fewer strikes when it was made.
    pub(super) fn renew_after(&mut self, strikes_count: usize, seed: u64) {
        if self.strikes_count != strikes_count {
            (self.strikes_count, self.generator) = (strikes_count, generator(seed, self.code));
        }
    }

    /// A number from 0 to `bound` - 1.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.generator.next_u64()) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// Notes what was drawn. Returns by how much its hash grows.
    pub(super) fn take(&mut self, draw: Draw) -> u64 {
        self.taken.push(draw);
        self.hash_before = self.hash;
        self.hash = self.hash.number(draw.value);
        self.hash.value().wrapping_sub(self.hash_before.value())
    }

    /// The same, replacing the value of the last draw.
    pub(super) fn take_instead(&mut self, value: u64) -> u64 {
        let Some(last) = self.taken.last_mut() else { return 0 };
        last.value = value;
        let hash = self.hash.value();
        self.hash = self.hash_before.number(value);
        self.hash.value().wrapping_sub(hash)
    }

    /// What was taken, in order.
    pub(super) fn taken(&self) -> &[Draw] {
        &self.taken
    }
}

fn generator(source: u64, code: u64) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(source);
    generator.set_stream(code);
    generator
}
