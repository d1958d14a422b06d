//! The one who decides and commits for an event.
//!
//! He takes what waits, up to a limit, decides each command on a clone of the committed event,
//! commits all the changes as one, and then answers everybody: those who got something, and those
//! who were refused, too, since a refusal may rest on a neighbour that was not durable before. If
//! another node's commit came first, he reads what he missed and decides the same commands again;
//! deciding is pure, so nothing has happened that would have to be undone.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::{Made, OfficeError};
use crate::clock::Clock;
use crate::domain::{Change, Command, Event, Fact, Refusal, Violation};
use crate::store::ledger::{self, ReplayError};
use crate::store::{Commit, Damage, Fault, Loaded, Store, Swap};
use crate::tasks::sync::{mpsc, oneshot, receive_many, yield_now};

/// How many commands are decided and committed as one.
const BATCH_COMMANDS_MAX: usize = 1024;

/// How many turns of the runtime a batch may wait for more commands.
const GATHER_TURNS_MAX: usize = 16;

/// A command, and who waits for its answer.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) command: Command,
    pub(super) answer: oneshot::Sender<Result<Made, OfficeError>>,
}

/// What readers see of an event.
#[derive(Debug, Clone)]
pub(super) enum Shown {
    /// The event as it was last committed.
    Committed(Arc<Event>),
    /// Nothing, for this reason.
    Damaged(Damage),
}

/// The writer of one event.
pub(super) struct Writer {
    store: Store,
    clock: Clock,
    event: Arc<Event>,
    loaded: Loaded,
    shown: Arc<ArcSwap<Shown>>,
}

/// What a batch would do: the event after it, the changes that lead there, the outcome of each command.
struct Decided {
    after: Event,
    changes: Vec<Change>,
    outcomes: Vec<Result<Change, Refusal>>,
}

impl Writer {
    pub(super) fn new(
        store: Store,
        clock: Clock,
        event: Event,
        loaded: Loaded,
        shown: Arc<ArcSwap<Shown>>,
    ) -> Self {
        Self { store, clock, event: Arc::new(event), loaded, shown }
    }

