//! A change as it is stored: the form that stays, however the domain's types change.
//!
//! It must not know: pages, records, or checksums.

use serde::{Deserialize, Serialize};

use super::Unreadable;
use crate::domain::{
    Actor, Change, EventId, EventName, EventTerms, Fact, InvalidName, Nonce, PartnerId, RequestId,
    Seats, Timestamp, Version,
};

#[derive(Serialize, Deserialize)]
pub(super) struct StoredChange<'a> {
    pub(super) after_first_ms: i64,
    by: StoredActor,
    request: [u8; 16],
    #[serde(borrow)]
    fact: StoredFact<'a>,
    details: Vec<StoredDetail>,
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
}

/// What a change may carry beside its fact. There is nothing yet; the place for it is in the format.
#[derive(Serialize, Deserialize)]
enum StoredDetail {}

pub(super) fn store_change(change: &Change, first_at: Timestamp) -> StoredChange<'_> {
    StoredChange {
        after_first_ms: change.at.0 - first_at.0,
        by: match change.by {
            Actor::Anonymous => StoredActor::Anonymous,
            Actor::System => StoredActor::System,
        },
        request: change.request.0.to_be_bytes(),
        fact: store_fact(change),
        details: Vec::new(),
    }
}

fn store_fact(change: &Change) -> StoredFact<'_> {
    let for_ms = |expires_at: &Timestamp| expires_at.0 - change.at.0;
    match &change.fact {
        Fact::EventCreated(terms) => StoredFact::EventCreated {
            id: terms.id.as_str(),
            name: terms.name.as_str(),
            capacity: terms.capacity.get(),
            seats_per_request_max: terms.seats_per_request_max.get(),
        },
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

pub(super) fn read_change(
    number: u64,
    first_at: i64,
    stored: &StoredChange<'_>,
) -> Result<Change, Unreadable> {
    let at = later(first_at, stored.after_first_ms)?;
    Ok(Change {
        version: version(number)?,
        at,
        by: match stored.by {
            StoredActor::Anonymous => Actor::Anonymous,
            StoredActor::System => Actor::System,
        },
        request: RequestId(u128::from_be_bytes(stored.request)),
        fact: read_fact(stored.fact, at)?,
    })
}

fn read_fact(stored: StoredFact<'_>, at: Timestamp) -> Result<Fact, Unreadable> {
    Ok(match stored {
        StoredFact::EventCreated { id, name, capacity, seats_per_request_max } => {
            Fact::EventCreated(EventTerms {
                id: EventId::new(id).map_err(invalid_name)?,
                name: EventName::new(name).map_err(invalid_name)?,
                capacity: seats(capacity)?,
                seats_per_request_max: seats(seats_per_request_max)?,
            })
        }
        StoredFact::Reserved { partner, seats: count, nonce } => Fact::Reserved {
            partner: PartnerId::new(partner).map_err(invalid_name)?,
            seats: seats(count)?,
            nonce: Nonce::from_bits(nonce),
        },
        StoredFact::Cancelled { reservation } => {
            Fact::Cancelled { reservation: version(reservation)? }
        }
        StoredFact::Held { partner, seats: count, nonce, for_ms } => Fact::Held {
            partner: PartnerId::new(partner).map_err(invalid_name)?,
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
