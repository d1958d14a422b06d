//! Turns at reading back past states, which take memory: few at once, and a bounded number that wait.

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::EngineError;

/// How many events are read back at a time. Each takes as much memory as the event had then.
const READ_BACKS_AT_ONCE: usize = 2;
/// How many more may wait for a turn at it; the next one is told `Overloaded`.
const READ_BACKS_WAITING_MAX: usize = 32;

/// Turns at reading back what was.
#[derive(Debug)]
pub(crate) struct ReadBacks {
    /// Of those who have a turn and those who wait for one.
    places: Semaphore,
    turns: Semaphore,
}

/// A turn. Whoever goes away without it, or with it, leaves it to the next.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    _place: SemaphorePermit<'a>,
    _turn: SemaphorePermit<'a>,
}

impl ReadBacks {
    /// Nobody reads anything back.
    pub(crate) fn new() -> Self {
        let places = Semaphore::new(READ_BACKS_AT_ONCE + READ_BACKS_WAITING_MAX);
        Self { places, turns: Semaphore::new(READ_BACKS_AT_ONCE) }
    }

    /// Waits for a turn, first come first served.
    pub(crate) async fn turn(&self) -> Result<Turn<'_>, EngineError> {
        let place = self.places.try_acquire().map_err(|_| EngineError::Overloaded)?;
        // It is never closed.
        let turn = self.turns.acquire().await.map_err(|_| EngineError::Unavailable)?;
        Ok(Turn { _place: place, _turn: turn })
    }
}
