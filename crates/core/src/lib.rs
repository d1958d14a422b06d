//! The rules of a sale, as pure values.
//!
//! It must not know: clocks, random numbers, files, JSON, HTTP, async, logs. Those come in as arguments or
//! live on a higher floor.

pub mod domain;
