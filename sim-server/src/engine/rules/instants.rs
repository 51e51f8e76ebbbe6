//! Instants as RFC 3339 has them, as leniently as Go reads them, and as Go writes them again.

use jiff::{SignedDuration, civil};

/// An instant that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instant {
    /// What clocks showed there.
    local: civil::DateTime,
    /// How far east of Greenwich that was.
    zone_seconds: i64,
}

impl Instant {
    /// Reads an instant. Of its parts only the hour may have one digit; a fraction may follow a comma, and what it has behind nanoseconds is
    /// cut off; an offset may have 24 hours and 60 minutes. `None` if it is none.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (date, rest) = text.split_at_checked("2006-01-02T".len())?;
        let date: Vec<i16> =
            date.strip_suffix('T')?.split('-').map(|part| digits(part)?.parse().ok()).collect::<Option<_>>()?;
        let &[year, month, day] = &date[..] else { return None };
        let (time, zone) = rest.split_at_checked(rest.find(['Z', '+', '-'])?)?;
        let (time, fraction) = time.split_once(['.', ',']).map_or((time, None), |(time, fraction)| (time, Some(fraction)));
        let parts: Vec<&str> = time.split(':').collect();
        let &[hour, minute, second] = &parts[..] else { return None };
        let has_widths = text.as_bytes()[4] == b'-'
            && text.as_bytes()[7] == b'-'
            && hour.len() <= 2
            && (minute.len(), second.len()) == (2, 2);
        let number = |part: &str| digits(part)?.parse::<i8>().ok();
        let (hour, minute, second) = (number(hour)?, number(minute)?, number(second)?);
        if !has_widths || second > 59 {
            return None;
        }
        let nanos = fraction.map_or(Some(0), |fraction| {
            let fraction = digits(fraction)?;
            format!("{:0<9.9}", fraction).parse::<i32>().ok()
        })?;
        let local = civil::DateTime::new(year, month as i8, day as i8, hour, minute, second, nanos).ok()?;
        Some(Self { local, zone_seconds: zone_seconds(zone)? })
    }

    /// Nanoseconds since the epoch.
    pub(crate) fn nanos(self) -> Option<i128> {
        let at = self.local.checked_sub(SignedDuration::from_secs(self.zone_seconds)).ok()?;
        Some(at.duration_since(civil::DateTime::constant(1970, 1, 1, 0, 0, 0, 0)).as_nanos())
    }

    /// As Go writes it: no zeros at the end of a fraction, and `Z` for no offset.
    pub(crate) fn written(self) -> String {
        let moment = self.local.strftime("%Y-%m-%dT%H:%M:%S");
        let fraction = format!(".{:09}", self.local.subsec_nanosecond());
        let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
        let minutes = self.zone_seconds.abs() / 60;
        let zone = match self.zone_seconds {
            0 => "Z".to_owned(),
            seconds => format!("{}{:02}:{:02}", if seconds < 0 { '-' } else { '+' }, minutes / 60, minutes % 60),
        };
        format!("{moment}{fraction}{zone}")
    }
}

fn digits(text: &str) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
}

fn zone_seconds(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let (sign, rest) = zone.split_at_checked(1)?;
    let (hours, minutes) = rest.split_once(':').filter(|(hours, minutes)| hours.len() == 2 && minutes.len() == 2)?;
    let (hours, minutes): (i64, i64) = (digits(hours)?.parse().ok()?, digits(minutes)?.parse().ok()?);
    let seconds = (hours * 60 + minutes) * 60;
    (hours <= 24 && minutes <= 60).then_some(if sign == "-" { -seconds } else { seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_as_go_reads_them() {
        let nanos = |text: &str| Instant::read(text).and_then(Instant::nanos);
        assert_eq!(nanos("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(nanos("1970-01-01T00:00:01.1234567+00:00"), Some(1_123_456_700));
        assert_eq!(nanos("1970-01-01T00:00:01.12345678999Z"), Some(1_123_456_789));
        assert_eq!(nanos("1970-01-01T00:00:01,5Z"), Some(1_500_000_000));
        assert_eq!(nanos("1970-01-01T1:00:00Z"), Some(3_600_000_000_000));
        assert_eq!(nanos("1970-01-01T00:00:00-01:30"), Some(5_400_000_000_000));
        assert_eq!(nanos("1969-12-31T23:59:59.999999999Z"), Some(-1));
        assert_eq!(nanos("1970-01-02T00:00:00+24:00"), Some(0));
        assert!(nanos("0000-01-01T00:00:00Z").is_some());
        assert!(nanos("9999-12-31T23:59:59Z").is_some());
        for wrong in [
            "",
            "1970-01-01",
            "1970-01-01 00:00:00Z",
            "1970-01-01T00:00:00",
            "1970-01-01T00:00:60Z",
            "1970-02-30T00:00:00Z",
            "1970-1-01T00:00:00Z",
            "1970-01-01T24:00:00Z",
            "1970-01-01T00:00:00z",
            "1970-01-01T00:00:00.Z",
            "1970-01-01T00:00:00+1:00",
            "1970-01-01T00:0:00Z",
        ] {
            assert_eq!(nanos(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn instants_are_written_as_go_writes_them() {
        for (text, expected) in [
            ("2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00Z"),
            ("2026-01-01T00:00:00-00:00", "2026-01-01T00:00:00Z"),
            ("2026-01-01T5:00:00,120+02:00", "2026-01-01T05:00:00.12+02:00"),
            ("2026-01-01T00:00:00.000-01:30", "2026-01-01T00:00:00-01:30"),
            ("2026-01-01T00:00:00.9999999999Z", "2026-01-01T00:00:00.999999999Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("2026-01-01T00:00:00+23:60", "2026-01-01T00:00:00+24:00"),
        ] {
            assert_eq!(Instant::read(text).map(Instant::written).as_deref(), Some(expected), "{text}");
        }
    }
}
