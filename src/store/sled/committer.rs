//! The one thread that writes: it takes all commits that wait, writes them, makes them durable with
//! one flush and one sync, and then answers them all.
//!
//! Three things about sled 0.34.7 shape it. `flush` ends in `sync_file_range`, which does not reach
//! the disk (spacejam/sled#1452), so a `sync_data` of the log file follows. `flush_async` deadlocks
//! (#1308), so a thread waits instead. And an error of write, flush or sync leaves unknown what is on
//! disk (the kernel may drop the dirty pages), so nothing is retried: the store has failed, everybody
//! is told so, and the next start reads what is there.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;

use ::sled::{Db, Tree};
use tokio::sync::{mpsc, oneshot, watch};

use super::super::ledger::Commit;
use super::super::{StoreError, Swap, Token};
use super::disk::DiskGuard;
use super::witness::Witness;
use super::{failed, page_key};
use crate::domain::{EventId, EventNumber, Version};

/// How many jobs may wait for the committer; whoever comes later waits for a place.
const QUEUE_JOBS_MAX: usize = 1024;
/// How many jobs share one sync.
const ROUND_JOBS_MAX: usize = 256;
/// The key of the highest event number that was given out.
const NUMBERS_CLAIMED_KEY: &str = "event_numbers_claimed";

/// What the committer writes to.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) database: Db,
    pub(super) events: Tree,
    pub(super) ledger: Tree,
    pub(super) meta: Tree,
    /// The file that sled appends to, opened by ourselves to be synced.
    #[cfg_attr(
        feature = "sabotage-skip-sync",
        expect(dead_code, reason = "the planted defect is that nobody syncs it")
    )]
    pub(super) log_file: File,
    pub(super) disk: DiskGuard,
}

/// The way to the committer. Dropping it ends the thread, after the jobs that wait.
#[derive(Debug)]
pub(super) struct Committer {
    queue: Option<mpsc::Sender<Job>>,
    failure: watch::Receiver<Option<Arc<str>>>,
    thread: Option<JoinHandle<()>>,
}

type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

#[derive(Debug)]
enum Job {
    Commit { event: EventId, token: Token, commit: Commit, answer: Answer<Swap> },
    ClaimEventNumber { answer: Answer<EventNumber> },
}

/// The event and the version that a swap made, if it was won.
type Won = Option<(EventId, Version)>;

/// A job that was written but is not durable yet, with the answer that waits for that.
enum Written {
    Commit(Swap, Won, Answer<Swap>),
    EventNumber(EventNumber, Answer<EventNumber>),
}

impl Committer {
    /// Starts the thread.
    pub(super) fn start(files: Files, witness: Witness) -> std::io::Result<Self> {
        let (queue, jobs) = mpsc::channel(QUEUE_JOBS_MAX);
        let (failure_sender, failure) = watch::channel(None);
        let worker = Worker { files, witness, failure: failure_sender };
        let thread =
            std::thread::Builder::new().name("committer".into()).spawn(|| worker.run(jobs))?;
        Ok(Self { queue: Some(queue), failure, thread: Some(thread) })
    }

    pub(super) async fn commit(
        &self,
        event: EventId,
        token: Token,
        commit: Commit,
    ) -> Result<Swap, StoreError> {
        self.ask(|answer| Job::Commit { event, token, commit, answer }).await
    }

    pub(super) async fn claim_event_number(&self) -> Result<EventNumber, StoreError> {
        self.ask(|answer| Job::ClaimEventNumber { answer }).await
    }

    async fn ask<T>(&self, job: impl FnOnce(Answer<T>) -> Job) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let gone = || StoreError::Failed("the committer has ended".into());
        let queue = self.queue.as_ref().ok_or_else(gone)?;
        queue.send(job(answer)).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }

    /// Waits for the failure that ends the store.
    pub(super) async fn failed(&self) -> Arc<str> {
        let mut failure = self.failure.clone();
        match failure.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(why)) => why.clone(),
            // The thread ended in order: the store was closed, it did not fail.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was answered to everybody as a failure of the store.
            let _ = thread.join();
        }
    }
}

struct Worker {
    files: Files,
    witness: Witness,
    failure: watch::Sender<Option<Arc<str>>>,
}

