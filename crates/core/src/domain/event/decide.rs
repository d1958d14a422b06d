//! What would follow from a command, or why nothing does.

use super::{Event, SeatCounts};
use crate::domain::change::{Change, Fact};
use crate::domain::command::{Command, Decision, Intent, Refusal, Shortage};
use crate::domain::key::{Done, Key, Remembered};
use crate::domain::names::{Nonce, ReservationId, Seats, Timestamp, Version};
use crate::domain::note::Note;
use crate::domain::reservation::{
    EXTENSIONS_MAX, HOLD_SECONDS_MAX, HOLD_SECONDS_MIN, Hold, Reservation, Status,
};
use crate::domain::terms::{EventStatus, EventTerms};
use crate::domain::text::PartnerId;

impl Event {
    /// Says what would follow from `command` at the time `now`, and changes nothing. What was done before
    /// under its key is replayed, whatever else would refuse it now.
    ///
    /// A change is never dated before the one before it, even where `now` is: clocks are set back. Holds
    /// whose time is up must have been given back before anything else is decided.
    ///
    /// # Errors
    /// Refuses, the first that applies:
    ///
    /// | to | |
    /// | --- | --- |
    /// | do anything under a key | `KeyReused` |
    /// | make a reservation under an id of one's own | `KeyReused` |
    /// | do anything on the terms of a version | `OtherTerms` |
    /// | update | `StatusChange`, `CapacityTaken`, and to archive it `SeatsHeld` |
    /// | block | `NotEnoughSeats` |
    /// | unblock | `BlockNotFound` |
    /// | reserve | `SeatsPerRequest`, `NotOnSale`, `NotEnoughSeats` |
    /// | hold | `SeatsPerRequest`, `HoldSeconds`, `NotOnSale`, `NotEnoughSeats` |
    /// | confirm | `ReservationNotFound`, `AlreadyCancelled`, `AlreadyConfirmed`; where it is late `NotOnSale`, `HoldExpired` |
    /// | extend | `HoldSeconds`, `ReservationNotFound`, `AlreadyCancelled`, `AlreadyExpired`, `AlreadyConfirmed`, `NotOnSale`, `TooManyExtensions`, `HeldLongEnough` |
    /// | cancel | `ReservationNotFound`, `AlreadyCancelled`, `AlreadyExpired` |
    /// | cancel a part | the same, `NotConfirmed`, `NotAPart` |
    pub fn decide(&self, command: &Command, now: Timestamp) -> Result<Decision, Refusal> {
        self.decide_at(command, now.max(self.updated_at))
    }

    /// As [`Event::decide`], for an event whose newest change is dated far ahead, by a clock that was wrong.
    /// Its dates must not fall, so its changes go on having that one. But how long seats are held, and
    /// whether there is a sale, is told by `now`, or time would stand still for it. A hold that the wrong clock
    /// has seen made is over when it was told to be; and as one that is made now has the date of then, only
    /// `EXTENSIONS_MAX` bounds how long it is held in all.
    ///
    /// # Errors
    /// As [`Event::decide`].
    pub fn decide_by_clock(&self, command: &Command, now: Timestamp) -> Result<Decision, Refusal> {
        self.decide_at(command, now)
    }

    /// Decides at the time `at`.
    fn decide_at(&self, command: &Command, at: Timestamp) -> Result<Decision, Refusal> {
        if let Some(key) = &command.key
            && let Some(done) = self.done_under(key)?
        {
            return Ok(Decision::Replay(done));
        }
        if let Some(note) = &command.note {
            self.has_none_of_that_id(note)?;
        }
        if let Some(expected) = command.if_terms_of {
            self.has_terms_of(expected)?;
        }
        let fact = match &command.intent {
            Intent::Update(terms) => self.decide_update(terms)?,
            Intent::Block { seats, reason } => {
                self.there_are(seats.get()).map_err(Refusal::NotEnoughSeats)?;
                Fact::SeatsBlocked { seats: *seats, reason: reason.clone() }
            }
            Intent::Unblock { block } if self.is_blocked(*block) => {
                Fact::SeatsUnblocked { block: *block }
            }
            Intent::Unblock { .. } => return Err(Refusal::BlockNotFound),
            Intent::Reserve { partner, seats, nonce } => {
                self.decide_reserve(partner, *seats, *nonce, at)?
            }
            Intent::Hold { partner, seats, nonce, hold_seconds } => {
                self.decide_hold(partner, *seats, *nonce, *hold_seconds, at)?
            }
            Intent::Confirm { reservation } => self.decide_confirm(*reservation, at)?,
            Intent::Extend { reservation, hold_seconds } => {
                self.decide_extend(*reservation, *hold_seconds, at)?
            }
            Intent::Cancel { reservation } => self.decide_cancel(*reservation)?,
            Intent::CancelPart { reservation, seats } => {
                self.decide_cancel_part(*reservation, *seats)?
            }
            Intent::Expire { reservation } => self.decide_expire(*reservation, at)?,
        };
        Ok(Decision::Change(Change {
            version: self.version.next(),
            at: at.max(self.updated_at),
            by: command.by.clone(),
            request: command.request,
            key: command.key,
            note: command.note.clone(),
            refused: None,
            fact,
        }))
    }

