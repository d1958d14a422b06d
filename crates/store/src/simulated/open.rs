//! Opening what is on a simulated disk, and its committer's rounds.

use ticketboss_runtime::tasks::Tasks;
use ticketboss_runtime::tasks::sync::{mpsc, receive_many};

use super::backend::SimulatedStore;
use super::disk::SimulatedDisk;
use crate::committer::{Committer, Job, ROUND_JOBS_MAX, Worker};
use crate::port::StoreError;
use crate::recovery::Leftovers;
use crate::store::Store;

/// Opens what is on a disk. The committer is run by `tasks`.
///
/// # Errors
/// When the disk fails meanwhile.
pub fn open(disk: SimulatedDisk, tasks: &Tasks) -> Result<(Store, Leftovers), StoreError> {
    let leftovers = disk.remove_leftovers()?;
    let (committer, worker, jobs) = Committer::new(disk.clone());
    tasks.spawn(commit_all(worker, jobs, disk.clone()));
    Ok((Store::Simulated(SimulatedStore::new(committer, disk)), leftovers))
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
