//! Which events move, and up to which time everything that happened anywhere is shown.
//!
//! The versions of one event are in order; of several events, only times can be compared. A change is
//! dated when it is decided and shown when it is durable, and the changes of two events may be shown in
//! the other order than that of their dates. So whoever follows all events by time has to know up to
//! which time nothing can be added any more. That is as far as no writer is deciding: each says when he
//! begins, by the clock that he then dates his changes by, and when what he has decided is shown.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use ticketboss_core::domain::{EventNumber, Timestamp};
use ticketboss_runtime::clock::Clock;

/// All events'. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Moves(Arc<SharedMoves>);

#[derive(Debug, Default)]
struct SharedMoves {
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    /// Nothing that these events are about to show is dated before these times.
    deciding: BTreeMap<EventNumber, Timestamp>,
    /// How often an event has moved.
    moves: u64,
    /// Those that have moved, in the order of their latest moves.
    latest: BTreeMap<u64, EventNumber>,
    /// Which of all moves was an event's latest.
    latest_of: HashMap<EventNumber, u64>,
}

/// How much somebody knows of what has moved.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen(u64);

impl State {
    fn settled(&self, clock: &Clock) -> Timestamp {
        self.deciding.values().copied().fold(clock.now(), Timestamp::min)
    }

    fn moved(&mut self, number: EventNumber) {
        self.moves += 1;
        if let Some(before) = self.latest_of.insert(number, self.moves) {
            self.latest.remove(&before);
        }
        self.latest.insert(self.moves, number);
    }
}

/// Somebody decides; what he has decided is shown when this is dropped, or is not done.
#[derive(Debug)]
pub(crate) struct Deciding {
    moves: Moves,
    number: EventNumber,
    fate: Fate,
}

#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Known,
    Unknown,
}

impl Deciding {
    /// Says that nobody knows whether what was decided is on disk. Only the next process will: so for as
    /// long as this one lives, nothing behind it is settled.
    pub(crate) fn never_ends(mut self) {
        self.fate = Fate::Unknown;
    }
}

impl Moves {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that changes of an event are decided from now on. Only its writer may say so.
    pub(crate) fn begin(&self, number: EventNumber, clock: &Clock) -> Deciding {
        let mut state = self.state();
        // The clock is read while nobody can ask how far everything is shown.
        state.deciding.insert(number, clock.now());
        Deciding { moves: self.clone(), number, fate: Fate::Known }
    }

    /// The time before which nothing is added any more, by a clock that is never set back.
    pub(crate) fn settled_until(&self, clock: &Clock) -> Timestamp {
        self.state().settled(clock)
    }

    /// What somebody knows who looks at all events after this.
    pub(crate) fn seen(&self) -> Seen {
        Seen(self.state().moves)
    }

    /// The time before which nothing is added any more, and which events have moved since what was seen.
    pub(crate) fn settled(&self, clock: &Clock, seen: &mut Seen) -> (Timestamp, Vec<EventNumber>) {
        let state = self.state();
        let moved = state.latest.range(seen.0 + 1..).map(|(_, number)| *number).collect();
        *seen = Seen(state.moves);
        (state.settled(clock), moved)
    }

    /// Hears whenever something may have moved.
    pub(crate) fn listen(&self) -> watch::Receiver<()> {
        self.0.changed.subscribe()
    }
}

impl Drop for Deciding {
    fn drop(&mut self) {
        if self.fate == Fate::Unknown {
            return;
        }
        let mut state = self.moves.state();
        state.deciding.remove(&self.number);
        state.moved(self.number);
        drop(state);
        self.moves.0.changed.send_replace(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_settled_behind_what_nobody_knows() {
        let (moves, clock) = (Moves::default(), Clock::manual(10));
        let known = moves.begin(EventNumber(1), &clock);
        let unknown = moves.begin(EventNumber(2), &clock);
        clock.set(20);
        assert_eq!(moves.settled_until(&clock), Timestamp(10));
        drop(known);
        unknown.never_ends();
        let mut seen = Seen(0);
        assert_eq!(moves.settled(&clock, &mut seen), (Timestamp(10), vec![EventNumber(1)]));
        assert_eq!(moves.settled(&clock, &mut seen), (Timestamp(10), vec![]));
    }

    #[test]
    fn everybody_hears_once_of_each_that_has_moved() {
        let (moves, clock) = (Moves::default(), Clock::manual(10));
        let (mut early, mut late) = (moves.seen(), moves.seen());
        for number in [1, 2, 1] {
            drop(moves.begin(EventNumber(number), &clock));
        }
        let both = [2, 1].map(EventNumber).to_vec();
        assert_eq!(moves.settled(&clock, &mut early).1, both);
        assert_eq!(moves.settled(&clock, &mut early).1, []);
        drop(moves.begin(EventNumber(2), &clock));
        assert_eq!(moves.settled(&clock, &mut early).1, [EventNumber(2)]);
        assert_eq!(moves.settled(&clock, &mut late).1, [1, 2].map(EventNumber));
    }
}
