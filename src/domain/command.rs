//! What an event is asked to do, and why it may say no.

use super::change::Actor;
use super::names::{Nonce, PartnerId, RequestId, ReservationId, Version};

/// Something that somebody wants of an event. It is decided by [`super::Event::decide`].
#[derive(Debug, Clone)]
pub struct Command {
    /// Who asks.
    pub by: Actor,
    /// The request that asks.
    pub request: RequestId,
    /// What is wanted.
    pub intent: Intent,
}

/// What is wanted of an event.
#[derive(Debug, Clone)]
pub enum Intent {
    /// Take seats for a partner, confirmed at once.
    Reserve {
        /// For whom.
        partner: PartnerId,
        /// How many; any number may be asked for, the event's terms decide.
        seats: u32,
        /// Drawn beforehand, so that deciding twice gives the same reservation.
        nonce: Nonce,
    },
    /// Give up a reservation.
    Cancel {
        /// Which one.
        reservation: ReservationId,
    },
}

/// The rules say no. A refusal is an answer, not a failure, and it carries what it rested on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// More seats, or fewer, than one request may take.
    #[error("a request takes between 1 and {most} seats")]
    SeatsPerRequest {
        /// How many were asked for.
        asked: u32,
        /// The most that one request may take.
        most: u32,
    },
    /// Fewer seats are available than were asked for.
    #[error("{asked} seats asked for, {available} available")]
    NotEnoughSeats {
        /// How many were asked for.
        asked: u32,
        /// How many were available.
        available: u32,
        /// The version at which that was so.
        version: Version,
    },
    /// The event has no reservation of that id, and never had.
    #[error("the event has no such reservation")]
    ReservationNotFound,
    /// The reservation was cancelled before.
    #[error("the reservation is cancelled already, since version {since}")]
    AlreadyCancelled {
        /// The version that cancelled it.
        since: Version,
    },
}
