//! Timeouts as they come over the wire: negative ones are refused, very long ones are cut.

use prost_types::Duration;

/// A hundred years. A longer timeout is cut to this (`common/primitives/timestamp/duration.go`).
pub(crate) const LONGEST_SECONDS: i64 = 100 * 365 * 24 * 3600;

const NANOS_PER_SEC: i64 = 1_000_000_000;

/// Nanoseconds, saturated, which is how Go reads a proto duration; absent is zero.
pub(crate) fn nanos(span: Option<&Duration>) -> i64 {
    span.map_or(0, |span| span.seconds.saturating_mul(NANOS_PER_SEC).saturating_add(i64::from(span.nanos)))
}

/// Nanoseconds of a span that is not from the wire.
pub(crate) fn std_nanos(span: std::time::Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}

/// The span of this many nanoseconds.
pub(crate) fn from_nanos(nanos: i64) -> Duration {
    Duration { seconds: nanos / NANOS_PER_SEC, nanos: i32::try_from(nanos % NANOS_PER_SEC).unwrap_or(0) }
}

/// Refuses a negative span with the real server's reason, and cuts one of more than a hundred years.
pub(crate) fn check_and_cap(span: Option<&mut Duration>) -> Result<(), &'static str> {
    let Some(span) = span else { return Ok(()) };
    check(span)?;
    cap(span);
    Ok(())
}

/// The refusing half of [`check_and_cap`].
pub(crate) fn check(span: &Duration) -> Result<(), &'static str> {
    if (span.seconds > 0 && span.nanos < 0) || (span.seconds < 0 && span.nanos > 0) {
        return Err("duration has seconds and nanos with different signs");
    }
    if nanos(Some(span)) < 0 {
        return Err("negative duration");
    }
    Ok(())
}

/// The cutting half of [`check_and_cap`].
pub(crate) fn cap(span: &mut Duration) {
    if nanos(Some(span)) > LONGEST_SECONDS * NANOS_PER_SEC {
        *span = Duration { seconds: LONGEST_SECONDS, nanos: 0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_spans_are_refused_and_long_ones_cut() {
        let span = |seconds, nanos| Duration { seconds, nanos };
        let cases = [
            (span(-1, 0), Err("negative duration")),
            (span(0, -1), Err("negative duration")),
            (span(1, -1), Err("duration has seconds and nanos with different signs")),
            (span(0, 0), Ok(span(0, 0))),
            (span(LONGEST_SECONDS, 0), Ok(span(LONGEST_SECONDS, 0))),
            (span(LONGEST_SECONDS, 1), Ok(span(LONGEST_SECONDS, 0))),
            (span(i64::MAX, 999_999_999), Ok(span(LONGEST_SECONDS, 0))),
        ];
        for (mut given, expected) in cases {
            let shown = given;
            let outcome = check_and_cap(Some(&mut given)).map(|()| given);
            assert_eq!(outcome, expected, "{shown:?}");
        }
        assert_eq!(check_and_cap(None), Ok(()));
    }
}
