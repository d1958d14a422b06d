//! Events in a sled database, with the whole recipe that makes sled 0.34.7 keep what it is given.
//!
//! | tree | key | value |
//! | --- | --- | --- |
//! | `events` | event id | record |
//! | `ledger` | event number ‖ first version, big-endian | page |
//! | `meta` | `event_numbers_claimed` | the highest number given out, big-endian |
//!
//! sled by itself loses acknowledged writes in a power cut and can lock itself out after a kill; what
//! is done about each is said where it is done: `open` for starting, `medium` for writing.

pub(crate) mod backend;
mod caught;
mod disk;
mod keys;
mod lock;
mod log_file;
mod medium;
mod open;
mod witness;

pub use self::backend::{CACHE_CAPACITY_BYTES, DISK_FREE_BYTES_MIN, SledOptions, SledStore};
pub use self::open::{OpenError, Opened, inspect, open};
pub use crate::recovery::{Leftovers, Orphan};
