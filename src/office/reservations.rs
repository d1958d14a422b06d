//! The use cases around a reservation, from taking seats to giving them up.

use super::desk::Desk;
use super::{Made, Office, OfficeError, Reserved};
use crate::domain::{Actor, Command, EventId, Intent, PartnerId, RequestId, ReservationId, Seats};

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
        request: RequestId,
    ) -> Result<Reserved, OfficeError> {
        let nonce = self.0.entropy.nonce();
        let desk = self.desk(event)?;
        self.change(&desk, Intent::Reserve { partner, seats, nonce }, request).await
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
        request: RequestId,
    ) -> Result<Reserved, OfficeError> {
        let nonce = self.0.entropy.nonce();
        let desk = self.desk(event)?;
        self.change(&desk, Intent::Hold { partner, seats, nonce, hold_seconds }, request).await
    }

    /// Takes for good what is held, or was until its time was up. The answer is on disk.
    ///
    /// # Errors
    /// Refusals `ReservationNotFound`, `AlreadyCancelled`, `AlreadyConfirmed`, `HoldExpired`;
    /// `EventDamaged`, `Overloaded`, `DiskFull`, `Unavailable`.
    pub async fn confirm(
        &self,
        reservation: ReservationId,
        request: RequestId,
    ) -> Result<Reserved, OfficeError> {
        let desk = self.desk_by_number(reservation.event)?;
        self.change(&desk, Intent::Confirm { reservation }, request).await
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
        request: RequestId,
    ) -> Result<Reserved, OfficeError> {
        let desk = self.desk_by_number(reservation.event)?;
        self.change(&desk, Intent::Extend { reservation, hold_seconds }, request).await
    }

    /// Gives up a reservation, held or confirmed. The answer is on disk.
    ///
    /// # Errors
    /// Refusals `ReservationNotFound`, `AlreadyCancelled`, `AlreadyExpired`; `EventDamaged`,
    /// `Overloaded`, `DiskFull`, `Unavailable`.
    pub async fn cancel(
        &self,
        reservation: ReservationId,
        request: RequestId,
    ) -> Result<Reserved, OfficeError> {
        let desk = self.desk_by_number(reservation.event)?;
        self.change(&desk, Intent::Cancel { reservation }, request).await
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
        request: RequestId,
    ) -> Result<Reserved, OfficeError> {
        let desk = self.desk_by_number(reservation.event)?;
        self.change(&desk, Intent::CancelPart { reservation, seats }, request).await
    }

    async fn change(
        &self,
        desk: &Desk,
        intent: Intent,
        request: RequestId,
    ) -> Result<Reserved, OfficeError> {
        let command = Command::new(Actor::Anonymous, request, intent);
        let Made { change, reservation, .. } = desk.ask(command).await?;
        // Each of these intents is about one reservation.
        let (id, reservation) = reservation.ok_or(OfficeError::Unavailable)?;
        Ok(Reserved { id, reservation, version: change.version })
    }
}
