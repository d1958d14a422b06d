//! What an event is asked to do, and why it may say no.

use std::sync::Arc;

use super::change::{Actor, Change};
use super::key::{Done, Key};
use super::names::{Nonce, RequestId, ReservationId, Seats, Timestamp, Version};
use super::note::Note;
use super::refused::RefusalKind;
use super::reservation::{EXTENSIONS_MAX, HOLD_SECONDS_MAX, HOLD_SECONDS_MIN};
use super::terms::{EventStatus, EventTerms, NotOnSale};
use super::text::{PartnerId, Reason};

/// Something that somebody wants of an event. It is decided by [`super::Event::decide`].
#[derive(Debug, Clone)]
pub struct Command {
    /// Who asks.
    pub by: Actor,
    /// The request that asks.
    pub request: RequestId,
    /// The version at which the event was when somebody looked at its terms, where it shall only be done
    /// if they are still those.
    pub if_terms_of: Option<Version>,
    /// The key under which he asks, if he has one.
    pub key: Option<Key>,
    /// What is to be noted on the reservation that it makes, if it makes one.
    pub note: Option<Arc<Note>>,
    /// What is wanted.
    pub intent: Intent,
}

impl Command {
    /// A command that holds on whatever terms there are.
    pub fn new(by: Actor, request: RequestId, intent: Intent) -> Self {
        Self { by, request, if_terms_of: None, key: None, note: None, intent }
    }
}

/// What is wanted of an event.
#[derive(Debug, Clone)]
pub enum Intent {
    /// Sell on other terms.
    Update(Box<EventTerms>),
    /// Take seats out of sale.
    Block {
        /// How many.
        seats: Seats,
        /// Why.
        reason: Reason,
    },
    /// Let seats be sold again that were taken out of sale.
    Unblock {
        /// The version that took them out.
        block: Version,
    },
    /// Take seats for a partner, confirmed at once.
    Reserve {
        /// For whom.
        partner: PartnerId,
        /// How many; any number may be asked for, the event's terms decide.
        seats: u32,
        /// Drawn beforehand, so that deciding twice gives the same reservation.
        nonce: Nonce,
    },
    /// Keep seats for a partner for a while.
    Hold {
        /// For whom.
        partner: PartnerId,
        /// How many; any number may be asked for, the event's terms decide.
        seats: u32,
        /// Drawn beforehand, so that deciding twice gives the same reservation.
        nonce: Nonce,
        /// For how long; any time may be asked for.
        hold_seconds: u32,
    },
    /// Take seats for good that are held, or were until their time was up.
    Confirm {
        /// The reservation.
        reservation: ReservationId,
    },
    /// Keep seats that are held from now on for so long.
    Extend {
        /// The reservation.
        reservation: ReservationId,
        /// For how long; any time may be asked for.
        hold_seconds: u32,
    },
    /// Give up a reservation, held or confirmed.
    Cancel {
        /// Which one.
        reservation: ReservationId,
    },
    /// Give up some seats of a confirmed reservation.
    CancelPart {
        /// Which one.
        reservation: ReservationId,
        /// How many of its seats.
        seats: Seats,
    },
    /// Give back the seats of a hold whose time is up. The one who decides for an event asks for this
    /// himself, before anything else.
    Expire {
        /// The version that made the reservation.
        reservation: Version,
    },
}

/// What an event decides to do about a command.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "almost all of them are changes")]
pub enum Decision {
    /// This change is to be made.
    Change(Change),
    /// It was made before, under the same key: the first answer holds, and nothing is to be made.
    Replay(Done),
}

impl Decision {
    /// The change to be made, if one is.
    pub fn into_change(self) -> Option<Change> {
        match self {
            Self::Change(change) => Some(change),
            Self::Replay(_) => None,
        }
    }
}

