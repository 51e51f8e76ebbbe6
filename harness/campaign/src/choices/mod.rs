//! Every decision of a run is one labelled draw from one tape.
//!
//! A label names a stream of its own, so an extra draw under one label leaves the others alone. The tape is drawn from a seed
//! or read from a recording. A recording that has ended gives 0, which is always the harmless choice: no fault, the first in
//! line, no delay.
//!
//! [`label`] has the decisions, and [`only`] selects which strikes of faults there are. Seeds depend on the numbers of labels,
//! faults and places, which never change. They do not depend on any wording.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use serde::{Deserialize, Serialize};

mod label;
mod only;

use self::only::at;
pub use self::{
    label::Label,
    only::{Only, Strike, kind_of_strike},
};
use crate::{
    fault::{Fault, Place},
    hash::Hash,
};

/// The resolution with which a chance is drawn.
const CHANCE_STEPS: u64 = 1 << 32;

/// All draws of a run. A failing run leaves them in a file; they repeat it without its seed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tape {
    /// The seed of the recorded run. The simulated threads' own randomness still comes from it.
    pub seed: u64,
    /// The source of the draws and of the threads' randomness, made from the seed and the test's name.
    pub source: u64,
    /// The draws under each label, in order.
    pub draws: BTreeMap<String, Vec<u64>>,
    /// Whether no fault was held back because of an earlier one of its kind ([`Choices::strikes_with`]).
    #[serde(default)]
    pub holds_none_back: bool,
}

/// The source of all decisions.
#[derive(Debug)]
pub struct Choices {
    seed: u64,
    source: u64,
    streams: BTreeMap<Label, Stream>,
    recorded: Option<BTreeMap<String, VecDeque<u64>>>,
    count: u64,
    /// A hash of all draws. The order within a stream counts; the order between streams does not.
    hash: u64,
    /// How often each kind of fault struck, or would have struck.
    struck: BTreeMap<Fault, u64>,
    /// How many opportunities there were for each kind in each place, by the place's number.
    opportunities: BTreeMap<(Fault, u64), u64>,
    strikes: Vec<Strike>,
    /// What the consequences of the last strike are drawn from, besides the seed.
    last_strike: u64,
    only: Only,
    holds_none_back: bool,
}

#[derive(Debug)]
struct Stream {
    generator: ChaCha8Rng,
    /// How many strikes there were when the generator was made.
    strikes_count: usize,
    taken: Vec<u64>,
    /// The hashes of everything that was taken, and of all but the last.
    hash: Hash,
    hash_before: Hash,
}

impl Choices {
    /// Draws from a seed of this test. The test's name matters, so that the first seeds of all tests are not the same story.
    pub fn from_seed(seed: u64, test: &str) -> Self {
        Self::new(seed, seed ^ fnv(test))
    }

    fn new(seed: u64, source: u64) -> Self {
        Self {
            seed,
            source,
            streams: BTreeMap::new(),
            recorded: None,
            count: 0,
            hash: 0,
            struck: BTreeMap::new(),
            opportunities: BTreeMap::new(),
            strikes: Vec::new(),
            last_strike: 0,
            only: Only::default(),
            holds_none_back: false,
        }
    }

    /// Repeats the draws of a tape.
    pub fn from_tape(tape: Tape) -> Self {
        let recorded = tape.draws.into_iter().map(|(label, draws)| (label, draws.into())).collect();
        Self { recorded: Some(recorded), holds_none_back: tape.holds_none_back, ..Self::new(tape.seed, tape.source) }
    }

    /// The same choices, with only these strikes of faults.
    pub fn only(self, only: Only) -> Self {
        Self { holds_none_back: self.holds_none_back || only.is_placed(), only, ..self }
    }

    /// Which of the drawn strikes there are.
    pub fn which(&self) -> &Only {
        &self.only
    }

    /// The source of everything else that is random in the run.
    pub fn source(&self) -> u64 {
        self.source
    }

    /// The seed, or that of the recorded run.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The draws so far.
    pub fn tape(&self) -> Tape {
        let draws = self.streams.iter().map(|(label, stream)| (label.name().to_owned(), stream.taken.clone())).collect();
        Tape { seed: self.seed, source: self.source, draws, holds_none_back: self.holds_none_back }
    }

