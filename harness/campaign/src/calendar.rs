//! The days on which code that looks at the calendar goes wrong. A run begins on one of them, drawn from its tape.
//!
//! Most begin shortly before something: a midnight or the end of a month somewhere, the hour at which clocks change. What the run
//! does first, and what it does again after a fault, then falls on two sides of it. Zones are those of the database that is
//! compiled in, so a seed is the same everywhere.

use std::time::Duration;

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, DateTime, date},
    tz::{TimeZone, TimeZoneDatabase},
};

use crate::{
    choices::{Choices, Label},
    time::Start,
};

/// How many kinds of days there are. Their numbers never change, because seeds depend on them.
const KINDS: u64 = 8;
/// The longest time from the start of a run to what it begins shortly before.
const BEFORE_MAX: Duration = Duration::from_secs(60 * 60);
/// The shortest.
const BEFORE_MIN: Duration = Duration::from_secs(1);

/// Where midnights are drawn, each as likely as the next. More zones would make each of them rarer.
const ZONES: [&str; 8] =
    ["UTC", "UTC", "Europe/Berlin", "Europe/Berlin", "America/New_York", "America/New_York", "Asia/Kolkata", "Asia/Tokyo"];
/// One in so many runs near a change of the clocks begins whole days before it.
const DAYS_BEFORE_ONE_IN: u64 = 2;
/// How many days at most.
const DAYS_BEFORE_MAX: u64 = 3;
/// In a longer run it is no news that clocks change.
const CHANGES_TOLD_DAYS_MAX: i64 = 31;

/// The plain day, from which the others are counted.
const PLAIN: Date = date(2026, 1, 1);
/// The first Monday after it.
const MONDAY: Date = date(2026, 1, 5);
/// When clocks change in the United States, in UTC: where New York is.
const IN_AMERICA: [DateTime; 2] = [date(2027, 3, 14).at(7, 0, 0, 0), date(2027, 11, 7).at(6, 0, 0, 0)];
/// When clocks change in Europe, in UTC.
const IN_EUROPE: [DateTime; 2] = [date(2027, 3, 28).at(1, 0, 0, 0), date(2027, 10, 31).at(1, 0, 0, 0)];

/// When a run begins: then, or as the recorded run did, or it is drawn.
pub fn begin(choices: &mut Choices, wanted: Option<Start>) -> Start {
    choices.fixed_start(wanted).unwrap_or_else(|| draw(choices))
}

/// Draws when a run begins. The plain start is the simplest.
fn draw(choices: &mut Choices) -> Start {
    let shortly_before = match choices.below(Label::StartsAt, KINDS) {
        1 => midnight_somewhere(PLAIN.saturating_add((1 + drawn(choices, 365)).days()), choices),
        2 => midnight_somewhere(PLAIN.saturating_add((1 + drawn(choices, 12)).months()), choices),
        3 => midnight(date(2028, 3, 1)),
        4 => midnight(date(2028, 2, 29)),
        5 => change(choices, IN_AMERICA),
        6 => change(choices, IN_EUROPE),
        7 => return working_day(choices),
        _ => return Start::PLAIN,
    };
    let before = choices.span(Label::StartHour, BEFORE_MIN, BEFORE_MAX);
    start_at(shortly_before.saturating_sub(Duration::from_secs(before.as_secs())))
}

/// The midnight with which a day begins somewhere, in UTC.
fn midnight_somewhere(day: Date, choices: &mut Choices) -> DateTime {
    let number = usize::try_from(choices.below(Label::StartDate, ZONES.len() as u64)).unwrap_or(0);
    let local = zone_of(ZONES[number]).to_timestamp(midnight(day));
    local.map_or_else(|_| midnight(day), |at| TimeZone::UTC.to_datetime(at))
}

/// One of two changes of the clocks, or the same hour some days before.
fn change(choices: &mut Choices, of: [DateTime; 2]) -> DateTime {
    let at = of[usize::from(drawn(choices, 2) == 1)];
    let is_days_before = choices.below(Label::StartDate, DAYS_BEFORE_ONE_IN) == DAYS_BEFORE_ONE_IN - 1;
    let days = if is_days_before { 1 + drawn(choices, DAYS_BEFORE_MAX) } else { 0 };
    at.saturating_sub(days.days())
}

/// A zone of the database that is compiled in.
fn zone_of(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).unwrap_or(TimeZone::UTC)
}

