//! What a crash leaves between the events: pages of commits that did not happen, and what looks like
//! them but is not; and what is missing of what the store had at least.

use std::collections::BTreeMap;

use crate::port::{Damage, Fault, Listed, Loaded, StoreError};
use ticketboss_core::domain::{EventId, EventNumber, Version};

/// Which version of each event was on disk at least.
pub type Witnessed = BTreeMap<EventId, Version>;

/// The keys of all ledgers, in order.
pub trait LedgerKeys {
    /// The first page after the place of `version` in the ledger of `number`.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn page_after(
        &self,
        number: EventNumber,
        version: Version,
    ) -> Result<Option<(EventNumber, Version)>, StoreError>;
}

/// What was found in a store beside whole events.
#[derive(Debug, Default)]
pub struct Leftovers {
    /// Pages that no record counts.
    pub orphans: Vec<Orphan>,
    /// Ledgers that have lost their record: more than a crash leaves, so they are kept.
    pub ownerless: Vec<EventNumber>,
}

/// A ledger page above its record's version, or without a record: what a crash inside a commit leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// The event whose ledger it is in, if that event exists.
    pub event: Option<EventId>,
    /// The number of the event.
    pub number: EventNumber,
    /// The version of the page's first change.
    pub first_version: Version,
}

/// Finds pages above their record's version, and pages of numbers that have no record.
///
/// Where a record cannot be read, it is unknown which number is its; then no number is taken for
/// one without a record. Nor is a number with more than the page of a creation: a crash while an
/// event is created leaves just that one, so a longer ledger has lost its record and is kept. A record
/// that is behind what was `witnessed` is not the one that its ledger goes by, either.
///
/// # Errors
/// When the store cannot be read.
pub fn find(
    records: impl IntoIterator<Item = Result<(EventId, Result<Loaded, Damage>), StoreError>>,
    ledger: &impl LedgerKeys,
    witnessed: &Witnessed,
) -> Result<Leftovers, StoreError> {
    let records = Records::read(records, witnessed)?;
    let mut found = Leftovers::default();
    let mut before = (EventNumber(0), Version::ZERO);
    while let Some((number, _)) = ledger.page_after(before.0, before.1)? {
        before = (number, Version::MAX);
        match records.known.get(&number) {
            Some((event, version)) => {
                collect(ledger, Some(event), number, *version, &mut found.orphans)?;
            }
            None if !records.all_known => {}
            None if is_only_created(ledger, number)? => {
                collect(ledger, None, number, Version::ZERO, &mut found.orphans)?;
            }
            None => found.ownerless.push(number),
        }
    }
    Ok(found)
}

/// Which numbers have a record, and up to which version.
struct Records {
    known: BTreeMap<EventNumber, (EventId, Version)>,
    all_known: bool,
}

impl Records {
    fn read(
        records: impl IntoIterator<Item = Result<(EventId, Result<Loaded, Damage>), StoreError>>,
        witnessed: &Witnessed,
    ) -> Result<Self, StoreError> {
        let mut read = Self { known: BTreeMap::new(), all_known: true };
        let mut missing = witnessed.clone();
        for entry in records {
            let (event, loaded) = entry?;
            missing.remove(&event);
            let Ok(Loaded { record, .. }) = loaded else {
                read.all_known = false;
                continue;
            };
            if witnessed.get(&event).is_some_and(|witnessed| record.version < *witnessed) {
                read.all_known = false;
                continue;
            }
            let latest = read.known.entry(record.number).or_insert((event, record.version));
            latest.1 = latest.1.max(record.version);
        }
        read.all_known &= missing.is_empty();
        Ok(read)
    }
}

/// Collects the pages of `number` that begin above `version`.
fn collect(
    ledger: &impl LedgerKeys,
    event: Option<&EventId>,
    number: EventNumber,
    version: Version,
    orphans: &mut Vec<Orphan>,
) -> Result<(), StoreError> {
    let mut before = version;
    while let Some((found, first_version)) = ledger.page_after(number, before)? {
        if found != number {
            break;
        }
        before = first_version;
        orphans.push(Orphan { event: event.cloned(), number, first_version });
    }
    Ok(())
}

/// Whether the ledger of `number` is the one page that creating an event writes.
fn is_only_created(ledger: &impl LedgerKeys, number: EventNumber) -> Result<bool, StoreError> {
    let later = ledger.page_after(number, Version::FIRST)?;
    Ok(later.is_none_or(|(found, _)| found != number))
}

/// Marks events that have fewer changes than they had as damaged, and lists those that are gone.
pub fn hold_against(witnessed: &Witnessed, listed: &mut Vec<Listed>) {
    for (event, witnessed) in witnessed {
        let lost = |stored: Version| Damage {
            event: event.clone(),
            version: stored.next(),
            fault: Fault::Lost { stored, witnessed: *witnessed },
        };
        match listed.binary_search_by(|listed| listed.event.cmp(event)) {
            Err(place) => {
                let loaded = Err(lost(Version::ZERO));
                listed.insert(place, Listed { event: event.clone(), loaded });
            }
            Ok(place) => {
                let Some(found) = listed.get_mut(place) else { continue };
                let stored = found.loaded.as_ref().map_or(*witnessed, |kept| kept.record.version);
                if stored < *witnessed {
                    found.loaded = Err(lost(stored));
                }
            }
        }
    }
}