impl Worker {
    fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut round = Vec::with_capacity(ROUND_JOBS_MAX);
        while jobs.blocking_recv_many(&mut round, ROUND_JOBS_MAX) > 0 {
            let known = self.failure.borrow().clone();
            if let Some(why) = known {
                refuse_all(round.drain(..), &StoreError::Failed(why));
                continue;
            }
            match self.files.disk.check() {
                Ok(()) => self.commit_round(&mut round),
                Err(full @ StoreError::DiskFull { .. }) => refuse_all(round.drain(..), &full),
                Err(failed @ StoreError::Failed(_)) => {
                    self.fail(&failed);
                    refuse_all(round.drain(..), &failed);
                }
            }
        }
    }

    /// From now on nothing is written any more, and whoever waits for the failure is told.
    fn fail(&self, error: &StoreError) {
        self.failure.send_replace(Some(error.to_string().into()));
    }

    /// Writes a round, makes it durable, answers it; or fails the store.
    fn commit_round(&mut self, round: &mut Vec<Job>) {
        let mut written = Vec::with_capacity(round.len());
        let mut jobs = round.drain(..);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            for job in jobs.by_ref() {
                written.push(self.write(job)?);
            }
            self.make_durable()
        }));
        let outcome = outcome.unwrap_or_else(|panic| Err(StoreError::Failed(panic_text(&*panic))));
        let Err(error) = outcome else {
            for done in written {
                if let Written::Commit(_, Some((event, version)), _) = &done {
                    self.witness.saw(event, *version);
                }
                done.answer();
            }
            self.witness.write_if_due();
            return;
        };
        self.fail(&error);
        for lost in written {
            lost.refuse(&error);
        }
        refuse_all(jobs, &error);
    }

    fn write(&self, job: Job) -> Result<Written, StoreError> {
        match job {
            Job::Commit { event, token, commit, answer } => {
                let version = commit.record.version;
                self.swap(&event, &token, &commit).map(|swap| {
                    let won = (swap != Swap::Lost).then_some((event, version));
                    Written::Commit(swap, won, answer)
                })
            }
            Job::ClaimEventNumber { answer } => {
                self.next_number().map(|number| Written::EventNumber(number, answer))
            }
        }
    }

    /// The one place where an event's record changes.
    ///
    /// The record is looked at before the pages are written: pages of a swap that is lost must not
    /// land on those of the winner. Nobody else writes, so what is seen here holds until the swap.
    fn swap(&self, event: &EventId, token: &Token, commit: &Commit) -> Result<Swap, StoreError> {
        let current = self.files.events.get(event.as_str()).map_err(failed)?;
        if current.as_deref() != token.bytes() {
            return Ok(Swap::Lost);
        }
        for (first_version, bytes) in &commit.pages {
            let key = page_key(commit.record.number, *first_version);
            self.files.ledger.insert(key, bytes.as_slice()).map_err(failed)?;
        }
        let record = commit.record.encode();
        let next = Token::of(&record);
        let swapped = self
            .files
            .events
            .compare_and_swap(event.as_str(), token.bytes(), Some(record))
            .map_err(failed)?;
        swapped.map_err(|_| StoreError::Failed("somebody else writes to this store".into()))?;
        Ok(Swap::Won(next))
    }

    fn next_number(&self) -> Result<EventNumber, StoreError> {
        let claimed = self.files.meta.get(NUMBERS_CLAIMED_KEY).map_err(failed)?;
        let claimed = claimed.and_then(|bytes| bytes.as_ref().try_into().ok());
        let number = claimed.map_or(0, u32::from_be_bytes) + 1;
        self.files.meta.insert(NUMBERS_CLAIMED_KEY, &number.to_be_bytes()).map_err(failed)?;
        Ok(EventNumber(number))
    }

    /// Puts everything written so far on the disk.
    #[expect(clippy::disallowed_methods, reason = "the one flush; a sync follows it")]
    fn make_durable(&self) -> Result<(), StoreError> {
        self.files.database.flush().map_err(failed)?;
        #[cfg(not(feature = "sabotage-skip-sync"))]
        self.files.log_file.sync_data().map_err(|error| {
            StoreError::Failed(format!("the disk did not take the data: {error}").into())
        })?;
        Ok(())
    }
}

impl Written {
    // An answer that nobody waits for any more is not missed.
    fn answer(self) {
        match self {
            Self::Commit(swap, _, answer) => drop(answer.send(Ok(swap))),
            Self::EventNumber(number, answer) => drop(answer.send(Ok(number))),
        }
    }

    fn refuse(self, error: &StoreError) {
        match self {
            Self::Commit(_, _, answer) => drop(answer.send(Err(error.clone()))),
            Self::EventNumber(_, answer) => drop(answer.send(Err(error.clone()))),
        }
    }
}

fn refuse_all(jobs: impl Iterator<Item = Job>, error: &StoreError) {
    for job in jobs {
        match job {
            Job::Commit { answer, .. } => drop(answer.send(Err(error.clone()))),
            Job::ClaimEventNumber { answer } => drop(answer.send(Err(error.clone()))),
        }
    }
}

/// What a panic said.
pub(super) fn panic_text(panic: &(dyn std::any::Any + Send)) -> Arc<str> {
    let said = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("sled panicked: {}", said.unwrap_or("without a word")).into()
}
