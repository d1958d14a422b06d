//! The open store on a simulated disk.

use std::sync::Arc;

use ticketboss_core::domain::{EventNumber, Version};

use super::disk::SimulatedDisk;
use crate::committer::Committer;
use crate::page_stream::PageStream;

/// An open store on a simulated disk. Clones share it; the committer ends with the last.
#[derive(Debug, Clone)]
pub struct SimulatedStore(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    committer: Committer,
    disk: SimulatedDisk,
}

impl SimulatedStore {
    pub(super) fn new(committer: Committer, disk: SimulatedDisk) -> Self {
        Self(Arc::new(Shared { committer, disk }))
    }

    pub(crate) fn committer(&self) -> &Committer {
        &self.0.committer
    }

    pub(crate) fn pages(&self, number: EventNumber, from: Version, to: Version) -> PageStream {
        let read = self.0.disk.read(|kept| kept.pages(number, from, to));
        read.unwrap_or_else(|error| {
            let (sender, stream) = PageStream::new();
            sender.try_send(Err(error)).expect("a new stream has room");
            stream
        })
    }
}
