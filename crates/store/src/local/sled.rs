//! Events in a sled database, with the whole recipe that makes sled 0.34.7 keep what it is given.
//!
//! | tree | key | value |
//! | --- | --- | --- |
//! | `events` | event id | record |
//! | `ledger` | event number ‖ first version, big-endian | page |
//! | `meta` | `event_numbers_claimed` | the highest number given out, big-endian |
//!
//! sled by itself loses acknowledged writes in a power cut and can lock itself out after a kill; what
//! is done about each is said where it is done: `open` for starting, `engine` for writing.

mod caught;
mod disk;
mod engine;
mod lock;
mod log_file;
mod open;
mod witness;

use std::path::PathBuf;
use std::sync::Arc;

use ::sled::Tree;
use tokio::sync::mpsc;

use self::caught::LastHandle;
use self::lock::EngineRelease;
use self::open::Held;
pub use self::open::{OpenError, Opened, inspect, open};
use crate::committer::{CommitterThread, Counts};
use crate::ledger::Commit;
pub use crate::recovery::{Leftovers, Orphan};
use crate::{Damage, Listed, Loaded, PageStream, StoreError, StoredPage, Swap, Token};
use ticketboss_core::domain::{EventId, EventNumber, Version};

/// What sled may usually keep in memory.
pub const CACHE_CAPACITY_BYTES: u64 = 64 * 1024 * 1024;
/// How much has usually to be free on the disk.
pub const DISK_FREE_BYTES_MIN: u64 = 64 * 1024 * 1024;

/// How a sled store is kept.
#[derive(Debug, Clone)]
pub struct SledOptions {
    /// The directory of the database, ours alone.
    pub directory: PathBuf,
    /// How much sled may keep in memory. It is a guide for it, not a bound.
    pub cache_capacity_bytes: u64,
    /// Writing stops, with a clear answer, while less than this is free on the disk.
    pub disk_free_bytes_min: u64,
}

impl SledOptions {
    /// The options for `directory` that serve everybody who has no reason for others.
    pub fn standard(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            cache_capacity_bytes: CACHE_CAPACITY_BYTES,
            disk_free_bytes_min: DISK_FREE_BYTES_MIN,
        }
    }
}

/// An open sled store. Clones share it; the last one to go closes it. Whoever reads keeps a clone, so
/// the lock of the directory is not given up before sled is closed.
#[derive(Debug, Clone)]
pub struct SledStore(Arc<Shared>);

/// The order of the fields is the order of closing: first the writing ends, then sled, last the lock
/// goes.
#[derive(Debug)]
struct Shared {
    committer: CommitterThread,
    ledger: Tree,
    _last_handle: LastHandle,
    _release: EngineRelease,
    _held: Held,
}

impl SledStore {
    pub(crate) async fn load(
        &self,
        event: &EventId,
    ) -> Result<Option<Result<Loaded, Damage>>, StoreError> {
        self.0.committer.committer().load(event.clone()).await
    }

    pub(crate) async fn commit(
        &self,
        event: &EventId,
        token: &Token,
        commit: Commit,
    ) -> Result<Swap, StoreError> {
        self.0.committer.committer().commit(event.clone(), token.clone(), commit).await
    }

    pub(crate) fn pages(&self, number: EventNumber, from: Version, to: Version) -> PageStream {
        let (sender, stream) = PageStream::new();
        let store = self.clone();
        tokio::task::spawn_blocking(move || {
            send_pages(&store.0.ledger, number, from, to, &sender);
            // Before the sender: whoever has seen the end of the stream can count on it.
            drop(store);
        });
        stream
    }

    pub(crate) async fn events(&self) -> Result<Vec<Listed>, StoreError> {
        self.0.committer.committer().events().await
    }

    pub(crate) async fn claim_event_number(&self) -> Result<EventNumber, StoreError> {
        self.0.committer.committer().claim_event_number().await
    }

    pub(crate) async fn check_room(&self) -> Result<(), StoreError> {
        self.0.committer.committer().check_room().await
    }

    pub(crate) fn counts(&self) -> Counts {
        self.0.committer.committer().counts()
    }

    pub(crate) async fn failed(&self) -> Arc<str> {
        self.0.committer.committer().failed().await
    }
}

fn send_pages(
    ledger: &Tree,
    number: EventNumber,
    from: Version,
    to: Version,
    sender: &mpsc::Sender<Result<StoredPage, StoreError>>,
) {
    if from > to {
        return;
    }
    let first =
        match ledger.range(page_key(number, Version::ZERO)..=page_key(number, from)).next_back() {
            Some(Ok((key, _))) => key.to_vec(),
            // Where it cannot be read, what follows tells.
            Some(Err(_)) | None => page_key(number, from).to_vec(),
        };
    for entry in ledger.range(first..=page_key(number, to).to_vec()) {
        let page = entry.map_err(failed).and_then(|(key, bytes)| {
            let (_, first_version) = read_page_key(&key)?;
            Ok(StoredPage { first_version, bytes: bytes.as_ref().into() })
        });
        let last = page.is_err();
        if sender.blocking_send(page).is_err() || last {
            return;
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn failed(error: ::sled::Error) -> StoreError {
    StoreError::Failed(error.to_string().into())
}

const PAGE_KEY_BYTES: usize = 12;

fn page_key(number: EventNumber, first_version: Version) -> [u8; PAGE_KEY_BYTES] {
    let mut key = [0; PAGE_KEY_BYTES];
    let (front, back) = key.split_at_mut(4);
    front.copy_from_slice(&number.0.to_be_bytes());
    back.copy_from_slice(&first_version.get().to_be_bytes());
    key
}

fn read_page_key(key: &[u8]) -> Result<(EventNumber, Version), StoreError> {
    let parts = key.split_first_chunk().and_then(|(number, version)| {
        let version = Version::new(u64::from_be_bytes(version.try_into().ok()?))?;
        Some((EventNumber(u32::from_be_bytes(*number)), version))
    });
    parts.ok_or_else(|| StoreError::Failed("a key in the ledger is not of this program".into()))
}

fn event_id(key: &[u8]) -> Result<EventId, StoreError> {
    std::str::from_utf8(key)
        .ok()
        .and_then(|text| EventId::new(text).ok())
        .ok_or_else(|| StoreError::Failed("a key in the events is not of this program".into()))
}
