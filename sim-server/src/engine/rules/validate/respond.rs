//! What workers report about their tasks (`service/frontend/workflow_handler.go`). A report that is too large is not refused,
//! because the worker could do nothing about it. It is replaced by a failure of the server's own, made by the functions
//! `*_too_large` and [`cut_failure`]. Task tokens are read before any of this.

use prost::Message;

use super::polls;
use crate::{
    engine::{
        kernel::error::{Error, Result},
        rules::limits::Limits,
    },
    proto::{
        common::Payloads,
        enums::{QueryResultType, VersioningBehavior, WorkerVersioningMode},
        failure::{ApplicationFailureInfo, Failure, ServerFailureInfo, failure::FailureInfo},
        query::WorkflowQueryResult,
        workflowservice::{RespondWorkflowTaskCompletedRequest, RespondWorkflowTaskFailedRequest},
    },
};

const BLOB_TOO_LARGE: &str = "Blob data size exceeds limit.";
const FAILURE_TOO_LARGE: &str = "Failure exceeds size limit.";
/// How many causes of a failure survive [`truncate`].
const CAUSES_MAX: usize = 20;
/// Seconds in ten thousand years, the longest span of a well-formed proto duration.
const PROTO_SECONDS_MAX: i64 = 315_576_000_000;

/// RespondWorkflowTaskCompleted, without its commands.
pub fn workflow_task_completed(request: &RespondWorkflowTaskCompletedRequest, limits: &Limits) -> Result<()> {
    identity(&request.identity, limits)?;
    let stamp = request.worker_version_stamp.as_ref().map(|worker| (worker.build_id.as_str(), worker.use_versioning));
    let sticky_queue = request.sticky_attributes.as_ref().and_then(|sticky| sticky.worker_task_queue.as_ref());
    polls::versioning(stamp, request.deployment_options.as_ref(), sticky_queue, limits)
}

/// The part of [`workflow_task_completed`] that is checked once the task is found: who is not versioned has no behaviour.
pub fn versioning_behavior(request: &RespondWorkflowTaskCompletedRequest) -> Result<()> {
    let has_behavior = request.versioning_behavior != VersioningBehavior::Unspecified as i32;
    let options = request.deployment_options.as_ref();
    let is_versioned = options.is_some_and(|of| of.worker_versioning_mode() == WorkerVersioningMode::Versioned);
    if has_behavior && !is_versioned && request.deployment.is_none() {
        return Err(Error::invalid(
            "versioning behavior cannot be specified without deployment options being set with versioned mode",
        ));
    }
    Ok(())
}

/// RespondWorkflowTaskFailed. Its failure is not refused, but [cut](cut_failure).
pub fn workflow_task_failed(request: &RespondWorkflowTaskFailedRequest, limits: &Limits) -> Result<()> {
    identity(&request.identity, limits)
}

/// Checks the identity of the reporter, for RespondActivityTaskCompleted and RespondActivityTaskCanceled, by token and by id.
/// It is not checked for heartbeats and query answers.
pub fn identity(identity: &str, limits: &Limits) -> Result<()> {
    polls::identity(identity, limits)
}

/// RespondActivityTaskFailed: the failure, if any, is an application failure, and its retry delays are well-formed.
pub fn activity_failed(failure: Option<&Failure>, who: &str, limits: &Limits) -> Result<()> {
    let is_other = |failure: &Failure| !matches!(failure.failure_info, Some(FailureInfo::ApplicationFailureInfo(_)));
    if failure.is_some_and(is_other) {
        return Err(Error::invalid("Failure must have ApplicationFailureInfo."));
    }
    next_retry_delays(failure)?;
    identity(who, limits)
}

/// RespondActivityTaskFailedById, after [`activity_by_id`]: any kind of failure is accepted.
pub fn activity_failed_by_id(failure: Option<&Failure>, who: &str, limits: &Limits) -> Result<()> {
    identity(who, limits)?;
    next_retry_delays(failure)
}

