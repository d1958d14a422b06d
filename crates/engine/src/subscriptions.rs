//! Following what is committed: one event version by version, all events by time.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, PoisonError};

use tokio::sync::watch;

use crate::engine::Engine;
use crate::error::EngineError;
use crate::event_handle::EventHandle;
use crate::moves::Seen;
use ticketboss_core::domain::{Change, Event, EventId, EventNumber, Timestamp, Version};

/// How many changes of one event are read at once.
const READ_CHANGES_MAX: usize = 1_024;

/// Somebody who follows one event.
#[derive(Debug)]
pub struct Following {
    handle: Arc<EventHandle>,
    changed: watch::Receiver<()>,
}

impl Following {
    /// Waits until the event is at `version` or beyond it, and gives it as it is then.
    ///
    /// # Errors
    /// `EventDamaged`, as soon as it is.
    pub async fn until(&mut self, version: Version) -> Result<Arc<Event>, EngineError> {
        loop {
            self.changed.mark_unchanged();
            let event = self.handle.event()?;
            if event.version() >= version {
                return Ok(event);
            }
            self.changed.changed().await.map_err(|_| EngineError::Unavailable)?;
        }
    }
}

/// Somebody who follows all events by time.
#[derive(Debug)]
pub struct FollowingAll {
    engine: Engine,
    moved: watch::Receiver<()>,
    seen: Seen,
    /// What is dated before is not told.
    began: Timestamp,
    /// How far each event is told, of those that have moved since this began.
    reached: HashMap<EventNumber, Version>,
    /// Those that have moved and of which not everything is settled.
    waiting: BTreeSet<EventNumber>,
    /// The earliest date of what is not settled.
    unsettled: Option<Timestamp>,
}

/// What has been added to several events: of each, a stretch of its changes in order.
#[derive(Debug, Default)]
pub struct Added {
    /// The changes, event by event.
    pub stretches: Vec<(EventId, Vec<Change>)>,
    /// The date of the newest of them. It is that, and not the time up to which everything is settled, as
    /// only that is on disk: another process, whose clock is behind, dates its changes after it.
    pub newest: Option<Timestamp>,
}

impl FollowingAll {
    /// Reads what has been added and is settled; there may be nothing.
    ///
    /// # Errors
    /// `EventDamaged`, `Unavailable`. Events that were damaged before are left out.
    pub async fn read(&mut self) -> Result<Added, EngineError> {
        self.moved.mark_unchanged();
        let (settled, moved) =
            self.engine.0.writers.moves.settled(&self.engine.0.writers.clock, &mut self.seen);
        self.waiting.extend(moved);
        self.unsettled = None;
        let mut added = Added::default();
        for number in std::mem::take(&mut self.waiting) {
            // What is damaged is not told of, and does not keep the others from it.
            let Ok(event) = self.engine.event_by_number(number) else { continue };
            let after = match self.reached.get(&number) {
                Some(version) => *version,
                None => self.engine.version_before(&event, self.began).await?,
            };
            let (after, unsettled) =
                self.read_event(event.id(), after, settled, &mut added).await?;
            self.reached.insert(number, after);
            if let Some(at) = unsettled {
                self.waiting.insert(number);
                self.unsettled = Some(self.unsettled.map_or(at, |earliest| earliest.min(at)));
            }
        }
        Ok(added)
    }

