//! Every decision of a run is one labelled draw from one tape.
//!
//! A label names a stream of its own, so an extra draw under one label leaves the others alone. The tape is drawn from a seed,
//! or repeated from a recording for as long as the code asks for the same.
//!
//! [`label`] has the decisions of the simulation, [`input`] those that the test itself draws, and [`only`] selects which strikes
//! of faults there are. [`stream`] is what one label's draws come from, [`tape`] what is recorded of all. Seeds depend on the
//! numbers of labels, faults and places, which never change. They do not depend on any wording.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

mod input;
mod label;
mod only;
mod stream;
mod tape;

use self::{input::Numbers, only::at, stream::Stream, tape::Recorded};
pub use self::{
    input::{Input, InputName, Path, Step},
    label::Label,
    only::{Only, Strike, kind_of_strike},
    tape::{Draw, Misfit, Rot, TAPE_VERSION, Tape},
};
use crate::{
    fault::{Fault, Place},
    hash::Hash,
    time::Start,
};

/// The resolution with which a chance is drawn.
const CHANCE_STEPS: u64 = 1 << 32;

/// The bound of the seed of an input's generator: any number.
const ANY: u64 = u64::MAX;
/// The bound of a step of an input's path.
const STEP_BOUND: u64 = 2;

/// Everything that is drawn late in a run is drawn anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redraw {
    /// This many draws stay as they are.
    pub after: u64,
    /// What the others are drawn from.
    pub source: u64,
    /// Whether inputs stay as they are, whenever they are drawn.
    pub keeps_inputs: bool,
}