    /// Serves until the queue is closed and empty, or the event turns out to be damaged.
    pub(super) async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut batch = Vec::with_capacity(BATCH_COMMANDS_MAX);
        while receive_many(&mut requests, &mut batch, BATCH_COMMANDS_MAX).await > 0 {
            gather(&mut requests, &mut batch).await;
            if cfg!(feature = "sabotage-refuse-before-commit") {
                batch = self.refuse_at_once(batch);
            }
            match self.settle(&batch).await {
                Ok(outcomes) => self.answer(batch.drain(..), outcomes),
                Err(error) => {
                    refuse(batch.drain(..), &error);
                    if let OfficeError::EventDamaged(_) = error {
                        // What waits is answered as what is asked from now on: the event is damaged.
                        requests.close();
                        while let Some(request) = requests.recv().await {
                            refuse(std::iter::once(request), &error);
                        }
                    }
                }
            }
        }
    }

    /// Decides a batch and makes it durable; the outcomes are in the order of the batch.
    async fn settle(
        &mut self,
        batch: &[Request],
    ) -> Result<Vec<Result<Change, Refusal>>, OfficeError> {
        loop {
            let Decided { after, changes, outcomes } = self.decide(batch);
            if changes.is_empty() {
                // Every refusal rests on the committed event, which is durable.
                return Ok(outcomes);
            }
            after.check().map_err(|broken| self.stop(broken))?;
            let commit = Commit::draft(Some(&self.loaded.record), &after, &changes);
            let record = commit.record;
            if cfg!(feature = "sabotage-show-before-commit") {
                self.shown.store(Arc::new(Shown::Committed(Arc::new(after.clone()))));
            }
            match self.store.commit(self.event.id(), &self.loaded.token, commit).await? {
                Swap::Won(token) => {
                    self.loaded = Loaded { record, token };
                    self.show(after);
                    return Ok(outcomes);
                }
                Swap::Lost => {
                    self.catch_up().await?;
                    if cfg!(feature = "sabotage-answer-lost-swap") {
                        return Ok(outcomes);
                    }
                }
            }
        }
    }

    /// The planted defect: who is refused is told so before what that rests on is durable.
    fn refuse_at_once(&self, batch: Vec<Request>) -> Vec<Request> {
        let outcomes = self.decide(&batch).outcomes;
        let mut accepted = Vec::with_capacity(BATCH_COMMANDS_MAX);
        for (request, outcome) in batch.into_iter().zip(outcomes) {
            match outcome {
                Ok(_) => accepted.push(request),
                Err(refusal) => drop(request.answer.send(Err(OfficeError::Refused(refusal)))),
            }
        }
        accepted
    }

    fn decide(&self, batch: &[Request]) -> Decided {
        let mut after = Event::clone(&self.event);
        let mut changes = Vec::with_capacity(batch.len());
        let now = self.clock.now();
        let outcomes = batch
            .iter()
            .map(|request| {
                let change = after.decide(&request.command, now)?;
                after.apply(&change);
                changes.push(change.clone());
                Ok(change)
            })
            .collect();
        Decided { after, changes, outcomes }
    }

    /// Reads what another writer has committed.
    async fn catch_up(&mut self) -> Result<(), OfficeError> {
        let id = self.event.id().clone();
        let missing = || Damage {
            event: id.clone(),
            version: self.event.version(),
            fault: Fault::Disagrees("there is no record any more".to_owned()),
        };
        let loaded = self.store.load(&id).await?.unwrap_or_else(|| Err(missing()));
        let loaded = loaded.map_err(|damage| self.damaged(damage))?;
        let record = loaded.record;
        let pages = self.store.pages(record.number, self.event.version().next(), record.version);
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
        self.shown.store(Arc::new(Shown::Committed(self.event.clone())));
    }

    /// Stops selling the event: the state that was about to be committed breaks a law.
    fn stop(&self, broken: Violation) -> OfficeError {
        let event = self.event.id().clone();
        self.damaged(Damage { event, version: broken.version, fault: Fault::Law(broken.law) })
    }

    fn damaged(&self, damage: Damage) -> OfficeError {
        log::error!("{damage}; it is not sold from any more");
        self.shown.store(Arc::new(Shown::Damaged(damage.clone())));
        OfficeError::EventDamaged(damage)
    }

    fn answer(&self, batch: impl Iterator<Item = Request>, outcomes: Vec<Result<Change, Refusal>>) {
        for (request, outcome) in batch.zip(outcomes) {
            if let Ok(change) = &outcome {
                self.tell(change);
            }
            let number = self.event.number();
            let answer =
                outcome.map(|change| Made { change, event: number }).map_err(OfficeError::Refused);
            // Whoever does not wait any more does not miss the answer; the change stands.
            let _ = request.answer.send(answer);
        }
    }

    /// One readable line per change.
    fn tell(&self, change: &Change) {
        let (event, version) = (&self.event, change.version);
        match &change.fact {
            Fact::EventCreated(_) => {}
            Fact::Reserved { partner, seats, nonce } => {
                let id =
                    crate::domain::ReservationId { event: event.number(), version, nonce: *nonce };
                log::info!(
                    "{}: version {version}, {:?} reserved {seats} seats as {}",
                    event.id(),
                    partner.as_str(),
                    uuid::Uuid::from_u128(id.to_bits()),
                );
            }
            Fact::Cancelled { reservation } => {
                log::info!(
                    "{}: version {version}, the reservation of version {reservation} was cancelled",
                    event.id(),
                );
            }
        }
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

fn refuse(batch: impl Iterator<Item = Request>, error: &OfficeError) {
    for request in batch {
        // Whoever does not wait any more does not miss the answer.
        let _ = request.answer.send(Err(error.clone()));
    }
}
