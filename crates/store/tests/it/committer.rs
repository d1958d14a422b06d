//! The committer's rounds, over an engine that the test holds in its hands.

use std::sync::mpsc;

use ticketboss_core::domain::{EventId, EventNumber, Version};
use ticketboss_store::committer::{CommitterThread, Medium};
use ticketboss_store::ledger::Commit;
use ticketboss_store::{Damage, Listed, Loaded, Store, StoreError, Swap, Token};

use crate::support::{created, event_id, terms};
use ticketboss_store::local::memory::MemoryStore;

/// Writes to memory; each sync waits until the test allows it.
struct HeldUp {
    written: Store,
    runtime: tokio::runtime::Runtime,
    syncs: mpsc::Sender<()>,
    allowed: mpsc::Receiver<()>,
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
    let (syncs, synced) = mpsc::channel();
    let (allow, allowed) = mpsc::channel();
    let engine = HeldUp {
        written: Store::Memory(MemoryStore::default()),
        runtime: tokio::runtime::Builder::new_current_thread().build().unwrap(),
        syncs,
        allowed,
    };
    let thread = CommitterThread::start(engine).unwrap();
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
