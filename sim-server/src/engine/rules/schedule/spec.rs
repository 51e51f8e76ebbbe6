//! A compiled spec: when a schedule acts (`spec.go`).

use std::time::Duration;

use jiff::tz::TimeZone;

use super::{calendar::Calendar, canonical::LAST_YEAR, jitter::jitter};
use crate::{
    engine::{
        kernel::time::{Time, span},
        rules::{validate::duration, zones},
    },
    proto::schedule::{IntervalSpec, ScheduleSpec},
};

const NANOS_PER_SEC: i64 = 1_000_000_000;
/// So many excluded times in a row end the search (`scheduler.specMaxIterations`): two weeks of seconds.
const EXCLUDED_MAX: usize = 2 * 7 * 24 * 60 * 60;
/// The first second after the last year, since the epoch.
const END_SECONDS: i64 = 4_133_980_800;
const _: () = assert!(LAST_YEAR == 2100, "END_SECONDS is the start of the year after it");

/// When an action is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    /// As the spec says.
    pub(crate) nominal: Time,
    /// With jitter.
    pub(crate) actual: Time,
}

/// The search went over too many excluded times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooManyExclusions;

/// A spec, compiled.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    calendars: Vec<Calendar>,
    excluded: Vec<Calendar>,
    intervals: Vec<Interval>,
    start: Time,
    end: Option<Time>,
    jitter: Duration,
}

/// In seconds.
#[derive(Clone, Copy, Debug)]
struct Interval {
    interval: i64,
    phase: i64,
}

impl Spec {
    /// Compiles a spec in its canonical form.
    ///
    /// # Errors
    /// Its time zone is unknown: the real server's text.
    pub(crate) fn new(of: &ScheduleSpec) -> Result<Self, String> {
        let zone: TimeZone = if of.timezone_data.is_empty() {
            zones::load(&of.timezone_name)?
        } else {
            zones::of_data(&of.timezone_name, &of.timezone_data)?
        };
        Ok(Self {
            calendars: of.structured_calendar.iter().map(|calendar| Calendar::new(calendar, &zone)).collect(),
            excluded: of.exclude_structured_calendar.iter().map(|calendar| Calendar::new(calendar, &zone)).collect(),
            intervals: of.interval.iter().map(Interval::new).collect(),
            start: of.start_time.as_ref().map_or(Time::EPOCH, Time::from_proto),
            end: of.end_time.as_ref().map(Time::from_proto),
            jitter: span(of.jitter.as_ref()),
        })
    }

    /// The first time after this one. `seed`: of the jitter.
    ///
    /// # Errors
    /// There may be one, but so much is excluded that it is not looked for.
    pub(crate) fn next(&self, seed: &str, after: Time) -> Result<Option<Due>, TooManyExclusions> {
        let from = after.max(self.start.shifted(-NANOS_PER_SEC)).as_nanos().div_euclid(NANOS_PER_SEC);
        let mut nominal = from;
        for _ in 0..EXCLUDED_MAX {
            match self.next_nominal(nominal) {
                Some(next) if !self.is_past_end(next) => nominal = next,
                _ => return Ok(None),
            }
            if !self.excluded.iter().any(|calendar| calendar.matches(nominal)) {
                return Ok(Some(self.with_jitter(seed, nominal)));
            }
        }
        Err(TooManyExclusions)
    }

    /// As [`Self::next`], where a search that is given up has found nothing.
    pub(crate) fn next_found(&self, seed: &str, after: Time) -> Option<Due> {
        self.next(seed, after).unwrap_or(None)
    }

    /// Jitter does not reach the next nominal time.
    fn with_jitter(&self, seed: &str, nominal: i64) -> Due {
        let to_next = self.next_nominal(nominal).map(|next| Duration::from_secs(next.abs_diff(nominal)));
        let max = to_next.map_or(self.jitter, |to_next| self.jitter.min(to_next));
        let nominal = seconds(nominal);
        Due { nominal, actual: nominal + jitter(seed, nominal, max) }
    }

    fn next_nominal(&self, after: i64) -> Option<i64> {
        let calendars = self.calendars.iter().filter_map(|calendar| calendar.next(after));
        calendars.chain(self.intervals.iter().map(|interval| interval.next(after))).min()
    }

    fn is_past_end(&self, nominal: i64) -> bool {
        nominal >= END_SECONDS || self.end.is_some_and(|end| seconds(nominal) > end)
    }
}

impl Interval {
    fn new(of: &IntervalSpec) -> Self {
        let whole = |span| duration::nanos(span) / NANOS_PER_SEC;
        Self { interval: whole(of.interval.as_ref()).max(1), phase: whole(of.phase.as_ref()).max(0) }
    }

    fn next(self, after: i64) -> i64 {
        // The division cuts towards zero, as the real server's does: what lies before the first phase is left out.
        ((after - self.phase) / self.interval + 1) * self.interval + self.phase
    }
}

fn seconds(since_epoch: i64) -> Time {
    Time::from_nanos(since_epoch.saturating_mul(NANOS_PER_SEC))
}
