//! All draws of a run, to repeat it without its seed, and whether the code still asks for them.
//!
//! A tape fits as long as the code asks for the same draws: under each label, number after number, with the same bound. A draw
//! under a label that the tape does not have is new: it comes from the seed, and the rest of the tape still fits.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
};

use serde::{Deserialize, Serialize};

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
    /// The inputs in words, by label.
    #[serde(default)]
    pub inputs: BTreeMap<String, String>,
    /// The draws under each label, in order.
    pub draws: BTreeMap<String, Vec<Draw>>,
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
    /// Whether it only orders the events of the run.
    pub is_of_order: bool,
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
    rot: Option<Rot>,
}

impl Recorded {
    pub(super) fn new(tape: Tape) -> Self {
        let draws = tape.draws.into_iter().map(|(label, draws)| (label, (draws.into(), 0))).collect();
        Self { draws, inputs: tape.inputs, rot: None }
    }

    /// The next draw under this label of the simulation's own; `None` if the tape does not fit there, or no longer.
    pub(super) fn take(&mut self, label: &str, bound: u64, is_of_order: bool) -> Option<u64> {
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
        self.rot = Some(Rot { label: name_of(label), number: *taken, how, is_of_order });
        None
    }

    /// The next draw under this label of the test's own; `None` if it is new, or the tape does not fit.
    pub(super) fn take_of_test(&mut self, label: &str, bound: u64) -> Option<u64> {
        if self.draws.contains_key(label) { self.take(label, bound, false) } else { None }
    }

    /// All draws of this input; `None` if it is new.
    pub(super) fn take_input(&mut self, label: &str) -> Option<VecDeque<Draw>> {
        self.draws.remove(label).map(|(draws, _)| draws)
    }

    /// Compares an input with the recorded one.
    pub(super) fn compare_input(&mut self, label: &str, drawn: &str) {
        let Some(recorded) = self.inputs.get(label) else { return };
        if recorded != drawn && self.rot.as_ref().is_none_or(|rot| rot.is_of_order) {
            let how = Misfit::Input { recorded: recorded.clone(), drawn: drawn.to_owned() };
            self.rot = Some(Rot { label: name_of(label), number: 1, how, is_of_order: false });
        }
    }

    /// Where the code does not ask for what is on the tape, now that the run has ended. What is not an order counts more.
    pub(super) fn rot(&self) -> Option<Rot> {
        if let Some(rot) = self.rot.as_ref().filter(|rot| !rot.is_of_order) {
            return Some(rot.clone());
        }
        let is_left = |label: &&String| self.draws.get(*label).is_some_and(|(draws, _)| !draws.is_empty());
        let input = self.inputs.keys().find(is_left).map(|label| Rot {
            label: name_of(label),
            number: 1,
            how: Misfit::Gone,
            is_of_order: false,
        });
        input.or_else(|| self.rot.clone()).or_else(|| {
            let (label, (_, taken)) = self.draws.iter().find(|(_, (draws, _))| !draws.is_empty())?;
            Some(Rot { label: name_of(label), number: taken + 1, how: Misfit::Gone, is_of_order: false })
        })
    }
}

/// A label as people know it: that of an input without its hash.
fn name_of(label: &str) -> String {
    let name = label.split_once(' ').filter(|_| label.starts_with("input:")).map_or(label, |(_, name)| name);
    name.to_owned()
}
