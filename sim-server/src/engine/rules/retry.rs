//! Retry policies: their defaults and limits, what may be retried, and when the next attempt is due
//! (`common/retrypolicy/retry_policy.go`, `service/history/workflow/retry.go`, `RetryActivity` in `mutable_state_impl.go`).

use std::time::Duration;

use super::{names, validate::duration};
use crate::{
    engine::kernel::{
        error::{Error, Result},
        time::Time,
    },
    proto::{
        common::RetryPolicy,
        enums::{RetryState, TimeoutType},
        failure::{Failure, failure::FailureInfo},
    },
};

const TIMEOUT_PREFIX: &str = "TemporalTimeout:";
const INITIAL_INTERVAL_SECONDS: i64 = 1;
const MAXIMUM_INTERVAL_FACTOR: i64 = 100;
const BACKOFF_COEFFICIENT: f64 = 2.0;

/// Whose retry it is. The rules of activities and of workflows differ in two points; see [`backoff`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// An activity of a workflow.
    Activity,
    /// A workflow run.
    Workflow,
}

/// What becomes of an attempt that did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Another attempt, after this span.
    Retry(Duration),
    /// No other attempt, for this reason.
    Stop(RetryState),
}

/// Fills in the defaults: 1 s, times 2.0, at most 100 times the initial interval, no limit of attempts. Cuts intervals of more
/// than a hundred years.
pub fn normalise(policy: &mut RetryPolicy) {
    if duration::nanos(policy.initial_interval.as_ref()) == 0 {
        policy.initial_interval = Some(prost_types::Duration { seconds: INITIAL_INTERVAL_SECONDS, nanos: 0 });
    }
    if duration::nanos(policy.maximum_interval.as_ref()) == 0 {
        // Wraps as the real server's 64-bit nanoseconds do: `validate` then refuses an initial interval of some years.
        let longest = duration::nanos(policy.initial_interval.as_ref()).wrapping_mul(MAXIMUM_INTERVAL_FACTOR);
        policy.maximum_interval = Some(duration::from_nanos(longest));
    }
    if policy.backoff_coefficient == 0.0 {
        policy.backoff_coefficient = BACKOFF_COEFFICIENT;
    }
    for span in [&mut policy.initial_interval, &mut policy.maximum_interval].into_iter().flatten() {
        duration::cap(span);
    }
}

/// Refuses a policy that no retry could follow. A policy of one attempt passes whatever else it says.
pub fn validate(policy: &RetryPolicy) -> Result<()> {
    if policy.maximum_attempts == 1 {
        return Ok(());
    }
    if let Some(Err(reason)) = policy.initial_interval.as_ref().map(duration::check) {
        return Err(Error::invalid(format!("invalid InitialInterval set on retry policy: {reason}")));
    }
    if policy.backoff_coefficient < 1.0 {
        return Err(Error::invalid("BackoffCoefficient cannot be less than 1 on retry policy."));
    }
    if let Some(Err(reason)) = policy.maximum_interval.as_ref().map(duration::check) {
        return Err(Error::invalid(format!("invalid MaximumInterval set on retry policy: {reason}")));
    }
    let longest = duration::nanos(policy.maximum_interval.as_ref());
    if longest > 0 && longest < duration::nanos(policy.initial_interval.as_ref()) {
        return Err(Error::invalid("MaximumInterval cannot be less than InitialInterval on retry policy."));
    }
    if policy.maximum_attempts < 0 {
        return Err(Error::invalid("MaximumAttempts cannot be negative on retry policy."));
    }
    let timeouts = policy.non_retryable_error_types.iter().filter_map(|name| name.strip_prefix(TIMEOUT_PREFIX));
    match timeouts.into_iter().find(|name| !is_timeout_type(name)) {
        Some(name) => Err(Error::invalid(format!("Invalid timeout type value: {name}."))),
        None => Ok(()),
    }
}

