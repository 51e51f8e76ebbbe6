//! What the server knows of a workflow id in the end, when nothing is on its way to it any more.

use std::collections::BTreeSet;

use foretime_server::proto::enums::WorkflowExecutionStatus;

/// The runs of a workflow id, in the order in which they began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    /// The runs. At most the last is running.
    pub runs: Vec<RunTruth>,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunTruth {
    /// Its id.
    pub run_id: String,
    /// The run before, if this one came of it without a call: as new, as a retry, by a cron schedule. It began in the instant in which
    /// that closed.
    pub continued_from: Option<String>,
    /// The request id of its start, as a description tells. It is not looked at in a run that continues another: no client has it.
    pub start_request_id: String,
    /// How it ended, or that it is running.
    pub status: WorkflowExecutionStatus,
    /// The reason in its terminated event; empty if it has none.
    pub terminated_for: String,
    /// The inputs of all signals in its history.
    pub signal_nonces: BTreeSet<String>,
    /// The ids of all updates that were accepted, as its history tells.
    pub update_ids: BTreeSet<String>,
    /// Whether its history has a request to cancel it.
    pub is_cancel_requested: bool,
}

impl RunTruth {
    pub(super) fn is_closed(&self) -> bool {
        use WorkflowExecutionStatus as S;
        !matches!(self.status, S::Unspecified | S::Running | S::Paused)
    }

    /// Whether the start with this request id began it.
    pub(super) fn is_begun_by(&self, request_id: &str) -> bool {
        self.continued_from.is_none() && self.start_request_id == request_id
    }

    /// Whether it came of that run without a call.
    pub(super) fn continues(&self, before: &Self) -> bool {
        self.continued_from.as_ref() == Some(&before.run_id)
    }
}
