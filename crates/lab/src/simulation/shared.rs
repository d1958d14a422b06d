//! What the clients and followers of a run share with each other and with the world around them.
//!
//! It must not know: what any of them does.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::plan::Plan;
use super::received::Received;
use crate::checker::history::Operation;
use crate::choices::SharedKnowledge;
use ticketboss_core::domain::EventId;
use ticketboss_engine::Engine;
use ticketboss_runtime::tasks::Scheduler;

/// How long a client waits for a process that is down before it looks again.
const DOWN_US: u64 = 500;

/// What all clients share.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    pub(super) scheduler: Scheduler,
    pub(super) plan: Plan,
    pub(super) events: Arc<[EventId]>,
    /// Where each node is reached, while it is up.
    pub(super) nodes: Arc<Mutex<Vec<Option<Engine>>>>,
    /// What each follower has received.
    pub(super) received: Arc<[Arc<Mutex<Received>>]>,
    /// What all clients know.
    pub(super) known: Arc<SharedKnowledge>,
    pub(super) history: Arc<Mutex<Vec<Operation>>>,
    /// How many operations are still to be made.
    pub(super) left: Arc<AtomicU64>,
    /// How many clients are not done yet.
    pub(super) working: Arc<AtomicU64>,
    /// The moments of the history: no two are the same.
    pub(super) moment: Arc<AtomicU64>,
}

impl Shared {
    fn pick<T: Clone>(&self, among: &[T]) -> Option<T> {
        let count = u64::try_from(among.len()).ok().filter(|count| *count > 0)?;
        among.get(usize::try_from(self.scheduler.draw() % count).ok()?).cloned()
    }

    /// The next moment of the history.
    pub(super) fn tick(&self) -> u64 {
        self.moment.fetch_add(1, Ordering::Relaxed)
    }

    /// A node that is up, as soon as there is one.
    pub(super) async fn engine(&self) -> Engine {
        loop {
            let up: Vec<_> = {
                let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
                nodes.iter().flatten().cloned().collect()
            };
            if let Some(engine) = self.pick(&up) {
                return engine;
            }
            self.scheduler.sleep(DOWN_US).await;
        }
    }

    /// Whether a node is up still: one that is down tells nothing any more.
    pub(super) fn is_up(&self, engine: &Engine) -> bool {
        let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.iter().flatten().any(|up| up.is(engine))
    }
}
