//! What the database had at least, written down beside it.
//!
//! sled ends its log at the first thing in it that is not whole. After a crash that is right: what
//! follows was never acknowledged. After a byte has rotted in the middle it silently takes back
//! everything since, and a prefix of a hash chain is a valid hash chain. So it is written down, once a
//! second at most and at the end, which version of each event is on disk; an event that then has less has
//! lost changes and must not be sold from.
//!
//! That is done by a thread of its own, which needs nothing but what it was told. The committer would have
//! to wake while it has nothing to do, or what it did last would not be witnessed until it is asked for
//! something again; and who waits for a sale would wait for this file, too.
//!
//! The file is only ever behind the database, so what is added to it is not synced: what a power cut takes
//! of that is nothing that counts. But it is begun anew in a file that is synced before it takes the place
//! of the old one, or all that was known before could be gone; and that happens whenever most of its lines
//! count no more. Each line is an event id and a version; the last line of an event counts, and a line
//! without its end does not.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::recovery::Witnessed;
use ticketboss_core::domain::{EventId, Version};

/// The name of the file in the data directory.
const FILE_NAME: &str = "witness";
/// How often it is written, at the most.
const INTERVAL: Duration = Duration::from_secs(1);
/// How many lines the file may have beyond two for each event, before it is begun anew.
const LINES_SPARE: usize = 10_000;

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

/// Has written down what is on disk, by a thread that ends with it.
#[derive(Debug)]
pub(super) struct Witness {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    unwritten: Witnessed,
    ends: bool,
}

impl Witness {
    /// Starts the thread.
    pub(super) fn start(directory: &Path, known: Witnessed) -> io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let book = Book::new(directory, known);
        let told = shared.clone();
        let thread =
            thread::Builder::new().name("witness".into()).spawn(move || told.keep(book))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Notes which versions are on disk.
    pub(super) fn saw(&self, won: &[(EventId, Version)]) {
        if won.is_empty() {
            return;
        }
        self.shared.state().unwritten.extend(won.iter().cloned());
        self.shared.changed.notify_one();
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.shared.state().ends = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // The database is none the worse for a panic of it, which was told of.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down what is noted, until the end.
    fn keep(&self, mut book: Book) {
        let mut state = self.state();
        loop {
            let has_nothing_to_do = |state: &mut State| state.unwritten.is_empty() && !state.ends;
            let waited = self.changed.wait_while(state, has_nothing_to_do);
            state = waited.unwrap_or_else(PoisonError::into_inner);
            let unwritten = std::mem::take(&mut state.unwritten);
            if unwritten.is_empty() {
                return;
            }
            drop(state);
            book.write(unwritten);
            let waited =
                self.changed.wait_timeout_while(self.state(), INTERVAL, |state| !state.ends);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// The file, and what is in it.
#[derive(Debug)]
struct Book {
    directory: PathBuf,
    known: Witnessed,
    /// Opened, and begun anew, when there is something to write.
    file: Option<File>,
    /// How many lines it has.
    lines: usize,
}

impl Book {
    fn new(directory: &Path, known: Witnessed) -> Self {
        Self { directory: directory.to_owned(), known, file: None, lines: 0 }
    }

    fn write(&mut self, unwritten: Witnessed) {
        let (added, count) = (lines(&unwritten), unwritten.len());
        self.known.extend(unwritten);
        if self.lines + count > 2 * self.known.len() + LINES_SPARE {
            self.file = None;
        }
        if let Err(error) = self.try_write(&added, count) {
            // The database is none the worse for it.
            log::warn!("the witness of {} cannot be written: {error}", self.directory.display());
            self.file = None;
        }
    }

    fn try_write(&mut self, added: &str, count: usize) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            self.lines += count;
            return file.write_all(added.as_bytes());
        }
        let (path, fresh) = (self.directory.join(FILE_NAME), self.directory.join("witness.new"));
        let mut file = File::create(&fresh)?;
        file.write_all(lines(&self.known).as_bytes())?;
        file.sync_all()?;
        fs::rename(fresh, &path)?;
        File::open(&self.directory)?.sync_all()?;
        self.file = Some(OpenOptions::new().append(true).open(path)?);
        self.lines = self.known.len();
        Ok(())
    }
}

fn lines(witnessed: &Witnessed) -> String {
    witnessed
        .iter()
        .map(|(event, version)| format!("{event} {version}\n"))
        .collect::<Vec<_>>()
        .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_begun_anew_before_it_is_much_longer_than_what_is_known() {
        let directory = tempfile::tempdir().unwrap();
        let known = Witnessed::from([(EventId::new("quiet").unwrap(), Version::FIRST)]);
        let mut book = Book::new(directory.path(), known);
        let busy = EventId::new("busy").unwrap();
        for _ in 0..3 {
            for _ in 0..=LINES_SPARE {
                let version = book.known.get(&busy).map_or(Version::FIRST, |known| known.next());
                book.write(Witnessed::from([(busy.clone(), version)]));
            }
            let text = fs::read_to_string(directory.path().join(FILE_NAME)).unwrap();
            assert!(text.lines().count() <= 2 * 2 + LINES_SPARE, "{}", text.lines().count());
            assert_eq!(read(directory.path()).unwrap(), book.known);
        }
    }
}
