//! Events, and commands for them.

use ticketboss_core::domain::{
    Actor, Change, Command, Event, EventNumber, EventTerms, Fact, Intent, Nonce, PartnerId,
    Refusal, RequestId, ReservationId, Shortage, Timestamp, Version,
};

/// A new event of `number`, and the change that created it at the time `at_ms`.
pub(crate) fn created(number: EventNumber, terms: EventTerms, at_ms: i64) -> (Event, Change) {
    let change = Change {
        version: Version::FIRST,
        at: Timestamp(at_ms),
        by: Actor::System,
        request: RequestId(1),
        key: None,
        note: None,
        refused: None,
        fact: Fact::EventCreated(terms),
    };
    (Event::create(number, &change).unwrap(), change)
}

pub(crate) fn reserve(partner: &PartnerId, seats: u32, nonce: u64) -> Command {
    command(Intent::Reserve { partner: partner.clone(), seats, nonce: Nonce::from_bits(nonce) })
}

pub(crate) fn cancel(reservation: ReservationId) -> Command {
    command(Intent::Cancel { reservation })
}

pub(crate) fn command(intent: Intent) -> Command {
    Command::new(Actor::Anonymous, RequestId(7), intent)
}

/// So many seats are not available, and none is held.
pub(crate) fn short(asked: u32, available: u32, version: Version) -> Refusal {
    let (held, next_expires_at) = (0, None);
    Refusal::NotEnoughSeats(Shortage { asked, available, held, next_expires_at, version })
}

/// Everything that an event is, in a form that can be compared.
pub(crate) fn portrait(event: &Event) -> String {
    format!("{event:#?}")
}
