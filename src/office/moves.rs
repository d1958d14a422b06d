//! Which events move, and up to which time everything that happened anywhere is shown.
//!
//! The versions of one event are in order; of several events, only times can be compared. A change is
//! dated when it is decided and shown when it is durable, and the changes of two events may be shown in
//! the other order than that of their dates. So whoever follows all events by time has to know up to
//! which time nothing can be added any more. That is as far as no writer is deciding: each says when he
//! begins, by the clock that he then dates his changes by, and when what he has decided is shown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::clock::Clock;
use crate::domain::{EventNumber, Timestamp};

/// All events'. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Moves(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    /// Nothing that these events are about to show is dated before these times.
    deciding: BTreeMap<EventNumber, Timestamp>,
    /// What has moved since somebody asked.
    moved: BTreeSet<EventNumber>,
}

impl State {
    fn settled(&self, clock: &Clock) -> Timestamp {
        self.deciding.values().copied().fold(clock.now(), Timestamp::min)
    }
}

/// Somebody decides; what he has decided is shown when this is dropped.
#[derive(Debug)]
pub(super) struct Deciding {
    moves: Moves,
    number: EventNumber,
}

impl Moves {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that changes of an event are decided from now on. Only its writer may say so.
    pub(super) fn begin(&self, number: EventNumber, clock: &Clock) -> Deciding {
        let mut state = self.state();
        // The clock is read while nobody can ask how far everything is shown.
        state.deciding.insert(number, clock.now());
        Deciding { moves: self.clone(), number }
    }

    /// The time before which nothing is added any more, by a clock that is never set back.
    pub(super) fn settled_until(&self, clock: &Clock) -> Timestamp {
        self.state().settled(clock)
    }

    /// The time before which nothing is added any more, and which
    /// events have moved since this was asked the last time.
    pub(super) fn settled(&self, clock: &Clock) -> (Timestamp, BTreeSet<EventNumber>) {
        let mut state = self.state();
        (state.settled(clock), std::mem::take(&mut state.moved))
    }

    /// Hears whenever something may have moved.
    pub(super) fn listen(&self) -> watch::Receiver<()> {
        self.0.changed.subscribe()
    }
}

impl Drop for Deciding {
    fn drop(&mut self) {
        let mut state = self.moves.state();
        state.deciding.remove(&self.number);
        state.moved.insert(self.number);
        drop(state);
        self.moves.0.changed.send_replace(());
    }
}
