//! Virtual time: when a run begins, and instants counted from there.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use foretime_server::{
    engine::time::Time,
    proto::history::{HistoryEvent, history_event::Attributes},
};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// A run may begin from 1970 on, and not later than this second: 2200-01-01T00:00:00Z.
const LAST_S: i64 = 7_258_118_400;

/// When a run begins: a whole second of the years 1970 to 2199. Its virtual time is counted from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    unix_s: i64,
}

impl Start {
    /// The plainest: 2026-01-01T00:00:00Z.
    pub const PLAIN: Self = Self { unix_s: 1_767_225_600 };

    /// This second of the Unix epoch, or the nearest one at which a run may begin.
    pub fn from_unix_s(unix_s: i64) -> Self {
        Self { unix_s: unix_s.clamp(0, LAST_S) }
    }

    /// The instant that this text names by RFC 3339, such as `2027-03-28T00:30:00Z`.
    ///
    /// # Errors
    /// Why no run begins then.
    pub fn parse(text: &str) -> Result<Self, String> {
        let instant: Timestamp =
            text.parse().map_err(|error| format!("this is no instant by RFC 3339, such as 2027-03-28T00:30:00Z ({error})"))?;
        let unix_s = instant.as_second();
        if instant.subsec_nanosecond() != 0 {
            return Err("a run begins at a whole second".to_owned());
        }
        if !(0..=LAST_S).contains(&unix_s) {
            return Err("a run begins in the years 1970 to 2199".to_owned());
        }
        Ok(Self { unix_s })
    }

    /// Seconds of the Unix epoch.
    pub const fn unix_s(self) -> i64 {
        self.unix_s
    }

    /// Nanoseconds of the Unix epoch.
    pub fn unix_ns(self) -> u64 {
        u64::try_from(self.unix_s).unwrap_or(0) * 1_000_000_000
    }

    /// The server's time, this long after the start.
    pub fn time(self, after_ns: u64) -> Time {
        Time::EPOCH + Duration::from_nanos(self.unix_ns()) + Duration::from_nanos(after_ns)
    }

    /// The same, as programs see it.
    pub fn system_time(self, after_ns: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(self.unix_ns()) + Duration::from_nanos(after_ns)
    }

    /// The date and the time of day, in UTC.
    pub fn date_time(self) -> DateTime {
        TimeZone::UTC
            .to_datetime(Timestamp::UNIX_EPOCH.saturating_add(Duration::from_nanos(self.unix_ns())).unwrap_or_default())
    }

    /// This time of the server in nanoseconds after the start; `None` if it is before.
    pub fn ns_until(self, at: Time) -> Option<u64> {
        u64::try_from(at.as_nanos() - self.time(0).as_nanos()).ok()
    }

    /// The same for the time at which the server wrote an event.
    pub fn event_ns(self, event: &HistoryEvent) -> Option<u64> {
        self.ns_until(Time::from_proto(event.event_time.as_ref()?))
    }

    /// When a workflow run that this event started gets its first workflow task, in nanoseconds after the start of the test's
    /// run. `None` unless it has to wait: for its cron schedule, or for its next try.
    pub fn first_workflow_task_ns(self, started: &HistoryEvent) -> Option<u64> {
        let Some(Attributes::WorkflowExecutionStartedEventAttributes(attributes)) = &started.attributes else { return None };
        let backoff: Duration = attributes.first_workflow_task_backoff?.try_into().ok()?;
        let at = Time::from_proto(started.event_time.as_ref()?) + backoff;
        self.ns_until(at).filter(|_| !backoff.is_zero())
    }
}

impl fmt::Display for Start {
    /// By RFC 3339, as [`Start::parse`] reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}Z", self.date_time())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_read_as_it_is_written() {
        for text in ["2026-01-01T00:00:00Z", "2027-03-28T00:30:00Z", "1970-01-01T00:00:00Z", "2200-01-01T00:00:00Z"] {
            assert_eq!(Start::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Start::parse("2026-01-01T01:00:00+01:00"), Ok(Start::PLAIN));
        assert_eq!(Start::from_unix_s(i64::MAX).to_string(), "2200-01-01T00:00:00Z");
    }

    #[test]
    fn what_is_no_start_is_refused_by_name() {
        let why = |text: &str| Start::parse(text).unwrap_err();
        assert!(why("2027-03-28").contains("no instant by RFC 3339, such as 2027-03-28T00:30:00Z"), "{}", why("2027-03-28"));
        assert!(why("2027-02-30T00:00:00Z").contains("no instant"), "{}", why("2027-02-30T00:00:00Z"));
        assert_eq!(why("2027-03-28T00:30:00.5Z"), "a run begins at a whole second");
        for outside in ["1969-12-31T23:59:59Z", "2200-01-01T00:00:01Z"] {
            assert_eq!(why(outside), "a run begins in the years 1970 to 2199");
        }
    }
}