/// When clocks change in Europe or the United States while a run goes on, if it is not long: "clocks changed in Europe on 2026-10-25 at
/// 01:00 UTC". `ran_ns`: how long it took.
pub fn changes_in(start: Start, ran_ns: u64) -> Vec<String> {
    let (from, to) = (timestamp(start, 0), timestamp(start, ran_ns));
    if from + CHANGES_TOLD_DAYS_MAX.saturating_mul(24).hours() < to {
        return Vec::new();
    }
    let of_zone = |(zone, place): (&str, &str)| {
        let zone = zone_of(zone);
        let change = zone.following(from).next().filter(|change| change.timestamp() <= to)?;
        let at = TimeZone::UTC.to_datetime(change.timestamp());
        Some(format!("clocks changed in {place} on {}", at.strftime("%Y-%m-%d at %H:%M UTC")))
    };
    [("Europe/Berlin", "Europe"), ("America/New_York", "the United States")].into_iter().filter_map(of_zone).collect()
}

fn timestamp(start: Start, after_ns: u64) -> Timestamp {
    Timestamp::UNIX_EPOCH
        .saturating_add(Duration::from_nanos(start.unix_ns().saturating_add(after_ns)))
        .unwrap_or(Timestamp::MAX)
}

/// An ordinary day from Monday to Friday, in any minute.
fn working_day(choices: &mut Choices) -> Start {
    let day = drawn(choices, 52 * 5);
    let day = MONDAY.saturating_add((day / 5).weeks().days(day % 5));
    let minute = i64::try_from(choices.below(Label::StartHour, 24 * 60)).unwrap_or(0);
    start_at(midnight(day).saturating_add(minute.minutes()))
}

fn drawn(choices: &mut Choices, bound: u64) -> i64 {
    i64::try_from(choices.below(Label::StartDate, bound)).unwrap_or(0)
}

/// The midnight with which a day begins.
const fn midnight(day: Date) -> DateTime {
    day.at(0, 0, 0, 0)
}

/// The start at this time in UTC.
fn start_at(at: DateTime) -> Start {
    Start::from_unix_s(Start::PLAIN.unix_s() + at.duration_since(midnight(PLAIN)).as_secs())
}

/// When a run began, as people say it: "Tuesday 2028-02-29 at 23:54 UTC (the leap day)".
pub fn in_words(start: Start) -> String {
    let at = start.date_time();
    let form = if at.second() == 0 { "%A %Y-%m-%d at %H:%M UTC" } else { "%A %Y-%m-%d at %H:%M:%S UTC" };
    let what = peculiarity(at).map_or_else(String::new, |what| format!(" ({what})"));
    format!("{}{what}", at.strftime(form))
}

