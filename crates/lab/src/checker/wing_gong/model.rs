//! An event as the answers tell of it: a small sequential model, written apart from
//! [`ticketboss_core::domain::Event`], of which it must not know.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::terms::Terms;
use super::unreported::UnreportedIds;
use crate::checker::history::{Asked, Operation, Outcome, Stand};
use ticketboss_core::domain::{EXTENSIONS_MAX, HOLD_SECONDS_MAX, HOLD_SECONDS_MIN, ReservationId};

/// An event, as far as the answers tell of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Model {
    version: u64,
    available: u32,
    /// The earliest that it can be, in milliseconds since 1970, by the times that were told.
    pub(super) now_ms: i64,
    /// Each reservation whose id somebody names, and each that is only held, by the version that made it.
    kept: BTreeMap<u64, Kept>,
    /// How many others have seats.
    live_unnamed: u64,
}

/// A reservation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Kept {
    /// Nothing where nobody names it.
    id: Option<Uuid>,
    seats: u32,
    stand: Stand,
    /// The version that has made it so.
    since: u64,
    /// When it was made, if that is known.
    made_at_ms: Option<i64>,
    /// When it is over, at the earliest.
    expires_at_ms: i64,
    extensions: u8,
}

impl Kept {
    fn is_live(&self) -> bool {
        matches!(self.stand, Stand::Held | Stand::Confirmed)
    }
}

impl Model {
    /// An event that is new.
    pub(super) fn new(terms: Terms) -> Self {
        Self { version: 1, available: terms.capacity, ..Self::default() }
    }

    /// Whether the operation changes nothing here, and its answer is true here.
    pub(super) fn shows(&self, terms: Terms, operation: &Operation) -> bool {
        match (&operation.asked, &operation.outcome) {
            (Asked::Read, Outcome::Read { version, available, reservations }) => {
                let live = self.kept.values().filter(|kept| kept.is_live()).count() as u64;
                *version == self.version
                    && *available == self.available
                    && *reservations == live + self.live_unnamed
            }
            (
                Asked::Reserve { seats, .. } | Asked::Hold { seats, .. },
                Outcome::NotEnoughSeats { available, version },
            ) => {
                may_ask(terms, *seats)
                    && *version == self.version
                    && *available == self.available
                    && *seats > self.available
            }
            (
                Asked::Reserve { seats, .. } | Asked::Hold { seats, .. },
                Outcome::SeatsPerRequest,
            ) => !may_ask(terms, *seats),
            (
                Asked::Hold { hold_seconds, .. } | Asked::Extend { hold_seconds, .. },
                Outcome::HoldSeconds,
            ) => !may_hold(*hold_seconds),
            (Asked::Cancel { reservation }, Outcome::ReservationNotFound) => {
                !self.kept(*reservation).is_some_and(Kept::is_live)
            }
            (
                Asked::Confirm { reservation }
                | Asked::Extend { reservation, .. }
                | Asked::CancelPart { reservation, .. },
                outcome,
            ) => self.shows_of(&operation.asked, self.kept(*reservation), outcome),
            _ => false,
        }
    }

    /// Whether an answer is true of a reservation, and changes nothing.
    fn shows_of(&self, asked: &Asked, kept: Option<&Kept>, outcome: &Outcome) -> bool {
        let Some(kept) = kept else { return *outcome == Outcome::ReservationNotFound };
        match (asked, outcome) {
            (_, Outcome::Stands { how }) => *how == kept.stand && may_be_told(asked, *how),
            // It was confirmed before.
            (Asked::Confirm { .. }, Outcome::Confirmed { version }) => {
                kept.stand == Stand::Confirmed && kept.since == *version
            }
            (Asked::Confirm { .. }, Outcome::HoldExpired { available, version }) => {
                kept.stand == Stand::Expired
                    && *version == self.version
                    && *available == self.available
                    && kept.seats > self.available
            }
            (Asked::Extend { .. }, Outcome::HoldLimit) => kept.stand == Stand::Held,
            (Asked::CancelPart { seats, .. }, Outcome::NotAPart { has }) => {
                kept.stand == Stand::Confirmed && *has == kept.seats && *has <= *seats
            }
            _ => false,
        }
    }

    /// What the event may be after the operation, if that changes it and its answer is true.
    pub(super) fn after(
        &self,
        terms: Terms,
        operation: &Operation,
        unreported: &UnreportedIds,
    ) -> Vec<Self> {
        let is_unknown = matches!(operation.outcome, Outcome::Unknown { .. });
        let after = match &operation.asked {
            Asked::Reserve { .. } | Asked::Hold { .. } if is_unknown => {
                return self.after_unanswered(terms, &operation.asked, unreported);
            }
            Asked::Reserve { .. } | Asked::Hold { .. } => {
                self.after_answered(terms, &operation.asked, &operation.outcome)
            }
            Asked::Confirm { reservation } => self.confirmed(*reservation),
            Asked::Extend { reservation, hold_seconds } => {
                self.extended(*reservation, *hold_seconds, &operation.outcome)
            }
            Asked::Cancel { reservation } => self.given_back(*reservation),
            Asked::CancelPart { reservation, seats } => self.given_back_part(*reservation, *seats),
            Asked::Update { .. } | Asked::Block { .. } | Asked::Unblock { .. } | Asked::Read => {
                None
            }
        };
        let is_true = |after: &Self| is_unknown || after.is_told(operation);
        after.filter(is_true).into_iter().collect()
    }

