//! Times in JSON: moments as in RFC 3339, and the start of an event in the time zone of its place.

use jiff::civil;
use jiff::tz::TimeZone;
use serde_json::value::RawValue;

use super::body::Wrong;
use super::reply::time_text;
use crate::domain::{Timestamp, ZoneName};

/// Reads a moment, `2026-05-01T18:00:00Z` or with another offset.
pub(super) fn moment(given: &RawValue) -> Result<Timestamp, Wrong> {
    let text = string(given)?;
    let moment: jiff::Timestamp = text
        .parse()
        .map_err(|_| "must be a time with an offset, as in 2026-05-01T20:00:00+02:00 (RFC 3339)")?;
    Ok(Timestamp(moment.as_millisecond()))
}

/// Reads when an event starts: a moment, or the time on the clock in `zone`.
pub(super) fn start(given: &RawValue, zone: Option<&ZoneName>) -> Result<Timestamp, Wrong> {
    let text = string(given)?;
    let Some(zone) = zone.filter(|_| text.parse::<jiff::Timestamp>().is_err()) else {
        return moment(given);
    };
    let local: civil::DateTime = text.parse().map_err(
        |_| "must be a time, as in 2026-05-01T20:00:00 in the time zone, or with an offset",
    )?;
    let zoned = time_zone(zone).and_then(|zone| local.to_zoned(zone).ok());
    let zoned = zoned.ok_or("is no time in that time zone")?;
    Ok(Timestamp(zoned.timestamp().as_millisecond()))
}

/// Reads the name of a time zone that there is.
pub(super) fn zone_name(given: &RawValue) -> Result<ZoneName, Wrong> {
    let zone = ZoneName::new(&string(given)?).map_err(|invalid| invalid.to_string())?;
    time_zone(&zone).ok_or("must be a time zone, as in Europe/Berlin")?;
    Ok(zone)
}

/// A moment as the clock in `zone` shows it, with its offset.
pub(super) fn local_text(at: Timestamp, zone: Option<&ZoneName>) -> String {
    let Some(zone) = zone.and_then(time_zone) else {
        return time_text(at);
    };
    let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default().to_zoned(zone);
    at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

fn time_zone(name: &ZoneName) -> Option<TimeZone> {
    TimeZone::get(name.as_str()).ok()
}

fn string(given: &RawValue) -> Result<String, Wrong> {
    serde_json::from_str(given.get()).map_err(|_| "must be a string".into())
}
