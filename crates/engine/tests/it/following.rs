//! Following what is committed, on the engine's floor.

use ticketboss_core::domain::{Actor, RequestId, Timestamp};
use ticketboss_engine::{Added, Engine, FollowingAll};
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_store::Store;
use ticketboss_store::local::memory::MemoryStore;

use crate::support::{event_id, partner, terms};

/// 2026-01-01T00:00:00Z.
const BEGIN_MS: i64 = 1_767_225_600_000;

/// The events and versions of what has been added.
async fn read(following: &mut FollowingAll) -> Vec<String> {
    let Added { stretches, .. } = following.read().await.unwrap();
    let told = stretches.iter().map(|(id, changes)| {
        let versions = changes.iter().map(|change| change.version.to_string()).collect::<Vec<_>>();
        format!("{} {}", id.as_str(), versions.join(" "))
    });
    told.collect()
}

#[tokio::test]
async fn what_one_was_told_and_could_not_tell_the_next_one_is_told() {
    let clock = Clock::manual(BEGIN_MS);
    let store = Store::Memory(MemoryStore::default());
    let engine = Engine::open(store, clock.clone(), Entropy::System).await.unwrap();
    engine.create_event(terms("a", 10), Actor::System, RequestId::NOBODY).await.unwrap();
    clock.set(BEGIN_MS + 1);
    engine.reserve(&event_id("a"), partner("acme"), 2, RequestId::NOBODY).await.unwrap();
    let mut following = engine.follow_all(Timestamp(BEGIN_MS));
    // More may still happen in this millisecond, so that this is not settled.
    assert_eq!(read(&mut following).await, ["a 1"]);
    drop(following);
    let mut following = engine.follow_all(Timestamp(BEGIN_MS + 1));
    clock.set(BEGIN_MS + 2);
    assert_eq!(read(&mut following).await, ["a 2"]);
    assert_eq!(read(&mut following).await, Vec::<String>::new());
}
