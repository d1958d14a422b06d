//! How often the rules said no, which a ledger keeps beside its changes.
//!
//! A refusal is no change: it has no version and nothing follows from it. But whoever sells wants to know
//! how many could not be served, and why. So they are counted, and the next change carries the counts.

use super::text::PartnerId;

/// Why the rules said no, without the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefusalKind {
    /// More seats, or fewer, than one request may take.
    SeatsPerRequest,
    /// Seats cannot be held for such a time.
    HoldSeconds,
    /// The event does not sell now.
    NotOnSale,
    /// Fewer seats are available.
    NotEnoughSeats,
    /// The time of the hold is up, and its seats are taken.
    HoldExpired,
    /// The hold cannot be extended any more.
    HoldLimit,
    /// There is no such reservation.
    ReservationNotFound,
    /// It is cancelled.
    AlreadyCancelled,
    /// Its time is up.
    AlreadyExpired,
    /// It is confirmed.
    AlreadyConfirmed,
    /// It is not.
    NotConfirmed,
    /// It has no such part.
    NotAPart,
    /// Something else was done under the key.
    KeyReused,
    /// The terms are others than those looked at.
    OtherTerms,
    /// The capacity would be less than what is taken.
    CapacityTaken,
    /// The status does not change like that.
    StatusChange,
    /// Seats are held.
    SeatsHeld,
    /// There is no such block.
    BlockNotFound,
}

impl RefusalKind {
    /// All kinds. A stored kind is a place in here, so that new ones go to the end.
    pub const ALL: [Self; Self::BlockNotFound as usize + 1] = [
        Self::SeatsPerRequest,
        Self::HoldSeconds,
        Self::NotOnSale,
        Self::NotEnoughSeats,
        Self::HoldExpired,
        Self::HoldLimit,
        Self::ReservationNotFound,
        Self::AlreadyCancelled,
        Self::AlreadyExpired,
        Self::AlreadyConfirmed,
        Self::NotConfirmed,
        Self::NotAPart,
        Self::KeyReused,
        Self::OtherTerms,
        Self::CapacityTaken,
        Self::StatusChange,
        Self::SeatsHeld,
        Self::BlockNotFound,
    ];
}

/// None of them is missing.
const _: () = {
    let (mut left, mut index) = (RefusalKind::ALL.as_slice(), 0);
    while let [kind, rest @ ..] = left {
        assert!(*kind as usize == index, "ALL has the kinds as they are declared");
        (left, index) = (rest, index + 1);
    }
};

/// How often the rules said no to somebody, for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub kind: RefusalKind,
    /// To whom, where that is known and he is one of the few that are told by name.
    pub partner: Option<PartnerId>,
    /// How often; at least once.
    pub times: u32,
}
