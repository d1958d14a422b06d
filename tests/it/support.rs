//! What the tests share: valid values in few words, and commands.

use tempfile::TempDir;
use ticketboss_core::domain::{
    Actor, Change, Command, Event, EventId, EventName, EventNumber, EventTerms, Fact, Intent,
    Nonce, PartnerId, Refusal, RequestId, ReservationId, Seats, Shortage, Timestamp, Version,
};
use ticketboss_store::Store;
use ticketboss_store::local::sled::{self, SledOptions};

/// The most seats that one request may take of an event made by [`terms`].
pub(crate) const SEATS_PER_REQUEST_MAX: u32 = 10;

pub(crate) fn event_id(text: &str) -> EventId {
    EventId::new(text).unwrap()
}

pub(crate) fn partner(text: &str) -> PartnerId {
    PartnerId::new(text).unwrap()
}

pub(crate) fn version(number: u64) -> Version {
    Version::new(number).unwrap()
}

pub(crate) fn terms(id: &str, capacity: u32) -> EventTerms {
    EventTerms::on_sale(
        event_id(id),
        EventName::new("Node Meetup").unwrap(),
        Seats::new(capacity).unwrap(),
        Seats::new(SEATS_PER_REQUEST_MAX).unwrap(),
    )
}

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

pub(crate) fn new_directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Opens the sled store in `directory`, and finds no orphans there.
pub(crate) fn open_store(directory: &TempDir) -> Store {
    let opened = sled::open(&SledOptions::standard(directory.path())).unwrap();
    assert_eq!(opened.leftovers.orphans, []);
    opened.store
}
