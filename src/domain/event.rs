//! The event: seats, who has them, and the two functions that change that.

use std::fmt;

use imbl::OrdMap;

use super::change::{Change, EventTerms, Fact};
use super::command::{Command, Intent, Refusal};
use super::names::{
    EventId, EventName, EventNumber, Nonce, PartnerId, ReservationId, Seats, Timestamp, Version,
};
use super::reservation::{Reservation, Status};

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
    /// Reservations that are not cancelled.
    pub reservations: u64,
    /// Seats in them.
    pub seats: u64,
}

/// An event as it is at one version.
///
/// The maps are persistent: a clone is a few pointers, so a batch of commands is decided on a clone
/// and a clone that is not wanted is dropped.
#[derive(Debug, Clone)]
pub struct Event {
    number: EventNumber,
    version: Version,
    id: EventId,
    name: EventName,
    seats_per_request_max: Seats,
    seats: SeatCounts,
    live_reservations: u64,
    /// By the version that made them. That order is the order of making, so an insert is at the
    /// end and cheap at any size.
    reservations: OrdMap<Version, Reservation>,
    /// Everybody who ever reserved. The keys are the one copy of each partner's id.
    partners: OrdMap<PartnerId, PartnerTotals>,
    created_at: Timestamp,
    updated_at: Timestamp,
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
        let Fact::EventCreated(EventTerms { id, name, capacity, seats_per_request_max }) =
            &change.fact
        else {
            return Err(violation(change.version, "a ledger begins with EventCreated"));
        };
        if change.version != Version::FIRST {
            return Err(violation(change.version, "an event is created at version 1"));
        }
        let capacity = capacity.get() + u32::from(cfg!(feature = "sabotage-one-seat-too-many"));
        let seats = SeatCounts { capacity, available: capacity, held: 0, confirmed: 0, blocked: 0 };
        Ok(Self {
            number,
            version: Version::FIRST,
            id: id.clone(),
            name: name.clone(),
            seats_per_request_max: *seats_per_request_max,
            seats,
            live_reservations: 0,
            reservations: OrdMap::new(),
            partners: OrdMap::new(),
            created_at: change.at,
            updated_at: change.at,
        })
    }

    /// The public id.
    pub fn id(&self) -> &EventId {
        &self.id
    }

    /// The number under which the ledger is kept.
    pub fn number(&self) -> EventNumber {
        self.number
    }

    /// What the event is called.
    pub fn name(&self) -> &EventName {
        &self.name
    }

    /// How many changes the event has had.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Where the seats are.
    pub fn seats(&self) -> SeatCounts {
        self.seats
    }

    /// How many reservations are not cancelled.
    pub fn live_reservations(&self) -> u64 {
        self.live_reservations
    }

    /// The most seats that one request may take.
    pub fn seats_per_request_max(&self) -> Seats {
        self.seats_per_request_max
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

    /// The reservation of exactly this id.
    pub fn reservation(&self, id: ReservationId) -> Option<&Reservation> {
        let kept = self.reservations.get(&id.version)?;
        let is_it = kept.id(self.number, id.version) == id;
        (is_it || cfg!(feature = "sabotage-guessable-ids")).then_some(kept)
    }

    /// Says what would follow from `command` at the time `now`, and changes nothing.
    ///
    /// A change is never dated before the one before it, even where `now` is: clocks are set back.
    ///
    /// # Errors
    /// Refuses, the first that applies: to reserve — `SeatsPerRequest`, `NotEnoughSeats`; to
    /// cancel — `ReservationNotFound`, `AlreadyCancelled`.
    pub fn decide(&self, command: &Command, now: Timestamp) -> Result<Change, Refusal> {
        let fact = match &command.intent {
            Intent::Reserve { partner, seats, nonce } => {
                self.decide_reserve(partner, *seats, *nonce)?
            }
            Intent::Cancel { reservation } => self.decide_cancel(*reservation)?,
        };
        Ok(Change {
            version: self.version.next(),
            at: if cfg!(feature = "sabotage-date-backwards") {
                now
            } else {
                now.max(self.updated_at)
            },
            by: command.by.clone(),
            request: command.request,
            fact,
        })
    }

    fn decide_reserve(
        &self,
        partner: &PartnerId,
        asked: u32,
        nonce: Nonce,
    ) -> Result<Fact, Refusal> {
        let most = self.seats_per_request_max.get();
        let seats = Seats::new(asked)
            .filter(|seats| seats.get() <= most)
            .ok_or(Refusal::SeatsPerRequest { asked, most })?;
        let available = self.seats.available;
        let is_last_refused = cfg!(feature = "sabotage-refuse-last-seat") && asked == available;
        if asked > available || is_last_refused {
            return Err(Refusal::NotEnoughSeats { asked, available, version: self.version });
        }
        // Nothing can refuse from here on.
        Ok(Fact::Reserved { partner: partner.clone(), seats, nonce })
    }

    fn decide_cancel(&self, id: ReservationId) -> Result<Fact, Refusal> {
        let reservation = self.reservation(id).ok_or(Refusal::ReservationNotFound)?;
        if let Status::Cancelled { since } = reservation.status
            && !cfg!(feature = "sabotage-give-back-twice")
        {
            return Err(Refusal::AlreadyCancelled { since });
        }
        // Nothing can refuse from here on.
        Ok(Fact::Cancelled { reservation: id.version })
    }

    /// Makes a change that [`Event::decide`] has just stated of this very state.
    ///
    /// # Panics
    /// When the change is not the next one of this event; then the caller is broken, and going on
    /// would sell a seat twice.
    pub fn apply(&mut self, change: &Change) {
        assert_eq!(change.version, self.version.next(), "changes are applied in order");
        match &change.fact {
            Fact::EventCreated(_) => unreachable!("an event is created once, by Event::create"),
            Fact::Reserved { partner, seats, nonce } => {
                self.apply_reserved(change, partner, *seats, *nonce);
            }
            Fact::Cancelled { reservation } => self.apply_cancelled(change, *reservation),
        }
        self.version = change.version;
        self.updated_at = change.at;
    }

    fn apply_reserved(&mut self, change: &Change, partner: &PartnerId, seats: Seats, nonce: Nonce) {
        self.seats.available -= seats.get();
        self.seats.confirmed += seats.get();
        self.live_reservations += 1;
        let mut totals = PartnerTotals::default();
        let mut partner = partner.clone();
        if let Some((known, so_far)) = self.partners.get_key_value(&partner) {
            partner = known.clone();
            totals = *so_far;
        }
        totals.reservations += 1;
        totals.seats += u64::from(seats.get());
        self.partners.insert(partner.clone(), totals);
        let reservation =
            Reservation { partner, seats, status: Status::Confirmed, nonce, made_at: change.at };
        self.reservations.insert(change.version, reservation);
    }

    fn apply_cancelled(&mut self, change: &Change, made_by: Version) {
        let reservation =
            self.reservations.get_mut(&made_by).expect("decide found this reservation");
        reservation.status = Status::Cancelled { since: change.version };
        let seats = reservation.seats.get();
        let totals =
            self.partners.get_mut(&reservation.partner).expect("a reservation has its partner");
        totals.reservations -= 1;
        if !cfg!(feature = "sabotage-keep-partner-seats") {
            totals.seats -= u64::from(seats);
        }
        self.seats.available += seats;
        self.seats.confirmed -= seats;
        self.live_reservations -= 1;
    }

    /// Applies a change that was read from a store, after checking that it can follow.
    ///
    /// # Errors
    /// When it cannot: then nothing is changed.
    pub fn follow(&mut self, change: &Change) -> Result<(), Violation> {
        let at = change.version;
        if at != self.version.next() {
            let found = format!("a change follows version {}", self.version);
            return Err(violation(at, found));
        }
        if change.at < self.updated_at {
            return Err(violation(at, "a change is dated before the one before it"));
        }
        match &change.fact {
            Fact::EventCreated(_) => return Err(violation(at, "an event is created twice")),
            Fact::Reserved { seats, .. } if seats.get() > self.seats.available => {
                return Err(violation(at, "more seats are reserved than are available"));
            }
            Fact::Cancelled { reservation } => {
                let kept = self.reservations.get(reservation);
                if kept.map(|kept| kept.status) != Some(Status::Confirmed) {
                    return Err(violation(at, "a reservation is cancelled that has no seats"));
                }
            }
            Fact::Reserved { .. } => {}
        }
        self.apply(change);
        Ok(())
    }

    /// The conservation laws that can be told from the counters: cheap, checked before each commit.
    ///
    /// # Errors
    /// The first law that does not hold.
    pub fn check(&self) -> Result<(), Violation> {
        let SeatCounts { capacity, available, held, confirmed, blocked } = self.seats;
        let sum = [available, held, confirmed, blocked].into_iter().map(u64::from).sum::<u64>();
        if sum != u64::from(capacity) {
            let law = format!(
                "available {available} + held {held} + confirmed {confirmed} + blocked {blocked} \
                 is {sum}, not the capacity {capacity}"
            );
            return Err(violation(self.version, law));
        }
        if self.live_reservations > u64::from(held) + u64::from(confirmed) {
            let law = format!("{} reservations share fewer seats", self.live_reservations);
            return Err(violation(self.version, law));
        }
        Ok(())
    }

    /// All conservation laws, by counting every reservation: checked after each load.
    ///
    /// # Errors
    /// The first law that does not hold.
    pub fn audit(&self) -> Result<(), Violation> {
        self.check()?;
        let mut live = PartnerTotals::default();
        for (made_by, reservation) in &self.reservations {
            let latest = match reservation.status {
                Status::Confirmed => {
                    live.reservations += 1;
                    live.seats += u64::from(reservation.seats.get());
                    *made_by
                }
                Status::Cancelled { since } => since,
            };
            if latest > self.version {
                return Err(violation(self.version, format!("a reservation is of {latest}")));
            }
        }
        let kept = PartnerTotals {
            reservations: self.live_reservations,
            seats: u64::from(self.seats.held) + u64::from(self.seats.confirmed),
        };
        let mut partners = PartnerTotals::default();
        for totals in self.partners.values() {
            partners.reservations += totals.reservations;
            partners.seats += totals.seats;
        }
        for (who, counted) in [("reservations", live), ("partners", partners)] {
            if counted != kept {
                let law = format!("{who} count {counted:?}, the event keeps {kept:?}");
                return Err(violation(self.version, law));
            }
        }
        Ok(())
    }
}

fn violation(version: Version, law: impl fmt::Display) -> Violation {
    Violation { version, law: law.to_string() }
}
