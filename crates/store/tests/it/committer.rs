//! The committer's rounds, over an engine that the test holds in its hands.

use std::pin::Pin;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};

use ticketboss_core::domain::{EventId, EventNumber, Version};
use ticketboss_store::committer::{Committer, CommitterThread, Medium, ROUND_JOBS_MAX};
use ticketboss_store::ledger::Commit;
use ticketboss_store::local::memory::MemoryStore;
use ticketboss_store::{Counts, Damage, Listed, Loaded, Store, StoreError, Swap, Token};

use crate::support::{created, event_id, terms};

/// Writes to memory; each sync waits until the test allows it.
struct HeldUp {
    written: Store,
    runtime: tokio::runtime::Runtime,
    syncs: mpsc::Sender<()>,
    allowed: mpsc::Receiver<()>,
}

impl HeldUp {
    /// A medium, the receiver that reports each sync as it begins, and the sender that lets it end.
    fn new() -> (Self, mpsc::Receiver<()>, mpsc::Sender<()>) {
        let (syncs, synced) = mpsc::channel();
        let (allow, allowed) = mpsc::channel();
        let medium = Self {
            written: Store::Memory(MemoryStore::default()),
            runtime: tokio::runtime::Builder::new_current_thread().build().unwrap(),
            syncs,
            allowed,
        };
        (medium, synced, allow)
    }
}

impl Medium for HeldUp {
    fn check_room(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn swap(
        &mut self,
        event: &EventId,
        token: &Token,
        commit: &Commit,
    ) -> Result<Swap, StoreError> {
        self.runtime.block_on(self.written.commit(event, token, commit.clone()))
    }

    fn claim_event_number(&mut self) -> Result<EventNumber, StoreError> {
        self.runtime.block_on(self.written.claim_event_number())
    }

    fn load(&mut self, event: &EventId) -> Result<Option<Result<Loaded, Damage>>, StoreError> {
        self.runtime.block_on(self.written.load(event))
    }

    fn events(&mut self) -> Result<Vec<Listed>, StoreError> {
        self.runtime.block_on(self.written.events())
    }

    fn make_durable(&mut self) -> Result<(), StoreError> {
        self.syncs.send(()).unwrap();
        self.allowed.recv().map_err(|_| StoreError::Failed("the test is over".into()))
    }

    fn is_durable(&mut self, _: &[(EventId, Version)]) {}
}

/// Found by the simulation: a node that lost a swap read the winner's record before it was synced,
/// and refused seats for a sale that a power cut then took back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_durable_is_shown_to_nobody() {
    let (medium, synced, allow) = HeldUp::new();
    let thread = CommitterThread::start(medium).unwrap();
    let committer = thread.committer();
    let id = event_id("e");
    let (event, change) = created(EventNumber(1), terms("e", 10), 0);
    let commit =
        committer.commit(id.clone(), Token::ABSENT, Commit::draft(None, &event, &[change]));
    let writing = async {
        let swap = commit.await;
        assert!(matches!(swap, Ok(Swap::Won(_))), "{swap:?}");
    };
    let reading = async {
        // The record is written, and the sync is under way.
        tokio::task::spawn_blocking(move || synced.recv().unwrap()).await.unwrap();
        let mut load = Box::pin(committer.load(id.clone()));
        let mut events = Box::pin(committer.events());
        for _ in 0..100 {
            tokio::select! {
                biased;
                loaded = &mut load => panic!("shown before it is durable: {loaded:?}"),
                listed = &mut events => panic!("shown before it is durable: {listed:?}"),
                () = tokio::task::yield_now() => {}
            }
        }
        allow.send(()).unwrap();
        assert!(load.await.unwrap().is_some());
        assert_eq!(events.await.unwrap().len(), 1);
    };
    tokio::join!(writing, reading);
}

/// A commit that creates the event of a number.
fn creation(number: usize) -> (EventId, Commit) {
    let id = format!("event-{number}");
    let (event, change) = created(EventNumber(u32::try_from(number).unwrap()), terms(&id, 10), 0);
    (event_id(&id), Commit::draft(None, &event, &[change]))
}

