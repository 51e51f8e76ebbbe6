//! Cron schedules of workflows, as `robfig/cron` 3.0.1 interprets them, which is what the real server uses
//! (`common/backoff/cron.go`). No cron crate has the same meaning (a bare star in a day field, no `7` for Sunday, `@every`,
//! `CRON_TZ=`), so the fields are read here. The calendars are jiff's, with its bundled time zones.

use std::{ops::RangeInclusive, time::Duration};

use jiff::{Timestamp, ToSpan, civil::DateTime, tz::TimeZone};

use super::{spans, zones};
use crate::engine::kernel::{
    error::{Error, Result},
    time::Time,
};

const NANOS_PER_SEC: i64 = 1_000_000_000;
/// How far a schedule is searched for its next time.
const SEARCH_YEARS: i16 = 5;

const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// When a cron workflow runs.
#[derive(Clone, Debug)]
pub struct Schedule(Kind);

#[derive(Clone, Debug)]
enum Kind {
    /// `@every`: this many seconds after the last time.
    Every(i64),
    Calendar(Calendar),
}

/// Sets of minutes, hours and so on, as bits, in a time zone.
#[derive(Clone, Debug)]
struct Calendar {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// A star in either day field: both must match. Otherwise one of them is enough.
    has_day_star: bool,
    zone: TimeZone,
}

/// Reads a schedule of five fields or a descriptor, optionally after `CRON_TZ=` or `TZ=`. Without a zone it is UTC.
///
/// # Errors
/// `InvalidArgument` with the real server's text, also for a schedule that never comes due, such as the 30th of February.
pub fn parse(text: &str) -> Result<Schedule> {
    let schedule = read(text).ok_or_else(|| Error::invalid("invalid CronSchedule."))?;
    if schedule.next(0).is_none() {
        return Err(Error::invalid("invalid CronSchedule, no time can be found to satisfy the schedule"));
    }
    Ok(schedule)
}

impl Schedule {
    /// The span from `closed` until the next run is due: the first time of the schedule after `started` that is not before
    /// `closed`, in whole seconds, rounded up. `started` is when the last run was due (its execution time); at the start of
    /// a chain both are the time of the start. `None`: never again.
    pub fn next_backoff(&self, started: Time, closed: Time) -> Option<Duration> {
        let span = if closed < started {
            started.since(closed)
        } else {
            let (start, end) = (started.as_nanos().div_euclid(NANOS_PER_SEC), ceil_seconds(closed));
            let next = match &self.0 {
                Kind::Every(period) => {
                    let first = start.saturating_add(*period);
                    let missed = end.saturating_sub(first).max(0);
                    first.saturating_add((missed + period - 1) / period * period)
                }
                Kind::Calendar(calendar) => calendar.next(start.max(end - 1))?,
            };
            Time::from_nanos(next.saturating_mul(NANOS_PER_SEC)).since(closed)
        };
        let whole = span.as_secs() + u64::from(span.subsec_nanos() > 0);
        Some(Duration::from_secs(whole))
    }

    /// The first time after this one, both in seconds since the epoch.
    fn next(&self, after: i64) -> Option<i64> {
        match &self.0 {
            Kind::Every(period) => Some(after.saturating_add(*period)),
            Kind::Calendar(calendar) => calendar.next(after),
        }
    }
}

impl Calendar {
    /// Walks real time, and jumps over months, days and hours that do not match. An hour that the clocks skip never matches,
    /// and one that they repeat matches twice.
    fn next(&self, after: i64) -> Option<i64> {
        let mut second = after + 1;
        let mut now = self.local(second)?;
        let last_year = now.year() + SEARCH_YEARS;
        while now.year() <= last_year {
            let into_hour = i64::from(now.minute()) * 60 + i64::from(now.second());
            second = if !contains(self.months, now.month()) {
                self.midnight(now.first_of_month().checked_add(1.month()).ok()?)?
            } else if !self.day_matches(now) {
                self.midnight(now.checked_add(1.day()).ok()?)?
            } else if !contains(self.hours, now.hour()) {
                second + 3600 - into_hour
            } else if !contains(self.minutes, now.minute()) || now.second() != 0 {
                second + 60 - i64::from(now.second())
            } else {
                return Some(second);
            };
            now = self.local(second)?;
        }
        None
    }

    fn day_matches(&self, now: DateTime) -> bool {
        let of_month = contains(self.days, now.day());
        let of_week = contains(self.weekdays, now.weekday().to_sunday_zero_offset());
        if self.has_day_star { of_month && of_week } else { of_month || of_week }
    }

