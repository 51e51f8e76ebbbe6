//! Chooses the moments to tell: a run has hundreds, and a reader has patience for a few.

use std::collections::{BTreeMap, BTreeSet};

use super::{Interest, Moment, RACE_NS};
use crate::view::View;

/// The most moments that are told.
const TOLD_MAX: usize = 8;
/// With fewer than these, moments in which all went well are told, too.
const FEW: usize = 4;
/// Of moments that differ only in numbers, this many are told before others.
const ALIKE_MAX: usize = 2;

/// What is known about a run when its moments are chosen.
pub(crate) struct Light<'a> {
    /// The times of the faults that are told.
    pub(crate) faults_ns: &'a [u64],
    /// Whether the failure needs all of them. Then everything before the first would have happened without them, too.
    pub(crate) takes_them: bool,
    /// The text of the failure. What it names comes first.
    pub(crate) failure: &'a str,
    /// What happens without the last fault, if known. What happens only with it is its consequence.
    pub(crate) usual: Option<&'a [String]>,
}

/// Splits all moments, in order, into those that are told and the others.
pub(super) fn choose(view: &View<'_>, all: Vec<Moment>, until_ns: u64, light: &Light<'_>) -> (Vec<Moment>, Vec<Moment>) {
    let named = named(view, light.failure);
    let unusual = light.usual.map(|usual| Unusual::of(&all, usual));
    let ranked = all.into_iter().enumerate().map(|(number, moment)| {
        let is_meant = named.iter().any(|name| says(&moment.text, name));
        let (rank, distance) = match &unusual {
            Some(unusual) => unusual.rank(number, &moment, is_meant),
            None => rank(&moment, until_ns, light),
        };
        let rank = if is_meant && rank > 0 { rank - 1 } else { rank };
        ((rank, !is_meant, distance), number, moment)
    });
    let mut ranked: Vec<_> = ranked.collect();
    ranked.sort_by_key(|(key, _, moment)| (*key, moment.at_ns, moment.step));
    let telling = ranked.iter().filter(|((rank, ..), ..)| *rank < Interest::Well as usize).count();
    let mut told_max = if telling >= FEW { telling.min(TOLD_MAX) } else { TOLD_MAX };
    let mut told = Vec::new();
    for alike_max in [ALIKE_MAX, usize::MAX] {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let mut rest = Vec::new();
        for (key, number, moment) in ranked {
            let count = counts.entry(shape(&moment.text)).or_default();
            if told_max > 0 && *count < alike_max {
                *count += 1;
                told_max -= 1;
                told.push((number, moment));
            } else {
                rest.push((key, number, moment));
            }
        }
        ranked = rest;
    }
    let omitted = ranked.into_iter().map(|(_, number, moment)| (number, moment)).collect();
    (in_order(told), in_order(omitted))
}

/// Moments with their numbers among all, in that order.
fn in_order(mut moments: Vec<(usize, Moment)>) -> Vec<Moment> {
    moments.sort_by_key(|(number, _)| *number);
    moments.into_iter().map(|(_, moment)| moment).collect()
}

/// How telling a moment is: its [`Interest`] or beyond, where smaller is more telling. Of two equally telling moments, the one
/// nearer to the failure, or sooner after a fault, comes first.
fn rank(moment: &Moment, until_ns: u64, light: &Light<'_>) -> (usize, u64) {
    let after_fault = light.faults_ns.iter().filter_map(|fault_ns| moment.at_ns.checked_sub(*fault_ns)).min();
    let is_before = light.takes_them && after_fault.is_none() && !light.faults_ns.is_empty();
    let distance = after_fault.unwrap_or(u64::MAX).min(until_ns - moment.at_ns);
    (moment.interest as usize + usize::from(is_before), distance)
}

/// The moments that do not usually happen, or not as often.
struct Unusual {
    /// Their numbers among all moments, and their times.
    those: Vec<(usize, u64)>,
}

impl Unusual {
    fn of(all: &[Moment], usual: &[String]) -> Self {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for text in usual {
            *counts.entry(wherever(text)).or_default() += 1;
        }
        let mut is_usual = |moment: &Moment| match counts.get_mut(&wherever(&moment.text)) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            _ => false,
        };
        let those = all.iter().enumerate().filter(|(_, moment)| !is_usual(moment));
        Self { those: those.map(|(number, moment)| (number, moment.at_ns)).collect() }
    }

    /// As [`rank`]. Among equally telling moments, the first ones come first, since the others follow from them, and then the
    /// last ones.
    fn rank(&self, number: usize, moment: &Moment, is_meant: bool) -> (usize, u64) {
        let interest = moment.interest as usize;
        if let Ok(index) = self.those.binary_search_by_key(&number, |(number, _)| *number) {
            let (from_first, from_last) = (index as u64, (self.those.len() - 1 - index) as u64);
            return (interest.saturating_sub(1), (2 * from_first).min(3 * from_last + 1));
        }
        let distance = self.those.iter().map(|(_, at_ns)| at_ns.abs_diff(moment.at_ns)).min().unwrap_or(u64::MAX);
        let is_beside = distance <= RACE_NS;
        let rank = if is_meant { interest } else { interest + if is_beside { 1 } else { 2 } };
        (rank, distance)
    }
}

/// The text without the number of the worker.
fn wherever(text: &str) -> String {
    let mut parts = text.split("worker ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + "worker " + part.trim_start_matches(|c: char| c.is_ascii_digit()))
}

/// The text without numbers.
fn shape(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// The workflows and the effects that the failure names.
fn named(view: &View<'_>, failure: &str) -> Vec<String> {
    let effects = view.ledger.iter().map(|record| record.effect.subject.clone());
    let workflows = view.runs().map(|run| run.workflow_id().to_owned());
    let named: BTreeSet<String> = workflows.chain(effects).filter(|name| says(failure, name)).collect();
    named.into_iter().collect()
}

/// Whether the text contains the name, and not only as part of another name.
fn says(text: &str, name: &str) -> bool {
    let is_apart = |char: Option<char>| char.is_none_or(|char| !char.is_alphanumeric());
    let is_whole = |at: usize| is_apart(text[..at].chars().next_back()) && is_apart(text[at + name.len()..].chars().next());
    !name.is_empty() && text.match_indices(name).any(|(at, _)| is_whole(at))
}

#[cfg(test)]
mod tests {
    use super::{super::NO_STEP, *};

    fn moments(texts: &[&str]) -> Vec<Moment> {
        (1..).zip(texts).map(|(at_ns, text)| Moment::new(at_ns, NO_STEP, (*text).to_owned(), Interest::Well)).collect()
    }

    #[test]
    fn what_happens_otherwise_or_more_often_is_unusual_whichever_worker_it_was() {
        let here = moments(&[
            "Box::pay of ada completed on worker 1",
            "a timer of ada fired",
            "Box::ticket of bob completed on worker 12",
            "a timer of ada fired",
            "bob completed",
        ]);
        let usual = ["Box::pay of ada completed on worker 2", "a timer of ada fired", "bob completed"].map(str::to_owned);
        let unusual = Unusual::of(&here, &usual);
        assert_eq!(unusual.those, [(2, 3), (3, 4)], "the ticket, and the second timer");

        let ranks: Vec<usize> = here.iter().enumerate().map(|(number, moment)| unusual.rank(number, moment, false).0).collect();
        let (told_first, told_last) = (Interest::End as usize, Interest::Well as usize + 1);
        assert_eq!(ranks, [told_last, told_last, told_first, told_first, told_last]);
        assert_eq!(unusual.rank(0, &here[0], true).0, Interest::Well as usize, "what the failure names is as telling as ever");
    }
}
