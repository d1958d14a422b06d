//! Stores on a disk.

use tempfile::TempDir;
use ticketboss_store::Store;
use ticketboss_store::local::sled::{self, SledOptions};

pub(crate) fn new_directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Opens the sled store in `directory`, and finds no orphans there.
pub(crate) fn open_store(directory: &TempDir) -> Store {
    let opened = sled::open(&SledOptions::standard(directory.path())).unwrap();
    assert_eq!(opened.leftovers.orphans, []);
    opened.store
}
