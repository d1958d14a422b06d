//! Opening a data directory, in an order in which nothing that a crash leaves behind is in the way.
//!
//! 1. Take our own lock: the message names the holder, and nothing is touched while he is there.
//!    What a killed `inspect` has left of its copy goes.
//! 2. Delete `snap.*.generating`: a kill while sled opens leaves one, and sled then refuses the
//!    database for ever (spacejam/sled#1533). It is always safe: the snapshot before it is kept until
//!    the new one has its final name. Delete a `conf` without a `db`, too: sled writes it in two parts
//!    and takes a half for damage, but where there is no log yet, nothing is kept that it is about.
//! 3. Read the log from end to end. sled takes a part of it that cannot be read for the end of it, and
//!    overwrites all that follows; now such a disk is told of before. What was just read, the system
//!    has in memory as sled reads it again.
//! 4. Open sled, without its background flusher (which swallows errors), with segments of 2 MiB: a
//!    node above a quarter of a segment becomes a file in `blobs/` that sled never syncs.
//! 5. See that `blobs/` is empty.
//! 6. Sync `conf`, which sled never does, and the directory, so that the files themselves survive a
//!    power cut. With a `conf` that one left empty, sled would not notice another segment size.
//! 7. Hold the events against what the database had at least (see `witness`).
//! 8. Remove orphans: pages above their record's version, left by a crash inside a commit. They would
//!    stand between the pages of later commits.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::sled::{Db, Tree};
use tempfile::TempDir;

use super::backend::{Shared, SledOptions, SledStore};
use super::caught::{LastHandle, caught};
use super::disk::DiskGuard;
use super::keys::{event_id, failed, page_key, read_page_key};
use super::lock::{DirectoryLock, EngineRelease, Held, LockError};
use super::log_file::LogFile;
use super::medium::SledMedium;
use super::witness::{self, Witness};
use crate::committer::CommitterThread;
use crate::port::{StoreError, read_record};
use crate::recovery::{self, LedgerKeys, Leftovers, Orphan, Witnessed};
use crate::store::Store;
use ticketboss_core::domain::{EventNumber, Version};

/// sled's segment size, fixed when a database is created.
const SEGMENT_BYTES: usize = 2 * 1024 * 1024;

/// Where in a data directory the copy of it is that somebody looks at.
const COPY_NAME: &str = "inspected";
/// How much of the log is read at a time, to see that it can be.
const READ_BYTES: usize = 1024 * 1024;

/// Why a data directory cannot be opened. Each message is one whole line for the operator.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no database to inspect.
    #[error("there is no database in {0}")]
    Missing(PathBuf),
    /// The directory cannot be made, read or written.
    #[error("the data directory {directory} cannot be used: {cause}")]
    Directory {
        /// Which directory.
        directory: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// Another process has it open.
    #[error("the data directory {directory} is in use by {}", holder(*.pid))]
    Held {
        /// Which directory.
        directory: PathBuf,
        /// The other process, where it could be told.
        pid: Option<u32>,
    },
    /// sled does not open it.
    #[error("the database in {directory} cannot be opened: {cause}")]
    Database {
        /// Which directory.
        directory: PathBuf,
        /// What sled says.
        cause: Arc<str>,
    },
    /// sled has written values outside its log, where a power cut can lose them.
    #[error("the database in {0} has files in blobs/, which are not safe in a power cut")]
    Spilled(PathBuf),
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

/// A store that was opened, and what was found on the way.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub store: Store,
    /// What was found beside whole events: [`open`] removed the orphans, [`inspect`] left them.
    pub leftovers: Leftovers,
}

/// Opens a data directory to serve from it, and makes it if it is not there.
///
/// # Errors
/// When it cannot be used, another process has it, or sled does not open it.
pub fn open(options: &SledOptions) -> Result<Opened, OpenError> {
    let directory = &options.directory;
    fs::create_dir_all(directory).map_err(|cause| unusable(directory, cause))?;
    let held = Held { lock: lock(directory)?, copy: None };
    remove_old_copy(directory).map_err(|cause| unusable(directory, cause))?;
    open_held(options, directory, held, remove)
}

/// Opens a copy of a data directory to look at it: sled writes as it opens, and what it then drops
/// may be what somebody wants to save.
///
/// # Errors
/// As [`open`], and when there is no database in it or no room for a copy.
pub fn inspect(options: &SledOptions) -> Result<Opened, OpenError> {
    let directory = &options.directory;
    match fs::metadata(directory.join("db")) {
        Ok(found) if found.is_file() => {}
        Err(cause) if !is_absence(&cause) => return Err(unusable(directory, cause)),
        _ => return Err(OpenError::Missing(directory.clone())),
    }
    let lock = lock(directory)?;
    let copy = copy_within(directory).map_err(|cause| unusable(directory, cause))?;
    let copied = SledOptions { directory: copy.path().to_owned(), ..options.clone() };
    let held = Held { lock, copy: Some(copy) };
    open_held(&copied, directory, held, |_, _| Ok(()))
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn lock(directory: &Path) -> Result<DirectoryLock, OpenError> {
    DirectoryLock::acquire(directory).map_err(|error| match error {
        LockError::Held(pid) => OpenError::Held { directory: directory.to_owned(), pid },
        LockError::Io(cause) => unusable(directory, cause),
    })
}

/// Copies the files of a database into a directory within its own, which is removed in the end. Only
/// who has the lock makes one, so its name can be a fixed one, and a process that is killed leaves
/// nothing that the next does not find.
fn copy_within(directory: &Path) -> io::Result<TempDir> {
    remove_old_copy(directory)?;
    let copy = tempfile::Builder::new().prefix(COPY_NAME).rand_bytes(0).tempdir_in(directory)?;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), copy.path().join(entry.file_name()))?;
        }
    }
    Ok(copy)
}

