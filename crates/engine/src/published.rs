//! Where the last committed state of an event is shown, to those who look and to those who wait for more.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::watch;

use ticketboss_core::domain::Event;
use ticketboss_store::Damage;
use ticketboss_store::codec::Digest;

/// What readers see of an event.
#[derive(Debug, Clone)]
pub(crate) enum Shown {
    /// The event as it was last committed, and the digest of its newest page.
    Committed(Arc<Event>, Digest),
    /// Nothing, for this reason.
    Damaged(Damage),
}

/// One event's.
#[derive(Debug)]
pub(crate) struct Published {
    shown: ArcSwap<Shown>,
    /// Tells that something else is shown. Nobody waits here in the tests that try orders of steps, so
    /// it is tokio's own.
    changed: watch::Sender<()>,
}

impl Published {
    pub(crate) fn new(shown: Shown) -> Self {
        Self { shown: ArcSwap::from_pointee(shown), changed: watch::Sender::new(()) }
    }

    /// Shows something else, and wakes those who wait for it.
    pub(crate) fn show(&self, shown: Shown) {
        self.shown.store(Arc::new(shown));
        self.changed.send_replace(());
    }

    /// What is shown, without waiting for anybody.
    pub(crate) fn look(&self) -> arc_swap::Guard<Arc<Shown>> {
        self.shown.load()
    }

    /// Hears whenever something else is shown.
    pub(crate) fn listen(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
}
