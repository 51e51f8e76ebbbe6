//! What is wrong with a run, as data. [`words`] has the sentences; [`likeness`] tells whether two runs have the same mistake.

#![allow(missing_docs, reason = "the docs of a type say what its fields are")]

use std::time::Duration;

use foretime_history::verdict::Divergence;
use serde::{Deserialize, Serialize};

use crate::{attempt::Attempt, process::ProcessId};

mod likeness;
mod words;

/// Which check found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// The test's body returned an error.
    Test,
    /// A panic.
    Panic,
    /// A workflow task failed.
    WorkflowTaskFailed,
    /// A history does not replay.
    Replay,
    /// Workflow code acted on the outside world.
    Impure,
    /// Workflow code blocks its thread.
    Blocked,
    /// A history is not legal.
    History,
    /// A claim of the user did not hold.
    Claim,
    /// Nothing happens any more, or the run never ends.
    Liveness,
    /// Something that cannot be simulated.
    Refused,
    /// A thread does not give up its turn.
    TurnKept,
    /// The same seed gave two different runs.
    Differs,
    /// The simulation could not begin.
    Setup,
}

impl FindingKind {
    /// Its number. Hashes depend on it: it never changes.
    pub const fn code(self) -> u64 {
        match self {
            Self::Test => 1,
            Self::Panic => 2,
            Self::WorkflowTaskFailed => 3,
            Self::Replay => 4,
            Self::Impure => 5,
            Self::Blocked => 6,
            Self::History => 7,
            Self::Claim => 8,
            Self::Liveness => 9,
            Self::Refused => 10,
            Self::TurnKept => 11,
            Self::Differs => 12,
            Self::Setup => 13,
        }
    }

    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Test => "the test failed",
            Self::Panic => "panic",
            Self::WorkflowTaskFailed => "workflow task failed",
            Self::Replay => "replay failed",
            Self::Impure => "workflow code has an effect",
            Self::Blocked => "workflow code blocks",
            Self::History => "illegal history",
            Self::Claim => "claim broken",
            Self::Liveness => "no progress",
            Self::Refused => "cannot be simulated",
            Self::TurnKept => "turn kept",
            Self::Differs => "not repeatable",
            Self::Setup => "could not begin",
        }
    }
}

/// Something that is wrong.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Where it is.
    pub process: Option<ProcessId>,
    /// When it was found, in virtual nanoseconds since the start.
    pub at_ns: u64,
    /// What is wrong.
    pub wrong: Wrong,
}

/// What is wrong.
#[derive(Clone, Debug)]
pub enum Wrong {
    /// The simulation could not begin; `detail` says why.
    NotBegun { title: String, detail: String },
    /// A worker is to crash at an event type that the API does not have.
    NoSuchEvent { name: String },
    /// A worker cannot be made; no other start of it would mend that.
    NoWorker(Box<NoWorker>),
    /// The test's body returned an error, in its own words.
    TestFailed { title: String, detail: String },
    /// The test's body ended in a panic that no hook saw.
    BodyPanicked,
    /// Code panicked.
    Panicked(Box<Panicked>),
    /// The server failed a workflow task.
    TaskRefused { of: Option<Workflow>, text: String },
    /// A worker failed a workflow task.
    TaskFailed(Box<TaskFailed>),
    /// The replayer did not do its work.
    NotReplayed { error: String },
    /// A history does not replay.
    DoesNotReplay(Box<DoesNotReplay>),
    /// Replayed code of this workflow passes another input than the history has. `is_of_sdk`: only because the SDK gives it
    /// another error of a local activity that timed out.
    AsksOtherwise { workflow_id: String, text: String, is_of_sdk: bool },
    /// Workflow code acts on the outside world.
    Impure { kind: String, subject: String },
    /// Workflow code sleeps on the thread of its worker.
    SleepsOnThread { worker: String, span: Duration },
    /// A history is not one that a server may write.
    IllegalHistory { workflow_id: String, event_id: i64, rule: String, text: String },
    /// An `always!` does not hold, at this place, in the code of this attempt.
    ClaimBroken { claim: String, place: String, amid: Option<Attempt> },
    /// The run makes no progress. `who_waits`: one line for each thing that is waited for.
    Stuck { how: Stuck, who_waits: String },
    /// A process does something that a simulation refuses.
    Refused(Box<Refused>),
    /// A thread does not give up its turn.
    TurnKept { report: String },
}

