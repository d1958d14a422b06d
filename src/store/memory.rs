//! A store in memory: the port's plainest backend, for tests and simulations.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use super::ledger::Commit;
use super::{Damage, Listed, Loaded, PageStream, StoredPage, Swap, Token, read_record};
use crate::domain::{EventId, EventNumber, Version};

/// Events in memory. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    records: BTreeMap<EventId, Arc<[u8]>>,
    pages: BTreeMap<(EventNumber, Version), Arc<[u8]>>,
    numbers_claimed: u32,
}

impl MemoryStore {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().expect("no holder of this lock panics")
    }

    pub(super) fn load(&self, event: &EventId) -> Option<Result<Loaded, Damage>> {
        self.kept().records.get(event).map(|bytes| read_record(event, bytes))
    }

    pub(super) fn commit(&self, event: &EventId, token: &Token, commit: &Commit) -> Swap {
        let mut kept = self.kept();
        if kept.records.get(event).map(AsRef::as_ref) != token.bytes() {
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

    pub(super) fn pages(&self, number: EventNumber, from: Version, to: Version) -> PageStream {
        let pages = self
            .kept()
            .pages
            .range((number, from)..)
            .take_while(|(place, _)| **place <= (number, to))
            .map(|((_, first_version), bytes)| StoredPage {
                first_version: *first_version,
                bytes: bytes.clone(),
            })
            .collect();
        PageStream::of(pages)
    }

    pub(super) fn events(&self) -> Vec<Listed> {
        let kept = self.kept();
        let listed = |(event, bytes): (&EventId, &Arc<[u8]>)| Listed {
            event: event.clone(),
            loaded: read_record(event, bytes),
        };
        kept.records.iter().map(listed).collect()
    }

    pub(super) fn claim_event_number(&self) -> EventNumber {
        let mut kept = self.kept();
        kept.numbers_claimed += 1;
        EventNumber(kept.numbers_claimed)
    }
}