/// The rules say no. A refusal is an answer, not a failure, and it carries what it rested on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Something else was done before under the same key.
    #[error("something else was done under that key, at version {version}")]
    KeyReused {
        /// The version that did it.
        version: Version,
    },
    /// More seats, or fewer, than one request may take.
    #[error("a request takes between {least} and {most} seats")]
    SeatsPerRequest {
        /// How many were asked for.
        asked: u32,
        /// The least that one request may take.
        least: u32,
        /// The most that one request may take.
        most: u32,
    },
    /// Seats of the event are not sold now.
    #[error("{why}")]
    NotOnSale {
        /// Why.
        why: NotOnSale,
        /// The version at which that was so.
        version: Version,
    },
    /// The terms are not those that somebody has looked at.
    #[error("the terms are of version {terms_of}, and not of {expected}")]
    OtherTerms {
        /// The version at which the event was when they were looked at.
        expected: Version,
        /// The version that made them.
        terms_of: Version,
        /// The version of the event.
        version: Version,
    },
    /// The capacity would be less than what is taken.
    #[error("{taken} seats are taken; the capacity cannot be {asked}")]
    CapacityTaken {
        /// How many seats there were to be.
        asked: u32,
        /// How many are held, sold or blocked.
        taken: u32,
        /// The version at which that was so.
        version: Version,
    },
    /// An event does not go from the one status to the other.
    #[error("an event that is {} does not become {}", .from.as_str(), .to.as_str())]
    StatusChange {
        /// What it is.
        from: EventStatus,
        /// What it was to be.
        to: EventStatus,
    },
    /// Somebody may still confirm what is held.
    #[error("{held} seats are held")]
    SeatsHeld {
        /// How many.
        held: u32,
    },
    /// The event has taken no such seats out of sale, or they are back.
    #[error("the event has no such block")]
    BlockNotFound,
    /// Seats cannot be held for such a time.
    #[error("seats are held for {HOLD_SECONDS_MIN} to {HOLD_SECONDS_MAX} seconds")]
    HoldSeconds {
        /// How many seconds were asked for.
        asked: u32,
    },
    /// Fewer seats are available than were asked for.
    #[error("{} seats asked for, {} available", .0.asked, .0.available)]
    NotEnoughSeats(Shortage),
    /// The event has no reservation of that id, and never had.
    #[error("the event has no such reservation")]
    ReservationNotFound,
    /// The reservation was cancelled before.
    #[error("the reservation is cancelled already, since version {since}")]
    AlreadyCancelled {
        /// The version that cancelled it.
        since: Version,
    },
    /// The reservation was only held, and its time is up.
    #[error("the time of the hold is up, since version {since}")]
    AlreadyExpired {
        /// The version that gave its seats back.
        since: Version,
    },
    /// The time of the hold is up, and somebody else has taken its seats.
    #[error("the time of the hold is up; {} seats asked for, {} available", .0.asked, .0.available)]
    HoldExpired(Shortage),
    /// The reservation is confirmed already, and what was asked for is for one that is held.
    #[error("the reservation is confirmed already, and as it is since version {since}")]
    AlreadyConfirmed {
        /// The version that made it what it is.
        since: Version,
    },
    /// The reservation is only held, and what was asked for is for one that is confirmed.
    #[error("the reservation is not confirmed")]
    NotConfirmed,
    /// The hold was extended as often as that is possible.
    #[error("a hold is extended {EXTENSIONS_MAX} times at most")]
    TooManyExtensions,
    /// The seats would not be held any longer than they are.
    #[error("the seats are held as long already, and {HOLD_SECONDS_MAX} seconds in all at most")]
    HeldLongEnough {
        /// Until when they are held.
        expires_at: Timestamp,
        /// The latest moment up to which the seats can be held.
        until_max: Timestamp,
    },
    /// As many seats are to be given up as the reservation has, or more: then it is cancelled as a whole.
    #[error("the reservation has {has} {}", if *has == 1 { "seat" } else { "seats" })]
    NotAPart {
        /// How many seats were to be given up.
        asked: u32,
        /// How many it has.
        has: u32,
    },
}

impl Refusal {
    /// Its kind.
    pub fn kind(&self) -> RefusalKind {
        match self {
            Self::SeatsPerRequest { .. } => RefusalKind::SeatsPerRequest,
            Self::HoldSeconds { .. } => RefusalKind::HoldSeconds,
            Self::NotOnSale { .. } => RefusalKind::NotOnSale,
            Self::NotEnoughSeats(_) => RefusalKind::NotEnoughSeats,
            Self::HoldExpired(_) => RefusalKind::HoldExpired,
            Self::TooManyExtensions | Self::HeldLongEnough { .. } => RefusalKind::HoldLimit,
            Self::ReservationNotFound => RefusalKind::ReservationNotFound,
            Self::AlreadyCancelled { .. } => RefusalKind::AlreadyCancelled,
            Self::AlreadyExpired { .. } => RefusalKind::AlreadyExpired,
            Self::AlreadyConfirmed { .. } => RefusalKind::AlreadyConfirmed,
            Self::NotConfirmed => RefusalKind::NotConfirmed,
            Self::NotAPart { .. } => RefusalKind::NotAPart,
            Self::KeyReused { .. } => RefusalKind::KeyReused,
            Self::OtherTerms { .. } => RefusalKind::OtherTerms,
            Self::CapacityTaken { .. } => RefusalKind::CapacityTaken,
            Self::StatusChange { .. } => RefusalKind::StatusChange,
            Self::SeatsHeld { .. } => RefusalKind::SeatsHeld,
            Self::BlockNotFound => RefusalKind::BlockNotFound,
        }
    }
}

/// Fewer seats than somebody wants, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shortage {
    /// How many were asked for.
    pub asked: u32,
    /// How many were available.
    pub available: u32,
    /// How many were held, and may become available.
    pub held: u32,
    /// When the next of the holds is over.
    pub next_expires_at: Option<Timestamp>,
    /// The version at which all that was so.
    pub version: Version,
}
