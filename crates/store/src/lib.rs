//! The port through which events are kept, and the closed set of backends behind it.
//!
//! A backend keeps two things for each event: a small **record**, the serialized head of the event
//! on which compare-and-swap acts, and a **ledger**, pages of changes in order. A commit adds pages
//! and swaps the record; the swap is the one point at which it happens. `Won` means on disk.
//!
//! It must not know: which commands there are, who waits for an answer, HTTP. It never looks into
//! an event except to replay a ledger and say whether it holds together.

pub mod codec;
pub mod committer;
pub mod ledger;
pub mod local;
pub mod recovery;
#[cfg(feature = "simulated")]
pub mod simulated;

use std::sync::Arc;

use tokio::sync::mpsc;

use self::local::memory::MemoryStore;
use self::local::sled::SledStore;
#[cfg(feature = "simulated")]
use self::simulated::SimulatedStore;
pub use codec::{Page, Record};
pub use committer::Counts;
pub use ledger::Commit;
use ticketboss_core::domain::{EventId, EventNumber, Version};

/// How many pages a [`PageStream`] reads ahead of its reader.
const PAGES_AHEAD_MAX: usize = 64;

/// What a compare-and-swap compares: whatever the backend needs to recognise an unchanged record.
///
/// It is opaque: in sled the bytes as read, in a cluster a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token(Option<Arc<[u8]>>);

impl Token {
    /// The token of an event that must not exist yet.
    pub const ABSENT: Self = Self(None);

    fn of(bytes: &[u8]) -> Self {
        Self(Some(bytes.into()))
    }

    fn bytes(&self) -> Option<&[u8]> {
        self.0.as_deref()
    }
}

/// A record as it was read, and the token to swap it by.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The head of the event.
    pub record: Record,
    /// What to hand to the next commit.
    pub token: Token,
}

/// How a commit ended. Losing is no error: another writer was first, and nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Swap {
    /// The pages and the record are on disk. The token is for the next commit.
    Won(Token),
    /// The record was not the one that the token stands for.
    Lost,
}

/// Why a backend could not do what it was asked for.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Too little room is left on the disk. Nothing was written; it may work again later.
    #[error("the disk has {free_bytes} bytes free, and writing stops below {free_bytes_min}")]
    DiskFull {
        /// What was free.
        free_bytes: u64,
        /// What must be free.
        free_bytes_min: u64,
    },
    /// A write, flush or sync failed: what is on disk is unknown until the next start reads it.
    /// Final: the process has to end.
    #[error("the store failed: {0}")]
    Failed(Arc<str>),
}

/// A stored event that does not hold together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {event} is damaged at version {version}: {fault}")]
pub struct Damage {
    /// Which event.
    pub event: EventId,
    /// The first version that cannot be trusted; 0 where not even the record can be read.
    pub version: Version,
    /// What is wrong.
    pub fault: Fault,
}

/// What can be wrong with a stored event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The record cannot be read.
    #[error("the record cannot be read: {0}")]
    Record(codec::Unreadable),
    /// A page cannot be read.
    #[error("a ledger page cannot be read: {0}")]
    Page(codec::Unreadable),
    /// A page is kept under another number or version than it says.
    #[error("a ledger page is kept in the place of another")]
    Misplaced,
    /// A page does not name the digest of the page before it.
    #[error("the hash chain is broken")]
    Chain,
    /// A page that must be there is not.
    #[error("a ledger page is missing")]
    Missing,
    /// The store has fewer changes than it once had on disk.
    #[error("changes are lost: there are {stored}, and there were at least {witnessed}")]
    Lost {
        /// The version that the store has; 0 where the event is gone.
        stored: Version,
        /// The version that it had at least.
        witnessed: Version,
    },
    /// The changes do not follow from one another.
    #[error("the ledger breaks a law: {0}")]
    Law(String),
    /// The ledger tells another state than the record does.
    #[error("the record disagrees with its ledger: {0}")]
    Disagrees(String),
}

/// One event in a listing of the store.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The event's id.
    pub event: EventId,
    /// Its record, or why that cannot be read.
    pub loaded: Result<Loaded, Damage>,
}

/// Pages of one ledger, in order.
#[derive(Debug)]
pub struct PageStream(Source);

#[derive(Debug)]
enum Source {
    /// Read ahead, by a bounded number, from somewhere slow.
    Ahead(mpsc::Receiver<Result<StoredPage, StoreError>>),
    /// In memory already.
    Here(std::vec::IntoIter<StoredPage>),
}

/// A page as it lies in the store, not looked into yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPage {
    /// The version in the key under which it is kept.
    pub first_version: Version,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
}

impl PageStream {
    /// A stream, and the end to feed it by.
    fn new() -> (mpsc::Sender<Result<StoredPage, StoreError>>, Self) {
        let (sender, receiver) = mpsc::channel(PAGES_AHEAD_MAX);
        (sender, Self(Source::Ahead(receiver)))
    }

