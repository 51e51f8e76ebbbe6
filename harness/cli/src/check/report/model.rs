//! What a check has found, as data. `--json` prints it.

use foretime_history::verdict::Divergence;
use serde::Serialize;

use super::place::Place;

/// All of it.
#[derive(Debug, Serialize)]
pub(in crate::check) struct Report {
    /// The version of this program.
    pub(in crate::check) foretime: &'static str,
    /// How many histories, and what came of them.
    pub(in crate::check) counts: Counts,
    /// What breaks: in production, the tasks of these workflows would fail. The causes that affect most open runs first.
    pub(in crate::check) breaks: Vec<Cause>,
    /// What differs: the SDK accepts it, but the code asks for something else than is recorded.
    pub(in crate::check) differs: Vec<Cause>,
    /// What could not be told.
    pub(in crate::check) could_not_tell: Vec<Untold>,
    /// Where the code records a patch or version newly. Nothing is wrong with that.
    pub(in crate::check) patched_here: Vec<PatchedHere>,
    /// The patches in the histories, and who still needs the code from before them.
    pub(in crate::check) patches: Vec<crate::check::patches::Patch>,
    /// What was not looked at, as sentences.
    pub(in crate::check) remarks: Vec<String>,
    /// Every history that was checked.
    pub(in crate::check) checked: Vec<History>,
}

/// How many.
#[derive(Clone, Debug, Default, Serialize)]
pub(in crate::check) struct Counts {
    /// The runs that there are, as far as is known.
    pub(in crate::check) runs: u64,
    /// The runs whose histories were read.
    pub(in crate::check) read: u64,
    /// The paths through the code that they took.
    pub(in crate::check) paths: u64,
    /// The histories that were given to the worker: one for each path, unless more were asked for.
    pub(in crate::check) checked: u64,
    /// Of the checked ones, those that replay.
    pub(in crate::check) replays: u64,
    /// Those that break.
    pub(in crate::check) breaks: u64,
    /// Those that differ.
    pub(in crate::check) differs: u64,
    /// Those of which nothing can be said.
    pub(in crate::check) could_not_tell: u64,
    /// The files, or histories in them, that could not be read and so were not checked.
    pub(in crate::check) unreadable: u64,
}

/// One cause, in however many runs.
#[derive(Debug, Serialize)]
pub(in crate::check) struct Cause {
    /// The type of the workflow.
    pub(in crate::check) workflow_type: String,
    /// Where one of the runs parts from the code.
    pub(in crate::check) divergence: Divergence,
    /// The line of the user's code where it waits there, if a stack names a file in the current directory.
    pub(in crate::check) place: Option<Place>,
    /// That run.
    pub(in crate::check) example: History,
    /// The runs that have it: checked ones, and those that took the same path.
    pub(in crate::check) runs_count: u64,
    /// Those of them that are open.
    pub(in crate::check) open_count: u64,
    /// Some of them, open ones first.
    pub(in crate::check) runs: Vec<RunName>,
}

/// A run by name.
#[derive(Clone, Debug, Serialize)]
pub(in crate::check) struct RunName {
    /// Empty if it is not recorded.
    pub(in crate::check) workflow_id: String,
    /// Empty if it is not recorded.
    pub(in crate::check) run_id: String,
    /// Whether it was open when it was recorded.
    pub(in crate::check) is_open: bool,
}

/// Histories of which nothing can be said, for one reason.
#[derive(Debug, Serialize)]
pub(in crate::check) struct Untold {
    /// The reason. It may have several lines.
    pub(in crate::check) why: String,
    /// The histories, or files that could not be read.
    pub(in crate::check) of: Vec<String>,
    /// Their files, as far as they have any.
    pub(in crate::check) files: Vec<String>,
    /// How many runs they stand for.
    pub(in crate::check) runs_count: u64,
    /// Whether these are files, or histories in them, that could not be read.
    pub(in crate::check) is_unreadable: bool,
}

/// A task in which the code records a patch or version that the history has not.
#[derive(Debug, Serialize)]
pub(in crate::check) struct PatchedHere {
    /// Its id.
    pub(in crate::check) patch: String,
    /// The number of the workflow task, from 1.
    pub(in crate::check) task: usize,
    /// The history, by its file.
    pub(in crate::check) history: String,
}

/// A history that was checked.
#[derive(Clone, Debug, Serialize)]
pub(in crate::check) struct History {
    /// Its file, with its number if there are several; of a cluster, the workflow's id and the run's.
    pub(in crate::check) name: String,
    /// Its file; `None` if it came from a cluster and was not kept.
    pub(in crate::check) file: Option<String>,
    /// Which one in the file, from 1; `None` if it is the only one.
    pub(in crate::check) number: Option<usize>,
    /// The type of the workflow.
    pub(in crate::check) workflow_type: String,
    /// The task queue on which it was recorded.
    pub(in crate::check) task_queue: String,
    /// The run that it is of.
    pub(in crate::check) run: RunName,
    /// How many events it has.
    pub(in crate::check) events_count: usize,
    /// `replays`, `breaks`, `differs` or `could_not_tell`.
    pub(in crate::check) verdict: &'static str,
    /// One sentence, which may be followed by lines of what a worker has written; empty if it replays.
    pub(in crate::check) why: String,
    /// If it breaks or differs, its cause: the index in the report's `breaks` or `differs`, from 0.
    pub(in crate::check) cause: Option<usize>,
    /// The event at which it parts from the code, if known.
    pub(in crate::check) event_id: Option<i64>,
    /// The workflow task in which it does, from 1, if known.
    pub(in crate::check) task: Option<usize>,
    /// The line of that event in the file, if that is JSON.
    pub(in crate::check) line: Option<usize>,
    /// The runs that took the same path, this one included.
    pub(in crate::check) runs_count: u64,
}

impl Report {
    /// The exit code: 1 if something breaks or differs, else 3 if something could not be told or nothing was checked.
    pub(in crate::check) fn exit_code(&self) -> u8 {
        match self {
            _ if !self.breaks.is_empty() || !self.differs.is_empty() => 1,
            _ if !self.could_not_tell.is_empty() || self.counts.checked == 0 => 3,
            _ => 0,
        }
    }

    /// What breaks, then what differs, each with the word for it.
    pub(super) fn causes(&self) -> impl Iterator<Item = (&'static str, &Cause)> {
        let breaks = self.breaks.iter().map(|cause| ("breaks", cause));
        breaks.chain(self.differs.iter().map(|cause| ("differs", cause)))
    }

    /// The cause of what a checked history breaks or differs by.
    pub(super) fn cause_of(&self, history: &History) -> Option<&Cause> {
        let causes = if history.verdict == "breaks" { &self.breaks } else { &self.differs };
        causes.get(history.cause?)
    }
}

impl RunName {
    /// For people.
    pub(super) fn name(&self) -> &str {
        if self.workflow_id.is_empty() { "a workflow without an id" } else { &self.workflow_id }
    }
}
