//! The rules of a sale, by themselves: tables and a model. One binary, so that there is one link.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test ends at its first surprise, in its helpers too"
)]

mod domain;
mod statistics;
mod updates;

/// What the tests of several packages share.
#[path = "../../../../tests/support"]
mod support {
    mod commands;
    mod values;

    pub(crate) use self::commands::*;
    pub(crate) use self::values::*;
}
