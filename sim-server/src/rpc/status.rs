//! Refusals as the wire carries them: gRPC code, message, and the typed detail that SDKs read
//! (`errordetails/v1/message.proto`; the codes are those of `go.temporal.io/api/serviceerror`).

use bytes::Bytes;
use prost::{Message, Name};
use prost_types::Any;
use tonic::{Code, Status};

use crate::{
    engine::{error::Error, rules::names::namespace_state},
    proto::{
        enums::ResourceExhaustedScope,
        errordetails::{
            MultiOperationExecutionFailure, NamespaceAlreadyExistsFailure, NamespaceInvalidStateFailure,
            NamespaceNotFoundFailure, NotFoundFailure, PermissionDeniedFailure, QueryFailedFailure, ResourceExhaustedFailure,
            WorkflowExecutionAlreadyStartedFailure, WorkflowNotReadyFailure, WorkflowTaskCompletionBufferLostFailure,
            multi_operation_execution_failure::OperationStatus,
        },
        failure::MultiOperationExecutionAborted,
        google::rpc,
    },
};

const TYPE_URL_PREFIX: &str = "type.googleapis.com/";

/// A refusal as gRPC sends it, with `grpc-status-details-bin` where the real server sends one.
pub fn status(error: &Error) -> Status {
    match error {
        Error::InvalidArgument(message) => Status::invalid_argument(message),
        Error::NotFound(message) => detailed(Code::NotFound, message, &NotFoundFailure::default()),
        Error::NamespaceNotFound(namespace) => {
            let detail = NamespaceNotFoundFailure { namespace: namespace.clone() };
            detailed(Code::NotFound, &format!("Namespace {namespace} is not found."), &detail)
        }
        Error::NamespaceAlreadyExists(namespace) => {
            let message = format!("Namespace {namespace:?} already exists");
            detailed(Code::AlreadyExists, &message, &NamespaceAlreadyExistsFailure {})
        }
        Error::NamespaceInvalidState { namespace, state, allowed } => {
            let detail = NamespaceInvalidStateFailure {
                namespace: namespace.clone(),
                state: *state as i32,
                allowed_states: allowed.iter().map(|state| *state as i32).collect(),
            };
            let allowed: Vec<&str> = allowed.iter().map(|state| namespace_state(*state)).collect();
            let (state, allowed) = (namespace_state(*state), allowed.join(" or "));
            let message = format!("Namespace has invalid state: {state}. Must be {allowed}.");
            detailed(Code::FailedPrecondition, &message, &detail)
        }
        Error::AlreadyStarted { message, start_request_id, run_id, first_execution_run_id } => {
            let detail = WorkflowExecutionAlreadyStartedFailure {
                start_request_id: start_request_id.clone(),
                run_id: run_id.clone(),
                first_execution_run_id: first_execution_run_id.clone(),
            };
            detailed(Code::AlreadyExists, message, &detail)
        }
        Error::FailedPrecondition(message) => Status::failed_precondition(message),
        Error::WorkflowNotReady(message) => detailed(Code::FailedPrecondition, message, &WorkflowNotReadyFailure {}),
        Error::QueryFailed { message, failure } => {
            detailed(Code::InvalidArgument, message, &QueryFailedFailure { failure: failure.as_deref().cloned() })
        }
        Error::ResourceExhausted { message, cause } => {
            let detail = ResourceExhaustedFailure { cause: *cause as i32, scope: ResourceExhaustedScope::Namespace as i32 };
            detailed(Code::ResourceExhausted, message, &detail)
        }
        Error::PermissionDenied(message) => detailed(Code::PermissionDenied, message, &PermissionDeniedFailure::default()),
        Error::Unavailable(message) => Status::unavailable(message),
        Error::Unknown(message) => Status::unknown(message),
        Error::Aborted(message) => Status::aborted(message),
        Error::CompletionBufferLost(message) => detailed(Code::Aborted, message, &WorkflowTaskCompletionBufferLostFailure {}),
        Error::OperationAborted => detailed(Code::Aborted, "Operation was aborted.", &MultiOperationExecutionAborted {}),
        Error::MultiOperation(operations) => multi_operation(&operations[..]),
        Error::InternalTold(message) => Status::internal(message),
        Error::Internal(message) => Status::internal(format!("something went wrong, please retry ({message})")),
        Error::Unimplemented(message) => Status::unimplemented(message),
    }
}

