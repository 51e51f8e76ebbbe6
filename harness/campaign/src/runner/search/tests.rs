//! What is left out of runs that fail, in how many runs.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use super::*;
use crate::{
    choices::Choices,
    fault::{Fault, Place},
    finding::FindingKind,
};

/// How often each fault struck in each of the runs so far.
type Runs = Rc<RefCell<Vec<BTreeMap<&'static str, usize>>>>;

const MACHINES: [&str; 2] = ["worker-1", "client-1"];

fn failure() -> RunFailure {
    RunFailure {
        kind: FindingKind::Claim,
        title: "not always: it holds".to_owned(),
        detail: String::new(),
        process: "test".to_owned(),
        at_ns: 0,
        likeness: 7,
        bare_likeness: None,
    }
}

/// The search in a run of so many ticks, where connections are reset, machines are cut off, and workers crash. `fails`: whether the
/// run fails if so many of each strike. While one machine's connections are reset, nothing else can befall it.
fn search_in(ticks: usize, reset_probability: f64, fails: impl Fn(&BTreeMap<&str, usize>) -> bool + 'static) -> (Search, Runs) {
    let runs = Runs::default();
    let noted = Rc::clone(&runs);
    let simulate = move |order: &Order| {
        let mut choices = Choices::from_seed(order.seed, "test").only(order.only.clone());
        let mut struck = BTreeMap::new();
        for _ in 0..ticks {
            for machine in MACHINES {
                if choices.custom_strikes_with("reset", machine, reset_probability, false) {
                    *struck.entry("reset").or_default() += 1;
                } else if choices.custom_strikes_with("cut", machine, 0.2, false) {
                    *struck.entry("cut").or_default() += 1;
                } else if choices.strikes_with(Fault::Crash, Place::Await, 0.5, false) {
                    *struck.entry("crash").or_default() += 1;
                }
            }
        }
        let failures = if fails(&struck) { vec![failure()] } else { Vec::new() };
        let opportunities = if order.only.has_no_strikes() { choices.opportunities() } else { BTreeMap::new() };
        noted.borrow_mut().push(struck);
        let strikes = choices.strikes().to_vec();
        Ok(RunResult { failures, strikes, opportunities, steps: 100, ..RunResult::empty(order.seed) })
    };
    (Search::new(simulate, failure(), &Order::of(7)), runs)
}

fn leave_kinds_out(search: &mut Search) -> Only {
    search.leave_kinds_out(Only::default(), |strike| strike.name.clone()).expect("it runs")
}

#[test]
fn many_strikes_of_a_needless_kind_go_in_one_run() {
    let (mut search, runs) = search_in(50, 0.5, |struck| struck.contains_key("cut"));
    let only = leave_kinds_out(&mut search);
    let all = runs.borrow()[0].clone();
    assert!(all["reset"] > 30 && all["cut"] > 1 && all["crash"] > 1, "{all:?}");
    let after: Vec<BTreeMap<&str, usize>> = runs.borrow()[1..].to_vec();
    assert!(after.iter().all(|struck| !struck.contains_key("reset")), "they go at once: {after:?}");
    assert_eq!(after.last(), Some(&BTreeMap::from([("cut", all["cut"])])), "only cuts are left, and all of them");
    assert_eq!(search.runs, 3, "one to see all, and one for each kind that goes");
    assert!(only.strikes.iter().flatten().all(|strike| strike.starts_with("custom:")), "{only}");
    let least = search.fewest_faults(&Only::default()).expect("it runs");
    assert!(least.is_least && least.only.strikes.as_ref().is_some_and(|strikes| strikes.len() == 1), "{}", least.only);
}

#[test]
fn kinds_that_the_failure_takes_stay() {
    let (mut search, runs) = search_in(50, 0.5, |struck| struck.contains_key("cut") && struck.contains_key("crash"));
    let only = leave_kinds_out(&mut search);
    search.run(&only).expect("it runs");
    let left: Vec<&str> = runs.borrow().last().expect("a run").keys().copied().collect();
    assert_eq!(left, ["crash", "cut"]);
    let least = search.fewest_faults(&Only::default()).expect("it runs");
    assert_eq!(least.only.strikes.map(|strikes| strikes.len()), Some(2));
}

#[test]
fn few_strikes_and_those_of_one_kind_are_left_to_go_one_by_one() {
    let (mut search, runs) = search_in(50, 1.0, |struck| struck.contains_key("reset"));
    assert_eq!(leave_kinds_out(&mut search), Only::default());
    assert_eq!((search.runs, runs.borrow()[0].keys().copied().collect::<Vec<_>>()), (1, vec!["reset"]));
    let (mut search, runs) = search_in(4, 0.5, |struck| struck.contains_key("cut"));
    assert_eq!(leave_kinds_out(&mut search), Only::default());
    assert_eq!(search.runs, 1);
    let few = runs.borrow()[0].clone();
    assert!(few.len() > 1 && few["reset"] > 1, "there would be a kind to leave out: {few:?}");
}
