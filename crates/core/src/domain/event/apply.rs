//! Making a change. It cannot fail.

use std::sync::Arc;

use super::{Block, Event, PartnerTotals};
use crate::domain::change::{Change, Fact};
use crate::domain::key::{Done, Remembered};
use crate::domain::names::{Nonce, Seats, Timestamp, Version};
use crate::domain::reservation::{Hold, Reservation, Status, Step, Steps, Turn};
use crate::domain::text::PartnerId;

impl Event {
    /// Makes a change that [`Event::decide`] has just stated of this very state.
    ///
    /// # Panics
    /// When the change is not the next one of this event; then the caller is broken, and going on
    /// would sell a seat twice.
    pub fn apply(&mut self, change: &Change) {
        assert_eq!(change.version, self.version.next(), "changes are applied in order");
        match &change.fact {
            Fact::EventCreated(_) => unreachable!("an event is created once, by Event::create"),
            Fact::EventUpdated(terms) => {
                let capacity = terms.capacity.get();
                let more = capacity.wrapping_sub(self.seats.capacity);
                self.seats.available = self.seats.available.wrapping_add(more);
                self.seats.capacity = capacity;
                self.terms = Arc::new(terms.clone());
                self.terms_of = change.version;
            }
            Fact::SeatsBlocked { seats, reason } => {
                shift(&mut self.seats.available, &mut self.seats.blocked, *seats);
                let (reason, since) = (reason.clone(), change.at);
                let block = Block { seats: *seats, reason, since, ended_by: None };
                self.blocks.insert(change.version, block);
            }
            Fact::SeatsUnblocked { block } => {
                let block = self.blocks.get_mut(block).expect("decide found this block");
                block.ended_by = Some(change.version);
                shift(&mut self.seats.blocked, &mut self.seats.available, block.seats);
            }
            Fact::Reserved { partner, seats, nonce } => {
                self.make(change, partner, *seats, *nonce, Status::Confirmed);
            }
            Fact::Held { partner, seats, nonce, expires_at } => {
                let hold = Hold { expires_at: *expires_at, extensions: 0 };
                self.make(change, partner, *seats, *nonce, Status::Held(hold));
            }
            Fact::Cancelled { reservation } => {
                self.turn(change, *reservation, Status::Cancelled { since: change.version });
            }
            Fact::Expired { reservation } => {
                self.turn(change, *reservation, Status::Expired { since: change.version });
            }
            Fact::Confirmed { reservation } | Fact::ConfirmedLate { reservation } => {
                self.turn(change, *reservation, Status::Confirmed);
            }
            Fact::Extended { reservation, expires_at } => {
                self.extend(change, *reservation, *expires_at);
            }
            Fact::PartlyCancelled { reservation, seats } => {
                self.give_back_part(change, *reservation, *seats);
            }
        }
        if let Some(key) = change.key {
            let made_by = self.reservations.contains_key(&change.version).then_some(change.version);
            let reservation = change.fact.reservation().or(made_by);
            let done = Done { version: change.version, reservation };
            self.keys.insert(key.name, Remembered { body: key.body, done });
        }
        self.version = change.version;
        self.updated_at = change.at;
    }

    fn make(
        &mut self,
        change: &Change,
        partner: &PartnerId,
        seats: Seats,
        nonce: Nonce,
        status: Status,
    ) {
        let (mut partner, mut totals) = (partner.clone(), PartnerTotals::default());
        if let Some((known, so_far)) = self.partners.get_key_value(&partner) {
            (partner, totals) = (known.clone(), *so_far);
        }
        self.partners.insert(partner.clone(), totals);
        let made_at = change.at;
        let held = match status {
            Status::Held(hold) => Some(Turn::Held { expires_at: hold.expires_at }),
            Status::Confirmed | Status::Cancelled { .. } | Status::Expired { .. } => None,
        };
        let version = change.version;
        let steps = held.map(|turn| Steps::one(Step { version, turn })).unwrap_or_default();
        let reservation = Reservation {
            partner,
            seats,
            status,
            nonce,
            made_at,
            steps,
            note: change.note.clone(),
        };
        self.move_seats(Direction::Taken, change.version, &reservation);
        self.reservations.insert(change.version, reservation);
    }

    /// Gives a reservation another status, and its seats another place.
    fn turn(&mut self, change: &Change, made_by: Version, status: Status) {
        let mut reservation = self.kept(made_by);
        self.move_seats(Direction::Returned, made_by, &reservation);
        reservation.status = status;
        self.move_seats(Direction::Taken, made_by, &reservation);
        self.keep(change, made_by, reservation);
    }

