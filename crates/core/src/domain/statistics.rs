//! What a stretch of a ledger comes to: how much was sold, held, given up and refused, when and by whom.
//!
//! It is a fold over changes, and knows the event only to look up which reservation a change is about: a
//! reservation knows what it has gone through, so any stretch can be counted by itself.

use std::collections::BTreeMap;

use super::change::{Change, Fact};
use super::event::Event;
use super::names::{Seats, Timestamp, Version};
use super::refused::{RefusalKind, Refused};
use super::reservation::Status;
use super::text::PartnerId;

/// How many partners are counted by name.
pub const PARTNERS_MAX: usize = 10_000;

/// Reservations, or what became of them, and how many seats they had.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// How many.
    pub reservations: u64,
    /// How many seats, together.
    pub seats: u64,
}

/// What can become of seats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Sold at once.
    Reserved,
    /// Held, to begin with.
    Held,
    /// Held longer.
    Extended,
    /// Sold out of a hold, in time.
    Confirmed,
    /// Sold out of a hold that was over already.
    ConfirmedLate,
    /// Given up while they were held.
    Released,
    /// Held until the time was up.
    Expired,
    /// Sold, and given up with the whole reservation.
    Cancelled,
    /// Sold, and given up as a part of the reservation.
    PartlyCancelled,
}

impl Outcome {
    /// What became of a reservation, which stood like that before, by a fact about it.
    fn of(fact: &Fact, before: Status) -> Option<Self> {
        Some(match fact {
            Fact::Reserved { .. } => Self::Reserved,
            Fact::Held { .. } => Self::Held,
            Fact::Extended { .. } => Self::Extended,
            Fact::Confirmed { .. } => Self::Confirmed,
            Fact::ConfirmedLate { .. } => Self::ConfirmedLate,
            Fact::Expired { .. } => Self::Expired,
            Fact::Cancelled { .. } if matches!(before, Status::Held(_)) => Self::Released,
            Fact::Cancelled { .. } => Self::Cancelled,
            Fact::PartlyCancelled { .. } => Self::PartlyCancelled,
            Fact::EventCreated(_)
            | Fact::EventUpdated(_)
            | Fact::SeatsBlocked { .. }
            | Fact::SeatsUnblocked { .. } => return None,
        })
    }
}

/// What came of one partner's requests, or of those of several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    outcomes: BTreeMap<Outcome, Count>,
    /// How many of those that were confirmed late had expired within the stretch, too.
    expired_and_sold: u64,
    /// How often the rules said no, and why.
    pub refused: BTreeMap<RefusalKind, u64>,
}

/// What happened within one stretch of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bucket {
    /// Seats that were sold, at once or out of a hold.
    pub sold_seats: u64,
    /// Seats that were held.
    pub held_seats: u64,
    /// Seats whose hold came to nothing: given up, or over.
    pub lost_seats: u64,
    /// Seats that were sold before and given back.
    pub cancelled_seats: u64,
    /// How often the rules said no.
    pub refused: u64,
}

/// What a stretch of a ledger comes to.
#[derive(Debug, Clone)]
pub struct Statistics {
    from: Version,
    /// Of all partners.
    pub total: Tally,
    /// Of each, for the first [`PARTNERS_MAX`] that were met.
    pub by_partner: BTreeMap<PartnerId, Tally>,
    /// Of the other partners, and of refusals that are to nobody, or of which the ledger does not say to
    /// whom.
    pub others: Tally,
    /// Over time: by the number of the bucket, counted from the first of 1970. Those in which nothing
    /// happened are missing.
    pub over_time: BTreeMap<i64, Bucket>,
    bucket_ms: i64,
    only: Option<PartnerId>,
}

impl Tally {
    /// How many reservations an outcome is of, and how many seats.
    pub fn count(&self, outcome: Outcome) -> Count {
        self.outcomes.get(&outcome).copied().unwrap_or_default()
    }

    /// How many seats were sold.
    pub fn sold_seats(&self) -> u64 {
        let sold = [Outcome::Reserved, Outcome::Confirmed, Outcome::ConfirmedLate];
        sold.map(|outcome| self.count(outcome).seats).iter().sum()
    }

    /// How many of the holds that have ended became sales: those sold, and those ended.
    ///
    /// A hold counts as ended where it was confirmed, given up or over within the stretch, and also where
    /// it was over before and is confirmed late within it. Each counts once, whatever became of it here,
    /// and as sold if it was sold here: what comes after the stretch is not known of. Those that last do
    /// not count yet; there is nothing to say where none has ended.
    pub fn conversion(&self) -> Option<(u64, u64)> {
        let of = |outcome| self.count(outcome).reservations;
        let sold = of(Outcome::Confirmed) + of(Outcome::ConfirmedLate);
        let ended = sold + of(Outcome::Released) + of(Outcome::Expired) - self.expired_and_sold;
        (ended > 0).then_some((sold, ended))
    }

