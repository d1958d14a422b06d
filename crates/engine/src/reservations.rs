//! The use cases around a reservation, from taking seats to giving them up.
//!
//! Asked again under the same key, each of them gives the first answer again, whatever has become of the
//! reservation since.

use super::event_handle::Desk;
use super::{Asking, Made, Office, OfficeError, Reserved, Telling};
use ticketboss_core::domain::{
    Actor, Command, Done, Event, EventId, Intent, PartnerId, Refusal, Reservation, ReservationId,
    Seats,
};

impl Office {
    /// Takes seats of an event for a partner, confirmed at once. The answer is on disk.
    ///
    /// # Errors
    /// `EventNotFound`, `EventDamaged`, `Overloaded`; refusals `SeatsPerRequest`, `NotEnoughSeats`;
    /// `DiskFull`, `Unavailable`.
    pub async fn reserve(
        &self,
        event: &EventId,
        partner: PartnerId,
        seats: u32,
        asking: impl Into<Asking>,
    ) -> Result<Reserved, OfficeError> {
        let nonce = self.0.entropy.nonce();
        let desk = self.desk(event)?;
        self.change(&desk, Intent::Reserve { partner, seats, nonce }, asking.into()).await
    }

    /// Keeps seats of an event for a partner for so many seconds. The answer is on disk.
    ///
    /// # Errors
    /// `EventNotFound`, `EventDamaged`, `Overloaded`; refusals `SeatsPerRequest`, `HoldSeconds`,
    /// `NotEnoughSeats`; `DiskFull`, `Unavailable`.
    pub async fn hold(
        &self,
        event: &EventId,
        partner: PartnerId,
        seats: u32,
        hold_seconds: u32,
        asking: impl Into<Asking>,
    ) -> Result<Reserved, OfficeError> {
        let nonce = self.0.entropy.nonce();
        let desk = self.desk(event)?;
        self.change(&desk, Intent::Hold { partner, seats, nonce, hold_seconds }, asking.into())
            .await
    }

    /// Takes for good what is held, or was until its time was up. The answer is on disk.
    ///
    /// # Errors
    /// Refusals `ReservationNotFound`, `AlreadyCancelled`, `AlreadyConfirmed`, `HoldExpired`;
    /// `EventDamaged`, `Overloaded`, `DiskFull`, `Unavailable`.
    pub async fn confirm(
        &self,
        reservation: ReservationId,
        asking: impl Into<Asking>,
    ) -> Result<Reserved, OfficeError> {
        let desk = self.desk_by_number(reservation.event)?;
        self.change(&desk, Intent::Confirm { reservation }, asking.into()).await
    }

    /// Keeps what is held for so many seconds from now on. The answer is on disk.
    ///
    /// # Errors
    /// Refusals `HoldSeconds`, `ReservationNotFound`, `AlreadyCancelled`, `AlreadyExpired`,
    /// `AlreadyConfirmed`, `TooManyExtensions`, `HeldLongEnough`; `EventDamaged`, `Overloaded`,
    /// `DiskFull`, `Unavailable`.
    pub async fn extend(
        &self,
        reservation: ReservationId,
        hold_seconds: u32,
        asking: impl Into<Asking>,
    ) -> Result<Reserved, OfficeError> {
        let desk = self.desk_by_number(reservation.event)?;
        self.change(&desk, Intent::Extend { reservation, hold_seconds }, asking.into()).await
    }

    /// Gives up a reservation, held or confirmed. The answer is on disk.
    ///
    /// # Errors
    /// Refusals `ReservationNotFound`, `AlreadyCancelled`, `AlreadyExpired`; `EventDamaged`,
    /// `Overloaded`, `DiskFull`, `Unavailable`.
    pub async fn cancel(
        &self,
        reservation: ReservationId,
        asking: impl Into<Asking>,
    ) -> Result<Reserved, OfficeError> {
        let desk = self.desk_by_number(reservation.event)?;
        self.change(&desk, Intent::Cancel { reservation }, asking.into()).await
    }

    /// Gives up some seats of a confirmed reservation. The answer is on disk.
    ///
    /// # Errors
    /// Refusals `ReservationNotFound`, `AlreadyCancelled`, `AlreadyExpired`, `NotConfirmed`, `NotAPart`;
    /// `EventDamaged`, `Overloaded`, `DiskFull`, `Unavailable`.
    pub async fn cancel_part(
        &self,
        reservation: ReservationId,
        seats: Seats,
        asking: impl Into<Asking>,
    ) -> Result<Reserved, OfficeError> {
        let desk = self.desk_by_number(reservation.event)?;
        self.change(&desk, Intent::CancelPart { reservation, seats }, asking.into()).await
    }

    async fn change(
        &self,
        desk: &Desk,
        intent: Intent,
        asking: Asking,
    ) -> Result<Reserved, OfficeError> {
        let Asking { request, key, note, if_terms_of } = asking;
        let command =
            Command { if_terms_of, key, note, ..Command::new(Actor::Anonymous, request, intent) };
        let (found, version, telling) = match desk.ask(command).await {
            Ok(Made { change, reservation, .. }) => (reservation, change.version, Telling::First),
            Err(OfficeError::Refused(Refusal::DoneBefore(done))) => {
                let event = desk.event()?;
                (as_it_was(&event, done), done.version, Telling::Again)
            }
            Err(error) => return Err(error),
        };
        // Each of these intents is about one reservation.
        let (id, reservation) = found.ok_or(OfficeError::Unavailable)?;
        Ok(Reserved { id, reservation, version, telling })
    }
}

/// The reservation that something was done to, right after that.
fn as_it_was(event: &Event, done: Done) -> Option<(ReservationId, Reservation)> {
    let (id, reservation) = event.reservation_made_by(done.reservation?)?;
    Some((id, reservation.as_of(done.version)))
}
