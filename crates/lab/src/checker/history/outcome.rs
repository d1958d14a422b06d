//! What clients were told.
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

impl Outcome {
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
            _ => None,
        }
    }

    /// The version that an answer is of, where it tells one.
    pub fn version_told(&self) -> Option<u64> {
        match self {
            Self::Read { version, .. }
            | Self::NotEnoughSeats { version, .. }
            | Self::HoldExpired { version, .. }
            | Self::OtherTerms { version }
            | Self::CapacityTaken { version, .. } => Some(*version),
            _ => self.version_made(),
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
