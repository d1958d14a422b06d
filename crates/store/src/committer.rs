//! The one who writes: it takes all commits that wait, has them written, makes them durable with one
//! flush and one sync, and then answers them all.
//!
//! An error of a write, flush or sync leaves unknown what is on disk (the kernel may drop the dirty
//! pages), so nothing is retried: the store has failed, everybody is told so, and the next start reads
//! what is there.
//!
//! It must not know: where the bytes go. That is a [`Medium`]'s business, so the same rounds run over
//! sled, in the simulation, and under every schedule that a test wants to try.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::ledger::Commit;
use crate::port::{Damage, Listed, Loaded, StoreError, Swap, Token};
use ticketboss_core::domain::{EventId, EventNumber, Version};
use ticketboss_runtime::tasks::sync::{blocking_receive_many, mpsc, oneshot, thread, watch};

/// How many jobs may wait for the committer; whoever comes later waits for a place.
const QUEUE_JOBS_MAX: usize = 1024;
/// How many turns of the scheduler a round may wait for more jobs.
const GATHER_TURNS_MAX: usize = 16;
/// How many jobs share one sync.
pub const ROUND_JOBS_MAX: usize = 256;

/// What the committer writes to. All of it is called by one thread.
pub trait Medium {
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
    /// As [`Medium::swap`].
    fn claim_event_number(&mut self) -> Result<EventNumber, StoreError>;

    /// The record of an event as it was last written.
    ///
    /// # Errors
    /// [`StoreError::Failed`] when it cannot be read.
    fn load(&mut self, event: &EventId) -> Result<Option<Result<Loaded, Damage>>, StoreError>;

    /// Every event with its record as it was last written.
    ///
    /// # Errors
    /// As [`Medium::load`].
    fn events(&mut self) -> Result<Vec<Listed>, StoreError>;

    /// Puts everything that was written on the disk.
    ///
    /// # Errors
    /// As [`Medium::swap`].
    fn make_durable(&mut self) -> Result<(), StoreError>;

    /// Is told that these versions are on disk, after each round.
    fn is_durable(&mut self, won: &[(EventId, Version)]);
}

/// The way to the committer. When it is dropped the committer ends, after the jobs that wait.
#[derive(Debug)]
pub struct Committer {
    queue: mpsc::Sender<Job>,
    failure: watch::Receiver<Option<Arc<str>>>,
    counters: Arc<Counters>,
}

/// What a committer has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// How many commits have won.
    pub commits: u64,
    /// How often the disk was made to have everything: once for all commits of a round.
    pub syncs: u64,
}

#[derive(Debug, Default)]
struct Counters {
    commits: AtomicU64,
    syncs: AtomicU64,
}

/// Where the answer to a job goes.
pub type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// Something to read or write, and where the answer goes.
#[derive(Debug)]
#[expect(missing_docs, reason = "each is what the method of the committer of that name takes")]
pub enum Job {
    Commit { event: EventId, token: Token, commit: Commit, answer: Answer<Swap> },
    ClaimEventNumber { answer: Answer<EventNumber> },
    Load { event: EventId, answer: Answer<Option<Result<Loaded, Damage>>> },
    Events { answer: Answer<Vec<Listed>> },
    CheckRoom { answer: Answer<()> },
}

impl Job {
    fn writes(&self) -> bool {
        match self {
            Job::Commit { .. } | Job::ClaimEventNumber { .. } => true,
            Job::Load { .. } | Job::Events { .. } | Job::CheckRoom { .. } => false,
        }
    }

    /// Whether it cannot be done while the disk is full.
    fn needs_room(&self) -> bool {
        self.writes() || matches!(self, Job::CheckRoom { .. })
    }
}

/// Tells somebody what was done for him, once it is known whether that is durable.
type Tell = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

// An answer that nobody waits for any more is not missed.
fn tell<T: Send + 'static>(done: T, answer: Answer<T>) -> Tell {
    Box::new(move |durable| drop(answer.send(durable.map(|()| done))))
}

