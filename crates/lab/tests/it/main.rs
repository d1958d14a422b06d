//! The checkers, the simulation and its program. One binary, so that there is one link.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test ends at its first surprise, in its helpers too"
)]

mod fuzz;
mod judge;
mod program;
mod simulation;

/// What the tests of several packages share.
#[path = "../../../../tests/support"]
mod support {
    #[expect(dead_code, reason = "other packages use the rest")]
    mod settings;
    #[expect(dead_code, reason = "other packages use the rest")]
    mod values;

    pub(crate) use self::settings::*;
    pub(crate) use self::values::*;
}
