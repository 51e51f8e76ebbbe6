//! The waits between the attempts of an activity, as far as its history shows them.

use std::time::Duration;

use foretime_server::{
    engine::time::span,
    proto::{
        common::RetryPolicy,
        failure::{Failure, failure::FailureInfo},
    },
};

/// What rounding may take from a wait that was computed in floating point.
const ROUNDING: Duration = Duration::from_micros(1);

/// The least wait before `attempt`, if it is known.
///
/// A history has only the last failure of an activity, and any failure may itself set when the next attempt is due. So only the
/// wait after the last failure is known. For the second attempt that is the whole wait; for later ones it is a lower bound.
pub(super) fn known_wait(policy: &RetryPolicy, attempt: i32, last_failure: Option<&Failure>) -> Option<Duration> {
    if attempt < 2 {
        return None;
    }
    match last_failure.and_then(|failure| failure.failure_info.as_ref()) {
        // It may replace a failure that was too large and that set when the next attempt is due.
        Some(FailureInfo::ServerFailureInfo(_)) => None,
        Some(FailureInfo::ApplicationFailureInfo(application)) if application.next_retry_delay.is_some() => {
            Some(span(application.next_retry_delay.as_ref()))
        }
        _ => Some(exponential(policy, attempt - 1)),
    }
}

/// The wait after `attempt` that the policy asks for.
fn exponential(policy: &RetryPolicy, attempt: i32) -> Duration {
    let initial = span(policy.initial_interval.as_ref());
    let longest = span(policy.maximum_interval.as_ref());
    let factor = policy.backoff_coefficient.powi(attempt - 1);
    let grown = Duration::try_from_secs_f64(initial.as_secs_f64() * factor).unwrap_or(longest);
    let wait = if longest.is_zero() { grown } else { grown.min(longest) };
    wait.saturating_sub(ROUNDING)
}
