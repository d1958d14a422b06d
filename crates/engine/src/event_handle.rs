//! Where an event is asked for something: its queue, its last committed state, its damage if any.

use std::sync::{Arc, PoisonError};

use tokio::sync::watch;

use crate::error::EngineError;
use crate::published::{Published, Shown};
use crate::receipt::Effect;
use crate::writer::{LoadedEvent, Request, Writer, WriterContext};
use ticketboss_core::domain::{Command, Event, EventId, EventNumber};
use ticketboss_runtime::tasks::Tasks;
use ticketboss_runtime::tasks::sync::{Mutex, mpsc, oneshot};
use ticketboss_store::Damage;
use ticketboss_store::codec::Digest;

/// How many commands may wait for one event's writer. Beyond that the answer is `Overloaded`.
const QUEUE_COMMANDS_MAX: usize = 4096;

/// One event's place in the engine.
#[derive(Debug)]
pub(crate) struct EventHandle {
    id: EventId,
    number: Option<EventNumber>,
    published: Arc<Published>,
    /// Gone once the handle is closed, or from the start where the event is damaged.
    queue: Mutex<Option<mpsc::Sender<Request>>>,
    /// Closes when the writer ends.
    writer_ended: Mutex<Option<oneshot::Receiver<()>>>,
}

impl EventHandle {
    /// Opens an event for business: starts its writer.
    pub(crate) fn open(tasks: &Tasks, context: WriterContext, event: LoadedEvent) -> Self {
        let (id, number) = (event.event.id().clone(), event.event.number());
        let published = Arc::new(Published::new(Shown::Committed(
            Arc::new(event.event.clone()),
            event.loaded.record.newest_page,
        )));
        let (queue, requests) = mpsc::channel(QUEUE_COMMANDS_MAX);
        let writer = Writer::new(context, event, published.clone());
        let (at_the_end, writer_ended) = oneshot::channel::<()>();
        tasks.spawn(async move {
            writer.run(requests).await;
            drop(at_the_end);
        });
        Self {
            id,
            number: Some(number),
            published,
            queue: Mutex::new(Some(queue)),
            writer_ended: Mutex::new(Some(writer_ended)),
        }
    }

    /// A place for an event that cannot be served, which says why. Its number may be unknown.
    pub(crate) fn damaged(damage: Damage, number: Option<EventNumber>) -> Self {
        Self {
            id: damage.event.clone(),
            number,
            published: Arc::new(Published::new(Shown::Damaged(damage))),
            queue: Mutex::new(None),
            writer_ended: Mutex::new(None),
        }
    }

    pub(crate) fn id(&self) -> &EventId {
        &self.id
    }

    pub(crate) fn number(&self) -> Option<EventNumber> {
        self.number
    }

    pub(crate) fn damage(&self) -> Option<Damage> {
        match &**self.published.look() {
            Shown::Committed(..) => None,
            Shown::Damaged(damage) => Some(damage.clone()),
        }
    }

    /// The event as it was last committed.
    pub(crate) fn event(&self) -> Result<Arc<Event>, EngineError> {
        Ok(self.head()?.0)
    }

    /// The same, and the digest of its newest page.
    pub(crate) fn head(&self) -> Result<(Arc<Event>, Digest), EngineError> {
        match &**self.published.look() {
            Shown::Committed(event, newest_page) => Ok((event.clone(), *newest_page)),
            Shown::Damaged(damage) => Err(EngineError::EventDamaged(damage.clone())),
        }
    }

    /// Hears whenever the event is committed anew, or turns out to be damaged.
    pub(crate) fn listen(&self) -> watch::Receiver<()> {
        self.published.listen()
    }

    /// Puts a command into the queue and waits for its answer.
    pub(crate) async fn ask(&self, command: Command) -> Result<Effect, EngineError> {
        let (answer, answered) = oneshot::channel();
        self.enqueue(Request { command, answer })?;
        // The writer answers everything it takes. If it is gone, what it knew is gone with it.
        answered.await.unwrap_or(Err(EngineError::Unavailable))
    }

    fn enqueue(&self, request: Request) -> Result<(), EngineError> {
        if let Some(damage) = self.damage() {
            return Err(EngineError::EventDamaged(damage));
        }
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queue.as_ref().ok_or(EngineError::Unavailable)?;
        queue.try_send(request).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => EngineError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => EngineError::Unavailable,
        })
    }

    /// Takes no more commands, and waits until the writer has answered those it has.
    pub(crate) async fn close(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        let ended = self.writer_ended.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(ended) = ended {
            // Nothing is ever sent: the writer drops the other end when he ends, also in a panic, in
            // which he has answered nobody; his callers were told so.
            let _ = ended.await;
        }
    }
}
