//! The judge: can everything that clients were told be true, in the order in which they were told it?
//!
//! It is given a [`history`] — who asked for what, when, and what he was told — and the ledger that
//! is stored in the end. It knows nothing of how the program works, of HTTP or of stores: only of
//! [`crate::domain`], through which it replays the ledger.

mod by_version;
pub mod history;
pub mod laws;
mod verdict;
pub mod wing_gong;

pub use by_version::{Scope, judge};
pub use verdict::{Check, FAULTS_TOLD_MAX, Verdict};
