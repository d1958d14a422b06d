//! How long a test waits, and what it is set by.

use std::time::Duration;

/// A test that waits longer than this has failed.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A setting of a test.
#[expect(
    clippy::disallowed_methods,
    reason = "a test is set by the environment; the program is not"
)]
pub(crate) fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
