//! How much room is left, so that writing stops before sled meets a full disk.
//!
//! sled remembers an out-of-space error for good and then cannot be opened while the disk is full;
//! a store that stops earlier goes on by itself as soon as there is room.

use std::io;
use std::path::{Path, PathBuf};

use crate::StoreError;

/// Watches the free space of the file system that a directory is on.
#[derive(Debug)]
pub(super) struct DiskGuard {
    directory: PathBuf,
    free_bytes_min: u64,
}

impl DiskGuard {
    pub(super) fn new(directory: &Path, free_bytes_min: u64) -> Self {
        Self { directory: directory.to_owned(), free_bytes_min }
    }

    /// Whether there is room to write.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let free_bytes = free_bytes(&self.directory).map_err(|error| {
            StoreError::Failed(format!("cannot tell the free space of the disk: {error}").into())
        })?;
        if free_bytes < self.free_bytes_min {
            return Err(StoreError::DiskFull { free_bytes, free_bytes_min: self.free_bytes_min });
        }
        Ok(())
    }
}

fn free_bytes(directory: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(directory)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}
