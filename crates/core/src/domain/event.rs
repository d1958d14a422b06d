//! The event: seats, who has them, and the two functions that change that.

use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};

use super::change::{Change, Fact};
use super::key::{Done, KeyName, Remembered};
use super::names::{EventId, EventNumber, ReservationId, Seats, Timestamp, Version};
use super::reservation::Reservation;
use super::terms::EventTerms;
use super::text::{EventName, PartnerId, Reason};

mod apply;
mod decide;
mod laws;

/// Where the seats of an event are. At every version the four add up to the capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeatCounts {
    /// All seats of the event.
    pub capacity: u32,
    /// Seats that anybody may take.
    pub available: u32,
    /// Seats that are kept for somebody for a while.
    pub held: u32,
    /// Seats that are sold.
    pub confirmed: u32,
    /// Seats that are taken out of sale.
    pub blocked: u32,
}

/// What one partner has of an event now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PartnerTotals {
    /// Reservations that have seats.
    pub reservations: u64,
    /// Seats that are held for it.
    pub held: u64,
    /// Seats that are sold to it.
    pub confirmed: u64,
}

/// An event as it is at one version.
///
/// The maps are persistent: a clone is a few pointers, so a batch of commands is decided on a clone
/// and a clone that is not wanted is dropped.
#[derive(Debug, Clone)]
pub struct Event {
    number: EventNumber,
    version: Version,
    terms: Arc<EventTerms>,
    /// The version that made them.
    terms_of: Version,
    seats: SeatCounts,
    live_reservations: u64,
    /// By the version that made them. That order is the order of making, so an insert is at the
    /// end and cheap at any size.
    reservations: OrdMap<Version, Reservation>,
    /// The reservations that are held, by the time at which that is over.
    holds: OrdSet<(Timestamp, Version)>,
    /// Seats that are taken out of sale, or were, by the version that did it.
    blocks: OrdMap<Version, Block>,
    /// What was done under the keys of clients.
    keys: OrdMap<KeyName, Remembered>,
    created_under: Option<KeyName>,
    /// Everybody who ever reserved. The keys are the one copy of each partner's id.
    partners: OrdMap<PartnerId, PartnerTotals>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// Seats that are taken out of sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// How many.
    pub seats: Seats,
    /// Why.
    pub reason: Reason,
    /// Since when.
    pub since: Timestamp,
    /// The version that put them back, if one did.
    pub ended_by: Option<Version>,
}

/// A law that does not hold: a defect of this program or a damaged store, never of a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{law} at version {version}")]
pub struct Violation {
    /// The version at which it was seen.
    pub version: Version,
    /// What was found instead of what must be.
    pub law: String,
}

impl Event {
    /// Makes an event from the change that creates it.
    ///
    /// # Errors
    /// When `change` is not an `EventCreated` at version 1.
    pub fn create(number: EventNumber, change: &Change) -> Result<Self, Violation> {
        let Fact::EventCreated(terms) = &change.fact else {
            return Err(violation(change.version, "a ledger begins with EventCreated"));
        };
        if change.version != Version::FIRST {
            return Err(violation(change.version, "an event is created at version 1"));
        }
        let capacity = terms.capacity.get();
        let seats = SeatCounts { capacity, available: capacity, held: 0, confirmed: 0, blocked: 0 };
        Ok(Self {
            number,
            version: Version::FIRST,
            terms: Arc::new(terms.clone()),
            terms_of: Version::FIRST,
            seats,
            live_reservations: 0,
            reservations: OrdMap::new(),
            holds: OrdSet::new(),
            blocks: OrdMap::new(),
            keys: keys_of(change),
            created_under: change.key.map(|key| key.name),
            partners: OrdMap::new(),
            created_at: change.at,
            updated_at: change.at,
        })
    }

    /// The public id.
    pub fn id(&self) -> &EventId {
        &self.terms.id
    }

    /// The number under which the ledger is kept.
    pub fn number(&self) -> EventNumber {
        self.number
    }

    /// What the event is called.
    pub fn name(&self) -> &EventName {
        &self.terms.name
    }

    /// How many changes the event has had.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Where the seats are.
    pub fn seats(&self) -> SeatCounts {
        self.seats
    }