    /// The stream of pages that are in memory anyway.
    pub fn of(pages: Vec<StoredPage>) -> Self {
        Self(Source::Here(pages.into_iter()))
    }

    /// The next page, or `None` after the last.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn next(&mut self) -> Option<Result<StoredPage, StoreError>> {
        match &mut self.0 {
            Source::Ahead(receiver) => receiver.recv().await,
            Source::Here(pages) => pages.next().map(Ok),
        }
    }
}

/// Reads the bytes of a record as a backend hands them out.
fn read_record(event: &EventId, bytes: &[u8]) -> Result<Loaded, Damage> {
    let record = Record::decode(bytes).map_err(|why| Damage {
        event: event.clone(),
        version: Version::ZERO,
        fault: Fault::Record(why),
    })?;
    Ok(Loaded { record, token: Token::of(bytes) })
}

/// A backend. The set is closed: what stands above needs neither `dyn` nor generics.
#[derive(Debug, Clone)]
pub enum Store {
    /// Kept in memory and gone with the process: for tests and simulations.
    Memory(MemoryStore),
    /// Kept in a sled database on this machine's disk.
    Sled(SledStore),
    /// Kept on a disk that exists only in a simulation, and fails as real ones do.
    #[cfg(feature = "simulated")]
    Simulated(SimulatedStore),
}

impl Store {
    /// The record of an event, or `None` where there is no such event.
    ///
    /// # Errors
    /// When the store cannot be read; inside, when the record cannot.
    pub async fn load(
        &self,
        event: &EventId,
    ) -> Result<Option<Result<Loaded, Damage>>, StoreError> {
        match self {
            Self::Memory(store) => Ok(store.load(event)),
            Self::Sled(store) => store.load(event).await,
            #[cfg(feature = "simulated")]
            Self::Simulated(store) => store.load(event).await,
        }
    }

    /// Adds pages to a ledger and swaps the record, if the record is still the one of `token`.
    ///
    /// Both happen or neither; when `Won` is answered they are on disk.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`] changes nothing; after [`StoreError::Failed`] nobody knows.
    pub async fn commit(
        &self,
        event: &EventId,
        token: &Token,
        commit: Commit,
    ) -> Result<Swap, StoreError> {
        match self {
            Self::Memory(store) => Ok(store.commit(event, token, &commit)),
            Self::Sled(store) => store.commit(event, token, commit).await,
            #[cfg(feature = "simulated")]
            Self::Simulated(store) => store.commit(event, token, commit).await,
        }
    }

    /// The pages that hold the versions from `from` up to `to`, both included. The first may begin before
    /// `from`, and the last may go on after `to`.
    pub fn pages(&self, number: EventNumber, from: Version, to: Version) -> PageStream {
        match self {
            Self::Memory(store) => store.pages(number, from, to),
            Self::Sled(store) => store.pages(number, from, to),
            #[cfg(feature = "simulated")]
            Self::Simulated(store) => store.pages(number, from, to),
        }
    }

    /// Every event that is kept, with its record, in the order of the ids.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn events(&self) -> Result<Vec<Listed>, StoreError> {
        match self {
            Self::Memory(store) => Ok(store.events()),
            Self::Sled(store) => store.events().await,
            #[cfg(feature = "simulated")]
            Self::Simulated(store) => store.events().await,
        }
    }

    /// A number that no event has or ever had. One that is not used is lost, which harms nobody.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn claim_event_number(&self) -> Result<EventNumber, StoreError> {
        match self {
            Self::Memory(store) => Ok(store.claim_event_number()),
            Self::Sled(store) => store.claim_event_number().await,
            #[cfg(feature = "simulated")]
            Self::Simulated(store) => store.claim_event_number().await,
        }
    }

    /// Whether something could be written now.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`] while there is no room; [`StoreError::Failed`] for good.
    pub async fn check_room(&self) -> Result<(), StoreError> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Sled(store) => store.check_room().await,
            #[cfg(feature = "simulated")]
            Self::Simulated(store) => store.check_room().await,
        }
    }

    /// How many commits there were, and how many syncs they took; nothing where there is no disk.
    pub fn counts(&self) -> Option<Counts> {
        match self {
            Self::Sled(store) => Some(store.counts()),
            Self::Memory(_) => None,
            #[cfg(feature = "simulated")]
            Self::Simulated(_) => None,
        }
    }

    /// Waits until the store fails for good, and says why. It never returns while the store works.
    pub async fn failed(&self) -> Arc<str> {
        match self {
            Self::Memory(_) => std::future::pending().await,
            Self::Sled(store) => store.failed().await,
            #[cfg(feature = "simulated")]
            Self::Simulated(store) => store.failed().await,
        }
    }
}
