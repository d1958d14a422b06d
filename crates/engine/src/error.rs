//! Why the engine could not do what a request asked for.

use ticketboss_core::domain::{EventId, Refusal, Version};
use ticketboss_store::{Damage, StoreError};

/// How many events one engine keeps open.
pub const EVENTS_MAX: usize = 100_000;

/// Why the engine could not do what it was asked for.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EngineError {
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// There is no such event.
    #[error("there is no such event")]
    EventNotFound,
    /// There is an event of that id already.
    #[error("there is an event {0} already")]
    EventExists(EventId),
    /// There are as many events as an engine keeps.
    #[error("there are {EVENTS_MAX} events already")]
    TooManyEvents,
    /// The event was never at that version, or is not there yet.
    #[error("the event has versions 1 to {newest}")]
    NoSuchVersion {
        /// The version.
        version: Version,
        /// The newest that there is.
        newest: Version,
    },
    /// What is stored of the event does not hold together, so it is not sold from.
    #[error(transparent)]
    EventDamaged(Damage),
    /// More requests wait for the event, or for what was to be read back, than may wait.
    #[error("too many requests wait already")]
    Overloaded,
    /// The disk is nearly full; it may work again later.
    #[error("the disk is nearly full")]
    DiskFull,
    /// The store has failed or the engine is closed; nobody knows whether the request was carried out.
    #[error("the store has failed")]
    Unavailable,
}

impl From<Damage> for EngineError {
    fn from(damage: Damage) -> Self {
        Self::EventDamaged(damage)
    }
}

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::DiskFull { .. } => Self::DiskFull,
            StoreError::Failed(_) => Self::Unavailable,
        }
    }
}
