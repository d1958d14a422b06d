//! The names and numbers of the domain, each a type of its own, each with its limits.
//!
//! Nothing here draws a number or reads a clock; these types only say what a valid value is.

use std::fmt;
use std::sync::Arc;

use super::text::InvalidName;

/// The longest event id, in bytes.
pub const EVENT_ID_BYTES_MAX: usize = 64;

/// The public name of an event, as in `node-meetup-2025`: 1–64 of `a-z 0-9 - _`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(Arc<str>);

impl EventId {
    /// Takes `text` as an event id.
    ///
    /// # Errors
    /// When it is blank, too long, or has a character outside the alphabet.
    pub fn new(text: &str) -> Result<Self, InvalidName> {
        if text.is_empty() {
            return Err(InvalidName::Blank);
        }
        if text.len() > EVENT_ID_BYTES_MAX {
            return Err(InvalidName::TooLong(EVENT_ID_BYTES_MAX));
        }
        let known = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        if !text.bytes().all(known) {
            return Err(InvalidName::Alphabet);
        }
        Ok(Self(text.into()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The short number under which the store keeps an event's ledger; it never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventNumber(pub u32);

/// How many changes an event has had. A new event is at version 1; every change adds 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u64);

impl Version {
    /// Before the first change: the version of an event that does not exist yet.
    pub const ZERO: Self = Self(0);
    /// The version that creating an event makes.
    pub const FIRST: Self = Self(1);
    /// The greatest version; a reservation id has 40 bits for it.
    pub const MAX: Self = Self((1 << 40) - 1);

    /// Takes `number` as a version, unless it is above [`Version::MAX`].
    pub fn new(number: u64) -> Option<Self> {
        (number <= Self::MAX.0).then_some(Self(number))
    }

    /// The version as a number.
    pub fn get(self) -> u64 {
        self.0
    }

    /// The version after this one.
    ///
    /// # Panics
    /// After 2⁴⁰ − 1 changes, some 300 years at a hundred changes a second.
    #[must_use]
    pub fn next(self) -> Self {
        assert!(self < Self::MAX, "an event has at most {} changes", Self::MAX.0);
        Self(self.0 + 1)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A number of seats that somebody has: at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seats(u32);

impl Seats {
    /// A single seat.
    pub const ONE: Self = Self(1);
    /// As many as the seed let one request take.
    pub const TEN: Self = Self(10);

    /// Takes `count` as seats, unless it is zero.
    pub fn new(count: u32) -> Option<Self> {
        (count > 0).then_some(Self(count))
    }

    /// The seats as a number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Seats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// So many seconds later.
    #[must_use]
    pub fn plus_seconds(self, seconds: u32) -> Self {
        Self(self.0.saturating_add(i64::from(seconds) * 1_000))
    }
}

/// The id of the request that caused a change, so that a change can be found in partners' logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId(pub u128);

impl RequestId {
    /// What is named as the request of a change that nobody asked for.
    pub const NOBODY: Self = Self(0);
}

/// The random part of a reservation id: 50 bits, so that an id cannot be guessed from its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Nonce(u64);

impl Nonce {
    const BITS: u32 = 50;
    const MASK: u64 = (1 << Self::BITS) - 1;

    /// The lowest 50 of `bits`.
    pub fn from_bits(bits: u64) -> Self {
        Self(bits & Self::MASK)
    }

    /// The nonce as a number below 2⁵⁰.
    pub fn get(self) -> u64 {
        self.0
    }
}

/// The name of a reservation: a UUID of version 8 that says where to look for it.
///
/// Of its 122 free bits, from the highest: event number (32), the version that made the reservation
/// (40), nonce (50). Any node finds event, reservation and ledger page without an index; all of it
/// must match, so an id cannot be made up. Layout of version 8: RFC 9562, section 5.8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReservationId {
    /// The event that the reservation is of.
    pub event: EventNumber,
    /// The version that made the reservation.
    pub version: Version,
    /// The part that cannot be guessed.
    pub nonce: Nonce,
}

impl ReservationId {
    const VERSION_8: u128 = 8 << 76;
    const VERSION_MASK: u128 = 0xF << 76;
    const VARIANT: u128 = 0b10 << 62;
    const VARIANT_MASK: u128 = 0b11 << 62;

    /// The 128 bits of the UUID.
    pub fn to_bits(self) -> u128 {
        let packed = (u128::from(self.event.0) << 90)
            | (u128::from(self.version.get()) << 50)
            | u128::from(self.nonce.get());
        let high = packed >> 74;
        let middle = (packed >> 62) & 0xFFF;
        let low = packed & ((1 << 62) - 1);
        (high << 80) | Self::VERSION_8 | (middle << 64) | Self::VARIANT | low
    }

    /// Reads the 128 bits of a UUID, unless they are not of this form.
    pub fn from_bits(bits: u128) -> Option<Self> {
        let ours = bits & Self::VERSION_MASK == Self::VERSION_8
            && bits & Self::VARIANT_MASK == Self::VARIANT;
        if !ours {
            return None;
        }
        let packed =
            ((bits >> 80) << 74) | (((bits >> 64) & 0xFFF) << 62) | (bits & ((1 << 62) - 1));
        Some(Self {
            event: EventNumber(u32::try_from(packed >> 90).ok()?),
            version: Version::new(low_u64(packed >> 50) & Version::MAX.0)?,
            nonce: Nonce::from_bits(low_u64(packed)),
        })
    }
}

/// The lowest 64 bits of `wide`.
fn low_u64(wide: u128) -> u64 {
    let [_, _, _, _, _, _, _, _, low @ ..] = wide.to_be_bytes();
    u64::from_be_bytes(low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_reservation_id_reads_back(event: u32, version in 0..=Version::MAX.0, nonce: u64) {
            let id = ReservationId {
                event: EventNumber(event),
                version: Version::new(version).unwrap(),
                nonce: Nonce::from_bits(nonce),
            };
            prop_assert_eq!(ReservationId::from_bits(id.to_bits()), Some(id));
        }

        #[test]
        fn bits_that_read_as_an_id_are_that_id(bits: u128) {
            if let Some(id) = ReservationId::from_bits(bits) {
                prop_assert_eq!(id.to_bits(), bits);
            }
        }
    }

    #[test]
    fn a_version_8_uuid_has_its_marks_in_their_places() {
        let id = ReservationId {
            event: EventNumber(u32::MAX),
            version: Version::MAX,
            nonce: Nonce::from_bits(u64::MAX),
        };
        assert_eq!(format!("{:032x}", id.to_bits()), "ffffffffffff8fffbfffffffffffffff");
    }
}
