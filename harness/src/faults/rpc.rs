//! What an RPC is to the worker that calls it.

/// See the module's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RpcKind {
    /// It asks for a task.
    Poll,
    /// It reports how an activity ended.
    EndActivity,
    /// It answers a workflow task.
    AnswerTask,
    /// It answers a query.
    AnswerQuery,
    /// It reports that an activity goes on.
    Heartbeat,
    /// A client calls it, not a worker.
    Other,
}

impl RpcKind {
    pub(crate) fn of(rpc: &str) -> Self {
        match rpc {
            "PollWorkflowTaskQueue" | "PollActivityTaskQueue" | "PollNexusTaskQueue" => Self::Poll,
            "RecordActivityTaskHeartbeat" => Self::Heartbeat,
            _ if rpc.starts_with("RespondActivityTask") => Self::EndActivity,
            _ if rpc.starts_with("RespondWorkflowTask") => Self::AnswerTask,
            "RespondQueryTaskCompleted" => Self::AnswerQuery,
            _ => Self::Other,
        }
    }
}
