//! Reading an event as of a version.

use ticketboss_core::domain::{Actor, Event, RequestId, Seats, Version};
use ticketboss_engine::{Engine, EngineError};
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_store::Store;
use ticketboss_store::local::memory::MemoryStore;

use crate::support::{event_id, partner, portrait, terms, version};

const REQUEST: RequestId = RequestId(7);

/// The runtime has one thread, so commands that are joined are one commit and one page.
#[tokio::test]
async fn an_event_is_as_it_was_at_each_version_within_a_page() {
    let store = Store::Memory(MemoryStore::default());
    let engine = Engine::open(store, Clock::manual(1000), Entropy::System).await.unwrap();
    let id = event_id("a");
    engine.create_event(terms("a", 100), Actor::System, REQUEST).await.unwrap();
    let hold = |seats| engine.hold(&id, partner("acme"), seats, 60, REQUEST);
    let reserve = |seats| engine.reserve(&id, partner("globex"), seats, REQUEST);
    let (first, second, third, fourth, fifth) =
        tokio::join!(hold(4), hold(3), reserve(5), reserve(2), hold(1));
    let [first, second, third, fourth, _] =
        [first, second, third, fourth, fifth].map(|made| made.unwrap().id());
    let then = tokio::join!(
        engine.confirm(first, REQUEST),
        engine.extend(second, 90, REQUEST),
        engine.cancel_part(third, Seats::new(2).unwrap(), REQUEST),
        engine.cancel(fourth, REQUEST),
    );
    let then = [then.0, then.1, then.2, then.3].map(|made| made.unwrap().version);
    assert_eq!(then, [7, 8, 9, 10].map(version));

    let newest = engine.event(&id).unwrap();
    let pages = engine.sealed_pages(&id, Version::FIRST, newest.version(), 10).await.unwrap();
    let spans = pages.iter().map(|page| (page.first_version.get(), page.last_version.get()));
    assert_eq!(spans.collect::<Vec<_>>(), [(1, 1), (2, 6), (7, 10)]);
    for pages_max in 0..=3 {
        let pages = engine.sealed_pages(&id, Version::FIRST, newest.version(), pages_max).await;
        assert_eq!(pages.unwrap().len(), pages_max);
    }

    let changes = engine.changes(&id, Version::ZERO, 100).await.unwrap();
    let mut folded = Event::create(newest.number(), &changes[0]).unwrap();
    for change in &changes {
        if change.version > Version::FIRST {
            folded.follow(change).unwrap();
        }
        let then = engine.event_as_of(&id, change.version).await.unwrap();
        assert_eq!(portrait(&then), portrait(&folded), "version {}", change.version);
    }
    assert_eq!(portrait(&newest), portrait(&folded));

    for missing in [Version::ZERO, version(11)] {
        let none = engine.event_as_of(&id, missing).await;
        assert!(matches!(none, Err(EngineError::NoSuchVersion { .. })), "{none:?}");
    }
}
