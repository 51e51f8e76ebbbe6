//! What the engine refuses, in its own terms. `rpc::status` gives each its gRPC code and typed detail.

use crate::proto::{
    enums::{NamespaceState, ResourceExhaustedCause},
    failure::Failure,
};

/// The outcome of an engine call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A refused request.
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// The request is malformed; the text is the real server's.
    InvalidArgument(String),
    /// No such workflow, run, activity, task, or it is closed.
    NotFound(String),
    /// The named namespace is not registered.
    NamespaceNotFound(String),
    /// The namespace of this name is registered already.
    NamespaceAlreadyExists(String),
    /// The namespace is deprecated or deleted.
    NamespaceInvalidState {
        /// Its name.
        namespace: String,
        /// Its state.
        state: NamespaceState,
        /// The states in which the request would be served.
        allowed: &'static [NamespaceState],
    },
    /// A workflow with this id is running, or may not be started again.
    AlreadyStarted {
        /// The real server's sentence.
        message: String,
        /// The request id that started the existing run.
        start_request_id: String,
        /// The existing run.
        run_id: String,
        /// The first run of the existing run's chain.
        first_execution_run_id: String,
    },
    /// The state of the workflow does not allow this now.
    FailedPrecondition(String),
    /// A query came before the workflow could answer any.
    WorkflowNotReady(String),
    /// The worker answered a query with a failure.
    QueryFailed {
        /// The worker's error message.
        message: String,
        /// The worker's structured failure.
        failure: Option<Box<Failure>>,
    },
    /// A limit is reached.
    ResourceExhausted {
        /// The real server's sentence.
        message: String,
        /// Which limit.
        cause: ResourceExhaustedCause,
    },
    /// The server is configured not to do this, or never does it.
    PermissionDenied(String),
    /// Not now.
    Unavailable(String),
    /// What the real server hides: only that something went wrong, and a number for its log.
    Unknown(String),
    /// Something came in between. Whoever tries again may succeed.
    Aborted(String),
    /// One of two operations is not done since the other cannot be.
    OperationAborted,
    /// Pages of a workflow task's completion are lost. The worker sends them again.
    CompletionBufferLost(String),
    /// An update-with-start is not done: what is wrong with the start and with the update. `None` for a start that is done.
    MultiOperation(Box<[Option<Error>; 2]>),
    /// What the real server lets go wrong inside, and tells of. Its OperatorService hides nothing.
    InternalTold(String),
    /// What the real server lets go wrong inside. It hides the text; so little is gained by that here that it is shown.
    Internal(String),
    /// This server does not do this (yet).
    Unimplemented(String),
}

impl Error {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::InvalidArgument(message.into())
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::NotFound(message.into())
    }
}
