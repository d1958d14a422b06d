//! One process at a time: a lock file of our own, which says who holds it.
//!
//! sled has a lock, too, but its message names nobody, and it comes after sled has begun to write.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// The name of the lock file in the data directory.
const FILE_NAME: &str = "lock";

/// How often closing looks whether sled's threads are done, some five seconds in all.
const ENGINE_RELEASE_LOOKS_MAX: u32 = 50_000;
/// How long it waits between two looks.
const ENGINE_RELEASE_PAUSE: Duration = Duration::from_micros(100);

/// A directory that no other process opens meanwhile. The system gives it up when the process ends,
/// however it ends.
#[derive(Debug)]
pub(super) struct DirectoryLock(File);

/// Why a directory could not be locked.
#[derive(Debug)]
pub(super) enum LockError {
    /// Another process holds it; it wrote its process id, if that could be read.
    Held(Option<u32>),
    /// The lock file cannot be used.
    Io(io::Error),
}

impl DirectoryLock {
    /// Takes the lock of `directory`, which must exist.
    pub(super) fn acquire(directory: &Path) -> Result<Self, LockError> {
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(directory.join(FILE_NAME))
            .map_err(LockError::Io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::Held(read_pid(&mut file))),
            Err(TryLockError::Error(error)) => return Err(LockError::Io(error)),
        }
        write_pid(&mut file).map_err(LockError::Io)?;
        Ok(Self(file))
    }
}

impl Drop for DirectoryLock {
    fn drop(&mut self) {
        // Closing it is not enough: a process that was just forked, to be another program, has the
        // file, too. If it cannot be unlocked, the lock goes with the last of them.
        let _ = self.0.unlock();
    }
}

/// Waits, when it is dropped, until sled has let go of its log file.
///
/// Threads of sled's pool hold the file, and with it sled's own lock, a moment longer than the last
/// handle of the database. Whoever opened the directory in that moment would be refused.
#[derive(Debug)]
pub(super) struct EngineRelease {
    pub(super) log_file: PathBuf,
}

impl Drop for EngineRelease {
    fn drop(&mut self) {
        // Where sled has not even made its file there is nothing to wait for.
        let Ok(file) = File::open(&self.log_file) else {
            return;
        };
        for _ in 0..ENGINE_RELEASE_LOOKS_MAX {
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => thread::sleep(ENGINE_RELEASE_PAUSE),
                Ok(()) => {
                    let _ = file.unlock();
                    return;
                }
                Err(TryLockError::Error(_)) => return,
            }
        }
        log::warn!("sled has not let go of {}", self.log_file.display());
    }
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

/// What is held on to for as long as a store is open: the lock of the directory that was asked for,
/// and the copy of it, if that is what is looked at.
#[derive(Debug)]
pub(super) struct Held {
    #[expect(dead_code, reason = "held, not used")]
    pub(super) copy: Option<TempDir>,
    #[expect(dead_code, reason = "held, not used")]
    pub(super) lock: DirectoryLock,
}
