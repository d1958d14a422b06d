//! The use cases around a reservation, from taking seats to giving them up.
//!
//! Asked again under the same key, each of them gives the first answer again, whatever has become of the
//! reservation since.

use crate::engine::Engine;
use crate::error::EngineError;
use crate::event_handle::EventHandle;
use crate::receipt::{Effect, Made, Receipt, ReservationReceipt};
use crate::request::RequestContext;
use ticketboss_core::domain::{
    Actor, Command, Done, Event, EventId, Intent, PartnerId, Reservation, ReservationId, Seats,
};

impl Engine {
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
        context: impl Into<RequestContext>,
    ) -> Result<ReservationReceipt, EngineError> {
        let nonce = self.0.entropy.nonce();
        let handle = self.handle(event)?;
        self.change(&handle, Intent::Reserve { partner, seats, nonce }, context.into()).await
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
        context: impl Into<RequestContext>,
    ) -> Result<ReservationReceipt, EngineError> {
        let nonce = self.0.entropy.nonce();
        let handle = self.handle(event)?;
        self.change(&handle, Intent::Hold { partner, seats, nonce, hold_seconds }, context.into())
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
        context: impl Into<RequestContext>,
    ) -> Result<ReservationReceipt, EngineError> {
        let handle = self.handle_by_number(reservation.event)?;
        self.change(&handle, Intent::Confirm { reservation }, context.into()).await
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
        context: impl Into<RequestContext>,
    ) -> Result<ReservationReceipt, EngineError> {
        let handle = self.handle_by_number(reservation.event)?;
        self.change(&handle, Intent::Extend { reservation, hold_seconds }, context.into()).await
    }

    /// Gives up a reservation, held or confirmed. The answer is on disk.
    ///
    /// # Errors
    /// Refusals `ReservationNotFound`, `AlreadyCancelled`, `AlreadyExpired`; `EventDamaged`,
    /// `Overloaded`, `DiskFull`, `Unavailable`.
    pub async fn cancel(
        &self,
        reservation: ReservationId,
        context: impl Into<RequestContext>,
    ) -> Result<ReservationReceipt, EngineError> {
        let handle = self.handle_by_number(reservation.event)?;
        self.change(&handle, Intent::Cancel { reservation }, context.into()).await
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
        context: impl Into<RequestContext>,
    ) -> Result<ReservationReceipt, EngineError> {
        let handle = self.handle_by_number(reservation.event)?;
        self.change(&handle, Intent::CancelPart { reservation, seats }, context.into()).await
    }

    async fn change(
        &self,
        handle: &EventHandle,
        intent: Intent,
        context: RequestContext,
    ) -> Result<ReservationReceipt, EngineError> {
        let RequestContext { request, key, note, if_terms_of } = context;
        let command =
            Command { if_terms_of, key, note, ..Command::new(Actor::Anonymous, request, intent) };
        // Each of these intents is about one reservation.
        match handle.ask(command).await? {
            Effect::Made(Made { change, reservation, .. }) => {
                let reservation = reservation.ok_or(EngineError::Unavailable)?;
                Ok(Receipt::first(change.version, reservation))
            }
            Effect::Replayed(done) => {
                let reservation = as_it_was(&*handle.event()?, done);
                let reservation = reservation.ok_or(EngineError::Unavailable)?;
                Ok(Receipt::replayed(done.version, reservation))
            }
        }
    }
}

/// The reservation that something was done to, right after that.
fn as_it_was(event: &Event, done: Done) -> Option<(ReservationId, Reservation)> {
    let (id, reservation) = event.reservation_made_by(done.reservation?)?;
    Some((id, reservation.as_of(done.version)))
}
