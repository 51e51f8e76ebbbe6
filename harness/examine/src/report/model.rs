//! What a check has found, as data. `--json` prints it.

use std::{
    fmt,
    process::{ExitCode, Termination},
};

use foretime_history::verdict::Divergence;
use serde::Serialize;

use super::{Terminal, place::Place, text};

/// All of it.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The version of this program.
    pub foretime: &'static str,
    /// How many histories, and what came of them.
    pub counts: Counts,
    /// What breaks: in production, the tasks of these workflows would fail. The causes that affect most open runs first.
    pub breaks: Vec<Cause>,
    /// What differs: the SDK accepts it, but the code asks for something else than is recorded.
    pub differs: Vec<Cause>,
    /// What could not be told.
    pub could_not_tell: Vec<Untold>,
    /// Where the code records a patch or version newly. Nothing is wrong with that.
    pub patched_here: Vec<PatchedHere>,
    /// The patches in the histories, and who still needs the code from before them.
    pub patches: Vec<crate::patches::Patch>,
    /// What was not looked at, as sentences.
    pub remarks: Vec<String>,
    /// Every history that was checked.
    pub checked: Vec<History>,
}

/// How many.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Counts {
    /// The runs that there are, as far as is known.
    pub runs: u64,
    /// The runs whose histories were read.
    pub read: u64,
    /// The paths through the code that they took.
    pub paths: u64,
    /// The histories that were given to the worker: one for each path, unless more were asked for.
    pub checked: u64,
    /// Of the checked ones, those that replay.
    pub replays: u64,
    /// Those that break.
    pub breaks: u64,
    /// Those that differ.
    pub differs: u64,
    /// Those of which nothing can be said.
    pub could_not_tell: u64,
    /// The files, or histories in them, that could not be read and so were not checked.
    pub unreadable: u64,
}

/// One cause, in however many runs.
#[derive(Debug, Serialize)]
pub struct Cause {
    /// The type of the workflow.
    pub workflow_type: String,
    /// Where one of the runs parts from the code.
    pub divergence: Divergence,
    /// The line of the user's code where it waits there, if a stack names a file in the current directory.
    pub place: Option<Place>,
    /// That run.
    pub example: History,
    /// The runs that have it: checked ones, and those that took the same path.
    pub runs_count: u64,
    /// Those of them that were checked.
    pub checked_count: u64,
    /// Those of them that are open.
    pub open_count: u64,
    /// Some of them, open ones first.
    pub runs: Vec<RunName>,
}

/// A run by name.
#[derive(Clone, Debug, Serialize)]
pub struct RunName {
    /// Empty if it is not recorded.
    pub workflow_id: String,
    /// Empty if it is not recorded.
    pub run_id: String,
    /// Whether it was open when it was recorded.
    pub is_open: bool,
}

/// Histories of which nothing can be said, for one reason.
#[derive(Debug, Serialize)]
pub struct Untold {
    /// The reason. It may have several lines.
    pub why: String,
    /// The histories, or files that could not be read.
    pub of: Vec<String>,
    /// Their files, as far as they have any.
    pub files: Vec<String>,
    /// How many runs they stand for.
    pub runs_count: u64,
    /// Whether these are files, or histories in them, that could not be read.
    pub is_unreadable: bool,
}

/// A task in which the code records a patch or version that the history has not.
#[derive(Debug, Serialize)]
pub struct PatchedHere {
    /// Its id.
    pub patch: String,
    /// The number of the workflow task, from 1.
    pub task: usize,
    /// The history, by its file.
    pub history: String,
}

/// A history that was checked.
#[derive(Clone, Debug, Serialize)]
pub struct History {
    /// Its file, with its number if there are several; of a cluster, the workflow's id and the run's.
    pub name: String,
    /// Its file; `None` if it came from a cluster and was not kept.
    pub file: Option<String>,
    /// Which one in the file, from 1; `None` if it is the only one.
    pub number: Option<usize>,
    /// The type of the workflow.
    pub workflow_type: String,
    /// The task queue on which it was recorded.
    pub task_queue: String,
    /// The run that it is of.
    pub run: RunName,
    /// How many events it has.
    pub events_count: usize,
    /// `replays`, `breaks`, `differs` or `could_not_tell`.
    pub verdict: &'static str,
    /// One sentence, which may be followed by lines of what a worker has written; empty if it replays.
    pub why: String,
    /// If it breaks or differs, its cause: the index in the report's `breaks` or `differs`, from 0.
    pub cause: Option<usize>,
    /// The event at which it parts from the code, if known.
    pub event_id: Option<i64>,
    /// The workflow task in which it does, from 1, if known.
    pub task: Option<usize>,
    /// The line of that event in the file, if that is JSON.
    pub line: Option<usize>,
    /// The runs that took the same path, this one included.
    pub runs_count: u64,
}

impl Report {
    /// Whether something was checked, and all of it replays.
    pub fn is_good(&self) -> bool {
        self.exit_code() == 0
    }

    /// The exit code: 1 if something breaks or differs, else 3 if something could not be told or nothing was checked.
    pub fn exit_code(&self) -> u8 {
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

impl fmt::Display for Report {
    /// The text for people, without colours.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text(self, Terminal::default()))
    }
}

/// So that a test may return it.
impl Termination for Report {
    fn report(self) -> ExitCode {
        ExitCode::from(self.exit_code())
    }
}

impl RunName {
    /// For people.
    pub(super) fn name(&self) -> &str {
        if self.workflow_id.is_empty() { "a workflow without an id" } else { &self.workflow_id }
    }
}
