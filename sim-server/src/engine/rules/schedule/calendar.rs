//! A compiled calendar: sets of seconds, minutes and so on, in a time zone (`compiledCalendar` in `calendar.go`).

use std::collections::BTreeSet;

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};

use super::canonical::LAST_YEAR;
use crate::proto::schedule::{Range, StructuredCalendarSpec};

const SECONDS_PER_HOUR: i64 = 3600;
/// What fits into a set of bits.
const MEMBER_MAX: i32 = 63;

/// When a calendar matches: all of its fields must.
#[derive(Clone, Debug)]
pub(crate) struct Calendar {
    zone: TimeZone,
    /// `None`: every year.
    years: Option<BTreeSet<i32>>,
    months: u64,
    days_of_month: u64,
    days_of_week: u64,
    hours: u64,
    minutes: u64,
    seconds: u64,
}

impl Calendar {
    pub(crate) fn new(of: &StructuredCalendarSpec, zone: &TimeZone) -> Self {
        Self {
            zone: zone.clone(),
            years: (!of.year.is_empty()).then(|| of.year.iter().flat_map(|range| members(range, LAST_YEAR)).collect()),
            months: set(&of.month),
            days_of_month: set(&of.day_of_month),
            days_of_week: set(&of.day_of_week),
            hours: set(&of.hour),
            minutes: set(&of.minute),
            seconds: set(&of.second),
        }
    }

    /// Whether it matches this second since the epoch.
    pub(crate) fn matches(&self, at: i64) -> bool {
        let Some(local) = local(&self.zone, at) else { return false };
        self.has_year(i32::from(local.year()))
            && has(self.months, local.month().into())
            && has(self.days_of_month, local.day().into())
            && has(self.days_of_week, weekday(local))
            && has(self.hours, local.hour().into())
            && has(self.minutes, local.minute().into())
            && has(self.seconds, local.second().into())
    }

    /// The first matching second after this one. An hour that the clocks skip has none, and one that they repeat has both.
    pub(crate) fn next(&self, after: i64) -> Option<i64> {
        let sets = [self.months, self.days_of_month, self.days_of_week, self.hours, self.minutes, self.seconds];
        if sets.contains(&0) {
            return None;
        }
        let mut hand = Hand::at(&self.zone, after)?;
        hand.second += 1;
        loop {
            hand.carry(&self.zone);
            if hand.year > LAST_YEAR {
                return None;
            }
            if !self.turn(&mut hand) {
                continue;
            }
            let at = hand.instant(&self.zone);
            if local(&self.zone, at).is_none_or(|local| i32::from(local.hour()) != hand.hour) {
                // The clocks skip it.
                hand.start_hour(hand.hour + 1);
                continue;
            }
            return Some(if hand.is_second_copy { at + SECONDS_PER_HOUR } else { at });
        }
    }

    /// Turns the hand on to the next match, from the year inwards. `false`: it has gone over the end of a field first.
    fn turn(&self, hand: &mut Hand) -> bool {
        if !self.has_year(hand.year) {
            hand.start_year(hand.year + 1);
            return false;
        }
        while !has(self.months, hand.month) {
            hand.start_month(hand.month + 1);
            if hand.month > 12 {
                return false;
            }
        }
        while !has(self.days_of_month, hand.day) || !has(self.days_of_week, hand.weekday(&self.zone)) {
            hand.start_day(hand.day + 1);
            if hand.day > days_in_month(hand.year, hand.month) {
                return false;
            }
        }
        while !has(self.hours, hand.hour) {
            hand.start_hour(hand.hour + 1);
            hand.is_second_copy = false;
            if hand.hour > 23 {
                return false;
            }
        }
        while !has(self.minutes, hand.minute) {
            (hand.minute, hand.second) = (hand.minute + 1, 0);
            if hand.minute > 59 {
                return false;
            }
        }
        while !has(self.seconds, hand.second) {
            hand.second += 1;
            if hand.second > 59 {
                return false;
            }
        }
        true
    }

    fn has_year(&self, year: i32) -> bool {
        self.years.as_ref().is_none_or(|years| years.contains(&year))
    }
}

/// What a clock on a wall shows; a field may be one past its end.
#[derive(Clone, Copy, Debug)]
struct Hand {
    year: i32,
    month: i32,
    day: i32,
    hour: i32,
    minute: i32,
    second: i32,
    /// The hour comes twice, and this is the second time.
    is_second_copy: bool,
}

