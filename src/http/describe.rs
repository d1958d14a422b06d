//! How operations are described (`OpenAPI` 3.1): the words in which each stands beside its handler.
//!
//! Statuses of problems come out of the one status table, schemas out of the shapes themselves.
//!
//! It must not know: which operations there are, or how the document is put together.

pub(crate) mod headers;
pub(crate) mod operation;
pub(crate) mod parameters;
pub(crate) mod response;
