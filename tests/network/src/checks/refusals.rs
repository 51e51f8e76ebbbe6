//! A call is refused only with what its method may be refused with. Answers of workers have a check of their own, in [`late`](super::late).

use tonic::{Code, Status};

use super::{broken::Broken, reading::Reading};
use crate::record::exchange::Exchange;

/// There is no such workflow.
const ABSENT: &str = "workflow not found";
/// The run has closed.
const CLOSED: &str = "workflow execution already completed";
/// The run has closed before the update was completed.
const ABORTED: &str = "workflow update was aborted by closing workflow";
/// The run is about to close, and the next may take it.
const CLOSING: &str = "workflow operation can not be applied because workflow is closing";
/// The workflow task that had the update has failed, or those of the run fail one after the other.
const FAILING: &str = "Unable to perform workflow execution update due to";
/// Why a run has no state yet that a query could tell of.
const STATELESS: [&str; 3] = [
    "Workflow execution closed before WorkflowTaskStarted event",
    "Workflow task is not scheduled yet",
    "Unable to query workflow due to Workflow Task in failed state",
];
/// Too many queries wait for one run.
const TOO_MANY_QUERIES: &str = "consistent query buffer is full";

/// Checks what calls were refused with.
pub fn check(read: &Reading<'_>) -> Option<Broken> {
    let &Reading { record, .. } = read;
    record.exchanges.iter().find_map(|exchange| {
        let (.., Err(refusal)) = exchange.answered.as_ref()? else { return None };
        let detail = || format!("{}: {:?}, {}", exchange.method, refusal.code(), refusal.message());
        let title = "a call was refused with what its method is never refused with";
        (!is_known(exchange, refusal)).then(|| Broken::at(exchange, title, detail()))
    })
}

/// Whether it is one of the refusals of a method. A call that may wait is also refused when its caller's deadline passes.
fn is_known(exchange: &Exchange, refusal: &Status) -> bool {
    let says = |code, texts: &[&str]| refusal.code() == code && texts.iter().any(|text| refusal.message().starts_with(text));
    let is_overdue = refusal.code() == Code::DeadlineExceeded;
    let is_closing = says(Code::ResourceExhausted, &[CLOSING]);
    match exchange.method.as_str() {
        "StartWorkflowExecution" => refusal.code() == Code::AlreadyExists,
        "SignalWithStartWorkflowExecution" => refusal.code() == Code::AlreadyExists || is_closing,
        "SignalWorkflowExecution" => is_closing || says(Code::NotFound, &[ABSENT, CLOSED]),
        "TerminateWorkflowExecution" => says(Code::NotFound, &[ABSENT, CLOSED]),
        "RequestCancelWorkflowExecution" | "DescribeWorkflowExecution" => says(Code::NotFound, &[ABSENT]),
        "GetWorkflowExecutionHistory" => is_overdue || says(Code::NotFound, &[ABSENT]),
        "UpdateWorkflowExecution" => {
            let is_failing = says(Code::FailedPrecondition, &[FAILING]);
            is_overdue || is_closing || is_failing || says(Code::NotFound, &[ABSENT, CLOSED, ABORTED])
        }
        "QueryWorkflow" => {
            let is_without_state = says(Code::FailedPrecondition, &STATELESS);
            let is_too_much = says(Code::ResourceExhausted, &[TOO_MANY_QUERIES]);
            is_overdue || is_without_state || is_too_much || says(Code::NotFound, &[ABSENT])
        }
        "PollWorkflowTaskQueue" | "PollActivityTaskQueue" => is_overdue,
        "LockTimeSkipping" | "UnlockTimeSkipping" | "GetCurrentTime" => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::sample::Talk;

    fn title(refusal: Status) -> Option<String> {
        let mut talk = Talk::default();
        talk.signal("w", "", "s-1").refused_with(refusal);
        check(&Reading::of(&talk.record(), &[])).map(|broken| broken.title)
    }

    #[test]
    fn a_call_is_refused_with_what_its_method_may_say() {
        assert_eq!(title(Status::not_found("workflow not found for ID: w")), None);
        assert_eq!(title(Status::not_found(CLOSED)), None);
        assert_eq!(title(Status::resource_exhausted(CLOSING)), None);
        let expected = Some("a call was refused with what its method is never refused with");
        assert_eq!(title(Status::invalid_argument(CLOSED)).as_deref(), expected);
        assert_eq!(title(Status::internal("")).as_deref(), expected);
        assert_eq!(title(Status::not_found("no")).as_deref(), expected);
        // A signal never waits.
        assert_eq!(title(Status::deadline_exceeded("")).as_deref(), expected);
    }
}
