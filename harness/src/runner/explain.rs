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
use crate::{choices::Without, finding::FindingKind, report};

/// How long faults are left out at most.
const SEARCH_MAX: Duration = Duration::from_secs(20);

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
        failed.repeat = case.repeat(order.seed, &order.without);
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
    let (without, is_least) = leave_out(case, &failed)?;
    let again = one(case, settings, Order { without, is_least, ..Order::of(failed.seed) })?;
    summary.failed = Some(match again.failed {
        Some(again) if is_same(&again.failure, &failed.failure) => again,
        Some(again) => {
            Failed { note: Some(format!("The second run of the seed failed differently: {}", again.failure.title)), ..failed }
        }
        None => Failed { note: Some("The second run of the seed did not fail.".to_owned()), ..failed },
    });
    Ok(())
}

/// Which strikes of faults can be left out, and whether none of the others can.
fn leave_out(case: &Case, failed: &Failed) -> Result<(Without, bool), String> {
    let begun = Instant::now();
    let mut job = Job::start(case, 0).map_err(|error| error.to_string())?;
    let mut run = |without: &Without| -> Result<RunResult, String> {
        job.run(&Order { without: without.clone(), ..Order::of(failed.seed) }).map_err(|error| error.to_string())
    };
    let fails = |result: &RunResult| result.failures.first().is_some_and(|it| is_same(it, &failed.failure));
    if fails(&run(&Without::all())?) {
        return Ok((Without::all(), true));
    }
    let mut without = Without::default();
    loop {
        let before = without.clone();
        // From the last to the first: what comes before a fault stays as it was when it is left out.
        for number in (1..=run(&without)?.strikes).rev() {
            if begun.elapsed() > SEARCH_MAX {
                return Ok((without, false));
            }
            let fewer = without.and(number);
            if fewer != without && fails(&run(&fewer)?) {
                without = fewer;
            }
        }
        if without == before {
            return Ok((without, true));
        }
    }
}

/// Whether two failures are the same, but for numbers: which worker it was, at which attempt.
fn is_same(one: &RunFailure, other: &RunFailure) -> bool {
    let shape = |failure: &RunFailure| -> String { failure.title.chars().filter(|c| !c.is_ascii_digit()).collect() };
    one.kind == other.kind && shape(one) == shape(other)
}
