//! A directory for a test, which stays where the test fails.

use std::path::Path;

use tempfile::TempDir;

/// A directory that goes with the test, unless that fails: then it is kept to be looked at.
#[derive(Debug)]
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn create() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.disable_cleanup(true);
            println!("the evidence is in {}", self.path().display());
        }
    }
}