    fn local(&self, second: i64) -> Option<DateTime> {
        Timestamp::from_second(second).ok().map(|at| self.zone.to_datetime(at))
    }

    /// When this day starts. If the clocks skip midnight, it is when they go on.
    fn midnight(&self, day: DateTime) -> Option<i64> {
        self.zone.to_timestamp(day.start_of_day()).ok().map(Timestamp::as_second)
    }
}

fn ceil_seconds(time: Time) -> i64 {
    let nanos = time.as_nanos();
    nanos.div_euclid(NANOS_PER_SEC) + i64::from(nanos.rem_euclid(NANOS_PER_SEC) > 0)
}

fn contains(set: u64, member: i8) -> bool {
    set >> member & 1 == 1
}

fn read(text: &str) -> Option<Schedule> {
    let (zone, text) = match text.strip_prefix("CRON_TZ=").or_else(|| text.strip_prefix("TZ=")) {
        Some(zoned) => {
            let (name, text) = zoned.split_once(' ')?;
            (zones::named(name)?, text.trim())
        }
        None => (TimeZone::UTC, text),
    };
    if let Some(period) = text.strip_prefix("@every ") {
        let seconds = spans::parse_nanos(period).ok()? / NANOS_PER_SEC;
        return Some(Schedule(Kind::Every(seconds.max(1))));
    }
    let fields = match text {
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * 0",
        "@daily" | "@midnight" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        fields => fields,
    };
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let &[minutes, hours, days, months, weekdays] = fields.as_slice() else { return None };
    let (days, day_star) = field(days, 1..=31, 1, &[])?;
    let (weekdays, weekday_star) = field(weekdays, 0..=6, 0, WEEKDAYS)?;
    Some(Schedule(Kind::Calendar(Calendar {
        minutes: field(minutes, 0..=59, 0, &[])?.0,
        hours: field(hours, 0..=23, 0, &[])?.0,
        days,
        months: field(months, 1..=12, 1, MONTHS)?.0,
        weekdays,
        has_day_star: day_star || weekday_star,
        zone,
    })))
}

/// The members of a field as bits, and whether it has a plain star. `names` are the names of the members from `first_named` on.
fn field(text: &str, bounds: RangeInclusive<u32>, first_named: u32, names: &[&str]) -> Option<(u64, bool)> {
    let (mut members, mut has_star) = (0, false);
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(number(step)?)),
            None => (part, None),
        };
        let (low, high) = range.split_once('-').map_or((range, None), |(low, high)| (low, Some(high)));
        let is_star = matches!(low, "*" | "?");
        let named = |text: &str| match names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
            Some(index) => u32::try_from(index).ok().map(|index| first_named + index),
            None => number(text),
        };
        let (start, end) = match (is_star, high) {
            (true, _) => (*bounds.start(), *bounds.end()),
            (false, None) if step.is_some() => (named(low)?, *bounds.end()),
            (false, None) => (named(low)?, named(low)?),
            (false, Some(high)) => (named(low)?, named(high)?),
        };
        let step = step.unwrap_or(1);
        if !bounds.contains(&start) || !bounds.contains(&end) || start > end || step == 0 {
            return None;
        }
        has_star |= is_star && step == 1;
        members = (start..=end).step_by(usize::try_from(step).ok()?).fold(members, |members, member| members | 1 << member);
    }
    Some((members, has_star))
}

