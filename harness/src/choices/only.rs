//! Which strikes of faults a run has, by their names.

use std::{collections::BTreeSet, fmt, num::ParseIntError, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::faults::Fault;

/// Which strikes of faults a run has, of those that its seed draws, and in which order its events come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Only {
    /// These strikes and no others; all if `None`. Each by [`Strike::name`], if it is drawn, or by [`Strike::at`], drawn or not.
    pub(crate) strikes: Option<BTreeSet<String>>,
    /// Which order of events: that of the seed is 0. With a fault less everything after it comes in another order anyway, by
    /// chance; to say that it takes the fault, several orders have to be seen without it.
    pub(crate) order: u64,
}

impl Only {
    /// These strikes.
    pub(crate) fn these(strikes: impl IntoIterator<Item = String>) -> Self {
        Self { strikes: Some(strikes.into_iter().collect()), order: 0 }
    }

    /// No strike at all.
    pub(crate) fn none() -> Self {
        Self::these([])
    }

    /// The same, in this order of events.
    pub(crate) fn in_order(&self, order: u64) -> Self {
        Self { order, ..self.clone() }
    }

    /// The same, but for one strike.
    pub(crate) fn without(&self, strike: &str) -> Self {
        let mut fewer = self.clone();
        if let Some(strikes) = &mut fewer.strikes {
            strikes.remove(strike);
        }
        fewer
    }

    /// The first of the strikes that none could be called: of a kind that is not known, or not by a kind and a number.
    pub(crate) fn impossible(&self, is_kind: impl Fn(&str) -> bool) -> Option<&str> {
        self.strikes.iter().flatten().map(String::as_str).find(|strike| !Strike::kind(strike).is_some_and(&is_kind))
    }

    /// Whether the strikes are known by their places, each and every one.
    pub(super) fn is_placed(&self) -> bool {
        self.strikes.as_ref().is_some_and(|strikes| !strikes.is_empty() && strikes.iter().all(|strike| strike.contains(':')))
    }

    /// Whether there is such a strike at an opportunity for it.
    pub(super) fn has(&self, strike: &Strike, is_drawn: bool) -> bool {
        let Some(strikes) = &self.strikes else { return is_drawn };
        is_drawn && strikes.contains(&strike.name) || strikes.contains(&strike.at)
    }
}

/// A fault that struck.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Strike {
    /// Which of those of its kind that are drawn: `reply-lost-2`. With another fault less it may be elsewhere.
    pub(crate) name: String,
    /// Where: `reply-lost:9f3a21c4:1`, at the first opportunity for it in a place, which is known by a hash.
    pub(crate) at: String,
}

impl Strike {
    /// The kind of a strike that is called so: by its kind and a number from 1, with a place between or not.
    pub(crate) fn kind(text: &str) -> Option<&str> {
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

    /// One of this kind at the `nth` opportunity in the same place.
    pub(crate) fn at_nth(&self, nth: u64) -> String {
        let place = self.at.rsplit_once(':').map_or(&*self.at, |(place, _)| place);
        format!("{place}:{nth}")
    }
}

/// `crash-1,reply-lost:9f3a21c4:1`, or `none`; `crash-1@3` in the third other order of events.
impl fmt::Display for Only {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.strikes {
            None => f.write_str("all")?,
            Some(strikes) if strikes.is_empty() => f.write_str("none")?,
            Some(strikes) => f.write_str(&strikes.iter().map(String::as_str).collect::<Vec<_>>().join(","))?,
        }
        if self.order > 0 { write!(f, "@{}", self.order) } else { Ok(()) }
    }
}

impl FromStr for Only {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        let (text, order) = text.split_once('@').unwrap_or((text, "0"));
        let strikes = match text {
            "all" => None,
            "none" => Some(BTreeSet::new()),
            _ => Some(text.split(',').map(str::to_owned).collect()),
        };
        Ok(Self { strikes, order: order.parse()? })
    }
}

/// How strikes of this kind begin their names: `reply-lost`.
pub(crate) fn kind_of_strike(fault: Fault) -> String {
    fault.name().replace(' ', "-")
}

/// A place for strikes of this kind, by its hash.
pub(super) fn at(fault: Fault, place: u64) -> String {
    format!("{}:{:08x}", kind_of_strike(fault), place >> 32)
}
