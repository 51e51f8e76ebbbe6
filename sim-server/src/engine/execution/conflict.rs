//! What becomes of a business id that is taken (`api/workflow_id_dedup.go`).

use crate::proto::enums::{WorkflowExecutionStatus, WorkflowIdConflictPolicy, WorkflowIdReusePolicy};

/// What the policies of a start say when its id is taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The id is free.
    Free,
    /// The running execution is used instead.
    UseExisting,
    /// The running execution is terminated first.
    TerminateExisting,
    /// The start is refused, with the real server's sentence.
    Refused(String),
}

/// Who has an id.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Holder<'a> {
    /// The id.
    pub(crate) id: &'a str,
    pub(crate) run_id: &'a str,
    pub(crate) status: WorkflowExecutionStatus,
}

/// Claims the id of an existing execution.
pub(crate) fn claim(existing: Holder<'_>, reuse: WorkflowIdReusePolicy, conflict: WorkflowIdConflictPolicy) -> Claim {
    let names = format!("WorkflowId: {}, RunId: {}.", existing.id, existing.run_id);
    if matches!(existing.status, WorkflowExecutionStatus::Running | WorkflowExecutionStatus::Paused) {
        return match conflict {
            WorkflowIdConflictPolicy::UseExisting => Claim::UseExisting,
            WorkflowIdConflictPolicy::TerminateExisting => Claim::TerminateExisting,
            _ => Claim::Refused(format!("Workflow execution is already running. {names}")),
        };
    }
    match reuse {
        WorkflowIdReusePolicy::RejectDuplicate => {
            let policy = "Workflow Id reuse policy: reject duplicate workflow Id.";
            Claim::Refused(format!("Workflow execution already finished. {names} {policy}"))
        }
        WorkflowIdReusePolicy::AllowDuplicateFailedOnly if !is_failed(existing.status) => {
            let policy = "Workflow Id reuse policy: allow duplicate workflow Id if last run failed.";
            Claim::Refused(format!("Workflow execution already finished successfully. {names} {policy}"))
        }
        _ => Claim::Free,
    }
}

/// The closed states after which ALLOW_DUPLICATE_FAILED_ONLY allows a new start.
fn is_failed(status: WorkflowExecutionStatus) -> bool {
    use WorkflowExecutionStatus as S;
    matches!(status, S::Failed | S::Canceled | S::Terminated | S::TimedOut)
}
