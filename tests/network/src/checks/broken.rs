//! What a check has found.

use foretime_campaign::process::ProcessId;

use crate::record::{call::ClientCall, exchange::Exchange};

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// What is wrong, in a sentence without ids or numbers: runs with the same mistake have the same title.
    pub title: String,
    /// Whom it befell, with ids and numbers.
    pub detail: String,
    /// When it was seen; virtual nanoseconds since the start of the run.
    pub at_ns: u64,
    /// The life that heard the wrong answer. `None` if no single one did.
    pub process: Option<ProcessId>,
}

impl Broken {
    /// Seen in the answer to one message, or in its arrival if it had no answer.
    pub(super) fn at(exchange: &Exchange, title: impl Into<String>, detail: impl Into<String>) -> Self {
        let at_ns = exchange.answered.as_ref().map_or(exchange.arrived_ns, |(at_ns, ..)| *at_ns);
        Self { title: title.into(), detail: detail.into(), at_ns, process: Some(exchange.process) }
    }

    /// Seen in what a client was told in the end.
    pub(super) fn told(call: &ClientCall, title: impl Into<String>, detail: impl Into<String>) -> Self {
        let at_ns = call.ended.as_ref().map_or(call.began_ns, |(at_ns, _)| *at_ns);
        let detail = format!("{} of {}: {}", call.client, call.workflow_id, detail.into());
        Self { title: title.into(), detail, at_ns, process: None }
    }
}
