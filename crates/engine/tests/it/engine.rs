//! The use cases, on memory and on sled: many who ask at once, two nodes on one store, callers that
//! go away, closing, reopening, a disk that is full.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tempfile::TempDir;
use ticketboss_core::domain::{
    Actor, Change, Event, EventNumber, Nonce, Refusal, RequestId, ReservationId, Status, Timestamp,
    Version,
};
use ticketboss_engine::{Engine, EngineError, ReservationReceipt};
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_store::codec::Digest;
use ticketboss_store::ledger::{Commit, changes, replay};
use ticketboss_store::local::memory::MemoryStore;
use ticketboss_store::local::sled::{SledOptions, open};
use ticketboss_store::{Store, Swap};

use crate::support::{
    PATIENCE, event_id, new_directory, open_store, partner, portrait, short, terms, version,
};

const REQUEST: RequestId = RequestId(7);
/// The id of the event that every test sells.
const ID: &str = "node-meetup";

/// Makes each of these a test on memory and on sled.
macro_rules! on_every_store {
    ($($case:ident)*) => {
        mod memory {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $case() {
                    super::$case(super::memory_store()).await;
                }
            )*
        }

        mod sled {
            use crate::support::{new_directory, open_store};

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $case() {
                    let directory = new_directory();
                    super::$case(open_store(&directory)).await;
                }
            )*
        }
    };
}

on_every_store! {
    a_reservation_takes_seats_and_a_cancellation_gives_them_back
    what_the_rules_refuse_is_refused
    an_event_is_created_once
    of_many_who_create_an_event_one_does
    sixty_who_want_ten_of_five_hundred_seats_fill_the_hall_exactly
    a_reservation_is_given_up_once_however_many_try
    a_caller_that_goes_away_leaves_a_consistent_event
    an_event_whose_creator_goes_away_is_shown
    a_closed_engine_answers_and_still_shows_what_it_knows
}

fn memory_store() -> Store {
    Store::Memory(MemoryStore::default())
}

async fn open_engine(store: Store) -> Engine {
    let (clock, entropy) = (Clock::manual(1000), Entropy::System);
    Engine::open(store, clock, entropy).await.unwrap()
}

/// An engine that sells one event.
async fn engine_with_event(store: Store, capacity: u32) -> Engine {
    let engine = open_engine(store).await;
    create(&engine, ID, capacity).await.unwrap();
    engine
}

async fn create(engine: &Engine, id: &str, capacity: u32) -> Result<Arc<Event>, EngineError> {
    let created = engine.create_event(terms(id, capacity), Actor::System, REQUEST);
    created.await
}

async fn reserve(engine: &Engine, seats: u32) -> Result<ReservationReceipt, EngineError> {
    let id = event_id(ID);
    let reserved = engine.reserve(&id, partner("acme"), seats, REQUEST);
    reserved.await
}

fn event(engine: &Engine) -> Arc<Event> {
    engine.event(&event_id(ID)).unwrap()
}

fn available(engine: &Engine) -> u32 {
    event(engine).seats().available
}

