//! Holds in an engine: they end at their time, once, whoever asks for what meanwhile.

use std::time::{Duration, Instant};

use ticketboss_core::domain::{
    Actor, Event, EventTerms, Fact, HOLD_SECONDS_MAX, Refusal, RequestId, ReservationId, Seats,
    Status, Timestamp, Version,
};
use ticketboss_engine::{Engine, EngineError, ReservationReceipt};
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_store::Store;
use ticketboss_store::ledger::changes;
use ticketboss_store::local::memory::MemoryStore;

use crate::support::{PATIENCE, event_id, new_directory, open_store, partner, terms, version};

const ID: &str = "node-meetup";
const REQUEST: RequestId = RequestId(7);
const BEGIN_MS: i64 = 1_000_000;
const HOUR_MS: i64 = 60 * 60 * 1_000;
const DAY_MS: i64 = 24 * HOUR_MS;

async fn open_engine(store: &Store, clock: &Clock) -> Engine {
    Engine::open(store.clone(), clock.clone(), Entropy::System).await.unwrap()
}

async fn engine_with_event(store: &Store, clock: &Clock, capacity: u32) -> Engine {
    let engine = open_engine(store, clock).await;
    engine.create_event(terms(ID, capacity), Actor::System, REQUEST).await.unwrap();
    engine
}

fn memory_store() -> Store {
    Store::Memory(MemoryStore::default())
}

async fn hold(
    engine: &Engine,
    seats: u32,
    hold_seconds: u32,
) -> Result<ReservationReceipt, EngineError> {
    engine.hold(&event_id(ID), partner("acme"), seats, hold_seconds, REQUEST).await
}

async fn reserve(engine: &Engine, seats: u32) -> Result<ReservationReceipt, EngineError> {
    engine.reserve(&event_id(ID), partner("globex"), seats, REQUEST).await
}

fn event(engine: &Engine) -> std::sync::Arc<Event> {
    engine.event(&event_id(ID)).unwrap()
}

fn status(engine: &Engine, id: ReservationId) -> Status {
    engine.reservation(id).unwrap().status
}

/// Waits until the event is at a version.
async fn reached(engine: &Engine, version: Version) {
    let deadline = Instant::now() + PATIENCE;
    while event(engine).version() < version {
        assert!(Instant::now() < deadline, "it stays at version {}", event(engine).version());
        tokio::task::yield_now().await;
    }
    assert_eq!(event(engine).version(), version);
}

/// What happened to the event, by the store.
async fn facts(store: &Store) -> Vec<(i64, Fact)> {
    let id = event_id(ID);
    let loaded = store.load(&id).await.unwrap().unwrap().unwrap();
    let pages = store.pages(loaded.record.number, Version::FIRST, loaded.record.version);
    let changes = changes(&id, pages).await.unwrap();
    changes.into_iter().map(|change| (change.at.0, change.fact)).collect()
}

#[tokio::test]
async fn a_hold_ends_when_nobody_asks_for_anything() {
    let (store, clock) = (memory_store(), Clock::manual(BEGIN_MS));
    let engine = engine_with_event(&store, &clock, 10).await;
    let held = hold(&engine, 4, 60).await.unwrap();
    let expires_at = Timestamp(BEGIN_MS + 60_000);
    let Status::Held(kept) = held.reservation().status else { panic!("{held:?}") };
    assert_eq!((kept.expires_at, kept.extensions), (expires_at, 0));

    // A moment before, somebody else is answered, and the hold is still there.
    clock.set(expires_at.0 - 1);
    reserve(&engine, 1).await.unwrap();
    assert_eq!(status(&engine, held.id()), Status::Held(kept));
    assert_eq!(event(&engine).seats().available, 5);

    clock.set(expires_at.0);
    reached(&engine, version(4)).await;
    assert_eq!(status(&engine, held.id()), Status::Expired { since: version(4) });
    assert_eq!(event(&engine).seats().available, 9);
    let (at, fact) = facts(&store).await.pop().unwrap();
    assert_eq!((at, fact), (expires_at.0, Fact::Expired { reservation: version(2) }));
    engine.close().await;
}