    /// Waits until there may be more to read.
    pub async fn moved(&mut self) {
        let clock = &self.engine.0.writers.clock;
        let settled = async {
            match self.unsettled {
                Some(at) => clock.until(Timestamp(at.0.saturating_add(1))).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            // It never fails: the engine, which this has, keeps the other end.
            _ = self.moved.changed() => {}
            () = settled => {}
        }
    }

    /// Reads the changes after a version that are dated before a time. Says how far they go, and the date of
    /// the first behind them, if there is one.
    async fn read_event(
        &self,
        id: &EventId,
        mut after: Version,
        until: Timestamp,
        added: &mut Added,
    ) -> Result<(Version, Option<Timestamp>), EngineError> {
        loop {
            let mut changes = self.engine.changes(id, after, READ_CHANGES_MAX).await?;
            let is_last = changes.len() < READ_CHANGES_MAX;
            let settled = changes.partition_point(|change| change.at < until);
            let unsettled = changes.get(settled).map(|change| change.at);
            changes.truncate(settled);
            if let Some(last) = changes.last() {
                after = last.version;
                added.newest = added.newest.max(Some(last.at));
                added.stretches.push((id.clone(), changes));
            }
            if is_last || unsettled.is_some() {
                return Ok((after, unsettled));
            }
        }
    }
}

/// What somebody has missed of all events who has got everything before a time: event by event.
#[derive(Debug)]
pub struct Missed {
    engine: Engine,
    from: Timestamp,
    until: Timestamp,
    left: VecDeque<EventNumber>,
    /// How much is read of the first of those that are left, if it was begun.
    reached: Option<Version>,
}

impl Missed {
    /// The time up to which that is.
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// The next stretch of changes of one event, at most so many, until there are no more.
    ///
    /// # Errors
    /// `EventDamaged`, `Unavailable`. Events that were damaged before are left out.
    pub async fn next(
        &mut self,
        limit: usize,
    ) -> Result<Option<(EventId, Vec<Change>)>, EngineError> {
        while let Some(number) = self.left.front() {
            // What is damaged is not told of, and does not keep the others from it.
            if let Ok(event) = self.engine.event_by_number(*number) {
                let after = match self.reached {
                    Some(version) => version,
                    None => self.engine.version_before(&event, self.from).await?,
                };
                let mut changes = self.engine.changes(event.id(), after, limit).await?;
                changes.truncate(changes.partition_point(|change| change.at < self.until));
                if let Some(last) = changes.last() {
                    self.reached = Some(last.version);
                    return Ok(Some((event.id().clone(), changes)));
                }
            }
            self.left.pop_front();
            self.reached = None;
        }
        Ok(None)
    }
}

impl Engine {
    /// Follows an event from now on.
    ///
    /// # Errors
    /// `EventNotFound`.
    pub fn follow(&self, id: &EventId) -> Result<Following, EngineError> {
        let handle = self.handle(id)?;
        let changed = handle.listen();
        Ok(Following { handle, changed })
    }

    /// Follows all events: tells what is dated at `from` or later.
    pub fn follow_all(&self, from: Timestamp) -> FollowingAll {
        // What moves while it is looked at is seen twice, and told once.
        let (moved, seen) = (self.0.writers.moves.listen(), self.0.writers.moves.seen());
        let waiting = self.moved_since(from).collect();
        let (engine, reached) = (self.clone(), HashMap::new());
        FollowingAll { engine, moved, seen, began: from, reached, waiting, unsettled: Some(from) }
    }

    fn moved_since(&self, from: Timestamp) -> impl Iterator<Item = EventNumber> + use<> {
        let moved = self.events_after(None, usize::MAX, |event| event.updated_at() >= from);
        moved.into_iter().map(|event| event.number())
    }

    /// What is dated at `from` or later and before `until`, up to which everything must be settled.
    pub fn missed(&self, from: Timestamp, until: Timestamp) -> Missed {
        let left = self.moved_since(from).collect();
        Missed { engine: self.clone(), from, until, left, reached: None }
    }

    /// The time before which nothing is added any more to any event.
    pub fn settled_now(&self) -> Timestamp {
        self.0.writers.moves.settled_until(&self.0.writers.clock)
    }

    /// The date of the newest change of all events, if there is one.
    pub fn newest_change_at(&self) -> Option<Timestamp> {
        let handles = self.0.handles.read().unwrap_or_else(PoisonError::into_inner);
        let events = handles.by_number.values().filter_map(|handle| handle.event().ok());
        events.map(|event| event.updated_at()).max()
    }

    /// The event of that number, as it was last committed.
    ///
    /// # Errors
    /// `EventNotFound`, `EventDamaged`.
    fn event_by_number(&self, number: EventNumber) -> Result<Arc<Event>, EngineError> {
        let handles = self.0.handles.read().unwrap_or_else(PoisonError::into_inner);
        handles.by_number.get(&number).ok_or(EngineError::EventNotFound)?.event()
    }

    /// The version that an event had before a time: that of the last change with an earlier date.
    ///
    /// The dates of an event are in order, so it is looked for as in a dictionary.
    ///
    /// # Errors
    /// `EventDamaged`, `Unavailable`.
    pub async fn version_before(
        &self,
        event: &Event,
        time: Timestamp,
    ) -> Result<Version, EngineError> {
        if event.updated_at() < time {
            return Ok(event.version());
        }
        // The change of `earlier` is dated before, that of `later` is not.
        let (mut earlier, mut later) = (0, event.version().get());
        while later - earlier > 1 {
            let middle = earlier + (later - earlier) / 2;
            match self.change_at(event, middle).await? {
                change if change.at < time => earlier = middle,
                _ => later = middle,
            }
        }
        Ok(Version::new(earlier).unwrap_or(Version::ZERO))
    }

    /// The change that made a version.
    pub(crate) async fn change_at(
        &self,
        event: &Event,
        version: u64,
    ) -> Result<Change, EngineError> {
        let before = Version::new(version - 1).unwrap_or(Version::ZERO);
        let mut changes = self.changes(event.id(), before, 1).await?;
        changes.pop().ok_or(EngineError::Unavailable)
    }
}