/// The source of all decisions.
#[derive(Debug)]
pub struct Choices {
    seed: u64,
    source: u64,
    streams: BTreeMap<Label, Stream>,
    /// The streams of what the test itself draws, by [`key`].
    own_streams: BTreeMap<String, Stream>,
    inputs: Vec<Input>,
    numbers: Numbers,
    recorded: Option<Recorded>,
    redraw: Option<Redraw>,
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
    /// When the run begins, in seconds of the Unix epoch, if that is not drawn.
    starts_at: Option<i64>,
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
            own_streams: BTreeMap::new(),
            inputs: Vec::new(),
            numbers: Numbers::default(),
            recorded: None,
            redraw: None,
            count: 0,
            hash: 0,
            struck: BTreeMap::new(),
            opportunities: BTreeMap::new(),
            strikes: Vec::new(),
            last_strike: 0,
            only: Only::default(),
            holds_none_back: false,
            starts_at: None,
        }
    }

    /// Repeats the draws of a tape. What the tape does not have is drawn from its source.
    pub fn from_tape(tape: Tape) -> Self {
        let (holds_none_back, seed, source) = (tape.holds_none_back, tape.seed, tape.source);
        Self { recorded: Some(Recorded::new(tape)), holds_none_back, ..Self::new(seed, source) }
    }

    /// The same choices up to a point, and others from there on.
    pub fn redrawn(self, redraw: Option<Redraw>) -> Self {
        Self { redraw, ..self }
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
        let own = self.streams.iter().filter(|(label, _)| !label.is_of_checks());
        let own = own.map(|(label, stream)| (label.name().to_owned(), stream));
        let draws = own.chain(self.own_streams.iter().map(|(key, stream)| (key.clone(), stream)));
        Tape {
            version: TAPE_VERSION,
            seed: self.seed,
            source: self.source,
            holds_none_back: self.holds_none_back,
            starts_at: self.starts_at,
            inputs: self.inputs.iter().map(|input| (input.key(), input.value.clone())).collect(),
            of_activities: self.inputs.iter().filter(|input| input.is_of_activity).map(Input::key).collect(),
            draws: draws.map(|(label, stream)| (label, stream.taken().to_vec())).collect(),
        }
    }

    /// When the run begins, if that is not drawn: when it should, or when the recorded run did. The tape has it.
    pub(crate) fn fixed_start(&mut self, wanted: Option<Start>) -> Option<Start> {
        let of_tape = || self.recorded.as_ref()?.starts_at(Start::PLAIN.unix_s()).map(Start::from_unix_s);
        let fixed = wanted.or_else(of_tape);
        self.starts_at = fixed.map(Start::unix_s);
        fixed
    }

    /// Where the code did not ask for what is on the tape that is repeated, once the run has ended.
    pub fn rot(&self) -> Option<Rot> {
        self.recorded.as_ref()?.rot()
    }

    /// The inputs so far, in order.
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
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
        let label = Label::Strike(fault);
        let opportunity = self.opportunity(fault, place);
        if self.holds_back(is_held_back) {
            return false;
        }
        let is_drawn = self.chance(label, probability);
        let strikes = self.strike(opportunity, None, is_drawn);
        // The tape records what happened, not what was drawn.
        if strikes != is_drawn
            && let Some(stream) = self.streams.get_mut(&label)
        {
            self.hash = self.hash.wrapping_add(stream.take_instead(value_of(strikes)));
        }
        strikes
    }

    /// The same for a fault of the test's own. Each has a stream of its own. `of`: whom it befalls; empty for the test itself.
    pub fn custom_strikes_with(&mut self, name: &str, of: &str, probability: f64, is_held_back: bool) -> bool {
        if probability <= 0.0 {
            return false;
        }
        let place = Place::Custom { name, of };
        let opportunity = self.opportunity(Fault::Custom, place);
        if self.holds_back(is_held_back) {
            return false;
        }
        let code = Hash::new().number(Fault::Custom.code()).name(name).value();
        let key = key(Fault::Custom.name(), name);
        self.count += 1;
        let (source, is_redrawn, step) = (self.source_now(), self.is_redrawn(), self.count);
        let recorded = self.recorded.as_mut().filter(|_| !is_redrawn);
        let recorded = recorded.map(|recorded| recorded.take_of_test(&key, CHANCE_STEPS, step).unwrap_or(0));
        let stream = self.own_streams.entry(key.clone()).or_insert_with(|| Stream::new(source, code));
        stream.draw_from(source);
        let drawn = recorded.unwrap_or_else(|| stream.below(CHANCE_STEPS));
        let is_drawn = drawn > 0 && drawn >= unlikely(probability);
        self.hash = self.hash.wrapping_add(stream.take(Draw { bound: CHANCE_STEPS, value: drawn, step: self.count }));
        let strikes = self.strike(opportunity, Some(name), is_drawn);
        if strikes != is_drawn
            && let Some(stream) = self.own_streams.get_mut(&key)
        {
            self.hash = self.hash.wrapping_add(stream.take_instead(value_of(strikes)));
        }
        strikes
    }

    /// Counts an opportunity for a fault.
    fn opportunity(&mut self, fault: Fault, place: Place<&str>) -> Opportunity {
        let place = place.hash();
        let nth = self.opportunities.entry((fault, place.value())).or_default();
        *nth += 1;
        Opportunity { fault, place, nth: *nth }
    }

    /// Where the code is no longer that of the tape, faults are drawn anew, and not without bound.
    fn holds_back(&self, is_held_back: bool) -> bool {
        let is_drawn_anew = || self.only.strikes.is_none() && self.recorded.as_ref().is_some_and(Recorded::is_at_an_end);
        is_held_back && (!self.holds_none_back || self.is_redrawn() || is_drawn_anew())
    }

    /// Whether a fault strikes at this opportunity, given whether it was drawn. Notes it if so. `custom`: the name of a fault of the
    /// test's own.
    fn strike(&mut self, opportunity: Opportunity, custom: Option<&str>, is_drawn: bool) -> bool {
        if !is_drawn && self.only.strikes.is_none() {
            return false;
        }
        let Opportunity { fault, place, nth } = opportunity;
        let number = self.struck.entry(fault).or_default();
        *number += u64::from(is_drawn);
        let (name, at) = (format!("{}-{number}", kind_of_strike(fault)), format!("{}:{nth}", at(fault, place.value())));
        let strike = Strike { name, at, custom: custom.map(str::to_owned) };
        let strikes = self.only.has(&strike, is_drawn);
        if strikes {
            self.strikes.push(strike);
            self.last_strike = place.number(fault.code()).number(nth).value();
        }
        strikes
    }

    /// A number from 0 to `bound` - 1. Nothing is drawn if there is nothing to decide.
    pub fn below(&mut self, label: Label, bound: u64) -> u64 {
        if bound <= 1 {
            return 0;
        }
        self.count += 1;
        let source = if label.is_ordering() { self.source_now() ^ self.only.order } else { self.source_now() };
        let (is_redrawn, step) = (self.is_redrawn(), self.count);
        let stream = self.streams.entry(label).or_insert_with(|| Stream::new(source, label.code()));
        stream.draw_from(source);
        if label.is_consequence() {
            stream.renew_after(self.strikes.len(), source ^ self.last_strike);
        }
        let recorded = self.recorded.as_mut().filter(|_| !is_redrawn && !label.is_of_checks());
        let recorded = recorded.and_then(|recorded| recorded.take(label.name(), bound, step));
        let value = recorded.unwrap_or_else(|| stream.below(bound));
        self.hash = self.hash.wrapping_add(stream.take(Draw { bound, value, step: self.count }));
        value
    }

    /// Whether the draws are no longer those of the run that is repeated.
    fn is_redrawn(&self) -> bool {
        self.redraw.is_some_and(|redraw| self.count > redraw.after)
    }

    fn source_now(&self) -> u64 {
        self.redraw.filter(|_| self.is_redrawn()).map_or(self.source, |redraw| redraw.source)
    }

    /// Begins to draw an input: which one it is, the seed of its generator, and the steps to take from what that makes.
    /// `of`: who draws it; empty for the test itself. [`Self::drew`] must follow.
    pub fn input(&mut self, label: &str, of: &str) -> (InputName, u64, Path) {
        let name = self.numbers.name(label, of);
        let (at, key) = (name.at(), key(&name.at(), &name.to_string()));
        self.count += 1;
        let is_redrawn = self.is_redrawn() && !self.redraw.is_some_and(|redraw| redraw.keeps_inputs);
        let source = if is_redrawn { self.source_now() } else { self.source };
        let stream = self.own_streams.entry(key.clone()).or_insert_with(|| Stream::new(source, name.hash()));
        let recorded = self.recorded.as_mut().filter(|_| !is_redrawn).and_then(|recorded| recorded.take_input(&key));
        let mut recorded = recorded.into_iter().flatten();
        let seed = recorded.next().map_or_else(|| stream.below(ANY), |draw| draw.value);
        let of_tape = recorded.map(|draw| if draw.value == 0 { Step::Simplify } else { Step::Complicate }).collect();
        let path = self.only.inputs.get(&at).filter(|_| !is_redrawn).cloned().unwrap_or(of_tape);
        self.hash = self.hash.wrapping_add(stream.take(Draw { bound: ANY, value: seed, step: self.count }));
        for step in path.steps() {
            self.count += 1;
            let draw = Draw { bound: STEP_BOUND, value: u64::from(*step == Step::Complicate), step: self.count };
            self.hash = self.hash.wrapping_add(stream.take(draw));
        }
        (name, seed, path)
    }

    /// Notes which value an input has.
    pub fn drew(&mut self, input: Input) {
        if let Some(recorded) = &mut self.recorded {
            recorded.compare_input(&input.key(), &input.value);
        }
        self.inputs.push(input);
    }

    /// Whether something with this probability (0 to 1) happens.
    pub fn chance(&mut self, label: Label, probability: f64) -> bool {
        if probability <= 0.0 {
            return false;
        }
        let drawn = self.below(label, CHANCE_STEPS);
        drawn > 0 && drawn >= unlikely(probability)
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

/// Something that may be struck.
#[derive(Clone, Copy)]
struct Opportunity {
    fault: Fault,
    place: Hash,
    /// From 1.
    nth: u64,
}

/// Draws from here on mean that something with this probability happens.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the number of steps")]
fn unlikely(probability: f64) -> u64 {
    ((1.0 - probability.min(1.0)) * CHANCE_STEPS as f64) as u64
}

/// The draw that means that something happens, whatever its probability, or that it does not.
const fn value_of(happens: bool) -> u64 {
    if happens { CHANCE_STEPS - 1 } else { 0 }
}

/// The label on tapes of what the test itself draws.
fn key(at: &str, name: &str) -> String {
    format!("{at} {name}")
}

/// FNV-1a: turns a name into a number.
fn fnv(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests;
