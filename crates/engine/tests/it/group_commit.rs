//! Group commit: a batch takes every command that is ready, up to a limit.
//!
//! All tasks of a test run on one thread, so the counts follow from the order in which the tasks start.

use std::time::Instant;

use ticketboss_core::domain::{
    Actor, Change, Event, EventId, EventNumber, Fact, Nonce, RequestId, Seats, Timestamp, Version,
};
use ticketboss_engine::Engine;
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_store::{Commit, Counts, Store, Swap, Token};
use tokio::runtime::Builder;
use tokio::task::JoinHandle;

use crate::support::{
    PATIENCE, created, event_id, new_directory, open_store, partner, terms, version,
};

/// The default of the runtime, which the program uses.
const EVENT_INTERVAL: u32 = 61;
const REQUEST: RequestId = RequestId(7);
const BEGIN_MS: i64 = 1_000_000;
const HOLD_MS: i64 = 60_000;
/// How many commands are decided and committed as one.
const BATCH_COMMANDS_MAX: usize = 1024;
/// How many holds end in one commit.
const EXPIRIES_MAX: u32 = 4096;

/// Runs a test whose tasks are polled in the order in which they become ready.
fn in_turns(test: impl Future<Output = ()>) {
    Builder::new_current_thread().event_interval(u32::MAX).build().unwrap().block_on(test);
}

/// Runs a test on one worker thread of the kind that the program has. A task that another one wakes is polled
/// next. A task that yields is polled again after `event_interval` polls, or when no other task is ready.
fn on_a_worker(event_interval: u32, test: impl Future<Output = ()> + Send + 'static) {
    let runtime =
        Builder::new_multi_thread().worker_threads(1).event_interval(event_interval).build();
    runtime.unwrap().block_on(async { tokio::spawn(test).await.unwrap() });
}

async fn engine_of(store: &Store, clock: &Clock) -> Engine {
    Engine::open(store.clone(), clock.clone(), Entropy::System).await.unwrap()
}

async fn create(engine: &Engine, id: &EventId) {
    engine.create_event(terms(id.as_str(), 10_000), Actor::System, REQUEST).await.unwrap();
}

/// Spawns a task that reserves a seat.
fn reserve(engine: &Engine, id: &EventId) -> JoinHandle<Version> {
    let (engine, id) = (engine.clone(), id.clone());
    tokio::spawn(
        async move { engine.reserve(&id, partner("acme"), 1, REQUEST).await.unwrap().version },
    )
}

/// Spawns a task that yields once and then reserves a seat.
fn reserve_soon(engine: &Engine, id: &EventId) -> JoinHandle<Version> {
    let (engine, id) = (engine.clone(), id.clone());
    tokio::spawn(async move {
        tokio::task::yield_now().await;
        engine.reserve(&id, partner("acme"), 1, REQUEST).await.unwrap().version
    })
}

/// The versions of the reservations that the tasks make, in order.
async fn versions(tasks: Vec<JoinHandle<Version>>) -> Vec<u64> {
    let mut versions = Vec::new();
    for task in tasks {
        versions.push(task.await.unwrap().get());
    }
    versions.sort_unstable();
    versions
}

/// The counters of the committer. It counts a round after it has replied to it, and replies in order: after
/// this reply all rounds before are counted.
async fn counts(store: &Store) -> Counts {
    store.check_room().await.unwrap();
    store.counts().unwrap()
}

/// How far the counters have gone since `before`.
async fn since(before: Counts, store: &Store) -> Counts {
    let now = counts(store).await;
    Counts { commits: now.commits - before.commits, syncs: now.syncs - before.syncs }
}

#[test]
fn a_hundred_tasks_that_are_about_to_reserve_make_one_commit() {
    on_a_worker(EVENT_INTERVAL, async {
        let directory = new_directory();
        let store = open_store(&directory);
        let engine = engine_of(&store, &Clock::manual(BEGIN_MS)).await;
        let id = event_id("a");
        create(&engine, &id).await;
        let before = counts(&store).await;
        let tasks = (0..100).map(|_| reserve_soon(&engine, &id));
        let versions = versions(tasks.collect()).await;
        assert_eq!(versions, (2..=101).collect::<Vec<_>>());
        assert_eq!(since(before, &store).await, Counts { commits: 1, syncs: 1 });
    });
}

/// The writer yields a limited number of times before it commits.
#[test]
fn tasks_that_keep_coming_do_not_hold_up_a_commit() {
    // With so few polls between two of the writer, its commands are far from a whole batch.
    on_a_worker(4, async {
        let directory = new_directory();
        let store = open_store(&directory);
        let engine = engine_of(&store, &Clock::manual(BEGIN_MS)).await;
        let id = event_id("a");
        create(&engine, &id).await;
        let tasks = (0..BATCH_COMMANDS_MAX).map(|_| reserve(&engine, &id));
        versions(tasks.collect()).await;
        let newest = engine.event(&id).unwrap().version();
        let pages = engine.sealed_pages(&id, version(2), newest, 1).await.unwrap();
        let first = pages[0].last_version.get() - 1;
        assert!((2..=150).contains(&first), "the first commit has {first} changes");
    });
}

