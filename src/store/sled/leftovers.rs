//! What a crash leaves between the events: pages of commits that did not happen, and what looks like
//! them but is not.

use std::collections::BTreeMap;
use std::ops::Bound;

use ::sled::Tree;

use super::witness::Witnessed;
use super::{event_id, failed, page_key, read_page_key};
use crate::domain::{EventId, EventNumber, Version};
use crate::store::{Loaded, StoreError, read_record};

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
pub(super) fn find(
    events: &Tree,
    ledger: &Tree,
    witnessed: &Witnessed,
) -> Result<Leftovers, StoreError> {
    let records = Records::read(events, witnessed)?;
    let mut found = Leftovers::default();
    let mut after = None;
    while let Some(number) = next_number(ledger, after)? {
        after = Some(number);
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
    fn read(events: &Tree, witnessed: &Witnessed) -> Result<Self, StoreError> {
        let mut records = Self { known: BTreeMap::new(), all_known: true };
        for event in witnessed.keys() {
            records.all_known &= events.contains_key(event.as_str()).map_err(failed)?;
        }
        for entry in events {
            let (key, bytes) = entry.map_err(failed)?;
            let event = event_id(&key)?;
            let Ok(Loaded { record, .. }) = read_record(&event, &bytes) else {
                records.all_known = false;
                continue;
            };
            if witnessed.get(&event).is_some_and(|witnessed| record.version < *witnessed) {
                records.all_known = false;
                continue;
            }
            let latest = records.known.entry(record.number).or_insert((event, record.version));
            latest.1 = latest.1.max(record.version);
        }
        Ok(records)
    }
}

/// Collects the pages of `number` that begin above `version`.
fn collect(
    ledger: &Tree,
    event: Option<&EventId>,
    number: EventNumber,
    version: Version,
    orphans: &mut Vec<Orphan>,
) -> Result<(), StoreError> {
    let above = Bound::Excluded(page_key(number, version));
    let last = Bound::Included(page_key(number, Version::MAX));
    for entry in ledger.range((above, last)) {
        let (key, _) = entry.map_err(failed)?;
        let (_, first_version) = read_page_key(&key)?;
        orphans.push(Orphan { event: event.cloned(), number, first_version });
    }
    Ok(())
}

/// Whether the ledger of `number` is the one page that creating an event writes.
fn is_only_created(ledger: &Tree, number: EventNumber) -> Result<bool, StoreError> {
    let later = page_key(number, Version::FIRST.next())..=page_key(number, Version::MAX);
    let later = ledger.range(later).next().transpose();
    later.map(|page| page.is_none()).map_err(failed)
}

/// The lowest event number after `after` that has any page.
fn next_number(
    ledger: &Tree,
    after: Option<EventNumber>,
) -> Result<Option<EventNumber>, StoreError> {
    let found = match after {
        None => ledger.first(),
        Some(number) => ledger.get_gt(page_key(number, Version::MAX)),
    };
    let Some((key, _)) = found.map_err(failed)? else {
        return Ok(None);
    };
    read_page_key(&key).map(|(number, _)| Some(number))
}

/// Removes orphans.
pub(super) fn remove(ledger: &Tree, orphans: &[Orphan]) -> Result<(), StoreError> {
    for orphan in orphans {
        ledger.remove(page_key(orphan.number, orphan.first_version)).map_err(failed)?;
    }
    Ok(())
}
