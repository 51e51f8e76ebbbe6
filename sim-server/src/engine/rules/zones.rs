//! Time zones by name, as Go's `time.LoadLocation` finds them. The zones are jiff's bundled ones.

use jiff::tz::{TimeZone, TimeZoneDatabase};

/// The zone of this name. Only names from the zone database itself, in their own case, and those that Go adds. Go's `Local` is
/// that of a server in UTC.
pub(crate) fn named(name: &str) -> Option<TimeZone> {
    if matches!(name, "" | "UTC" | "Local") {
        return Some(TimeZone::UTC);
    }
    TimeZoneDatabase::bundled().get(name).ok().filter(|zone| zone.iana_name() == Some(name))
}

/// As [`named`].
///
/// # Errors
/// Go's text.
pub(crate) fn load(name: &str) -> Result<TimeZone, String> {
    if name.contains("..") || name.starts_with(['/', '\\']) {
        return Err("time: invalid location name".to_owned());
    }
    named(name).ok_or_else(|| format!("unknown time zone {name}"))
}

/// The zone of this name whose clocks the data describes, a TZif file (RFC 8536).
///
/// # Errors
/// Go's text.
pub(crate) fn of_data(name: &str, data: &[u8]) -> Result<TimeZone, String> {
    TimeZone::tzif(name, data).map_err(|_| "malformed time zone information".to_owned())
}
