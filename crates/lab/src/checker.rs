//! The judge: can everything that clients were told be true, in the order in which they were told it?
//!
//! It is given a [`history`] — who asked for what, when, and what he was told — and the ledger that
//! is stored in the end. It knows nothing of how the program works, of HTTP or of stores: only of
//! [`ticketboss_core::domain`], through which it replays the ledger.

pub mod history;
pub mod laws;
mod verdict;
mod version_checker;
pub mod wing_gong;

pub use verdict::{Check, FAULTS_TOLD_MAX, Verdict};
pub use version_checker::{Scope, judge};
