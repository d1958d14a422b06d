//! A change: a past-tense fact at one version of an event, with its time and its author.
//!
//! Named seats are further variants of [`Fact`]; what a change may carry besides its fact has a place of
//! its own in the codec, so neither needs a new format.

use std::sync::Arc;

use super::key::Key;
use super::names::{Nonce, RequestId, Seats, Timestamp, Version};
use super::note::Note;
use super::refused::Refused;
use super::terms::EventTerms;
use super::text::{PartnerId, Reason};

/// One entry of a ledger: what happened, when, by whom, because of which request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The version that the event has after this change.
    pub version: Version,
    /// When it was decided; never before the change before it.
    pub at: Timestamp,
    /// Who asked for it.
    pub by: Actor,
    /// The request that asked for it.
    pub request: RequestId,
    /// The key under which it was asked for, if there was one.
    pub key: Option<Key>,
    /// What was noted on the reservation that it made.
    pub note: Option<Arc<Note>>,
    /// How often the rules said no since the change before, if they did.
    pub refused: Option<Arc<[Refused]>>,
    /// What happened.
    pub fact: Fact,
}

/// Who asked for a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A caller who did not say who he is.
    Anonymous,
    /// The program itself, as when it seeds the first event or the time of a hold is up.
    System,
}

/// What happened to an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// The event came into being, all seats available. Always version 1, and only there.
    EventCreated(EventTerms),
    /// The event sells on other terms from now on. What was sold before stays as it is.
    EventUpdated(EventTerms),
    /// Seats were taken out of sale.
    SeatsBlocked {
        /// How many.
        seats: Seats,
        /// Why.
        reason: Reason,
    },
    /// Seats that were taken out of sale are available again.
    SeatsUnblocked {
        /// The version that took them out.
        block: Version,
    },
    /// A partner took seats, confirmed at once.
    Reserved {
        /// Who took them.
        partner: PartnerId,
        /// How many.
        seats: Seats,
        /// The random part of the reservation's id.
        nonce: Nonce,
    },
    /// A reservation was given up, confirmed or only held; its seats are available again.
    Cancelled {
        /// The version that made the reservation.
        reservation: Version,
    },
    /// A partner has seats kept for a while.
    Held {
        /// Who has them.
        partner: PartnerId,
        /// How many.
        seats: Seats,
        /// The random part of the reservation's id.
        nonce: Nonce,
        /// When they are available again, unless something happens before.
        expires_at: Timestamp,
    },
    /// Seats that were held are taken for good.
    Confirmed {
        /// The version that made the reservation.
        reservation: Version,
    },
    /// The time of a hold was up, but so many seats were still available: they are taken for good.
    ConfirmedLate {
        /// The version that made the reservation.
        reservation: Version,
    },
    /// Seats are held longer.
    Extended {
        /// The version that made the reservation.
        reservation: Version,
        /// When they are available again now.
        expires_at: Timestamp,
    },
    /// The time of a hold was up; its seats are available again.
    Expired {
        /// The version that made the reservation.
        reservation: Version,
    },
    /// Some seats of a confirmed reservation were given up, and are available again.
    PartlyCancelled {
        /// The version that made the reservation.
        reservation: Version,
        /// How many.
        seats: Seats,
    },
}

impl Fact {
    /// The version that made the reservation that this is about, where it is about one and has not made
    /// it.
    pub fn reservation(&self) -> Option<Version> {
        match self {
            Self::EventCreated(_)
            | Self::EventUpdated(_)
            | Self::SeatsBlocked { .. }
            | Self::SeatsUnblocked { .. }
            | Self::Reserved { .. }
            | Self::Held { .. } => None,
            Self::Cancelled { reservation }
            | Self::Confirmed { reservation }
            | Self::ConfirmedLate { reservation }
            | Self::Extended { reservation, .. }
            | Self::Expired { reservation }
            | Self::PartlyCancelled { reservation, .. } => Some(*reservation),
        }
    }
}
