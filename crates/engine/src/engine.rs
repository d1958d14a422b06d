//! The engine: which events there are, and the handle of each.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use ticketboss_core::domain::{
    Event, EventId, EventNumber, Refusal, RequestId, Reservation, ReservationId, Timestamp,
};
use ticketboss_runtime::entropy::Entropy;
use ticketboss_runtime::tasks::Tasks;
use ticketboss_store::{Damage, Loaded, StoreError};

use crate::error::EngineError;
use crate::event_creation::Creations;
use crate::event_handle::EventHandle;
use crate::read_backs::ReadBacks;
use crate::writer::{GoesBy, LoadedEvent, WriterContext};

/// Everything that is sold here. Clones share it.
#[derive(Debug, Clone)]
pub struct Engine(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) tasks: Tasks,
    pub(crate) entropy: Entropy,
    pub(crate) writers: WriterContext,
    pub(crate) handles: RwLock<Handles>,
    pub(crate) creations: Creations,
    pub(crate) read_backs: ReadBacks,
}

#[derive(Debug, Default)]
pub(crate) struct Handles {
    pub(crate) by_id: HashMap<EventId, Arc<EventHandle>>,
    pub(crate) by_number: BTreeMap<EventNumber, Arc<EventHandle>>,
    /// Nothing is sold any more; what is asked for is answered with `Unavailable`.
    pub(crate) closed: bool,
}

impl Handles {
    /// A damaged event whose number is not known.
    pub(crate) fn of_unknown_number(&self) -> Option<&Arc<EventHandle>> {
        let unknown = self.by_id.values().filter(|handle| handle.number().is_none());
        unknown.min_by_key(|handle| handle.id())
    }
}

impl Engine {
    /// Starts the handle of an event that is new, and so not dated ahead of the clock.
    pub(crate) fn start_handle(&self, event: Event, loaded: Loaded) -> EventHandle {
        self.open_handle(LoadedEvent { event, loaded, goes_by: GoesBy::Dates })
    }

    pub(crate) fn open_handle(&self, event: LoadedEvent) -> EventHandle {
        let Inner { tasks, writers, .. } = &*self.0;
        EventHandle::open(tasks, writers.clone(), event)
    }

    pub(crate) fn keep(&self, handle: EventHandle) -> Result<(), StoreError> {
        let handle = Arc::new(handle);
        let mut handles = self.0.handles.write().unwrap_or_else(PoisonError::into_inner);
        if handles.closed {
            return Err(StoreError::Failed("the engine is closed".into()));
        }
        if let Some(number) = handle.number() {
            handles.by_number.insert(number, handle.clone());
        }
        if let Some(key) = handle.event().ok().and_then(|event| event.created_under()) {
            self.0.creations.keep(key, handle.id());
        }
        handles.by_id.insert(handle.id().clone(), handle);
        Ok(())
    }

    pub(crate) fn handle(&self, id: &EventId) -> Result<Arc<EventHandle>, EngineError> {
        let handles = self.0.handles.read().unwrap_or_else(PoisonError::into_inner);
        handles.by_id.get(id).cloned().ok_or(EngineError::EventNotFound)
    }

    /// The handle of a reservation's event. While there is an event whose number is not known, a
    /// number that nobody has may be its; that the reservation never was cannot be said then.
    pub(crate) fn handle_by_number(
        &self,
        number: EventNumber,
    ) -> Result<Arc<EventHandle>, EngineError> {
        let handles = self.0.handles.read().unwrap_or_else(PoisonError::into_inner);
        let handle = handles.by_number.get(&number);
        handle
            .or_else(|| handles.of_unknown_number())
            .cloned()
            .ok_or(EngineError::Refused(Refusal::ReservationNotFound))
    }

    /// The event's ids, in no order.
    pub fn event_ids(&self) -> Vec<EventId> {
        let handles = self.0.handles.read().unwrap_or_else(PoisonError::into_inner);
        handles.by_id.keys().cloned().collect()
    }

    /// What is damaged, in no order.
    pub fn damages(&self) -> Vec<Damage> {
        let handles = self.0.handles.read().unwrap_or_else(PoisonError::into_inner);
        handles.by_id.values().filter_map(|handle| handle.damage()).collect()
    }

    /// Whether both are clones of one.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// A fresh id for a request.
    pub fn new_request_id(&self) -> RequestId {
        self.0.entropy.request_id()
    }

    /// A number by chance.
    pub fn draw(&self) -> u64 {
        self.0.entropy.nonce().get()
    }

    /// The time by the engine's clock.
    pub fn now(&self) -> Timestamp {
        self.0.writers.clock.now()
    }

    /// The event as it was last committed. It waits for nobody.
    ///
    /// # Errors
    /// `EventNotFound`, `EventDamaged`.
    pub fn event(&self, id: &EventId) -> Result<Arc<Event>, EngineError> {
        self.handle(id)?.event()
    }

    /// The event that the routes without an event id are about: the one with the lowest number.
    ///
    /// # Errors
    /// `EventNotFound` when there is no event at all.
    pub fn default_event_id(&self) -> Result<EventId, EngineError> {
        let handles = self.0.handles.read().unwrap_or_else(PoisonError::into_inner);
        let lowest = handles.by_number.first_key_value();
        // An event whose record cannot be read has no number that we know, and it may be the lowest,
        // unless that is 1. Rather nothing is sold by default than seats of the wrong event.
        let first = lowest.filter(|(number, _)| **number == EventNumber(1));
        let handle = first
            .map(|(_, handle)| handle)
            .or_else(|| handles.of_unknown_number())
            .or_else(|| lowest.map(|(_, handle)| handle));
        handle.map(|handle| handle.id().clone()).ok_or(EngineError::EventNotFound)
    }

    /// A reservation, as it was last committed.
    ///
    /// # Errors
    /// Refusal `ReservationNotFound`; `EventDamaged`.
    pub fn reservation(&self, id: ReservationId) -> Result<Reservation, EngineError> {
        let handle = self.handle_by_number(id.event)?;
        let event = handle.event()?;
        Ok(event.reservation(id).ok_or(Refusal::ReservationNotFound)?.clone())
    }

    /// Whether something could be sold now, as far as the store is concerned.
    ///
    /// # Errors
    /// `DiskFull`, `Unavailable`.
    pub async fn check_room(&self) -> Result<(), EngineError> {
        Ok(self.0.writers.store.check_room().await?)
    }

    /// Waits until the store fails for good, and says why.
    pub async fn failed(&self) -> Arc<str> {
        self.0.writers.store.failed().await
    }

    /// Takes no more commands, and waits until those that were taken are answered. What was
    /// committed can still be read.
    pub async fn close(&self) {
        let handles: Vec<_> = {
            let mut handles = self.0.handles.write().unwrap_or_else(PoisonError::into_inner);
            handles.closed = true;
            // Those without a number are damaged and have no writer.
            handles.by_number.values().cloned().collect()
        };
        for handle in handles {
            handle.close().await;
        }
    }
}
