//! The use cases around an event: its terms, its blocks, and going through all of them.

use std::sync::{Arc, PoisonError};

use crate::engine::Engine;
use crate::error::{EVENTS_MAX, EngineError};
use crate::receipt::{Effect, Made, Receipt};
use crate::request::RequestContext;
use ticketboss_core::domain::{
    Actor, Change, Command, Done, Event, EventId, EventNumber, EventTerms, Fact, Intent, Reason,
    Seats, Version,
};

use ticketboss_runtime::tasks::sync::oneshot;
use ticketboss_store::{Commit, Loaded, StoreError, Swap, Token};

/// How long whoever asks again waits for an event that somebody else is just creating.
const SHOWN_WITHIN_SECONDS: u32 = 1;

impl Engine {
    /// Creates an event; its number decides, first come first served, which is the default one. It is
    /// shown also where whoever has asked for it does not wait until it is.
    ///
    /// # Errors
    /// Refusal `KeyReused`, where another event was created under its key; `EventExists`, `TooManyEvents`,
    /// `DiskFull`, `Unavailable`.
    pub async fn create_event(
        &self,
        terms: EventTerms,
        by: Actor,
        context: impl Into<RequestContext>,
    ) -> Result<Arc<Event>, EngineError> {
        let (answer, answered) = oneshot::channel();
        let (engine, context) = (self.clone(), context.into());
        self.0.tasks.spawn(async move {
            // Whoever does not wait any more does not miss the answer.
            let _ = answer.send(engine.create_and_show(terms, by, context).await);
        });
        answered.await.unwrap_or(Err(EngineError::Unavailable))
    }

    async fn create_and_show(
        &self,
        terms: EventTerms,
        by: Actor,
        context: RequestContext,
    ) -> Result<Arc<Event>, EngineError> {
        let RequestContext { request, key, .. } = context;
        let id = terms.id.clone();
        let _claim = key.as_ref().map(|key| self.0.creations.claim(key, &id)).transpose()?;
        self.check_room_for(&id)?;
        let number = self.0.writers.store.claim_event_number().await?;
        // Nobody else knows the number, so nobody else decides about it before it is shown.
        let deciding = self.0.writers.moves.begin(number, &self.0.writers.clock);
        let change = Change {
            version: Version::FIRST,
            at: self.0.writers.clock.now(),
            by,
            request,
            key,
            note: None,
            refused: None,
            fact: Fact::EventCreated(terms),
        };
        let event = Event::create(number, &change).map_err(|_| EngineError::Unavailable)?;
        let commit = Commit::draft(None, &event, std::slice::from_ref(&change));
        let record = commit.record;
        let committed = self.0.writers.store.commit(&id, &Token::ABSENT, commit).await;
        if let Err(StoreError::Failed(_)) = committed {
            deciding.never_ends();
            return Err(EngineError::Unavailable);
        }
        match committed? {
            Swap::Lost => Err(EngineError::EventExists(id)),
            Swap::Won(token) => {
                let handle = self.start_handle(event, Loaded { record, token });
                let event = handle.event()?;
                self.keep(handle)?;
                Ok(event)
            }
        }
    }