    /// What was done under a key, if anything was.
    ///
    /// # Errors
    /// `KeyReused`, where it was something else.
    pub fn done_under(&self, key: &Key) -> Result<Option<Done>, Refusal> {
        match self.keys.get(&key.name) {
            None => Ok(None),
            Some(Remembered { body, done }) if *body == key.body => Ok(Some(*done)),
            Some(Remembered { done, .. }) => Err(Refusal::KeyReused { version: done.version }),
        }
    }

    /// Whether the id that a client has chosen is none that the event has given to a reservation itself.
    /// Those that others have chosen are names of keys.
    fn has_none_of_that_id(&self, note: &Note) -> Result<(), Refusal> {
        let id = note.chosen_id.and_then(ReservationId::from_bits);
        match id.filter(|id| self.reservation(*id).is_some()) {
            Some(ReservationId { version, .. }) => Err(Refusal::KeyReused { version }),
            None => Ok(()),
        }
    }

    /// Whether the terms are as they were when the event was at version `expected`. What was sold since
    /// makes no difference, or nobody could change the terms of an event that sells.
    fn has_terms_of(&self, expected: Version) -> Result<(), Refusal> {
        let (terms_of, version) = (self.terms_of, self.version);
        if (terms_of..=version).contains(&expected) {
            return Ok(());
        }
        Err(Refusal::OtherTerms { expected, terms_of, version })
    }

    fn decide_update(&self, terms: &EventTerms) -> Result<Fact, Refusal> {
        let (from, to) = (self.terms.status, terms.status);
        if !from.may_become(to) {
            return Err(Refusal::StatusChange { from, to });
        }
        let SeatCounts { capacity, available, held, .. } = self.seats;
        let (asked, taken) = (terms.capacity.get(), capacity - available);
        if asked < taken {
            return Err(Refusal::CapacityTaken { asked, taken, version: self.version });
        }
        if to == EventStatus::Archived && held > 0 {
            return Err(Refusal::SeatsHeld { held });
        }
        // Nothing can refuse from here on.
        Ok(Fact::EventUpdated(EventTerms { id: self.terms.id.clone(), ..terms.clone() }))
    }

    fn decide_reserve(
        &self,
        partner: &PartnerId,
        asked: u32,
        nonce: Nonce,
        at: Timestamp,
    ) -> Result<Fact, Refusal> {
        let seats = self.seats_of_a_request(asked)?;
        self.sells_at(at)?;
        self.there_are(asked).map_err(Refusal::NotEnoughSeats)?;
        // Nothing can refuse from here on.
        Ok(Fact::Reserved { partner: partner.clone(), seats, nonce })
    }

    fn decide_hold(
        &self,
        partner: &PartnerId,
        asked: u32,
        nonce: Nonce,
        hold_seconds: u32,
        at: Timestamp,
    ) -> Result<Fact, Refusal> {
        let seats = self.seats_of_a_request(asked)?;
        check_hold_seconds(hold_seconds)?;
        self.sells_at(at)?;
        self.there_are(asked).map_err(Refusal::NotEnoughSeats)?;
        // Nothing can refuse from here on.
        let expires_at = at.plus_seconds(hold_seconds);
        Ok(Fact::Held { partner: partner.clone(), seats, nonce, expires_at })
    }

    fn decide_confirm(&self, id: ReservationId, at: Timestamp) -> Result<Fact, Refusal> {
        let (reservation, kept) = self.find(id)?;
        match kept.status {
            Status::Held(_) => Ok(Fact::Confirmed { reservation }),
            Status::Confirmed => Err(Refusal::AlreadyConfirmed { since: kept.since(reservation) }),
            Status::Cancelled { since } => Err(Refusal::AlreadyCancelled { since }),
            Status::Expired { .. } => {
                self.sells_at(at)?;
                self.there_are(kept.seats.get()).map_err(Refusal::HoldExpired)?;
                Ok(Fact::ConfirmedLate { reservation })
            }
        }
    }

