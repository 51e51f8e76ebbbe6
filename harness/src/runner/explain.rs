//! What is done with a seed that failed: one fault after the other is left out, for as long as it fails in the same way. What is
//! left is what matters, and that run is written down in full.

use std::time::{Duration, Instant};

use super::{
    Case,
    job::Job,
    result::{Order, RunFailure, RunResult},
    settings::Settings,
    summary::{Failed, Summary},
};
use crate::{
    choices::{Only, Strike},
    finding::FindingKind,
    report,
};

/// How long faults are left out at most.
const SEARCH_MAX: Duration = Duration::from_secs(20);
/// In how many other orders of events a seed is tried with a fault less.
const OTHER_ORDERS: u64 = 5;
/// Up to which opportunity in its place a strike is tried alone.
const NTH_MAX: u64 = 4;

/// Runs one seed, in full.
pub(super) fn one(case: &Case, settings: &Settings, order: Order) -> Result<Summary, String> {
    let begun = Instant::now();
    let mut job = Job::start(case, 0).map_err(|error| error.to_string())?;
    let directory = report::files::directory(&settings.reports, case, order.seed)?;
    let order = Order { is_detailed: true, output: Some(directory.join("output.txt")), ..order };
    let result = job.run(&order).map_err(|error| error.to_string())?;
    let mut summary = Summary::new(case);
    summary.add(&result);
    summary.elapsed = begun.elapsed();
    summary.jobs = 1;
    if let Some(failure) = result.failures.first() {
        let mut failed = Failed::new(case, result.seed, failure.clone());
        failed.report = report::files::write(&directory, &result)?;
        failed.repeat = case.repeat(order.seed, &order.only);
        failed.story = result.detail.map(|detail| detail.report.story).unwrap_or_default();
        summary.failed = Some(failed);
    } else {
        summary.report = report::files::write(&directory, &result)?;
    }
    Ok(summary)
}

/// Runs the failing seed again, with the faults that matter, for its report; and it must fail in the same way.
pub(super) fn explain(case: &Case, settings: &Settings, summary: &mut Summary) -> Result<(), String> {
    let Some(failed) = summary.failed.clone() else { return Ok(()) };
    if failed.failure.kind == FindingKind::Differs {
        return Ok(());
    }
    let (only, is_least) = leave_out(case, &failed)?;
    let again = one(case, settings, Order { only, is_least, ..Order::of(failed.seed) })?;
    summary.failed = Some(match again.failed {
        Some(again) if is_same(&again.failure, &failed.failure) => again,
        Some(again) => {
            Failed { note: Some(format!("The second run of the seed failed differently: {}", again.failure.title)), ..failed }
        }
        None => Failed { note: Some("The second run of the seed did not fail.".to_owned()), ..failed },
    });
    Ok(())
}

/// Which strikes of faults are left when all that can be are left out, and whether none of them can.
fn leave_out(case: &Case, failed: &Failed) -> Result<(Only, bool), String> {
    let job = Job::start(case, 0).map_err(|error| error.to_string())?;
    let mut search = Search { job, failed, ends: Instant::now() + SEARCH_MAX };
    if let Some(none) = search.fails_with(&Only::these([]))? {
        return Ok((none, true));
    }
    let mut only = Only::default();
    loop {
        let result = search.run(&only)?;
        let mut fewer = Only::these(result.strikes.iter().map(|strike| strike.name.clone())).in_order(only.order);
        // From the last to the first: what comes before a fault stays as it was when it is left out.
        for strike in result.strikes.iter().rev() {
            if search.is_over() {
                // Each run takes long: then it is told as it is.
                return Ok((Only::default(), false));
            }
            if let Some(found) = search.fails_with(&fewer.without(&strike.name))? {
                fewer = found;
            }
        }
        if fewer == only {
            let one = if result.strikes.len() > 1 { search.one_alone(&result.strikes)? } else { None };
            return Ok((one.unwrap_or(only), true));
        }
        only = fewer;
    }
}

/// The search for the faults that a failure takes.
struct Search<'a> {
    job: Job,
    failed: &'a Failed,
    ends: Instant,
}

impl Search<'_> {
    fn is_over(&self) -> bool {
        Instant::now() > self.ends
    }

    /// Whether it fails so with these strikes, in this very order of events.
    fn fails(&mut self, only: &Only) -> Result<bool, String> {
        let result = self.run(only)?;
        Ok(result.failures.first().is_some_and(|failure| is_same(failure, &self.failed.failure)))
    }

    fn run(&mut self, only: &Only) -> Result<RunResult, String> {
        let order = Order { only: only.clone(), ..Order::of(self.failed.seed) };
        self.job.run(&order).map_err(|error| error.to_string())
    }

    /// One of these strikes that would do, if the seed had it alone: the others may only have moved it to where it was drawn.
    fn one_alone(&mut self, strikes: &[Strike]) -> Result<Option<Only>, String> {
        for order in 0..OTHER_ORDERS {
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

    /// Whether the seed still fails so with these strikes, in this order of events or another: with which, then.
    fn fails_with(&mut self, only: &Only) -> Result<Option<Only>, String> {
        for order in std::iter::once(only.order).chain(1..=OTHER_ORDERS) {
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

/// Whether two failures are the same, but for numbers: which worker it was, at which attempt.
fn is_same(one: &RunFailure, other: &RunFailure) -> bool {
    let shape = |failure: &RunFailure| -> String { failure.title.chars().filter(|c| c.is_alphabetic()).collect() };
    one.kind == other.kind && shape(one) == shape(other)
}