    /// Whether the latest change is what the operation was told.
    fn is_told(&self, Operation { asked, outcome, .. }: &Operation) -> bool {
        let left = |reservation| self.kept(reservation).map(|kept| kept.seats);
        match (asked, outcome) {
            (Asked::Reserve { seats, .. }, Outcome::Reserved { seats: told, version, .. })
            | (Asked::Hold { seats, .. }, Outcome::Held { seats: told, version, .. }) => {
                seats == told && *version == self.version
            }
            (Asked::Confirm { .. }, Outcome::Confirmed { version })
            | (Asked::Extend { .. }, Outcome::Extended { version, .. })
            | (Asked::Cancel { .. }, Outcome::Cancelled { version }) => *version == self.version,
            (
                Asked::CancelPart { reservation, .. },
                Outcome::PartlyCancelled { version, seats },
            ) => *version == self.version && left(*reservation) == Some(*seats),
            _ => false,
        }
    }

    /// The event after seats were taken or held, and that was told.
    fn after_answered(&self, terms: Terms, asked: &Asked, outcome: &Outcome) -> Option<Self> {
        let (reservation, at_ms) = match (asked, outcome) {
            (Asked::Reserve { .. }, Outcome::Reserved { reservation, .. }) => {
                (*reservation, self.now_ms)
            }
            (
                Asked::Hold { hold_seconds, .. },
                Outcome::Held { reservation, expires_at_ms, .. },
            ) => (*reservation, expires_at_ms.saturating_sub(milliseconds(*hold_seconds))),
            _ => return None,
        };
        if at_ms < self.now_ms {
            return None;
        }
        let taken = Self { now_ms: at_ms, ..self.taken(terms, asked)? };
        taken.is_next_id(terms, reservation).then(|| {
            let made_at_ms = Some(at_ms);
            taken.clone().with(asked, Some(reservation), made_at_ms)
        })
    }

    /// The same where nobody was told: under an id that somebody else speaks of, or under none.
    fn after_unanswered(
        &self,
        terms: Terms,
        asked: &Asked,
        unreported: &UnreportedIds,
    ) -> Vec<Self> {
        let Some(taken) = self.taken(terms, asked) else { return Vec::new() };
        let ids = unreported.ids.iter().filter(|id| id.version.get() == taken.version);
        let ids = ids.map(|id| Some(Uuid::from_u128(id.to_bits()))).chain([None]);
        ids.map(|id| taken.clone().with(asked, id, None)).collect()
    }

    /// One version later, with fewer seats available; the reservation is still to be noted.
    fn taken(&self, terms: Terms, asked: &Asked) -> Option<Self> {
        let seats = match asked {
            Asked::Reserve { seats, .. } => *seats,
            Asked::Hold { seats, hold_seconds, .. } if may_hold(*hold_seconds) => *seats,
            _ => return None,
        };
        let available = self.available.checked_sub(seats)?;
        let after = Self { version: self.version + 1, available, ..self.clone() };
        may_ask(terms, seats).then_some(after)
    }

    /// Notes the reservation that the latest change has made.
    fn with(mut self, asked: &Asked, id: Option<Uuid>, made_at_ms: Option<i64>) -> Self {
        let (seats, stand, hold_seconds) = match asked {
            Asked::Hold { seats, hold_seconds, .. } => (*seats, Stand::Held, *hold_seconds),
            Asked::Reserve { seats, .. } => (*seats, Stand::Confirmed, 0),
            _ => return self,
        };
        if id.is_none() && stand == Stand::Confirmed {
            self.live_unnamed += 1;
            return self;
        }
        let expires_at_ms = match stand {
            Stand::Held => self.now_ms + milliseconds(hold_seconds),
            Stand::Confirmed | Stand::Cancelled | Stand::Expired => 0,
        };
        let (since, extensions) = (self.version, 0);
        let kept = Kept { id, seats, stand, since, made_at_ms, expires_at_ms, extensions };
        self.kept.insert(self.version, kept);
        self
    }

    /// Whether this is an id that the latest change can have made. It is new then, as no two changes
    /// have one version.
    fn is_next_id(&self, terms: Terms, reservation: Uuid) -> bool {
        ReservationId::from_bits(reservation.as_u128())
            .is_some_and(|id| id.event == terms.number && id.version.get() == self.version)
    }

    fn kept(&self, reservation: Uuid) -> Option<&Kept> {
        let made_by = ReservationId::from_bits(reservation.as_u128())?.version.get();
        self.kept.get(&made_by).filter(|kept| kept.id == Some(reservation))
    }

