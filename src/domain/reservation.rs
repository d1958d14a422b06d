//! A reservation: seats taken by one partner, for good or for a while.

use std::sync::Arc;

use super::names::{EventNumber, Nonce, PartnerId, ReservationId, Seats, Timestamp, Version};

/// The shortest hold that may be asked for, in seconds.
pub const HOLD_SECONDS_MIN: u32 = 10;
/// How long seats may be held in all, in seconds: from the moment they were taken, however often the
/// hold is extended.
pub const HOLD_SECONDS_MAX: u32 = 30 * 60;
/// How often a hold may be extended.
pub const EXTENSIONS_MAX: u8 = 10;

/// Seats taken by one partner. It is never removed from its event: one that is cancelled or expired
/// stays as history.
///
/// An event keeps it under the version that made it, which is therefore not stored a second time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Who has, or had, the seats.
    pub partner: PartnerId,
    /// How many: what is left of them, or was when they were given back.
    pub seats: Seats,
    /// Where it stands.
    pub status: Status,
    /// The random part of its id.
    pub nonce: Nonce,
    /// When it was made.
    pub made_at: Timestamp,
    /// The versions that changed it after the one that made it, in order.
    pub later: Option<Arc<[Version]>>,
}

/// Where a reservation stands.
///
/// ```text
/// hold ──▶ Held ──confirm──▶ Confirmed ──cancel──▶ Cancelled
///           │ ╰───cancel────────────────────────────▲
///           ╰──time is up──▶ Expired ──confirm late──▶ Confirmed
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The seats are kept for a while.
    Held(Hold),
    /// The seats are taken.
    Confirmed,
    /// The seats were given back.
    Cancelled {
        /// The version that gave them back.
        since: Version,
    },
    /// The time was up before they were confirmed; the seats are available again.
    Expired {
        /// The version that gave them back.
        since: Version,
    },
}

/// How long seats are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// It is over at this moment, and not a moment before.
    pub expires_at: Timestamp,
    /// How often it was extended.
    pub extensions: u8,
}

impl Reservation {
    /// The full id of this reservation, given where its event keeps it.
    pub fn id(&self, event: EventNumber, version: Version) -> ReservationId {
        ReservationId { event, version, nonce: self.nonce }
    }

    /// The latest moment up to which it may be held.
    pub fn held_until_max(&self) -> Timestamp {
        self.made_at.plus_seconds(HOLD_SECONDS_MAX)
    }

    /// The versions that it went through, given the one that made it.
    pub fn versions(&self, made_by: Version) -> impl Iterator<Item = Version> {
        std::iter::once(made_by).chain(self.later.iter().flat_map(|later| later.iter().copied()))
    }

    /// Notes that a version has changed it.
    pub(super) fn changed_by(&mut self, version: Version) {
        let known = self.later.as_deref().unwrap_or_default();
        self.later = Some(known.iter().copied().chain([version]).collect());
    }
}

impl Status {
    /// Whether there are seats in it that nobody else can have.
    pub fn has_seats(self) -> bool {
        matches!(self, Self::Held(_) | Self::Confirmed)
    }
}
