//! A change as it is stored: the form that stays, however the domain's types change.
//!
//! It must not know: pages, records, or checksums.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::unreadable::Unreadable;
use ticketboss_core::domain::{
    Actor, Change, Description, EventId, EventName, EventStatus, EventTerms, Fact, InvalidName,
    Key, KeyName, METADATA_ENTRIES_MAX, MetadataKey, MetadataValue, Nonce, Note, PartnerId,
    REFUSED_BY_NAME_MAX, Reason, Reference, RefusalKind, Refused, RequestId, Seats, Timestamp,
    Venue, Version, ZoneName,
};

#[derive(Serialize, Deserialize)]
pub(super) struct StoredChange<'a> {
    pub(super) after_first_ms: i64,
    by: StoredActor,
    request: [u8; 16],
    #[serde(borrow)]
    fact: StoredFact<'a>,
    #[serde(borrow)]
    details: Vec<StoredDetail<'a>>,
}

#[derive(Serialize, Deserialize)]
enum StoredActor {
    Anonymous,
    System,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
enum StoredFact<'a> {
    EventCreated {
        id: &'a str,
        name: &'a str,
        capacity: u32,
        seats_per_request_max: u32,
    },
    Reserved {
        partner: &'a str,
        seats: u32,
        nonce: u64,
    },
    Cancelled {
        reservation: u64,
    },
    /// How long something is held counts from the time of the change.
    Held {
        partner: &'a str,
        seats: u32,
        nonce: u64,
        for_ms: i64,
    },
    Confirmed {
        reservation: u64,
    },
    ConfirmedLate {
        reservation: u64,
    },
    Extended {
        reservation: u64,
        for_ms: i64,
    },
    Expired {
        reservation: u64,
    },
    PartlyCancelled {
        reservation: u64,
        seats: u32,
    },
    /// `EventCreated` is the short form of it, for terms that are the usual ones.
    EventCreatedOn(#[serde(borrow)] StoredTerms<'a>),
    EventUpdated(#[serde(borrow)] StoredTerms<'a>),
    SeatsBlocked {
        seats: u32,
        reason: &'a str,
    },
    SeatsUnblocked {
        block: u64,
    },
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct StoredTerms<'a> {
    id: &'a str,
    name: &'a str,
    description: Option<&'a str>,
    venue: Option<&'a str>,
    starts_at: Option<i64>,
    zone: Option<&'a str>,
    capacity: u32,
    seats_per_request_min: u32,
    seats_per_request_max: u32,
    hold_seconds: u32,
    on_sale_at: Option<i64>,
    off_sale_at: Option<i64>,
    status: StoredStatus,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
enum StoredStatus {
    Draft,
    OnSale,
    Paused,
    Closed,
    Archived,
}

/// What a change may carry beside its fact, each at most once.
#[derive(Serialize, Deserialize)]
enum StoredDetail<'a> {
    Key {
        name: [u8; 16],
        body: [u8; 16],
    },
    Reference(&'a str),
    Metadata(#[serde(borrow)] Vec<(&'a str, &'a str)>),
    ChosenId([u8; 16]),
    /// Kind, partner, times.
    Refused(#[serde(borrow)] Vec<(u8, Option<&'a str>, u32)>),
}

pub(super) fn store_change(change: &Change, first_at: Timestamp) -> StoredChange<'_> {
    StoredChange {
        after_first_ms: change.at.0 - first_at.0,
        by: match change.by {
            Actor::Anonymous => StoredActor::Anonymous,
            Actor::System => StoredActor::System,
        },
        request: change.request.0.to_be_bytes(),
        fact: store_fact(change),
        details: store_details(change),
    }
}

fn store_fact(change: &Change) -> StoredFact<'_> {
    let for_ms = |expires_at: &Timestamp| expires_at.0 - change.at.0;
    match &change.fact {
        Fact::EventCreated(terms) if is_usual(terms) => StoredFact::EventCreated {
            id: terms.id.as_str(),
            name: terms.name.as_str(),
            capacity: terms.capacity.get(),
            seats_per_request_max: terms.seats_per_request_max.get(),
        },
        Fact::EventCreated(terms) => StoredFact::EventCreatedOn(store_terms(terms)),
        Fact::EventUpdated(terms) => StoredFact::EventUpdated(store_terms(terms)),
        Fact::SeatsBlocked { seats, reason } => {
            StoredFact::SeatsBlocked { seats: seats.get(), reason: reason.as_str() }
        }
        Fact::SeatsUnblocked { block } => StoredFact::SeatsUnblocked { block: block.get() },
        Fact::Reserved { partner, seats, nonce } => StoredFact::Reserved {
            partner: partner.as_str(),
            seats: seats.get(),
            nonce: nonce.get(),
        },
        Fact::Held { partner, seats, nonce, expires_at } => StoredFact::Held {
            partner: partner.as_str(),
            seats: seats.get(),
            nonce: nonce.get(),
            for_ms: for_ms(expires_at),
        },
        Fact::Cancelled { reservation } => StoredFact::Cancelled { reservation: reservation.get() },
        Fact::Confirmed { reservation } => StoredFact::Confirmed { reservation: reservation.get() },
        Fact::ConfirmedLate { reservation } => {
            StoredFact::ConfirmedLate { reservation: reservation.get() }
        }
        Fact::Extended { reservation, expires_at } => {
            StoredFact::Extended { reservation: reservation.get(), for_ms: for_ms(expires_at) }
        }
        Fact::Expired { reservation } => StoredFact::Expired { reservation: reservation.get() },
        Fact::PartlyCancelled { reservation, seats } => {
            StoredFact::PartlyCancelled { reservation: reservation.get(), seats: seats.get() }
        }
    }
}

fn is_usual(terms: &EventTerms) -> bool {
    let EventTerms { id, name, capacity, seats_per_request_max, .. } = terms.clone();
    *terms == EventTerms::on_sale(id, name, capacity, seats_per_request_max)
}

fn store_terms(terms: &EventTerms) -> StoredTerms<'_> {
    let at = |moment: Option<Timestamp>| moment.map(|moment| moment.0);
    StoredTerms {
        id: terms.id.as_str(),
        name: terms.name.as_str(),
        description: terms.description.as_ref().map(Description::as_str),
        venue: terms.venue.as_ref().map(Venue::as_str),
        starts_at: at(terms.starts_at),
        zone: terms.zone.as_ref().map(ZoneName::as_str),
        capacity: terms.capacity.get(),
        seats_per_request_min: terms.seats_per_request_min.get(),
        seats_per_request_max: terms.seats_per_request_max.get(),
        hold_seconds: terms.hold_seconds,
        on_sale_at: at(terms.on_sale_at),
        off_sale_at: at(terms.off_sale_at),
        status: match terms.status {
            EventStatus::Draft => StoredStatus::Draft,
            EventStatus::OnSale => StoredStatus::OnSale,
            EventStatus::Paused => StoredStatus::Paused,
            EventStatus::Closed => StoredStatus::Closed,
            EventStatus::Archived => StoredStatus::Archived,
        },
    }
}

fn read_terms(stored: StoredTerms<'_>) -> Result<EventTerms, Unreadable> {
    let text = |invalid| invalid_name(invalid);
    Ok(EventTerms {
        id: EventId::new(stored.id).map_err(text)?,
        name: EventName::kept(stored.name).map_err(text)?,
        description: stored.description.map(Description::kept).transpose().map_err(text)?,
        venue: stored.venue.map(Venue::kept).transpose().map_err(text)?,
        starts_at: stored.starts_at.map(Timestamp),
        zone: stored.zone.map(ZoneName::kept).transpose().map_err(text)?,
        capacity: seats(stored.capacity)?,
        seats_per_request_min: seats(stored.seats_per_request_min)?,
        seats_per_request_max: seats(stored.seats_per_request_max)?,
        hold_seconds: stored.hold_seconds,
        on_sale_at: stored.on_sale_at.map(Timestamp),
        off_sale_at: stored.off_sale_at.map(Timestamp),
        status: match stored.status {
            StoredStatus::Draft => EventStatus::Draft,
            StoredStatus::OnSale => EventStatus::OnSale,
            StoredStatus::Paused => EventStatus::Paused,
            StoredStatus::Closed => EventStatus::Closed,
            StoredStatus::Archived => EventStatus::Archived,
        },
    })
}

pub(super) fn read_change(
    number: u64,
    first_at: i64,
    stored: &StoredChange<'_>,
) -> Result<Change, Unreadable> {
    let at = later(first_at, stored.after_first_ms)?;
    let Details { key, note, refused } = read_details(&stored.details)?;
    Ok(Change {
        version: version(number)?,
        at,
        by: match stored.by {
            StoredActor::Anonymous => Actor::Anonymous,
            StoredActor::System => Actor::System,
        },
        request: RequestId(u128::from_be_bytes(stored.request)),
        key,
        note,
        refused,
        fact: read_fact(stored.fact, at)?,
    })
}

fn read_fact(stored: StoredFact<'_>, at: Timestamp) -> Result<Fact, Unreadable> {
    Ok(match stored {
        StoredFact::EventCreated { id, name, capacity, seats_per_request_max } => {
            Fact::EventCreated(EventTerms::on_sale(
                EventId::new(id).map_err(invalid_name)?,
                EventName::kept(name).map_err(invalid_name)?,
                seats(capacity)?,
                seats(seats_per_request_max)?,
            ))
        }
        StoredFact::Reserved { partner, seats: count, nonce } => Fact::Reserved {
            partner: PartnerId::kept(partner).map_err(invalid_name)?,
            seats: seats(count)?,
            nonce: Nonce::from_bits(nonce),
        },
        StoredFact::Cancelled { reservation } => {
            Fact::Cancelled { reservation: version(reservation)? }
        }
        StoredFact::EventCreatedOn(terms) => Fact::EventCreated(read_terms(terms)?),
        StoredFact::EventUpdated(terms) => Fact::EventUpdated(read_terms(terms)?),
        StoredFact::SeatsBlocked { seats: count, reason } => Fact::SeatsBlocked {
            seats: seats(count)?,
            reason: Reason::kept(reason).map_err(invalid_name)?,
        },
        StoredFact::SeatsUnblocked { block } => Fact::SeatsUnblocked { block: version(block)? },
        StoredFact::Held { partner, seats: count, nonce, for_ms } => Fact::Held {
            partner: PartnerId::kept(partner).map_err(invalid_name)?,
            seats: seats(count)?,
            nonce: Nonce::from_bits(nonce),
            expires_at: later(at.0, for_ms)?,
        },
        StoredFact::Confirmed { reservation } => {
            Fact::Confirmed { reservation: version(reservation)? }
        }
        StoredFact::ConfirmedLate { reservation } => {
            Fact::ConfirmedLate { reservation: version(reservation)? }
        }
        StoredFact::Extended { reservation, for_ms } => {
            Fact::Extended { reservation: version(reservation)?, expires_at: later(at.0, for_ms)? }
        }
        StoredFact::Expired { reservation } => Fact::Expired { reservation: version(reservation)? },
        StoredFact::PartlyCancelled { reservation, seats: count } => {
            Fact::PartlyCancelled { reservation: version(reservation)?, seats: seats(count)? }
        }
    })
}

fn store_details(change: &Change) -> Vec<StoredDetail<'_>> {
    let mut details = Vec::new();
    if let Some(Key { name: KeyName(name), body }) = change.key {
        details.push(StoredDetail::Key { name, body });
    }
    if let Some(note) = &change.note {
        details.extend(note.reference.as_ref().map(|text| StoredDetail::Reference(text.as_str())));
        let entries = note.metadata.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        if !note.metadata.is_empty() {
            details.push(StoredDetail::Metadata(entries.collect()));
        }
        details.extend(note.chosen_id.map(|id| StoredDetail::ChosenId(id.to_be_bytes())));
    }
    if let Some(refused) = &change.refused {
        let stored = refused.iter().map(|Refused { kind, partner, times }| {
            (place_of(*kind), partner.as_ref().map(PartnerId::as_str), *times)
        });
        details.push(StoredDetail::Refused(stored.collect()));
    }
    details
}

/// What a change carries beside its fact, where it does.
struct Details {
    key: Option<Key>,
    note: Option<Arc<Note>>,
    refused: Option<Arc<[Refused]>>,
}

fn read_details(stored: &[StoredDetail<'_>]) -> Result<Details, Unreadable> {
    let (mut key, mut note, mut refused) = (None, Note::default(), None);
    for detail in stored {
        let is_first = match detail {
            StoredDetail::Key { name, body } => {
                key.replace(Key { name: KeyName(*name), body: *body }).is_none()
            }
            StoredDetail::Reference(text) => {
                let reference = Reference::kept(text).map_err(invalid_name)?;
                note.reference.replace(reference).is_none()
            }
            StoredDetail::ChosenId(id) => {
                note.chosen_id.replace(u128::from_be_bytes(*id)).is_none()
            }
            StoredDetail::Metadata(entries) => {
                let is_first = note.metadata.is_empty();
                note.metadata = read_metadata(entries)?;
                is_first
            }
            StoredDetail::Refused(counts) => refused.replace(read_refused(counts)?).is_none(),
        };
        if !is_first {
            return Err(Unreadable::Value("a change has a detail twice"));
        }
    }
    let note = (!note.is_empty()).then(|| Arc::new(note));
    Ok(Details { key, note, refused })
}

fn place_of(kind: RefusalKind) -> u8 {
    let place = RefusalKind::ALL.iter().position(|known| *known == kind);
    place.and_then(|place| u8::try_from(place).ok()).expect("every kind is one of all")
}

fn read_refused(counts: &[(u8, Option<&str>, u32)]) -> Result<Arc<[Refused]>, Unreadable> {
    let named = counts.iter().filter(|(_, partner, _)| partner.is_some()).count();
    let others = counts.len() - named;
    if counts.is_empty() || named > REFUSED_BY_NAME_MAX || others > RefusalKind::ALL.len() {
        return Err(Unreadable::Value("refusals have no such number of counts"));
    }
    let count = |(kind, partner, times): &(u8, Option<&str>, u32)| {
        let kind = RefusalKind::ALL.get(usize::from(*kind)).copied();
        let partner = partner.map(PartnerId::kept).transpose().map_err(invalid_name)?;
        let kind = kind.filter(|_| *times > 0);
        let kind = kind.ok_or(Unreadable::Value("a refusal is of no kind, or was never"))?;
        Ok(Refused { kind, partner, times: *times })
    };
    counts.iter().map(count).collect()
}

fn read_metadata(
    entries: &[(&str, &str)],
) -> Result<Vec<(MetadataKey, MetadataValue)>, Unreadable> {
    if entries.is_empty() || entries.len() > METADATA_ENTRIES_MAX {
        return Err(Unreadable::Value("a note has no such number of entries"));
    }
    let entry = |(name, text): &(&str, &str)| {
        Ok((
            MetadataKey::kept(name).map_err(invalid_name)?,
            MetadataValue::kept(text).map_err(invalid_name)?,
        ))
    };
    entries.iter().map(entry).collect()
}

fn later(than: i64, by_ms: i64) -> Result<Timestamp, Unreadable> {
    than.checked_add(by_ms).map(Timestamp).ok_or(Unreadable::Value("a time is out of range"))
}

pub(super) fn version(number: u64) -> Result<Version, Unreadable> {
    Version::new(number).ok_or(Unreadable::Value("a version is out of range"))
}

fn seats(count: u32) -> Result<Seats, Unreadable> {
    Seats::new(count).ok_or(Unreadable::Value("a number of seats is 0"))
}

fn invalid_name(_: InvalidName) -> Unreadable {
    Unreadable::Value("a name is not valid")
}
