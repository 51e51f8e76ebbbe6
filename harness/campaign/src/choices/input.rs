//! Inputs: values that the test draws. The value itself is made elsewhere, by a generator and by steps that make it simpler.
//! Here it is the generator's seed, and the path of those steps. Both are draws, so a shorter path is another input and never
//! half of one.

use std::{collections::BTreeMap, fmt, num::ParseIntError, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::hash::Hash;

/// How labels of inputs begin, on tapes and where inputs are named.
const KIND: &str = "input";

/// Which input: the label that the test gives, who draws it, and the number there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputName {
    label: String,
    /// A client's name or a workflow's id; empty for the test's own.
    of: String,
    /// From 1.
    number: u64,
}

impl InputName {
    /// Identifies it; depends on no wording.
    pub fn hash(&self) -> u64 {
        Hash::new().name(&self.label).name(&self.of).number(self.number).value()
    }

    /// The name by which an input's path is given: `input:9f3a21c4`.
    pub fn at(&self) -> String {
        format!("{KIND}:{:08x}", self.hash() >> 32)
    }
}

/// `plan`, `plan 2`, `plan of shop`, `plan 2 of shop`.
impl fmt::Display for InputName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_name(f, &self.label)?;
        if self.number > 1 {
            write!(f, " {}", self.number)?;
        }
        if self.of.is_empty() {
            return Ok(());
        }
        f.write_str(" of ")?;
        write_name(f, &self.of)
    }
}

/// A name of the test's, in quotes where it would not read as one.
fn write_name(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    if name.is_empty() || name.contains(char::is_control) { write!(f, "{name:?}") } else { f.write_str(name) }
}

/// How often each label was drawn, by each of those who draw.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    counts: BTreeMap<(String, String), u64>,
}

impl Numbers {
    pub(super) fn name(&mut self, label: &str, of: &str) -> InputName {
        let number = self.counts.entry((label.to_owned(), of.to_owned())).or_default();
        *number += 1;
        InputName { label: label.to_owned(), of: of.to_owned(), number: *number }
    }
}

/// A step from one value to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// To a simpler one.
    Simplify,
    /// Back, in part.
    Complicate,
}

/// The steps from what a generator made to the value, in order. In words it is run-length coded: `12sc` is twelve times
/// simpler, and once back.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Path(Vec<Step>);

impl Path {
    /// The steps.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Whether it is longer than paths may be.
    pub fn is_too_long(&self) -> bool {
        self.0.len() > STEPS_MAX
    }

    /// The same, and then this step so many times.
    pub fn and(&self, step: Step, count: usize) -> Self {
        Self(self.0.iter().copied().chain(std::iter::repeat_n(step, count)).collect())
    }
}

impl FromIterator<Step> for Path {
    fn from_iter<I: IntoIterator<Item = Step>>(steps: I) -> Self {
        Self(steps.into_iter().collect())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for group in self.0.chunk_by(|one, other| one == other) {
            let letter = if group[0] == Step::Simplify { 's' } else { 'c' };
            if group.len() > 1 {
                write!(f, "{}", group.len())?;
            }
            write!(f, "{letter}")?;
        }
        Ok(())
    }
}

/// The longest path. A search ends there.
const STEPS_MAX: usize = 100_000;

impl FromStr for Path {
    type Err = BadPath;

    fn from_str(text: &str) -> Result<Self, BadPath> {
        let bad = || BadPath(text.to_owned());
        let (mut steps, mut digits) = (Vec::new(), String::new());
        for letter in text.chars() {
            let step = match letter {
                's' => Step::Simplify,
                'c' => Step::Complicate,
                _ if letter.is_ascii_digit() => {
                    digits.push(letter);
                    continue;
                }
                _ => return Err(bad()),
            };
            let count = if digits.is_empty() { 1 } else { digits.parse().map_err(|_: ParseIntError| bad())? };
            if steps.len() + count > STEPS_MAX {
                return Err(bad());
            }
            steps.extend(std::iter::repeat_n(step, count));
            digits.clear();
        }
        if digits.is_empty() { Ok(Self(steps)) } else { Err(bad()) }
    }
}

/// A text that is no path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadPath(String);

impl fmt::Display for BadPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" is no path of an input: those are such as 12sc", self.0)
    }
}

impl std::error::Error for BadPath {}

impl TryFrom<String> for Path {
    type Error = BadPath;

    fn try_from(text: String) -> Result<Self, BadPath> {
        text.parse()
    }
}

impl From<Path> for String {
    fn from(path: Path) -> Self {
        path.to_string()
    }
}

/// An input that has been drawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Its name in stories.
    pub name: String,
    /// [`InputName::at`].
    pub at: String,
    /// The steps that made it what it is.
    pub path: Path,
    /// The value in words.
    pub value: String,
    /// Whether the last step of its path led to another value. If not, there is no further step of that kind.
    pub has_moved: bool,
    /// Whether it is an ordinary input of the test, rather than chance.
    pub is_given: bool,
    /// Whether an activity drew it.
    #[serde(default)]
    pub is_of_activity: bool,
}

impl Input {
    /// Its label on tapes.
    pub fn key(&self) -> String {
        super::key(&self.at, &self.name)
    }
}