/// What the rules answered.
fn refusal<T: std::fmt::Debug>(answer: Result<T, EngineError>) -> Refusal {
    match answer {
        Err(EngineError::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

/// Reads the event back from the store, and every change of it.
async fn read_back(store: &Store) -> (Event, Vec<Change>) {
    let id = event_id(ID);
    let loaded = store.load(&id).await.unwrap().unwrap().unwrap();
    let (number, to) = (loaded.record.number, loaded.record.version);
    let pages = store.pages(number, Version::FIRST, to);
    let replayed = replay(&id, &loaded, pages).await.unwrap();
    let pages = store.pages(number, Version::FIRST, to);
    (replayed.event, changes(&id, pages).await.unwrap())
}

async fn a_reservation_takes_seats_and_a_cancellation_gives_them_back(store: Store) {
    let engine = engine_with_event(store.clone(), 500).await;
    assert_eq!(event(&engine).version(), Version::FIRST);
    assert_eq!(engine.default_event_id().unwrap(), event_id(ID));

    let reserved = reserve(&engine, 3).await.unwrap();
    assert_eq!((reserved.version, reserved.reservation().seats.get()), (version(2), 3));
    assert_eq!(available(&engine), 497);
    let kept = engine.reservation(reserved.id()).unwrap();
    assert_eq!((kept.partner, kept.seats.get()), (partner("acme"), 3));
    assert_eq!(kept.made_at, Timestamp(1000));

    let cancelled = engine.cancel(reserved.id(), REQUEST).await.unwrap();
    assert_eq!(cancelled.version, version(3));
    assert_eq!(available(&engine), 500);
    let kept = engine.reservation(reserved.id()).unwrap();
    assert_eq!(kept.status, Status::Cancelled { since: version(3) });

    let (stored, _) = read_back(&store).await;
    assert_eq!(portrait(&stored), portrait(&event(&engine)));
}

async fn what_the_rules_refuse_is_refused(store: Store) {
    let engine = engine_with_event(store, 12).await;
    let reserved = reserve(&engine, 10).await.unwrap();
    for asked in [0, 11, u32::MAX] {
        let refused = refusal(reserve(&engine, asked).await);
        assert_eq!(refused, Refusal::SeatsPerRequest { asked, least: 1, most: 10 });
    }
    let not_enough = short(3, 2, version(2));
    assert_eq!(refusal(reserve(&engine, 3).await), not_enough);

    let guessed =
        ReservationId { nonce: Nonce::from_bits(reserved.id().nonce.get() ^ 1), ..reserved.id() };
    let elsewhere = ReservationId { event: EventNumber(99), ..reserved.id() };
    for unknown in [guessed, elsewhere] {
        let refused = refusal(engine.cancel(unknown, REQUEST).await);
        assert_eq!(refused, Refusal::ReservationNotFound);
        let refused = refusal(engine.reservation(unknown));
        assert_eq!(refused, Refusal::ReservationNotFound);
    }
    engine.cancel(reserved.id(), REQUEST).await.unwrap();
    let refused = refusal(engine.cancel(reserved.id(), REQUEST).await);
    assert_eq!(refused, Refusal::AlreadyCancelled { since: version(3) });

    let unknown = event_id("unknown");
    let answer = engine.reserve(&unknown, partner("acme"), 1, REQUEST).await;
    assert!(matches!(answer, Err(EngineError::EventNotFound)));
    assert!(matches!(engine.event(&unknown), Err(EngineError::EventNotFound)));
    assert_eq!(event(&engine).version(), version(3));
}

async fn an_event_is_created_once(store: Store) {
    let engine = engine_with_event(store.clone(), 12).await;
    reserve(&engine, 2).await.unwrap();
    let again = create(&engine, ID, 500).await.unwrap_err();
    assert!(matches!(&again, EngineError::EventExists(id) if *id == event_id(ID)));

    // A node that was opened before the event was created does not know it and is told by the store.
    let other = open_engine(store.clone()).await;
    create(&other, "later", 5).await.unwrap();
    let again = create(&engine, "later", 500).await.unwrap_err();
    assert!(matches!(&again, EngineError::EventExists(id) if *id == event_id("later")));

    assert_eq!(available(&engine), 10);
    let reopened = open_engine(store).await;
    assert_eq!(reopened.damages(), []);
    let later = reopened.event(&event_id("later")).unwrap();
    assert_eq!(later.seats().capacity, 5);
}

async fn of_many_who_create_an_event_one_does(store: Store) {
    let engine = open_engine(store).await;
    let tasks = (1..=20).map(|capacity| {
        let engine = engine.clone();
        tokio::spawn(async move { create(&engine, ID, capacity).await })
    });
    let mut created = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        match task.await.unwrap() {
            Ok(event) => created.push(event.seats().capacity),
            Err(error) => assert!(matches!(error, EngineError::EventExists(_)), "{error}"),
        }
    }
    assert_eq!(created, [event(&engine).seats().capacity]);
    reserve(&engine, 1).await.unwrap();
}

async fn sixty_who_want_ten_of_five_hundred_seats_fill_the_hall_exactly(store: Store) {
    let engine = engine_with_event(store.clone(), 500).await;
    let tasks = (0..60).map(|_| {
        let engine = engine.clone();
        tokio::spawn(async move { reserve(&engine, 10).await })
    });
    let mut reserved = BTreeMap::new();
    let mut refused = 0;
    for task in tasks.collect::<Vec<_>>() {
        match task.await.unwrap() {
            Ok(made) => assert!(reserved.insert(made.version, made.id()).is_none()),
            Err(error) => {
                let not_enough = short(10, 0, version(51));
                assert_eq!(refusal::<()>(Err(error)), not_enough);
                refused += 1;
            }
        }
    }
    assert_eq!((reserved.len(), refused), (50, 10));
    let seats = event(&engine).seats();
    assert_eq!((seats.available, seats.confirmed), (0, 500));
    let (stored, _) = read_back(&store).await;
    assert_eq!(portrait(&stored), portrait(&event(&engine)));
    for id in reserved.values() {
        assert_eq!(engine.reservation(*id).unwrap().seats.get(), 10);
    }
}

async fn a_reservation_is_given_up_once_however_many_try(store: Store) {
    let engine = engine_with_event(store, 10).await;
    for round in 0..100 {
        let reserved = reserve(&engine, 4).await.unwrap();
        let id = reserved.id();
        let tasks = [0; 8].map(|_| {
            let engine = engine.clone();
            tokio::spawn(async move { engine.cancel(id, REQUEST).await })
        });
        let mut won = 0;
        for task in tasks {
            assert!(available(&engine) <= 10);
            match task.await.unwrap() {
                Ok(cancelled) => {
                    assert_eq!(cancelled.version, reserved.version.next());
                    won += 1;
                }
                Err(error) => {
                    let since = reserved.version.next();
                    let refused = refusal::<()>(Err(error));
                    assert_eq!(refused, Refusal::AlreadyCancelled { since });
                }
            }
        }
        assert_eq!(won, 1, "round {round}");
        assert_eq!(available(&engine), 10);
    }
}

async fn a_caller_that_goes_away_leaves_a_consistent_event(store: Store) {
    let engine = engine_with_event(store.clone(), 500).await;
    for _ in 0..20 {
        let mut asked = pin!(reserve(&engine, 1));
        let polled = asked.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        // The writer needs at least one turn of his own.
        assert!(matches!(polled, Poll::Pending | Poll::Ready(Ok(_))));
    }
    // What was asked before is answered before, so all twenty are behind this one.
    let last = reserve(&engine, 1).await.unwrap();
    assert_eq!(last.version, version(22));
    assert_eq!(available(&engine), 479);
    engine.close().await;
    let (stored, _) = read_back(&store).await;
    assert_eq!(portrait(&stored), portrait(&event(&engine)));
    assert_eq!(stored.version(), version(22));
}

async fn an_event_whose_creator_goes_away_is_shown(store: Store) {
    let engine = open_engine(store).await;
    for waits in 1..6 {
        let id = format!("hurried-{waits}");
        {
            let mut asked = pin!(create(&engine, &id, 5));
            let mut left = waits;
            // He goes away when he would have to wait for so many a time.
            let patience = std::future::poll_fn(|context| {
                left -= 1;
                let is_over = asked.as_mut().poll(context).is_ready() || left == 0;
                if is_over { Poll::Ready(()) } else { Poll::Pending }
            });
            patience.await;
        }
        // What he asked for may be on its way, and is done before or after this.
        let created = create(&engine, &id, 5).await;
        let is_there = matches!(created, Ok(_) | Err(EngineError::EventExists(_)));
        assert!(is_there, "{created:?}");
        let shown = async {
            while engine.event(&event_id(&id)).is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, shown).await.expect("the event is shown");
    }
}

async fn a_closed_engine_answers_and_still_shows_what_it_knows(store: Store) {
    let engine = engine_with_event(store, 500).await;
    let reserved = reserve(&engine, 1).await.unwrap();
    engine.close().await;
    engine.close().await;

    let unavailable = |error: EngineError| assert!(matches!(error, EngineError::Unavailable));
    unavailable(reserve(&engine, 1).await.unwrap_err());
    unavailable(engine.cancel(reserved.id(), REQUEST).await.unwrap_err());
    unavailable(create(&engine, "later", 5).await.unwrap_err());
    unavailable(create(&engine, ID, 5).await.unwrap_err());
    assert_eq!(available(&engine), 499);
    assert_eq!(engine.reservation(reserved.id()).unwrap().seats.get(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn closing_waits_for_those_who_asked_before() {
    let directory = new_directory();
    let engine = engine_with_event(open_store(&directory), 500).await;
    let mut asked = Box::pin(reserve(&engine, 1));
    let polled = asked.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(polled, Poll::Pending | Poll::Ready(Ok(_))));
    engine.close().await;
    assert_eq!(available(&engine), 499);
    if polled.is_pending() {
        assert_eq!(asked.await.unwrap().version, version(2));
    }
}

/// Reserves and cancels through one of two nodes, and says which versions it was given.
async fn hammer(engine: Engine, seats: u32, rounds: usize) -> (Vec<Version>, Vec<Refusal>) {
    let mut versions = Vec::new();
    let mut refused = Vec::new();
    for round in 0..rounds {
        let reserved = match reserve(&engine, seats).await {
            Ok(reserved) => reserved,
            Err(error) => {
                refused.push(refusal::<()>(Err(error)));
                continue;
            }
        };
        versions.push(reserved.version);
        if round % 3 > 0 {
            versions.push(engine.cancel(reserved.id(), REQUEST).await.unwrap().version);
        }
        tokio::task::yield_now().await;
    }
    (versions, refused)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_on_one_store_sell_one_event_without_a_false_word() {
    let store = memory_store();
    let first = engine_with_event(store.clone(), 120).await;
    let second = open_engine(store.clone()).await;
    let own_of_first = reserve(&first, 1).await.unwrap().id();
    let own_of_second = reserve(&second, 1).await.unwrap().id();

    let mut tasks = Vec::new();
    for engine in [&first, &second] {
        for seats in 1..=8 {
            tasks.push(tokio::spawn(hammer(engine.clone(), seats, 40)));
        }
    }
    let mut given = vec![Version::FIRST, own_of_first.version, own_of_second.version];
    let mut refused = Vec::new();
    for task in tasks {
        let (versions, refusals) = task.await.unwrap();
        given.extend(versions);
        refused.extend(refusals);
    }

    let (stored, changes) = read_back(&store).await;
    given.sort_unstable();
    let kept = changes.iter().map(|change| change.version).collect::<Vec<_>>();
    assert_eq!(given, kept, "every version was given out, and just once");
    let available = available_by_version(stored.number(), &changes);
    assert!(!refused.is_empty(), "the hall is too large for this test");
    for refusal in refused {
        let Refusal::NotEnoughSeats(shortage) = refusal else {
            panic!("refused by {refusal}");
        };
        assert_eq!(available[&shortage.version], shortage.available);
        assert!(shortage.asked > shortage.available);
    }

    // Each node catches up with its next commit.
    for (engine, own) in [(&first, own_of_first), (&second, own_of_second)] {
        engine.cancel(own, REQUEST).await.unwrap();
        let (stored, _) = read_back(&store).await;
        stored.audit().unwrap();
        assert_eq!(portrait(&event(engine)), portrait(&stored));
        assert_eq!(engine.damages(), []);
    }
}

/// How many seats were available at each version.
fn available_by_version(number: EventNumber, changes: &[Change]) -> BTreeMap<Version, u32> {
    let mut event = Event::create(number, &changes[0]).unwrap();
    let mut available = BTreeMap::from([(event.version(), event.seats().available)]);
    for change in &changes[1..] {
        event.follow(change).unwrap();
        available.insert(event.version(), event.seats().available);
    }
    available
}

#[tokio::test]
async fn a_node_catches_up_with_what_another_one_has_sold() {
    let store = memory_store();
    let first = engine_with_event(store.clone(), 20).await;
    let second = open_engine(store.clone()).await;
    let sold = [reserve(&first, 10).await.unwrap(), reserve(&first, 4).await.unwrap()];
    first.cancel(sold[0].id(), REQUEST).await.unwrap();

    // The second has seen none of it; it loses the swap, reads three pages and decides again.
    let late = reserve(&second, 10).await.unwrap();
    assert_eq!(late.version, version(5));
    assert_eq!(available(&second), 6);
    assert_eq!(second.reservation(sold[1].id()).unwrap().seats.get(), 4);
    second.cancel(sold[1].id(), REQUEST).await.unwrap();

    // What would have been enough by the book that the first knows is not enough any more.
    reserve(&second, 10).await.unwrap();
    let not_enough = short(10, 0, version(7));
    assert_eq!(refusal(reserve(&first, 10).await), not_enough);
    let (stored, _) = read_back(&store).await;
    for engine in [&first, &second] {
        assert_eq!(portrait(&event(engine)), portrait(&stored));
    }
}

#[tokio::test]
async fn a_ledger_that_another_node_has_broken_stops_the_event() {
    let store = memory_store();
    let engine = engine_with_event(store.clone(), 20).await;
    let id = event_id(ID);
    let loaded = store.load(&id).await.unwrap().unwrap().unwrap();
    let mut record = loaded.record;
    record.version = version(2);
    record.newest_page = Digest([9; 32]);
    let pages = vec![(version(2), b"no page".to_vec())];
    let broken = Commit { pages, record };
    let swap = store.commit(&id, &loaded.token, broken).await.unwrap();
    assert!(matches!(swap, Swap::Won(_)));

    let told = "event node-meetup is damaged at version 2: a ledger page cannot be read: \
                7 bytes is no possible length";
    for _ in 0..2 {
        match reserve(&engine, 1).await {
            Err(EngineError::EventDamaged(damage)) => assert_eq!(damage.to_string(), told),
            other => panic!("answered {other:?}"),
        }
    }
    let shown = engine.event(&id);
    assert!(matches!(shown, Err(EngineError::EventDamaged(_))));
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn more_than_fits_into_a_page_or_a_batch_is_there_after_a_restart() {
    let directory = new_directory();
    let engine = engine_with_event(open_store(&directory), 5000).await;
    let tasks = (0..3000).map(|_| {
        let engine = engine.clone();
        tokio::spawn(async move { reserve(&engine, 1).await })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap().unwrap();
    }
    let before = portrait(&event(&engine));
    engine.close().await;
    drop(engine);

    let engine = open_engine(open_store(&directory)).await;
    assert_eq!(engine.damages(), []);
    assert!(portrait(&event(&engine)) == before, "it is as it was");
    assert_eq!(available(&engine), 2000);
}

#[tokio::test]
async fn what_was_sold_is_there_after_a_restart() {
    let directory = new_directory();
    let engine = engine_with_event(open_store(&directory), 500).await;
    let first = reserve(&engine, 3).await.unwrap();
    let second = reserve(&engine, 5).await.unwrap();
    engine.cancel(first.id(), REQUEST).await.unwrap();
    let before = portrait(&event(&engine));
    engine.close().await;
    drop(engine);

    let engine = open_engine(open_store(&directory)).await;
    assert_eq!(portrait(&event(&engine)), before);
    engine.cancel(second.id(), REQUEST).await.unwrap();
    let refused = refusal(engine.cancel(first.id(), REQUEST).await);
    assert_eq!(refused, Refusal::AlreadyCancelled { since: version(4) });
    assert_eq!(event(&engine).version(), version(5));
}

fn open_with_disk_free_min(directory: &TempDir, disk_free_bytes_min: u64) -> Store {
    let options = SledOptions { disk_free_bytes_min, ..SledOptions::standard(directory.path()) };
    open(&options).unwrap().store
}

#[tokio::test]
async fn a_full_disk_stops_sales_but_not_reading_until_there_is_room() {
    let directory = new_directory();
    let engine = engine_with_event(open_store(&directory), 500).await;
    let reserved = reserve(&engine, 3).await.unwrap();
    engine.close().await;
    drop(engine);

    let engine = open_engine(open_with_disk_free_min(&directory, u64::MAX / 2)).await;
    let full = |error: EngineError| assert!(matches!(error, EngineError::DiskFull));
    full(reserve(&engine, 1).await.unwrap_err());
    full(engine.cancel(reserved.id(), REQUEST).await.unwrap_err());
    full(create(&engine, "later", 5).await.unwrap_err());
    assert_eq!(available(&engine), 497);
    assert_eq!(engine.reservation(reserved.id()).unwrap().seats.get(), 3);
    // What needs no room is still decided.
    let refused = refusal(reserve(&engine, 11).await);
    assert_eq!(refused, Refusal::SeatsPerRequest { asked: 11, least: 1, most: 10 });
    engine.close().await;
    drop(engine);

    let engine = open_engine(open_store(&directory)).await;
    assert_eq!(event(&engine).version(), version(2));
    engine.cancel(reserved.id(), REQUEST).await.unwrap();
    reserve(&engine, 1).await.unwrap();
    create(&engine, "later", 5).await.unwrap();
}
