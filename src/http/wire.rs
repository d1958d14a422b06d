//! The wire: the JSON shapes of responses, and the functions from values of the domain to them.
//!
//! The comments of a shape and of its fields stand in the description of the API.
//!
//! It must not know: which operation responds with a shape, or how a value is come by.

pub(crate) mod block;
pub(crate) mod change;
pub(crate) mod event;
pub(crate) mod feed;
pub(crate) mod ledger;
pub(crate) mod legacy;
pub(crate) mod reservation;
pub(crate) mod service;
pub(crate) mod statistics;
