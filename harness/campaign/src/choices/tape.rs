//! All draws of a run, to repeat it without its seed, and whether the code still asks for them.
//!
//! A tape fits as long as the code asks for the same draws: under each label, number after number, with the same bound. A draw
//! under a label that the tape does not have is new: it comes from the seed, and the rest of the tape still fits.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
};

use serde::{Deserialize, Serialize, Serializer, ser::Error as _};
use serde_json::value::RawValue;

use super::label::Label;
use crate::fault::Fault;

/// How the labels of inputs begin.
const INPUT: &str = "input:";

/// The version of the tapes that are written and read. The first had values alone: it could not tell whether it still fitted.
pub const TAPE_VERSION: u32 = 2;

/// All draws of a run. A failing run leaves them in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tape {
    /// [`TAPE_VERSION`].
    pub version: u32,
    /// The seed of the recorded run.
    pub seed: u64,
    /// The source of the draws that the tape does not have, and of the threads' randomness. It is made from the seed and the
    /// test's name.
    pub source: u64,
    /// Whether no fault was held back because of an earlier one of its kind ([`super::Choices::strikes_with`]).
    #[serde(default)]
    pub holds_none_back: bool,
    /// When the run began, in seconds of the Unix epoch, if that was fixed; otherwise it is one of the draws.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<i64>,
    /// The inputs in words, by label.
    #[serde(default)]
    pub inputs: BTreeMap<String, String>,
    /// Those of them that activities drew. Code that has changed may not come to them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub of_activities: BTreeSet<String>,
    /// The draws under each label, in order.
    #[serde(serialize_with = "a_line_each")]
    pub draws: BTreeMap<String, Vec<Draw>>,
}

/// Writes the draws of a label on one line, also where JSON is set for people.
fn a_line_each<S: Serializer>(draws: &BTreeMap<String, Vec<Draw>>, serializer: S) -> Result<S::Ok, S::Error> {
    let line = |(label, draws)| Ok((label, serde_json::value::to_raw_value(draws).map_err(S::Error::custom)?));
    let lines: BTreeMap<&String, Box<RawValue>> = draws.iter().map(line).collect::<Result<_, S::Error>>()?;
    lines.serialize(serializer)
}

/// One draw. On a tape it is a list: `[bound, value, step]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u64, u64, u64)", into = "(u64, u64, u64)")]
pub struct Draw {
    /// The value is below it.
    pub bound: u64,
    /// What was drawn.
    pub value: u64,
    /// Its number among all draws of the run, from 1.
    pub step: u64,
}

impl From<(u64, u64, u64)> for Draw {
    fn from((bound, value, step): (u64, u64, u64)) -> Self {
        Self { bound, value, step }
    }
}

impl From<Draw> for (u64, u64, u64) {
    fn from(Draw { bound, value, step }: Draw) -> Self {
        (bound, value, step)
    }
}

/// Where the code no longer asks for what is on a tape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rot {
    /// The label.
    pub label: String,
    /// Which draw under it, from 1.
    pub number: u64,
    /// What is different.
    pub how: Misfit,
    /// Whether it is a draw of the test's own: an input, or a fault that the test names. All others follow from what the code does,
    /// chance in activities, too, and code that has changed does other things.
    pub is_of_test: bool,
    /// How many draws of the run fitted before it.
    pub after: u64,
}

/// How a draw on a tape and the code's differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Misfit {
    /// It has another bound.
    Bound {
        /// On the tape.
        recorded: u64,
        /// What the code asks for.
        asked: u64,
    },
    /// The tape has no more draws under the label.
    RanOut,
    /// The code does not ask for it.
    Gone,
    /// The same draw gives another input.
    Input {
        /// In words, on the tape.
        recorded: String,
        /// In words, now.
        drawn: String,
    },
}

impl fmt::Display for Rot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { label, number, .. } = self;
        match &self.how {
            Misfit::Bound { recorded, asked } => {
                write!(f, "at {label}, number {number}, the code asks for one of {asked}; the tape has one of {recorded}")
            }
            Misfit::RanOut => write!(f, "at {label}, number {number}, the code asks for a draw that the tape does not have"),
            Misfit::Gone => write!(f, "at {label}, number {number}, the tape has a draw that the code does not ask for"),
            Misfit::Input { recorded, drawn } => write!(f, "{label} was {recorded} when it was recorded, and is {drawn} now"),
        }
    }
}

