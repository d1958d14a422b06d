//! The operations under `/v1` and of the service: each handler, and beside it how it is described.
//!
//! A handler is unpack, one call to the engine, wrap.
//!
//! It must not know: the route table, the legacy API, or how a shape is serialized.

pub(crate) mod blocks;
pub(crate) mod changes;
pub(crate) mod events;
pub(crate) mod feed;
pub(crate) mod ledger;
pub(crate) mod lookup;
pub(crate) mod reservations;
pub(crate) mod service;
pub(crate) mod statistics;
