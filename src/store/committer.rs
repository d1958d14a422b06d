//! The one who writes: it takes all commits that wait, has them written, makes them durable with one
//! flush and one sync, and then answers them all.
//!
//! An error of a write, flush or sync leaves unknown what is on disk (the kernel may drop the dirty
//! pages), so nothing is retried: the store has failed, everybody is told so, and the next start reads
//! what is there.
//!
//! It must not know: where the bytes go. That is an [`Engine`]'s business, so the same rounds run over
//! sled, in the simulation, and under every schedule that a test wants to try.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::sync::{mpsc, oneshot, watch};

use super::ledger::Commit;
use super::{StoreError, Swap, Token};
use crate::domain::{EventId, EventNumber, Version};

/// How many jobs may wait for the committer; whoever comes later waits for a place.
const QUEUE_JOBS_MAX: usize = 1024;
/// How many jobs share one sync.
pub const ROUND_JOBS_MAX: usize = 256;

/// What the committer writes to. All of it is called by one thread.
pub trait Engine {
    /// Whether there is room to write.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`] where there is not; [`StoreError::Failed`] where that cannot be told.
    fn check_room(&mut self) -> Result<(), StoreError>;

    /// Adds the pages and swaps the record, if the record is still the one of `token`.
    ///
    /// # Errors
    /// [`StoreError::Failed`]; then nobody knows what was written.
    fn swap(&mut self, event: &EventId, token: &Token, commit: &Commit)
    -> Result<Swap, StoreError>;

    /// Gives out the next event number.
    ///
    /// # Errors
    /// As [`Engine::swap`].
    fn claim_event_number(&mut self) -> Result<EventNumber, StoreError>;

    /// Puts everything that was written on the disk.
    ///
    /// # Errors
    /// As [`Engine::swap`].
    fn make_durable(&mut self) -> Result<(), StoreError>;

    /// Is told that these versions are on disk, after each round.
    fn is_durable(&mut self, won: &[(EventId, Version)]);
}

/// The way to the committer. When it is dropped the committer ends, after the jobs that wait.
#[derive(Debug)]
pub struct Committer {
    queue: mpsc::Sender<Job>,
    failure: watch::Receiver<Option<Arc<str>>>,
}

type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// Something to write, and who waits for it.
#[derive(Debug)]
pub struct Job(Work);

#[derive(Debug)]
enum Work {
    Commit { event: EventId, token: Token, commit: Commit, answer: Answer<Swap> },
    ClaimEventNumber { answer: Answer<EventNumber> },
}

/// A job that was written but is not durable yet, with the answer that waits for that.
#[derive(Debug)]
enum Written {
    Commit(Swap, Answer<Swap>),
    EventNumber(EventNumber, Answer<EventNumber>),
}

impl Committer {
    /// The way to `worker`, who serves `jobs`.
    pub fn new<E: Engine>(engine: E) -> (Self, Worker<E>, mpsc::Receiver<Job>) {
        let (queue, jobs) = mpsc::channel(QUEUE_JOBS_MAX);
        let (failure_sender, failure) = watch::channel(None);
        let worker = Worker { engine, failure: failure_sender };
        (Self { queue, failure }, worker, jobs)
    }

    /// Adds pages and swaps the record; `Won` means on disk.
    ///
    /// # Errors
    /// As [`super::Store::commit`].
    pub async fn commit(
        &self,
        event: EventId,
        token: Token,
        commit: Commit,
    ) -> Result<Swap, StoreError> {
        self.ask(|answer| Work::Commit { event, token, commit, answer }).await
    }

    /// Gives out the next event number, which is on disk.
    ///
    /// # Errors
    /// As [`super::Store::claim_event_number`].
    pub async fn claim_event_number(&self) -> Result<EventNumber, StoreError> {
        self.ask(|answer| Work::ClaimEventNumber { answer }).await
    }

    async fn ask<T>(&self, work: impl FnOnce(Answer<T>) -> Work) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let gone = || StoreError::Failed("the committer has ended".into());
        self.queue.send(Job(work(answer))).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }

    /// Waits for the failure that ends the store.
    pub async fn failed(&self) -> Arc<str> {
        let mut failure = self.failure.clone();
        match failure.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(why)) => why.clone(),
            // It ended in order: the store was closed, it did not fail.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }
}

/// A committer with a thread of its own. Dropping it ends the thread, after the jobs that wait.
#[derive(Debug)]
pub struct CommitterThread {
    // The order of the fields is the order of closing: without the way to it the thread ends.
    committer: Committer,
    _thread: Joined,
}

impl CommitterThread {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn start(engine: impl Engine + Send + 'static) -> std::io::Result<Self> {
        let (committer, worker, jobs) = Committer::new(engine);
        let thread = thread::Builder::new().name("committer".into()).spawn(|| worker.run(jobs))?;
        Ok(Self { committer, _thread: Joined(Some(thread)) })
    }

