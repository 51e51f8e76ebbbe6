//! Cron strings of schedules (`parseCronString` in `calendar.go`): five to seven fields, `@daily`, `@every 2h/5m`, each optionally
//! behind `CRON_TZ=` and before a comment. They mean less than those of cron workflows: both day fields must match.

use super::written;
use crate::{
    engine::rules::{spans, validate::duration},
    proto::schedule::{CalendarSpec, IntervalSpec, StructuredCalendarSpec},
};

/// What a cron string says.
pub(super) enum Meaning {
    Calendar(StructuredCalendarSpec),
    Interval(IntervalSpec),
}

/// Reads a cron string: what it says, and its time zone (empty for none).
///
/// # Errors
/// The real server's text.
pub(super) fn read(text: &str) -> Result<(Meaning, &str), String> {
    let mut text = text.trim();
    let mut zone = "";
    if text.starts_with("TZ=") || text.starts_with("CRON_TZ=") {
        let (before, fields) = text.split_once(' ').ok_or("CronString has time zone but missing fields")?;
        zone = before.split_once('=').map_or("", |(_, zone)| zone);
        text = fields;
    }
    let (fields, comment) = text.split_once('#').map_or((text, ""), |(fields, comment)| (fields, comment));
    let (fields, comment) = (fields.trim(), comment.trim());
    if fields.starts_with("@every") {
        // An interval needs no zone.
        return Ok((Meaning::Interval(interval(fields)?), ""));
    }
    let mut calendar = fields_of(predefined(fields))?;
    comment.clone_into(&mut calendar.comment);
    Ok((Meaning::Calendar(written::calendar(&calendar)?), zone))
}

fn interval(text: &str) -> Result<IntervalSpec, String> {
    let (_, spans) = text.split_once(' ').ok_or("CronString does not have interval after @every")?;
    let (interval, phase) = spans.split_once('/').unwrap_or((spans, ""));
    let interval = duration::from_nanos(spans::parse_nanos_with_days(interval)?);
    let phase = match phase {
        "" => None,
        phase => Some(duration::from_nanos(spans::parse_nanos_with_days(phase)?)),
    };
    Ok(IntervalSpec { interval: Some(interval), phase })
}

fn predefined(text: &str) -> &str {
    match text {
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * 0",
        "@daily" | "@midnight" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        fields => fields,
    }
}

fn fields_of(text: &str) -> Result<CalendarSpec, String> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let (second, of_minute, year) = match fields.as_slice() {
        [of_minute @ .., year] if fields.len() == 6 => ("", of_minute, *year),
        [second, of_minute @ .., year] if fields.len() == 7 => (*second, of_minute, *year),
        of_minute => ("", of_minute, ""),
    };
    let &[minute, hour, day_of_month, month, day_of_week] = of_minute else {
        return Err("CronString does not have 5-7 fields".to_owned());
    };
    Ok(CalendarSpec {
        second: second.to_owned(),
        minute: minute.to_owned(),
        hour: hour.to_owned(),
        day_of_month: day_of_month.to_owned(),
        month: month.to_owned(),
        year: year.to_owned(),
        day_of_week: day_of_week.to_owned(),
        comment: String::new(),
    })
}
