//! Instants and spans: nanoseconds since the Unix epoch, from outside. Nothing here reads a clock.

use std::{
    ops::{Add, AddAssign, Sub},
    time::Duration,
};

const NANOS_PER_SEC: i64 = 1_000_000_000;

/// 2262-01-01T00:00:00Z.
const END_NANOS: i64 = 9_214_646_400 * NANOS_PER_SEC;

/// An instant, wall or virtual, in nanoseconds since the Unix epoch. Covers the years 1678 to 2262.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

impl Time {
    /// The Unix epoch; proto fields that are not set read as this.
    pub const EPOCH: Self = Self(0);
    /// Later than every deadline.
    pub const MAX: Self = Self(i64::MAX);
    /// The end of virtual time, 2262-01-01T00:00:00Z: nothing falls due then or later. Sums of instants saturate four months after
    /// it, so what is due before it has an instant of its own.
    pub const END: Self = Self(END_NANOS);

    /// The instant `nanos` after the epoch.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the epoch.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Milliseconds since the epoch, rounded down.
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// The span from `earlier` to here; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The instant `nanos` later, or earlier if that is negative.
    pub(crate) const fn shifted(self, nanos: i64) -> Self {
        Self(self.0.saturating_add(nanos))
    }

    /// As the wire writes it.
    pub fn to_proto(self) -> prost_types::Timestamp {
        prost_types::Timestamp {
            seconds: self.0.div_euclid(NANOS_PER_SEC),
            nanos: i32::try_from(self.0.rem_euclid(NANOS_PER_SEC)).unwrap_or(0),
        }
    }

    /// From the wire; saturates outside the covered years.
    pub fn from_proto(stamp: &prost_types::Timestamp) -> Self {
        Self(stamp.seconds.saturating_mul(NANOS_PER_SEC).saturating_add(i64::from(stamp.nanos)))
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)))
    }
}

impl AddAssign<Duration> for Time {
    fn add_assign(&mut self, span: Duration) {
        *self = *self + span;
    }
}

impl Sub<Duration> for Time {
    type Output = Self;

    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)))
    }
}

/// A proto span as a `Duration`: absent, zero and negative ones are zero. Validation has refused the negative ones before.
pub fn span(proto: Option<&prost_types::Duration>) -> Duration {
    proto.and_then(|span| Duration::try_from(*span).ok()).unwrap_or(Duration::ZERO)
}

/// A `Duration` as the wire writes it.
pub fn span_to_proto(span: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(span.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(span.subsec_nanos()).unwrap_or(0),
    }
}
