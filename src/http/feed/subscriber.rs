//! Somebody who follows: what he gets next, whatever he has missed.
//!
//! Nothing is kept for him. What he is too late for on the channel he reads from the ledger, a little at
//! a time and only when he has taken what he was given before.
//!
//! It must not know: how frames are sent.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::CancellationToken;

use super::channel::{Channel, Subject, frames_of, position_of, stretch_of_event, time_at};
use super::stretch::{Found, Numbering, Piece, Ring, Stretch};
use ticketboss_core::domain::Version;
use ticketboss_engine::{Engine, EngineError, Missed};

/// After how long a time without news a sign of life is given. Proxies often give up after a minute.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(15);
/// How many frames are read from the ledger at once for somebody who is late.
const LATE_FRAMES_MAX: usize = 128;

/// One of them.
#[derive(Debug)]
pub(crate) struct Subscriber {
    engine: Engine,
    subject: Subject,
    _channel: Arc<Channel>,
    ring: watch::Receiver<Ring>,
    /// How much he has got.
    position: u64,
    /// What he is given of all events, as he is late.
    catching_up: Option<Missed>,
    heartbeat: Pin<Box<Sleep>>,
    stopping: CancellationToken,
    _permit: OwnedSemaphorePermit,
}

/// What comes next.
#[derive(Debug)]
pub(crate) enum News {
    /// This.
    Piece(Piece),
    /// Nothing for a while.
    Quiet,
    /// The server stops.
    Stopping,
    /// It cannot go on: the event is damaged, or the store has failed.
    Over,
}

impl Subscriber {
    pub(crate) fn new(
        engine: Engine,
        subject: Subject,
        channel: Arc<Channel>,
        position: u64,
        stopping: CancellationToken,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            engine,
            subject,
            ring: channel.listen(),
            _channel: channel,
            position,
            catching_up: None,
            heartbeat: Box::pin(tokio::time::sleep(HEARTBEAT)),
            stopping,
            _permit: permit,
        }
    }

    /// Waits for what comes next. Nothing is lost if this is given up.
    pub(crate) async fn next(&mut self) -> News {
        loop {
            if self.stopping.is_cancelled() {
                return News::Stopping;
            }
            let found = match self.catching_up {
                Some(_) => Found::Elsewhere,
                None => self.ring.borrow_and_update().after(self.position),
            };
            match found {
                Found::Piece(piece) => return self.take(piece),
                Found::Elsewhere => match self.catch_up().await {
                    Ok(piece) => return self.take(piece),
                    Err(error) => {
                        log::warn!("a subscriber could not be caught up: {error}");
                        return News::Over;
                    }
                },
                Found::Nothing => {}
                Found::Over => return News::Over,
            }
            tokio::select! {
                biased;
                () = self.stopping.cancelled() => {}
                changed = self.ring.changed() => if changed.is_err() { return News::Over },
                () = &mut self.heartbeat => {
                    self.rest();
                    return News::Quiet;
                }
            }
        }
    }

    fn take(&mut self, piece: Piece) -> News {
        self.position = piece.last();
        self.rest();
        News::Piece(piece)
    }

    fn rest(&mut self) {
        self.heartbeat.as_mut().reset(Instant::now() + HEARTBEAT);
    }

    /// Reads what he has missed, or some of it.
    async fn catch_up(&mut self) -> Result<Piece, EngineError> {
        let stretch = match &self.subject {
            Subject::Event(id) => {
                let after = Version::new(self.position).unwrap_or(Version::MAX);
                stretch_of_event(&self.engine, id, after, LATE_FRAMES_MAX).await?
            }
            Subject::All => {
                let (from, until) = (self.position, self.ring.borrow().last());
                let missed = || self.engine.missed(time_at(from), time_at(until));
                let late = self.catching_up.get_or_insert_with(missed);
                if let Some((id, changes)) = late.next(LATE_FRAMES_MAX).await? {
                    // Only with all of them one has got anything.
                    let frames = frames_of(&self.engine, &id, &changes)?;
                    Stretch::new(from, from, Numbering::None, &frames)
                } else {
                    let until = position_of(late.until());
                    self.catching_up = None;
                    Stretch::empty(until)
                }
            }
        };
        Ok(Piece::whole(stretch))
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use super::*;
    use crate::http::feed::channel::Channels;
    use ticketboss_core::domain::{
        Actor, EventId, EventName, EventTerms, PartnerId, RequestId, Seats,
    };
    use ticketboss_runtime::clock::Clock;
    use ticketboss_runtime::entropy::Entropy;
    use ticketboss_store::Store;
    use ticketboss_store::local::memory::MemoryStore;

    async fn engine_with(id: &EventId) -> Engine {
        let store = Store::Memory(MemoryStore::default());
        let engine = Engine::open(store, Clock::manual(0), Entropy::System).await.unwrap();
        let seats = Seats::new(9).unwrap();
        let terms = EventTerms::on_sale(id.clone(), EventName::new("A").unwrap(), seats, seats);
        engine.create_event(terms, Actor::System, RequestId(0)).await.unwrap();
        engine
    }

    fn subscribe(engine: &Engine, channels: &Channels, id: &EventId) -> Subscriber {
        let subject = Subject::Event(id.clone());
        let channel = channels.of(engine, &subject, 1);
        let permit = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        let stopping = CancellationToken::new();
        Subscriber::new(engine.clone(), subject, channel, 1, stopping, permit)
    }

    #[tokio::test(start_paused = true)]
    async fn a_sign_of_life_is_given_while_nothing_happens() {
        let id = EventId::new("a").unwrap();
        let engine = engine_with(&id).await;
        let mut subscriber = subscribe(&engine, &Channels::default(), &id);
        let began = Instant::now();
        for times in 1..=3 {
            assert!(matches!(subscriber.next().await, News::Quiet));
            assert!(began.elapsed() >= HEARTBEAT * times);
        }
        let acme = PartnerId::new("acme").unwrap();
        engine.reserve(&id, acme, 1, RequestId(0)).await.unwrap();
        assert!(matches!(subscriber.next().await, News::Piece(_)));
        subscriber.stopping.cancel();
        assert!(matches!(subscriber.next().await, News::Stopping));
    }

    #[tokio::test]
    async fn a_frame_is_turned_into_text_once_for_everybody() {
        let id = EventId::new("a").unwrap();
        let engine = engine_with(&id).await;
        let channels = Channels::default();
        let mut subscribers = [(); 3].map(|()| subscribe(&engine, &channels, &id));
        let acme = PartnerId::new("acme").unwrap();
        engine.reserve(&id, acme, 1, RequestId(0)).await.unwrap();
        let mut texts = Vec::new();
        for subscriber in &mut subscribers {
            let News::Piece(piece) = subscriber.next().await else { panic!("a piece is due") };
            texts.push(piece.text().as_ptr());
        }
        texts.dedup();
        assert_eq!(texts.len(), 1, "all have the same bytes, and not only equal ones");
    }
}
