//! The backends of one machine.

pub mod memory;
pub mod sled;
