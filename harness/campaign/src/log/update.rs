//! Updates, as processes see them: the calls of clients that await one, and the handlers in workers.

use foretime_server::proto::common::Payloads;

use crate::process::ProcessId;

/// What a process has to do with an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdatePart {
    /// It awaits the update.
    Call,
    /// It runs the update's validator and handler.
    Handler,
}

/// How a call or a handler ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpdateEnd {
    /// The handler has returned. A call may have awaited less.
    Completed,
    /// The handler failed, for this reason; or the workflow closed before.
    Failed(String),
    /// The worker rejected it for this reason, mostly its validator's. No history tells of it.
    Rejected(String),
    /// The call ended with this error.
    Refused(String),
    /// The caller stopped waiting, or the server gave the update to another worker.
    GivenUp,
}

/// A client that awaits an update, or a worker that runs its handler, from start to end.
#[derive(Clone, Debug)]
pub struct UpdateSpan {
    /// Who awaits it or works on it.
    pub process: ProcessId,
    /// Which of the two.
    pub part: UpdatePart,
    /// The update's id.
    pub update_id: String,
    /// Which handler it is for; empty if that is not known.
    pub name: String,
    /// What is passed to the handler.
    pub input: Option<Payloads>,
    /// The workflow.
    pub workflow_id: String,
    /// The run of that workflow; empty for a call.
    pub run_id: String,
    /// Whether this part of the run is told by a history: an earlier worker had accepted it.
    pub is_replayed: bool,
    /// When it began; virtual nanoseconds since the start.
    pub from_ns: u64,
    /// When it ended.
    pub to_ns: Option<u64>,
    /// The step at which it began.
    pub from_step: u64,
    /// The step at which it ended.
    pub to_step: Option<u64>,
    /// How it ended.
    pub ended: Option<UpdateEnd>,
}

impl UpdateSpan {
    /// One that has just begun. What else is known is filled in.
    pub fn begun(process: ProcessId, part: UpdatePart, update_id: String, workflow_id: String) -> Self {
        Self {
            process,
            part,
            update_id,
            name: String::new(),
            input: None,
            workflow_id,
            run_id: String::new(),
            is_replayed: false,
            from_ns: 0,
            to_ns: None,
            from_step: 0,
            to_step: None,
            ended: None,
        }
    }

    /// Whether it is a worker's.
    pub fn is_handler(&self) -> bool {
        self.part == UpdatePart::Handler
    }
}
