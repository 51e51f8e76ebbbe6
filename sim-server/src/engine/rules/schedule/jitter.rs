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