    fn extend(&mut self, change: &Change, made_by: Version, expires_at: Timestamp) {
        let reservation = self.kept(made_by);
        let Status::Held(hold) = reservation.status else {
            unreachable!("decide found this reservation held");
        };
        let extensions = hold.extensions.saturating_add(1);
        self.turn(change, made_by, Status::Held(Hold { expires_at, extensions }));
    }

    fn give_back_part(&mut self, change: &Change, made_by: Version, seats: Seats) {
        let mut reservation = self.kept(made_by);
        self.move_seats(Direction::Returned, made_by, &reservation);
        reservation.seats = Seats::new(reservation.seats.get() - seats.get())
            .expect("decide found fewer seats than the reservation has");
        self.move_seats(Direction::Taken, made_by, &reservation);
        self.keep(change, made_by, reservation);
    }

    fn kept(&self, made_by: Version) -> Reservation {
        self.reservations.get(&made_by).expect("decide found this reservation").clone()
    }

    fn keep(&mut self, change: &Change, made_by: Version, mut reservation: Reservation) {
        if let Some(turn) = Turn::of(&change.fact, reservation.seats) {
            reservation.step(Step { version: change.version, turn });
        }
        self.reservations.insert(made_by, reservation);
    }

    /// Moves the seats of a reservation, if its status has any, out of those that are available or back.
    fn move_seats(&mut self, direction: Direction, made_by: Version, reservation: &Reservation) {
        let partner = self.partners.get_mut(&reservation.partner);
        let totals = partner.expect("a reservation has its partner");
        let (of_partner, of_event) = match reservation.status {
            Status::Held(hold) => {
                let end = (hold.expires_at, made_by);
                match direction {
                    Direction::Taken => self.holds.insert(end),
                    Direction::Returned => self.holds.remove(&end),
                };
                (&mut totals.held, &mut self.seats.held)
            }
            Status::Confirmed => (&mut totals.confirmed, &mut self.seats.confirmed),
            Status::Cancelled { .. } | Status::Expired { .. } => return,
        };
        let available = &mut self.seats.available;
        let sign = match direction {
            Direction::Taken => {
                shift(available, of_event, reservation.seats);
                1
            }
            Direction::Returned => {
                shift(of_event, available, reservation.seats);
                -1
            }
        };
        let seats = sign * i64::from(reservation.seats.get());
        *of_partner = of_partner.wrapping_add_signed(seats);
        totals.reservations = totals.reservations.wrapping_add_signed(sign);
        self.live_reservations = self.live_reservations.wrapping_add_signed(sign);
    }
}

/// Moves seats from one count to another. Where the counts were wrong they wrap around instead of ending the
/// writer's task: [`Event::check`] finds that before anything is committed, and the event is damaged.
fn shift(from: &mut u32, to: &mut u32, seats: Seats) {
    *from = from.wrapping_sub(seats.get());
    *to = to.wrapping_add(seats.get());
}

/// Which way seats move.
#[derive(Debug, Clone, Copy)]
enum Direction {
    /// Out of those that are available.
    Taken,
    /// Back to them.
    Returned,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::change::Actor;
    use crate::domain::names::{EventId, EventNumber, RequestId};
    use crate::domain::terms::EventTerms;
    use crate::domain::text::EventName;

    fn change(version: u64, fact: Fact) -> Change {
        Change {
            version: Version::new(version).unwrap(),
            at: Timestamp(0),
            by: Actor::System,
            request: RequestId(1),
            key: None,
            note: None,
            refused: None,
            fact,
        }
    }

    #[test]
    fn a_count_that_is_wrong_is_found_by_the_laws_and_is_no_panic() {
        let seats = |seats| Seats::new(seats).unwrap();
        let (id, name) = (EventId::new("a").unwrap(), EventName::new("A").unwrap());
        let terms = EventTerms::on_sale(id, name, seats(10), seats(10));
        let created = change(1, Fact::EventCreated(terms));
        let mut event = Event::create(EventNumber(1), &created).unwrap();
        event.check().unwrap();
        event.seats.available = 3;
        let partner = PartnerId::new("acme").unwrap();
        let nonce = Nonce::from_bits(1);
        event.apply(&change(2, Fact::Reserved { partner, seats: seats(5), nonce }));
        assert!(event.check().is_err());
        event.apply(&change(3, Fact::Cancelled { reservation: Version::new(2).unwrap() }));
        assert!(event.check().is_err());
    }
}
