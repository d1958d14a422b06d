//! What a follower has received, and whether that is a beginning of what is stored in the end.
//!
//! It must not know: how a follower receives it.

use std::collections::BTreeMap;

use ticketboss_core::domain::{Change, EventId, Timestamp, Version};

/// What one of them was told.
#[derive(Debug)]
pub(super) struct Received {
    by_event: BTreeMap<EventId, Vec<Change>>,
    /// Everything that is dated before, he was told; where he follows by time.
    position: Timestamp,
    faults: Vec<String>,
}

impl Default for Received {
    fn default() -> Self {
        Self { by_event: BTreeMap::new(), position: Timestamp(i64::MAX), faults: Vec::new() }
    }
}

impl Received {
    /// Of somebody who follows all events from their beginning.
    pub(super) fn by_time() -> Self {
        Self { position: Timestamp(0), ..Self::default() }
    }

    /// How many changes of all events he was told.
    pub(super) fn count(&self) -> u64 {
        self.by_event.values().map(|changes| changes.len() as u64).sum()
    }

    /// The newest version of an event that it has received.
    pub(super) fn newest(&self, event: &EventId) -> Version {
        let newest = self.by_event.get(event).and_then(|changes| changes.last());
        newest.map_or(Version::ZERO, |change| change.version)
    }

    /// Notes what comes next. What he knows already he may be told again, where he was not told of
    /// everything up to a position.
    pub(super) fn note(&mut self, event: &EventId, changes: Vec<Change>) {
        let told = self.by_event.entry(event.clone()).or_default();
        for change in changes {
            let place = usize::try_from(change.version.get() - 1).unwrap_or(usize::MAX);
            match told.get(place) {
                Some(known) if *known == change => {}
                None if place == told.len() => told.push(change),
                _ => {
                    let (version, count) = (change.version, told.len());
                    self.faults.push(format!("{event}: {version} was told after {count} others"));
                    return;
                }
            }
        }
    }

    /// Notes what is wrong with what it received.
    pub(super) fn add_fault(&mut self, fault: String) {
        self.faults.push(fault);
    }

    /// The position up to which it has received everything.
    pub(super) fn position(&self) -> Timestamp {
        self.position
    }

    /// Notes that it has received everything before a time.
    pub(super) fn advance(&mut self, until: Timestamp) {
        self.position = self.position.max(until);
    }

    /// What was wrong while he was told.
    pub(super) fn faults(&self) -> &[String] {
        &self.faults
    }

    /// What is wrong with what he was told of an event that has this ledger in the end.
    pub(super) fn held_against(&self, event: &EventId, ledger: &[Change]) -> Vec<String> {
        let mut faults = Vec::new();
        let told = self.by_event.get(event).map_or(&[][..], Vec::as_slice);
        if !ledger.starts_with(told) {
            faults.push(format!("{event}: somebody was told what is not in the ledger"));
        }
        let missed = ledger.iter().skip(told.len()).find(|change| change.at < self.position);
        if let Some(missed) = missed.filter(|_| self.position != Timestamp(i64::MAX)) {
            let (version, position) = (missed.version, self.position.0);
            faults
                .push(format!("{event}: {version} was not told to who has all before {position}"));
        }
        faults
    }
}
