//! What a workflow of the simulation does, as plain data: the JSON that is the input of its run.
//!
//! A script ends by itself, whatever signals come: each wait has a timer, each activity an attempt that is the last, and a chain of runs
//! has at most three. `drawn` draws scripts.

use serde::{Deserialize, Serialize};

use super::{activity::Activity, digest::Digest};

/// The type of all workflows.
pub const WORKFLOW_TYPE: &str = "Script";

/// What one run does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// What the input of no other run has.
    pub nonce: String,
    /// What the runs of the chain before this one have seen and done.
    #[serde(default)]
    pub so_far: Digest,
    /// What it does, one after the other.
    pub steps: Vec<Step>,
    /// How it ends after that.
    pub ending: Ending,
}

/// What a run does next, and waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// An activity.
    Activity(Activity),
    /// Several activities at once, until all have ended.
    Activities(Vec<Activity>),
    /// A timer.
    Timer {
        /// When it fires.
        ms: u64,
    },
    /// Waits until so many signals have come since this step began, or a timer fires.
    Signals {
        /// How many.
        count: u32,
        /// When the timer fires.
        within_ms: u64,
    },
    /// A child workflow, until it has ended.
    Child {
        /// What it does.
        script: Box<Script>,
        /// What becomes of it if its parent closes before.
        at_parents_close: AtParentsClose,
    },
    /// Records a marker.
    Marker {
        /// Its name.
        name: String,
    },
    /// Changes the memo.
    Memo {
        /// The value of its one field, [`MEMO_FIELD`].
        value: String,
    },
}

/// The field of the memo that scripts change.
pub const MEMO_FIELD: &str = "progress";

/// What becomes of a child whose parent closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AtParentsClose {
    /// It is terminated.
    Terminated,
    /// It goes on.
    Abandoned,
    /// It is asked to cancel itself.
    Cancelled,
}

/// How a run ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// It completes, with the text of its [`Digest`] as the result.
    Complete,
    /// It fails.
    Fail {
        /// The message of its failure.
        message: String,
    },
    /// It continues as new, with another script.
    ContinueAsNew(Box<Script>),
}

impl Script {
    /// The workflow id of the child that runs this script.
    pub fn child_workflow_id(&self) -> String {
        format!("child-{}", self.nonce)
    }
}
