//! The mechanics of HTTP: what a request is, how it finds its handler, and what a response or a problem is.
//!
//! A handler unpacks a request, calls the engine once, and wraps the result. Only the path can reject a
//! request; from there on everything is a value.
//!
//! It must not know: which operations there are, the shapes of their bodies, or how they are described.

pub(crate) mod access;
pub(crate) mod body;
pub(crate) mod connection;
pub(crate) mod idempotency;
pub(crate) mod kinds;
pub(crate) mod list_page;
pub(crate) mod long_poll;
pub(crate) mod precondition;
pub(crate) mod problem;
pub(crate) mod query;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod request_id;
pub(crate) mod route;
pub(crate) mod text;
pub(crate) mod times;