/// What is special about this time, if anything is.
fn peculiarity(at: DateTime) -> Option<&'static str> {
    let (day, next) = (at.date(), at.date().saturating_add(1.day()));
    let is_day_of = |changes: &[DateTime]| changes.iter().any(|change| change.date() == day);
    if (day.month(), day.day()) == (2, 29) {
        Some("the leap day")
    } else if (next.month(), next.day()) == (2, 29) {
        Some("the eve of the leap day")
    } else if is_day_of(&IN_AMERICA) {
        Some("the day on which clocks change in the United States")
    } else if is_day_of(&IN_EUROPE) {
        Some("the day on which clocks change in Europe")
    } else if next.day_of_year() == 1 {
        Some("the last day of the year")
    } else if next.day() == 1 {
        Some("the last day of the month")
    } else if at.hour() == 23 {
        Some("shortly before midnight")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::tz::TimeZone;

    use super::*;
    use crate::choices::{Draw, Tape};

    /// The starts of a thousand seeds.
    fn starts() -> Vec<Start> {
        (0..1000).map(|seed| draw(&mut Choices::from_seed(seed, "test"))).collect()
    }

    #[test]
    fn the_simplest_start_is_the_plain_one() {
        let simplest = vec![Draw { bound: KINDS, value: 0, step: 1 }];
        let draws = BTreeMap::from([("starts at".to_owned(), simplest)]);
        let mut choices = Choices::from_tape(Tape { draws, ..Tape::default() });
        assert_eq!((begin(&mut choices, None), choices.rot()), (Start::PLAIN, None));
    }

    #[test]
    fn a_tape_repeats_when_its_run_began_drawn_or_fixed() {
        let leap_day = Start::parse("2028-02-29T23:54:00Z").unwrap();
        for wanted in [None, Some(leap_day)] {
            for seed in 0..20 {
                let mut choices = Choices::from_seed(seed, "test");
                let start = begin(&mut choices, wanted);
                assert_eq!((wanted.is_some(), wanted.is_some()), (choices.count() == 0, start == leap_day), "{start}");
                let mut again = Choices::from_tape(choices.tape());
                assert_eq!((begin(&mut again, None), again.rot(), again.tape()), (start, None, choices.tape()));
            }
        }
    }

    #[test]
    fn a_tape_without_a_start_is_of_a_plain_one() {
        let mut choices = Choices::from_tape(Tape::default());
        assert_eq!((begin(&mut choices, None), choices.rot()), (Start::PLAIN, None));
    }

    #[test]
    fn every_kind_of_day_is_drawn_and_named() {
        let mut named: BTreeMap<String, u32> = BTreeMap::new();
        for start in starts() {
            let words = in_words(start);
            let what = words.split_once(" (").map_or(if start == Start::PLAIN { "plain" } else { "any" }, |(_, what)| what);
            *named.entry(what.trim_end_matches(')').to_owned()).or_default() += 1;
        }
        let kinds = [
            "any",
            "plain",
            "shortly before midnight",
            "the day on which clocks change in Europe",
            "the day on which clocks change in the United States",
            "the eve of the leap day",
            "the last day of the month",
            "the last day of the year",
            "the leap day",
        ];
        assert_eq!(named.keys().collect::<Vec<_>>(), kinds);
    }

    #[test]
    fn clocks_change_within_the_hour() {
        let offset = |zone: &str, at: jiff::Timestamp| TimeZone::get(zone).unwrap().to_offset(at);
        for (changes, zone) in [(IN_AMERICA, "America/New_York"), (IN_EUROPE, "Europe/Berlin")] {
            let days: Vec<Date> = changes.iter().map(|change| change.date()).collect();
            let of_zone: Vec<Start> = starts().into_iter().filter(|start| days.contains(&start.date_time().date())).collect();
            assert!(of_zone.len() > 50, "{zone}: {}", of_zone.len());
            for start in of_zone {
                let at = jiff::Timestamp::from_second(start.unix_s()).unwrap();
                assert_ne!(offset(zone, at), offset(zone, at + 1.hour()), "{start} in {zone}");
            }
        }
    }

    #[test]
    fn days_and_months_begin_in_every_zone() {
        let is_before = |zone: &TimeZone, start: &Start| {
            let later = zone.to_datetime(timestamp(*start, 0) + 1.hour());
            later.date() != zone.to_datetime(timestamp(*start, 0)).date()
        };
        let of_working_days = 1000 / KINDS as usize / 24;
        for name in &ZONES {
            let zone = zone_of(name);
            assert_eq!(zone.iana_name(), Some(*name), "it is in the database");
            let count = starts().iter().filter(|start| is_before(&zone, start)).count();
            assert!(count > of_working_days + 5, "{name}: {count}");
        }
    }

    #[test]
    fn changes_of_clocks_are_told_where_they_are_news() {
        let told = |text: &str, days: u64| changes_in(Start::parse(text).unwrap(), days * 24 * 3_600_000_000_000);
        let in_europe = ["clocks changed in Europe on 2026-10-25 at 01:00 UTC"];
        assert_eq!(told("2026-10-22T23:57:00Z", 3), in_europe);
        assert_eq!(told("2026-10-22T23:57:00Z", 2), [""; 0]);
        let in_america = "clocks changed in the United States on 2026-11-01 at 06:00 UTC";
        assert_eq!(told("2026-10-22T23:57:00Z", 12), [in_europe[0], in_america]);
        assert_eq!(told("2026-10-22T23:57:00Z", 365), [""; 0]);
    }

    #[test]
    fn a_start_is_told_with_its_weekday_and_what_is_special_about_it() {
        let told = |text: &str| in_words(Start::parse(text).unwrap());
        assert_eq!(told("2028-02-29T23:54:00Z"), "Tuesday 2028-02-29 at 23:54 UTC (the leap day)");
        assert_eq!(told("2026-12-31T23:59:58Z"), "Thursday 2026-12-31 at 23:59:58 UTC (the last day of the year)");
        assert_eq!(told("2026-06-10T03:17:00Z"), "Wednesday 2026-06-10 at 03:17 UTC");
    }
}
