//! What goes through the port: tokens, records, outcomes, errors and damage.

use std::sync::Arc;

use ticketboss_core::domain::{EventId, Version};

use crate::codec::{Record, Unreadable};

/// What a compare-and-swap compares: whatever the backend needs to recognise an unchanged record.
///
/// It is opaque: in sled the bytes as read, in a cluster a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token(Option<Arc<[u8]>>);

impl Token {
    /// The token of an event that must not exist yet.
    pub const ABSENT: Self = Self(None);

    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(Some(bytes.into()))
    }

    pub(crate) fn bytes(&self) -> Option<&[u8]> {
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
    Record(Unreadable),
    /// A page cannot be read.
    #[error("a ledger page cannot be read: {0}")]
    Page(Unreadable),
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

/// Reads the bytes of a record as a backend hands them out.
pub(crate) fn read_record(event: &EventId, bytes: &[u8]) -> Result<Loaded, Damage> {
    let record = Record::decode(bytes).map_err(|why| Damage {
        event: event.clone(),
        version: Version::ZERO,
        fault: Fault::Record(why),
    })?;
    Ok(Loaded { record, token: Token::of(bytes) })
}