type Reply<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + 'a>>;

/// Puts a job into the committer's queue, which has room. It must not run in a task, whose budget would end after
/// some jobs.
fn enqueue<'a, T>(job: impl Future<Output = Result<T, StoreError>> + 'a) -> Reply<'a, T> {
    let mut reply: Reply<'a, T> = Box::pin(job);
    assert!(poll(&mut reply).is_pending());
    reply
}

fn poll<T>(reply: &mut Reply<'_, T>) -> Poll<Result<T, StoreError>> {
    reply.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

fn commit(committer: &Committer, number: usize) -> Reply<'_, Swap> {
    let (id, commit) = creation(number);
    enqueue(committer.commit(id, Token::ABSENT, commit))
}

/// The number of syncs for commits of different events that are enqueued during the sync of another one.
fn syncs_of(commits: usize) -> u64 {
    let (medium, synced, allow) = HeldUp::new();
    let thread = CommitterThread::start(medium).unwrap();
    let committer = thread.committer();
    let first = commit(committer, 0);
    // Its sync has begun, so its round is closed.
    synced.recv().unwrap();
    let others = (1..=commits).map(|number| commit(committer, number)).collect::<Vec<_>>();
    for _ in 0..=commits {
        allow.send(()).unwrap();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for reply in [first].into_iter().chain(others) {
        assert!(matches!(runtime.block_on(reply), Ok(Swap::Won(_))));
    }
    // The committer counts a round after it has replied to it, and replies in order.
    runtime.block_on(committer.check_room()).unwrap();
    let counts = committer.counts();
    assert_eq!(counts.commits, 1 + commits as u64);
    assert_eq!(synced.try_iter().count() as u64, counts.syncs - 1);
    counts.syncs - 1
}

#[test]
fn commits_that_come_during_a_sync_share_the_next_one() {
    assert_eq!(syncs_of(100), 1);
}

#[test]
fn a_round_takes_no_more_jobs_than_it_may() {
    for (commits, syncs) in [(2 * ROUND_JOBS_MAX, 2), (2 * ROUND_JOBS_MAX + 1, 3)] {
        assert_eq!(syncs_of(commits), syncs, "{commits}");
    }
}

/// A round counts the commits that won, and one sync if it wrote anything.
#[test]
fn commits_that_win_and_syncs_that_succeed_are_counted() {
    let (medium, _synced, allow) = HeldUp::new();
    let (committer, mut worker, mut queue) = Committer::new(medium);
    let mut settle = |counts| {
        let mut jobs = Vec::new();
        while let Ok(job) = queue.try_recv() {
            jobs.push(job);
        }
        let round = worker.write(&mut jobs).unwrap();
        worker.settle(round);
        assert_eq!(committer.counts(), counts);
    };

    // Two events are created. The second creation of one of them is lost.
    let mut replies = [1, 2, 2].map(|number| commit(&committer, number));
    allow.send(()).unwrap();
    settle(Counts { commits: 2, syncs: 1 });
    let won = replies.each_mut().map(|reply| matches!(poll(reply), Poll::Ready(Ok(Swap::Won(_)))));
    assert_eq!(won, [true, true, false]);

    // A load needs no sync: what it reads is durable already.
    let mut read = enqueue(committer.load(event_id("event-1")));
    settle(Counts { commits: 2, syncs: 1 });
    assert!(matches!(poll(&mut read), Poll::Ready(Ok(Some(Ok(_))))));

    // A claimed number is written, but is no commit.
    let mut claimed = enqueue(committer.claim_event_number());
    allow.send(()).unwrap();
    settle(Counts { commits: 2, syncs: 2 });
    assert!(matches!(poll(&mut claimed), Poll::Ready(Ok(_))));

    // Neither a sync that fails nor the commits of its round are counted.
    let mut failing = commit(&committer, 3);
    drop(allow);
    settle(Counts { commits: 2, syncs: 2 });
    assert!(matches!(poll(&mut failing), Poll::Ready(Err(StoreError::Failed(_)))));
}
