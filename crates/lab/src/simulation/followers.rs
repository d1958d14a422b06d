//! Those who follow an event, or all of them, who go away, come back, and keep what they were told.
//!
//! Whatever becomes of the process meanwhile, each has to be told a ledger that is a beginning of the one
//! that is stored in the end; and of all events by time, everything before the position that he was given.
//!
//! It must not know: what clients ask for.

use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::{Either, select};

use super::received::Received;
use super::shared::Shared;
use ticketboss_core::domain::{EventId, Timestamp};
use ticketboss_engine::{Added, Engine, EngineError};

/// How long a follower waits for news at most before he goes away.
const PATIENCE_US_MAX: u64 = 50_000;
/// How often he gets news before he goes away, at most.
const NEWS_MAX: u64 = 16;
/// How long he does not read before he does again, at most.
const SLOW_US_MAX: u64 = 2_000;
/// How long he is away, at most.
const AWAY_US_MAX: u64 = 20_000;
/// How many changes are read at once, at most.
const READ_CHANGES_MAX: u64 = 64;

/// What somebody follows.
#[derive(Debug, Clone)]
pub(super) enum Feed {
    /// One event, by version.
    Event(EventId),
    /// All events, by time.
    All,
}

/// One of them.
pub(super) struct Follower {
    pub(super) shared: Shared,
    pub(super) feed: Feed,
    pub(super) received: Arc<Mutex<Received>>,
}

impl Follower {
    /// Follows until the clients are done.
    pub(super) async fn run(self) {
        while self.shared.working.load(Ordering::Relaxed) > 0 {
            let engine = self.shared.engine().await;
            let ended = match &self.feed {
                Feed::Event(event) => self.follow_event(&engine, event).await,
                Feed::All => self.follow_all(&engine).await,
            };
            // Whoever serves is down or about to be; others answer for what is wrong with the store.
            drop(ended);
            self.pause(AWAY_US_MAX).await;
        }
    }

    fn received(&self) -> MutexGuard<'_, Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn pause(&self, most_us: u64) {
        self.shared.scheduler.sleep(1 + self.shared.scheduler.draw() % most_us).await;
    }

    fn goes_away(&self) -> bool {
        self.shared.scheduler.draw().is_multiple_of(NEWS_MAX)
    }

    fn turns(&self) -> u64 {
        1 + self.shared.scheduler.draw() % NEWS_MAX
    }

    fn limit(&self) -> usize {
        usize::try_from(1 + self.shared.scheduler.draw() % READ_CHANGES_MAX).unwrap_or(1)
    }

    async fn follow_event(&self, engine: &Engine, event: &EventId) -> Result<(), EngineError> {
        let mut following = engine.follow(event)?;
        for _ in 0..self.turns() {
            let newest = self.received().newest(event);
            let until = pin!(following.until(newest.next()));
            match select(until, pin!(self.pause(PATIENCE_US_MAX))).await {
                Either::Left((shown, _)) => drop(shown?),
                Either::Right(((), _)) => return Ok(()),
            }
            let changes = engine.changes(event, newest, self.limit()).await?;
            if !self.shared.is_up(engine) {
                return Ok(());
            }
            if changes.is_empty() {
                self.received().add_fault(format!("{event}: nothing can be read after {newest}"));
            }
            self.received().note(event, changes);
            self.pause(SLOW_US_MAX).await;
        }
        Ok(())
    }

    async fn follow_all(&self, engine: &Engine) -> Result<(), EngineError> {
        let settled = engine.settled_now();
        let newest = engine.newest_change_at().map_or(Timestamp(0), |at| Timestamp(at.0 + 1));
        let (from, until) = (self.received().position(), newest.min(settled));
        if from > settled {
            let behind = format!("everything is settled up to {}, not {}", settled.0, from.0);
            self.received().add_fault(behind);
        }
        let mut missed = engine.missed(from, until);
        while let Some((event, changes)) = missed.next(self.limit()).await? {
            if !self.shared.is_up(engine) || self.goes_away() {
                return Ok(());
            }
            self.received().note(&event, changes);
            self.pause(SLOW_US_MAX).await;
        }
        self.advance(engine, until);
        let mut following = engine.follow_all(from.max(until));
        for _ in 0..self.turns() {
            let Added { stretches, newest } = following.read().await?;
            if !self.shared.is_up(engine) {
                return Ok(());
            }
            for (event, changes) in stretches {
                self.received().note(&event, changes);
            }
            if let Some(newest) = newest {
                self.advance(engine, Timestamp(newest.0 + 1));
            }
            let moved = pin!(following.moved());
            if let Either::Right(_) = select(moved, pin!(self.pause(PATIENCE_US_MAX))).await {
                return Ok(());
            }
            self.pause(SLOW_US_MAX).await;
        }
        Ok(())
    }

    /// Notes that everything before a time was told.
    fn advance(&self, engine: &Engine, until: Timestamp) {
        if self.shared.is_up(engine) {
            self.received().advance(until);
        }
    }
}
