//! What an RPC is to the worker or the client that calls it.

/// See the module's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RpcKind {
    /// It asks for a task.
    Poll,
    /// It reports how an activity ended.
    EndActivity,
    /// It answers a workflow task.
    AnswerTask,
    /// It answers a query.
    AnswerQuery,
    /// It answers a Nexus task.
    AnswerNexusTask,
    /// It reports that an activity goes on.
    Heartbeat,
    /// Any other. Clients call it, or a worker does beside its work.
    Other,
}

impl RpcKind {
    /// The kind of the RPC with this name. The table of the server has the roles; here they are told apart further.
    pub fn of(rpc: &str) -> Self {
        match rpc {
            "PollWorkflowTaskQueue" | "PollActivityTaskQueue" | "PollNexusTaskQueue" => Self::Poll,
            "RecordActivityTaskHeartbeat" | "RecordActivityTaskHeartbeatById" => Self::Heartbeat,
            _ if rpc.starts_with("RespondActivityTask") => Self::EndActivity,
            _ if rpc.starts_with("RespondWorkflowTask") => Self::AnswerTask,
            _ if rpc.starts_with("RespondNexusTask") => Self::AnswerNexusTask,
            "RespondQueryTaskCompleted" => Self::AnswerQuery,
            _ => Self::Other,
        }
    }
}

/// What a client asks for with this RPC, as a verb whose object is a workflow; `None` if there is no plain one.
pub(super) fn verb_of(rpc: &str) -> Option<&'static str> {
    Some(match rpc {
        "StartWorkflowExecution" => "start",
        "SignalWithStartWorkflowExecution" => "start or signal",
        "SignalWorkflowExecution" => "signal",
        "RequestCancelWorkflowExecution" => "cancel",
        "TerminateWorkflowExecution" => "terminate",
        "DescribeWorkflowExecution" => "describe",
        "QueryWorkflow" => "query",
        "UpdateWorkflowExecution" => "update",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use foretime_server::rpc::table::{Role, TABLE};

    use super::*;

    #[test]
    fn it_agrees_with_the_roles_of_the_table() {
        for row in TABLE {
            let is_as_the_table_has_it = match RpcKind::of(row.method) {
                RpcKind::Poll => row.role == Role::WorkerPoll,
                RpcKind::Other => !matches!(row.role, Role::WorkerPoll | Role::WorkerAnswer),
                _ => row.role == Role::WorkerAnswer,
            };
            assert!(is_as_the_table_has_it, "{}: {:?} and {:?}", row.method, row.role, RpcKind::of(row.method));
        }
    }
}