/// The code is that of the first operation that is to blame (`serviceerror/multi_operation_execution.go`).
fn multi_operation(operations: &[Option<Error>]) -> Status {
    let statuses: Vec<_> = operations.iter().map(|error| error.as_ref().map_or(Status::ok(""), status)).collect();
    let to_blame = statuses.iter().map(Status::code).find(|code| !matches!(code, Code::Ok | Code::Aborted));
    let operation = |status: &Status| OperationStatus {
        code: status.code() as i32,
        message: status.message().to_owned(),
        details: rpc::Status::decode(status.details()).map(|status| status.details).unwrap_or_default(),
    };
    let detail = MultiOperationExecutionFailure { statuses: statuses.iter().map(operation).collect() };
    detailed(to_blame.unwrap_or(Code::Aborted), "Update-with-Start could not be executed.", &detail)
}

fn detailed<M: Message + Name>(code: Code, message: &str, detail: &M) -> Status {
    // protobuf-go writes this domain; the type URLs of prost lack it.
    let type_url = format!("{TYPE_URL_PREFIX}{}", M::full_name());
    let any = Any { type_url, value: detail.encode_to_vec() };
    let details = rpc::Status { code: code as i32, message: message.to_owned(), details: vec![any] };
    Status::with_details(code, message, Bytes::from(details.encode_to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::enums::ResourceExhaustedCause;

    /// The code, the message, and the detail's type without its package.
    fn shown(error: &Error) -> (Code, String, String) {
        let status = status(error);
        let details = rpc::Status::decode(status.details()).expect("a well-formed detail");
        let detail = details.details.first().map_or("", |any| &any.type_url);
        if !detail.is_empty() {
            assert_eq!((details.code, details.message.as_str()), (status.code() as i32, status.message()));
        }
        let detail = detail.replace("type.googleapis.com/temporal.api.errordetails.v1.", "");
        (status.code(), status.message().to_owned(), detail)
    }

    #[test]
    fn refusals_have_their_code_text_and_detail() {
        let text = || "text".to_owned();
        let cases = [
            (Error::InvalidArgument(text()), Code::InvalidArgument, "text", ""),
            (Error::NotFound(text()), Code::NotFound, "text", "NotFoundFailure"),
            (
                Error::NamespaceNotFound("nope".to_owned()),
                Code::NotFound,
                "Namespace nope is not found.",
                "NamespaceNotFoundFailure",
            ),
            (
                Error::NamespaceAlreadyExists("n".to_owned()),
                Code::AlreadyExists,
                "Namespace \"n\" already exists",
                "NamespaceAlreadyExistsFailure",
            ),
            (Error::FailedPrecondition(text()), Code::FailedPrecondition, "text", ""),
            (Error::WorkflowNotReady(text()), Code::FailedPrecondition, "text", "WorkflowNotReadyFailure"),
            (Error::QueryFailed { message: text(), failure: None }, Code::InvalidArgument, "text", "QueryFailedFailure"),
            (Error::Unimplemented(text()), Code::Unimplemented, "text", ""),
        ];
        for (error, code, message, detail) in cases {
            assert_eq!(shown(&error), (code, message.to_owned(), detail.to_owned()));
        }
    }

    #[test]
    fn details_carry_their_fields() {
        let error = Error::AlreadyStarted {
            message: "running".to_owned(),
            start_request_id: "request".to_owned(),
            run_id: "run".to_owned(),
            first_execution_run_id: "first".to_owned(),
        };
        let details = rpc::Status::decode(status(&error).details()).expect("a well-formed detail");
        let detail =
            WorkflowExecutionAlreadyStartedFailure::decode(details.details[0].value.as_slice()).expect("a well-formed detail");
        assert_eq!(
            (detail.start_request_id.as_str(), detail.run_id.as_str(), detail.first_execution_run_id.as_str()),
            ("request", "run", "first")
        );

        let error = Error::ResourceExhausted { message: "busy".to_owned(), cause: ResourceExhaustedCause::BusyWorkflow };
        let details = rpc::Status::decode(status(&error).details()).expect("a well-formed detail");
        let detail = ResourceExhaustedFailure::decode(details.details[0].value.as_slice()).expect("a well-formed detail");
        assert_eq!((detail.cause, detail.scope), (ResourceExhaustedCause::BusyWorkflow as i32, 1));
    }
}
