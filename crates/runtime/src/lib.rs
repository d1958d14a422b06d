//! What the code runs on: the clock, tasks and channels, randomness, log lines, the terminal, signals.
//!
//! Each comes in as an argument wherever it matters, so that tests and simulations choose it. It must not
//! know: events, stores, HTTP.

pub mod clock;
pub mod entropy;
pub mod lines;
pub mod random;
pub mod signals;
pub mod tasks;
pub mod terminal;
pub mod text;
