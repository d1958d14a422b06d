//! Where an event is asked for something: its queue, its last committed state, its damage if any.

use std::sync::{Arc, PoisonError};

use tokio::sync::watch;

use super::moves::Moves;
use super::published::{Board, Shown};
use super::writer::{GoesBy, Request, Writer};
use super::{Made, OfficeError};
use ticketboss_core::domain::{Command, Event, EventId, EventNumber};
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::tasks::Tasks;
use ticketboss_runtime::tasks::sync::{Mutex, mpsc, oneshot};
use ticketboss_store::codec::Digest;
use ticketboss_store::{Damage, Loaded, Store};

/// How many commands may wait for one event's writer. Beyond that the answer is `Overloaded`.
const QUEUE_COMMANDS_MAX: usize = 4096;

/// One event's place in the office.
#[derive(Debug)]
pub(super) struct Desk {
    id: EventId,
    number: Option<EventNumber>,
    board: Arc<Board>,
    /// Gone once the desk is closed, or from the start where the event is damaged.
    queue: Mutex<Option<mpsc::Sender<Request>>>,
    /// Closes when the writer ends.
    writer_ended: Mutex<Option<oneshot::Receiver<()>>>,
}

impl Desk {
    /// Opens an event for business: starts its writer.
    pub(super) fn open(
        tasks: &Tasks,
        store: Store,
        clock: Clock,
        moves: Moves,
        event: Event,
        loaded: Loaded,
        goes_by: GoesBy,
    ) -> Self {
        let (id, number) = (event.id().clone(), event.number());
        let board = Arc::new(Board::new(Shown::Committed(
            Arc::new(event.clone()),
            loaded.record.newest_page,
        )));
        let (queue, requests) = mpsc::channel(QUEUE_COMMANDS_MAX);
        let writer = Writer::new(store, clock, moves, event, loaded, goes_by, board.clone());
        let (at_the_end, writer_ended) = oneshot::channel::<()>();
        tasks.spawn(async move {
            writer.run(requests).await;
            drop(at_the_end);
        });
        Self {
            id,
            number: Some(number),
            board,
            queue: Mutex::new(Some(queue)),
            writer_ended: Mutex::new(Some(writer_ended)),
        }
    }

    /// A place for an event that cannot be served, which says why. Its number may be unknown.
    pub(super) fn damaged(damage: Damage, number: Option<EventNumber>) -> Self {
        Self {
            id: damage.event.clone(),
            number,
            board: Arc::new(Board::new(Shown::Damaged(damage))),
            queue: Mutex::new(None),
            writer_ended: Mutex::new(None),
        }
    }

    pub(super) fn id(&self) -> &EventId {
        &self.id
    }

    pub(super) fn number(&self) -> Option<EventNumber> {
        self.number
    }

    pub(super) fn damage(&self) -> Option<Damage> {
        match &**self.board.look() {
            Shown::Committed(..) => None,
            Shown::Damaged(damage) => Some(damage.clone()),
        }
    }

    /// The event as it was last committed.
    pub(super) fn event(&self) -> Result<Arc<Event>, OfficeError> {
        Ok(self.head()?.0)
    }

    /// The same, and the digest of its newest page.
    pub(super) fn head(&self) -> Result<(Arc<Event>, Digest), OfficeError> {
        match &**self.board.look() {
            Shown::Committed(event, newest_page) => Ok((event.clone(), *newest_page)),
            Shown::Damaged(damage) => Err(OfficeError::EventDamaged(damage.clone())),
        }
    }

    /// Hears whenever the event is committed anew, or turns out to be damaged.
    pub(super) fn listen(&self) -> watch::Receiver<()> {
        self.board.listen()
    }

    /// Puts a command into the queue and waits for its answer.
    pub(super) async fn ask(&self, command: Command) -> Result<Made, OfficeError> {
        let (answer, answered) = oneshot::channel();
        self.enqueue(Request { command, answer })?;
        // The writer answers everything it takes. If it is gone, what it knew is gone with it.
        answered.await.unwrap_or(Err(OfficeError::Unavailable))
    }

    fn enqueue(&self, request: Request) -> Result<(), OfficeError> {
        if let Some(damage) = self.damage() {
            return Err(OfficeError::EventDamaged(damage));
        }
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queue.as_ref().ok_or(OfficeError::Unavailable)?;
        queue.try_send(request).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => OfficeError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => OfficeError::Unavailable,
        })
    }

    /// Takes no more commands, and waits until the writer has answered those it has.
    pub(super) async fn close(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        let ended = self.writer_ended.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(ended) = ended {
            // Nothing is ever sent: the writer drops the other end when he ends, also in a panic, in
            // which he has answered nobody; his callers were told so.
            let _ = ended.await;
        }
    }
}
