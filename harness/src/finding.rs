//! Something that is wrong: what a run fails with.

use serde::{Deserialize, Serialize};

use crate::os::ProcessId;

/// Which check found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FindingKind {
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
    /// Workflow code keeps its thread waiting.
    Blocked,
    /// A history is not legal.
    History,
    /// A claim of the user did not hold.
    Claim,
    /// Nothing happens any more, or it never ends.
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
    pub(crate) const fn code(self) -> u64 {
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
    pub(crate) const fn name(self) -> &'static str {
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
pub(crate) struct Finding {
    /// Which check found it.
    pub(crate) kind: FindingKind,
    /// Where.
    pub(crate) process: Option<ProcessId>,
    /// When; virtual nanoseconds since the start.
    pub(crate) at_ns: u64,
    /// What, in a sentence.
    pub(crate) title: String,
    /// The rest.
    pub(crate) detail: String,
}
