//! Reading back the past lets others have their turn.

use std::pin::pin;

use ticketboss_core::domain::{Actor, RequestId};
use ticketboss_engine::{Engine, EngineError};
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_store::Store;
use ticketboss_store::local::memory::MemoryStore;

use crate::support::{event_id, partner, terms, version};

/// How often work stops to let others have their turn.
async fn turns_given<T>(work: impl Future<Output = Result<T, EngineError>>) -> u64 {
    let (mut work, mut turns) = (pin!(work), 0);
    let done = std::future::poll_fn(|context| {
        let polled = work.as_mut().poll(context);
        turns += u64::from(polled.is_pending());
        polled
    });
    done.await.unwrap();
    turns
}

/// A store in memory never makes anybody wait, so what is counted is meant.
#[tokio::test]
async fn others_have_their_turn_while_a_long_ledger_is_read_back() {
    let (changes, id) = (2_100, event_id("a"));
    let store = Store::Memory(MemoryStore::default());
    let engine = Engine::open(store, Clock::System, Entropy::System).await.unwrap();
    let created = engine.create_event(terms("a", 10_000), Actor::System, RequestId::NOBODY);
    created.await.unwrap();
    for _ in 1..changes {
        engine.reserve(&id, partner("acme"), 1, RequestId(7)).await.unwrap();
    }
    let last_but_one = engine.event_as_of(&id, version(changes - 1));
    assert_eq!(turns_given(last_but_one).await, (changes - 1) / 256);
    let all = (version(1), version(changes));
    let counted = engine.statistics(&id, all, None, |_, _| Ok::<_, EngineError>(1_000));
    assert_eq!(turns_given(counted).await, 3, "1024 at a time");
}
