//! The port through which events are kept, and the closed set of backends behind it.
//!
//! A backend keeps two things for each event: a small **record**, the serialized head of the event
//! on which compare-and-swap acts, and a **ledger**, pages of changes in order. A commit adds pages
//! and swaps the record; the swap is the one point at which it happens. `Won` means on disk.
//!
//! It must not know: which commands there are, who waits for an answer, HTTP. It never looks into
//! an event except to replay a ledger and say whether it holds together.

pub mod codec;
pub mod committer;
pub mod ledger;
pub mod local;
mod page_stream;
mod port;
pub mod recovery;
#[cfg(feature = "simulated")]
pub mod simulated;
mod store;

pub use codec::{Page, Record};
pub use committer::Counts;
pub use ledger::Commit;
pub use page_stream::{PageStream, StoredPage};
pub use port::{Damage, Fault, Listed, Loaded, StoreError, Swap, Token};
pub use store::Store;
