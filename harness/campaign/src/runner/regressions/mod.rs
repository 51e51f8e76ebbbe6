//! Regressions: failing runs, shrunk, in files beside their test. They run before any seed, from then on.
//!
//! A file holds the run's tape, so it does not depend on what a seed draws, and what it failed with, so that a replay can say
//! whether it still does ([`replay`]).

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    explain,
    job::Job,
    settings::Settings,
    summary::{Failed, Keeping, Summary},
};
use crate::{
    case::Case,
    choices::{Only, Strike, TAPE_VERSION, Tape},
    finding::FindingKind,
    hash::Hash,
    result::{Order, RunFailure, RunResult},
};

mod replay;

use self::replay::{Verdict, replay};

/// What the file says of itself.
const ABOUT: &str = "A failing run, shrunk. Foretime repeats it before any seed. Keep it beside the test; when it is rotten, FORETIME_PRUNE=1 \
     drops it.";

/// A failing run, as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Regression {
    about: String,
    /// The test, with its target.
    pub(super) test: String,
    /// What it fails with.
    pub(super) failure: RunFailure,
    /// The inputs in words.
    inputs: Vec<String>,
    /// What happens in it.
    story: Vec<String>,
    /// Its faults and inputs, by place.
    only: String,
    /// The hash of everything that happens in it.
    trace_hash: String,
    /// Its draws.
    pub(super) tape: Tape,
}

/// A regression, and where it is kept.
pub(super) struct Kept {
    pub(super) regression: Regression,
    pub(super) file: PathBuf,
}

impl Kept {
    /// Whether it is of a test of this name in another target. If there is no such target, it has been renamed, and is this one.
    fn is_of_another_target(&self, case: &Case) -> bool {
        let (Some(target), Some((other, _))) = (&case.target, self.regression.test.split_once("::")) else { return false };
        let is_there =
            |folder: &Path| folder.join(other).with_extension("rs").exists() || folder.join(other).join("main.rs").exists();
        other != target && case.regressions.iter().flat_map(|folder| folder.ancestors()).any(is_there)
    }
}

impl Regression {
    /// The regression that this run is; `None` if it did not fail, or was not recorded.
    fn of(case: &Case, result: &RunResult, only: &Only) -> Option<Self> {
        let (failure, detail) = (result.failures.first()?, result.detail.as_ref()?);
        Some(Self {
            about: ABOUT.to_owned(),
            test: full_name(case),
            failure: failure.clone(),
            inputs: result.inputs.iter().map(|input| format!("{} = {}", input.name, input.value)).collect(),
            story: detail.report.story.clone(),
            only: only.to_string(),
            trace_hash: format!("{:016x}", result.hash),
            tape: detail.tape.clone(),
        })
    }

    /// Its faults and inputs; all faults that its seed draws if the file has been changed by hand into something else.
    pub(super) fn only(&self) -> Only {
        self.only.parse().unwrap_or_default()
    }

    /// The name of its file. Failures with one signature are one: the same check found them, about the same, and the kinds of
    /// faults that are left are the same.
    fn signature(&self, strikes: &[Strike]) -> String {
        let mut kinds: Vec<&str> = strikes.iter().filter_map(|strike| Strike::kind(&strike.name)).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let hash = Hash::new()
            .name(&self.test)
            .number(self.failure.kind.code())
            .number(self.failure.bare_likeness.unwrap_or(self.failure.likeness));
        let hash = kinds.iter().fold(hash, |hash, kind| hash.name(kind)).value();
        format!("{}-{:08x}", self.failure.kind.name().replace(' ', "-"), hash >> 32)
    }

    fn read(file: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        let read: Result<Self, String> = serde_json::from_str(&text).map_err(|error| error.to_string());
        let read = read.and_then(|read| of_this_version(&read.tape).map(|()| read));
        read.map_err(|why| format!("{} is no regression: {why}. Restore it, or delete it.", file.display()))
    }

    fn write(&self, file: &Path) -> Result<(), String> {
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        fs::create_dir_all(file.parent().unwrap_or(file))
            .and_then(|()| fs::write(file, text + "\n"))
            .map_err(|error| format!("cannot write {}: {error}", file.display()))
    }
}

fn full_name(case: &Case) -> String {
    case.target.iter().map(|target| format!("{target}::")).collect::<String>() + &case.name
}

/// The regressions of a test, in the order of their names.
///
/// # Errors
/// One cannot be read.
pub(super) fn all(case: &Case, settings: &Settings) -> Result<Vec<Kept>, String> {
    let Some(entries) = settings.regressions.as_ref().and_then(|folder| fs::read_dir(folder).ok()) else {
        return Ok(Vec::new());
    };
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let kept = files.into_iter().map(|file| Ok(Kept { regression: Regression::read(&file)?, file }));
    // The folder says whose they are: it goes along when a test is renamed. But another target beside this one may have a test of the
    // same name.
    let is_ours = |kept: &Result<Kept, String>| kept.as_ref().map_or(true, |kept| !kept.is_of_another_target(case));
    kept.filter(is_ours).collect()
}