    /// One version later, after a change to a reservation.
    fn changed(&self, reservation: Uuid, change: impl FnOnce(&mut Kept)) -> Option<Self> {
        self.kept(reservation)?;
        let made_by = ReservationId::from_bits(reservation.as_u128())?.version.get();
        Some(self.changed_at(made_by, change))
    }

    fn changed_at(&self, made_by: u64, change: impl FnOnce(&mut Kept)) -> Self {
        let mut after = Self { version: self.version + 1, ..self.clone() };
        if let Some(kept) = after.kept.get_mut(&made_by) {
            kept.since = after.version;
            change(kept);
        }
        after
    }

    /// Late, it takes seats that are available again.
    fn confirmed(&self, reservation: Uuid) -> Option<Self> {
        let kept = self.kept(reservation)?;
        let available = match kept.stand {
            Stand::Held => self.available,
            Stand::Expired => self.available.checked_sub(kept.seats)?,
            Stand::Confirmed | Stand::Cancelled => return None,
        };
        let after = self.changed(reservation, |kept| kept.stand = Stand::Confirmed)?;
        Some(Self { available, ..after })
    }

    /// Of several times at which it may have been extended, the earliest leaves most things possible.
    fn extended(&self, reservation: Uuid, seconds: u32, outcome: &Outcome) -> Option<Self> {
        let kept = self.kept(reservation)?;
        let is_possible = kept.stand == Stand::Held && kept.extensions < EXTENSIONS_MAX;
        if !is_possible || !may_hold(seconds) {
            return None;
        }
        let latest_ms = kept.made_at_ms.map(|made_at| made_at + milliseconds(HOLD_SECONDS_MAX));
        let span_ms = milliseconds(seconds);
        let (at_ms, until_ms) = if let Outcome::Extended { expires_at_ms: told, .. } = outcome {
            let is_cut = latest_ms.is_none_or(|latest| *told == latest);
            let at_ms = told.saturating_sub(span_ms);
            if at_ms < self.now_ms && !is_cut || latest_ms.is_some_and(|latest| *told > latest) {
                return None;
            }
            (at_ms.max(self.now_ms), *told)
        } else {
            let at_ms = self.now_ms.max(kept.expires_at_ms - span_ms + 1);
            let until_ms = at_ms + span_ms;
            (at_ms, latest_ms.map_or(until_ms, |latest| until_ms.min(latest)))
        };
        if until_ms <= kept.expires_at_ms {
            return None;
        }
        let after = self.changed(reservation, |kept| {
            kept.expires_at_ms = until_ms;
            kept.extensions += 1;
        })?;
        Some(Self { now_ms: at_ms, ..after })
    }

    fn given_back(&self, reservation: Uuid) -> Option<Self> {
        let seats = self.kept(reservation).filter(|kept| kept.is_live())?.seats;
        let after = self.changed(reservation, |kept| kept.stand = Stand::Cancelled)?;
        Some(Self { available: after.available + seats, ..after })
    }

    fn given_back_part(&self, reservation: Uuid, seats: u32) -> Option<Self> {
        let kept = self.kept(reservation)?;
        if kept.stand != Stand::Confirmed || seats == 0 || seats >= kept.seats {
            return None;
        }
        let after = self.changed(reservation, |kept| kept.seats -= seats)?;
        Some(Self { available: after.available + seats, ..after })
    }

    /// The holds that may end now, by the versions that made them, and what the event is after that.
    pub(super) fn after_an_expiry(&self) -> Vec<(u64, Self)> {
        let held = self.kept.iter().filter(|(_, kept)| kept.stand == Stand::Held);
        let expired = held.map(|(made_by, kept)| {
            let after = self.changed_at(*made_by, |kept| kept.stand = Stand::Expired);
            let available = after.available + kept.seats;
            let now_ms = after.now_ms.max(kept.expires_at_ms);
            (*made_by, Self { available, now_ms, ..after })
        });
        expired.collect()
    }
}

fn may_ask(terms: Terms, seats: u32) -> bool {
    (1..=terms.seats_per_request_max).contains(&seats)
}

fn may_hold(seconds: u32) -> bool {
    (HOLD_SECONDS_MIN..=HOLD_SECONDS_MAX).contains(&seconds)
}

/// Whether somebody who asks for that is refused because the reservation stands so.
fn may_be_told(asked: &Asked, how: Stand) -> bool {
    match asked {
        Asked::Confirm { .. } => matches!(how, Stand::Confirmed | Stand::Cancelled),
        Asked::Extend { .. } => how != Stand::Held,
        Asked::CancelPart { .. } => how != Stand::Confirmed,
        Asked::Reserve { .. }
        | Asked::Hold { .. }
        | Asked::Cancel { .. }
        | Asked::Update { .. }
        | Asked::Block { .. }
        | Asked::Unblock { .. }
        | Asked::Read => false,
    }
}

fn milliseconds(seconds: u32) -> i64 {
    1000 * i64::from(seconds)
}