impl Committer {
    /// The way to `worker`, who serves `jobs`.
    pub fn new<E: Medium>(medium: E) -> (Self, Worker<E>, mpsc::Receiver<Job>) {
        let (queue, jobs) = mpsc::channel(QUEUE_JOBS_MAX);
        let (failure_sender, failure) = watch::channel(None);
        let counters = Arc::<Counters>::default();
        let worker = Worker { medium, failure: failure_sender, counters: counters.clone() };
        (Self { queue, failure, counters }, worker, jobs)
    }

    /// What was done so far.
    pub fn counts(&self) -> Counts {
        Counts {
            commits: self.counters.commits.load(Ordering::Relaxed),
            syncs: self.counters.syncs.load(Ordering::Relaxed),
        }
    }

    /// Adds pages and swaps the record, as [`crate::Store::commit`] does.
    ///
    /// # Errors
    /// As there.
    pub async fn commit(
        &self,
        event: EventId,
        token: Token,
        commit: Commit,
    ) -> Result<Swap, StoreError> {
        self.ask(|answer| Job::Commit { event, token, commit, answer }).await
    }

    /// Claims a number, as [`crate::Store::claim_event_number`] does.
    ///
    /// # Errors
    /// As there.
    pub async fn claim_event_number(&self) -> Result<EventNumber, StoreError> {
        self.ask(|answer| Job::ClaimEventNumber { answer }).await
    }

    /// Reads a record in the committer's turn, as [`crate::Store::load`] does.
    ///
    /// # Errors
    /// As there.
    pub async fn load(&self, event: EventId) -> Result<Option<Result<Loaded, Damage>>, StoreError> {
        self.ask(|answer| Job::Load { event, answer }).await
    }

    /// Lists every event, as [`crate::Store::events`] does.
    ///
    /// # Errors
    /// As there.
    pub async fn events(&self) -> Result<Vec<Listed>, StoreError> {
        self.ask(|answer| Job::Events { answer }).await
    }

    /// Checks for room, as [`crate::Store::check_room`] does. It is asked for like everything else, so an
    /// answer also tells that the committer is at work.
    ///
    /// # Errors
    /// As there.
    pub async fn check_room(&self) -> Result<(), StoreError> {
        self.ask(|answer| Job::CheckRoom { answer }).await
    }

    async fn ask<T>(&self, job: impl FnOnce(Answer<T>) -> Job) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let gone = || StoreError::Failed("the committer has ended".into());
        self.queue.send(job(answer)).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }

    /// Waits for the failure that ends the store.
    pub async fn failed(&self) -> Arc<str> {
        let mut failure = self.failure.clone();
        let told = failure.wait_for(Option::is_some).await.map(|why| why.clone());
        match told {
            Ok(Some(why)) => why,
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
    pub fn start(medium: impl Medium + Send + 'static) -> std::io::Result<Self> {
        let (committer, worker, jobs) = Committer::new(medium);
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
struct Joined(Option<thread::JoinHandle<()>>);

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
    medium: E,
    failure: watch::Sender<Option<Arc<str>>>,
    counters: Arc<Counters>,
}

/// A round that was written: whoever waits in it is told once it is durable.
#[must_use]
#[derive(Default)]
pub struct Round {
    waiting: Vec<Tell>,
    writes: bool,
    won: Vec<(EventId, Version)>,
}

impl fmt::Debug for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Round").field("won", &self.won).finish_non_exhaustive()
    }
}