    /// How many reservations have seats, held or confirmed.
    pub fn live_reservations(&self) -> u64 {
        self.live_reservations
    }

    /// What it sells, and on which terms.
    pub fn terms(&self) -> &EventTerms {
        &self.terms
    }

    /// The version that made the terms.
    pub fn terms_of(&self) -> Version {
        self.terms_of
    }

    /// The most seats that one request may take.
    pub fn seats_per_request_max(&self) -> Seats {
        self.terms.seats_per_request_max
    }

    /// What was done under the key of that name, whatever its body was.
    pub fn done_by(&self, name: KeyName) -> Option<Done> {
        self.keys.get(&name).map(|remembered| remembered.done)
    }

    /// The name of the key under which the event was created, if there was one.
    pub fn created_under(&self) -> Option<KeyName> {
        self.created_under
    }

    /// Seats that are taken out of sale now, by the version that did it.
    pub fn blocks(&self) -> impl Iterator<Item = (Version, &Block)> {
        self.blocks_as_of(self.version, Version::ZERO)
    }

    /// Seats that were taken out of sale at a version, by those versions after `after` that did it.
    pub fn blocks_as_of(
        &self,
        version: Version,
        after: Version,
    ) -> impl Iterator<Item = (Version, &Block)> {
        let after = self.blocks.range((Bound::Excluded(after), Bound::Unbounded));
        let until = after.take_while(move |(made_by, _)| **made_by <= version);
        let standing =
            until.filter(move |(_, block)| block.ended_by.is_none_or(|ended| ended > version));
        standing.map(|(made_by, block)| (*made_by, block))
    }

    /// The seats that a version took out of sale, whether or not they are back.
    pub fn block_made_by(&self, version: Version) -> Option<&Block> {
        self.blocks.get(&version)
    }

    /// Whether the seats that a version took out of sale still are.
    fn is_blocked(&self, block: Version) -> bool {
        self.blocks.get(&block).is_some_and(|block| block.ended_by.is_none())
    }

    /// When the event was created.
    pub fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// When the event last changed.
    pub fn updated_at(&self) -> Timestamp {
        self.updated_at
    }

    /// What each partner has, in the order of their ids.
    pub fn partners(&self) -> impl Iterator<Item = (&PartnerId, &PartnerTotals)> {
        self.partners.iter()
    }

    /// Every reservation that was ever made, with its id, in the order of making.
    pub fn reservations(&self) -> impl Iterator<Item = (ReservationId, &Reservation)> {
        self.reservations.iter().map(|(version, kept)| (kept.id(self.number, *version), kept))
    }

    /// As [`Event::reservations`], those that were made after a version.
    pub fn reservations_after(
        &self,
        version: Version,
    ) -> impl Iterator<Item = (ReservationId, &Reservation)> {
        let after = (Bound::Excluded(version), Bound::Unbounded);
        let kept = self.reservations.range(after);
        kept.map(|(version, kept)| (kept.id(self.number, *version), kept))
    }

    /// When the next hold is over, and the version that made it.
    pub fn next_to_expire(&self) -> Option<(Timestamp, Version)> {
        self.holds.get_min().copied()
    }

    /// The reservation that a version made, if it made one, and its id.
    pub fn reservation_made_by(&self, version: Version) -> Option<(ReservationId, Reservation)> {
        let kept = self.reservations.get(&version)?;
        Some((kept.id(self.number, version), kept.clone()))
    }

    /// The reservation of exactly this id.
    pub fn reservation(&self, id: ReservationId) -> Option<&Reservation> {
        let kept = self.reservations.get(&id.version)?;
        let is_it = kept.id(self.number, id.version) == id;
        is_it.then_some(kept)
    }
}

/// The key that the creation of an event was asked for under, if there was one.
fn keys_of(creation: &Change) -> OrdMap<KeyName, Remembered> {
    let done = Done { version: creation.version, reservation: None };
    let remembered = creation.key.map(|key| (key.name, Remembered { body: key.body, done }));
    remembered.into_iter().collect()
}

fn violation(version: Version, law: impl fmt::Display) -> Violation {
    Violation { version, law: law.to_string() }
}
