//! The use cases around an event: its terms, its blocks, and going through all of them.

use std::sync::{Arc, PoisonError};

use super::{Made, Office, OfficeError};
use crate::domain::{
    Actor, Change, Command, Event, EventId, EventNumber, EventTerms, Intent, Reason, RequestId,
    Seats, Version,
};

impl Office {
    /// Sells an event on other terms, if they are still as when it was at version `expected`. The answer,
    /// the event right after that, is on disk.
    ///
    /// # Errors
    /// `EventNotFound`, `EventDamaged`, `Overloaded`; refusals `OtherTerms`, `StatusChange`,
    /// `CapacityTaken`, `SeatsHeld`; `DiskFull`, `Unavailable`.
    pub async fn update_event(
        &self,
        event: &EventId,
        terms: EventTerms,
        expected: Version,
        request: RequestId,
    ) -> Result<Arc<Event>, OfficeError> {
        let update = Intent::Update(Box::new(terms));
        let command = Command {
            if_terms_of: Some(expected),
            ..Command::new(Actor::Anonymous, request, update)
        };
        let Made { event, .. } = self.desk(event)?.ask(command).await?;
        event.ok_or(OfficeError::Unavailable)
    }

    /// Takes seats out of sale. The answer is on disk.
    ///
    /// # Errors
    /// `EventNotFound`, `EventDamaged`, `Overloaded`; refusal `NotEnoughSeats`; `DiskFull`,
    /// `Unavailable`.
    pub async fn block(
        &self,
        event: &EventId,
        seats: Seats,
        reason: Reason,
        request: RequestId,
    ) -> Result<Change, OfficeError> {
        let block = Intent::Block { seats, reason };
        let command = Command::new(Actor::Anonymous, request, block);
        Ok(self.desk(event)?.ask(command).await?.change)
    }

    /// Puts seats back that `block` took out of sale. The answer is on disk.
    ///
    /// # Errors
    /// `EventNotFound`, `EventDamaged`, `Overloaded`; refusal `BlockNotFound`; `DiskFull`,
    /// `Unavailable`.
    pub async fn unblock(
        &self,
        event: &EventId,
        block: Version,
        request: RequestId,
    ) -> Result<Change, OfficeError> {
        let command = Command::new(Actor::Anonymous, request, Intent::Unblock { block });
        Ok(self.desk(event)?.ask(command).await?.change)
    }

    /// So many of the events that are wanted, in the order of their numbers, behind `after`. Those that
    /// are damaged are left out.
    pub fn events_after(
        &self,
        after: Option<EventNumber>,
        limit: usize,
        is_wanted: impl Fn(&Event) -> bool,
    ) -> Vec<Arc<Event>> {
        let first = EventNumber(after.map_or(0, |after| after.0.saturating_add(1)));
        let desks = self.0.desks.read().unwrap_or_else(PoisonError::into_inner);
        let events = desks.by_number.range(first..).filter_map(|(_, desk)| desk.event().ok());
        events.filter(|event| is_wanted(event)).take(limit).collect()
    }
}
