//! Calendars as people write them, field by field in text (`calendar.go`): `1-5/2,8`, `mon-fri`, `*`.

use std::ops::RangeInclusive;

use super::canonical::{FIRST_YEAR, LAST_YEAR};
use crate::proto::schedule::{CalendarSpec, Range, StructuredCalendarSpec};

const MONTHS: [&str; 12] =
    ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];
const WEEKDAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
/// Sunday, as some write it.
const SEVENTH_DAY: i64 = 7;

/// What a field's values are called.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    /// They have no names.
    None,
    /// Years: every year is written as no range at all.
    Years,
    Months,
    Weekdays,
}

/// One field of a calendar.
struct Field {
    name: &'static str,
    /// What it is if nothing is written.
    default: &'static str,
    bounds: RangeInclusive<i64>,
    names: Names,
}

const fn field(name: &'static str, default: &'static str, bounds: RangeInclusive<i64>, names: Names) -> Field {
    Field { name, default, bounds, names }
}

const SECOND: Field = field("Second", "0", 0..=59, Names::None);
const MINUTE: Field = field("Minute", "0", 0..=59, Names::None);
const HOUR: Field = field("Hour", "0", 0..=23, Names::None);
const DAY_OF_MONTH: Field = field("DayOfMonth", "*", 1..=31, Names::None);
const MONTH: Field = field("Month", "*", 1..=12, Names::Months);
const YEAR: Field = field("Year", "*", FIRST_YEAR as i64..=LAST_YEAR as i64, Names::Years);
const DAY_OF_WEEK: Field = field("DayOfWeek", "*", 0..=SEVENTH_DAY, Names::Weekdays);

/// Reads a calendar.
///
/// # Errors
/// The real server's text, of every field that is wrong.
pub(super) fn calendar(written: &CalendarSpec) -> Result<StructuredCalendarSpec, String> {
    let mut wrong = Vec::new();
    let mut read = |field: Field, text: &str| match field.ranges(text) {
        Ok(ranges) => ranges,
        Err(text) => {
            wrong.push(text);
            Vec::new()
        }
    };
    let structured = StructuredCalendarSpec {
        second: read(SECOND, &written.second),
        minute: read(MINUTE, &written.minute),
        hour: read(HOUR, &written.hour),
        day_of_week: read(DAY_OF_WEEK, &written.day_of_week),
        day_of_month: read(DAY_OF_MONTH, &written.day_of_month),
        month: read(MONTH, &written.month),
        year: read(YEAR, &written.year),
        comment: written.comment.clone(),
    };
    if wrong.is_empty() { Ok(structured) } else { Err(wrong.join(", ")) }
}

impl Field {
    fn ranges(&self, text: &str) -> Result<Vec<Range>, String> {
        let text = match text.trim() {
            "" => self.default,
            text => text,
        };
        let mut ranges = Vec::new();
        if text == "*" && self.names == Names::Years {
            return Ok(ranges);
        }
        for part in text.split(',') {
            self.read_part(part, &mut ranges)?;
        }
        Ok(ranges)
    }

    /// Reads `a`, `a-b`, `*`, each with `/step` or without.
    fn read_part(&self, part: &str, ranges: &mut Vec<Range>) -> Result<(), String> {
        let name = self.name;
        let (range, step) = match part.split_once('/') {
            Some((_, rest)) if rest.contains('/') => return Err(format!("{name} has too many slashes")),
            Some((_, "")) => return Err(format!("{name} missing step value")),
            Some((range, step)) => match atoi(step)? {
                ..1 => return Err(format!("{name} has invalid Step")),
                step => (range, Some(step)),
            },
            None => (part, None),
        };
        let (start, end) = self.bounds_of(range, step.is_some())?;
        self.push(start, end, step.unwrap_or(1), ranges);
        Ok(())
    }

    fn bounds_of(&self, range: &str, has_step: bool) -> Result<(i64, i64), String> {
        let (name, low, high) = (self.name, *self.bounds.start(), *self.bounds.end());
        if range == "*" {
            return Ok((low, high));
        }
        let Some((start, end)) = range.split_once('-') else {
            let start = self.value(range, low).ok_or_else(|| format!("{name} is not in range [{low}-{high}]"))?;
            // With a step, a single value goes on to the end.
            return Ok((start, if has_step { high } else { start }));
        };
        if end.contains('-') {
            return Err(format!("{name} has too many dashes"));
        }
        let start = self.value(start, low).ok_or_else(|| format!("{name} Start is not in range [{low}-{high}]"))?;
        let end = self.value(end, start);
        Ok((start, end.ok_or_else(|| format!("{name} End is before Start or not in range [{low}-{high}]"))?))
    }

    /// Adds a range, with the shortest values that mean it.
    fn push(&self, start: i64, mut end: i64, step: i64, ranges: &mut Vec<Range>) {
        if self.names == Names::Weekdays && end == SEVENTH_DAY {
            // The seventh day is day 0, which may need a range of its own.
            if (SEVENTH_DAY - start) % step == 0 && (step > 1 || start > 1) {
                ranges.push(Range::default());
                if start == SEVENTH_DAY {
                    return;
                }
            }
            end = SEVENTH_DAY - 1;
        }
        ranges.push(Range {
            start: start as i32,
            end: if start == end { 0 } else { end as i32 },
            step: if step == 1 { 0 } else { step as i32 },
        });
    }

    /// A number or a name, not below `low`.
    fn value(&self, text: &str, low: i64) -> Option<i64> {
        let lower = text.to_lowercase();
        let of = |names: &[&str], first: i64, letters_min: usize| {
            let index = names.iter().position(|name| name.starts_with(&lower)).filter(|_| text.len() >= letters_min)?;
            Some(first + i64::try_from(index).ok()?)
        };
        let named = match self.names {
            Names::Months => of(&MONTHS, 1, 3),
            Names::Weekdays => of(&WEEKDAYS, 0, 2),
            Names::None | Names::Years => None,
        };
        named.or_else(|| atoi(text).ok()).filter(|value| (low..=*self.bounds.end()).contains(value))
    }
}

/// Go's `strconv.Atoi`.
fn atoi(text: &str) -> Result<i64, String> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("strconv.Atoi: parsing {text:?}: invalid syntax"));
    }
    text.parse().map_err(|_| format!("strconv.Atoi: parsing {text:?}: value out of range"))
}
