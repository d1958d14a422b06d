//! The store: its port, codec, committer and backends. One binary, so that there is one link.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test ends at its first surprise, in its helpers too, and says what it skips"
)]

mod codec;
mod committer;
mod contract;
#[path = "../../../../tests/support/directories.rs"]
mod directories;
#[path = "../../../../tests/support/file_systems.rs"]
#[expect(dead_code, reason = "other packages use the rest")]
mod file_systems;
mod full_page;
mod fuzz;
#[path = "../../../../tests/support/godown.rs"]
mod godown;
mod ledger;
mod opening;
mod power_cut;
#[path = "../../../../tests/support/random.rs"]
mod random;
#[path = "../../../../tests/support/skip.rs"]
mod skip;

/// What the tests of several packages share.
#[path = "../../../../tests/support"]
mod support {
    #[expect(dead_code, reason = "other packages use the rest")]
    mod commands;
    #[expect(dead_code, reason = "other packages use the rest")]
    mod settings;
    mod stores;
    mod values;

    pub(crate) use self::commands::*;
    pub(crate) use self::settings::*;
    pub(crate) use self::stores::*;
    pub(crate) use self::values::*;
}
