//! The events of a store, one after the other, each read back from its first page: whole, or damaged.
//!
//! It must not know: histories, or what is done about damage.

use std::vec;

use ticketboss_core::domain::{EventId, Version};
use ticketboss_store::codec::Record;
use ticketboss_store::ledger::{self, ReplayError, Replayed};
use ticketboss_store::{Damage, Listed, Store, StoreError};

/// An event that was read back.
#[derive(Debug)]
pub enum ReplayedEvent {
    /// It holds together.
    Whole(WholeEvent),
    /// It does not.
    Damaged(Damage),
}

/// An event whose ledger holds together and comes to its record.
#[derive(Debug)]
pub struct WholeEvent {
    /// Its id.
    pub id: EventId,
    /// Its record: what the ledger comes to.
    pub record: Record,
    /// How many pages the ledger has.
    pub pages: u64,
    /// How many bytes they have.
    pub bytes: u64,
}

/// Reads back every event of a store. No more than one of them is in memory at a time.
#[derive(Debug)]
pub struct Replays<'a> {
    store: &'a Store,
    listed: vec::IntoIter<Listed>,
}

impl<'a> Replays<'a> {
    /// Lists the events; none is read back yet.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn of(store: &'a Store) -> Result<Self, StoreError> {
        let listed = store.events().await?.into_iter();
        Ok(Self { store, listed })
    }

    /// Reads back the next event, if there is another one.
    ///
    /// # Errors
    /// When the store cannot be read. Damage is no error.
    pub async fn next(&mut self) -> Result<Option<ReplayedEvent>, StoreError> {
        let Some(listed) = self.listed.next() else { return Ok(None) };
        match replay(self.store, listed).await {
            Ok(whole) => Ok(Some(ReplayedEvent::Whole(whole))),
            Err(ReplayError::Damaged(damage)) => Ok(Some(ReplayedEvent::Damaged(damage))),
            Err(ReplayError::Store(error)) => Err(error),
        }
    }
}

/// Checks checksums, the chain, each change against the state before it, and the record.
async fn replay(store: &Store, listed: Listed) -> Result<WholeEvent, ReplayError> {
    let Listed { event: id, loaded } = listed;
    let loaded = loaded?;
    let record = loaded.record;
    let pages = store.pages(record.number, Version::FIRST, record.version);
    let Replayed { pages, bytes, .. } = ledger::replay(&id, &loaded, pages).await?;
    Ok(WholeEvent { id, record, pages, bytes })
}
