//! What was: the changes of an event, and the event as it was at a version. All of it comes from the ledger.

use super::{Office, OfficeError};
use crate::domain::{Change, Event, EventId, Version};
use crate::store::ledger::{self, ReplayError};

/// How many events are read back at a time. Each takes as much memory as the event had then.
pub(super) const READ_BACK_AT_ONCE: usize = 2;

impl Office {
    /// At most so many changes of an event, those after a version, in order and without a gap.
    ///
    /// # Errors
    /// `EventNotFound`, `EventDamaged`, `Unavailable`.
    pub async fn changes(
        &self,
        id: &EventId,
        after: Version,
        limit: usize,
    ) -> Result<Vec<Change>, OfficeError> {
        let event = self.desk(id)?.event()?;
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        let last = after.get().saturating_add(limit).min(event.version().get());
        let Some(last) = Version::new(last).filter(|last| *last > after) else {
            return Ok(Vec::new());
        };
        let pages = self.0.store.pages(event.number(), after.next(), last);
        let mut changes = ledger::changes(id, pages).await?;
        changes.retain(|change| change.version > after && change.version <= last);
        Ok(changes)
    }

    /// The event as it was at a version, from the beginning of its ledger on.
    ///
    /// # Errors
    /// `EventNotFound`, `NoSuchVersion`, `EventDamaged`, `Unavailable`.
    pub async fn event_as_of(&self, id: &EventId, version: Version) -> Result<Event, OfficeError> {
        let event = self.desk(id)?.event()?;
        let newest = event.version();
        if version == newest {
            return Ok(Event::clone(&event));
        }
        if version == Version::ZERO || version > newest {
            return Err(OfficeError::NoSuchVersion { version, newest });
        }
        let _turn = self.0.read_back.acquire().await.map_err(|_| OfficeError::Unavailable)?;
        let pages = self.0.store.pages(event.number(), Version::FIRST, version);
        Ok(ledger::as_of(id, event.number(), version, pages).await?)
    }
}

impl From<ReplayError> for OfficeError {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Damaged(damage) => Self::EventDamaged(damage),
            ReplayError::Store(error) => error.into(),
        }
    }
}
