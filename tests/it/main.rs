//! All integration tests, in one binary so that there is one link.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test ends at its first surprise, in its helpers too, and says what it skips"
)]

mod abuse;
mod cli;
mod codec;
mod contract;
mod crash;
mod damage;
mod dashboard;
mod domain;
mod durable;
mod file_systems;
mod full_disk;
mod full_page;
mod fuzz;
mod http;
mod office;
mod power_cut;
mod program;
mod readme;
mod rot;
mod server;
mod support;
mod wire;
