//! What operators do: calls that change a workflow, an activity or a schedule from outside, and of which most histories tell nothing.

#![allow(missing_docs, reason = "the docs of a type say what its fields are")]

use crate::process::ProcessId;

/// A call of an operator that the server has carried out.
#[derive(Clone, Debug)]
pub struct Operation {
    /// When; virtual nanoseconds since the start.
    pub at_ns: u64,
    /// Its place among all steps.
    pub step: u64,
    /// Who called.
    pub process: ProcessId,
    /// What was done.
    pub deed: Deed,
    /// To what.
    pub to: Target,
    /// Why, if the caller said so.
    pub reason: String,
}

/// What an operator does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    Pause,
    Unpause,
    ChangeOptions,
    /// `event_id`: the workflow task after which a workflow goes on; `None` for an activity, and in a batch.
    Reset {
        event_id: Option<i64>,
    },
    Terminate,
    Cancel,
    Signal,
    Delete,
    Create,
    Change,
    Trigger,
    Backfill,
}

/// To what an operator does it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A workflow. `run_id` is empty if the caller named none.
    Workflow { workflow_id: String, run_id: String },
    /// Activities of a workflow: those of this type, the one with this id, or all, as the caller named them.
    Activity { workflow_id: String, run_id: String, which: Which },
    /// A schedule.
    Schedule(String),
    /// The workflows that a batch finds by a list filter, or these of their activities.
    Found { filter: String, activities: Option<Which> },
    /// The workflows that a batch is told to change, or these of their activities.
    Listed { workflow_ids: Vec<String>, activities: Option<Which> },
}

/// Which activities of a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    Type(String),
    Id(String),
    All,
}

impl Target {
    /// The workflow, if it is one or is in one. `None` if it may be in several.
    pub fn workflow_id(&self) -> Option<&str> {
        match self {
            Self::Workflow { workflow_id, .. } | Self::Activity { workflow_id, .. } => Some(workflow_id),
            Self::Schedule(_) | Self::Found { .. } | Self::Listed { .. } => None,
        }
    }
}
