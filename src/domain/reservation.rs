//! A reservation: seats taken by one partner, for good or for a while.

use std::sync::Arc;

use super::change::Fact;
use super::names::{EventNumber, Nonce, PartnerId, ReservationId, Seats, Timestamp, Version};
use super::note::Note;

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
    /// What it has gone through, in order; of one that was confirmed at once, only what came after.
    pub steps: Option<Arc<[Step]>>,
    /// What the partner has noted on it.
    pub note: Option<Arc<Note>>,
}

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
        /// How many.
        seats: Seats,
    },
}

impl Turn {
    /// What a reservation becomes by a fact about it.
    pub(super) fn of(fact: &Fact) -> Option<Self> {
        match fact {
            Fact::Held { expires_at, .. } => Some(Self::Held { expires_at: *expires_at }),
            Fact::Confirmed { .. } | Fact::ConfirmedLate { .. } => Some(Self::Confirmed),
            Fact::Extended { expires_at, .. } => Some(Self::Extended { expires_at: *expires_at }),
            Fact::Cancelled { .. } => Some(Self::Cancelled),
            Fact::Expired { .. } => Some(Self::Expired),
            Fact::PartlyCancelled { seats, .. } => Some(Self::PartlyCancelled { seats: *seats }),
            Fact::EventCreated(_)
            | Fact::EventUpdated(_)
            | Fact::SeatsBlocked { .. }
            | Fact::SeatsUnblocked { .. }
            | Fact::Reserved { .. } => None,
        }
    }
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
        let later = self.steps().iter().map(|step| step.version);
        std::iter::once(made_by).chain(later.filter(move |version| *version != made_by))
    }

    /// The version that made it what it is, given the one that made it.
    pub fn since(&self, made_by: Version) -> Version {
        self.steps().last().map_or(made_by, |step| step.version)
    }

    /// What it was when the event was at `version`, which is not before it was made.
    #[must_use]
    pub fn as_of(&self, version: Version) -> Self {
        let count = self.steps().partition_point(|step| step.version <= version);
        let (until_then, later) = self.steps().split_at(count);
        let given_up = later.iter().map(|step| match step.turn {
            Turn::PartlyCancelled { seats } => seats.get(),
            _ => 0,
        });
        let seats = self.seats.get() + given_up.sum::<u32>();
        let status = until_then.iter().fold(Status::Confirmed, |status, step| {
            let since = step.version;
            match step.turn {
                Turn::Held { expires_at } => Status::Held(Hold { expires_at, extensions: 0 }),
                Turn::Extended { expires_at } => match status {
                    Status::Held(Hold { extensions, .. }) => {
                        Status::Held(Hold { expires_at, extensions: extensions.saturating_add(1) })
                    }
                    other => other,
                },
                Turn::Confirmed | Turn::PartlyCancelled { .. } => Status::Confirmed,
                Turn::Cancelled => Status::Cancelled { since },
                Turn::Expired => Status::Expired { since },
            }
        });
        let steps = (!until_then.is_empty()).then(|| until_then.into());
        Self { seats: Seats::new(seats).unwrap_or(self.seats), status, steps, ..self.clone() }
    }

    /// What it has gone through, in order; of one that was confirmed at once, only what came after.
    pub fn steps(&self) -> &[Step] {
        self.steps.as_deref().unwrap_or_default()
    }

    /// Notes what it has become.
    pub(super) fn step(&mut self, step: Step) {
        self.steps = Some(self.steps().iter().copied().chain([step]).collect());
    }
}

impl Status {
    /// Whether there are seats in it that nobody else can have.
    pub fn has_seats(self) -> bool {
        matches!(self, Self::Held(_) | Self::Confirmed)
    }
}