/// A tape that is being repeated.
#[derive(Debug)]
pub(super) struct Recorded {
    draws: BTreeMap<String, (VecDeque<Draw>, u64)>,
    inputs: BTreeMap<String, String>,
    of_activities: BTreeSet<String>,
    starts_at: Option<i64>,
    rot: Option<Rot>,
}

impl Recorded {
    pub(super) fn new(tape: Tape) -> Self {
        let draws = tape.draws.into_iter().map(|(label, draws)| (label, (draws.into(), 0))).collect();
        let Tape { inputs, of_activities, starts_at, .. } = tape;
        Self { draws, inputs, of_activities, starts_at, rot: None }
    }

    /// When the run began, if the tape does not have that as a draw. A tape from before that was drawn says nothing: `plain`.
    pub(super) fn starts_at(&self, plain: i64) -> Option<i64> {
        self.starts_at.or_else(|| (!self.draws.contains_key(Label::StartsAt.name())).then_some(plain))
    }

    /// The next draw under this label of the simulation's own, which is the `step`th of all; `None` if the tape does not fit there, or no longer.
    pub(super) fn take(&mut self, label: &str, bound: u64, step: u64) -> Option<u64> {
        if self.rot.is_some() {
            return None;
        }
        let (draws, taken) = self.draws.entry(label.to_owned()).or_default();
        let draw = draws.pop_front();
        *taken += 1;
        let how = match draw {
            Some(draw) if draw.bound == bound => return Some(draw.value),
            Some(draw) => Misfit::Bound { recorded: draw.bound, asked: bound },
            None => Misfit::RanOut,
        };
        self.rot = Some(Rot { label: name_of(label), number: *taken, how, is_of_test: false, after: step - 1 });
        None
    }

    /// The next draw under this label of the test's own; `None` if it is new, or the tape does not fit.
    pub(super) fn take_of_test(&mut self, label: &str, bound: u64, step: u64) -> Option<u64> {
        if self.draws.contains_key(label) { self.take(label, bound, step) } else { None }
    }

    /// All draws of this input; `None` if it is new.
    pub(super) fn take_input(&mut self, label: &str) -> Option<VecDeque<Draw>> {
        self.draws.remove(label).map(|(draws, _)| draws)
    }

    /// Whether the tape has ceased to fit, so that all further draws are new.
    pub(super) fn is_at_an_end(&self) -> bool {
        self.rot.is_some()
    }

    /// Compares an input with the recorded one.
    pub(super) fn compare_input(&mut self, label: &str, drawn: &str) {
        let Some(recorded) = self.inputs.get(label) else { return };
        let is_of_test = !self.of_activities.contains(label);
        // What the test itself draws counts more than what only follows from the code; otherwise the first misfit counts.
        if recorded != drawn && self.rot.as_ref().is_none_or(|rot| is_of_test && !rot.is_of_test) {
            let how = Misfit::Input { recorded: recorded.clone(), drawn: drawn.to_owned() };
            self.rot = Some(Rot { label: name_of(label), number: 1, how, is_of_test, after: 0 });
        }
    }

    /// Where the code does not ask for what is on the tape, now that the run has ended. What the test itself draws counts more.
    pub(super) fn rot(&self) -> Option<Rot> {
        if let Some(rot) = self.rot.as_ref().filter(|rot| rot.is_of_test) {
            return Some(rot.clone());
        }
        let gone = |label: &str, taken: u64, is_of_test| Rot {
            label: name_of(label),
            number: taken + 1,
            how: Misfit::Gone,
            is_of_test,
            after: 0,
        };
        let left = || self.draws.iter().filter(|(_, (draws, _))| !draws.is_empty());
        let is_of_test = |label: &String| is_of_test(label) && !self.of_activities.contains(label);
        let of_test = left().find(|(label, (_, taken))| *taken == 0 && is_of_test(label));
        let of_test = of_test.map(|(label, (_, taken))| gone(label, *taken, true));
        of_test.or_else(|| self.rot.clone()).or_else(|| left().next().map(|(label, (_, taken))| gone(label, *taken, false)))
    }
}

/// Whether a label is one of the test's own.
fn is_of_test(label: &str) -> bool {
    label.contains(' ') && [INPUT, Fault::Custom.name()].iter().any(|kind| label.starts_with(kind))
}

/// A label as people know it: that of an input without its hash.
fn name_of(label: &str) -> String {
    let name = label.split_once(' ').filter(|_| label.starts_with(INPUT)).map_or(label, |(_, name)| name);
    name.to_owned()
}
