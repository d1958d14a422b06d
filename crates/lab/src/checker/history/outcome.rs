//! The outcomes of requests, and their names.
//!
//! It must not know: what they had asked for.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a client was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "answer")]
pub enum Outcome {
    /// The seats are taken.
    Reserved {
        /// The reservation.
        reservation: Uuid,
        /// How many seats it has.
        seats: u32,
        /// The version that made it.
        version: u64,
    },
    /// The reservation is given up.
    Cancelled {
        /// The version that did it.
        version: u64,
    },
    /// The seats are kept.
    Held {
        /// The reservation.
        reservation: Uuid,
        /// How many seats it has.
        seats: u32,
        /// The version that made it.
        version: u64,
        /// Until when, in milliseconds since 1970.
        expires_at_ms: i64,
    },
    /// What was held is taken for good.
    Confirmed {
        /// The version that did it.
        version: u64,
    },
    /// What is held is kept longer.
    Extended {
        /// The version that did it.
        version: u64,
        /// Until when, in milliseconds since 1970.
        expires_at_ms: i64,
    },
    /// Some seats are given up.
    PartlyCancelled {
        /// The version that did it.
        version: u64,
        /// How many are left.
        seats: u32,
    },
    /// The event in numbers.
    Read {
        /// The version that they are of.
        version: u64,
        /// How many seats are available.
        available: u32,
        /// How many reservations are not cancelled.
        reservations: u64,
    },
    /// Refused: fewer seats are available than were asked for.
    NotEnoughSeats {
        /// How many are available.
        available: u32,
        /// The version at which that is so.
        version: u64,
    },
    /// Refused: more seats, or fewer, than one request may take.
    SeatsPerRequest,
    /// Refused: there is no such reservation, or none that could be given up.
    ReservationNotFound,
    /// Refused: the time of the hold is up, and fewer seats are available than it had.
    HoldExpired {
        /// How many are available.
        available: u32,
        /// The version at which that is so.
        version: u64,
    },
    /// Refused: the reservation stands otherwise than it would have to.
    Stands {
        /// How it stands.
        how: Stand,
    },
    /// Refused: what is held cannot be held any longer.
    HoldLimit,
    /// Refused: seats are not held for such a time.
    HoldSeconds,
    /// Refused: the reservation has no more seats than were to be given up.
    NotAPart {
        /// How many it has.
        has: u32,
    },
    /// The event sells on other terms.
    Updated {
        /// The version that did it.
        version: u64,
        /// How many seats there are then.
        capacity: u32,
        /// How many of them are available then.
        available: u32,
    },
    /// The seats are out of sale.
    Blocked {
        /// The version that did it.
        version: u64,
        /// How many.
        seats: u32,
    },
    /// The seats are back.
    Unblocked {
        /// The version that did it.
        version: u64,
    },
    /// Refused: the terms are not those that were looked at.
    OtherTerms {
        /// The version at which that is so.
        version: u64,
    },
    /// Refused: the event would have fewer seats than are taken.
    CapacityTaken {
        /// How many are taken.
        taken: u32,
        /// The version at which that is so.
        version: u64,
    },
    /// Refused: no such seats are out of sale.
    BlockNotFound,
    /// Refused: something else was done under the same key.
    KeyReused,
    /// An answer by which certainly nothing was done, as when too many are waiting.
    NotDone {
        /// The answer in a few words.
        what: String,
    },
    /// No answer, or one that leaves open whether it was done: it was done once, or never.
    Unknown {
        /// What happened instead.
        what: String,
    },
    /// An answer that the request does not deserve.
    Unexpected {
        /// The answer in a few words.
        what: String,
    },
}

/// Whether an answer is given for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Telling {
    /// It is, as far as the client was told.
    #[default]
    First,
    /// What is told was done before, under the same key.
    Again,
}

impl Telling {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks like this")]
    pub(super) fn is_first(&self) -> bool {
        *self == Self::First
    }
}

/// What an outcome is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct OutcomeName {
    /// In reports for programs.
    pub code: &'static str,
    /// In tables for people: the status of the response, and what it says.
    pub words: &'static str,
    /// In the counts of simulated runs, which have no status.
    pub short: &'static str,
}