    /// The way to it.
    pub fn committer(&self) -> &Committer {
        &self.committer
    }
}

/// A thread whose end is waited for.
#[derive(Debug)]
struct Joined(Option<JoinHandle<()>>);

impl Drop for Joined {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            // A panic of the thread was answered to everybody as a failure of the store.
            let _ = thread.join();
        }
    }
}

/// The one who works off rounds of jobs.
#[derive(Debug)]
pub struct Worker<E> {
    engine: E,
    failure: watch::Sender<Option<Arc<str>>>,
}

/// A round that was written: whoever waits in it is told once it is durable.
#[derive(Debug)]
#[must_use]
pub struct Round {
    written: Vec<Written>,
    won: Vec<(EventId, Version)>,
}

impl<E: Engine> Worker<E> {
    /// Works until the queue is closed and empty.
    pub fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut round = Vec::with_capacity(ROUND_JOBS_MAX);
        while jobs.blocking_recv_many(&mut round, ROUND_JOBS_MAX) > 0 {
            if let Some(written) = self.write(&mut round) {
                self.settle(written);
            }
        }
    }

    /// Writes a round, or refuses it: because the disk is full, or because the store has failed.
    pub fn write(&mut self, jobs: &mut Vec<Job>) -> Option<Round> {
        let known = self.failure.borrow().clone();
        let possible = known.map_or_else(
            || guarded(|| self.engine.check_room()),
            |why| Err(StoreError::Failed(why)),
        );
        if let Err(error) = possible {
            self.fail_for_good(&error);
            refuse_all(jobs.drain(..), &error);
            return None;
        }
        let mut round = Round { written: Vec::with_capacity(jobs.len()), won: Vec::new() };
        let mut jobs = jobs.drain(..);
        let engine = &mut self.engine;
        let outcome = guarded(|| jobs.by_ref().try_for_each(|job| round.add(engine, job)));
        if let Err(error) = outcome {
            self.fail_for_good(&error);
            round.refuse(&error);
            refuse_all(jobs, &error);
            return None;
        }
        Some(round)
    }

    /// Makes a round durable and answers it; or fails the store.
    pub fn settle(&mut self, round: Round) {
        if let Err(error) = guarded(|| self.engine.make_durable()) {
            self.fail_for_good(&error);
            round.refuse(&error);
            return;
        }
        let won = round.answer();
        self.engine.is_durable(&won);
    }

    /// From now on nothing is written any more, and whoever waits for the failure is told. A full
    /// disk is no such failure.
    fn fail_for_good(&self, error: &StoreError) {
        if let StoreError::Failed(why) = error {
            self.failure.send_if_modified(|failure| {
                let is_first = failure.is_none();
                failure.get_or_insert_with(|| why.clone());
                is_first
            });
        }
    }
}

impl Round {
    fn add(&mut self, engine: &mut impl Engine, job: Job) -> Result<(), StoreError> {
        match job.0 {
            Work::Commit { event, token, commit, answer } => {
                let version = commit.record.version;
                let swap = engine.swap(&event, &token, &commit)?;
                if let Swap::Won(_) = &swap {
                    self.won.push((event, version));
                }
                self.written.push(Written::Commit(swap, answer));
            }
            Work::ClaimEventNumber { answer } => {
                let number = engine.claim_event_number()?;
                self.written.push(Written::EventNumber(number, answer));
            }
        }
        Ok(())
    }

    // An answer that nobody waits for any more is not missed.
    fn answer(self) -> Vec<(EventId, Version)> {
        for written in self.written {
            match written {
                Written::Commit(swap, answer) => drop(answer.send(Ok(swap))),
                Written::EventNumber(number, answer) => drop(answer.send(Ok(number))),
            }
        }
        self.won
    }

    fn refuse(self, error: &StoreError) {
        for written in self.written {
            match written {
                Written::Commit(_, answer) => drop(answer.send(Err(error.clone()))),
                Written::EventNumber(_, answer) => drop(answer.send(Err(error.clone()))),
            }
        }
    }
}

fn refuse_all(jobs: impl Iterator<Item = Job>, error: &StoreError) {
    for job in jobs {
        match job.0 {
            Work::Commit { answer, .. } => drop(answer.send(Err(error.clone()))),
            Work::ClaimEventNumber { answer } => drop(answer.send(Err(error.clone()))),
        }
    }
}

/// Takes a panic of an engine for a failure of the store, which it is.
fn guarded<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(StoreError::Failed(panic_text(&*panic))))
}

/// What a panic said.
pub(super) fn panic_text(panic: &(dyn std::any::Any + Send)) -> Arc<str> {
    let said = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("the engine panicked: {}", said.unwrap_or("without a word")).into()
}