fn is_timeout_type(name: &str) -> bool {
    let known = [TimeoutType::StartToClose, TimeoutType::ScheduleToStart, TimeoutType::ScheduleToClose, TimeoutType::Heartbeat];
    known.into_iter().any(|known| name == known.as_str_name() || name == names::timeout(known as i32))
}

/// Whether this failure permits another attempt. Cancellation, termination and the schedule-to-* timeouts do not;
/// timeouts are named `TemporalTimeout:StartToClose` and `TemporalTimeout:Heartbeat` in `non_retryable_types`.
pub fn is_retryable(failure: &Failure, non_retryable_types: &[String]) -> bool {
    match &failure.failure_info {
        Some(FailureInfo::TerminatedFailureInfo(_) | FailureInfo::CanceledFailureInfo(_)) => false,
        Some(FailureInfo::TimeoutFailureInfo(timeout)) => {
            let of_attempt = [TimeoutType::StartToClose as i32, TimeoutType::Heartbeat as i32].contains(&timeout.timeout_type);
            let name = format!("{TIMEOUT_PREFIX}{}", names::timeout(timeout.timeout_type));
            of_attempt && !non_retryable_types.contains(&name)
        }
        Some(FailureInfo::ServerFailureInfo(server)) => !server.non_retryable,
        Some(FailureInfo::ApplicationFailureInfo(application)) => {
            !application.non_retryable && !non_retryable_types.contains(&application.r#type)
        }
        _ => true,
    }
}

/// Whether and when attempt `attempt + 1` is due, after `attempt` ended at `now` with `failure` (`None`: no failure is known).
/// `expiration` is the end of the schedule-to-close timeout of an activity, or of the execution timeout of a workflow. An
/// attempt that would start then or later is not made.
///
/// Activities differ from workflows in two points: a schedule-to-start or schedule-to-close timeout stops them with
/// `Timeout` instead of `NonRetryableFailure`, and a failure's `next_retry_delay` may exceed the policy's longest interval.
pub fn backoff(
    policy: &RetryPolicy,
    attempt: i32,
    now: Time,
    expiration: Option<Time>,
    failure: Option<&Failure>,
    whose: Whose,
) -> Verdict {
    if let Some(failure) = failure {
        if whose == Whose::Activity && is_schedule_timeout(failure) {
            return Verdict::Stop(RetryState::Timeout);
        }
        if !is_retryable(failure, &policy.non_retryable_error_types) {
            return Verdict::Stop(RetryState::NonRetryableFailure);
        }
    }
    let attempt = attempt.max(1);
    if policy.maximum_attempts > 0 && attempt >= policy.maximum_attempts {
        return Verdict::Stop(RetryState::MaximumAttemptsReached);
    }

    let asked = failure.and_then(next_retry_delay);
    let mut interval = asked.unwrap_or_else(|| exponential(policy, attempt));
    let longest = match (whose, asked) {
        (Whose::Activity, Some(asked)) => asked,
        _ => duration::nanos(policy.maximum_interval.as_ref()),
    };
    if longest == 0 && interval <= 0 {
        return Verdict::Stop(RetryState::Timeout);
    }
    if longest != 0 && (interval <= 0 || interval > longest) {
        interval = longest;
    }
    let interval = Duration::from_nanos(u64::try_from(interval).unwrap_or(0));
    match expiration {
        // An attempt that is due exactly at the expiration is not made: the real server's clock has moved on a little by then.
        Some(expiration) if now + interval >= expiration => Verdict::Stop(RetryState::Timeout),
        _ => Verdict::Retry(interval),
    }
}

/// The interval before attempt `attempt + 1`, whatever ended the one before: zero if there is none.
pub fn interval(policy: &RetryPolicy, attempt: i32) -> Duration {
    let longest = duration::nanos(policy.maximum_interval.as_ref());
    let interval = exponential(policy, attempt);
    let interval = if longest != 0 && (interval <= 0 || interval > longest) { longest } else { interval };
    Duration::from_nanos(u64::try_from(interval).unwrap_or(0))
}

fn is_schedule_timeout(failure: &Failure) -> bool {
    let Some(FailureInfo::TimeoutFailureInfo(timeout)) = &failure.failure_info else { return false };
    [TimeoutType::ScheduleToStart as i32, TimeoutType::ScheduleToClose as i32].contains(&timeout.timeout_type)
}

fn next_retry_delay(failure: &Failure) -> Option<i64> {
    let Some(FailureInfo::ApplicationFailureInfo(application)) = &failure.failure_info else { return None };
    application.next_retry_delay.as_ref().map(|delay| duration::nanos(Some(delay)))
}

/// Nanoseconds before the attempt after `attempt`.
fn exponential(policy: &RetryPolicy, attempt: i32) -> i64 {
    let initial = duration::nanos(policy.initial_interval.as_ref()) as f64;
    // `as` saturates, and is zero for NaN.
    ((initial * power(policy.backoff_coefficient, attempt - 1)) as i64).max(0)
}

/// By repeated squaring, not the platform's `pow`, to get the same bits on every machine.
fn power(mut base: f64, mut exponent: i32) -> f64 {
    let mut product = 1.0;
    while exponent > 0 {
        if exponent & 1 == 1 {
            product *= base;
        }
        base *= base;
        exponent >>= 1;
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::failure::{ApplicationFailureInfo, CanceledFailureInfo, ServerFailureInfo, TimeoutFailureInfo};

    fn seconds(seconds: i64) -> Option<prost_types::Duration> {
        Some(prost_types::Duration { seconds, nanos: 0 })
    }

    fn failure(info: FailureInfo) -> Failure {
        Failure { failure_info: Some(info), ..Failure::default() }
    }

    fn application(kind: &str, non_retryable: bool, next_retry_delay: Option<i64>) -> Failure {
        failure(FailureInfo::ApplicationFailureInfo(ApplicationFailureInfo {
            r#type: kind.to_owned(),
            non_retryable,
            next_retry_delay: next_retry_delay.and_then(seconds),
            ..ApplicationFailureInfo::default()
        }))
    }

    fn timeout(timeout_type: TimeoutType) -> Failure {
        failure(FailureInfo::TimeoutFailureInfo(TimeoutFailureInfo {
            timeout_type: timeout_type as i32,
            ..TimeoutFailureInfo::default()
        }))
    }

    #[test]
    fn an_empty_policy_gets_the_defaults() {
        let mut policy = RetryPolicy::default();
        normalise(&mut policy);
        let expected = RetryPolicy {
            initial_interval: seconds(1),
            backoff_coefficient: 2.0,
            maximum_interval: seconds(100),
            maximum_attempts: 0,
            non_retryable_error_types: Vec::new(),
        };
        assert_eq!(policy, expected);
        assert_eq!(validate(&policy), Ok(()));
    }

    #[test]
    fn bad_policies_are_refused_with_the_real_text() {
        let base = || RetryPolicy { initial_interval: seconds(10), ..RetryPolicy::default() };
        let cases = [
            (RetryPolicy { backoff_coefficient: 0.5, ..base() }, "BackoffCoefficient cannot be less than 1 on retry policy."),
            (
                RetryPolicy { initial_interval: seconds(-1), ..base() },
                "invalid InitialInterval set on retry policy: negative duration",
            ),
            (
                RetryPolicy { maximum_interval: seconds(-1), ..base() },
                "invalid MaximumInterval set on retry policy: negative duration",
            ),
            (
                RetryPolicy { initial_interval: seconds(3 * 365 * 86400), ..base() },
                "invalid MaximumInterval set on retry policy: negative duration",
            ),
            (
                RetryPolicy { maximum_interval: seconds(5), ..base() },
                "MaximumInterval cannot be less than InitialInterval on retry policy.",
            ),
            (RetryPolicy { maximum_attempts: -1, ..base() }, "MaximumAttempts cannot be negative on retry policy."),
            (
                RetryPolicy { non_retryable_error_types: vec!["TemporalTimeout:Nope".to_owned()], ..base() },
                "Invalid timeout type value: Nope.",
            ),
            (
                RetryPolicy { non_retryable_error_types: vec!["TemporalTimeout:Unspecified".to_owned()], ..base() },
                "Invalid timeout type value: Unspecified.",
            ),
            (RetryPolicy { non_retryable_error_types: vec!["TemporalTimeout:Heartbeat".to_owned()], ..base() }, ""),
            (RetryPolicy { maximum_attempts: 1, backoff_coefficient: -3.0, ..base() }, ""),
        ];
        for (mut policy, expected) in cases {
            normalise(&mut policy);
            let outcome = if expected.is_empty() { Ok(()) } else { Err(Error::invalid(expected)) };
            assert_eq!(validate(&policy), outcome, "{policy:?}");
        }
    }

    #[test]
    fn some_failures_are_final() {
        let types = ["Fatal".to_owned(), "TemporalTimeout:Heartbeat".to_owned()];
        let cases = [
            (Failure::default(), true),
            (application("Other", false, None), true),
            (application("Fatal", false, None), false),
            (application("Other", true, None), false),
            (timeout(TimeoutType::StartToClose), true),
            (timeout(TimeoutType::Heartbeat), false),
            (timeout(TimeoutType::ScheduleToStart), false),
            (timeout(TimeoutType::ScheduleToClose), false),
            (failure(FailureInfo::CanceledFailureInfo(CanceledFailureInfo::default())), false),
            (failure(FailureInfo::ServerFailureInfo(ServerFailureInfo { non_retryable: true })), false),
            (failure(FailureInfo::ServerFailureInfo(ServerFailureInfo { non_retryable: false })), true),
        ];
        for (given, expected) in cases {
            assert_eq!(is_retryable(&given, &types), expected, "{given:?}");
        }
    }

    #[test]
    fn the_next_attempt_is_due_after_a_growing_span() {
        use Verdict::{Retry, Stop};
        use Whose::{Activity, Workflow};
        let policy = RetryPolicy {
            initial_interval: seconds(2),
            backoff_coefficient: 2.0,
            maximum_interval: seconds(10),
            maximum_attempts: 5,
            non_retryable_error_types: Vec::new(),
        };
        let plain = application("", false, None);
        let retry = |seconds| Retry(Duration::from_secs(seconds));
        let end = |seconds: i64| Some(Time::from_nanos(seconds * 1_000_000_000));
        let cases = [
            (1, None, plain.clone(), Activity, retry(2)),
            (2, None, plain.clone(), Activity, retry(4)),
            (3, None, plain.clone(), Workflow, retry(8)),
            (4, None, plain.clone(), Workflow, retry(10)),
            (5, None, plain.clone(), Workflow, Stop(RetryState::MaximumAttemptsReached)),
            (1, end(3), plain.clone(), Activity, retry(2)),
            (1, end(2), plain, Activity, Stop(RetryState::Timeout)),
            (1, None, application("", true, None), Activity, Stop(RetryState::NonRetryableFailure)),
            (1, None, application("", false, Some(3600)), Activity, retry(3600)),
            (1, None, application("", false, Some(3600)), Workflow, retry(10)),
            (1, None, application("", false, Some(0)), Activity, Stop(RetryState::Timeout)),
            (1, None, application("", false, Some(0)), Workflow, retry(10)),
            (1, None, timeout(TimeoutType::ScheduleToClose), Activity, Stop(RetryState::Timeout)),
            (1, None, timeout(TimeoutType::ScheduleToClose), Workflow, Stop(RetryState::NonRetryableFailure)),
        ];
        for (attempt, expiration, failure, whose, expected) in cases {
            assert_eq!(
                backoff(&policy, attempt, Time::EPOCH, expiration, Some(&failure), whose),
                expected,
                "{attempt} {failure:?}"
            );
        }
        let unlimited = RetryPolicy { maximum_attempts: 0, maximum_interval: None, ..policy };
        let far = backoff(&unlimited, i32::MAX, Time::EPOCH, None, None, Activity);
        assert_eq!(far, Retry(Duration::from_nanos(i64::MAX as u64)));
    }
}