/// A worker that cannot be made.
#[derive(Clone, Debug)]
pub struct NoWorker {
    /// The name of the process.
    pub process: String,
    /// Which version of the code it should run (0 is the first), if there are several.
    pub version: Option<usize>,
    pub whose: Unmade,
    pub error: String,
}

/// Who does not make a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmade {
    /// The test's closure, which should give the worker's options.
    ByClosure,
    /// The SDK, which refuses the options.
    BySdk,
}

/// A panic.
#[derive(Clone, Debug)]
pub struct Panicked {
    /// The name of the process.
    pub process: String,
    pub whose: Whose,
    pub message: String,
    pub amid: Option<Amid>,
    pub thread: String,
    /// The place in the code.
    pub place: String,
}

/// Whose code panicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    User,
    Sdk,
    /// The core of the SDK.
    Core,
}

/// What code is working on.
#[derive(Clone, Debug)]
pub enum Amid {
    Attempt(Attempt),
    WorkflowTask(Workflow),
}

/// A workflow, as sentences name it.
#[derive(Clone, Debug)]
pub struct Workflow {
    pub workflow_id: String,
    pub workflow_type: String,
}

/// Something that a simulation refuses.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The name of the process.
    pub process: String,
    /// What it did.
    pub what: &'static str,
    /// The host that it is about, if known.
    pub whom: Option<String>,
    /// The attempt whose code did it, if known.
    pub amid: Option<Attempt>,
    /// The place in the code, if known.
    pub place: Option<String>,
}

/// A workflow task that a worker failed.
#[derive(Clone, Debug)]
pub struct TaskFailed {
    pub reason: TaskFailure,
    pub worker: String,
    /// Which version of the code it runs (0 is the first), if there are several.
    pub version: Option<usize>,
    pub of: Option<Workflow>,
    /// What the API calls the cause.
    pub cause: &'static str,
    /// Where code and history part, if that is known. Only for reports.
    pub divergence: Option<Box<Divergence>>,
    /// What the worker says.
    pub text: String,
    /// What the run was started with, if that is what does not fit.
    pub input: Option<String>,
}

/// Why a worker failed a workflow task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskFailure {
    /// The code asks for something other than what the history has.
    CodeDoesNotFit,
    /// Something other than the SDK woke the code.
    WokenFromOutside,
    /// Another reason.
    Other,
    /// A bug of the SDK's core: it holds the late result of a local activity against the one that the history has.
    LateLocalActivity,
}

/// A history that does not replay.
#[derive(Clone, Debug)]
pub struct DoesNotReplay {
    pub workflow_id: String,
    pub run_id: String,
    pub workflow_type: String,
    pub when: Unreplayed,
    /// Where code and history part, if that is known. Only for reports.
    pub divergence: Option<Box<Divergence>>,
    /// What the core says.
    pub text: String,
}

/// In which replay a history does not replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreplayed {
    /// Whole.
    Whole,
    /// Cut at this event.
    Cut(i64),
    /// A second time on the same worker.
    Again,
}

/// How a run fails to progress.
#[derive(Clone, Debug)]
pub enum Stuck {
    /// Nothing will ever happen again.
    Standstill,
    /// The last steps led to nothing.
    NoProgress { steps: u64 },
    /// A process spins while no virtual time passes.
    Spins { process: String },
    /// It goes on for longer than any run should.
    NoEnd { steps: u64, days: u64 },
}

impl Wrong {
    /// Which check found it.
    pub const fn kind(&self) -> FindingKind {
        match self {
            Self::NotBegun { .. } | Self::NoSuchEvent { .. } | Self::NoWorker(_) => FindingKind::Setup,
            Self::TestFailed { .. } => FindingKind::Test,
            Self::BodyPanicked | Self::Panicked(_) => FindingKind::Panic,
            Self::TaskRefused { .. } | Self::TaskFailed(_) => FindingKind::WorkflowTaskFailed,
            Self::NotReplayed { .. } | Self::DoesNotReplay(_) | Self::AsksOtherwise { .. } => FindingKind::Replay,
            Self::Impure { .. } => FindingKind::Impure,
            Self::SleepsOnThread { .. } => FindingKind::Blocked,
            Self::IllegalHistory { .. } => FindingKind::History,
            Self::ClaimBroken { .. } => FindingKind::Claim,
            Self::Stuck { .. } => FindingKind::Liveness,
            Self::Refused(_) => FindingKind::Refused,
            Self::TurnKept { .. } => FindingKind::TurnKept,
        }
    }
}
