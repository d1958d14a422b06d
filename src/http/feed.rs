//! The machinery of the live feed: channels, and those who follow them.
//!
//! The frames are those of `…/changes`, each change once and in order, without a gap: what a subscriber
//! missed he gets out of the ledger. There is no buffer for him, and no limit to how late he may come.
//!
//! It must not know: how a feed is asked for, or how a change is decided or stored.

pub(crate) mod channel;
pub(crate) mod socket;
pub(crate) mod stretch;
pub(crate) mod subscriber;

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

use self::channel::{Channel, Channels, Subject};
use super::kernel::problem::{Code, Problem};
use ticketboss_engine::Engine;

/// What all feeds share. Clones are the same.
#[derive(Debug, Clone)]
pub struct Feeds {
    channels: Channels,
    permits: Arc<Semaphore>,
    sockets: TaskTracker,
}

impl Feeds {
    /// For so many subscribers at once, and waiting readers with them.
    pub fn new(subscribers_max: usize) -> Self {
        let permits = Arc::new(Semaphore::new(subscribers_max.min(Semaphore::MAX_PERMITS)));
        Self { channels: Channels::default(), permits, sockets: TaskTracker::new() }
    }

    /// Takes one of the places for those who wait.
    ///
    /// # Errors
    /// `Overloaded`.
    pub(crate) fn permit(&self) -> Result<OwnedSemaphorePermit, Problem> {
        self.permits
            .clone()
            .try_acquire_owned()
            .map_err(|_| Problem::new(Code::Overloaded, "too many follow already").retry_later())
    }

    /// Returns the channel of a subject, which is begun at `position` if there is none yet.
    pub(crate) fn channel(
        &self,
        engine: &Engine,
        subject: &Subject,
        position: u64,
    ) -> Arc<Channel> {
        self.channels.of(engine, subject, position)
    }

    /// Returns the sockets that are open.
    pub(crate) fn sockets(&self) -> &TaskTracker {
        &self.sockets
    }

    /// Waits until every WebSocket is closed. That happens by itself once the server is stopping.
    pub async fn closed(&self) {
        self.sockets.close();
        self.sockets.wait().await;
    }
}