#[tokio::test]
async fn seats_of_a_hold_that_is_over_are_there_for_the_next_command() {
    let (store, clock) = (memory_store(), Clock::manual(BEGIN_MS));
    let engine = engine_with_event(&store, &clock, 10).await;
    let held = hold(&engine, 10, 60).await.unwrap();
    let Err(EngineError::Refused(Refusal::NotEnoughSeats(shortage))) = reserve(&engine, 1).await
    else {
        panic!("there are no seats");
    };
    assert_eq!((shortage.held, shortage.available), (10, 0));
    assert_eq!(shortage.next_expires_at, Some(Timestamp(BEGIN_MS + 60_000)));

    clock.set(BEGIN_MS + 60_000);
    // Whoever is quicker, the timer or the command: the hold ends first, and once.
    reserve(&engine, 10).await.unwrap();
    assert!(matches!(status(&engine, held.id()), Status::Expired { .. }));
    let late = engine.confirm(held.id(), REQUEST).await;
    assert!(matches!(late, Err(EngineError::Refused(Refusal::HoldExpired(_)))), "{late:?}");
    assert_eq!(event(&engine).version(), version(4));
    engine.close().await;
}

#[tokio::test]
async fn what_was_paid_late_is_sold_if_the_seats_are_still_there() {
    let (store, clock) = (memory_store(), Clock::manual(BEGIN_MS));
    let engine = engine_with_event(&store, &clock, 10).await;
    let held = hold(&engine, 6, 60).await.unwrap();
    clock.set(BEGIN_MS + HOUR_MS);
    let confirmed = engine.confirm(held.id(), REQUEST).await.unwrap();
    assert_eq!(confirmed.reservation().status, Status::Confirmed);
    assert_eq!(confirmed.id(), held.id());
    let happened = facts(&store).await.into_iter().skip(2).map(|(_, fact)| fact);
    let reservation = version(2);
    let expected = [Fact::Expired { reservation }, Fact::ConfirmedLate { reservation }];
    assert_eq!(happened.collect::<Vec<_>>(), expected);
    let part = engine.cancel_part(held.id(), Seats::new(2).unwrap(), REQUEST).await.unwrap();
    assert_eq!(part.reservation().seats.get(), 4);
    assert_eq!(event(&engine).seats().available, 6);
    engine.close().await;
}

#[tokio::test]
async fn an_extended_hold_ends_at_its_new_time() {
    let (store, clock) = (memory_store(), Clock::manual(BEGIN_MS));
    let engine = engine_with_event(&store, &clock, 10).await;
    let held = hold(&engine, 6, 60).await.unwrap();
    clock.set(BEGIN_MS + 59_999);
    engine.extend(held.id(), 60, REQUEST).await.unwrap();
    clock.set(BEGIN_MS + 119_998);
    reserve(&engine, 1).await.unwrap();
    assert!(matches!(status(&engine, held.id()), Status::Held(_)));
    clock.set(BEGIN_MS + 119_999);
    reached(&engine, version(5)).await;
    assert_eq!(status(&engine, held.id()), Status::Expired { since: version(5) });
    engine.close().await;
}

#[tokio::test]
async fn a_hold_ends_after_a_restart() {
    let directory = new_directory();
    let clock = Clock::manual(BEGIN_MS);
    let store = open_store(&directory);
    let engine = engine_with_event(&store, &clock, 10).await;
    let held = hold(&engine, 6, 60).await.unwrap();
    let longer = hold(&engine, 2, HOLD_SECONDS_MAX).await.unwrap();
    engine.close().await;
    drop((engine, store));

    clock.set(BEGIN_MS + 60_000);
    let engine = open_engine(&open_store(&directory), &clock).await;
    reached(&engine, version(4)).await;
    assert_eq!(status(&engine, held.id()), Status::Expired { since: version(4) });
    assert!(matches!(status(&engine, longer.id()), Status::Held(_)));
    assert_eq!(event(&engine).seats().available, 8);
    engine.close().await;
}

