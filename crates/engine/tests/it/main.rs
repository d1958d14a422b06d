//! The engine: writers, what they publish, following, the past. One binary, so that there is one link.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test ends at its first surprise, in its helpers too, and says what it skips"
)]

mod damage;
mod engine;
#[path = "../../../../tests/support/file_systems.rs"]
#[expect(dead_code, reason = "other packages use the rest")]
mod file_systems;
mod following;
mod full_disk;
mod group_commit;
mod history;
mod holds;
#[path = "../../../../tests/support/raw.rs"]
#[expect(dead_code, reason = "other packages use the rest")]
mod raw;
mod read_backs;
#[path = "../../../../tests/support/skip.rs"]
mod skip;

/// What the tests of several packages share.
#[path = "../../../../tests/support"]
mod support {
    #[expect(dead_code, reason = "other packages use the rest")]
    mod commands;
    mod settings;
    mod stores;
    mod values;

    pub(crate) use self::commands::*;
    pub(crate) use self::settings::*;
    pub(crate) use self::stores::*;
    pub(crate) use self::values::*;
}
