//! Jitter: how much later than its nominal time an action is taken. The same on every server for the same seed (`addJitter` in
//! `spec.go`).

use std::time::Duration;

use crate::engine::kernel::time::Time;

/// Seconds from the first of January of the year 1 to the epoch.
const SECONDS_BEFORE_EPOCH: i64 = 62_135_596_800;
/// The version of Go's binary form of an instant.
const FORM_VERSION: u8 = 1;
/// The offset of UTC in that form, in minutes.
const FORM_UTC: i16 = -1;

/// What a nominal time is put off by: whole milliseconds, less than `max`.
pub(crate) fn jitter(seed: &str, nominal: Time, max: Duration) -> Duration {
    let mut form = Vec::with_capacity(15 + seed.len());
    let stamp = nominal.to_proto();
    form.push(FORM_VERSION);
    form.extend(stamp.seconds.saturating_add(SECONDS_BEFORE_EPOCH).to_be_bytes());
    form.extend(stamp.nanos.to_be_bytes());
    form.extend(FORM_UTC.to_be_bytes());
    form.extend(seed.as_bytes());
    let share = u64::from(farmhash::fingerprint32(&form));
    let max_ms = u64::try_from(max.as_millis()).unwrap_or(u64::MAX).min(u64::from(u32::MAX));
    Duration::from_millis((share * max_ms) >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a server of version 1.32.0 listed them for an hourly schedule with ten minutes of jitter, and for one every minute with
    /// half a minute.
    #[test]
    fn it_is_that_of_the_real_server() {
        let namespace = "01a22dbc-0343-74f6-abac-526001842f17";
        let at = |seconds: i64| Time::from_nanos(seconds * 1_000_000_000);
        let cases = [
            ("jit0", 600_000, 1_796_000_400, 6_240),
            ("jit0", 600_000, 1_796_004_000, 392_317),
            ("jit0", 600_000, 1_796_007_600, 74_739),
            ("jit0", 600_000, 1_796_011_200, 418_904),
            ("jit1", 30_500, 1_795_996_860, 24_401),
            ("jit1", 30_500, 1_795_996_920, 9_255),
            ("jit1", 30_500, 1_795_996_980, 27_045),
        ];
        for (schedule_id, max_ms, nominal, expected_ms) in cases {
            let seed = format!("{namespace}-{schedule_id}");
            let found = jitter(&seed, at(nominal), Duration::from_millis(max_ms));
            assert_eq!(found, Duration::from_millis(expected_ms), "{schedule_id} {nominal}");
        }
    }

    #[test]
    fn none_is_none() {
        assert_eq!(jitter("seed", Time::EPOCH, Duration::ZERO), Duration::ZERO);
        assert!(jitter("seed", Time::EPOCH, Duration::MAX) < Duration::from_millis(u64::from(u32::MAX)));
    }
}