fn remove_old_copy(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory.join(COPY_NAME)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Opens what is in `options.directory`; it is called `directory` towards the operator.
fn open_held(
    options: &SledOptions,
    directory: &Path,
    held: Held,
    treat_orphans: fn(&Tree, &[Orphan]) -> Result<(), StoreError>,
) -> Result<Opened, OpenError> {
    let unusable = |cause| unusable(directory, cause);
    let files_in = &options.directory;
    let engine = |cause: Arc<str>| OpenError::Database { directory: directory.to_owned(), cause };
    let witnessed = witness::read(files_in).map_err(unusable)?;
    let release = EngineRelease { log_file: files_in.join("db") };
    remove_unfinished_settings(files_in).map_err(unusable)?;
    remove_unfinished_snapshots(files_in).map_err(unusable)?;
    read_through(&files_in.join("db")).map_err(unusable)?;
    // sled panics on some kinds of damage, as it opens or as it first reads.
    let opened = caught(|| {
        let trees = open_trees(options)?;
        let leftovers = find_leftovers(&trees, &witnessed);
        let leftovers = leftovers.map_err(|error| text_of(&error))?;
        Ok((LastHandle::of(&trees.database), trees, leftovers))
    });
    let (last_handle, Trees { database, events, ledger, meta }, leftovers) =
        opened.unwrap_or_else(Err).map_err(engine)?;
    if count_blobs(directory).map_err(unusable)? > 0 {
        return Err(OpenError::Spilled(directory.to_owned()));
    }
    sync_directory(files_in).map_err(unusable)?;
    treat_orphans(&ledger, &leftovers.orphans).map_err(|error| engine(text_of(&error)))?;
    let log_file = LogFile::open(files_in).map_err(unusable)?;
    let disk = DiskGuard::new(files_in, options.disk_free_bytes_min);
    let witness = Witness::start(files_in, witnessed.clone()).map_err(unusable)?;
    let engine = SledMedium {
        database,
        events,
        ledger: ledger.clone(),
        meta,
        log_file,
        disk,
        witness,
        witnessed,
    };
    let committer = CommitterThread::start(engine).map_err(unusable)?;
    let shared =
        Shared { committer, ledger, _last_handle: last_handle, _release: release, _held: held };
    Ok(Opened { store: Store::Sled(SledStore::new(shared)), leftovers })
}

fn find_leftovers(trees: &Trees, witnessed: &Witnessed) -> Result<Leftovers, StoreError> {
    let records = trees.events.iter().map(|entry| {
        let (key, bytes) = entry.map_err(failed)?;
        let event = event_id(&key)?;
        let loaded = read_record(&event, &bytes);
        Ok((event, loaded))
    });
    recovery::find(records, &trees.ledger, witnessed)
}

impl LedgerKeys for Tree {
    fn page_after(
        &self,
        number: EventNumber,
        version: Version,
    ) -> Result<Option<(EventNumber, Version)>, StoreError> {
        let found = self.get_gt(page_key(number, version)).map_err(failed)?;
        found.map(|(key, _)| read_page_key(&key)).transpose()
    }
}

/// Removes orphans.
fn remove(ledger: &Tree, orphans: &[Orphan]) -> Result<(), StoreError> {
    for orphan in orphans {
        ledger.remove(page_key(orphan.number, orphan.first_version)).map_err(failed)?;
    }
    Ok(())
}

fn unusable(directory: &Path, cause: io::Error) -> OpenError {
    OpenError::Directory { directory: directory.to_owned(), cause }
}

fn text_of(error: &StoreError) -> Arc<str> {
    error.to_string().into()
}

fn remove_unfinished_settings(directory: &Path) -> io::Result<()> {
    if directory.join("db").try_exists()? {
        return Ok(());
    }
    match fs::remove_file(directory.join("conf")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn remove_unfinished_snapshots(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Sees that every byte of a file can be read, if there is the file.
fn read_through(file: &Path) -> io::Result<()> {
    let mut file = match File::open(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let mut part = vec![0; READ_BYTES];
    loop {
        match file.read(&mut part) {
            Ok(0) => return Ok(()),
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
    }
}

struct Trees {
    database: Db,
    events: Tree,
    ledger: Tree,
    meta: Tree,
}

fn open_trees(options: &SledOptions) -> Result<Trees, Arc<str>> {
    let open = || {
        let database = ::sled::Config::new()
            .path(&options.directory)
            .cache_capacity(options.cache_capacity_bytes)
            .segment_size(SEGMENT_BYTES)
            .flush_every_ms(None)
            .open()?;
        Ok(Trees {
            events: database.open_tree("events")?,
            ledger: database.open_tree("ledger")?,
            meta: database.open_tree("meta")?,
            database,
        })
    };
    open().map_err(|error: ::sled::Error| error.to_string().into())
}

fn count_blobs(directory: &Path) -> io::Result<usize> {
    match fs::read_dir(directory.join("blobs")) {
        Ok(entries) => Ok(entries.count()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory.join("conf"))?.sync_all()?;
    File::open(directory)?.sync_all()?;
    match directory.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        Some(_) => File::open(".")?.sync_all(),
        None => Ok(()),
    }
}
