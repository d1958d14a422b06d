//! All integration tests, in one binary so that there is one link.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test fails where it stands, and says what it skips"
)]

mod cli;
mod dashboard;
mod file_systems;
mod full_disk;
mod full_page;
mod http;
mod power_cut;
mod program;
mod server;
mod wire;
