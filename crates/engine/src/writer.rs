//! The one who decides and commits for an event.
//!
//! He takes what waits, up to a limit, gives back the seats of every hold whose time is up, decides each
//! command on a clone of the committed event, commits all the changes as one, and then answers
//! everybody: those who got something, and those who were refused, too, since a refusal may rest on a
//! neighbour that was not durable before. If another node's commit came first, he reads what he missed
//! and decides the same commands again; deciding is pure, so nothing has happened that would have to be
//! undone. Where nobody asks for anything, he wakes when the next hold is over.

use std::sync::Arc;

use crate::error::EngineError;
use crate::moves::Moves;
use crate::published::{Published, Shown};
use crate::receipt::{Effect, Made};
use ticketboss_core::domain::{
    Actor, Change, Command, Decision, Event, Fact, Intent, Nonce, Refusal, RefusedCount, RequestId,
    ReservationId, Timestamp, Violation,
};
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::tasks::sync::{mpsc, oneshot, receive_many, yield_now};
use ticketboss_store::ledger::{self, ReplayError};
use ticketboss_store::{Commit, Damage, Fault, Loaded, Store, Swap};

/// How many commands are decided and committed as one.
const BATCH_COMMANDS_MAX: usize = 1024;

/// How many holds end in one commit at most.
const EXPIRIES_MAX: usize = 4096;

/// How long the writer waits, where holds could not be given back, until he tries it again.
const EXPIRY_RETRY_SECONDS: u32 = 1;

/// How many turns of the runtime a batch may wait for more commands.
const GATHER_TURNS_MAX: usize = 16;

/// A command, and who waits for its answer.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) command: Command,
    pub(crate) answer: oneshot::Sender<Result<Effect, EngineError>>,
}

/// What holds and sales go by where the clock is behind the newest change of their event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GoesBy {
    /// The date of that change: the clock was set back.
    Dates,
    /// The clock: the change was dated by one that was wrong.
    Clock,
}

/// What all writers of an engine work with. A clone is a few pointers.
#[derive(Debug, Clone)]
pub(crate) struct WriterContext {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) moves: Moves,
}

/// An event as it was loaded.
#[derive(Debug)]
pub(crate) struct LoadedEvent {
    pub(crate) event: Event,
    pub(crate) loaded: Loaded,
    pub(crate) goes_by: GoesBy,
}

/// The writer of one event.
pub(crate) struct Writer {
    context: WriterContext,
    event: Arc<Event>,
    loaded: Loaded,
    goes_by: GoesBy,
    published: Arc<Published>,
    /// What was refused since the newest change, which the next one carries.
    refused: RefusedCount,
    /// Not before this time are holds given back without a command, as it went wrong the last time.
    no_expiry_before: Timestamp,
}

/// What a batch would do: the event after it, the changes that lead there, the outcome of each command.
struct Decided {
    after: Event,
    changes: Vec<Change>,
    /// Nothing where so many holds are over that the commands have to wait for the next commit.
    outcomes: Option<Outcomes>,
}

/// What came of each command, in the order of the batch.
type Outcomes = Vec<Result<Effect, Refusal>>;

impl Writer {
    /// A writer of `event`, which has published its state already.
    pub(crate) fn new(
        context: WriterContext,
        event: LoadedEvent,
        published: Arc<Published>,
    ) -> Self {
        let LoadedEvent { event, loaded, goes_by } = event;
        Self {
            context,
            event: Arc::new(event),
            loaded,
            goes_by,
            published,
            refused: RefusedCount::default(),
            // No date of the event's: the clock may be far behind it.
            no_expiry_before: Timestamp(i64::MIN),
        }
    }

