//! The commands that the program itself is needed for; each is a module with one `run`. `prove` and
//! `stress` are in the lab.

pub(crate) mod check_proof;
mod console;
mod seed_events;
pub(crate) mod serve;
pub(crate) mod verify;