/// Refuses an activity by id unless both ids are set. (Without a workflow id the real server looks for a standalone activity.)
pub fn activity_by_id(workflow_id: &str, activity_id: &str) -> Result<()> {
    if activity_id.is_empty() {
        return Err(Error::invalid("ActivityId is not set on request."));
    }
    if workflow_id.is_empty() {
        return Err(Error::invalid("WorkflowId is not set on request."));
    }
    Ok(())
}

fn next_retry_delays(failure: Option<&Failure>) -> Result<()> {
    let mut next = failure;
    while let Some(failure) = next {
        if let Some(FailureInfo::ApplicationFailureInfo(info)) = &failure.failure_info
            && let Some(reason) = info.next_retry_delay.as_ref().and_then(malformed)
        {
            return Err(Error::invalid(format!("NextRetryDelay is not a valid duration: proto: {reason}")));
        }
        next = failure.cause.as_deref();
    }
    Ok(())
}

/// Why protobuf-go rejects a duration, if it does.
fn malformed(span: &prost_types::Duration) -> Option<String> {
    let part = |name: &str, value: i64| if value == 0 { String::new() } else { format!("{name}:{value}") };
    let parts = [part("seconds", span.seconds), part("nanos", i64::from(span.nanos))];
    let shown = parts.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(" ");
    let reason = if span.seconds < -PROTO_SECONDS_MAX {
        "exceeds -10000 years"
    } else if span.seconds > PROTO_SECONDS_MAX {
        "exceeds +10000 years"
    } else if span.nanos.abs() > 999_999_999 {
        "has out-of-range nanos"
    } else if (span.seconds > 0 && span.nanos < 0) || (span.seconds < 0 && span.nanos > 0) {
        "has seconds and nanos with different signs"
    } else {
        return None;
    };
    Some(format!("duration ({shown}) {reason}"))
}

/// RespondActivityTaskCompleted: the failure that replaces a result that is too large.
pub fn result_too_large(result: Option<&Payloads>, limits: &Limits) -> Option<Failure> {
    instead(result, limits, "Complete result exceeds size limit.")
}

/// RespondActivityTaskCanceled: the failure that replaces a cancellation whose details are too large.
pub fn details_too_large(details: Option<&Payloads>, limits: &Limits) -> Option<Failure> {
    instead(details, limits, "Cancel details exceed size limit.")
}

/// RecordActivityTaskHeartbeat: the failure with which the activity fails if the details are too large; the answer is then
/// `cancel_requested`. RespondActivityTaskFailed: the failure in the answer if `last_heartbeat_details` are too large; they are
/// dropped.
pub fn heartbeat_too_large(details: Option<&Payloads>, limits: &Limits) -> Option<Failure> {
    instead(details, limits, "Heartbeat details exceed size limit.")
}

fn instead(payloads: Option<&Payloads>, limits: &Limits, message: &str) -> Option<Failure> {
    let size = payloads.map_or(0, Message::encoded_len);
    (size > limits.blob_size_max_bytes).then(|| server_failure(message, true, None))
}

/// RespondActivityTaskFailed and RespondWorkflowTaskFailed: replaces a failure that is too large by a non-retryable failure of
/// the server. Its cause is what fits of the original. Also returns it, for the activity's answer.
pub fn cut_failure(failure: &mut Option<Failure>, limits: &Limits) -> Option<Failure> {
    let large = failure.as_ref().filter(|failure| failure.encoded_len() > limits.blob_size_max_bytes)?;
    let cause = truncate(large, limits.blob_size_warn_bytes);
    *failure = Some(server_failure(FAILURE_TOO_LARGE, true, Some(cause)));
    failure.clone()
}

/// The part of its last failure that a retried activity keeps (`truncateRetryableActivityFailure`).
pub fn kept_failure(failure: &Failure, limits: &Limits) -> Failure {
    let longest = limits.activity_failure_max_bytes;
    if failure.encoded_len() <= longest.max(limits.activity_failure_warn_bytes) {
        return failure.clone();
    }
    server_failure(FAILURE_TOO_LARGE, false, Some(truncate(failure, longest)))
}

