//! sled's log, opened by ourselves: to sync it, and to notice when somebody takes it away. A file that
//! is removed or moved can still be written and synced, and nobody finds what is written there.
//!
//! That it becomes shorter is nothing to notice: sled itself gives room back.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::StoreError;

/// The file that sled appends to.
#[derive(Debug)]
pub(super) struct LogFile {
    file: File,
    identity: (u64, u64),
    path: PathBuf,
}

impl LogFile {
    pub(super) fn open(directory: &Path) -> io::Result<Self> {
        let path = directory.join("db");
        let file = File::open(&path)?;
        Ok(Self { identity: identity(&file.metadata()?), file, path })
    }

    /// Whether the next start will find what is written now.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let why = match fs::metadata(&self.path) {
            Ok(found) if identity(&found) == self.identity => return Ok(()),
            Ok(_) => "it was replaced".to_owned(),
            Err(error) => error.to_string(),
        };
        let name = self.path.display();
        Err(StoreError::Failed(format!("the log {name} is not where it was: {why}").into()))
    }

    /// Puts everything that was written to it on the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

fn identity(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}
