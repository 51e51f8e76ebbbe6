//! Explains a seed that failed. It leaves out one fault after another for as long as the seed fails in the same way. The faults
//! that are left are those that matter, and that run is recorded in full.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
    time::{Duration, Instant},
};

use super::{
    job::Job,
    settings::Settings,
    summary::{Failed, Summary},
};
use crate::{
    case::Case,
    choices::{Only, Strike, kind_of_strike},
    fault::Fault,
    finding::FindingKind,
    report,
    result::{Known, Order, RunFailure, RunResult},
};

/// The longest time to spend on leaving out faults.
const SEARCH_MAX: Duration = Duration::from_secs(40);
/// A run that takes longer is tried in one order of events only.
const QUICK_MAX: Duration = Duration::from_millis(500);
/// A run that takes longer is not compared with the run without its last fault.
const COMPARED_MAX: Duration = Duration::from_secs(5);
/// In a slow run with at least this many strikes, halves of them are left out first.
const HALVED_MIN: usize = 4;
/// In how many other orders of events a seed is tried with one fault fewer.
const OTHER_ORDERS: u64 = 5;
/// The last opportunity in its place at which a strike is tried alone.
const NTH_MAX: u64 = 4;
/// The last opportunity in any place at which a strike of its kind is tried alone.
const ELSEWHERE_NTH_MAX: u64 = 30;
/// The longest time to spend on that.
const ELSEWHERE_MAX: Duration = Duration::from_secs(5);
/// How many strikes in one place are tried without the others.
const IN_ONE_PLACE_MAX: u64 = 3;
/// How long a thread that is known to keep its turn may keep it in the run for the report.
const PATIENCE_AGAIN: Duration = Duration::from_secs(3);

/// Runs one seed, in full.
pub(super) fn one(case: &Case, settings: &Settings, order: Order) -> Result<Summary, String> {
    let mut job = Job::start(case, 0).map_err(|error| error.to_string())?;
    let directory = report::files::directory(&settings.reports, case, order.seed)?;
    let usual = usual(&mut job, order.seed, &order.only)?;
    let known = Known { usual, ..order.known };
    let order = Order { is_detailed: true, known, output: Some(report::files::output(&directory)), ..order };
    let begun = Instant::now();
    let result = job.run(&order).map_err(|error| error.to_string())?;
    say_what_did_not_strike(&order, &result);
    let mut summary = Summary::new(case);
    summary.add(&result);
    summary.elapsed = begun.elapsed();
    summary.jobs = 1;
    if let Some(failure) = result.failures.first() {
        let mut failed = Failed::new(case, result.seed, failure.clone());
        failed.report = report::files::write(&directory, &result)?;
        if failed.report.is_none() {
            failed.failure.detail += &format!("\n{}", report::files::end_of_output(&directory));
        }
        failed.repeat = case.repeat(order.seed, &order.only);
        failed.story = result.detail.map(|detail| detail.report.story).unwrap_or_default();
        summary.failed = Some(failed);
    } else {
        summary.report = report::files::write(&directory, &result)?;
    }
    Ok(summary)
}

/// Names the faults that were asked for but did not strike. Otherwise one that never struck would pass for harmless.
fn say_what_did_not_strike(order: &Order, result: &RunResult) {
    let struck = |name: &&String| result.strikes.iter().any(|strike| [&strike.name, &strike.at].contains(name));
    let missing: Vec<&str> = order.only.strikes.iter().flatten().filter(|name| !struck(name)).map(String::as_str).collect();
    if !missing.is_empty() && !order.known.is_least {
        let missing = missing.join(", ");
        // Not `eprintln!`: the test may pass, and what `eprintln!` writes in a passing test is not shown.
        let _ = writeln!(io::stderr(), "foretime: did not strike in this run, which did not come to it: {missing}");
    }
}

