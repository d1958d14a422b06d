//! The open database: its committer, and its ledgers, which are read beside it.

use std::path::PathBuf;
use std::sync::Arc;

use ::sled::Tree;
use ticketboss_core::domain::{EventNumber, Version};
use tokio::sync::mpsc;

use super::caught::LastHandle;
use super::keys::{failed, page_key, read_page_key};
use super::lock::{EngineRelease, Held};
use crate::committer::{Committer, CommitterThread};
use crate::page_stream::{PageStream, StoredPage};
use crate::port::StoreError;

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
pub(super) struct Shared {
    pub(super) committer: CommitterThread,
    pub(super) ledger: Tree,
    pub(super) _last_handle: LastHandle,
    pub(super) _release: EngineRelease,
    pub(super) _held: Held,
}

impl SledStore {
    pub(super) fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    pub(crate) fn committer(&self) -> &Committer {
        self.0.committer.committer()
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
