//! The canonical form of a spec, in which a schedule keeps and shows it (`canonicalizeSpec` and `CleanSpec` in `spec.go`): calendars
//! and cron strings become structured calendars and intervals.

use prost_types::Duration;

use super::{
    cron_string::{self, Meaning},
    written,
};
use crate::{
    engine::rules::validate::duration,
    proto::schedule::{IntervalSpec, Range, ScheduleSpec, StructuredCalendarSpec},
};

/// The first year that a calendar may name.
pub(super) const FIRST_YEAR: i32 = 2000;
/// The last year that a calendar may name, and in which a schedule acts.
pub(super) const LAST_YEAR: i32 = 2100;
/// In bytes.
const COMMENT_LENGTH_MAX: usize = 200;
const NANOS_PER_SEC: i64 = 1_000_000_000;
/// Ten thousand years, the longest valid span of a proto message.
const SPAN_SECONDS_MAX: i64 = 315_576_000_000;

/// Brings a spec into its canonical form.
///
/// # Errors
/// Why it is none: the real server's text.
pub(crate) fn canonicalise(spec: &mut ScheduleSpec) -> Result<(), String> {
    for calendar in std::mem::take(&mut spec.calendar) {
        spec.structured_calendar.push(written::calendar(&calendar)?);
    }
    for calendar in std::mem::take(&mut spec.exclude_calendar) {
        spec.exclude_structured_calendar.push(written::calendar(&calendar)?);
    }
    let conflict = || "conflicting timezone names".to_owned();
    let mut cron_zone: Option<String> = None;
    for text in std::mem::take(&mut spec.cron_string) {
        let (meaning, zone) = cron_string::read(&text)?;
        if cron_zone.as_ref().is_some_and(|before| before != zone) {
            return Err(conflict());
        }
        cron_zone = Some(zone.to_owned());
        match meaning {
            Meaning::Calendar(calendar) => spec.structured_calendar.push(calendar),
            Meaning::Interval(interval) => spec.interval.push(interval),
        }
    }
    if let Some(zone) = cron_zone.filter(|zone| !zone.is_empty()) {
        if !spec.timezone_name.is_empty() && spec.timezone_name != zone || !spec.timezone_data.is_empty() {
            return Err(conflict());
        }
        spec.timezone_name = zone;
    }
    spec.structured_calendar.iter().try_for_each(check_calendar)?;
    spec.interval.iter().try_for_each(check_interval)
}

fn check_calendar(calendar: &StructuredCalendarSpec) -> Result<(), String> {
    let mut wrong = Vec::new();
    let mut check = |ranges: &[Range], field: &str, low: i32, high: i32| {
        for range in ranges {
            if range.start < low || range.start > high {
                wrong.push(format!("{field} Start is not in range [{low}-{high}]"));
            }
            if range.end != 0 && (range.end < range.start || range.end > high) {
                wrong.push(format!("{field} End is before Start or not in range [{low}-{high}]"));
            }
            if range.step < 0 {
                wrong.push(format!("{field} has invalid Step"));
            }
        }
    };
    check(&calendar.second, "Second", 0, 59);
    check(&calendar.minute, "Minute", 0, 59);
    check(&calendar.hour, "Hour", 0, 23);
    check(&calendar.day_of_month, "DayOfMonth", 1, 31);
    check(&calendar.month, "Month", 1, 12);
    check(&calendar.year, "Year", FIRST_YEAR, LAST_YEAR);
    check(&calendar.day_of_week, "DayOfWeek", 0, 6);
    if calendar.comment.len() > COMMENT_LENGTH_MAX {
        wrong.push("comment is too long".to_owned());
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("invalid calendar spec: {}", wrong.join(", "))) }
}

fn check_interval(of: &IntervalSpec) -> Result<(), String> {
    let (interval, phase) = (duration::nanos(of.interval.as_ref()), duration::nanos(of.phase.as_ref()));
    let wrong = if interval < NANOS_PER_SEC {
        "interval is too small"
    } else if phase < 0 {
        "phase is negative"
    } else if phase >= interval {
        "phase cannot be greater than Interval"
    } else {
        return Ok(());
    };
    Err(wrong.to_owned())
}

/// The intervals as they come over the wire are spans (`validateScheduleIntervalDurations` in `workflow_handler.go`).
///
/// # Errors
/// Which is none: the real server's text.
pub(crate) fn check_spans(spec: &ScheduleSpec) -> Result<(), String> {
    for of in &spec.interval {
        for (what, span) in [("interval", of.interval), ("phase", of.phase)] {
            if let Some(wrong) = span.and_then(|span| invalid(&span)) {
                return Err(format!("{what} is not a valid duration: {wrong}"));
            }
        }
    }
    Ok(())
}

/// Why it is no valid span (`CheckValid` in `durationpb`).
fn invalid(span: &Duration) -> Option<String> {
    let &Duration { seconds, nanos } = span;
    let why = if seconds < -SPAN_SECONDS_MAX {
        "exceeds -10000 years"
    } else if seconds > SPAN_SECONDS_MAX {
        "exceeds +10000 years"
    } else if i64::from(nanos) <= -NANOS_PER_SEC || i64::from(nanos) >= NANOS_PER_SEC {
        "has out-of-range nanos"
    } else if seconds > 0 && nanos < 0 || seconds < 0 && nanos > 0 {
        "has seconds and nanos with different signs"
    } else {
        return None;
    };
    let parts = [("seconds", seconds), ("nanos", i64::from(nanos))].into_iter().filter(|(_, value)| *value != 0);
    let shown: Vec<String> = parts.map(|(name, value)| format!("{name}:{value}")).collect();
    // Go puts a hard space there, so that nobody reads the text by machine.
    Some(format!("proto:\u{a0}duration ({}) {why}", shown.join("  ")))
}

/// Writes out what ranges leave open, as answers show them.
pub(crate) fn complete(spec: &mut ScheduleSpec) {
    for calendar in spec.structured_calendar.iter_mut().chain(&mut spec.exclude_structured_calendar) {
        let fields = [
            &mut calendar.second,
            &mut calendar.minute,
            &mut calendar.hour,
            &mut calendar.day_of_month,
            &mut calendar.month,
            &mut calendar.year,
            &mut calendar.day_of_week,
        ];
        for range in fields.into_iter().flatten() {
            range.end = range.end.max(range.start);
            if range.step == 0 {
                range.step = 1;
            }
        }
    }
}