    /// Adds another's to it.
    pub fn merge(&mut self, other: &Self) {
        for (outcome, Count { reservations, seats }) in &other.outcomes {
            let count = self.outcomes.entry(*outcome).or_default();
            count.reservations += reservations;
            count.seats += seats;
        }
        for (kind, times) in &other.refused {
            *self.refused.entry(*kind).or_default() += times;
        }
        self.expired_and_sold += other.expired_and_sold;
    }

    fn add(&mut self, outcome: Outcome, seats: Seats) {
        let count = self.outcomes.entry(outcome).or_default();
        count.reservations += 1;
        count.seats += u64::from(seats.get());
    }

    fn refuse(&mut self, refused: &Refused) {
        *self.refused.entry(refused.kind).or_default() += u64::from(refused.times);
    }
}

impl Bucket {
    fn add(&mut self, outcome: Outcome, seats: Seats) {
        let counted = match outcome {
            Outcome::Reserved | Outcome::Confirmed | Outcome::ConfirmedLate => &mut self.sold_seats,
            Outcome::Held => &mut self.held_seats,
            Outcome::Released | Outcome::Expired => &mut self.lost_seats,
            Outcome::Cancelled | Outcome::PartlyCancelled => &mut self.cancelled_seats,
            Outcome::Extended => return,
        };
        *counted += u64::from(seats.get());
    }
}

impl Statistics {
    /// Nothing so far of the changes from version `from` on, with time in stretches of so many
    /// milliseconds, of all partners or of `only` one.
    pub fn new(from: Version, bucket_ms: i64, only: Option<PartnerId>) -> Self {
        Self {
            from,
            total: Tally::default(),
            by_partner: BTreeMap::new(),
            others: Tally::default(),
            over_time: BTreeMap::new(),
            bucket_ms: bucket_ms.max(1),
            only,
        }
    }

    /// When a bucket begins.
    pub fn begin_of(&self, bucket: i64) -> Timestamp {
        Timestamp(bucket.saturating_mul(self.bucket_ms))
    }

    /// The bucket of a time.
    pub fn bucket_of(&self, at: Timestamp) -> i64 {
        at.0.div_euclid(self.bucket_ms)
    }

    /// Takes in a change of `event`, which is as it was at that change, or later. The change is none
    /// before the first version that is counted.
    pub fn note(&mut self, event: &Event, change: &Change) {
        let bucket = self.bucket_of(change.at);
        for refused in change.refused.iter().flat_map(|refused| refused.iter()) {
            if self.wants(refused.partner.as_ref()) {
                self.total.refuse(refused);
                self.of(refused.partner.as_ref()).refuse(refused);
                let times = u64::from(refused.times);
                self.over_time.entry(bucket).or_default().refused += times;
            }
        }
        let made_by = change.fact.reservation().unwrap_or(change.version);
        let Some((_, reservation)) = event.reservation_made_by(made_by) else { return };
        let before = Version::new(change.version.get() - 1).unwrap_or(Version::ZERO);
        let before = before.max(made_by);
        let was = reservation.status_at(before);
        let Some(outcome) = Outcome::of(&change.fact, was) else { return };
        if !self.wants(Some(&reservation.partner)) {
            return;
        }
        let seats = match &change.fact {
            Fact::PartlyCancelled { seats, .. } => *seats,
            _ => reservation.seats_at(before),
        };
        // A reservation knows since when it is expired, so nobody has to remember those that are.
        let had_expired = matches!(was, Status::Expired { since } if since >= self.from);
        let expired_and_sold = u64::from(outcome == Outcome::ConfirmedLate && had_expired);
        self.total.add(outcome, seats);
        self.total.expired_and_sold += expired_and_sold;
        let partner = self.of(Some(&reservation.partner));
        partner.add(outcome, seats);
        partner.expired_and_sold += expired_and_sold;
        self.over_time.entry(bucket).or_default().add(outcome, seats);
    }

    fn wants(&self, partner: Option<&PartnerId>) -> bool {
        self.only.is_none() || self.only.as_ref() == partner
    }

    fn of(&mut self, partner: Option<&PartnerId>) -> &mut Tally {
        let has_room = self.by_partner.len() < PARTNERS_MAX;
        match partner {
            Some(partner) if has_room || self.by_partner.contains_key(partner) => {
                self.by_partner.entry(partner.clone()).or_default()
            }
            _ => &mut self.others,
        }
    }
}