/// An answer to a query, direct or with a workflow task. One that is too large becomes a failed one; returns whether it is.
pub fn query_result(result: &mut WorkflowQueryResult, limits: &Limits) -> bool {
    let is_too_large = result.answer.as_ref().map_or(0, Message::encoded_len) > limits.blob_size_max_bytes;
    if is_too_large {
        *result = WorkflowQueryResult {
            result_type: QueryResultType::Failed as i32,
            error_message: BLOB_TOO_LARGE.to_owned(),
            ..WorkflowQueryResult::default()
        };
    }
    is_too_large
}

fn server_failure(message: &str, non_retryable: bool, cause: Option<Failure>) -> Failure {
    Failure {
        message: message.to_owned(),
        cause: cause.map(Box::new),
        failure_info: Some(FailureInfo::ServerFailureInfo(ServerFailureInfo { non_retryable })),
        ..Failure::default()
    }
}

/// The most important parts of a failure, in about this many bytes: its type, source, message and stack trace, then its causes.
/// Details are left out (`common/failure/failure.go`).
pub fn truncate(failure: &Failure, size_max_bytes: usize) -> Failure {
    Room(i64::try_from(size_max_bytes).unwrap_or(i64::MAX)).fill(failure, CAUSES_MAX)
}

/// The bytes that are left; negative if the last part did not quite fit.
struct Room(i64);

impl Room {
    /// What the encoding of a part takes in addition to its text.
    const OVERHEAD: i64 = 4;

