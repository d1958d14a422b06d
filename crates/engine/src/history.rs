//! What was: the changes of an event, and the event as it was at a version. All of it comes from the ledger.

use std::sync::Arc;

use crate::engine::Engine;
use crate::error::EngineError;
use ticketboss_core::domain::{Change, Event, EventId, PartnerId, Statistics, Timestamp, Version};
use ticketboss_runtime::tasks::sync::yield_now;
use ticketboss_store::ledger::{self, ReplayError};

/// How many changes are read at once.
const READ_CHANGES_MAX: usize = 1_024;

/// A page of a ledger as it lies on the disk, and what it says of itself.
#[derive(Debug, Clone)]
pub struct SealedPage {
    /// The version of its first change.
    pub first_version: Version,
    /// The version of its last change.
    pub last_version: Version,
    /// The digest of the page before it, in hexadecimal digits, or zeros.
    pub previous: String,
    /// Its own: the BLAKE3 digest of all its bytes but the last eight, which are the first of the digest.
    pub digest: String,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
}

impl Engine {
    /// The event as it was last committed, and the digest of the newest page of its ledger, in hexadecimal
    /// digits. As each page has the digest of the one before it, this one stands for all that was.
    ///
    /// # Errors
    /// `EventNotFound`, `EventDamaged`.
    pub fn ledger_head(&self, id: &EventId) -> Result<(Arc<Event>, String), EngineError> {
        let (event, digest) = self.handle(id)?.head()?;
        Ok((event, digest.to_string()))
    }

    /// The pages that hold the versions from `from` up to `to`, at most so many.
    ///
    /// # Errors
    /// `EventNotFound`; `NoSuchVersion` where the event has not all of these; `EventDamaged`, `Unavailable`.
    pub async fn sealed_pages(
        &self,
        id: &EventId,
        from: Version,
        to: Version,
        pages_max: usize,
    ) -> Result<Vec<SealedPage>, EngineError> {
        let event = self.handle(id)?.event()?;
        check_versions(&event, &[from, to])?;
        let mut stored = self.0.writers.store.pages(event.number(), from, to);
        let mut pages = Vec::new();
        while pages.len() < pages_max {
            let Some(page) = stored.next().await else { break };
            let bytes = page?.bytes;
            let page = ledger::read_page(id, from, &bytes)?;
            let last_version = page.changes.last().map_or(from, |change| change.version);
            let (previous, digest) = (page.previous.to_string(), page.digest.to_string());
            let first_version = page.first_version();
            pages.push(SealedPage { first_version, last_version, previous, digest, bytes });
        }
        Ok(pages)
    }

    /// At most so many changes of an event, those after a version, in order and without a gap.
    ///
    /// # Errors
    /// `EventNotFound`, `EventDamaged`, `Unavailable`.
    pub async fn changes(
        &self,
        id: &EventId,
        after: Version,
        limit: usize,
    ) -> Result<Vec<Change>, EngineError> {
        let event = self.handle(id)?.event()?;
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        let last = after.get().saturating_add(limit).min(event.version().get());
        let Some(last) = Version::new(last).filter(|last| *last > after) else {
            return Ok(Vec::new());
        };
        let pages = self.0.writers.store.pages(event.number(), after.next(), last);
        let mut changes = ledger::changes(id, pages).await?;
        changes.retain(|change| change.version > after && change.version <= last);
        Ok(changes)
    }

    /// What the changes from version `from` up to `to` come to, of all partners or of `only` one, in
    /// stretches of time that `bucket_ms` chooses by the times of the first and the last of them. One that
    /// it has not got is an error of its own.
    ///
    /// # Errors
    /// `EventNotFound`; `NoSuchVersion` where the event has not all of these; `EventDamaged`, `Overloaded`,
    /// `Unavailable`.
    pub async fn statistics<E: From<EngineError>>(
        &self,
        id: &EventId,
        (from, to): (Version, Version),
        only: Option<PartnerId>,
        bucket_ms: impl FnOnce(Timestamp, Timestamp) -> Result<i64, E>,
    ) -> Result<(Statistics, Timestamp, Timestamp), E> {
        let event = self.handle(id)?.event()?;
        check_versions(&event, &[from, to])?;
        let _turn = self.0.read_backs.turn().await?;
        let first_at = self.change_at(&event, from.get()).await?.at;
        let last_at = self.change_at(&event, to.get()).await?.at;
        let mut statistics = Statistics::new(from, bucket_ms(first_at, last_at)?, only);
        let mut after = Version::new(from.get() - 1).unwrap_or(Version::ZERO);
        while after < to {
            let left = usize::try_from(to.get() - after.get()).unwrap_or(usize::MAX);
            let changes = self.changes(id, after, left.min(READ_CHANGES_MAX)).await?;
            for change in &changes {
                statistics.note(&event, change);
            }
            after = changes.last().ok_or(EngineError::Unavailable)?.version;
            // Others have their turn, and whoever has hung up is noticed.
            yield_now().await;
        }
        Ok((statistics, first_at, last_at))
    }

    /// The event as it was at a version, from the beginning of its ledger on.
    ///
    /// # Errors
    /// `EventNotFound`, `NoSuchVersion`, `EventDamaged`, `Overloaded`, `Unavailable`.
    pub async fn event_as_of(&self, id: &EventId, version: Version) -> Result<Event, EngineError> {
        let event = self.handle(id)?.event()?;
        if version == event.version() {
            return Ok(Event::clone(&event));
        }
        check_versions(&event, &[version])?;
        let _turn = self.0.read_backs.turn().await?;
        let pages = self.0.writers.store.pages(event.number(), Version::FIRST, version);
        Ok(ledger::as_of(id, event.number(), version, pages).await?)
    }
}

/// Refuses versions that the event never was at, or is not at yet.
fn check_versions(event: &Event, versions: &[Version]) -> Result<(), EngineError> {
    let newest = event.version();
    let is_missing = |version: &&Version| **version == Version::ZERO || **version > newest;
    match versions.iter().find(is_missing) {
        Some(version) => Err(EngineError::NoSuchVersion { version: *version, newest }),
        None => Ok(()),
    }
}

impl From<ReplayError> for EngineError {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Damaged(damage) => Self::EventDamaged(damage),
            ReplayError::Store(error) => error.into(),
        }
    }
}
