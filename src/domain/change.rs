//! A change: a past-tense fact at one version of an event, with its time and its author.
//!
//! Holding, confirming, extending, expiring, seats and updates of an event are further variants of
//! [`Fact`]; what a change may carry besides its fact has a place of its own in the codec, so
//! neither needs a new format.

use super::names::{EventId, EventName, Nonce, PartnerId, RequestId, Seats, Timestamp, Version};

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
    /// What happened.
    pub fact: Fact,
}

/// Who asked for a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A caller who did not say who he is.
    Anonymous,
    /// The program itself, as when it seeds the first event.
    System,
}

/// What happened to an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// The event came into being, all seats available. Always version 1, and only there.
    EventCreated(EventTerms),
    /// A partner took seats, confirmed at once.
    Reserved {
        /// Who took them.
        partner: PartnerId,
        /// How many.
        seats: Seats,
        /// The random part of the reservation's id.
        nonce: Nonce,
    },
    /// A reservation was given up; its seats are available again.
    Cancelled {
        /// The version that made the reservation.
        reservation: Version,
    },
}

/// What an event sells, and on which terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventTerms {
    /// The event's public id.
    pub id: EventId,
    /// What it is called.
    pub name: EventName,
    /// How many seats there are.
    pub capacity: Seats,
    /// The most seats that one request may take; the least is 1.
    pub seats_per_request_max: Seats,
}
