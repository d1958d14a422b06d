//! How often the rules said no, which a ledger keeps beside its changes.
//!
//! A refusal is no change: it has no version and nothing follows from it. But whoever sells wants to know
//! how many could not be served, and why. So they are counted, and the next change carries the counts.

use super::command::{Command, Intent, Refusal};
use super::event::Event;
use super::names::PartnerId;

/// How many counts one change carries of partners by name; those of other partners it carries together.
pub const REFUSED_BY_NAME_MAX: usize = 8;

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
    pub const ALL: [Self; 18] = [
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

    /// The kind of a refusal.
    pub fn of(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::SeatsPerRequest { .. } => Self::SeatsPerRequest,
            Refusal::HoldSeconds { .. } => Self::HoldSeconds,
            Refusal::NotOnSale { .. } => Self::NotOnSale,
            Refusal::NotEnoughSeats(_) => Self::NotEnoughSeats,
            Refusal::HoldExpired(_) => Self::HoldExpired,
            Refusal::TooManyExtensions | Refusal::HeldLongEnough { .. } => Self::HoldLimit,
            Refusal::ReservationNotFound => Self::ReservationNotFound,
            Refusal::AlreadyCancelled { .. } => Self::AlreadyCancelled,
            Refusal::AlreadyExpired { .. } => Self::AlreadyExpired,
            Refusal::AlreadyConfirmed { .. } => Self::AlreadyConfirmed,
            Refusal::NotConfirmed => Self::NotConfirmed,
            Refusal::NotAPart { .. } => Self::NotAPart,
            Refusal::KeyReused { .. } => Self::KeyReused,
            Refusal::OtherTerms { .. } => Self::OtherTerms,
            Refusal::CapacityTaken { .. } => Self::CapacityTaken,
            Refusal::StatusChange { .. } => Self::StatusChange,
            Refusal::SeatsHeld { .. } => Self::SeatsHeld,
            Refusal::BlockNotFound => Self::BlockNotFound,
        }
    }
}

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

/// Counts refusals, in the order in which each was seen first.
#[derive(Debug, Clone, Default)]
pub struct RefusedCount(Vec<Refused>);

impl RefusedCount {
    /// Counts one by `event`, which is as it was when it refused, or later.
    pub fn note(&mut self, event: &Event, command: &Command, refusal: &Refusal) {
        let kind = RefusalKind::of(refusal);
        // Who asks once more for what is so already does not miss anything.
        if let (Intent::Confirm { .. }, RefusalKind::AlreadyConfirmed)
        | (
            Intent::Cancel { .. },
            RefusalKind::AlreadyCancelled | RefusalKind::AlreadyExpired,
        ) = (&command.intent, kind)
        {
            return;
        }
        let partner = partner_of(event, &command.intent);
        let named = self.0.iter().filter(|refused| refused.partner.is_some()).count();
        let is_known =
            |refused: &Refused| refused.kind == kind && refused.partner.as_ref() == partner;
        let has_name = self.0.iter().any(is_known) || named < REFUSED_BY_NAME_MAX;
        let partner = partner.filter(|_| has_name).cloned();
        let known = self.0.iter_mut().find(|it| it.kind == kind && it.partner == partner);
        match known {
            Some(refused) => refused.times = refused.times.saturating_add(1),
            None => self.0.push(Refused { kind, partner, times: 1 }),
        }
    }

    /// Begins anew.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// What was counted, if anything.
    pub fn told(&self) -> Option<std::sync::Arc<[Refused]>> {
        (!self.0.is_empty()).then(|| self.0.as_slice().into())
    }
}

/// Whom a refusal is to: who asks for seats, or has or had those that are asked about. The event itself, and
/// a reservation that it never had, are nobody's.
fn partner_of<'a>(event: &'a Event, intent: &'a Intent) -> Option<&'a PartnerId> {
    match intent {
        Intent::Reserve { partner, .. } | Intent::Hold { partner, .. } => Some(partner),
        Intent::Confirm { reservation }
        | Intent::Extend { reservation, .. }
        | Intent::Cancel { reservation }
        | Intent::CancelPart { reservation, .. } => {
            event.reservation(*reservation).map(|reservation| &reservation.partner)
        }
        Intent::Update(_)
        | Intent::Block { .. }
        | Intent::Unblock { .. }
        | Intent::Expire { .. } => None,
    }
}