/// Replays the regressions of a test. The first that fails is the campaign's failure. Returns those that are rotten, and why.
///
/// # Errors
/// One cannot be read or run.
pub(super) fn run_first(case: &Case, settings: &Settings, summary: &mut Summary) -> Result<Vec<(Kept, String)>, String> {
    let all = all(case, settings)?;
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let mut job = Job::start(case, 0).map_err(|error| error.to_string())?;
    let mut rotten = Vec::new();
    for kept in all {
        let file = kept.file.display();
        let said = match replay(&mut job, &kept.regression)? {
            Verdict::Passes => format!("{file} passes"),
            Verdict::PassesOtherwise(rot, count) => {
                format!("{file} passes, and so do {count} other runs of it: its tape no longer fits what the code does ({rot})")
            }
            Verdict::Rotten(rot) => {
                rotten.push((kept, rot.to_string()));
                continue;
            }
            Verdict::FailsTheSame => {
                summary.failed = Some(explain::regression(case, settings, &kept)?);
                break;
            }
            Verdict::FailsAnew(order, failure, rot) => {
                let note = format!("It is a regression, {file}, and fails as before, though its tape no longer fits ({rot}).");
                let failed = explain_anew(case, settings, &kept, &order, failure, note)?;
                // Its file is written anew, under another name if it takes other faults now.
                if matches!(failed.kept, Some(Keeping::File(_))) && is_as_before(&kept) {
                    fs::remove_file(&kept.file).map_err(|error| format!("cannot drop {file}: {error}"))?;
                }
                summary.failed = Some(failed);
                break;
            }
            Verdict::FailsOtherwise(order, failure) => {
                let before = &kept.regression.failure.title;
                let note = format!("It is a regression, {file}, and fails otherwise than before: then, {before}.");
                summary.failed = Some(explain_anew(case, settings, &kept, &order, failure, note)?);
                break;
            }
        };
        summary.regressions.push(said);
    }
    Ok(rotten)
}

/// Searches anew for the least that makes a regression fail. Its file is written anew.
fn explain_anew(
    case: &Case,
    settings: &Settings,
    kept: &Kept,
    order: &Order,
    failure: RunFailure,
    note: String,
) -> Result<Failed, String> {
    let failed = Failed::new(case, kept.regression.tape.seed, failure);
    let failed = explain::explain(case, settings, failed, order)?;
    let note = failed.note.iter().fold(note, |note, more| format!("{note}\n{more}"));
    Ok(Failed { note: Some(note), ..failed })
}

/// Keeps a failing run that has been shrunk to these faults and inputs: in its report, and beside the test unless that is not
/// wanted or cannot be. A run that is not the test's doing, or does not repeat, is not kept.
///
/// # Errors
/// It cannot be written into its report.
pub(super) fn keep(
    case: &Case,
    settings: &Settings,
    failed: &mut Failed,
    result: &RunResult,
    only: &Only,
) -> Result<(), String> {
    let is_of_no_use =
        |kind| matches!(kind, FindingKind::Differs | FindingKind::Setup | FindingKind::TurnKept | FindingKind::Refused);
    let Some(regression) = Regression::of(case, result, only).filter(|it| !is_of_no_use(it.failure.kind)) else {
        return Ok(());
    };
    let Some(report) = &failed.report else { return Ok(()) };
    let copy = report.join("regression.json");
    regression.write(&copy)?;
    let elsewhere = case.regressions.as_ref().filter(|_| case.has_no_source());
    let Some(folder) = settings.regressions.as_ref().or(elsewhere) else { return Ok(()) };
    let file = folder.join(format!("{}.json", regression.signature(&result.strikes)));
    let written = match (&settings.regressions, settings.is_ci) {
        (None, _) => Err("the test's source is not where it was compiled".to_owned()),
        (_, true) => Err("CI is set".to_owned()),
        _ => regression.write(&file),
    };
    failed.kept = Some(match written {
        Ok(()) => Keeping::File(file),
        Err(why) => Keeping::Nowhere { why, copy, to: file },
    });
    Ok(())
}

/// Whether its file still is what it was read from, so no other run was kept there.
fn is_as_before(kept: &Kept) -> bool {
    !Regression::read(&kept.file).is_ok_and(|now| now.tape != kept.regression.tape)
}

/// Ends with those that are rotten. Each makes the campaign fail, unless a run of it has failed and rewritten the file, or they
/// are to be dropped.
///
/// # Errors
/// One cannot be dropped.
pub(super) fn settle(rotten: Vec<(Kept, String)>, settings: &Settings, summary: &mut Summary) -> Result<(), String> {
    for (kept, why) in rotten {
        let file = kept.file.display();
        // A run that failed in the same way was kept under the same name.
        if !is_as_before(&kept) {
            continue;
        }
        if settings.prunes {
            fs::remove_file(&kept.file).map_err(|error| format!("cannot drop {file}: {error}"))?;
            summary.regressions.push(format!("{file} is rotten, and was dropped: {why}"));
        } else {
            summary.rotten.push(format!("{file}: {why}"));
        }
    }
    Ok(())
}

/// A tape, and the failure that it is known to have: a regression's, or a recorded run's.
///
/// # Errors
/// The file is neither.
pub(super) fn read_tape(file: &Path) -> Result<(Tape, Option<RunFailure>), String> {
    let text = fs::read_to_string(file).map_err(|error| format!("cannot read the tape {}: {error}", file.display()))?;
    let (tape, failure) = match serde_json::from_str::<Regression>(&text) {
        Ok(regression) => (Ok(regression.tape), Some(regression.failure)),
        Err(_) => (serde_json::from_str::<Tape>(&text).map_err(|error| error.to_string()), None),
    };
    let tape = tape.and_then(|tape| of_this_version(&tape).map(|()| tape));
    let tape = tape.map_err(|why| {
        let file = file.display();
        format!("{file} is neither a tape of this version of Foretime nor a regression: {why}. Its seed repeats the run as long as the \
                 code is the same.")
    })?;
    Ok((tape, failure))
}

/// # Errors
/// The tape has another version.
fn of_this_version(tape: &Tape) -> Result<(), String> {
    match tape.version {
        TAPE_VERSION => Ok(()),
        other => Err(format!("its tape has version {other}, and {TAPE_VERSION} is read here")),
    }
}
