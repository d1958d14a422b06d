//! A reservation: seats taken by one partner, for good or for a while.

use std::sync::Arc;

use super::names::{EventNumber, Nonce, ReservationId, Seats, Timestamp, Version};
use super::note::Note;
use super::text::PartnerId;
pub use step::{Step, Turn};
pub use steps::Steps;

mod step;
mod steps;

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
    pub steps: Steps,
    /// What the partner has noted on it.
    pub note: Option<Arc<Note>>,
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

    /// The versions after `after` that it went through, given the one that made it.
    pub fn versions(&self, made_by: Version, after: Version) -> impl Iterator<Item = Version> {
        let made_by = Some(made_by).filter(|made_by| *made_by > after);
        let later = self.steps.from(self.steps.count_until(after)).map(|step| step.version);
        made_by.into_iter().chain(later.filter(move |version| Some(*version) != made_by))
    }

    /// The version that made it what it is, given the one that made it.
    pub fn since(&self, made_by: Version) -> Version {
        self.steps.last().map_or(made_by, |step| step.version)
    }

    /// What it was when the event was at `version`, which is not before it was made.
    #[must_use]
    pub fn as_of(&self, version: Version) -> Self {
        let steps = self.steps.first(self.steps.count_until(version));
        let (seats, status) = (self.seats_at(version), self.status_at(version));
        Self { seats, status, steps, ..self.clone() }
    }

    /// How many seats it had when the event was at `version`, which is not before it was made.
    pub fn seats_at(&self, version: Version) -> Seats {
        // Parts are given up one after the other, so the next one is not far.
        let mut later = self.steps.from(self.steps.count_until(version));
        let had = later.find_map(|step| match step.turn {
            Turn::PartlyCancelled { had } => Some(had),
            _ => None,
        });
        had.unwrap_or(self.seats)
    }

    /// Where it stood when the event was at `version`, which is not before it was made.
    pub fn status_at(&self, version: Version) -> Status {
        let count = self.steps.count_until(version);
        let Some(Step { version: since, turn }) = self.steps.back_from(count).next() else {
            return Status::Confirmed;
        };
        match turn {
            Turn::Held { expires_at } => Status::Held(Hold { expires_at, extensions: 0 }),
            Turn::Extended { expires_at } => {
                let extended = |step: &Step| matches!(step.turn, Turn::Extended { .. });
                let extensions = self.steps.back_from(count).take_while(extended).count();
                let extensions = u8::try_from(extensions).unwrap_or(u8::MAX);
                Status::Held(Hold { expires_at, extensions })
            }
            Turn::Confirmed | Turn::PartlyCancelled { .. } => Status::Confirmed,
            Turn::Cancelled => Status::Cancelled { since },
            Turn::Expired => Status::Expired { since },
        }
    }

    /// Notes what it has become.
    pub(super) fn step(&mut self, step: Step) {
        self.steps.push(step);
    }
}

impl Status {
    /// Whether there are seats in it that nobody else can have.
    pub fn has_seats(self) -> bool {
        matches!(self, Self::Held(_) | Self::Confirmed)
    }
}
