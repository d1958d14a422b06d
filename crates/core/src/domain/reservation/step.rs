//! One step of a reservation: what it became at a version.

use crate::domain::change::Fact;
use crate::domain::names::{Seats, Timestamp, Version};

/// What a reservation has become at a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The version.
    pub version: Version,
    /// What it has become.
    pub turn: Turn,
}

/// What a reservation can become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It was made, as a hold.
    Held {
        /// Until when.
        expires_at: Timestamp,
    },
    /// It was confirmed.
    Confirmed,
    /// It was extended.
    Extended {
        /// Until when.
        expires_at: Timestamp,
    },
    /// It was given up.
    Cancelled,
    /// Its time was up.
    Expired,
    /// Some of its seats were given up.
    PartlyCancelled {
        /// How many it had until then.
        had: Seats,
    },
}

impl Turn {
    /// What a reservation becomes by a fact about it, after which it has so many seats.
    pub(in crate::domain) fn of(fact: &Fact, left: Seats) -> Option<Self> {
        match fact {
            Fact::Held { expires_at, .. } => Some(Self::Held { expires_at: *expires_at }),
            Fact::Confirmed { .. } | Fact::ConfirmedLate { .. } => Some(Self::Confirmed),
            Fact::Extended { expires_at, .. } => Some(Self::Extended { expires_at: *expires_at }),
            Fact::Cancelled { .. } => Some(Self::Cancelled),
            Fact::Expired { .. } => Some(Self::Expired),
            Fact::PartlyCancelled { seats, .. } => {
                let had = Seats::new(left.get() + seats.get()).unwrap_or(left);
                Some(Self::PartlyCancelled { had })
            }
            Fact::EventCreated(_)
            | Fact::EventUpdated(_)
            | Fact::SeatsBlocked { .. }
            | Fact::SeatsUnblocked { .. }
            | Fact::Reserved { .. } => None,
        }
    }
}