    /// How many draws there were.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// A hash of all draws so far.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The strikes so far, in order.
    pub fn strikes(&self) -> &[Strike] {
        &self.strikes
    }

    /// How often each kind of fault could have struck in each place, by names such as `reply-lost:9f3a21c4`.
    pub fn opportunities(&self) -> BTreeMap<String, u64> {
        self.opportunities.iter().map(|((fault, place), count)| (at(*fault, *place), *count)).collect()
    }

    /// Whether a fault with this probability strikes in this place. [`Only`] may leave the strike out or make it happen.
    /// `is_held_back`: suppressed by rest or count; strikes that are named by place ignore it.
    pub fn strikes_with(&mut self, fault: Fault, place: Place<&str>, probability: f64, is_held_back: bool) -> bool {
        if probability <= 0.0 {
            return false;
        }
        let place = place.hash();
        let nth = self.opportunities.entry((fault, place.value())).or_default();
        *nth += 1;
        let nth = *nth;
        if is_held_back && !self.holds_none_back {
            return false;
        }
        let label = Label::Strike(fault);
        let is_drawn = self.chance(label, probability);
        if !is_drawn && self.only.strikes.is_none() {
            return false;
        }
        let number = self.struck.entry(fault).or_default();
        *number += u64::from(is_drawn);
        let strike =
            Strike { name: format!("{}-{number}", kind_of_strike(fault)), at: format!("{}:{nth}", at(fault, place.value())) };
        let strikes = self.only.has(&strike, is_drawn);
        if strikes {
            self.strikes.push(strike);
            self.last_strike = place.number(fault.code()).number(nth).value();
        }
        // The tape records what happened, not what was drawn.
        if strikes != is_drawn
            && let Some(stream) = self.streams.get_mut(&label)
        {
            self.hash = self.hash.wrapping_add(stream.take_instead(if strikes { CHANCE_STEPS - 1 } else { 0 }));
        }
        strikes
    }

    /// A number from 0 to `bound` - 1. Nothing is drawn if there is nothing to decide.
    pub fn below(&mut self, label: Label, bound: u64) -> u64 {
        if bound <= 1 {
            return 0;
        }
        self.count += 1;
        let source = if label.is_ordering() { self.source ^ self.only.order } else { self.source };
        let stream = self.streams.entry(label).or_insert_with(|| Stream::new(source, label));
        if stream.strikes_count != self.strikes.len() && label.is_consequence() {
            (stream.generator, stream.strikes_count) = (generator(source ^ self.last_strike, label), self.strikes.len());
        }
        let drawn = match &mut self.recorded {
            None => stream.below(bound),
            Some(recorded) => recorded.get_mut(label.name()).and_then(VecDeque::pop_front).unwrap_or(0).min(bound - 1),
        };
        self.hash = self.hash.wrapping_add(stream.take(drawn));
        drawn
    }

    /// Whether something with this probability (0 to 1) happens.
    pub fn chance(&mut self, label: Label, probability: f64) -> bool {
        if probability <= 0.0 {
            return false;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the number of steps")]
        let unlikely = ((1.0 - probability.min(1.0)) * CHANCE_STEPS as f64) as u64;
        let drawn = self.below(label, CHANCE_STEPS);
        drawn > 0 && drawn >= unlikely
    }

    /// A span between the two, both included. Small spans are as likely as large ones, decade by decade.
    pub fn span(&mut self, label: Label, from: Duration, to: Duration) -> Duration {
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
    fn new(seed: u64, label: Label) -> Self {
        let hash = Hash::new().number(label.code());
        Self { generator: generator(seed, label), strikes_count: 0, taken: Vec::new(), hash, hash_before: hash }
    }

    fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.generator.next_u64()) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// Notes what was drawn. Returns by how much its hash grows.
    fn take(&mut self, drawn: u64) -> u64 {
        self.taken.push(drawn);
        self.hash_before = self.hash;
        self.hash = self.hash.number(drawn);
        self.hash.value().wrapping_sub(self.hash_before.value())
    }

    /// The same, replacing the last draw.
    fn take_instead(&mut self, drawn: u64) -> u64 {
        let Some(last) = self.taken.last_mut() else { return 0 };
        *last = drawn;
        let hash = self.hash.value();
        self.hash = self.hash_before.number(drawn);
        self.hash.value().wrapping_sub(hash)
    }
}

fn generator(seed: u64, label: Label) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(label.code());
    generator
}

