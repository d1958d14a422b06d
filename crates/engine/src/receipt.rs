//! What a request led to.

use std::sync::Arc;

use ticketboss_core::domain::{Change, Done, Event, Fact, Reservation, ReservationId, Version};

/// What a request led to, which is durable.
#[derive(Debug, Clone)]
pub struct Receipt<T> {
    /// The version that did it.
    pub version: Version,
    /// What it was done to, right after it.
    pub result: T,
    /// Whether this is the first answer.
    pub replay: Replay,
}

/// A receipt of what was done to a reservation.
pub type ReservationReceipt = Receipt<(ReservationId, Reservation)>;

impl<T> Receipt<T> {
    /// A receipt of what was done just now.
    pub fn first(version: Version, result: T) -> Self {
        Self { version, result, replay: Replay::First }
    }

    /// A receipt of what was done before, under the same key.
    pub fn replayed(version: Version, result: T) -> Self {
        Self { version, result, replay: Replay::Replayed }
    }
}

impl ReservationReceipt {
    /// The reservation's id.
    pub fn id(&self) -> ReservationId {
        self.result.0
    }

    /// The reservation, right after it was done.
    pub fn reservation(&self) -> &Reservation {
        &self.result.1
    }
}

/// Whether an answer is given for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replay {
    /// It is.
    First,
    /// It was given before, under the same key.
    Replayed,
}

/// What a writer did about a command.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "almost all of them are made")]
pub(crate) enum Effect {
    /// It made a change.
    Made(Made),
    /// Nothing: this was done before, under the same key.
    Replayed(Done),
}

/// A change that was made, and what came of it.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    /// The change.
    pub(crate) change: Change,
    /// The reservation that it made or changed, as it was right after it.
    pub(crate) reservation: Option<(ReservationId, Reservation)>,
    /// The event right after it, where its terms were changed.
    pub(crate) event: Option<Arc<Event>>,
}

impl Made {
    /// What a change has made of the event `after` it.
    pub(crate) fn new(change: Change, after: &Event) -> Self {
        let made_by = change.fact.reservation().unwrap_or(change.version);
        let has_other_terms = matches!(change.fact, Fact::EventUpdated(_));
        let event = has_other_terms.then(|| Arc::new(after.clone()));
        Self { change, reservation: after.reservation_made_by(made_by), event }
    }
}