/// Runs the failing seed again for its report, with the faults that matter. It must fail in the same way.
pub(super) fn explain(case: &Case, settings: &Settings, summary: &mut Summary) -> Result<(), String> {
    let Some(failed) = summary.failed.clone() else { return Ok(()) };
    if failed.failure.kind == FindingKind::Differs {
        return Ok(());
    }
    let is_slow = failed.failure.kind == FindingKind::TurnKept;
    let least = if is_slow { Least::unknown() } else { leave_out(case, &failed)? };
    let Least { only, is_least, otherwise, takes_none } = least;
    let known = Known { is_least, otherwise, usual: None };
    let patience = is_slow.then_some(PATIENCE_AGAIN);
    let again = one(case, settings, Order { only, known, patience, ..Order::of(failed.seed) })?;
    let given_up = || {
        let tried = SEARCH_MAX.as_secs();
        format!("After {tried} s in which one fault after the other was left out, some may be left that it does not take.")
    };
    let with_faults = || format!("With the faults that its seed draws the run fails in another way: {}.", failed.failure.title);
    summary.failed = Some(match again.failed {
        Some(again) if takes_none => Failed { note: Some(with_faults()), ..again },
        Some(again) if is_slow && is_same(&again.failure, &failed.failure) => Failed { failure: failed.failure, ..again },
        Some(again) if is_same(&again.failure, &failed.failure) => Failed { note: (!is_least).then(given_up), ..again },
        Some(again) => {
            Failed { note: Some(format!("The second run of the seed failed differently: {}", again.failure.title)), ..failed }
        }
        None => Failed { note: Some("The second run of the seed did not fail.".to_owned()), ..failed },
    });
    Ok(())
}

/// What happens in the run when the last of these strikes is left out, if it then passes. Only if the strikes are listed one by
/// one and a run is quick.
fn usual(job: &mut Job, seed: u64, only: &Only) -> Result<Option<Vec<String>>, String> {
    if only.strikes.as_ref().is_none_or(BTreeSet::is_empty) {
        return Ok(None);
    }
    let begun = Instant::now();
    let mut run = |only: &Only, is_detailed| {
        let order = Order { only: only.clone(), is_detailed, ..Order::of(seed) };
        job.run(&order).map_err(|error| error.to_string())
    };
    let with_all = run(only, false)?;
    let names = with_all.strikes.last().into_iter().flat_map(|last| [&last.name, &last.at]);
    let is_of_only = |name: &&String| only.strikes.as_ref().is_some_and(|strikes| strikes.contains(*name));
    let Some(last) = names.into_iter().find(is_of_only).filter(|_| begun.elapsed() < COMPARED_MAX) else { return Ok(None) };
    let without = run(&only.without(last), true)?;
    Ok(without.detail.filter(|_| without.failures.is_empty()).map(|detail| detail.moments))
}

/// The faults of a failing seed that are left.
struct Least {
    only: Only,
    /// Whether none of them can be left out.
    is_least: bool,
    /// How the run fails without one of them, if it then fails in another way.
    otherwise: Option<String>,
    /// Whether it fails in another way without any fault. That is reported first, since it is simpler.
    takes_none: bool,
}

impl Least {
    /// Nothing was left out.
    fn unknown() -> Self {
        Self { is_least: false, ..Self::of(Only::default(), None) }
    }

    /// None of these can be left out.
    fn of(only: Only, otherwise: Option<String>) -> Self {
        Self { only, is_least: true, otherwise, takes_none: false }
    }
}

/// Leaves strikes out, for as long as the seed fails in the same way.
fn leave_out(case: &Case, failed: &Failed) -> Result<Least, String> {
    let job = Job::start(case, 0).map_err(|error| error.to_string())?;
    let ends = Instant::now() + SEARCH_MAX;
    let mut search = Search { job, failed, ends, other_orders: OTHER_ORDERS, otherwise: None };
    if let Some(none) = search.fails_with(&Only::none())? {
        return Ok(Least::of(none, None));
    }
    if let Some((_, only)) = search.otherwise {
        return Ok(Least { takes_none: true, ..Least::of(only, None) });
    }
    let only = match search.leave_out(Only::default(), |strike| strike.name.clone())? {
        Left::Least(only) => only,
        Left::Unknown(only) => {
            // It does not fail without any fault.
            let is_least = only.strikes.as_ref().is_some_and(|strikes| strikes.len() == 1);
            return Ok(Least { is_least, ..Least::of(only, None) });
        }
    };
    let without_one = search.title_otherwise();
    let strikes = search.run(&only)?.strikes;
    if strikes.len() < 2 {
        return Ok(Least::of(only, None));
    }
    let alone = match search.one_alone(&strikes)? {
        None => search.kin_alone(&strikes)?,
        alone => alone,
    };
    if let Some(only) = alone {
        return Ok(Least::of(only, None));
    }
    if let Some(only) = search.first_in_one_place(&strikes)? {
        return Ok(Least::of(only, search.title_otherwise()));
    }
    // Strikes named by place allow leaving out more: what comes before no longer counts. The first strikes in each place are
    // best.
    let mut fewer = None;
    for placed in [first_in_their_places(&strikes), Only::these(strikes.iter().map(|strike| strike.at.clone()))] {
        if let Some(placed) = search.fails_with(&placed)? {
            fewer = Some(search.leave_out(placed, |strike| strike.at.clone())?);
            break;
        }
    }
    Ok(match fewer {
        Some(Left::Least(fewer)) => Least::of(fewer, search.title_otherwise()),
        _ => Least::of(only, without_one),
    })
}

