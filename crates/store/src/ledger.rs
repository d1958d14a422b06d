//! How changes become a commit, and how a ledger is read back and held against its record.

use crate::codec::{Digest, Page, PageWriter, Record};
use crate::page_stream::{PageStream, StoredPage};
use crate::port::{Damage, Fault, Loaded, StoreError};
use ticketboss_core::domain::{Change, Event, EventId, EventNumber, Version, Violation};
use ticketboss_runtime::tasks::sync::yield_now;

/// After how many changes, or a page that has more, somebody else has his turn.
const FOLDED_AT_ONCE_MAX: u64 = 256;

/// Pages to add and the record to swap in: the changes of a batch, ready to be written.
#[derive(Debug, Clone)]
pub struct Commit {
    /// Each page's first version and bytes, in order; at least one.
    pub pages: Vec<(Version, Vec<u8>)>,
    /// The head of the event after them.
    pub record: Record,
}

impl Commit {
    /// Writes down the changes that lead from the event of record `before` to `after`.
    ///
    /// `before` is `None` for an event that is only now created.
    ///
    /// # Panics
    /// When `changes` is empty: a commit changes something.
    pub fn draft(before: Option<&Record>, after: &Event, changes: &[Change]) -> Self {
        let (first, others) = changes.split_first().expect("a commit has at least one change");
        let number = after.number();
        let mut newest_page = before.map_or(Digest::NONE, |record| record.newest_page);
        let mut pages = Vec::new();
        let mut page = PageWriter::begin(number, newest_page, first);
        for change in others {
            if page.try_push(change) {
                continue;
            }
            newest_page = close_page(&mut pages, page);
            page = PageWriter::begin(number, newest_page, change);
        }
        newest_page = close_page(&mut pages, page);
        Self { pages, record: record_of(after, newest_page) }
    }
}

fn close_page(pages: &mut Vec<(Version, Vec<u8>)>, page: PageWriter) -> Digest {
    let first_version = page.first_version();
    let (bytes, digest) = page.finish();
    pages.push((first_version, bytes));
    digest
}

fn record_of(event: &Event, newest_page: Digest) -> Record {
    Record {
        number: event.number(),
        version: event.version(),
        seats: event.seats(),
        live_reservations: event.live_reservations(),
        newest_page,
    }
}

/// An event that was read back and found whole.
#[derive(Debug)]
pub struct Replayed {
    /// The event at the version of its record.
    pub event: Event,
    /// How many pages were read.
    pub pages: u64,
    /// How many bytes they have.
    pub bytes: u64,
}

/// Why an event could not be read back.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// What is stored does not hold together.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads a ledger from its beginning and checks everything that can be checked: every checksum,
/// the hash chain, each change against the state before it, the record against the outcome, and
/// the conservation laws.
///
/// `pages` are those of the versions from 1 to the record's.
///
/// # Errors
/// The first damage, with its version; or that the store could not be read.
pub async fn replay(
    id: &EventId,
    loaded: &Loaded,
    mut pages: PageStream,
) -> Result<Replayed, ReplayError> {
    let mut reader = LedgerReader::new(id.clone(), loaded.record.number);
    while let Some(page) = pages.next().await {
        reader.read(&page?)?;
    }
    Ok(reader.finish(&loaded.record)?)
}

/// Reads the changes of a ledger as they stand, in order. Whether they hold together is for [`replay`]
/// to say; here a page must only be whole.
///
/// # Errors
/// A page that cannot be read; or that the store could not be read.
pub async fn changes(id: &EventId, mut pages: PageStream) -> Result<Vec<Change>, ReplayError> {
    let mut changes = Vec::new();
    while let Some(stored) = pages.next().await {
        let stored = stored?;
        changes.extend(read_page(id, stored.first_version, &stored.bytes)?.changes);
    }
    Ok(changes)
}

/// Reads a page, which is kept at or after `version`. It must only be whole.
///
/// # Errors
/// When it is not.
pub fn read_page(id: &EventId, version: Version, bytes: &[u8]) -> Result<Page, Damage> {
    let damage = |why| Damage { event: id.clone(), version, fault: Fault::Page(why) };
    Page::decode(bytes).map_err(damage)
}

/// Reads a ledger from its beginning up to a version, and checks it as [`replay`] does, but for the record,
/// which is of a later one. `pages` are those of the versions from 1 to that one.
///
/// # Errors
/// As [`replay`]; a version that the ledger does not have is damage.
pub async fn as_of(
    id: &EventId,
    number: EventNumber,
    version: Version,
    mut pages: PageStream,
) -> Result<Event, ReplayError> {
    let mut reader = LedgerReader { until: version, ..LedgerReader::new(id.clone(), number) };
    let mut folded = Version::ZERO;
    while reader.version() < version
        && let Some(page) = pages.next().await
    {
        reader.read(&page?)?;
        if reader.version().get() - folded.get() >= FOLDED_AT_ONCE_MAX {
            folded = reader.version();
            yield_now().await;
        }
    }
    let reached = reader.version();
    match reader.event.take() {
        Some(event) if reached == version => Ok(event),
        _ => Err(reader.damage(reached.next(), Fault::Missing).into()),
    }
}