fn number(text: &str) -> Option<u32> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        Time::from_nanos(i64::try_from(text.parse::<Timestamp>().expect("a timestamp").as_nanosecond()).expect("within range"))
    }

    /// The run that follows one that was due at `started` and closed at `closed`.
    fn next(schedule: &str, started: &str, closed: &str) -> String {
        let span = parse(schedule).expect("a schedule").next_backoff(at(started), at(closed)).expect("a next run");
        Timestamp::from_nanosecond(i128::from((at(closed) + span).as_nanos())).expect("within range").to_string()
    }

    #[test]
    fn bad_schedules_are_refused() {
        let never = "invalid CronSchedule, no time can be found to satisfy the schedule";
        let bad = "invalid CronSchedule.";
        let cases = [
            ("", bad),
            ("nope", bad),
            ("* * * *", bad),
            ("* * * * * *", bad),
            ("60 * * * *", bad),
            ("* * 0 * *", bad),
            ("* * * * 7", bad),
            ("* * * 13 *", bad),
            ("5-1 * * * *", bad),
            ("*/0 * * * *", bad),
            ("1-2-3 * * * *", bad),
            ("1/2/3 * * * *", bad),
            ("-5 * * * *", bad),
            ("@fortnightly", bad),
            ("@every", bad),
            ("@every 1", bad),
            ("@every 1x", bad),
            ("CRON_TZ=Nowhere/City * * * * *", bad),
            ("CRON_TZ=europe/berlin * * * * *", bad),
            ("CRON_TZ=Europe/Berlin", bad),
            ("0 0 30 2 *", never),
            (", * * * *", never),
        ];
        for (schedule, expected) in cases {
            assert_eq!(parse(schedule).map(drop), Err(Error::invalid(expected)), "{schedule}");
        }
    }

    #[test]
    fn the_next_time_is_found() {
        let start = "2026-01-15T10:20:30.5Z";
        let cases = [
            ("* * * * *", "2026-01-15T10:21:00Z"),
            ("? ? ? ? ?", "2026-01-15T10:21:00Z"),
            ("*/15 * * * *", "2026-01-15T10:30:00Z"),
            ("5/20 * * * *", "2026-01-15T10:25:00Z"),
            ("0 9-17/4 * * *", "2026-01-15T13:00:00Z"),
            ("0 0 1,20 * *", "2026-01-20T00:00:00Z"),
            ("0 0 * feb MON", "2026-02-02T00:00:00Z"),
            // Both day fields are set: one match is enough. 2026-01-16 is a Friday.
            ("0 0 20 * fri", "2026-01-16T00:00:00Z"),
            // A stepped star does not count as a star: one match is enough. 2026-01-19 is a Monday.
            ("0 0 */31 * mon", "2026-01-19T00:00:00Z"),
            ("0 0 29 2 *", "2028-02-29T00:00:00Z"),
            ("@hourly", "2026-01-15T11:00:00Z"),
            ("@daily", "2026-01-16T00:00:00Z"),
            ("@weekly", "2026-01-18T00:00:00Z"),
            ("@monthly", "2026-02-01T00:00:00Z"),
            ("@yearly", "2027-01-01T00:00:00Z"),
            ("@every 1h30m", "2026-01-15T11:50:30.5Z"),
            ("@every 1.9s", "2026-01-15T10:20:31.5Z"),
            ("@every -5m", "2026-01-15T10:20:31.5Z"),
            ("CRON_TZ=America/New_York 30 5 * * *", "2026-01-15T10:30:00Z"),
            ("TZ=Asia/Kolkata @daily", "2026-01-15T18:30:00Z"),
        ];
        for (schedule, expected) in cases {
            // Whole seconds are counted from the start of the closing second, and rounded up.
            let found = next(schedule, start, start);
            let expected = at(expected) + Duration::from_millis(if expected.contains('.') { 0 } else { 500 });
            assert_eq!(at(&found), expected, "{schedule}");
        }
    }

    #[test]
    fn a_run_that_takes_long_misses_times() {
        let (start, close) = ("2026-01-15T10:00:00Z", "2026-01-15T10:25:00Z");
        assert_eq!(next("*/10 * * * *", start, close), "2026-01-15T10:30:00Z");
        assert_eq!(next("@every 10m", start, close), "2026-01-15T10:30:00Z");
        assert_eq!(next("*/5 * * * *", start, close), close);
        assert_eq!(next("*/5 * * * *", start, start), "2026-01-15T10:05:00Z");
        assert_eq!(next("@every 5m", start, close), close);
        // Closed before it was due (a start delay): it is due as before.
        assert_eq!(next("*/10 * * * *", close, start), close);
    }

    #[test]
    fn clocks_that_change_leave_out_or_repeat() {
        let berlin = "CRON_TZ=Europe/Berlin 30 2 * * *";
        // 2026-03-29 has no 02:30 in Berlin; 2026-10-25 has two.
        assert_eq!(next(berlin, "2026-03-28T01:30:00Z", "2026-03-28T01:30:00Z"), "2026-03-30T00:30:00Z");
        assert_eq!(next(berlin, "2026-10-24T00:30:00Z", "2026-10-24T00:30:00Z"), "2026-10-25T00:30:00Z");
        assert_eq!(next(berlin, "2026-10-25T00:30:00Z", "2026-10-25T00:30:00Z"), "2026-10-25T01:30:00Z");
        // 2018-11-04 has no midnight in Sao Paulo.
        let sao_paulo = "CRON_TZ=America/Sao_Paulo 0 0 * * *";
        assert_eq!(next(sao_paulo, "2018-11-03T03:00:00Z", "2018-11-03T03:00:00Z"), "2018-11-05T02:00:00Z");
    }
}
