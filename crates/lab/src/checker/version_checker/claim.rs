//! What one answer claims about the versions of an event, and how a claim breaks a law.
//!
//! It must not know: how a claim is checked, or against which others.

use super::stored::Stretch;
use crate::checker::history::Stand;
use ticketboss_core::domain::ReservationId;

/// What an operation contributes to the order of things, if its answer is true by itself.
///
/// An answer that is not is convicted already, and is not used against others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    /// It made this version, and was told so.
    Changed(u64),
    /// It made this version, and nobody was told.
    ChangedUnanswered(u64),
    /// It was shown the event at this version.
    Shown(u64),
    /// It was told of this version, of which everybody may know by then.
    Replayed(u64),
    /// It was told how something stands, at a version that is not told.
    Observed(Observation),
    /// It was refused, whatever the version is.
    Refused,
    /// It says nothing about any version.
    Nothing,
}

/// What somebody was told that stands so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Observation {
    /// A reservation.
    Reservation(ReservationId, ReservationView),
    /// The limits of a request, which may not take so many seats.
    Limits(u32),
    /// That there is no such block.
    NoBlock(u64),
}

/// How a reservation looked to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReservationView {
    /// There never was one.
    Never,
    /// There is none with seats in it.
    Missing,
    /// It stands so.
    Stands(Stand),
    /// It is confirmed and has so many seats.
    Confirmed(u32),
    /// It is confirmed, as this version has made it.
    ConfirmedSince(u64),
}

impl ReservationView {
    /// Whether a reservation looks so in that stretch.
    pub(super) fn is_of(self, stretch: &Stretch) -> bool {
        let Some(how) = stretch.how else { return true };
        match self {
            Self::Never => false,
            Self::Missing => matches!(how, Stand::Cancelled | Stand::Expired),
            Self::Stands(told) => how == told,
            Self::Confirmed(seats) => how == Stand::Confirmed && stretch.seats == seats,
            Self::ConfirmedSince(version) => how == Stand::Confirmed && stretch.since == version,
        }
    }
}

/// The law that is broken, and how.
pub(super) type Breach = (&'static str, String);
/// The claim of an answer that is true by itself, or the law that it breaks.
pub(super) type ClaimResult = Result<Claim, Breach>;

/// A number that was told, and is another one.
pub(super) fn wrong_number(what: &str, told: i128, is: i128) -> Option<String> {
    (told != is).then(|| format!("{what} {told:x}, but it is {is:x}"))
}