/// Keeps the number of strikes in each place, but makes them the first ones there.
fn first_in_their_places(strikes: &[Strike]) -> Only {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    Only::these(strikes.iter().map(|strike| {
        let count = counts.entry(strike.at_nth(0)).or_default();
        *count += 1;
        strike.at_nth(*count)
    }))
}

/// The strikes that are left.
enum Left {
    /// None of these can be left out.
    Least(Only),
    /// It fails with these too. It may also fail with fewer.
    Unknown(Only),
}

/// The search for the faults that a failure needs.
struct Search<'a> {
    job: Job,
    failed: &'a Failed,
    ends: Instant,
    /// How many other orders of events are tried.
    other_orders: u64,
    /// How the run last failed in another way with fewer strikes, and with which strikes.
    otherwise: Option<(String, Only)>,
}

impl Search<'_> {
    fn title_otherwise(&self) -> Option<String> {
        self.otherwise.as_ref().map(|(title, _)| title.clone())
    }

    fn is_over(&self) -> bool {
        Instant::now() > self.ends
    }

    /// Whether it fails in the same way with these strikes, in this very order of events.
    fn fails(&mut self, only: &Only) -> Result<bool, String> {
        let result = self.run(only)?;
        let Some(failure) = result.failures.into_iter().next() else { return Ok(false) };
        let is_same = is_same(&failure, &self.failed.failure);
        if !is_same {
            self.otherwise.get_or_insert_with(|| (failure.title, only.clone()));
        }
        Ok(is_same)
    }

    fn run(&mut self, only: &Only) -> Result<RunResult, String> {
        let order = Order { only: only.clone(), ..Order::of(self.failed.seed) };
        let begun = Instant::now();
        let result = self.job.run(&order).map_err(|error| error.to_string())?;
        if begun.elapsed() > QUICK_MAX {
            self.other_orders = 0;
        }
        Ok(result)
    }

    /// Leaves out one strike after another, or halves of them first. `name` identifies a strike.
    fn leave_out(&mut self, from: Only, name: impl Fn(&Strike) -> String) -> Result<Left, String> {
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
    fn one_alone(&mut self, strikes: &[Strike]) -> Result<Option<Only>, String> {
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
    fn kin_alone(&mut self, strikes: &[Strike]) -> Result<Option<Only>, String> {
        let [crash, cluster_crash] = [Fault::Crash, Fault::ClusterCrash].map(kind_of_strike);
        let mut kinds: BTreeSet<&str> = strikes.iter().filter_map(|strike| Strike::kind(&strike.name)).collect();
        if kinds.contains(&*cluster_crash) {
            kinds.insert(&crash);
        }
        let mut places = self.run(&Only::none())?.opportunities;
        places.retain(|place, _| place.split_once(':').is_some_and(|(kind, _)| kinds.contains(kind)));
        let ends = self.ends.min(Instant::now() + ELSEWHERE_MAX);
        for nth in 1..=ELSEWHERE_NTH_MAX {
            for (place, _) in places.iter().filter(|(_, count)| nth <= **count) {
                if self.other_orders == 0 || Instant::now() > ends {
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
    fn first_in_one_place(&mut self, strikes: &[Strike]) -> Result<Option<Only>, String> {
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

    /// The strikes with which the seed still fails in the same way, in this order of events or another, if it does.
    fn fails_with(&mut self, only: &Only) -> Result<Option<Only>, String> {
        for order in std::iter::once(only.order).chain(1..=self.other_orders) {
            let only = only.in_order(order);
            if self.fails(&only)? {
                return Ok(Some(only));
            }
            if self.is_over() {
                break;
            }
        }
        Ok(None)
    }
}

/// Whether two failures show the same mistake, perhaps on another worker or in another attempt.
fn is_same(one: &RunFailure, other: &RunFailure) -> bool {
    (one.kind, one.likeness) == (other.kind, other.likeness)
}