    /// Serves until the queue is closed and empty, or the event turns out to be damaged.
    pub(crate) async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        // Most of many writers never see a large batch.
        let mut batch = Vec::new();
        while self.wait(&mut requests, &mut batch).await {
            gather(&mut requests, &mut batch).await;
            match self.settle(&batch).await {
                Ok(outcomes) => {
                    self.count_refused(&batch, &outcomes);
                    answer(batch.drain(..), outcomes);
                }
                Err(error) => {
                    refuse(batch.drain(..), &error);
                    self.no_expiry_before =
                        self.context.clock.now().plus_seconds(EXPIRY_RETRY_SECONDS);
                    if let EngineError::EventDamaged(_) = error {
                        // What waits is answered as what is asked from now on: the event is damaged.
                        requests.close();
                        while let Some(request) = requests.recv().await {
                            refuse(std::iter::once(request), &error);
                        }
                        return;
                    }
                }
            }
        }
    }

    /// Waits for commands, or until a hold is over. Says whether there will be anything to do.
    async fn wait(&self, requests: &mut mpsc::Receiver<Request>, batch: &mut Vec<Request>) -> bool {
        let received = receive_many(requests, batch, BATCH_COMMANDS_MAX);
        let Some((expires_at, _)) = self.event.next_to_expire() else {
            return received.await > 0;
        };
        tokio::select! {
            biased;
            count = received => count > 0,
            () = self.context.clock.until(expires_at.max(self.no_expiry_before)) => true,
        }
    }

    /// Decides a batch and makes it durable; the outcomes are in the order of the batch.
    async fn settle(&mut self, batch: &[Request]) -> Result<Outcomes, EngineError> {
        let deciding = self.context.moves.begin(self.event.number(), &self.context.clock);
        let settled = self.decide_and_commit(batch).await;
        if let Err(EngineError::Unavailable) = settled {
            deciding.never_ends();
        }
        settled
    }

    async fn decide_and_commit(&mut self, batch: &[Request]) -> Result<Outcomes, EngineError> {
        loop {
            let Decided { after, mut changes, outcomes } = self.decide(batch);
            let Some(first) = changes.first_mut() else {
                // Every refusal rests on the committed event, which is durable.
                return Ok(outcomes.unwrap_or_default());
            };
            first.refused = self.refused.told();
            after.check().map_err(|broken| self.stop(broken))?;
            let commit = Commit::draft(Some(&self.loaded.record), &after, &changes);
            let record = commit.record;
            match self.context.store.commit(self.event.id(), &self.loaded.token, commit).await? {
                Swap::Won(token) => {
                    self.loaded = Loaded { record, token };
                    self.refused.clear();
                    self.show(after);
                    for change in &changes {
                        self.tell(change);
                    }
                    if let Some(outcomes) = outcomes {
                        return Ok(outcomes);
                    }
                }
                Swap::Lost => self.catch_up().await?,
            }
        }
    }

    fn count_refused(&mut self, batch: &[Request], outcomes: &Outcomes) {
        for (request, outcome) in batch.iter().zip(outcomes) {
            if let Err(refusal) = outcome {
                self.refused.note(&self.event, &request.command, refusal);
            }
        }
    }

    fn decide(&self, batch: &[Request]) -> Decided {
        let mut after = Event::clone(&self.event);
        let mut changes = Vec::with_capacity(batch.len());
        let now = self.context.clock.now();
        while let Some(expiry) = self.expiry(&after, now) {
            if changes.len() == EXPIRIES_MAX {
                return Decided { after, changes, outcomes: None };
            }
            after.apply(&expiry);
            changes.push(expiry);
        }
        let outcomes = batch
            .iter()
            .map(|request| match self.decide_one(&after, &request.command, now)? {
                Decision::Change(change) => {
                    after.apply(&change);
                    changes.push(change.clone());
                    Ok(Effect::Made(Made::new(change, &after)))
                }
                Decision::Replay(done) => Ok(Effect::Replayed(done)),
            })
            .collect();
        Decided { after, changes, outcomes: Some(outcomes) }
    }

    fn decide_one(
        &self,
        event: &Event,
        command: &Command,
        now: Timestamp,
    ) -> Result<Decision, Refusal> {
        match self.goes_by {
            GoesBy::Dates => event.decide(command, now),
            GoesBy::Clock => event.decide_by_clock(command, now),
        }
    }

    /// What follows from the next hold being over, if it is.
    fn expiry(&self, event: &Event, now: Timestamp) -> Option<Change> {
        let (_, reservation) = event.next_to_expire()?;
        let intent = Intent::Expire { reservation };
        let command = Command::new(Actor::System, RequestId::NOBODY, intent);
        self.decide_one(event, &command, now).ok()?.into_change()
    }

    /// Reads what another writer has committed.
    async fn catch_up(&mut self) -> Result<(), EngineError> {
        let id = self.event.id().clone();
        let missing = || Damage {
            event: id.clone(),
            version: self.event.version(),
            fault: Fault::Disagrees("there is no record any more".to_owned()),
        };
        let loaded = self.context.store.load(&id).await?.unwrap_or_else(|| Err(missing()));
        let loaded = loaded.map_err(|damage| self.damaged(damage))?;
        let record = loaded.record;
        let pages =
            self.context.store.pages(record.number, self.event.version().next(), record.version);
        let newest_page = self.loaded.record.newest_page;
        let event = Event::clone(&self.event);
        match ledger::catch_up(event, newest_page, &record, pages).await {
            Ok(event) => {
                self.loaded = loaded;
                self.show(event);
                Ok(())
            }
            Err(ReplayError::Damaged(damage)) => Err(self.damaged(damage)),
            Err(ReplayError::Store(error)) => Err(error.into()),
        }
    }

    /// Lets readers see what is now committed.
    fn show(&mut self, event: Event) {
        self.event = Arc::new(event);
        self.published.show(Shown::Committed(self.event.clone(), self.loaded.record.newest_page));
    }

    /// Stops selling the event: the state that was about to be committed breaks a law.
    fn stop(&self, broken: Violation) -> EngineError {
        let event = self.event.id().clone();
        self.damaged(Damage { event, version: broken.version, fault: Fault::Law(broken.law) })
    }

    fn damaged(&self, damage: Damage) -> EngineError {
        log::error!("{damage}; it is not sold from any more");
        self.published.show(Shown::Damaged(damage.clone()));
        EngineError::EventDamaged(damage)
    }

    /// One readable line per change.
    fn tell(&self, change: &Change) {
        if !log::log_enabled!(log::Level::Info) {
            return;
        }
        let version = change.version;
        let what = match &change.fact {
            Fact::EventCreated(_) => return,
            Fact::EventUpdated(terms) => {
                let (seats, status) = (terms.capacity, terms.status.as_str());
                format!("the event sells on other terms: {seats} seats, {status}")
            }
            Fact::SeatsBlocked { seats, reason } => {
                format!("{seats} seats were taken out of sale: {:?}", reason.as_str())
            }
            Fact::SeatsUnblocked { block } => {
                format!("the seats of block {block} are back in sale")
            }
            Fact::Reserved { partner, seats, nonce } => {
                format!(
                    "{:?} reserved {seats} seats as {}",
                    partner.as_str(),
                    self.id(change, *nonce)
                )
            }
            Fact::Held { partner, seats, nonce, .. } => {
                format!("{:?} holds {seats} seats as {}", partner.as_str(), self.id(change, *nonce))
            }
            Fact::Cancelled { reservation } => format!("reservation {reservation} was cancelled"),
            Fact::Confirmed { reservation } => format!("reservation {reservation} was confirmed"),
            Fact::ConfirmedLate { reservation } => {
                format!("reservation {reservation}, which had expired, was confirmed")
            }
            Fact::Extended { reservation, .. } => {
                format!("reservation {reservation} is held longer")
            }
            Fact::Expired { reservation } => format!("reservation {reservation} expired"),
            Fact::PartlyCancelled { reservation, seats } => {
                format!("{seats} seats of reservation {reservation} were cancelled")
            }
        };
        log::info!("{}: version {version}, {what}", self.event.id());
    }

    fn id(&self, change: &Change, nonce: Nonce) -> uuid::Uuid {
        let (event, version) = (self.event.number(), change.version);
        uuid::Uuid::from_u128(ReservationId { event, version, nonce }.to_bits())
    }
}

fn answer(batch: impl Iterator<Item = Request>, outcomes: Outcomes) {
    for (request, outcome) in batch.zip(outcomes) {
        // Whoever does not wait any more does not miss the answer; the change stands.
        let _ = request.answer.send(outcome.map_err(EngineError::Refused));
    }
}

/// Lets everybody who is about to ask do so before the batch is closed.
///
/// A commit costs much the same for one change and for a hundred, so it pays to let the tasks that
/// are ready run first. Nothing is waited for: as soon as a turn brings nobody, the batch is closed.
async fn gather(requests: &mut mpsc::Receiver<Request>, batch: &mut Vec<Request>) {
    for _ in 0..GATHER_TURNS_MAX {
        let before = requests.len();
        yield_now().await;
        if requests.len() == before {
            break;
        }
    }
    while batch.len() < BATCH_COMMANDS_MAX {
        let Ok(request) = requests.try_recv() else { break };
        batch.push(request);
    }
}

fn refuse(batch: impl Iterator<Item = Request>, error: &EngineError) {
    for request in batch {
        // Whoever does not wait any more does not miss the answer.
        let _ = request.answer.send(Err(error.clone()));
    }
}
