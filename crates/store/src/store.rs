//! The port: what every backend does.

use std::sync::Arc;

use ticketboss_core::domain::{EventId, EventNumber, Version};

use crate::committer::{Committer, Counts};
use crate::ledger::Commit;
use crate::local::memory::MemoryStore;
use crate::local::sled::backend::SledStore;
use crate::page_stream::PageStream;
use crate::port::{Damage, Listed, Loaded, StoreError, Swap, Token};
#[cfg(feature = "simulated")]
use crate::simulated::backend::SimulatedStore;

/// A backend. The set is closed: what stands above needs neither `dyn` nor generics.
#[derive(Debug, Clone)]
pub enum Store {
    /// Kept in memory and gone with the process: for tests and simulations.
    Memory(MemoryStore),
    /// Kept in a sled database on this machine's disk.
    Sled(SledStore),
    /// Kept on a disk that exists only in a simulation, and fails as real ones do.
    #[cfg(feature = "simulated")]
    Simulated(SimulatedStore),
}

/// Who carries out what is asked of a store.
enum Access<'a> {
    /// The store itself, at once.
    Direct(&'a MemoryStore),
    /// The committer, in its rounds.
    Queued(&'a Committer),
}

impl Store {
    fn access(&self) -> Access<'_> {
        match self {
            Self::Memory(store) => Access::Direct(store),
            Self::Sled(store) => Access::Queued(store.committer()),
            #[cfg(feature = "simulated")]
            Self::Simulated(store) => Access::Queued(store.committer()),
        }
    }

    /// The record of an event, or `None` where there is no such event. It may be one that was written just
    /// now, so a committer reads it in its turn: it must not be known before it is durable.
    ///
    /// # Errors
    /// When the store cannot be read; inside, when the record cannot.
    pub async fn load(
        &self,
        event: &EventId,
    ) -> Result<Option<Result<Loaded, Damage>>, StoreError> {
        match self.access() {
            Access::Direct(store) => Ok(store.load(event)),
            Access::Queued(committer) => committer.load(event.clone()).await,
        }
    }

    /// Adds pages to a ledger and swaps the record, if the record is still the one of `token`.
    ///
    /// Both happen or neither; when `Won` is answered they are on disk.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`] changes nothing; after [`StoreError::Failed`] nobody knows.
    pub async fn commit(
        &self,
        event: &EventId,
        token: &Token,
        commit: Commit,
    ) -> Result<Swap, StoreError> {
        match self.access() {
            Access::Direct(store) => Ok(store.commit(event, token, &commit)),
            Access::Queued(committer) => {
                committer.commit(event.clone(), token.clone(), commit).await
            }
        }
    }

    /// The pages that hold the versions from `from` up to `to`, both included. The first may begin before
    /// `from`, and the last may go on after `to`.
    pub fn pages(&self, number: EventNumber, from: Version, to: Version) -> PageStream {
        match self {
            Self::Memory(store) => store.pages(number, from, to),
            Self::Sled(store) => store.pages(number, from, to),
            #[cfg(feature = "simulated")]
            Self::Simulated(store) => store.pages(number, from, to),
        }
    }

    /// Every event that is kept, with its record, in the order of the ids.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn events(&self) -> Result<Vec<Listed>, StoreError> {
        match self.access() {
            Access::Direct(store) => Ok(store.events()),
            Access::Queued(committer) => committer.events().await,
        }
    }

    /// A number that no event has or ever had. One that is not used is lost, which harms nobody.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn claim_event_number(&self) -> Result<EventNumber, StoreError> {
        match self.access() {
            Access::Direct(store) => Ok(store.claim_event_number()),
            Access::Queued(committer) => committer.claim_event_number().await,
        }
    }

    /// Whether something could be written now.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`] while there is no room; [`StoreError::Failed`] for good.
    pub async fn check_room(&self) -> Result<(), StoreError> {
        match self.access() {
            Access::Direct(_) => Ok(()),
            Access::Queued(committer) => committer.check_room().await,
        }
    }

    /// How many commits there were, and how many syncs they took; nothing where there is no disk.
    pub fn counts(&self) -> Option<Counts> {
        match self.access() {
            Access::Direct(_) => None,
            Access::Queued(committer) => Some(committer.counts()),
        }
    }

    /// Waits until the store fails for good, and says why. It never returns while the store works.
    pub async fn failed(&self) -> Arc<str> {
        match self.access() {
            Access::Direct(_) => std::future::pending().await,
            Access::Queued(committer) => committer.failed().await,
        }
    }
}