/// Brings `event` from where it is up to `record`, by `pages` that begin after it.
///
/// # Errors
/// As [`replay`].
pub async fn catch_up(
    event: Event,
    newest_page: Digest,
    record: &Record,
    mut pages: PageStream,
) -> Result<Event, ReplayError> {
    let mut reader = LedgerReader {
        id: event.id().clone(),
        number: record.number,
        newest_page,
        event: Some(event),
        until: Version::MAX,
        pages: 0,
        bytes: 0,
    };
    while let Some(page) = pages.next().await {
        reader.read(&page?)?;
    }
    Ok(reader.close(record)?.event)
}

/// Folds pages into an event, one after the other.
struct LedgerReader {
    id: EventId,
    number: EventNumber,
    newest_page: Digest,
    event: Option<Event>,
    /// Changes after this version are left out.
    until: Version,
    pages: u64,
    bytes: u64,
}

impl LedgerReader {
    fn new(id: EventId, number: EventNumber) -> Self {
        let (newest_page, event, until) = (Digest::NONE, None, Version::MAX);
        Self { id, number, newest_page, event, until, pages: 0, bytes: 0 }
    }

    fn version(&self) -> Version {
        self.event.as_ref().map_or(Version::ZERO, Event::version)
    }

    fn read(&mut self, stored: &StoredPage) -> Result<(), Damage> {
        let at = stored.first_version;
        let expected = self.version().next();
        if at != expected {
            let (version, fault) =
                if at > expected { (expected, Fault::Missing) } else { (at, Fault::Misplaced) };
            return Err(self.damage(version, fault));
        }
        let page = Page::decode(&stored.bytes).map_err(|why| self.damage(at, Fault::Page(why)))?;
        if page.number != self.number || page.first_version() != at {
            return Err(self.damage(at, Fault::Misplaced));
        }
        if page.previous != self.newest_page {
            return Err(self.damage(at, Fault::Chain));
        }
        let until = self.until;
        for change in page.changes.iter().filter(|change| change.version <= until) {
            self.fold(change).map_err(|broken| self.law(broken))?;
        }
        self.newest_page = page.digest;
        self.pages += 1;
        self.bytes += stored.bytes.len() as u64;
        Ok(())
    }

    fn fold(&mut self, change: &Change) -> Result<(), Violation> {
        if let Some(event) = &mut self.event {
            return event.follow(change);
        }
        self.event = Some(Event::create(self.number, change)?);
        Ok(())
    }

    /// Ends a whole reading: the outcome is held against the record, and every law is checked.
    fn finish(self, record: &Record) -> Result<Replayed, Damage> {
        let id = self.id.clone();
        let replayed = self.close(record)?;
        replayed.event.audit().map_err(|broken| damage_by_law(&id, broken))?;
        Ok(replayed)
    }

    /// Ends a reading: the outcome is held against the record.
    fn close(mut self, record: &Record) -> Result<Replayed, Damage> {
        let version = self.version();
        if version < record.version {
            return Err(self.damage(version.next(), Fault::Missing));
        }
        let Some(event) = self.event.take() else {
            let fault = Fault::Disagrees("the record is of version 0".to_owned());
            return Err(self.damage(version, fault));
        };
        if *event.id() != self.id {
            let fault = Fault::Disagrees(format!("the ledger is of event {}", event.id()));
            return Err(self.damage(version, fault));
        }
        let told = record_of(&event, self.newest_page);
        if told != *record {
            let fault = Fault::Disagrees(difference(record, &told));
            return Err(self.damage(version, fault));
        }
        Ok(Replayed { event, pages: self.pages, bytes: self.bytes })
    }

    fn damage(&self, version: Version, fault: Fault) -> Damage {
        Damage { event: self.id.clone(), version, fault }
    }

    fn law(&self, broken: Violation) -> Damage {
        damage_by_law(&self.id, broken)
    }
}

fn damage_by_law(event: &EventId, broken: Violation) -> Damage {
    Damage { event: event.clone(), version: broken.version, fault: Fault::Law(broken.law) }
}

/// The first thing that record and ledger tell differently.
fn difference(record: &Record, told: &Record) -> String {
    if record.version != told.version {
        return format!("version {} in the record, {} told", record.version, told.version);
    }
    if record.newest_page != told.newest_page {
        return "another newest page".to_owned();
    }
    format!(
        "{:?} and {} reservations in the record, {:?} and {} told",
        record.seats, record.live_reservations, told.seats, told.live_reservations
    )
}
