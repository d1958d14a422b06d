//! What must hold of an event, and of a change that is said to follow.

use super::{Event, PartnerTotals, SeatCounts, Violation, violation};
use crate::domain::change::{Change, Fact};
use crate::domain::names::{Seats, Version};
use crate::domain::reservation::{EXTENSIONS_MAX, HOLD_SECONDS_MAX, Hold, Reservation, Status};

impl Event {
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
        self.can_follow(change).map_err(|broken| violation(at, broken))?;
        self.apply(change);
        Ok(())
    }

    /// Says which rule a fact would break that everything else counts on.
    fn can_follow(&self, change: &Change) -> Result<(), &'static str> {
        let kept = |made_by: &Version| self.reservations.get(made_by);
        if change.key.is_some_and(|key| self.keys.contains_key(&key.name)) {
            return Err("two changes have one key");
        }
        let must = |holds: bool, otherwise| if holds { Ok(()) } else { Err(otherwise) };
        match &change.fact {
            Fact::EventCreated(_) => Err("an event is created twice"),
            Fact::EventUpdated(terms) => {
                must(terms.id == self.terms.id, "an event is updated as another one")?;
                let taken = self.seats.capacity - self.seats.available;
                must(taken <= terms.capacity.get(), "the capacity is less than what is taken")
            }
            Fact::SeatsBlocked { seats, .. } => {
                must(self.has(*seats), "more seats are blocked than are available")
            }
            Fact::SeatsUnblocked { block } => {
                must(self.is_blocked(*block), "seats are unblocked that are not blocked")
            }
            Fact::Reserved { seats, .. } => {
                must(self.has(*seats), "more seats are reserved than are available")
            }
            Fact::Held { seats, expires_at, .. } => {
                must(self.has(*seats), "more seats are held than are available")?;
                let longest = change.at.plus_seconds(HOLD_SECONDS_MAX);
                // Where the clock was far behind the change before, this one has the date of that, and
                // how long before it the hold may be over cannot be told.
                let is_of_some_length = change.at < *expires_at || change.at == self.updated_at;
                must(
                    is_of_some_length && *expires_at <= longest,
                    "seats are held for a time that is not possible",
                )
            }
            Fact::Cancelled { reservation } => must(
                kept(reservation).is_some_and(|kept| kept.status.has_seats()),
                "a reservation is cancelled that has no seats",
            ),
            Fact::Confirmed { reservation } => must(
                kept(reservation).is_some_and(|kept| hold_of(kept).is_some()),
                "a reservation is confirmed that is not held",
            ),
            Fact::ConfirmedLate { reservation } => {
                let expired = kept(reservation).filter(|kept| is_expired(kept));
                let expired =
                    expired.ok_or("a reservation is confirmed late that is not expired")?;
                must(self.has(expired.seats), "more seats are confirmed late than are available")
            }
            Fact::Extended { reservation, expires_at } => {
                let kept = kept(reservation).ok_or("a hold is extended that is not there")?;
                let hold = hold_of(kept).ok_or("a hold is extended that is none")?;
                let latest = kept.held_until_max();
                must(
                    hold.expires_at < *expires_at && *expires_at <= latest,
                    "a hold is extended to a time that is not possible",
                )?;
                must(hold.extensions < EXTENSIONS_MAX, "a hold is extended too often")
            }
            Fact::Expired { reservation } => {
                let hold =
                    kept(reservation).and_then(hold_of).ok_or("a hold expires that is none")?;
                must(hold.expires_at <= change.at, "a hold expires before its time")
            }
            Fact::PartlyCancelled { reservation, seats } => must(
                kept(reservation)
                    .is_some_and(|kept| kept.status == Status::Confirmed && *seats < kept.seats),
                "a part of a reservation is cancelled that has no such part",
            ),
        }
    }

    fn has(&self, seats: Seats) -> bool {
        seats.get() <= self.seats.available
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
        let mut holds = 0;
        for (made_by, reservation) in &self.reservations {
            live.count(reservation);
            if let Some(hold) = hold_of(reservation) {
                holds += 1;
                if !self.holds.contains(&(hold.expires_at, *made_by)) {
                    return Err(violation(
                        self.version,
                        format!("the hold of {made_by} never ends"),
                    ));
                }
            }
            let latest = reservation.since(*made_by);
            if latest > self.version {
                return Err(violation(self.version, format!("a reservation is of {latest}")));
            }
        }
        if holds != self.holds.len() {
            let law = format!("{holds} reservations are held, {} are to end", self.holds.len());
            return Err(violation(self.version, law));
        }
        let blocked = self.blocks().map(|(_, block)| u64::from(block.seats.get())).sum::<u64>();
        if blocked != u64::from(self.seats.blocked) {
            let law = format!("{blocked} seats are in blocks, {} are blocked", self.seats.blocked);
            return Err(violation(self.version, law));
        }
        let kept = PartnerTotals {
            reservations: self.live_reservations,
            held: u64::from(self.seats.held),
            confirmed: u64::from(self.seats.confirmed),
        };
        let mut partners = PartnerTotals::default();
        for totals in self.partners.values() {
            partners.reservations += totals.reservations;
            partners.held += totals.held;
            partners.confirmed += totals.confirmed;
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

impl PartnerTotals {
    fn count(&mut self, reservation: &Reservation) {
        let seats = u64::from(reservation.seats.get());
        match reservation.status {
            Status::Held(_) => self.held += seats,
            Status::Confirmed => self.confirmed += seats,
            Status::Cancelled { .. } | Status::Expired { .. } => return,
        }
        self.reservations += 1;
    }
}

fn hold_of(reservation: &Reservation) -> Option<Hold> {
    match reservation.status {
        Status::Held(hold) => Some(hold),
        Status::Confirmed | Status::Cancelled { .. } | Status::Expired { .. } => None,
    }
}

fn is_expired(reservation: &Reservation) -> bool {
    matches!(reservation.status, Status::Expired { .. })
}
