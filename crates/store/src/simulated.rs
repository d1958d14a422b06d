//! A store on a simulated disk: the port's backend for simulations.
//!
//! Its committer is the one that sled has, working off the same rounds; only the disk underneath, the
//! time that everything takes and the order in which it happens are made up, from one seed.

pub(crate) mod backend;
mod disk;
mod open;

pub use self::backend::SimulatedStore;
pub use self::disk::{Faults, Happened, Pace, SimulatedDisk};
pub use self::open::open;
