//! Leaves out faults: which of the strikes of a failing run the failure takes.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use super::{Left, OTHER_ORDERS, Search};
use crate::{
    choices::{Only, Strike, kind_of_strike},
    fault::Fault,
};

/// With at least this many strikes, whole kinds of them are left out first.
const KINDS_MIN: usize = 8;
/// In a slow run with at least this many strikes, halves of them are left out first.
const HALVED_MIN: usize = 4;
/// The last opportunity in its place at which a strike is tried alone.
const NTH_MAX: u64 = 4;
/// The last opportunity in any place at which a strike of its kind is tried alone.
const ELSEWHERE_NTH_MAX: u64 = 30;
/// The most steps to spend on that.
const ELSEWHERE_STEPS_MAX: u64 = 250_000;
/// How many strikes in one place are tried without the others.
const IN_ONE_PLACE_MAX: u64 = 3;

/// Keeps the number of strikes in each place, but makes them the first ones there.
pub(super) fn first_in_their_places(strikes: &[Strike]) -> Only {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    Only::these(strikes.iter().map(|strike| {
        let count = counts.entry(strike.at_nth(0)).or_default();
        *count += 1;
        strike.at_nth(*count)
    }))
}

impl Search {
    /// Leaves out all strikes of one kind at a time, if there are many strikes of several kinds; each fault of the test's own is a kind.
    /// Most kinds have no part in the failure, and a run for each of their strikes would be wasted. The one with the most goes first.
    pub(super) fn leave_kinds_out(&mut self, from: Only, name: impl Fn(&Strike) -> String) -> Result<Only, String> {
        let strikes = self.run(&from)?.strikes;
        let mut names: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        for strike in &strikes {
            // The test's own faults share one count, so a number may be that of another fault once one of them is left out.
            let name = if strike.custom.is_some() { strike.at.clone() } else { name(strike) };
            names.entry(strike.fault()).or_default().insert(name);
        }
        let mut kinds: Vec<BTreeSet<String>> = names.into_values().collect();
        if strikes.len() < KINDS_MIN {
            return Ok(from);
        }
        kinds.sort_by_key(|names| Reverse(names.len()));
        let (mut only, mut number) = (from, 0);
        // It is known that the failure takes one kind at least, and single strikes are left out later.
        while kinds.len() > 1 && kinds.get(number).is_some_and(|names| names.len() > 1) && !self.is_over() {
            let kind = kinds.remove(number);
            let others = Only::these(kinds.iter().flatten().cloned()).in_order(only.order);
            if let Some(found) = self.fails_with(&others)? {
                only = found;
            } else {
                kinds.insert(number, kind);
                number += 1;
            }
        }
        Ok(only)
    }

    /// Leaves out one strike after another, or halves of them first. `name` identifies a strike.
    pub(super) fn leave_out(&mut self, from: Only, name: impl Fn(&Strike) -> String) -> Result<Left, String> {
        let mut only = from;
        loop {
            let result = self.run(&only)?;
            let names: Vec<String> = result.strikes.iter().map(&name).collect();
            if let Some(half) = self.half(&names, only.order)? {
                only = half;
                continue;
            }
            let mut fewer = Only::these(names).in_order(only.order);
            self.otherwise = None;
            // From the last to the first: what comes before a fault stays as it was when the fault is left out.
            for strike in result.strikes.iter().rev() {
                if self.is_over() {
                    return Ok(Left::Unknown(fewer));
                }
                if let Some(found) = self.fails_with(&fewer.without(&name(strike)))? {
                    fewer = found;
                }
            }
            if fewer == only {
                return Ok(Left::Least(only));
            }
            only = fewer;
        }
    }

    /// The half of these strikes with which it still fails in the same way, if they are many and a run is slow. Leaving them
    /// out one by one keeps fewer in the end.
    fn half(&mut self, names: &[String], order: u64) -> Result<Option<Only>, String> {
        if names.len() < HALVED_MIN || self.other_orders > 0 {
            return Ok(None);
        }
        let (earlier, later) = names.split_at(names.len() / 2);
        for half in [later, earlier] {
            let only = Only::these(half.iter().cloned()).in_order(order);
            if !self.is_over() && self.fails(&only)? {
                return Ok(Some(only));
            }
        }
        Ok(None)
    }

    /// One of these strikes that suffices alone. The others may only have moved it to where it was drawn.
    pub(super) fn one_alone(&mut self, strikes: &[Strike]) -> Result<Option<Only>, String> {
        for order in 0..OTHER_ORDERS.min(self.other_orders + 1) {
            for nth in 1..=NTH_MAX {
                for strike in strikes {
                    if self.is_over() {
                        return Ok(None);
                    }
                    let only = Only::these([strike.at_nth(nth)]).in_order(order);
                    if self.fails(&only)? {
                        return Ok(Some(only));
                    }
                }
            }
        }
        Ok(None)
    }

    /// A strike of the same kind as one of these that suffices alone, wherever it is. The bug may have a simpler story than the
    /// one the seed found.
    pub(super) fn kin_alone(&mut self, strikes: &[Strike]) -> Result<Option<Only>, String> {
        let [crash, cluster_crash] = [Fault::Crash, Fault::ClusterCrash].map(kind_of_strike);
        let mut kinds: BTreeSet<&str> = strikes.iter().filter_map(|strike| Strike::kind(&strike.name)).collect();
        if kinds.contains(&*cluster_crash) {
            kinds.insert(&crash);
        }
        let mut places = self.run(&Only::none())?.opportunities;
        places.retain(|place, _| place.split_once(':').is_some_and(|(kind, _)| kinds.contains(kind)));
        let rest = self.budget.after(ELSEWHERE_STEPS_MAX);
        for nth in 1..=ELSEWHERE_NTH_MAX {
            for (place, _) in places.iter().filter(|(_, count)| nth <= **count) {
                if self.other_orders == 0 || self.budget.is_down_to(rest) {
                    return Ok(None);
                }
                let only = Only::these([format!("{place}:{nth}")]);
                if self.fails(&only)? {
                    return Ok(Some(only));
                }
            }
        }
        Ok(None)
    }

    /// The first two or three strikes in the place of one of these, if they suffice and are fewer. What one fault hides from
    /// the code often shows only with another like it.
    pub(super) fn first_in_one_place(&mut self, strikes: &[Strike]) -> Result<Option<Only>, String> {
        let places: BTreeMap<String, &Strike> = strikes.iter().map(|strike| (strike.at_nth(0), strike)).collect();
        for count in 2..=IN_ONE_PLACE_MAX.min(strikes.len() as u64 - 1) {
            for strike in places.values() {
                if self.is_over() {
                    return Ok(None);
                }
                self.otherwise = None;
                if let Some(only) = self.fails_with(&Only::these((1..=count).map(|nth| strike.at_nth(nth))))? {
                    return Ok(Some(only));
                }
            }
        }
        Ok(None)
    }
}
