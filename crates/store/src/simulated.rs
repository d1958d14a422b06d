//! A store on a simulated disk: the port's backend for simulations.
//!
//! Its committer is the one that sled has, working off the same rounds; only the disk underneath, the
//! time that everything takes and the order in which it happens are made up, from one seed.

mod disk;

use std::sync::Arc;

pub use self::disk::{Faults, Happened, Pace, SimulatedDisk};
use super::committer::{Committer, Job, ROUND_JOBS_MAX, Worker};
use super::ledger::Commit;
use super::recovery::Leftovers;
use super::{Damage, Listed, Loaded, PageStream, Store, StoreError, Swap, Token};
use ticketboss_core::domain::{EventId, EventNumber, Version};
use ticketboss_runtime::tasks::Tasks;
use ticketboss_runtime::tasks::sync::{mpsc, receive_many};

/// An open store on a simulated disk. Clones share it; the committer ends with the last.
#[derive(Debug, Clone)]
pub struct SimulatedStore(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    committer: Committer,
    disk: SimulatedDisk,
}

/// Opens what is on a disk. The committer is run by `tasks`.
///
/// # Errors
/// When the disk fails meanwhile.
pub fn open(disk: SimulatedDisk, tasks: &Tasks) -> Result<(Store, Leftovers), StoreError> {
    let leftovers = disk.remove_leftovers()?;
    let (committer, worker, jobs) = Committer::new(disk.clone());
    tasks.spawn(commit_all(worker, jobs, disk.clone()));
    Ok((Store::Simulated(SimulatedStore(Arc::new(Shared { committer, disk }))), leftovers))
}

/// Works as the committer's thread does, and takes its time between the steps.
async fn commit_all(
    mut worker: Worker<SimulatedDisk>,
    mut jobs: mpsc::Receiver<Job>,
    disk: SimulatedDisk,
) {
    let mut round = Vec::new();
    while receive_many(&mut jobs, &mut round, ROUND_JOBS_MAX).await > 0 {
        disk.step().await;
        if let Some(written) = worker.write(&mut round) {
            disk.step().await;
            worker.settle(written);
        }
    }
}

impl SimulatedStore {
    pub(super) async fn load(
        &self,
        event: &EventId,
    ) -> Result<Option<Result<Loaded, Damage>>, StoreError> {
        self.0.committer.load(event.clone()).await
    }

    pub(super) async fn commit(
        &self,
        event: &EventId,
        token: &Token,
        commit: Commit,
    ) -> Result<Swap, StoreError> {
        self.0.committer.commit(event.clone(), token.clone(), commit).await
    }

    pub(super) fn pages(&self, number: EventNumber, from: Version, to: Version) -> PageStream {
        let read = self.0.disk.read(|kept| kept.pages(number, from, to));
        read.unwrap_or_else(|error| {
            let (sender, stream) = PageStream::new();
            sender.try_send(Err(error)).expect("a new stream has room");
            stream
        })
    }

    pub(super) async fn events(&self) -> Result<Vec<Listed>, StoreError> {
        self.0.committer.events().await
    }

    pub(super) async fn claim_event_number(&self) -> Result<EventNumber, StoreError> {
        self.0.committer.claim_event_number().await
    }

    pub(super) async fn check_room(&self) -> Result<(), StoreError> {
        self.0.committer.check_room().await
    }

    pub(super) async fn failed(&self) -> Arc<str> {
        self.0.committer.failed().await
    }
}
