//! Explains a seed that failed: searches for the least that makes it fail, and records that run in full.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    time::{Duration, Instant},
};

use super::{
    job::Job,
    search::{self, Least, SEARCH_MAX, is_same},
    settings::Settings,
    summary::{Failed, Summary},
};
use crate::{
    case::Case,
    choices::Only,
    finding::FindingKind,
    report,
    result::{Known, Order, RunResult},
};

/// A run that takes longer is not compared with the run without its last fault.
const COMPARED_MAX: Duration = Duration::from_secs(5);

/// Runs one seed, in full.
pub(super) fn one(case: &Case, settings: &Settings, order: Order) -> Result<Summary, String> {
    let mut job = Job::start(case, 0).map_err(|error| error.to_string())?;
    let directory = report::files::directory(&settings.reports, case, order.seed)?;
    let usual = usual(&mut job, order.seed, &order.only)?;
    let known = Known { usual, ..order.known };
    let order = Order { is_detailed: true, known, output: Some(directory.join("output.txt")), ..order };
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
    let Least { only, is_least, otherwise, takes_none } = search::least(case, &failed, &Only::default())?;
    let known = Known { is_least, otherwise, usual: None };
    let again = one(case, settings, Order { only, known, ..Order::of(failed.seed) })?;
    let given_up = || {
        let tried = SEARCH_MAX.as_secs();
        format!("After {tried} s in which one fault after the other was left out, some may be left that it does not take.")
    };
    let with_faults = || format!("With the faults that its seed draws the run fails in another way: {}.", failed.failure.title);
    summary.failed = Some(match again.failed {
        Some(again) if takes_none => Failed { note: Some(with_faults()), ..again },
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
