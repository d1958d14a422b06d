//! Following what is committed: one event version by version, all events by time.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};

use tokio::sync::watch;

use super::desk::Desk;
use super::{Office, OfficeError};
use crate::domain::{Change, Event, EventId, EventNumber, Timestamp, Version};

/// Somebody who follows one event.
#[derive(Debug)]
pub struct Following {
    desk: Arc<Desk>,
    changed: watch::Receiver<()>,
}

impl Following {
    /// Waits until the event is at `version` or beyond it, and gives it as it is then.
    ///
    /// # Errors
    /// `EventDamaged`, as soon as it is.
    pub async fn until(&mut self, version: Version) -> Result<Arc<Event>, OfficeError> {
        loop {
            self.changed.mark_unchanged();
            let event = self.desk.event()?;
            if event.version() >= version {
                return Ok(event);
            }
            self.changed.changed().await.map_err(|_| OfficeError::Unavailable)?;
        }
    }
}

/// Somebody who follows all events. One at a time: what one was told has moved, another is not.
#[derive(Debug)]
pub struct FollowingAll {
    office: Office,
    changed: watch::Receiver<()>,
}

impl FollowingAll {
    /// The time before which nothing is added any more to any event, and the events that have moved since
    /// this was asked the last time.
    pub fn settled(&mut self) -> (Timestamp, BTreeSet<EventNumber>) {
        self.changed.mark_unchanged();
        self.office.0.moves.settled(&self.office.0.clock)
    }

    /// Waits until some event may have moved since [`FollowingAll::settled`].
    pub async fn moved(&mut self) {
        // The office, which this has, keeps the other end.
        let _ = self.changed.changed().await;
    }
}

impl Office {
    /// Follows an event from now on.
    ///
    /// # Errors
    /// `EventNotFound`.
    pub fn follow(&self, id: &EventId) -> Result<Following, OfficeError> {
        let desk = self.desk(id)?;
        let changed = desk.listen();
        Ok(Following { desk, changed })
    }

    /// Follows all events from now on.
    pub fn follow_all(&self) -> FollowingAll {
        FollowingAll { office: self.clone(), changed: self.0.moves.listen() }
    }

    /// The time before which nothing is added any more to any event.
    pub fn settled_now(&self) -> Timestamp {
        self.0.moves.settled_until(&self.0.clock)
    }

    /// The date of the newest change of all events, if there is one.
    pub fn newest_change_at(&self) -> Option<Timestamp> {
        let desks = self.0.desks.read().unwrap_or_else(PoisonError::into_inner);
        let events = desks.by_number.values().filter_map(|desk| desk.event().ok());
        events.map(|event| event.updated_at()).max()
    }

    /// The event of that number, as it was last committed.
    ///
    /// # Errors
    /// `EventNotFound`, `EventDamaged`.
    pub fn event_by_number(&self, number: EventNumber) -> Result<Arc<Event>, OfficeError> {
        let desks = self.0.desks.read().unwrap_or_else(PoisonError::into_inner);
        desks.by_number.get(&number).ok_or(OfficeError::EventNotFound)?.event()
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
    ) -> Result<Version, OfficeError> {
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
    pub(super) async fn change_at(
        &self,
        event: &Event,
        version: u64,
    ) -> Result<Change, OfficeError> {
        let before = Version::new(version - 1).unwrap_or(Version::ZERO);
        let mut changes = self.changes(event.id(), before, 1).await?;
        changes.pop().ok_or(OfficeError::Unavailable)
    }
}
