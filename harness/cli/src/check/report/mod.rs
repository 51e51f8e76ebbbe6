//! What a check has found, as data, and its forms: [`text`] for a terminal, JSON by serde.

mod text;

use std::collections::BTreeMap;

use foretime_history::verdict::{Divergence, Verdict};
use serde::Serialize;

pub(super) use text::text;

use super::{
    conduct::{Checked, Conducted},
    gather::Gathered,
};

/// The most workflow ids that are listed of one cause.
const WORKFLOWS_LISTED_MAX: usize = 20;

/// All of it.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) foretime: &'static str,
    pub(super) counts: Counts,
    /// What breaks, the causes that affect most runs first.
    pub(super) breaks: Vec<Cause>,
    /// What differs.
    pub(super) differs: Vec<Cause>,
    /// What could not be told.
    pub(super) could_not_tell: Vec<Untold>,
    /// Where the code records a patch or version newly.
    pub(super) patched_here: Vec<PatchedHere>,
    /// The patches in the histories, and who still needs the code from before them.
    pub(super) patches: Vec<super::patches::Patch>,
    /// What was not looked at, as sentences.
    pub(super) remarks: Vec<String>,
    /// Every history that was checked.
    pub(super) checked: Vec<History>,
}

/// How many.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Counts {
    /// The runs that there are, as far as is known.
    pub(super) runs: u64,
    /// The runs whose histories were read.
    pub(super) read: u64,
    pub(super) paths: u64,
    pub(super) checked: u64,
    pub(super) replay: u64,
    pub(super) break_: u64,
    pub(super) differ: u64,
    pub(super) could_not_tell: u64,
}

/// One cause, in however many runs.
#[derive(Debug, Serialize)]
pub(super) struct Cause {
    pub(super) workflow_type: String,
    /// In one of the runs.
    pub(super) divergence: Divergence,
    /// That run.
    pub(super) example: History,
    pub(super) runs_count: u64,
    pub(super) open_count: u64,
    /// Some of the runs, as `workflow id (run id)`, open ones first.
    pub(super) runs: Vec<RunName>,
}

/// A run by name.
#[derive(Clone, Debug, Serialize)]
pub(super) struct RunName {
    pub(super) workflow_id: String,
    pub(super) run_id: String,
    pub(super) is_open: bool,
}

/// Histories of which nothing can be said, for one reason.
#[derive(Debug, Serialize)]
pub(super) struct Untold {
    pub(super) why: String,
    /// The histories, or files.
    pub(super) of: Vec<String>,
    pub(super) runs_count: u64,
}

/// A task in which the code records a patch or version that the history has not.
#[derive(Debug, Serialize)]
pub(super) struct PatchedHere {
    pub(super) patch: String,
    pub(super) task: usize,
    pub(super) history: String,
}

/// A history that was checked.
#[derive(Clone, Debug, Serialize)]
pub(super) struct History {
    pub(super) file: String,
    pub(super) workflow_type: String,
    pub(super) task_queue: String,
    pub(super) run: RunName,
    pub(super) events_count: usize,
    /// `replays`, `breaks`, `differs` or `could_not_tell`.
    pub(super) verdict: &'static str,
    /// One sentence; empty if it replays.
    pub(super) why: String,
    /// The event at which it parts, if known.
    pub(super) event_id: Option<i64>,
    /// The runs that took the same path, this one included.
    pub(super) runs_count: u64,
}

