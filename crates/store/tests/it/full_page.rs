//! A batch that fills pages to the brim is read back. Of a page that is not, the event would be lost at
//! the next start, though every byte of it is there.

use ticketboss_core::domain::{
    Actor, Change, Event, EventId, EventName, EventTerms, Fact, Nonce, PartnerId, RequestId, Seats,
    Timestamp, Version,
};
use ticketboss_store::codec::PAGE_BYTES_MAX;
use ticketboss_store::local::memory::MemoryStore;
use ticketboss_store::{Commit, Store, Swap, Token, ledger};

#[tokio::test]
async fn full_pages_of_short_and_long_names_read_back() {
    for partner in ["p", "box-office-0417.north-sea-festivals.example", &"🎟".repeat(128)] {
        let store = Store::Memory(MemoryStore::default());
        let id = EventId::new("node-meetup-2025").unwrap();
        let (event, commit) = sales(store.claim_event_number().await.unwrap(), &id, partner);
        let longest = commit.pages.iter().map(|(_, bytes)| bytes.len()).max();
        assert!(longest > Some(PAGE_BYTES_MAX * 9 / 10), "{longest:?} is no full page");
        let won = store.commit(&id, &Token::ABSENT, commit).await.unwrap();
        assert!(matches!(won, Swap::Won(_)));

        let loaded = store.load(&id).await.unwrap().unwrap().unwrap();
        let pages = store.pages(event.number(), Version::FIRST, event.version());
        let replayed = ledger::replay(&id, &loaded, pages).await.unwrap();
        assert_eq!(replayed.event.version(), event.version());
        assert_eq!(replayed.event.seats(), event.seats());
    }
}

/// A new event with 2000 sales, as one commit.
fn sales(
    number: ticketboss_core::domain::EventNumber,
    id: &EventId,
    partner: &str,
) -> (Event, Commit) {
    let change = |version, fact| Change {
        version,
        at: Timestamp(1_760_000_000_000),
        by: Actor::Anonymous,
        request: RequestId(u128::MAX),
        key: None,
        note: None,
        refused: None,
        fact,
    };
    let terms = EventTerms::on_sale(
        id.clone(),
        EventName::new("Node Meetup 2025").unwrap(),
        Seats::new(5000).unwrap(),
        Seats::new(10).unwrap(),
    );
    let mut changes = vec![change(Version::FIRST, Fact::EventCreated(terms))];
    let mut event = Event::create(number, &changes[0]).unwrap();
    for _ in 0..2000 {
        let sale = change(
            event.version().next(),
            Fact::Reserved {
                partner: PartnerId::new(partner).unwrap(),
                seats: Seats::new(2).unwrap(),
                nonce: Nonce::from_bits(u64::MAX),
            },
        );
        event.apply(&sale);
        changes.push(sale);
    }
    let commit = Commit::draft(None, &event, &changes);
    (event, commit)
}
