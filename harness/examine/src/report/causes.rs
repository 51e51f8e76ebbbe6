//! Puts a report together: the runs that part from the code in one way have one cause.

use std::{cmp::Reverse, collections::BTreeMap, path::Path};

use foretime_history::verdict::{Divergence, Verdict};

use super::{
    lines,
    model::{Cause, Counts, History, PatchedHere, Report, RunName, Untold},
    place, wording,
};
use crate::{
    conduct::{Checked, Conducted},
    gather::Gathered,
    run::Run,
};

/// The most runs that are listed of one cause.
const RUNS_LISTED_MAX: usize = 20;

/// The type of the workflow, and what the divergences have in common.
type Key = (String, String);

impl Report {
    /// Of what was read and what came of it. `directory` is where the user's code is.
    pub fn of(gathered: &Gathered, conducted: Conducted, directory: Option<&Path>) -> Self {
        let counts = counts(gathered, &conducted.checked);
        let could_not_tell = untold(gathered, &conducted.checked);
        let (breaks, of_breaks) = causes(&conducted.checked, "breaks", directory);
        let (differs, of_differs) = causes(&conducted.checked, "differs", directory);
        let mut report = Self {
            foretime: env!("CARGO_PKG_VERSION"),
            counts,
            breaks,
            differs,
            could_not_tell,
            patched_here: Vec::new(),
            // Where nothing replays, nothing follows for old patches.
            patches: if conducted.checked.iter().any(|it| word(&it.examined.verdict) == "replays") {
                crate::patches::of(gathered)
            } else {
                Vec::new()
            },
            remarks: conducted.remarks.into_iter().chain(untouched(gathered)).collect(),
            checked: Vec::new(),
        };
        for checked in conducted.checked {
            let mut history = history(&checked);
            let of = if history.verdict == "breaks" { &of_breaks } else { &of_differs };
            history.cause = key(&checked).and_then(|key| of.get(&key).copied());
            let (name, examined) = (history.name.clone(), checked.examined);
            let patched = examined.patched_here.into_iter();
            report.patched_here.extend(patched.map(|(task, patch)| PatchedHere { patch, task, history: name.clone() }));
            report.remarks.extend(examined.remarks.into_iter().map(|remark| format!("{name}: {remark}")));
            report.checked.push(history);
        }
        report
    }
}

/// Runs that nothing could be asked of.
fn untouched(gathered: &Gathered) -> Option<String> {
    let count = gathered.untouched_count;
    (count > 0)
        .then(|| format!("{count} runs have completed no workflow task yet: any code replays them, and they were not checked"))
}

fn counts(gathered: &Gathered, checked: &[Checked]) -> Counts {
    let of = |verdict: &str| checked.iter().filter(|it| word(&it.examined.verdict) == verdict).count() as u64;
    Counts {
        runs: gathered.runs_count,
        read: gathered.read_count,
        paths: gathered.paths.len() as u64,
        checked: checked.len() as u64,
        replays: of("replays"),
        breaks: of("breaks"),
        differs: of("differs"),
        could_not_tell: of("could_not_tell"),
        unreadable: gathered.unreadable.len() as u64,
    }
}

/// The causes of one verdict, those that affect most open runs first, and the index of each.
fn causes(checked: &[Checked], verdict: &str, directory: Option<&Path>) -> (Vec<Cause>, BTreeMap<Key, usize>) {
    let mut causes: BTreeMap<Key, Cause> = BTreeMap::new();
    for checked in checked.iter().filter(|it| word(&it.examined.verdict) == verdict) {
        let (Some(key), Some(divergence)) = (key(checked), divergence(&checked.examined.verdict)) else { continue };
        let cause = causes.entry(key).or_insert_with(|| cause(checked, divergence, directory));
        cause.runs_count += checked.stands_for.len() as u64;
        cause.checked_count += 1;
        cause.open_count += checked.stands_for.iter().filter(|run| run.summary.is_open).count() as u64;
        cause.runs.extend(checked.stands_for.iter().map(run_name));
        cause.runs.sort_by_key(|run| !run.is_open);
        cause.runs.truncate(RUNS_LISTED_MAX);
    }
    let mut causes: Vec<(Key, Cause)> = causes.into_iter().collect();
    causes.sort_by_key(|(_, cause)| Reverse((cause.open_count, cause.runs_count)));
    let index = causes.iter().enumerate().map(|(at, (key, _))| (key.clone(), at)).collect();
    let causes: Vec<Cause> = causes.into_iter().map(|(_, cause)| cause).enumerate().map(|(at, it)| numbered(it, at)).collect();
    (causes, index)
}