/// The clock of a running engine is a steady one. Here it is wrong by an hour from the start, as if the
/// machine's had been set back before the restart.
#[tokio::test]
async fn a_clock_that_was_set_back_before_a_restart_does_not_make_a_hold_longer() {
    let store = memory_store();
    let begin_ms = Clock::System.now().0 + HOUR_MS;
    let ahead = Clock::manual(begin_ms);
    let engine = engine_with_event(&store, &ahead, 10).await;
    let held = hold(&engine, 6, 10).await.unwrap();
    ahead.set(begin_ms + 9_000);
    reserve(&engine, 1).await.unwrap();
    engine.close().await;

    let began = Instant::now();
    let engine = open_engine(&store, &Clock::steady()).await;
    while matches!(status(&engine, held.id()), Status::Held(_)) {
        assert!(began.elapsed() < PATIENCE, "it never ends");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(began.elapsed() >= Duration::from_millis(900), "it ended after {:?}", began.elapsed());
    assert_eq!(status(&engine, held.id()), Status::Expired { since: version(4) });
    engine.close().await;
}

#[tokio::test]
async fn a_date_far_ahead_does_not_stop_the_time_of_its_event() {
    let (store, clock) = (memory_store(), Clock::manual(BEGIN_MS + 3 * DAY_MS));
    let engine = open_engine(&store, &clock).await;
    let ends = EventTerms { off_sale_at: Some(Timestamp(BEGIN_MS + DAY_MS)), ..terms(ID, 10) };
    engine.create_event(ends, Actor::System, REQUEST).await.unwrap();
    engine.close().await;

    clock.set(BEGIN_MS);
    let engine = open_engine(&store, &clock).await;
    let held = hold(&engine, 4, 10).await.unwrap();
    let Status::Held(kept) = held.reservation().status else { panic!("{held:?}") };
    assert_eq!(kept.expires_at, Timestamp(BEGIN_MS + 10_000));
    reserve(&engine, 1).await.unwrap();
    clock.set(BEGIN_MS + 9_000);
    engine.extend(held.id(), 20, REQUEST).await.unwrap();
    clock.set(BEGIN_MS + 28_999);
    reserve(&engine, 1).await.unwrap();
    assert!(matches!(status(&engine, held.id()), Status::Held(_)));
    clock.set(BEGIN_MS + 29_000);
    reached(&engine, version(6)).await;
    assert_eq!(status(&engine, held.id()), Status::Expired { since: version(6) });
    clock.set(BEGIN_MS + DAY_MS);
    let late = reserve(&engine, 1).await;
    assert!(matches!(late, Err(EngineError::Refused(Refusal::NotOnSale { .. }))), "{late:?}");
    engine.close().await;

    // Its dates do not fall, and it is found whole.
    let dated = facts(&store).await.into_iter().map(|(at, _)| at);
    assert_eq!(dated.collect::<Vec<_>>(), [BEGIN_MS + 3 * DAY_MS; 6]);
    let engine = open_engine(&store, &clock).await;
    assert_eq!((engine.damages(), event(&engine).seats().available), (vec![], 8));
    engine.close().await;
}

#[tokio::test]
async fn a_date_far_ahead_does_not_take_their_time_from_the_others() {
    let store = memory_store();
    let now_ms = Clock::System.now().0;
    let create = async |id, at_ms| {
        let engine = open_engine(&store, &Clock::manual(at_ms)).await;
        engine.create_event(terms(id, 10), Actor::System, REQUEST).await.unwrap();
        engine.close().await;
    };
    create("an-hour", now_ms + HOUR_MS).await;
    create("three-days", now_ms + 3 * DAY_MS).await;
    let engine = open_engine(&store, &Clock::steady()).await;
    let ahead_ms = engine.now().0 - now_ms;
    assert!((HOUR_MS..DAY_MS).contains(&ahead_ms), "the clock is put forward by {ahead_ms} ms");
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn more_holds_than_end_in_one_commit_end_once_each() {
    const HOLDS: u32 = 5_000;
    let (store, clock) = (memory_store(), Clock::manual(BEGIN_MS));
    let engine = engine_with_event(&store, &clock, HOLDS + 10).await;
    let tasks = (0..HOLDS).map(|_| {
        let engine = engine.clone();
        tokio::spawn(async move {
            // More of them at once than may wait are refused; they come again.
            while let Err(error) = hold(&engine, 1, 60).await {
                assert!(matches!(error, EngineError::Overloaded), "{error}");
                tokio::task::yield_now().await;
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert_eq!(event(&engine).seats().held, HOLDS);
    clock.set(BEGIN_MS + 60_000);
    let sold = reserve(&engine, 10).await.unwrap();
    assert_eq!(sold.version.get(), 1 + u64::from(2 * HOLDS) + 1);
    let seats = event(&engine).seats();
    assert_eq!((seats.available, seats.held), (HOLDS, 0));
    event(&engine).audit().unwrap();
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_end_a_hold_once() {
    let (store, clock) = (memory_store(), Clock::manual(BEGIN_MS));
    let first = engine_with_event(&store, &clock, 10).await;
    let held = hold(&first, 6, 60).await.unwrap();
    let second = open_engine(&store, &clock).await;
    clock.set(BEGIN_MS + 60_000);
    for engine in [&first, &second] {
        reached(engine, version(3)).await;
        assert_eq!(status(engine, held.id()), Status::Expired { since: version(3) });
    }
    assert_eq!(facts(&store).await.len(), 3);
    first.close().await;
    second.close().await;
}
