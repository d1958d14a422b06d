//! What a connection learns of answers that may take long.
//!
//! A client may have said all that it has to say, and close its side while it waits for an answer: it gets
//! it. But who follows a feed, waits for a version, or has the past read back, has a place that others want;
//! when he closes his side he is taken for gone, and nothing more is done for him.
//!
//! It must not know: what is awaited.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the client of a connection waits for something that may take long. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct LongWait(Arc<AtomicBool>);

/// He waits, until this is dropped.
#[derive(Debug)]
pub(crate) struct Waiting(LongWait);

impl LongWait {
    /// Whether he does, so that the connection should end with him.
    pub fn is_on(&self) -> bool {
        // Both sides are in the task of the connection.
        self.0.load(Ordering::Relaxed)
    }

    /// Says that he does from now on.
    pub(crate) fn begin(&self) -> Waiting {
        self.0.store(true, Ordering::Relaxed);
        Waiting(self.clone())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.0.store(false, Ordering::Relaxed);
    }
}
