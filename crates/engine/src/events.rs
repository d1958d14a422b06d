//! The use cases around an event: its terms, its blocks, and going through all of them.

use std::sync::{Arc, PoisonError};

use super::{Answered, Asking, EVENTS_MAX, Made, Office, OfficeError, Telling};
use ticketboss_core::domain::{
    Actor, Change, Command, Done, Event, EventId, EventNumber, EventTerms, Fact, Intent, Reason,
    Refusal, Seats, Version,
};

use ticketboss_runtime::tasks::sync::oneshot;
use ticketboss_store::{Commit, Loaded, StoreError, Swap, Token};

/// How long whoever asks again waits for an event that somebody else is just creating.
const SHOWN_WITHIN_SECONDS: u32 = 1;

impl Office {
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
        asking: impl Into<Asking>,
    ) -> Result<Arc<Event>, OfficeError> {
        let (answer, answered) = oneshot::channel();
        let (office, asking) = (self.clone(), asking.into());
        self.0.tasks.spawn(async move {
            // Whoever does not wait any more does not miss the answer.
            let _ = answer.send(office.create_and_show(terms, by, asking).await);
        });
        answered.await.unwrap_or(Err(OfficeError::Unavailable))
    }

    async fn create_and_show(
        &self,
        terms: EventTerms,
        by: Actor,
        asking: Asking,
    ) -> Result<Arc<Event>, OfficeError> {
        let Asking { request, key, .. } = asking;
        let id = terms.id.clone();
        let _claim = key.as_ref().map(|key| self.0.creations.claim(key, &id)).transpose()?;
        self.check_room_for(&id)?;
        let number = self.0.store.claim_event_number().await?;
        // Nobody else knows the number, so nobody else decides about it before it is shown.
        let deciding = self.0.moves.begin(number, &self.0.clock);
        let change = Change {
            version: Version::FIRST,
            at: self.0.clock.now(),
            by,
            request,
            key,
            note: None,
            refused: None,
            fact: Fact::EventCreated(terms),
        };
        let event = Event::create(number, &change).map_err(|_| OfficeError::Unavailable)?;
        let commit = Commit::draft(None, &event, std::slice::from_ref(&change));
        let record = commit.record;
        let committed = self.0.store.commit(&id, &Token::ABSENT, commit).await;
        if let Err(StoreError::Failed(_)) = committed {
            deciding.never_ends();
            return Err(OfficeError::Unavailable);
        }
        match committed? {
            Swap::Lost => Err(OfficeError::EventExists(id)),
            Swap::Won(token) => {
                let desk = self.start_desk(event, Loaded { record, token });
                let event = desk.event()?;
                self.keep(desk)?;
                Ok(event)
            }
        }
    }

    fn check_room_for(&self, id: &EventId) -> Result<(), OfficeError> {
        let desks = self.0.desks.read().unwrap_or_else(PoisonError::into_inner);
        if desks.closed {
            return Err(OfficeError::Unavailable);
        }
        if desks.by_id.contains_key(id) {
            return Err(OfficeError::EventExists(id.clone()));
        }
        if desks.by_id.len() >= EVENTS_MAX {
            return Err(OfficeError::TooManyEvents);
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
        asking: impl Into<Asking>,
    ) -> Result<Answered<Arc<Event>>, OfficeError> {
        let Asking { request, key, .. } = asking.into();
        let update = Intent::Update(Box::new(terms));
        let command = Command {
            if_terms_of: Some(expected),
            key,
            ..Command::new(Actor::Anonymous, request, update)
        };
        match self.desk(event)?.ask(command).await {
            Ok(Made { event, .. }) => {
                let what = event.ok_or(OfficeError::Unavailable)?;
                Ok(Answered { what, telling: Telling::First })
            }
            Err(OfficeError::Refused(Refusal::DoneBefore(done))) => {
                let what = Arc::new(self.event_as_of(event, done.version).await?);
                Ok(Answered { what, telling: Telling::Again })
            }
            Err(error) => Err(error),
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
        asking: impl Into<Asking>,
    ) -> Result<Answered<Change>, OfficeError> {
        self.change_of_blocks(event, Intent::Block { seats, reason }, asking.into()).await
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
        asking: impl Into<Asking>,
    ) -> Result<Answered<Change>, OfficeError> {
        self.change_of_blocks(event, Intent::Unblock { block }, asking.into()).await
    }

    async fn change_of_blocks(
        &self,
        id: &EventId,
        intent: Intent,
        asking: Asking,
    ) -> Result<Answered<Change>, OfficeError> {
        let Asking { request, key, if_terms_of, .. } = asking;
        let desk = self.desk(id)?;
        let command =
            Command { if_terms_of, key, ..Command::new(Actor::Anonymous, request, intent) };
        match desk.ask(command).await {
            Ok(Made { change, .. }) => Ok(Answered { what: change, telling: Telling::First }),
            Err(OfficeError::Refused(Refusal::DoneBefore(done))) => {
                let what = self.change_at(&*desk.event()?, done.version.get()).await?;
                Ok(Answered { what, telling: Telling::Again })
            }
            Err(error) => Err(error),
        }
    }

    /// Creates an event, as [`Office::create_event`] does; or tells what was created under the same key.
    ///
    /// # Errors
    /// As there.
    pub async fn create_event_once(
        &self,
        terms: EventTerms,
        asking: Asking,
    ) -> Result<Answered<Arc<Event>>, OfficeError> {
        let key = asking.key;
        let (created, key) = match (self.create_event(terms, Actor::Anonymous, asking).await, key) {
            (Err(OfficeError::EventExists(id)), Some(key)) => (self.soon_shown(&id).await?, key),
            (created, _) => {
                return created.map(|what| Answered { what, telling: Telling::First });
            }
        };
        let id = created.id().clone();
        match created.is_new(&key) {
            Err(Refusal::DoneBefore(Done { version: Version::FIRST, .. })) => {
                let what = Arc::new(self.event_as_of(&id, Version::FIRST).await?);
                Ok(Answered { what, telling: Telling::Again })
            }
            Err(refusal @ Refusal::KeyReused { .. }) => Err(refusal.into()),
            _ => Err(OfficeError::EventExists(id)),
        }
    }

    /// An event that is in the store, as soon as it is here, too: whoever creates it is about to show it.
    async fn soon_shown(&self, id: &EventId) -> Result<Arc<Event>, OfficeError> {
        let patience = self.0.clock.now().plus_seconds(SHOWN_WITHIN_SECONDS);
        let mut moved = self.0.moves.listen();
        let shown = async {
            loop {
                moved.mark_unchanged();
                match self.event(id) {
                    // It never fails: the office has the other end.
                    Err(OfficeError::EventNotFound) => drop(moved.changed().await),
                    shown => return shown,
                }
            }
        };
        tokio::select! {
            shown = shown => shown,
            () = self.0.clock.until(patience) => Err(OfficeError::EventExists(id.clone())),
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
        let desks = self.0.desks.read().unwrap_or_else(PoisonError::into_inner);
        let events = desks.by_number.range(first..).filter_map(|(_, desk)| desk.event().ok());
        events.filter(|event| is_wanted(event)).take(limit).collect()
    }
}
