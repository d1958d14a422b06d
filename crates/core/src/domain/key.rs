//! The key under which a client may ask for the same thing again and be answered as the first time.
//!
//! A key travels in the change that it has led to, so the change and the memory of it are one commit.
//! What was refused is not remembered: it is decided anew. The idea is the `Idempotency-Key` of
//! draft-ietf-httpapi-idempotency-key-header.

use super::names::Version;

/// What somebody called his request, and what he asked for, as digests: neither is needed but to be
/// compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Of his name for the request, of who he is, and of what he asked to be done.
    pub name: KeyName,
    /// Of the body of the request.
    pub body: [u8; 16],
}

/// The digest of a client's name for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(pub [u8; 16]);

/// What was done under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// The version that did it.
    pub version: Version,
    /// The version that made the reservation that it was about, if it was about one.
    pub reservation: Option<Version>,
}

/// What an event knows of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Remembered {
    pub(super) body: [u8; 16],
    pub(super) done: Done,
}
