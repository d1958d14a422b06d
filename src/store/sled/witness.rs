//! What the database had at least, written down beside it.
//!
//! sled ends its log at the first thing in it that is not whole. After a crash that is right: what
//! follows was never acknowledged. After a byte has rotted in the middle it silently takes back
//! everything since, and a prefix of a hash chain is a valid hash chain. So the committer notes, about
//! once a second and at the end, which version of each event is on disk; an event that then has less
//! has lost changes and must not be sold from.
//!
//! The file is only ever behind the database, so it is not synced: a power cut that takes a part of it
//! takes nothing that counts. Each line is an event id and a version; the last line of an event counts,
//! and a line without its end does not.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::domain::{EventId, Version};
use crate::store::leftovers::Witnessed;

/// The name of the file in the data directory.
const FILE_NAME: &str = "witness";
/// How often it is written, at the most.
const INTERVAL: Duration = Duration::from_secs(1);

/// Reads what was written down by the processes before.
pub(super) fn read(directory: &Path) -> io::Result<Witnessed> {
    let text = match fs::read(directory.join(FILE_NAME)) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    let mut witnessed = Witnessed::new();
    let whole_lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    for (event, version) in whole_lines.filter_map(read_line) {
        let latest = witnessed.entry(event).or_insert(version);
        *latest = version.max(*latest);
    }
    Ok(witnessed)
}

fn read_line(line: &str) -> Option<(EventId, Version)> {
    let (event, version) = line.trim_end().split_once(' ')?;
    Some((EventId::new(event).ok()?, Version::new(version.parse().ok()?)?))
}

/// Writes down what is on disk.
#[derive(Debug)]
pub(super) struct Witness {
    directory: PathBuf,
    known: Witnessed,
    unwritten: Witnessed,
    written_at: Option<Instant>,
    /// Opened, and begun anew, when there is something to write.
    file: Option<File>,
}

impl Witness {
    pub(super) fn new(directory: &Path, known: Witnessed) -> Self {
        Self {
            directory: directory.to_owned(),
            known,
            unwritten: Witnessed::new(),
            written_at: None,
            file: None,
        }
    }

    /// Notes that a version is on disk.
    pub(super) fn saw(&mut self, event: &EventId, version: Version) {
        self.unwritten.insert(event.clone(), version);
    }

    /// Writes down what was noted, unless that was done just before.
    pub(super) fn write_if_due(&mut self) {
        let due = self.written_at.is_none_or(|at| at.elapsed() >= INTERVAL);
        if due && !self.unwritten.is_empty() {
            self.write();
        }
    }

    fn write(&mut self) {
        self.written_at = Some(Instant::now());
        self.known.append(&mut self.unwritten.clone());
        if let Err(error) = self.try_write() {
            // The database is none the worse for it.
            log::warn!("the witness of {} cannot be written: {error}", self.directory.display());
            self.file = None;
        }
        self.unwritten.clear();
    }

    fn try_write(&mut self) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            return file.write_all(lines(&self.unwritten).as_bytes());
        }
        let (path, fresh) = (self.directory.join(FILE_NAME), self.directory.join("witness.new"));
        fs::write(&fresh, lines(&self.known))?;
        fs::rename(fresh, &path)?;
        self.file = Some(OpenOptions::new().append(true).open(path)?);
        Ok(())
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        if !self.unwritten.is_empty() {
            self.write();
        }
    }
}

fn lines(witnessed: &Witnessed) -> String {
    witnessed
        .iter()
        .map(|(event, version)| format!("{event} {version}\n"))
        .collect::<Vec<_>>()
        .concat()
}
