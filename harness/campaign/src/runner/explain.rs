//! Explains a seed that failed: searches for the least that makes it fail, and records that run in full.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::{
    doom,
    job::Job,
    regressions::{self, Kept},
    search::{self, Least, is_same},
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
/// How long a thread that is known to keep its turn may keep it in the run for the report.
const PATIENCE_AGAIN: Duration = Duration::from_secs(3);

/// A run, recorded in full.
struct Recorded {
    result: RunResult,
    /// The directory of its report, if it has one.
    report: Option<PathBuf>,
    elapsed: Duration,
}

/// Runs one seed, or a tape, and writes its report.
fn in_full(case: &Case, settings: &Settings, order: &Order) -> Result<Recorded, String> {
    let mut job = Job::start(case, 0).map_err(|error| error.to_string())?;
    let directory = report::files::directory(&settings.reports, case, order.seed)?;
    let usual = if order.tape.is_none() { usual(&mut job, order)? } else { None };
    let known = Known { usual, ..order.known.clone() };
    let order = Order { is_detailed: true, known, output: Some(report::files::output(&directory)), ..order.clone() };
    let begun = Instant::now();
    let mut result = job.run(&order).map_err(|error| error.to_string())?;
    let elapsed = begun.elapsed();
    if result.detail.is_none()
        && let Some(failure) = result.failures.first_mut()
    {
        failure.detail += &format!("\n{}", report::files::end_of_output(&directory));
    }
    say_what_did_not_strike(&order, &result);
    let doom = doom::of(&mut job, &result)?;
    if let Some(detail) = &mut result.detail {
        detail.report.story.extend(doom.iter().filter_map(|doom| doom.told.clone()));
        detail.report.doom = doom;
    }
    Ok(Recorded { report: report::files::write(&directory, &result)?, result, elapsed })
}

impl Recorded {
    /// The campaign that is this run alone. Whether it failed is for the caller to say.
    fn summary(&self, case: &Case) -> Summary {
        let mut summary = Summary::new(case);
        summary.add(&self.result);
        summary.elapsed = self.elapsed;
        summary.jobs = 1;
        summary
    }

    /// The failure of the run, told.
    fn failed(&self, case: &Case, order: &Order) -> Option<Failed> {
        let mut failed = Failed::new(case, self.result.seed, self.result.failures.first()?.clone());
        failed.report.clone_from(&self.report);
        // What is drawn anew from a tape is no seed's.
        failed.repeat = match self.report.as_ref().filter(|_| order.tape.is_some()) {
            Some(report) => case.repeat_tape(&report.join("tape.json")),
            None => case.repeat(order.seed, &order.only, order.starts_at),
        };
        failed.story = self.result.detail.as_ref().map(|detail| detail.report.story.clone()).unwrap_or_default();
        Some(failed)
    }
}

/// Runs one seed, or a tape, in full, and nothing else.
pub(super) fn one(case: &Case, settings: &Settings, order: &Order) -> Result<Summary, String> {
    let recorded = in_full(case, settings, order)?;
    let mut summary = recorded.summary(case);
    summary.failed = recorded.failed(case, order);
    if summary.failed.is_none() {
        summary.report = recorded.report;
    }
    Ok(summary)
}

/// Runs a tape in full, and says whether it still is what it was. `expected`: how it failed, if that is known.
pub(super) fn tape(case: &Case, settings: &Settings, file: &Path) -> Result<Summary, String> {
    let (tape, expected) = regressions::read_tape(file)?;
    let repeat = case.repeat_tape(file);
    let seed = tape.seed;
    let order = Order { tape: Some(tape), ..Order::of(seed) };
    let recorded = in_full(case, settings, &order)?;
    let mut summary = recorded.summary(case);
    let file = file.display();
    match (recorded.failed(case, &order), expected) {
        (Some(failed), expected) => {
            let note = expected.map(|expected| match is_same(&failed.failure, &expected) {
                true => "It fails as it did when the tape was recorded.".to_owned(),
                false => format!("It fails otherwise than when the tape was recorded: then, {}.", expected.title),
            });
            summary.failed = Some(Failed { note, repeat, ..failed });
        }
        (None, _) => {
            summary.report.clone_from(&recorded.report);
            match &recorded.result.rot {
                Some(rot) => summary.rotten.push(format!("{file}: {rot}")),
                None => summary.regressions.push(format!("{file} passes")),
            }
        }
    }
    Ok(summary)
}

/// The report of a regression whose tape fails as before.
pub(super) fn regression(case: &Case, settings: &Settings, kept: &Kept) -> Result<Failed, String> {
    let tape = kept.regression.tape.clone();
    let known = Known { is_least: true, ..Known::default() };
    let order = Order { known, ..Order::of(tape.seed) };
    let order = Order { tape: Some(tape), ..order };
    let file = kept.file.display();
    let failed = in_full(case, settings, &order)?.failed(case, &order);
    let failed = failed.ok_or_else(|| format!("{file} failed once, and not again"))?;
    let note = Some(format!("It is a regression, {file}, and fails as before. No seed was run."));
    Ok(Failed { note, repeat: case.repeat_tape(&kept.file), ..failed })
}

