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
mod browser;
mod cli;
mod codec;
mod committer;
mod contract;
mod crash;
mod damage;
mod dashboard;
mod docs;
mod domain;
mod durable;
mod engine;
mod event_terms;
mod events;
mod evidence;
mod examples;
mod faults;
mod feed;
mod file_systems;
mod following;
mod full_disk;
mod full_page;
mod fuzz;
mod holds;
mod http;
mod idempotency;
mod judge;
mod older;
mod openapi;
mod parts;
mod past;
mod power_cut;
mod power_cut_program;
mod program;
mod proof;
mod prove;
mod random;
mod read_backs;
mod readme;
mod reliability;
mod reservations;
mod rot;
mod server;
mod simulation;
mod statistics;
mod storms;
mod stress;
mod support;
mod wire;
