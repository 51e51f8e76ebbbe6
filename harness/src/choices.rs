//! Every decision of a run is one labelled draw from one tape.
//!
//! A label names a stream of its own, so that one draw more under one label leaves the others alone. The tape is drawn from
//! a seed, or read from a recording; a recording that is at its end gives 0, which is always the harmless choice: no
//! fault, the first in line, no delay.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use serde::{Deserialize, Serialize};

/// A chance is drawn in as many steps.
const CHANCE_STEPS: u64 = 1 << 32;

/// All draws of a run: what a failing run leaves in a file, and what repeats it without its seed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tape {
    /// The seed of the run that was recorded: the simulated threads' own randomness still comes from it.
    pub(crate) seed: u64,
    /// The draws under each label, in order.
    pub(crate) draws: BTreeMap<String, Vec<u64>>,
}

/// Where decisions come from.
#[derive(Debug)]
pub(crate) struct Choices {
    seed: u64,
    streams: BTreeMap<&'static str, Stream>,
    recorded: Option<BTreeMap<String, VecDeque<u64>>>,
    count: u64,
}

#[derive(Debug)]
struct Stream {
    generator: ChaCha8Rng,
    taken: Vec<u64>,
}

impl Choices {
    /// Draws from a seed.
    pub(crate) fn from_seed(seed: u64) -> Self {
        Self { seed, streams: BTreeMap::new(), recorded: None, count: 0 }
    }

    /// Draws what was drawn before.
    pub(crate) fn from_tape(tape: Tape) -> Self {
        let recorded = tape.draws.into_iter().map(|(label, draws)| (label, draws.into())).collect();
        Self { seed: tape.seed, streams: BTreeMap::new(), recorded: Some(recorded), count: 0 }
    }

    /// The seed, or that of the run that was recorded.
    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// What was drawn so far.
    pub(crate) fn tape(&self) -> Tape {
        let draws = self.streams.iter().map(|(label, stream)| ((*label).to_owned(), stream.taken.clone())).collect();
        Tape { seed: self.seed, draws }
    }

    /// How many draws there were.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// A number from 0 to `bound` - 1. No draw if there is nothing to decide.
    pub(crate) fn below(&mut self, label: &'static str, bound: u64) -> u64 {
        if bound <= 1 {
            return 0;
        }
        self.count += 1;
        let seed = self.seed;
        let stream = self.streams.entry(label).or_insert_with(|| Stream::new(seed, label));
        let drawn = match &mut self.recorded {
            None => stream.below(bound),
            Some(recorded) => recorded.get_mut(label).and_then(VecDeque::pop_front).unwrap_or(0).min(bound - 1),
        };
        stream.taken.push(drawn);
        drawn
    }

    /// Whether something with this probability (0 to 1) happens.
    pub(crate) fn chance(&mut self, label: &'static str, probability: f64) -> bool {
        if probability <= 0.0 {
            return false;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the number of steps")]
        let unlikely = ((1.0 - probability.min(1.0)) * CHANCE_STEPS as f64) as u64;
        self.below(label, CHANCE_STEPS) >= unlikely
    }

    /// A span between the two, both included; small ones are as likely as large ones, decade by decade.
    pub(crate) fn span(&mut self, label: &'static str, from: Duration, to: Duration) -> Duration {
        let micros = |span: Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        let (from, to) = (micros(from), micros(to).max(micros(from)));
        let decades = ((to.max(1)) / from.max(1)).max(1).ilog2() + 1;
        let octave = u32::try_from(self.below(label, u64::from(decades))).unwrap_or(0);
        let low = from.max(1).saturating_mul(1 << octave);
        let high = low.saturating_mul(2).min(to.max(low + 1));
        Duration::from_micros(
            if octave == 0 && from == 0 { 0 } else { low } + self.below(label, high.saturating_sub(low).max(1)),
        )
    }
}

impl Stream {
    fn new(seed: u64, label: &str) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        // FNV-1a: the label picks the stream.
        let hash =
            label.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
        generator.set_stream(hash);
        Self { generator, taken: Vec::new() }
    }

    fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.generator.next_u64()) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(choices: &mut Choices) -> Vec<u64> {
        (0..40).map(|n| choices.below(if n % 3 == 0 { "schedule" } else { "latency" }, 1000)).collect()
    }

    #[test]
    fn a_tape_repeats_what_its_seed_drew() {
        let mut first = Choices::from_seed(7);
        let drawn = draw(&mut first);
        let written = serde_json::to_string(&first.tape()).expect("JSON");
        let tape: Tape = serde_json::from_str(&written).expect("a tape");
        assert_eq!(draw(&mut Choices::from_tape(tape)), drawn);
        assert_ne!(draw(&mut Choices::from_seed(8)), drawn);
    }

    #[test]
    fn a_label_more_leaves_the_other_labels_alone() {
        let mut plain = Choices::from_seed(7);
        let alone: Vec<_> = (0..9).map(|_| plain.below("schedule", 100)).collect();
        let mut mixed = Choices::from_seed(7);
        let among: Vec<_> = (0..9)
            .map(|_| {
                mixed.below("new", 100);
                mixed.below("schedule", 100)
            })
            .collect();
        assert_eq!(alone, among);
    }

    #[test]
    fn the_end_of_a_tape_is_harmless() {
        let mut choices = Choices::from_tape(Tape::default());
        assert!(!choices.chance("crash", 0.999));
        assert_eq!(choices.below("schedule", 5), 0);
    }

    #[test]
    fn a_span_stays_between_its_ends() {
        let mut choices = Choices::from_seed(1);
        let (from, to) = (Duration::from_millis(1), Duration::from_secs(100));
        for _ in 0..1000 {
            let span = choices.span("span", from, to);
            assert!(span >= from && span <= to, "{span:?}");
        }
    }
}
