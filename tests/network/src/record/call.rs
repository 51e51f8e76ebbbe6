//! What a client asks for and is told. All attempts of a call are one: they have the same request id.

use bytes::Bytes;
use foretime_server::proto::enums::{WorkflowExecutionStatus, WorkflowIdConflictPolicy, WorkflowIdReusePolicy};
use tonic::Code;

/// A call of a client, from its first attempt to its last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCall {
    /// The name of the client, such as `client-1`.
    pub client: String,
    /// The workflow that it is about.
    pub workflow_id: String,
    /// What it asks for.
    pub asked: Asked,
    /// When the first attempt was made; virtual nanoseconds since the start of the run.
    pub began_ns: u64,
    /// When the client heard the end of it, and what. `None`: it never did, so the call may have had its effect at any time since it
    /// began, or may yet have it, or may never have it.
    pub ended: Option<(u64, Result<Given, Refused>)>,
}

/// What a client asks for. `run_id` is empty for the current run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// `StartWorkflowExecution`.
    Start(Start),
    /// `SignalWithStartWorkflowExecution`. `nonce`: the signal's input.
    SignalWithStart {
        /// The start that is in it.
        start: Start,
        /// The signal's input, which no other signal has.
        nonce: String,
    },
    /// `SignalWorkflowExecution`.
    Signal {
        /// Which run.
        run_id: String,
        /// The same in each attempt.
        request_id: String,
        /// The signal's input, which no other signal has.
        nonce: String,
    },
    /// `UpdateWorkflowExecution`, until it is completed.
    Update {
        /// Which run.
        run_id: String,
        /// The same in each attempt.
        update_id: String,
        /// The update's input, which no other update has.
        nonce: String,
    },
    /// `QueryWorkflow`.
    Query {
        /// Which run.
        run_id: String,
    },
    /// `RequestCancelWorkflowExecution`.
    Cancel {
        /// Which run.
        run_id: String,
        /// The same in each attempt.
        request_id: String,
    },
    /// `TerminateWorkflowExecution`.
    Terminate {
        /// Which run.
        run_id: String,
        /// The reason, which no other termination has.
        nonce: String,
    },
    /// `GetWorkflowExecutionHistory` with `wait_new_event`, for the close event, following the chain of runs from this run on.
    Await {
        /// Which run.
        run_id: String,
    },
    /// `DescribeWorkflowExecution`.
    Describe {
        /// Which run.
        run_id: String,
    },
}

impl Asked {
    /// The run that it names; empty for the current one, which is also what a start looks at.
    pub fn run_id(&self) -> &str {
        match self {
            Self::Start(_) | Self::SignalWithStart { .. } => "",
            Self::Signal { run_id, .. }
            | Self::Update { run_id, .. }
            | Self::Query { run_id }
            | Self::Cancel { run_id, .. }
            | Self::Terminate { run_id, .. }
            | Self::Await { run_id }
            | Self::Describe { run_id } => run_id,
        }
    }
}

/// A start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The same in each attempt.
    pub request_id: String,
    /// What is in the input of the run and of no other.
    pub nonce: String,
    /// What holds if the last run of the workflow has closed.
    pub reuse: WorkflowIdReusePolicy,
    /// What holds if a run of the workflow is running.
    pub conflict: WorkflowIdConflictPolicy,
}

/// What a client was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// Of a start, or a signal with start.
    Started {
        /// The run that it was given.
        run_id: String,
        /// Whether this call, with its attempts, began the run, as the answer says.
        started: bool,
    },
    /// Of a signal, a cancellation, a termination.
    Done,
    /// Of an update.
    Updated {
        /// The run that has it.
        run_id: String,
        /// The text of its result, or of its failure.
        outcome: Result<String, String>,
    },
    /// Of a query: the text of its result.
    Answered(String),
    /// Of a description.
    Described {
        /// The run that was described.
        run_id: String,
        /// Its status.
        status: WorkflowExecutionStatus,
    },
    /// Of an await: how the chain ended.
    Closed {
        /// The last run of the chain.
        run_id: String,
        /// How it ended. It is not continued as new: the await goes on with the next run then.
        status: WorkflowExecutionStatus,
        /// The text of its result, if it completed.
        result: Option<String>,
    },
}

/// What a client was refused with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The code of gRPC.
    pub code: Code,
    /// For people.
    pub text: String,
    /// The encoded `google.rpc.Status`; empty if there is none.
    pub details: Bytes,
}