    fn check_room_for(&self, id: &EventId) -> Result<(), EngineError> {
        let handles = self.0.handles.read().unwrap_or_else(PoisonError::into_inner);
        if handles.closed {
            return Err(EngineError::Unavailable);
        }
        if handles.by_id.contains_key(id) {
            return Err(EngineError::EventExists(id.clone()));
        }
        if handles.by_id.len() >= EVENTS_MAX {
            return Err(EngineError::TooManyEvents);
        }
        Ok(())
    }

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
        context: impl Into<RequestContext>,
    ) -> Result<Receipt<Arc<Event>>, EngineError> {
        let RequestContext { request, key, .. } = context.into();
        let update = Intent::Update(Box::new(terms));
        let command = Command {
            if_terms_of: Some(expected),
            key,
            ..Command::new(Actor::Anonymous, request, update)
        };
        match self.handle(event)?.ask(command).await? {
            Effect::Made(Made { change, event, .. }) => {
                let event = event.ok_or(EngineError::Unavailable)?;
                Ok(Receipt::first(change.version, event))
            }
            Effect::Replayed(done) => {
                let then = self.event_as_of(event, done.version).await?;
                Ok(Receipt::replayed(done.version, Arc::new(then)))
            }
        }
    }

    /// Takes seats out of sale. The answer is on disk.
    ///
    /// # Errors
    /// `EventNotFound`, `EventDamaged`, `Overloaded`; refusals `OtherTerms`, `NotEnoughSeats`; `DiskFull`,
    /// `Unavailable`.
    pub async fn block(
        &self,
        event: &EventId,
        seats: Seats,
        reason: Reason,
        context: impl Into<RequestContext>,
    ) -> Result<Receipt<Change>, EngineError> {
        self.change_of_blocks(event, Intent::Block { seats, reason }, context.into()).await
    }

    /// Puts seats back that `block` took out of sale. The answer is on disk.
    ///
    /// # Errors
    /// `EventNotFound`, `EventDamaged`, `Overloaded`; refusals `OtherTerms`, `BlockNotFound`; `DiskFull`,
    /// `Unavailable`.
    pub async fn unblock(
        &self,
        event: &EventId,
        block: Version,
        context: impl Into<RequestContext>,
    ) -> Result<Receipt<Change>, EngineError> {
        self.change_of_blocks(event, Intent::Unblock { block }, context.into()).await
    }

    async fn change_of_blocks(
        &self,
        id: &EventId,
        intent: Intent,
        context: RequestContext,
    ) -> Result<Receipt<Change>, EngineError> {
        let RequestContext { request, key, if_terms_of, .. } = context;
        let handle = self.handle(id)?;
        let command =
            Command { if_terms_of, key, ..Command::new(Actor::Anonymous, request, intent) };
        match handle.ask(command).await? {
            Effect::Made(Made { change, .. }) => Ok(Receipt::first(change.version, change)),
            Effect::Replayed(done) => {
                let change = self.change_at(&*handle.event()?, done.version.get()).await?;
                Ok(Receipt::replayed(done.version, change))
            }
        }
    }

    /// Creates an event, as [`Engine::create_event`] does; or tells what was created under the same key.
    ///
    /// # Errors
    /// As there.
    pub async fn create_event_once(
        &self,
        terms: EventTerms,
        context: RequestContext,
    ) -> Result<Receipt<Arc<Event>>, EngineError> {
        let key = context.key;
        let (id, key) = match (self.create_event(terms, Actor::Anonymous, context).await, key) {
            (Err(EngineError::EventExists(id)), Some(key)) => (id, key),
            (created, _) => return created.map(|event| Receipt::first(Version::FIRST, event)),
        };
        let existing = self.soon_shown(&id).await?;
        match existing.done_under(&key)? {
            Some(Done { version: Version::FIRST, .. }) => {
                let created = self.event_as_of(&id, Version::FIRST).await?;
                Ok(Receipt::replayed(Version::FIRST, Arc::new(created)))
            }
            Some(_) | None => Err(EngineError::EventExists(id)),
        }
    }

    /// An event that is in the store, as soon as it is here, too: whoever creates it is about to show it.
    async fn soon_shown(&self, id: &EventId) -> Result<Arc<Event>, EngineError> {
        let patience = self.0.writers.clock.now().plus_seconds(SHOWN_WITHIN_SECONDS);
        let mut moved = self.0.writers.moves.listen();
        let shown = async {
            loop {
                moved.mark_unchanged();
                match self.event(id) {
                    // It never fails: the engine has the other end.
                    Err(EngineError::EventNotFound) => drop(moved.changed().await),
                    shown => return shown,
                }
            }
        };
        tokio::select! {
            shown = shown => shown,
            () = self.0.writers.clock.until(patience) => Err(EngineError::EventExists(id.clone())),
        }
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
        let handles = self.0.handles.read().unwrap_or_else(PoisonError::into_inner);
        let events = handles.by_number.range(first..).filter_map(|(_, handle)| handle.event().ok());
        events.filter(|event| is_wanted(event)).take(limit).collect()
    }
}
