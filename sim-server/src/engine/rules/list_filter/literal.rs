//! What columns are compared with: the values of literals, and of texts that stand for durations and instants.

use std::fmt;

use super::tree::LiteralKind;
use crate::{
    engine::rules::{instants::Instant, names, spans},
    proto::enums::WorkflowExecutionStatus as Status,
};

/// A value in a query.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Int(i64),
    Double(f64),
    Bool(bool),
    List(Vec<Value>),
}

impl Value {
    /// The value of a literal; `None` if it has none, as `0x10`.
    pub(super) fn of(kind: LiteralKind, text: &str) -> Option<Self> {
        if kind == LiteralKind::String {
            // The real server takes away every quote at the ends, not only those around.
            return Some(Self::Text(text.trim_matches('\'').to_owned()));
        }
        if let Ok(value) = text.parse() {
            return Some(Self::Int(value));
        }
        let is_number =
            !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
        let value = text.parse::<f64>().ok().filter(|value| is_number && value.is_finite())?;
        Some(Self::Double(value))
    }

    pub(super) fn negated(self) -> Self {
        match self {
            Self::Int(value) => Self::Int(value.wrapping_neg()),
            Self::Double(value) => Self::Double(-value),
            other => other,
        }
    }

    /// The name of its type in Go.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Text(_) => "string",
            Self::Int(_) => "int64",
            Self::Double(_) => "float64",
            Self::Bool(_) => "bool",
            Self::List(_) => "[]interface {}",
        }
    }

    /// As Go's `%#v` has it.
    pub(super) fn as_source(&self) -> String {
        match self {
            Self::Text(text) => names::quoted(text),
            other => other.to_string(),
        }
    }
}

/// As Go's `%v` has it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Int(value) => write!(f, "{value}"),
            Self::Double(value) => f.write_str(&names::float(*value)),
            Self::Bool(value) => write!(f, "{value}"),
            Self::List(values) => {
                let values: Vec<_> = values.iter().map(ToString::to_string).collect();
                write!(f, "[{}]", values.join(" "))
            }
        }
    }
}

/// The status of this name: in full, or as `ContinuedAsNew`.
pub(super) fn status(name: &str) -> Option<Status> {
    (0..)
        .map_while(|number| Status::try_from(number).ok())
        .find(|&status| name == status.as_str_name() || name == names::status(status))
}

/// An instant in microseconds since the epoch, cut to them.
pub(super) fn micros(text: &str) -> Option<i64> {
    i64::try_from(Instant::read(text)?.nanos()?.div_euclid(1000)).ok()
}

/// A payload's instant in milliseconds since the epoch, as SQLite's `strftime` rounds it.
pub(super) fn millis(text: &str) -> Option<i64> {
    let millis = (Instant::read(text)?.nanos()? + 500_000).div_euclid(1_000_000);
    i64::try_from(millis).ok()
}

/// A duration in nanoseconds: a number of them, or as Go writes it with days besides, as `1d2h`, or `hh:mm:ss`.
pub(super) fn nanos(text: &str) -> Option<i64> {
    text.parse().ok().or_else(|| spans::parse_nanos_with_days(text).ok()).or_else(|| clock_duration(text))
}

/// As Go scans it: blanks may stand before each number, and anything behind the last.
fn clock_duration(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut part = |end: Option<char>| {
        rest = rest.trim_start_matches(' ');
        let unsigned = rest.strip_prefix(['+', '-']).unwrap_or(rest);
        let length = unsigned.find(|c: char| !c.is_ascii_digit()).unwrap_or(unsigned.len());
        let (number, tail) = rest.split_at(rest.len() - unsigned.len() + length);
        rest = end.map_or(Some(tail), |end| tail.strip_prefix(end))?;
        number.parse::<i64>().ok().filter(|part| *part >= 0)
    };
    let (hours, minutes, seconds) = (part(Some(':'))?, part(Some(':'))?, part(None)?);
    let seconds = (minutes < 60 && seconds < 60).then_some((hours * 60 + minutes) * 60 + seconds)?;
    seconds.checked_mul(1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_or_units_or_clocks() {
        let hour = 3_600_000_000_000;
        for (text, expected) in [
            ("5", Some(5)),
            ("1h", Some(hour)),
            ("1d", Some(24 * hour)),
            ("1h30m", Some(hour + hour / 2)),
            ("-1.5h", Some(-hour - hour / 2)),
            ("01:00:00", Some(hour)),
            ("100:00:01", Some(100 * hour + 1_000_000_000)),
            ("01:60:00", None),
            ("soon", None),
            ("", None),
            ("1", Some(1)),
            ("1.5", None),
            ("300ms", Some(300_000_000)),
            ("h", None),
        ] {
            assert_eq!(nanos(text), expected, "{text}");
        }
    }
}
