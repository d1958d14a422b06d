//! A store in memory: the port's plainest backend, for tests and simulations.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::ledger::Commit;
use crate::page_stream::{PageStream, StoredPage};
use crate::port::{Damage, Listed, Loaded, Swap, Token, read_record};
use ticketboss_core::domain::{EventId, EventNumber, Version};

/// Events in memory. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Kept>>);

/// Records and pages in memory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept {
    pub(crate) records: BTreeMap<EventId, Arc<[u8]>>,
    pub(crate) pages: BTreeMap<(EventNumber, Version), Arc<[u8]>>,
    pub(crate) numbers_claimed: u32,
}

impl Kept {
    pub(crate) fn load(&self, event: &EventId) -> Option<Result<Loaded, Damage>> {
        self.records.get(event).map(|bytes| read_record(event, bytes))
    }

    /// Whether the record of `event` is the one that `token` stands for.
    pub(crate) fn has(&self, event: &EventId, token: &Token) -> bool {
        self.records.get(event).map(AsRef::as_ref) == token.bytes()
    }

    pub(crate) fn pages(&self, number: EventNumber, from: Version, to: Version) -> PageStream {
        if from > to {
            return PageStream::of(Vec::new());
        }
        let before = self.pages.range((number, Version::ZERO)..=(number, from)).next_back();
        let first = before.map_or(from, |((_, first_version), _)| *first_version);
        let pages = self.pages.range((number, first)..=(number, to));
        let stored = |((_, first_version), bytes): (&(EventNumber, Version), &Arc<[u8]>)| {
            StoredPage { first_version: *first_version, bytes: bytes.clone() }
        };
        PageStream::of(pages.map(stored).collect())
    }

    pub(crate) fn events(&self) -> Vec<Listed> {
        let listed = |(event, bytes): (&EventId, &Arc<[u8]>)| Listed {
            event: event.clone(),
            loaded: read_record(event, bytes),
        };
        self.records.iter().map(listed).collect()
    }
}

impl MemoryStore {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().expect("no holder of this lock panics")
    }

    pub(crate) fn load(&self, event: &EventId) -> Option<Result<Loaded, Damage>> {
        self.kept().load(event)
    }

    pub(crate) fn commit(&self, event: &EventId, token: &Token, commit: &Commit) -> Swap {
        let mut kept = self.kept();
        if !kept.has(event, token) {
            return Swap::Lost;
        }
        for (first_version, bytes) in &commit.pages {
            let place = (commit.record.number, *first_version);
            kept.pages.insert(place, bytes.as_slice().into());
        }
        let bytes = commit.record.encode();
        let token = Token::of(&bytes);
        kept.records.insert(event.clone(), bytes.into());
        Swap::Won(token)
    }

    pub(crate) fn pages(&self, number: EventNumber, from: Version, to: Version) -> PageStream {
        self.kept().pages(number, from, to)
    }

    pub(crate) fn events(&self) -> Vec<Listed> {
        self.kept().events()
    }

    pub(crate) fn claim_event_number(&self) -> EventNumber {
        let mut kept = self.kept();
        kept.numbers_claimed += 1;
        EventNumber(kept.numbers_claimed)
    }
}
