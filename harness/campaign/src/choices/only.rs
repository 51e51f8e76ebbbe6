//! Which strikes of faults a run has, by their names.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use serde::{Deserialize, Serialize};

use super::input::Path;
use crate::fault::Fault;

/// Which of the strikes that its seed draws a run has, in which order its events come, and how its inputs are made simpler.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Only {
    /// These strikes and no others; `None`: all. A strike is given by [`Strike::name`], if it is drawn, or by [`Strike::at`],
    /// drawn or not.
    pub strikes: Option<BTreeSet<String>>,
    /// Which order of events; 0 is the seed's own. Leaving out a fault changes the order of everything after it, by chance.
    /// Only several orders without the fault show that the failure needs it.
    pub order: u64,
    /// The paths of inputs, by [`InputName::at`](super::InputName::at). Others are as they are drawn.
    pub inputs: BTreeMap<String, Path>,
}

impl Only {
    /// These strikes.
    pub fn these(strikes: impl IntoIterator<Item = String>) -> Self {
        Self { strikes: Some(strikes.into_iter().collect()), ..Self::default() }
    }

    /// No strike at all.
    pub fn none() -> Self {
        Self::these([])
    }

    /// The same strikes, in this order of events.
    pub fn in_order(&self, order: u64) -> Self {
        Self { order, ..self.clone() }
    }

    /// The same, with each strike that is named by its place so many opportunities later there.
    pub fn later(&self, by: u64) -> Self {
        let moved = |strike: &String| match strike.rsplit_once(':') {
            Some((place, nth)) => {
                nth.parse::<u64>().map_or_else(|_| strike.clone(), |nth| format!("{place}:{}", nth.saturating_add(by)))
            }
            None => strike.clone(),
        };
        Self { strikes: self.strikes.as_ref().map(|strikes| strikes.iter().map(moved).collect()), ..self.clone() }
    }

    /// The same, with these strikes in place of its own.
    pub fn with_strikes(&self, strikes: impl IntoIterator<Item = String>) -> Self {
        Self { strikes: Some(strikes.into_iter().collect()), ..self.clone() }
    }

    /// The same, with another path of this input.
    pub fn with_path(&self, input: &str, path: Path) -> Self {
        let mut other = self.clone();
        other.inputs.insert(input.to_owned(), path);
        other
    }

    /// Whether no strike at all is allowed.
    pub fn has_no_strikes(&self) -> bool {
        self.strikes.as_ref().is_some_and(BTreeSet::is_empty)
    }

    /// The same strikes without this one.
    pub fn without(&self, strike: &str) -> Self {
        let mut fewer = self.clone();
        if let Some(strikes) = &mut fewer.strikes {
            strikes.remove(strike);
        }
        fewer
    }

    /// The first name that no strike can have: its kind is unknown, or it is not a kind with a number.
    pub fn impossible(&self, is_kind: impl Fn(&str) -> bool) -> Option<&str> {
        self.strikes.iter().flatten().map(String::as_str).find(|strike| !Strike::kind(strike).is_some_and(&is_kind))
    }

    /// Whether each and every strike is named by its place.
    pub(super) fn is_placed(&self) -> bool {
        self.strikes.as_ref().is_some_and(|strikes| !strikes.is_empty() && strikes.iter().all(|strike| strike.contains(':')))
    }

    /// Whether this strike is among them.
    pub(super) fn has(&self, strike: &Strike, is_drawn: bool) -> bool {
        let Some(strikes) = &self.strikes else { return is_drawn };
        is_drawn && strikes.contains(&strike.name) || strikes.contains(&strike.at)
    }
}

/// A fault that struck.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strike {
    /// The kind, and its number among the drawn strikes of that kind: `reply-lost-2`. With one fault fewer it may be elsewhere.
    pub name: String,
    /// The kind, the hash of the place, and which opportunity there, from 1: `reply-lost:9f3a21c4:1`.
    pub at: String,
    /// The name of the fault, if it is one of the test's own: all of those have the kind `custom`, and places have only a hash of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom: Option<String>,
}

impl Strike {
    /// The kind in a strike's name: a kind and a number from 1, with or without a place between.
    pub fn kind(text: &str) -> Option<&str> {
        let (kind, number) = match text.split_once(':') {
            None => text.rsplit_once('-')?,
            Some((kind, rest)) => {
                let (place, number) = rest.split_once(':')?;
                u32::from_str_radix(place, 16).ok()?;
                (kind, number)
            }
        };
        number.parse::<u64>().is_ok_and(|number| number > 0).then_some(kind)
    }

    /// What all strikes of the same fault have in common: the kind, and the name of a fault of the test's own.
    pub fn fault(&self) -> (Option<&str>, Option<&str>) {
        (Self::kind(&self.name), self.custom.as_deref())
    }

    /// The strike of this kind at the `nth` opportunity in the same place.
    pub fn at_nth(&self, nth: u64) -> String {
        let place = self.at.rsplit_once(':').map_or(&*self.at, |(place, _)| place);
        format!("{place}:{nth}")
    }
}

/// `crash-1,reply-lost:9f3a21c4:1`, or `none`; `none,input:5c31d08e:12sc` with the path of an input; `crash-1@3` in the third other
/// order of events.
impl fmt::Display for Only {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.strikes {
            None => f.write_str("all")?,
            Some(strikes) if strikes.is_empty() => f.write_str("none")?,
            Some(strikes) => f.write_str(&strikes.iter().map(String::as_str).collect::<Vec<_>>().join(","))?,
        }
        for (at, path) in &self.inputs {
            write!(f, ",{at}:{path}")?;
        }
        if self.order > 0 { write!(f, "@{}", self.order) } else { Ok(()) }
    }
}

impl FromStr for Only {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (names, order) = text.split_once('@').unwrap_or((text, "0"));
        let order = order.parse().map_err(|_| format!("{order} is not the number of an order"))?;
        let (inputs, strikes): (Vec<&str>, Vec<&str>) = names.split(',').partition(|name| name.starts_with(INPUT));
        let strikes = match &*strikes {
            [] | ["all"] => None,
            ["none"] => Some(BTreeSet::new()),
            strikes => Some(strikes.iter().map(|name| (*name).to_owned()).collect()),
        };
        let inputs = inputs.into_iter().map(input).collect::<Result<_, _>>()?;
        Ok(Self { strikes, order, inputs })
    }
}

/// How the names of inputs begin.
const INPUT: &str = "input:";

/// An input's name and path, as in `input:5c31d08e:12sc`.
fn input(text: &str) -> Result<(String, Path), String> {
    let (at, path) = text.rsplit_once(':').unwrap_or_default();
    let is_input = at.strip_prefix(INPUT).is_some_and(|hash| u32::from_str_radix(hash, 16).is_ok());
    match path.parse() {
        Ok(path) if is_input => Ok((at.to_owned(), path)),
        _ => Err(format!("{text} is no input: they are called as input:5c31d08e:12sc")),
    }
}

/// How the names of strikes of this kind begin: `reply-lost`.
pub fn kind_of_strike(fault: Fault) -> String {
    fault.name().replace(' ', "-")
}

/// The name of a place for strikes of this kind, by its hash.
pub(super) fn at(fault: Fault, place: u64) -> String {
    format!("{}:{:08x}", kind_of_strike(fault), place >> 32)
}