impl<E: Medium> Worker<E> {
    /// Works until the queue is closed and empty.
    fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut round = Vec::with_capacity(ROUND_JOBS_MAX);
        while blocking_receive_many(&mut jobs, &mut round, ROUND_JOBS_MAX) > 0 {
            gather(&mut jobs, &mut round);
            if let Some(written) = self.write(&mut round) {
                self.settle(written);
            }
        }
    }

    /// Writes a round. What cannot be done is refused: all of it when the store has failed, and what
    /// needs room while the disk is full.
    pub fn write(&mut self, jobs: &mut Vec<Job>) -> Option<Round> {
        let known = self.failure.borrow().clone();
        let possible = known.map_or_else(
            || guarded(|| self.medium.check_room()),
            |why| Err(StoreError::Failed(why)),
        );
        if let Err(error) = possible {
            self.fail_for_good(&error);
            let is_final = matches!(error, StoreError::Failed(_));
            refuse_all(jobs.extract_if(.., |job| is_final || job.needs_room()), &error);
        }
        let mut round = Round { waiting: Vec::with_capacity(jobs.len()), ..Round::default() };
        let mut jobs = jobs.drain(..);
        let medium = &mut self.medium;
        let outcome = guarded(|| jobs.by_ref().try_for_each(|job| round.add(medium, job)));
        if let Err(error) = outcome {
            self.fail_for_good(&error);
            round.answer(&Err(error.clone()));
            refuse_all(jobs, &error);
            return None;
        }
        (!round.waiting.is_empty()).then_some(round)
    }

    /// Makes a round durable and answers it; or fails the store.
    pub fn settle(&mut self, round: Round) {
        // After a round that was settled everything is durable, so one that only reads has it easy.
        let durable = if round.writes { guarded(|| self.medium.make_durable()) } else { Ok(()) };
        let writes = round.writes;
        let won = round.answer(&durable);
        if writes && durable.is_ok() {
            let commits = u64::try_from(won.len()).unwrap_or(u64::MAX);
            self.counters.commits.fetch_add(commits, Ordering::Relaxed);
            self.counters.syncs.fetch_add(1, Ordering::Relaxed);
        }
        match durable {
            Ok(()) => self.medium.is_durable(&won),
            Err(error) => self.fail_for_good(&error),
        }
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

/// Lets everybody who is about to commit do so before the round is closed: a sync costs much the same for
/// one commit and for a hundred. Nothing is waited for: as soon as a turn brings nobody, it is closed.
fn gather(jobs: &mut mpsc::Receiver<Job>, round: &mut Vec<Job>) {
    for _ in 0..GATHER_TURNS_MAX {
        thread::yield_now();
        let before = round.len();
        while round.len() < ROUND_JOBS_MAX
            && let Ok(job) = jobs.try_recv()
        {
            round.push(job);
        }
        if round.len() == before {
            return;
        }
    }
}

impl Round {
    fn add(&mut self, medium: &mut impl Medium, job: Job) -> Result<(), StoreError> {
        self.writes |= job.writes();
        let waiting = match job {
            Job::Commit { event, token, commit, answer } => {
                let version = commit.record.version;
                let swap = medium.swap(&event, &token, &commit)?;
                match &swap {
                    Swap::Won(_) => self.won.push((event, version)),
                    Swap::Lost => {}
                }
                tell(swap, answer)
            }
            Job::ClaimEventNumber { answer } => tell(medium.claim_event_number()?, answer),
            Job::Load { event, answer } => tell(medium.load(&event)?, answer),
            Job::Events { answer } => tell(medium.events()?, answer),
            // Without room it would not have come this far.
            Job::CheckRoom { answer } => tell((), answer),
        };
        self.waiting.push(waiting);
        Ok(())
    }

    /// Tells everybody, and gives back what was committed if it is durable.
    fn answer(self, durable: &Result<(), StoreError>) -> Vec<(EventId, Version)> {
        for tell in self.waiting {
            tell(durable.clone());
        }
        self.won
    }
}

fn refuse_all(jobs: impl Iterator<Item = Job>, error: &StoreError) {
    let error = || error.clone();
    for job in jobs {
        match job {
            Job::Commit { answer, .. } => drop(answer.send(Err(error()))),
            Job::ClaimEventNumber { answer } => drop(answer.send(Err(error()))),
            Job::Load { answer, .. } => drop(answer.send(Err(error()))),
            Job::Events { answer } => drop(answer.send(Err(error()))),
            Job::CheckRoom { answer } => drop(answer.send(Err(error()))),
        }
    }
}

/// Takes a panic of the medium for a failure of the store, which it is.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_gathers_the_jobs_that_are_ready_up_to_its_limit() {
        for (ready, gathered) in [(0, 1), (5, 6), (ROUND_JOBS_MAX, ROUND_JOBS_MAX)] {
            let job = || Job::CheckRoom { answer: oneshot::channel().0 };
            let (queue, mut jobs) = mpsc::channel(QUEUE_JOBS_MAX);
            for _ in 0..ready {
                queue.try_send(job()).unwrap();
            }
            let mut round = vec![job()];
            gather(&mut jobs, &mut round);
            assert_eq!(round.len(), gathered, "{ready} are ready");
        }
    }
}