impl Report {
    /// Of what was read and what came of it.
    pub(super) fn of(gathered: &Gathered, conducted: Conducted) -> Self {
        let mut report = Self {
            foretime: env!("CARGO_PKG_VERSION"),
            counts: Counts {
                runs: gathered.runs_count,
                read: gathered.read_count,
                paths: gathered.paths.len() as u64,
                ..Counts::default()
            },
            breaks: Vec::new(),
            differs: Vec::new(),
            could_not_tell: Vec::new(),
            patched_here: Vec::new(),
            patches: super::patches::of(gathered),
            remarks: conducted.remarks,
            checked: Vec::new(),
        };
        let (mut breaks, mut differs) = (BTreeMap::new(), BTreeMap::new());
        let mut untold: BTreeMap<String, Untold> = BTreeMap::new();
        for (file, why) in &gathered.unreadable {
            add_untold(&mut untold, why.clone(), file.clone(), 1);
        }
        for checked in conducted.checked {
            let history = report.count(&checked);
            match &checked.examined.verdict {
                Verdict::Replays => {}
                Verdict::Breaks(divergence) => add_cause(&mut breaks, &checked, divergence, &history),
                Verdict::Differs(divergence) => add_cause(&mut differs, &checked, divergence, &history),
                Verdict::CouldNotTell { why } => add_untold(&mut untold, why.clone(), history.file.clone(), history.runs_count),
            }
            if let Some(Err(why)) = &checked.saved {
                add_untold(&mut untold, format!("could not redact: {why}"), history.file.clone(), history.runs_count);
            }
            let patched = checked.examined.patched_here.into_iter();
            report.patched_here.extend(patched.map(|(task, patch)| PatchedHere { patch, task, history: history.file.clone() }));
            report.remarks.extend(checked.examined.remarks.into_iter().map(|remark| format!("{}: {remark}", history.file)));
            report.checked.push(history);
        }
        report.counts.could_not_tell += gathered.unreadable.len() as u64;
        let by_weight = |causes: BTreeMap<_, Cause>| {
            let mut causes: Vec<Cause> = causes.into_values().collect();
            causes.sort_by_key(|cause| std::cmp::Reverse((cause.open_count, cause.runs_count)));
            causes
        };
        (report.breaks, report.differs) = (by_weight(breaks), by_weight(differs));
        report.could_not_tell = untold.into_values().collect();
        report
    }

    fn count(&mut self, checked: &Checked) -> History {
        let run = &checked.run;
        let counts = &mut self.counts;
        counts.checked += 1;
        let (count, verdict, why, event_id) = match &checked.examined.verdict {
            Verdict::Replays => (&mut counts.replay, "replays", String::new(), None),
            Verdict::Breaks(it) => (&mut counts.break_, "breaks", it.sentence(), it.event_id),
            Verdict::Differs(it) => (&mut counts.differ, "differs", it.sentence(), it.event_id),
            Verdict::CouldNotTell { why } => (&mut counts.could_not_tell, "could_not_tell", why.clone(), None),
        };
        *count += 1;
        History {
            file: run.source.name(),
            workflow_type: run.summary.workflow_type.clone(),
            task_queue: run.summary.task_queue.clone(),
            run: run_name(run),
            events_count: run.summary.events_count,
            verdict,
            why,
            event_id,
            runs_count: checked.stands_for.len() as u64,
        }
    }

    /// The exit code: 1 if something breaks or differs, else 3 if something could not be told or nothing was checked.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            _ if !self.breaks.is_empty() || !self.differs.is_empty() => 1,
            _ if !self.could_not_tell.is_empty() || self.counts.checked == 0 => 3,
            _ => 0,
        }
    }
}

fn run_name(run: &super::run::Run) -> RunName {
    let text = |id: &Option<String>| id.clone().unwrap_or_default();
    RunName { workflow_id: text(&run.summary.workflow_id), run_id: text(&run.summary.run_id), is_open: run.summary.is_open }
}

fn add_cause(causes: &mut BTreeMap<(String, String), Cause>, checked: &Checked, divergence: &Divergence, history: &History) {
    let key = (history.workflow_type.clone(), divergence.likeness());
    let cause = causes.entry(key).or_insert_with(|| Cause {
        workflow_type: history.workflow_type.clone(),
        divergence: divergence.clone(),
        example: history.clone(),
        runs_count: 0,
        open_count: 0,
        runs: Vec::new(),
    });
    cause.runs_count += checked.stands_for.len() as u64;
    cause.open_count += checked.stands_for.iter().filter(|run| run.summary.is_open).count() as u64;
    cause.runs.extend(checked.stands_for.iter().map(run_name));
    cause.runs.sort_by_key(|run| !run.is_open);
    cause.runs.truncate(WORKFLOWS_LISTED_MAX);
}

fn add_untold(untold: &mut BTreeMap<String, Untold>, why: String, of: String, runs_count: u64) {
    let entry = untold.entry(why.clone()).or_insert_with(|| Untold { why, of: Vec::new(), runs_count: 0 });
    entry.of.push(of);
    entry.runs_count += runs_count;
}
