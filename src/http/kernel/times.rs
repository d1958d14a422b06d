//! Times in JSON: moments as in RFC 3339, and the start of an event in the time zone of its place.
//!
//! Nothing is guessed: what is not of that form is refused, and so is a time that the clocks there never
//! show. A library that reads more than that would drop the zone of `2026-05-01T20:00:00[Europe/Berlin]`.
//!
//! It must not know: what happens at a time.

use jiff::civil;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use serde_json::value::RawValue;

use super::body::{Wrong, string};
use super::text::time_text;
use ticketboss_core::domain::{Timestamp, ZoneName};

/// What moments can be: 0001-01-01T00:00:00Z to 9999-12-30T22:00:00Z, so that their year has four digits
/// in every time zone.
const MOMENT_MS_MIN: i64 = -62_135_596_800_000;
const MOMENT_MS_MAX: i64 = 253_402_207_200_000;

/// Reads a moment, `2026-05-01T18:00:00Z` or with another offset.
pub(crate) fn moment(given: &RawValue) -> Result<Timestamp, Wrong> {
    let parsed = ParsedTime::read(&string(given)?).filter(|parsed| parsed.has_seconds);
    let (local, offset) = parsed
        .and_then(|parsed| Some((parsed.local, parsed.offset?)))
        .ok_or("must be a time with an offset, as in 2026-05-01T20:00:00+02:00 (RFC 3339)")?;
    at(local, offset)
}

/// Reads when an event starts: a moment, or the time on the clock in `zone`. Of two moments at which the
/// clock shows that time it is the first.
pub(crate) fn start(given: &RawValue, zone: Option<&ZoneName>) -> Result<Timestamp, Wrong> {
    let Some(zone) = zone else {
        return moment(given);
    };
    let ParsedTime { local, offset, .. } = ParsedTime::read(&string(given)?)
        .ok_or("must be a time, as in 2026-05-01T20:00:00 in the time zone, or with an offset")?;
    if let Some(offset) = offset {
        return at(local, offset);
    }
    let clock = time_zone(zone).ok_or("is no time in that time zone")?;
    match clock.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
            at(local, offset)
        }
        AmbiguousOffset::Gap { .. } => {
            Err(format!("does not exist in {zone}: the clocks there are set forward over it")
                .into())
        }
    }
}

/// Reads the name of a time zone that there is.
pub(crate) fn zone_name(given: &RawValue) -> Result<ZoneName, Wrong> {
    let zone = ZoneName::new(&string(given)?).map_err(|invalid| invalid.to_string())?;
    time_zone(&zone).ok_or("must be a time zone, as in Europe/Berlin")?;
    Ok(zone)
}

/// A moment as the clock in `zone` shows it, with its offset. Long ago clocks went by the sun of their place,
/// and RFC 3339 has no seconds for an offset: such a moment is told in UTC.
pub(crate) fn local_text(at: Timestamp, zone: Option<&ZoneName>) -> String {
    let Some(zone) = zone.and_then(time_zone) else {
        return time_text(at);
    };
    let local = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default().to_zoned(zone);
    if local.offset().seconds() % 60 != 0 {
        return time_text(at);
    }
    local.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// A date and a time on the clock, and its offset where that is told.
struct ParsedTime {
    local: civil::DateTime,
    offset: Option<Offset>,
    has_seconds: bool,
}

impl ParsedTime {
    /// Takes apart what RFC 3339 calls `date-time` (section 5.6), without a leap second, which our clocks
    /// do not show; seconds and offset may be missing. What is finer than a millisecond is left out.
    fn read(text: &str) -> Option<Self> {
        let rest = &mut text.as_bytes();
        let year = number(rest, 4)?;
        let month = after(rest, b"-")?;
        let day = after(rest, b"-")?;
        let hour = after(rest, b"Tt")?;
        let minute = after(rest, b":")?;
        let second = if rest.first() == Some(&b':') { Some(after(rest, b":")?) } else { None };
        let milliseconds = match rest.first() {
            Some(b'.') if second.is_some() => fraction(rest)?,
            _ => 0,
        };
        let offset = if rest.is_empty() { None } else { Some(offset(rest)?) };
        let date =
            civil::Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
        let (hour, minute) = (i8::try_from(hour).ok()?, i8::try_from(minute).ok()?);
        let of_minute = i8::try_from(second.unwrap_or(0)).ok()?;
        let time = civil::Time::new(hour, minute, of_minute, milliseconds * 1_000_000).ok()?;
        Some(Self { local: date.to_datetime(time), offset, has_seconds: second.is_some() })
    }
}

/// Takes the offset, `Z` or as in `+02:00`, with which a text ends.
fn offset(rest: &mut &[u8]) -> Option<Offset> {
    let (sign, left) = rest.split_first()?;
    *rest = left;
    let seconds = match sign {
        b'Z' | b'z' => 0,
        b'+' | b'-' => {
            let hours = number(rest, 2).filter(|hours| *hours < 24)?;
            let minutes = after(rest, b":").filter(|minutes| *minutes < 60)?;
            let seconds = (i32::from(hours) * 60 + i32::from(minutes)) * 60;
            if *sign == b'-' { -seconds } else { seconds }
        }
        _ => return None,
    };
    Offset::from_seconds(seconds).ok().filter(|_| rest.is_empty())
}

/// Takes a point and the digits after it, as milliseconds.
fn fraction(rest: &mut &[u8]) -> Option<i32> {
    let (_, digits) = rest.split_first()?;
    let end = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    let (digits, left) = digits.split_at(end);
    *rest = left;
    let weighed =
        digits.iter().zip([100, 10, 1]).map(|(digit, weight)| i32::from(digit - b'0') * weight);
    (!digits.is_empty()).then(|| weighed.sum())
}

/// Takes one of a few marks, and the two digits after it.
fn after(rest: &mut &[u8], marks: &[u8]) -> Option<i16> {
    *rest = rest.split_first().filter(|(mark, _)| marks.contains(mark))?.1;
    number(rest, 2)
}

/// Takes so many digits as a number.
fn number(rest: &mut &[u8], digits: usize) -> Option<i16> {
    let (taken, left) = rest.split_at_checked(digits)?;
    *rest = left;
    let all_digits = taken.iter().all(u8::is_ascii_digit);
    all_digits.then(|| taken.iter().fold(0, |number, digit| number * 10 + i16::from(digit - b'0')))
}

fn at(local: civil::DateTime, offset: Offset) -> Result<Timestamp, Wrong> {
    let moment = offset.to_timestamp(local).ok().map(jiff::Timestamp::as_millisecond);
    let moment = moment.filter(|at| (MOMENT_MS_MIN..=MOMENT_MS_MAX).contains(at));
    let range = || {
        let [least, most] = [MOMENT_MS_MIN, MOMENT_MS_MAX].map(|at| time_text(Timestamp(at)));
        format!("must be between {least} and {most}").into()
    };
    moment.map(Timestamp).ok_or_else(range)
}

fn time_zone(name: &ZoneName) -> Option<TimeZone> {
    TimeZone::get(name.as_str()).ok()
}