    fn fill(mut self, failure: &Failure, causes: usize) -> Failure {
        let failure_info = match &failure.failure_info {
            Some(FailureInfo::ApplicationFailureInfo(info)) => {
                let (r#type, non_retryable) = (self.take(&info.r#type), info.non_retryable);
                self.0 -= 2 * Self::OVERHEAD;
                let kept = ApplicationFailureInfo { r#type, non_retryable, ..ApplicationFailureInfo::default() };
                Some(FailureInfo::ApplicationFailureInfo(kept))
            }
            Some(FailureInfo::ServerFailureInfo(info)) => {
                self.0 -= Self::OVERHEAD;
                Some(FailureInfo::ServerFailureInfo(*info))
            }
            _ => None,
        };
        let source = self.take(&failure.source);
        let message = self.take(&failure.message);
        let stack_trace = self.take(&failure.stack_trace);
        let rest = Self(self.0 - Self::OVERHEAD);
        let cause = failure.cause.as_ref().filter(|_| rest.0 > 0 && causes > 0);
        let cause = cause.map(|cause| Box::new(rest.fill(cause, causes - 1)));
        Failure { message, source, stack_trace, cause, failure_info, ..Failure::default() }
    }

    /// The first bytes of a text, cut between two characters.
    fn take(&mut self, text: &str) -> String {
        let mut end = usize::try_from(self.0).unwrap_or(0).min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        if end > 0 {
            self.0 -= i64::try_from(end).unwrap_or(i64::MAX) + Self::OVERHEAD;
        }
        text[..end].to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{common::Payload, failure::CanceledFailureInfo};

    fn application(kind: &str, delay: Option<(i64, i32)>) -> Failure {
        let next_retry_delay = delay.map(|(seconds, nanos)| prost_types::Duration { seconds, nanos });
        let info = ApplicationFailureInfo { r#type: kind.to_owned(), next_retry_delay, ..Default::default() };
        Failure { failure_info: Some(FailureInfo::ApplicationFailureInfo(info)), ..Failure::default() }
    }

    fn refused(text: &str) -> Result<()> {
        if text.is_empty() { Ok(()) } else { Err(Error::invalid(text)) }
    }

    #[test]
    fn failures_of_activities_are_checked() {
        let canceled = Failure {
            failure_info: Some(FailureInfo::CanceledFailureInfo(CanceledFailureInfo::default())),
            ..Failure::default()
        };
        let nested = Failure { cause: Some(Box::new(application("", Some((1, -1))))), ..application("", None) };
        let signs = "NextRetryDelay is not a valid duration: proto: duration (seconds:1 nanos:-1) has seconds and nanos with different signs";
        let cases = [
            (None, "i", ""),
            (Some(canceled), "i", "Failure must have ApplicationFailureInfo."),
            (Some(application("", Some((5, 0)))), "i", ""),
            (Some(nested), "i", signs),
            (
                Some(application("", Some((PROTO_SECONDS_MAX + 1, 0)))),
                "i",
                "NextRetryDelay is not a valid duration: proto: duration (seconds:315576000001) exceeds +10000 years",
            ),
            (None, &"i".repeat(1001), "Identity length exceeds limit."),
        ];
        for (failure, who, expected) in &cases {
            assert_eq!(activity_failed(failure.as_ref(), who, &Limits::default()), refused(expected));
            let by_id = if expected.starts_with("Failure") { "" } else { expected };
            assert_eq!(activity_failed_by_id(failure.as_ref(), who, &Limits::default()), refused(by_id));
        }
        assert_eq!(activity_by_id("w", ""), refused("ActivityId is not set on request."));
        assert_eq!(activity_by_id("", "a"), refused("WorkflowId is not set on request."));
    }

    #[test]
    fn what_is_too_large_becomes_a_failure() {
        let limits = Limits::default();
        let of = |size| Payloads { payloads: vec![Payload { data: vec![0; size], ..Payload::default() }] };
        assert_eq!(result_too_large(Some(&of(1)), &limits), None);
        let text = |failure: Option<Failure>| failure.unwrap_or_default().message;
        assert_eq!(text(result_too_large(Some(&of(3 << 20)), &limits)), "Complete result exceeds size limit.");
        assert_eq!(text(details_too_large(Some(&of(3 << 20)), &limits)), "Cancel details exceed size limit.");
        assert_eq!(text(heartbeat_too_large(Some(&of(3 << 20)), &limits)), "Heartbeat details exceed size limit.");

        let mut result = WorkflowQueryResult { result_type: 1, answer: Some(of(3 << 20)), ..Default::default() };
        query_result(&mut result, &limits);
        assert_eq!((result.result_type, result.error_message.as_str(), result.answer), (2, BLOB_TOO_LARGE, None));

        let mut small = Some(application("T", None));
        assert_eq!(cut_failure(&mut small, &limits), None);
        let mut large = Some(Failure { message: "é".repeat(2 << 20), ..application("T", None) });
        let told = cut_failure(&mut large, &limits).expect("a failure");
        assert_eq!(told.message, FAILURE_TOO_LARGE);
        let cause = told.cause.clone().expect("a failure");
        assert!(cause.message.len() > 500 << 10 && cause.encoded_len() <= 512 << 10, "{}", cause.encoded_len());
        assert_eq!(large, Some(told));
    }

    #[test]
    fn a_truncated_failure_keeps_what_matters() {
        let cause = Failure { message: "because".to_owned(), ..Failure::default() };
        let failure = Failure {
            message: "m".repeat(3000),
            stack_trace: "s".repeat(5000),
            source: "Rust".to_owned(),
            cause: Some(Box::new(cause)),
            ..application("Kind", None)
        };
        let kept = kept_failure(&failure, &Limits::default());
        assert_eq!(kept.message, FAILURE_TOO_LARGE);
        let inner = kept.cause.expect("a failure");
        assert_eq!((inner.source.as_str(), inner.message.len(), inner.cause.is_none()), ("Rust", 3000, true));
        // 4096 less type (4 + 4), its frame (8), source (4 + 4) and message (3000 + 4).
        assert_eq!(inner.stack_trace.len(), 4096 - 8 - 8 - 8 - 3004);
        let roomy = truncate(&failure, 20_000);
        assert_eq!(roomy.cause.expect("a failure").message, "because");
        assert_eq!(kept_failure(&application("Kind", None), &Limits::default()), application("Kind", None));
    }
}
