//! Instants and spans as JSON has had them over the years, as seconds and nanoseconds.

use jiff::Timestamp;

const NANOS_IN_SECOND: i128 = 1_000_000_000;

/// An instant: `2026-11-30T14:49:30.731955280Z`, in any time zone.
pub(super) fn timestamp(text: &str) -> Option<(i64, i32)> {
    let nanos = text.parse::<Timestamp>().ok()?.as_nanosecond();
    // The nanoseconds of an instant count forward even before 1970.
    Some((nanos.div_euclid(NANOS_IN_SECOND).try_into().ok()?, nanos.rem_euclid(NANOS_IN_SECOND).try_into().ok()?))
}

/// A span: `30s`, `1.5s`, `-1s`, and as Go prints them, `1h0m30s` and `250ms`.
pub(super) fn duration(text: &str) -> Option<(i64, i32)> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    if rest == "0" {
        return Some((0, 0));
    }
    let mut nanos: i128 = 0;
    loop {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, unit_and_more) = rest.split_at(digits);
        let next = unit_and_more.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(unit_and_more.len());
        let (unit, more) = unit_and_more.split_at(next);
        nanos = nanos.checked_add(in_nanos(number, unit_nanos(unit)?)?)?;
        if more.is_empty() {
            let seconds = nanos / NANOS_IN_SECOND;
            return i64::try_from(seconds).is_ok().then(|| of_nanos(sign * nanos));
        }
        rest = more;
    }
}

/// Nanoseconds as seconds and nanoseconds, both with the same sign.
pub(super) fn of_nanos(nanos: i128) -> (i64, i32) {
    let seconds = i64::try_from(nanos / NANOS_IN_SECOND).unwrap_or(i64::MAX);
    (seconds, i32::try_from(nanos % NANOS_IN_SECOND).unwrap_or_default())
}

fn unit_nanos(unit: &str) -> Option<i128> {
    Some(match unit {
        "h" => 3600 * NANOS_IN_SECOND,
        "m" => 60 * NANOS_IN_SECOND,
        "s" => NANOS_IN_SECOND,
        "ms" => 1_000_000,
        "us" | "µs" | "μs" => 1_000,
        "ns" => 1,
        _ => return None,
    })
}

/// A decimal number of units; what is less than a nanosecond is cut off.
fn in_nanos(number: &str, unit_nanos: i128) -> Option<i128> {
    const FRACTION_DIGITS_MAX: usize = 18;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let nanos = whole.checked_mul(unit_nanos)?;
    if fraction.is_empty() {
        return number.bytes().any(|byte| byte.is_ascii_digit()).then_some(nanos);
    }
    let fraction = &fraction[..fraction.len().min(FRACTION_DIGITS_MAX)];
    let parts: i128 = fraction.parse().ok()?;
    let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    nanos.checked_add(parts * unit_nanos / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_in_all_forms() {
        let spans = ["0s", "30s", "1.5s", "-1.5s", "10.000000000s", "1h0m30s", "250ms", "1µs", "0"];
        let seen = spans.map(|span| duration(span).unwrap());
        let expected = [(0, 0), (30, 0), (1, 500_000_000), (-1, -500_000_000), (10, 0), (3630, 0), (0, 250_000_000), (0, 1000)];
        assert_eq!(seen[..8], expected);
        assert_eq!(["", "s", "30", "3x", ".s", "99999999999999999999s"].map(duration), [None; 6]);
    }

    #[test]
    fn instants_are_read_in_all_time_zones() {
        assert_eq!(timestamp("1970-01-01T00:00:01.5Z"), Some((1, 500_000_000)));
        assert_eq!(timestamp("1970-01-01T01:00:00+01:00"), Some((0, 0)));
        assert_eq!(timestamp("1969-12-31T23:59:59.5Z"), Some((-1, 500_000_000)));
        assert_eq!(timestamp("yesterday"), None);
    }
}