/// How many of the commits share a sync depends on the speed of the disk; the committer's own tests count that.
#[test]
fn events_that_sell_at_the_same_time_make_one_commit_each() {
    in_turns(async {
        const EVENTS: usize = 20;
        let directory = new_directory();
        let store = open_store(&directory);
        let engine = engine_of(&store, &Clock::manual(BEGIN_MS)).await;
        let ids =
            (0..EVENTS).map(|number| event_id(&format!("event-{number}"))).collect::<Vec<_>>();
        for id in &ids {
            create(&engine, id).await;
        }
        let before = counts(&store).await;
        let tasks = (0..100).map(|task| reserve_soon(&engine, &ids[task % EVENTS]));
        versions(tasks.collect()).await;
        assert_eq!(since(before, &store).await.commits, EVENTS as u64);
    });
}

#[test]
fn more_commands_than_a_batch_takes_are_several_commits() {
    in_turns(async {
        let directory = new_directory();
        let store = open_store(&directory);
        let engine = engine_of(&store, &Clock::manual(BEGIN_MS)).await;
        let id = event_id("a");
        create(&engine, &id).await;
        for (commands, commits) in [(2 * BATCH_COMMANDS_MAX, 2), (2 * BATCH_COMMANDS_MAX + 1, 3)] {
            let before = counts(&store).await;
            let tasks = (0..commands).map(|_| reserve_soon(&engine, &id));
            versions(tasks.collect()).await;
            assert_eq!(
                since(before, &store).await,
                Counts { commits, syncs: commits },
                "{commands}"
            );
        }
    });
}

/// Stores an event `a` with holds that all end at the same time.
async fn store_holds(store: &Store, holds: u32) {
    let number = store.claim_event_number().await.unwrap();
    let (event, changes) = held(number, holds);
    let commit = Commit::draft(None, &event, &changes);
    let swap = store.commit(event.id(), &Token::ABSENT, commit).await.unwrap();
    assert!(matches!(swap, Swap::Won(_)));
}

fn held(number: EventNumber, holds: u32) -> (Event, Vec<Change>) {
    let (mut event, creation) = created(number, terms("a", holds), BEGIN_MS);
    let mut changes = vec![creation];
    for nonce in 0..holds {
        let held = Change {
            version: event.version().next(),
            at: Timestamp(BEGIN_MS),
            by: Actor::Anonymous,
            request: REQUEST,
            key: None,
            note: None,
            refused: None,
            fact: Fact::Held {
                partner: partner("acme"),
                seats: Seats::new(1).unwrap(),
                nonce: Nonce::from_bits(nonce.into()),
                expires_at: Timestamp(BEGIN_MS + HOLD_MS),
            },
        };
        event.apply(&held);
        changes.push(held);
    }
    (event, changes)
}

#[test]
fn more_holds_than_end_in_one_commit_take_another_and_commands_wait_for_it() {
    in_turns(async {
        for (holds, commits) in [(EXPIRIES_MAX, 1), (EXPIRIES_MAX + 1, 2)] {
            let directory = new_directory();
            let store = open_store(&directory);
            store_holds(&store, holds).await;
            let clock = Clock::manual(BEGIN_MS);
            let engine = engine_of(&store, &clock).await;
            let id = event_id("a");
            let before = counts(&store).await;
            clock.set(BEGIN_MS + HOLD_MS);
            let sold = engine.reserve(&id, partner("globex"), 1, REQUEST).await.unwrap();
            assert_eq!(sold.version.get(), 1 + u64::from(2 * holds) + 1);
            assert_eq!(since(before, &store).await, Counts { commits, syncs: commits }, "{holds}");
            let seats = engine.event(&id).unwrap().seats();
            assert_eq!((seats.available, seats.held, seats.confirmed), (holds - 1, 0, 1));
            engine.close().await;
        }
    });
}

/// The same without a command: the timer of the writer is enough.
#[test]
fn all_holds_end_by_themselves_though_one_commit_does_not_take_them() {
    in_turns(async {
        let directory = new_directory();
        let store = open_store(&directory);
        store_holds(&store, EXPIRIES_MAX + 1).await;
        let clock = Clock::manual(BEGIN_MS);
        let engine = engine_of(&store, &clock).await;
        let id = event_id("a");
        let before = counts(&store).await;
        clock.set(BEGIN_MS + HOLD_MS);
        let deadline = Instant::now() + PATIENCE;
        while engine.event(&id).unwrap().seats().held > 0 {
            assert!(Instant::now() < deadline, "the holds do not end");
            tokio::task::yield_now().await;
        }
        assert_eq!(since(before, &store).await, Counts { commits: 2, syncs: 2 });
        engine.close().await;
    });
}
