//! All integration tests, in one binary so that there is one link.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails where it stands, and says what it skips"
)]

mod cli;
mod dashboard;
mod http;
mod program;
mod server;
mod wire;
