//! Directories that test cases reuse.

use std::sync::Mutex;

use tempfile::TempDir;

use crate::support::new_directory;

/// Directories that one case uses after the other, never two at a time.
pub(crate) struct Directories {
    idle: Mutex<Vec<TempDir>>,
}

impl Directories {
    pub(crate) fn new() -> Self {
        Self { idle: Mutex::default() }
    }

    pub(crate) fn with<T>(&self, use_it: impl FnOnce(&TempDir) -> T) -> T {
        let idle = self.idle.lock().unwrap().pop();
        let directory = idle.unwrap_or_else(new_directory);
        let result = use_it(&directory);
        self.idle.lock().unwrap().push(directory);
        result
    }
}