impl Outcome {
    /// What it is called: the only table of these names.
    pub fn name(&self, telling: Telling) -> OutcomeName {
        let (code, words, short) = match self {
            _ if telling == Telling::Again => {
                ("toldAgain", "20x told again under a key", "told again")
            }
            Self::Reserved { .. } => ("reserved", "201 reserved", "reserved"),
            Self::Cancelled { .. } => ("cancelled", "204 cancelled", "cancelled"),
            Self::Read { .. } => ("read", "200 read", "read"),
            Self::NotEnoughSeats { .. } => {
                ("notEnoughSeats", "409 not enough seats left", "not enough seats")
            }
            Self::SeatsPerRequest => {
                ("seatsPerRequest", "400 seats per request", "seats per request")
            }
            Self::ReservationNotFound => {
                ("reservationNotFound", "404 reservation not found", "reservation not found")
            }
            Self::Held { .. } => ("held", "201 held", "held"),
            Self::Confirmed { .. } => ("confirmed", "200 confirmed", "confirmed"),
            Self::Extended { .. } => ("extended", "200 extended", "extended"),
            Self::PartlyCancelled { .. } => {
                ("partlyCancelled", "200 partly cancelled", "partly cancelled")
            }
            Self::HoldExpired { .. } => ("holdExpired", "409 hold expired", "hold expired"),
            Self::Stands { .. } => ("stands", "409 stands otherwise", "stands otherwise"),
            Self::HoldLimit => ("holdLimit", "409 hold limit", "hold limit"),
            Self::HoldSeconds => ("holdSeconds", "400 hold seconds", "hold seconds"),
            Self::NotAPart { .. } => ("notAPart", "400 not a part", "not a part"),
            Self::Updated { .. } => ("updated", "200 terms changed", "terms changed"),
            Self::Blocked { .. } => ("blocked", "201 seats out of sale", "seats blocked"),
            Self::Unblocked { .. } => ("unblocked", "204 seats back in sale", "seats unblocked"),
            Self::OtherTerms { .. } => {
                ("otherTerms", "412 other terms than were seen", "other terms")
            }
            Self::CapacityTaken { .. } => ("capacityTaken", "409 capacity taken", "capacity taken"),
            Self::BlockNotFound => ("blockNotFound", "404 block not found", "block not found"),
            Self::KeyReused => ("keyReused", "422 key used for something else", "key reused"),
            Self::NotDone { .. } => ("notDone", "503 not done", "not done"),
            Self::Unexpected { .. } => ("unexpected", "unexpected", "unexpected"),
            Self::Unknown { .. } => ("unknown", "no answer", "unknown"),
        };
        OutcomeName { code, words, short }
    }

    /// The version that made what was asked for, where it was done and that was told.
    pub fn version_made(&self) -> Option<u64> {
        match self {
            Self::Reserved { version, .. }
            | Self::Held { version, .. }
            | Self::Confirmed { version }
            | Self::Extended { version, .. }
            | Self::PartlyCancelled { version, .. }
            | Self::Cancelled { version }
            | Self::Updated { version, .. }
            | Self::Blocked { version, .. }
            | Self::Unblocked { version } => Some(*version),
            Self::Read { .. }
            | Self::NotEnoughSeats { .. }
            | Self::SeatsPerRequest
            | Self::ReservationNotFound
            | Self::HoldExpired { .. }
            | Self::Stands { .. }
            | Self::HoldLimit
            | Self::HoldSeconds
            | Self::NotAPart { .. }
            | Self::OtherTerms { .. }
            | Self::CapacityTaken { .. }
            | Self::BlockNotFound
            | Self::KeyReused
            | Self::NotDone { .. }
            | Self::Unknown { .. }
            | Self::Unexpected { .. } => None,
        }
    }

    /// The version that an answer is of, where it tells one.
    pub fn version_told(&self) -> Option<u64> {
        match self {
            Self::Reserved { version, .. }
            | Self::Held { version, .. }
            | Self::Confirmed { version }
            | Self::Extended { version, .. }
            | Self::PartlyCancelled { version, .. }
            | Self::Cancelled { version }
            | Self::Updated { version, .. }
            | Self::Blocked { version, .. }
            | Self::Unblocked { version }
            | Self::Read { version, .. }
            | Self::NotEnoughSeats { version, .. }
            | Self::HoldExpired { version, .. }
            | Self::OtherTerms { version }
            | Self::CapacityTaken { version, .. } => Some(*version),
            Self::SeatsPerRequest
            | Self::ReservationNotFound
            | Self::Stands { .. }
            | Self::HoldLimit
            | Self::HoldSeconds
            | Self::NotAPart { .. }
            | Self::BlockNotFound
            | Self::KeyReused
            | Self::NotDone { .. }
            | Self::Unknown { .. }
            | Self::Unexpected { .. } => None,
        }
    }
}

/// How a reservation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stand {
    /// Its seats are kept for a while.
    Held,
    /// Its seats are taken.
    Confirmed,
    /// It was given up.
    Cancelled,
    /// Its time is up.
    Expired,
}