fn numbered(cause: Cause, at: usize) -> Cause {
    Cause { example: History { cause: Some(at), ..cause.example }, ..cause }
}

/// A cause of no run yet.
fn cause(checked: &Checked, divergence: &Divergence, directory: Option<&Path>) -> Cause {
    let stacks = [&divergence.stack_after, &divergence.stack_before];
    let place = directory.and_then(|directory| stacks.into_iter().flatten().find_map(|stack| place::of(stack, directory)));
    Cause {
        workflow_type: checked.run.summary.workflow_type.clone(),
        divergence: divergence.clone(),
        place,
        example: history(checked),
        runs_count: 0,
        checked_count: 0,
        open_count: 0,
        runs: Vec::new(),
    }
}

fn history(checked: &Checked) -> History {
    let run = &checked.run;
    let (why, parts) = match &checked.examined.verdict {
        Verdict::Replays => (String::new(), None),
        Verdict::Breaks(it) | Verdict::Differs(it) => (wording::sentence(it), Some(it)),
        Verdict::CouldNotTell { why } => (why.clone(), None),
    };
    let event_id = parts.and_then(|it| it.event_id);
    let number = run.source.is_one_of_several.then_some(run.source.index + 1);
    let file = file(run);
    History {
        name: run.source.name(),
        file: file.map(|path| path.display().to_string()),
        number,
        workflow_type: run.summary.workflow_type.clone(),
        task_queue: run.summary.task_queue.clone(),
        run: run_name(run),
        events_count: run.summary.events_count,
        verdict: word(&checked.examined.verdict),
        why,
        cause: None,
        event_id,
        task: parts.and_then(|it| it.task),
        line: file.zip(event_id).and_then(|(path, event_id)| lines::of_event(path, number.unwrap_or(1), event_id)),
        runs_count: checked.stands_for.len() as u64,
    }
}

/// The file of a run, if it is one that stays.
fn file(run: &Run) -> Option<&Path> {
    run.source.name.is_none().then_some(&*run.source.path)
}

/// What could not be told: files that could not be read first.
fn untold(gathered: &Gathered, checked: &[Checked]) -> Vec<Untold> {
    let unreadable = gathered.unreadable.iter().map(|(name, why)| {
        // One of several in a file is `FILE#NUMBER`.
        let names = [name.as_str(), name.rsplit_once('#').map_or("", |(file, _)| file)];
        let file = names.into_iter().find(|name| Path::new(name).exists());
        (true, why, name.clone(), file.map(str::to_owned), 1)
    });
    let unknown = checked.iter().filter_map(|checked| {
        let why = match (&checked.examined.verdict, &checked.saved) {
            (Verdict::CouldNotTell { why }, _) | (_, Some(Err(why))) => why,
            _ => return None,
        };
        let file = file(&checked.run).map(|path| path.display().to_string());
        Some((false, why, checked.run.source.name(), file, checked.stands_for.len() as u64))
    });
    let mut all: BTreeMap<(bool, &String), Untold> = BTreeMap::new();
    for (is_unreadable, why, of, file, runs_count) in unreadable.chain(unknown) {
        let entry = all.entry((!is_unreadable, why)).or_insert_with(|| Untold {
            why: why.clone(),
            of: Vec::new(),
            files: Vec::new(),
            runs_count: 0,
            is_unreadable,
        });
        entry.of.push(of);
        entry.files.extend(file);
        entry.runs_count += runs_count;
    }
    all.into_values().collect()
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Replays => "replays",
        Verdict::Breaks(_) => "breaks",
        Verdict::Differs(_) => "differs",
        Verdict::CouldNotTell { .. } => "could_not_tell",
    }
}

fn divergence(verdict: &Verdict) -> Option<&Divergence> {
    match verdict {
        Verdict::Breaks(it) | Verdict::Differs(it) => Some(it),
        Verdict::Replays | Verdict::CouldNotTell { .. } => None,
    }
}

fn key(checked: &Checked) -> Option<Key> {
    let divergence = divergence(&checked.examined.verdict)?;
    Some((checked.run.summary.workflow_type.clone(), divergence.likeness()))
}

fn run_name(run: &Run) -> RunName {
    let text = |id: &Option<String>| id.clone().unwrap_or_default();
    RunName { workflow_id: text(&run.summary.workflow_id), run_id: text(&run.summary.run_id), is_open: run.summary.is_open }
}
