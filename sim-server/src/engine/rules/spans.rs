//! Spans of time as Go writes them (`time.ParseDuration`), and the days that Temporal adds
//! (`common/primitives/timestamp/parse_duration.go`).

const NANOS_PER_HOUR: i128 = 3_600_000_000_000;
/// Further digits are less than a nanosecond of an hour.
const FRACTION_DIGITS_MAX: usize = 18;

/// Reads `1h30m`, `1.5s`, `-2us`: nanoseconds.
///
/// # Errors
/// Go's text.
pub(crate) fn parse_nanos(text: &str) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration {text:?}");
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    match rest {
        "" => return Err(invalid()),
        "0" => return Ok(0),
        _ => {}
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let (amount, after) = take_amount(rest).ok_or_else(invalid)?;
        let (unit, after) = split_where(after, |letter| letter.is_ascii_digit() || letter == '.');
        let unit = match unit {
            "" => return Err(format!("time: missing unit in duration {text:?}")),
            unit => unit_nanos(unit).ok_or_else(|| format!("time: unknown unit {unit:?} in duration {text:?}"))?,
        };
        total = total.checked_add(amount_nanos(amount, unit).ok_or_else(invalid)?).ok_or_else(invalid)?;
        rest = after;
    }
    i64::try_from(sign * total).map_err(|_| invalid())
}

/// As [`parse_nanos`], and `d` is 24 hours.
///
/// # Errors
/// Go's text.
pub(crate) fn parse_nanos_with_days(text: &str) -> Result<i64, String> {
    let mut hours = String::with_capacity(text.len());
    for part in text.split_inclusive('d') {
        let Some(before) = part.strip_suffix('d') else {
            hours.push_str(part);
            continue;
        };
        let digits = before.len() - before.trim_end_matches(|letter: char| letter.is_ascii_digit()).len();
        let (mut from, whole) = (before.len() - digits, &before[..before.len() - digits]);
        if let Some(whole) = whole.strip_suffix('.') {
            let digits_before = whole.len() - whole.trim_end_matches(|letter: char| letter.is_ascii_digit()).len();
            if digits + digits_before > 0 {
                from = whole.len() - digits_before;
            }
        }
        match before[from..].parse::<f64>() {
            Ok(days) => {
                hours.push_str(&before[..from]);
                hours.push_str(&format!("{:.6}h", 24.0 * days));
            }
            Err(_) => hours.push_str(part),
        }
    }
    parse_nanos(&hours)
}

/// Takes a number off the front: what stands before and behind its point.
fn take_amount(text: &str) -> Option<((&str, &str), &str)> {
    let is_no_digit = |letter: char| !letter.is_ascii_digit();
    let (whole, after) = split_where(text, is_no_digit);
    let (fraction, after) = match after.strip_prefix('.') {
        Some(after) => split_where(after, is_no_digit),
        None => ("", after),
    };
    (!whole.is_empty() || !fraction.is_empty()).then_some(((whole, fraction), after))
}

fn amount_nanos((whole, fraction): (&str, &str), unit: i128) -> Option<i128> {
    let number = |digits: &str| if digits.is_empty() { Some(0) } else { digits.parse::<i128>().ok() };
    let fraction = &fraction[..fraction.len().min(FRACTION_DIGITS_MAX)];
    let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    number(whole)?.checked_mul(unit)?.checked_add(number(fraction)? * unit / scale)
}

fn unit_nanos(unit: &str) -> Option<i128> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => NANOS_PER_HOUR / 60,
        "h" => NANOS_PER_HOUR,
        _ => return None,
    })
}

fn split_where(text: &str, ends: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_go_reads_them() {
        let cases = [
            ("1h30m", Ok(5_400_000_000_000)),
            ("-1.5s", Ok(-1_500_000_000)),
            (".5h", Ok(1_800_000_000_000)),
            ("1.h", Ok(3_600_000_000_000)),
            ("0", Ok(0)),
            ("", Err("time: invalid duration \"\"")),
            ("x", Err("time: invalid duration \"x\"")),
            (".s", Err("time: invalid duration \".s\"")),
            ("5", Err("time: missing unit in duration \"5\"")),
            ("1s/3", Err("time: unknown unit \"s/\" in duration \"1s/3\"")),
            ("99999999h", Err("time: invalid duration \"99999999h\"")),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_nanos(text), expected.map_err(str::to_owned), "{text}");
        }
    }

    #[test]
    fn a_day_is_24_hours() {
        let hours = |hours: i64| Ok(hours * 3_600_000_000_000);
        for (text, expected) in
            [("1d", hours(24)), ("1.5d", hours(36)), ("1d2h", hours(26)), (".5d", hours(12)), ("2.d", hours(48))]
        {
            assert_eq!(parse_nanos_with_days(text), expected, "{text}");
        }
        assert_eq!(parse_nanos_with_days("d"), Err("time: invalid duration \"d\"".to_owned()));
    }
}
