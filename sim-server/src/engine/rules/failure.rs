//! Failures and payloads that the server itself makes.

use crate::proto::{
    common::{Payload, Payloads},
    enums::TimeoutType,
    failure::{
        ApplicationFailureInfo, Failure, ResetWorkflowFailureInfo, ServerFailureInfo, TimeoutFailureInfo, failure::FailureInfo,
    },
};

/// A timeout and not enough time for another attempt (`FailureReasonActivityRetryScheduleToCloseTimeout`).
pub(crate) const NOT_ENOUGH_TIME_TO_RETRY: &str =
    "Not enough time to schedule next retry before activity ScheduleToClose timeout, giving up retrying";
/// What the server names as the source of its own failures.
const SOURCE: &str = "Server";

/// One JSON string, as the SDKs' default converter writes it.
pub(crate) fn encode_string(text: &str) -> Payloads {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            control if (control as u32) < 0x20 => json.push_str(&format!("\\u{:04x}", control as u32)),
            other => json.push(other),
        }
    }
    json.push('"');
    let metadata = [("encoding".to_owned(), b"json/plain".to_vec())].into();
    Payloads { payloads: vec![Payload { metadata, data: json.into_bytes(), ..Payload::default() }] }
}

pub(crate) fn timeout(message: String, timeout_type: TimeoutType) -> Failure {
    let info = TimeoutFailureInfo { timeout_type: timeout_type.into(), last_heartbeat_details: None };
    Failure {
        message,
        source: SOURCE.to_owned(),
        failure_info: Some(FailureInfo::TimeoutFailureInfo(info)),
        ..Failure::default()
    }
}

/// What fails with the workflow's reset (`NewResetWorkflowFailure`).
pub(crate) fn reset_workflow(reason: &str) -> Failure {
    Failure {
        message: reason.to_owned(),
        failure_info: Some(FailureInfo::ResetWorkflowFailureInfo(ResetWorkflowFailureInfo::default())),
        ..Failure::default()
    }
}

/// A failure that the server reports itself.
pub(crate) fn server(message: &str, non_retryable: bool) -> Failure {
    Failure {
        message: message.to_owned(),
        failure_info: Some(FailureInfo::ServerFailureInfo(ServerFailureInfo { non_retryable })),
        ..Failure::default()
    }
}

/// A worker was sent an update, and said nothing of it (`unprocessedUpdateFailure`).
pub(crate) fn unprocessed_update() -> Failure {
    let message = "Workflow Update is rejected because it wasn't processed by worker. Probably, Workflow Update is not supported \
                   by the worker.";
    application(message, "UnprocessedUpdate")
}

/// A workflow closed before it completed an update that it had accepted (`AcceptedUpdateCompletedWorkflowFailure`).
pub(crate) fn update_of_closed_workflow() -> Failure {
    let message = "Workflow Update failed because the Workflow completed before the Update completed.";
    application(message, "AcceptedUpdateCompletedWorkflow")
}

/// A failure of the application that the server makes itself, and that nothing is tried again for.
fn application(message: &str, failure_type: &str) -> Failure {
    let info =
        ApplicationFailureInfo { r#type: failure_type.to_owned(), non_retryable: true, ..ApplicationFailureInfo::default() };
    Failure {
        message: message.to_owned(),
        source: SOURCE.to_owned(),
        failure_info: Some(FailureInfo::ApplicationFailureInfo(info)),
        ..Failure::default()
    }
}

pub(crate) fn set_heartbeat_details(failure: &mut Failure, details: Option<Payloads>) {
    if let Some(FailureInfo::TimeoutFailureInfo(info)) = &mut failure.failure_info {
        info.last_heartbeat_details = details;
    }
}