/// FNV-1a: turns a name into a number.
fn fnv(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(choices: &mut Choices) -> Vec<u64> {
        (0..40).map(|n| choices.below(if n % 3 == 0 { Label::Schedule } else { Label::Latency }, 1000)).collect()
    }

    #[test]
    fn a_tape_repeats_what_its_seed_drew() {
        let mut first = Choices::from_seed(7, "test");
        let drawn = draw(&mut first);
        let written = serde_json::to_string(&first.tape()).expect("JSON");
        let tape: Tape = serde_json::from_str(&written).expect("a tape");
        assert_eq!(draw(&mut Choices::from_tape(tape)), drawn);
        assert_ne!(draw(&mut Choices::from_seed(8, "test")), drawn);
    }

    #[test]
    fn a_label_more_leaves_the_other_labels_alone() {
        let mut plain = Choices::from_seed(7, "test");
        let alone: Vec<_> = (0..9).map(|_| plain.below(Label::Schedule, 100)).collect();
        let mut mixed = Choices::from_seed(7, "test");
        let among: Vec<_> = (0..9)
            .map(|_| {
                mixed.below(Label::Deploy, 100);
                mixed.below(Label::Schedule, 100)
            })
            .collect();
        assert_eq!(alone, among);
    }

    #[test]
    fn the_hash_of_draws_depends_on_their_order_in_a_stream_and_on_no_other() {
        let draw = |labels: [Label; 3], bound: u64| {
            let mut choices = Choices::from_seed(7, "test");
            for label in labels {
                choices.below(label, bound);
            }
            choices.hash()
        };
        let (schedule, latency) = (Label::Schedule, Label::Latency);
        assert_eq!(draw([schedule, latency, latency], 1 << 40), draw([latency, schedule, latency], 1 << 40));
        assert_ne!(draw([schedule, latency, latency], 1 << 40), draw([schedule, schedule, latency], 1 << 40));
        assert_ne!(draw([schedule, latency, latency], 1 << 40), draw([schedule, latency, latency], 1 << 20));
    }

    #[test]
    fn the_end_of_a_tape_is_harmless() {
        let mut choices = Choices::from_tape(Tape::default());
        assert!(!choices.chance(Label::Strike(Fault::Crash), 0.999));
        assert_eq!(choices.below(Label::Schedule, 5), 0);
    }

    #[test]
    fn the_same_seed_is_another_story_in_another_test() {
        assert_ne!(draw(&mut Choices::from_seed(7, "test")), draw(&mut Choices::from_seed(7, "another test")));
    }

    #[test]
    fn a_strike_that_is_left_out_is_harmless_on_the_tape_too() {
        let strikes = |choices: &mut Choices| {
            (0..30)
                .map(|n| choices.strikes_with(Fault::ReplyLost, Place::BeforeReply(["a", "b"][n % 2]), 0.3, false))
                .collect::<Vec<_>>()
        };
        let mut all = Choices::from_seed(7, "test");
        let struck: Vec<usize> =
            strikes(&mut all).into_iter().enumerate().filter_map(|(at, strikes)| strikes.then_some(at)).collect();
        let expected: Vec<bool> = (0..30).map(|at| at == struck[0] || at == struck[2]).collect();
        let only = |text: &str| text.parse::<Only>().expect("it is understood");
        let mut fewer = Choices::from_seed(7, "test").only(only("reply-lost-1,reply-lost-3"));
        assert_eq!(strikes(&mut fewer), expected);
        assert_eq!(fewer.strikes().iter().map(|it| &*it.name).collect::<Vec<_>>(), ["reply-lost-1", "reply-lost-3"]);
        let mut taped = Choices::from_tape(fewer.tape());
        assert_eq!(strikes(&mut taped), expected);
        assert_eq!(taped.hash(), fewer.hash());
        assert_ne!(fewer.hash(), all.hash());
        assert_eq!(strikes(&mut Choices::from_seed(7, "test").only(only("none"))), [false; 30]);
        for wrong in ["bogus", "bogus-1", "crash-0", "crash:xyz:1", "crash:12ab"] {
            assert_eq!(only(wrong).impossible(|kind| kind == "crash"), Some(wrong));
        }
        assert_eq!(only("crash-1,crash:12ab:3").impossible(|kind| kind == "crash"), None);
        assert!("crash-1@x".parse::<Only>().is_err());
        let text = "reply-lost-1,reply-lost-3@2";
        assert_eq!(only(text).to_string(), text);
        assert_eq!(strikes(&mut Choices::from_seed(7, "test").only(only(text))), expected);
    }

    #[test]
    fn a_strike_may_be_had_where_it_was_not_drawn() {
        let strikes = |choices: &mut Choices| {
            (0..30)
                .map(|n| choices.strikes_with(Fault::Crash, Place::Attempt(["here", "there"][n % 2]), 0.2, false))
                .collect::<Vec<_>>()
        };
        let mut all = Choices::from_seed(8, "test");
        let drawn = strikes(&mut all);
        let there = all.strikes()[0].at_nth(4);
        let at = if drawn.iter().position(|strikes| *strikes).is_some_and(|at| at % 2 == 0) { 6 } else { 7 };
        assert!(!drawn[at], "this seed has nothing there: {drawn:?}");
        let mut only = Choices::from_seed(8, "test").only(Only::these([there.clone()]));
        let expected: Vec<bool> = (0..30).map(|n| n == at).collect();
        assert_eq!(strikes(&mut only), expected);
        assert_eq!(only.strikes()[0].at, there);
        assert_eq!(strikes(&mut Choices::from_tape(only.tape())), expected);
        let places = only.opportunities();
        assert_eq!(places.values().copied().collect::<Vec<_>>(), [15, 15]);
        assert!(places.keys().any(|place| format!("{place}:4") == there), "{places:?}");
    }

    #[test]
    fn a_strike_that_is_asked_for_by_its_place_is_not_held_back() {
        let strikes = |choices: &mut Choices| {
            (0..9).map(|_| choices.strikes_with(Fault::Crash, Place::Await, 0.2, true)).collect::<Vec<_>>()
        };
        let mut all = Choices::from_seed(7, "test");
        assert_eq!(strikes(&mut all), [false; 9]);
        assert_eq!((all.count(), all.opportunities().into_values().next()), (0, Some(9)));
        let place = all.opportunities().into_keys().next().expect("a place");
        let expected: Vec<bool> = (1..=9).map(|nth| nth == 4).collect();
        let mut only = Choices::from_seed(7, "test").only(Only::these([format!("{place}:4")]));
        assert_eq!(strikes(&mut only), expected);
        assert_eq!(strikes(&mut Choices::from_tape(only.tape())), expected);
    }

    #[test]
    fn what_a_strike_brings_with_it_does_not_depend_on_the_strikes_before() {
        let downtimes = |only: Only| {
            let mut choices = Choices::from_seed(7, "test").only(only);
            let mut one = || {
                let strikes = choices.strikes_with(Fault::Crash, Place::Await, 0.3, false);
                strikes.then(|| choices.span(Label::Downtime, Duration::from_millis(1), Duration::from_secs(60)))
            };
            (0..30).map(|_| one()).collect::<Vec<_>>()
        };
        let all = downtimes(Only::default());
        let last = all.iter().rposition(Option::is_some).expect("it crashes");
        let number = all.iter().flatten().count();
        assert!(number > 2, "{all:?}");
        let alone = downtimes(Only::these([format!("crash-{number}")]));
        assert_eq!(alone.iter().flatten().count(), 1);
        assert_eq!(alone[last], all[last]);
    }

    #[test]
    fn a_span_stays_between_its_ends() {
        let mut choices = Choices::from_seed(1, "test");
        let (from, to) = (Duration::from_millis(1), Duration::from_secs(100));
        for _ in 0..1000 {
            let span = choices.span(Label::Delay, from, to);
            assert!(span >= from && span <= to, "{span:?}");
        }
    }
}
