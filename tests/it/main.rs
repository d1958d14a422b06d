//! All integration tests, in one binary so that there is one link.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test ends at its first surprise, in its helpers too"
)]

mod codec;
mod contract;
mod damage;
mod domain;
mod office;
mod support;