    fn decide_extend(
        &self,
        id: ReservationId,
        hold_seconds: u32,
        at: Timestamp,
    ) -> Result<Fact, Refusal> {
        check_hold_seconds(hold_seconds)?;
        let (reservation, kept) = self.find(id)?;
        let hold = match kept.status {
            Status::Held(hold) => hold,
            Status::Confirmed => {
                return Err(Refusal::AlreadyConfirmed { since: kept.since(reservation) });
            }
            Status::Cancelled { since } => return Err(Refusal::AlreadyCancelled { since }),
            Status::Expired { since } => return Err(Refusal::AlreadyExpired { since }),
        };
        self.sells_at(at)?;
        if hold.extensions >= EXTENSIONS_MAX {
            return Err(Refusal::TooManyExtensions);
        }
        let until_max = kept.held_until_max();
        let expires_at = at.plus_seconds(hold_seconds).min(until_max);
        if expires_at <= hold.expires_at {
            return Err(Refusal::HeldLongEnough { expires_at: hold.expires_at, until_max });
        }
        // Nothing can refuse from here on.
        Ok(Fact::Extended { reservation, expires_at })
    }

    fn decide_cancel(&self, id: ReservationId) -> Result<Fact, Refusal> {
        let (reservation, kept) = self.find(id)?;
        match kept.status {
            Status::Cancelled { since } => Err(Refusal::AlreadyCancelled { since }),
            Status::Expired { since } => Err(Refusal::AlreadyExpired { since }),
            Status::Held(_) | Status::Confirmed => Ok(Fact::Cancelled { reservation }),
        }
    }

    fn decide_cancel_part(&self, id: ReservationId, seats: Seats) -> Result<Fact, Refusal> {
        let (reservation, kept) = self.find(id)?;
        match kept.status {
            Status::Held(_) => return Err(Refusal::NotConfirmed),
            Status::Confirmed => {}
            Status::Cancelled { since } => return Err(Refusal::AlreadyCancelled { since }),
            Status::Expired { since } => return Err(Refusal::AlreadyExpired { since }),
        }
        if seats >= kept.seats {
            return Err(Refusal::NotAPart { asked: seats.get(), has: kept.seats.get() });
        }
        // Nothing can refuse from here on.
        Ok(Fact::PartlyCancelled { reservation, seats })
    }

    fn decide_expire(&self, reservation: Version, at: Timestamp) -> Result<Fact, Refusal> {
        let kept = self.reservations.get(&reservation).ok_or(Refusal::ReservationNotFound)?;
        match kept.status {
            Status::Held(Hold { expires_at, .. }) if expires_at <= at => {
                Ok(Fact::Expired { reservation })
            }
            Status::Held(_)
            | Status::Confirmed
            | Status::Cancelled { .. }
            | Status::Expired { .. } => Err(Refusal::ReservationNotFound),
        }
    }

    fn find(&self, id: ReservationId) -> Result<(Version, &Reservation), Refusal> {
        let kept = self.reservation(id).ok_or(Refusal::ReservationNotFound)?;
        Ok((id.version, kept))
    }

    fn sells_at(&self, at: Timestamp) -> Result<(), Refusal> {
        let version = self.version;
        self.terms.sells_at(at).map_err(|why| Refusal::NotOnSale { why, version })
    }

    fn seats_of_a_request(&self, asked: u32) -> Result<Seats, Refusal> {
        let least = self.terms.seats_per_request_min.get();
        let most = self.terms.seats_per_request_max.get();
        Seats::new(asked)
            .filter(|seats| (least..=most).contains(&seats.get()))
            .ok_or(Refusal::SeatsPerRequest { asked, least, most })
    }

    fn there_are(&self, asked: u32) -> Result<(), Shortage> {
        let available = self.seats.available;
        if asked <= available {
            return Ok(());
        }
        let next_expires_at = self.next_to_expire().map(|(expires_at, _)| expires_at);
        let (held, version) = (self.seats.held, self.version);
        Err(Shortage { asked, available, held, next_expires_at, version })
    }
}

fn check_hold_seconds(asked: u32) -> Result<(), Refusal> {
    if (HOLD_SECONDS_MIN..=HOLD_SECONDS_MAX).contains(&asked) {
        Ok(())
    } else {
        Err(Refusal::HoldSeconds { asked })
    }
}
