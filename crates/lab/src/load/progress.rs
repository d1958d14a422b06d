//! What the clients of one storm share while they work.
//!
//! It must not know: who asks, or for what.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio_util::sync::CancellationToken;

use crate::checker::history::Outcome;

/// What the clients of one storm share while they work.
#[derive(Debug)]
pub(super) struct Progress {
    requests_left: AtomicU64,
    requests_done: AtomicU64,
    /// For each subject, the greatest version of a change that was acknowledged.
    acknowledged: Vec<AtomicU64>,
    pub(super) stop: CancellationToken,
}

impl Progress {
    /// Nothing is done yet, of so many requests about so many subjects.
    pub(super) fn new(requests_max: u64, subjects: usize) -> Self {
        Self {
            requests_left: AtomicU64::new(requests_max),
            requests_done: AtomicU64::new(0),
            acknowledged: (0..subjects).map(|_| AtomicU64::new(0)).collect(),
            stop: CancellationToken::new(),
        }
    }

    /// How many requests have been answered, or have failed.
    pub(super) fn requests_done(&self) -> u64 {
        self.requests_done.load(Ordering::Relaxed)
    }

    /// The greatest version of a subject that was acknowledged; 0 before the first.
    pub(super) fn acknowledged_version(&self, subject: usize) -> u64 {
        let version = self.acknowledged.get(subject);
        version.map_or(0, |version| version.load(Ordering::SeqCst))
    }

    /// Takes one of the requests that are left.
    pub(super) fn take_turn(&self) -> bool {
        let take = |left: u64| left.checked_sub(1);
        self.requests_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    /// Counts a request, and keeps the version that it made.
    pub(super) fn note(&self, subject: usize, outcome: &Outcome) {
        self.requests_done.fetch_add(1, Ordering::Relaxed);
        if let Some((version, greatest)) =
            outcome.version_made().zip(self.acknowledged.get(subject))
        {
            greatest.fetch_max(version, Ordering::SeqCst);
        }
    }
}