/// Names the faults that were asked for but did not strike, and the inputs that were not drawn. Otherwise one that never struck would
/// pass for harmless.
fn say_what_did_not_strike(order: &Order, result: &RunResult) {
    let struck = |name: &&String| result.strikes.iter().any(|strike| [&strike.name, &strike.at].contains(name));
    let missing: Vec<&str> = order.only.strikes.iter().flatten().filter(|name| !struck(name)).map(String::as_str).collect();
    if !missing.is_empty() && !order.known.is_least {
        let missing = missing.join(", ");
        // Not `eprintln!`: the test may pass, and what `eprintln!` writes in a passing test is not shown.
        let _ = writeln!(io::stderr(), "foretime: did not strike in this run, which did not come to it: {missing}");
    }
    let is_drawn = |at: &&str| result.inputs.iter().any(|input| input.at == **at);
    let undrawn: Vec<&str> = order.only.inputs.keys().map(String::as_str).filter(|at| !is_drawn(at)).collect();
    if !undrawn.is_empty() && !order.known.is_least {
        let undrawn = undrawn.join(", ");
        let _ = writeln!(io::stderr(), "foretime: was not drawn in this run, which did not ask for it: {undrawn}");
    }
}

/// Searches for the least that makes a run fail as it did, and runs that for its report. It is kept as a regression. `from`: the
/// run that failed.
pub(super) fn explain(case: &Case, settings: &Settings, failed: Failed, from: &Order) -> Result<Failed, String> {
    if failed.failure.kind == FindingKind::Differs {
        return Ok(failed);
    }
    // Each run of the search would take the whole patience.
    let is_slow = failed.failure.kind == FindingKind::TurnKept;
    let least = if is_slow { Least::unknown(from.only.clone()) } else { search::least(case, &failed, from)? };
    let Least { only, is_least, is_simplest, otherwise, takes_none, starts_at, passes_on_plain_date, runs } = least;
    let known = Known { is_least, otherwise, passes_on_plain_date, ..Known::default() };
    let starts_at = starts_at.or(from.starts_at);
    let patience = is_slow.then_some(PATIENCE_AGAIN);
    let order = Order { only, known, starts_at, patience, ..from.clone() };
    let recorded = in_full(case, settings, &order)?;
    let given_up = || {
        if is_least {
            format!("After {runs} runs in which its inputs were made simpler, they may not be the simplest yet.")
        } else {
            format!(
                "After {runs} runs in which one fault after the other was left out, some may be left that it does not take."
            )
        }
    };
    let with_faults = || format!("With the faults that its seed draws the run fails in another way: {}.", failed.failure.title);
    let mut again = match recorded.failed(case, &order) {
        Some(again) if takes_none => Failed { note: Some(with_faults()), ..again },
        Some(again) if is_slow && is_same(&again.failure, &failed.failure) => Failed { failure: failed.failure, ..again },
        Some(again) if is_same(&again.failure, &failed.failure) => {
            Failed { note: (!is_least || !is_simplest).then(given_up), ..again }
        }
        Some(again) => {
            let note = format!("The second run of the seed failed differently: {}", again.failure.title);
            return Ok(Failed { note: Some(note), ..failed });
        }
        None => return Ok(Failed { note: Some("The second run of the seed did not fail.".to_owned()), ..failed }),
    };
    regressions::keep(case, settings, &mut again, &recorded.result, &order.only)?;
    Ok(again)
}

/// What happens in the run when the last of its strikes is left out, if it then passes. Only if the strikes are listed one by
/// one and a run is quick.
fn usual(job: &mut Job, order: &Order) -> Result<Option<Vec<String>>, String> {
    let (only, starts_at) = (&order.only, order.starts_at);
    if only.strikes.as_ref().is_none_or(BTreeSet::is_empty) {
        return Ok(None);
    }
    let begun = Instant::now();
    let mut run = |only: &Only, is_detailed| {
        let order = Order { only: only.clone(), starts_at, is_detailed, ..Order::of(order.seed) };
        job.run(&order).map_err(|error| error.to_string())
    };
    let with_all = run(only, false)?;
    let names = with_all.strikes.last().into_iter().flat_map(|last| [&last.name, &last.at]);
    let is_of_only = |name: &&String| only.strikes.as_ref().is_some_and(|strikes| strikes.contains(*name));
    let Some(last) = names.into_iter().find(is_of_only).filter(|_| begun.elapsed() < COMPARED_MAX) else { return Ok(None) };
    let without = run(&only.without(last), true)?;
    Ok(without.detail.filter(|_| without.failures.is_empty()).map(|detail| detail.moments))
}
