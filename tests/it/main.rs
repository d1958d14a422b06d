//! The whole program: its server, its commands, its documents. One binary, so that there is one link.
//! What needs one crate alone is tested there, in `crates/*/tests/it`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test ends at its first surprise, in its helpers too, and says what it skips"
)]

mod abuse;
mod browser;
mod cli;
mod crash;
mod dashboard;
#[path = "../support/directories.rs"]
mod directories;
mod docs;
mod durable;
mod event_terms;
mod events;
mod evidence;
mod examples;
mod faults;
mod feed;
#[path = "../support/file_systems.rs"]
mod file_systems;
mod full_disk;
mod fuzz;
#[path = "../support/godown.rs"]
mod godown;
mod history;
mod holds;
mod http;
mod idempotency;
mod list_pages;
mod log;
mod older;
mod openapi;
mod power_cut_program;
mod program;
mod proof;
mod prove;
#[path = "../support/random.rs"]
mod random;
#[path = "../support/raw.rs"]
mod raw;
mod read_backs;
mod readme;
mod reliability;
mod reservations;
mod rot;
mod server;
#[path = "../support/skip.rs"]
mod skip;
mod statistics;
mod storms;
mod stress;
mod wire;

/// What the tests of several packages share.
#[path = "../support"]
mod support {
    mod settings;
    mod stores;
    mod values;

    pub(crate) use self::settings::*;
    pub(crate) use self::stores::*;
    pub(crate) use self::values::*;
}
