//! A reservation: seats taken by one partner.

use super::names::{EventNumber, Nonce, PartnerId, ReservationId, Seats, Timestamp, Version};

/// Seats taken by one partner. It is never removed from its event: a cancelled one stays as history.
///
/// An event keeps it under the version that made it, which is therefore not stored a second time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Who has, or had, the seats.
    pub partner: PartnerId,
    /// How many.
    pub seats: Seats,
    /// Where it stands.
    pub status: Status,
    /// The random part of its id.
    pub nonce: Nonce,
    /// When it was made.
    pub made_at: Timestamp,
}

/// Where a reservation stands: `confirmed → cancelled`, and no way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The seats are taken.
    Confirmed,
    /// The seats were given back.
    Cancelled {
        /// The version that gave them back.
        since: Version,
    },
}

impl Reservation {
    /// The full id of this reservation, given where its event keeps it.
    pub fn id(&self, event: EventNumber, version: Version) -> ReservationId {
        ReservationId { event, version, nonce: self.nonce }
    }
}