impl Hand {
    fn at(zone: &TimeZone, at: i64) -> Option<Self> {
        let now = local(zone, at)?;
        let hour_before = local(zone, at - SECONDS_PER_HOUR)?.hour();
        Some(Self {
            year: now.year().into(),
            month: now.month().into(),
            day: now.day().into(),
            hour: now.hour().into(),
            minute: now.minute().into(),
            second: now.second().into(),
            is_second_copy: hour_before == now.hour(),
        })
    }

    fn start_year(&mut self, year: i32) {
        self.year = year;
        self.start_month(1);
    }

    fn start_month(&mut self, month: i32) {
        self.month = month;
        self.start_day(1);
    }

    fn start_day(&mut self, day: i32) {
        self.day = day;
        self.start_hour(0);
        self.is_second_copy = false;
    }

    fn start_hour(&mut self, hour: i32) {
        (self.hour, self.minute, self.second) = (hour, 0, 0);
    }

    /// Brings the fields that are past their end back, and those above them on.
    fn carry(&mut self, zone: &TimeZone) {
        if self.second > 59 {
            (self.minute, self.second) = (self.minute + 1, 0);
        }
        if self.minute > 59 {
            let this = Self { minute: 0, second: 0, ..*self };
            let next = Self { hour: self.hour + 1, ..this };
            let is_repeated = !self.is_second_copy && next.instant(zone) - this.instant(zone) > SECONDS_PER_HOUR;
            *self = if is_repeated { this } else { next };
            self.minute = 0;
            self.is_second_copy = is_repeated;
        }
        if self.hour > 23 {
            (self.day, self.hour) = (self.day + 1, 0);
        }
        if self.day > days_in_month(self.year, self.month) {
            (self.month, self.day) = (self.month + 1, 1);
        }
        if self.month > 12 {
            (self.year, self.month) = (self.year + 1, 1);
        }
    }

    /// The second since the epoch that it shows, as Go's `time.Date` reads it: where the clocks change, one of the two.
    fn instant(&self, zone: &TimeZone) -> i64 {
        let date = i16::try_from(self.year).ok().and_then(|year| {
            let (month, day) = (i8::try_from(self.month).ok()?, i8::try_from(self.day).ok()?);
            Date::new(year, month, day).ok()
        });
        let midnight = date.and_then(|date| date.to_zoned(TimeZone::UTC).ok()).map_or(0, |at| at.timestamp().as_second());
        let shown = midnight + i64::from(self.hour) * SECONDS_PER_HOUR + i64::from(self.minute) * 60 + i64::from(self.second);
        match offset(zone, shown) {
            0 => shown,
            guess => shown - offset(zone, shown - guess),
        }
    }

    fn weekday(&self, zone: &TimeZone) -> i32 {
        local(zone, self.instant(zone)).map_or(0, weekday)
    }
}

fn local(zone: &TimeZone, at: i64) -> Option<DateTime> {
    Timestamp::from_second(at).ok().map(|at| zone.to_datetime(at))
}

fn offset(zone: &TimeZone, at: i64) -> i64 {
    Timestamp::from_second(at).map_or(0, |at| zone.to_offset(at).seconds().into())
}

fn weekday(at: DateTime) -> i32 {
    at.weekday().to_sunday_zero_offset().into()
}

fn days_in_month(year: i32, month: i32) -> i32 {
    let first = i16::try_from(year).ok().zip(i8::try_from(month).ok()).and_then(|(year, month)| Date::new(year, month, 1).ok());
    first.map_or(31, |first| first.days_in_month().into())
}

fn set(ranges: &[Range]) -> u64 {
    ranges
        .iter()
        .flat_map(|range| members(range, MEMBER_MAX))
        .filter(|member| *member >= 0)
        .fold(0, |set, member| set | 1 << member)
}

fn has(set: u64, member: i32) -> bool {
    set >> member & 1 == 1
}

/// The members of a range, not above `max`.
fn members(range: &Range, max: i32) -> impl Iterator<Item = i32> + use<> {
    let step = if range.step < 1 { 1 } else { range.step };
    let step = usize::try_from(step).unwrap_or(1);
    (range.start..=range.end.max(range.start).min(max)).step_by(step)
}
