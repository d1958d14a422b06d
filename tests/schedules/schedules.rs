//! The queue, the writer and the committer under one order of steps after another.
//!
//! shuttle runs a scenario again and again, each time with another interleaving of its tasks and
//! threads: a random one, or one with a few changes of turn at bad moments (Burckhardt et al., A
//! Randomized Scheduler with Probabilistic Guarantees of Finding Bugs, ASPLOS 2010). What is run is
//! the program's own code; its channels and locks are shuttle's (`crates/runtime/src/tasks/sync.rs`).
//!
//! ```text
//! cargo test -p ticketboss-schedules
//! TICKETBOSS_SCHEDULES=1000000 cargo test --release -p ticketboss-schedules -- --nocapture
//! ```
//!
//! A schedule that fails is printed and can be run again with `shuttle::replay`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test ends at its first surprise")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use shuttle::future::{block_on, spawn};
use shuttle::scheduler::RandomScheduler;
use ticketboss_core::domain::{
    Actor, Change, Event, EventId, EventName, EventNumber, EventTerms, Fact, Nonce, PartnerId,
    Refusal, RequestId, Seats, Timestamp, Version,
};
use ticketboss_engine::{Engine, EngineError};
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_runtime::tasks::{Scheduler, Tasks};
use ticketboss_store::committer::{CommitterThread, Medium};
use ticketboss_store::local::memory::MemoryStore;
use ticketboss_store::simulated::{self, Faults, Pace, SimulatedDisk};
use ticketboss_store::{Commit, Damage, Listed, Loaded, Store, StoreError, Swap, Token};

/// How many schedules of each scenario are tried, half of them random.
const SCHEDULES: usize = 2_000;
/// How many changes of turn a schedule of the other half has.
const PREEMPTIONS: usize = 3;

#[expect(clippy::disallowed_methods, reason = "a test is set by the environment")]
fn schedules() -> usize {
    std::env::var("TICKETBOSS_SCHEDULES").map_or(SCHEDULES, |text| text.parse().unwrap())
}

/// Runs a scenario under many schedules. It is told the number of the run, to draw its faults from.
fn check(name: &str, scenario: impl Fn(u64) + Send + Sync + 'static) {
    let runs = Arc::new(AtomicU64::new(0));
    let scenario = Arc::new(scenario);
    let run = || {
        let (runs, scenario) = (runs.clone(), scenario.clone());
        move || scenario(runs.fetch_add(1, Ordering::Relaxed))
    };
    let half = schedules() / 2;
    shuttle::check_random(run(), half);
    shuttle::check_pct(run(), schedules() - half, PREEMPTIONS);
    println!("{name}: {} schedules", runs.load(Ordering::Relaxed));
}

fn terms(capacity: u32) -> EventTerms {
    EventTerms::on_sale(
        EventId::new("e").unwrap(),
        EventName::new("An event").unwrap(),
        Seats::new(capacity).unwrap(),
        Seats::new(10).unwrap(),
    )
}

fn partner() -> PartnerId {
    PartnerId::new("p").unwrap()
}

async fn open(store: &Store) -> Engine {
    let entropy = Entropy::seeded(1);
    Engine::open_on(Tasks::Tokio, store.clone(), Clock::manual(0), entropy).await.unwrap()
}

async fn on_sale(store: &Store, capacity: u32) -> Engine {
    let engine = open(store).await;
    engine.create_event(terms(capacity), Actor::System, RequestId(0)).await.unwrap();
    engine
}

fn yielding(seed: u64, faults: Faults) -> SimulatedDisk {
    SimulatedDisk::new(Scheduler::new(seed), faults, Pace::Yielding)
}

/// Whether two customers got the same seats, or a refused one was told that seats were left.
fn hold_against(outcomes: &[Result<u32, EngineError>], capacity: u32) {
    let sold: u32 = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).sum();
    assert!(sold <= capacity, "{sold} of {capacity} seats sold");
    for outcome in outcomes {
        if let Err(EngineError::Refused(Refusal::NotEnoughSeats(shortage))) = outcome {
            assert!(shortage.asked > shortage.available, "{shortage:?}");
        }
    }
}

/// Four customers want two seats each, of five.
#[test]
fn of_customers_who_come_at_once_as_many_get_seats_as_there_are() {
    check("four customers", |seed| {
        block_on(async move {
            let (store, _) =
                simulated::open(yielding(seed, Faults::default()), &Tasks::Tokio).unwrap();
            let engine = on_sale(&store, 5).await;
            let customers: Vec<_> = (1..=4)
                .map(|number| {
                    let engine = engine.clone();
                    spawn(async move {
                        let id = EventId::new("e").unwrap();
                        let reserved = engine.reserve(&id, partner(), 2, RequestId(number)).await;
                        reserved.map(|reserved| reserved.reservation().seats.get())
                    })
                })
                .collect();
            let mut outcomes = Vec::new();
            for customer in customers {
                outcomes.push(customer.await.unwrap());
            }
            hold_against(&outcomes, 5);
            let sold = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
            assert_eq!(sold, 2, "contention is nobody's reason to be refused: {outcomes:?}");
            let event = engine.event(&EventId::new("e").unwrap()).unwrap();
            assert_eq!((event.seats().available, event.version().get()), (1, 3));
        });
    });
}

/// Three customers who reserve and give back, while the engine closes. Whoever is answered with seats
/// has them in the store; nobody waits for ever.
#[test]
fn an_engine_that_closes_answers_every_caller() {
    check("a closing engine", |seed| {
        block_on(async move {
            let (store, _) =
                simulated::open(yielding(seed, Faults::default()), &Tasks::Tokio).unwrap();
            let engine = on_sale(&store, 5).await;
            let customers: Vec<_> = (1..=3)
                .map(|number| {
                    let engine = engine.clone();
                    spawn(async move {
                        let id = EventId::new("e").unwrap();
                        let reserved =
                            engine.reserve(&id, partner(), 1, RequestId(number)).await.ok()?;
                        let given_back = engine.cancel(reserved.id(), RequestId(10 + number)).await;
                        Some((reserved.id(), given_back.is_ok()))
                    })
                })
                .collect();
            let closing = spawn({
                let engine = engine.clone();
                async move { engine.close().await }
            });
            let mut answered = Vec::new();
            for customer in customers {
                answered.extend(customer.await.unwrap());
            }
            closing.await.unwrap();
            let late = engine.reserve(&terms(5).id, partner(), 1, RequestId(99)).await;
            assert!(matches!(late, Err(EngineError::Unavailable)), "{late:?}");
            let kept = open(&store).await;
            for (id, given_back) in answered {
                let reservation = kept.reservation(id).unwrap();
                let is_cancelled = reservation.status != ticketboss_core::domain::Status::Confirmed;
                assert!(is_cancelled || !given_back, "{reservation:?}");
            }
        });
    });
}

/// The time of a hold is up just as it is confirmed, and somebody else wants its seats.
#[test]
fn the_seats_of_a_hold_go_to_one_customer() {
    check("a hold that ends", |seed| {
        block_on(async move {
            let (store, _) =
                simulated::open(yielding(seed, Faults::default()), &Tasks::Tokio).unwrap();
            let (clock, entropy) = (Clock::manual(0), Entropy::seeded(1));
            let opened = Engine::open_on(Tasks::Tokio, store, clock.clone(), entropy);
            let engine = opened.await.unwrap();
            engine.create_event(terms(2), Actor::System, RequestId(0)).await.unwrap();
            let id = EventId::new("e").unwrap();
            let held = engine.hold(&id, partner(), 2, 10, RequestId(1)).await.unwrap();
            let time = spawn(async move { clock.set(10_000) });
            let confirming = spawn({
                let engine = engine.clone();
                async move { engine.confirm(held.id(), RequestId(2)).await }
            });
            let other = engine.reserve(&id, partner(), 2, RequestId(3)).await;
            let confirmed = confirming.await.unwrap();
            time.await.unwrap();
            assert!(confirmed.is_ok() != other.is_ok(), "{confirmed:?}, {other:?}");
            engine.close().await;
            let event = engine.event(&id).unwrap();
            assert_eq!((event.seats().confirmed, event.seats().available), (2, 0));
            event.audit().unwrap();
        });
    });
}

/// Two engines on one store want the last seats: the one whose swap is lost decides anew.
#[test]
fn two_engines_sell_a_seat_once() {
    check("two engines", |seed| {
        block_on(async move {
            let faults = Faults { lost_swaps: 2_000, ..Faults::default() };
            let (store, _) = simulated::open(yielding(seed, faults), &Tasks::Tokio).unwrap();
            let first = on_sale_through(&store, 3).await;
            let engines = [first, open(&store).await];
            let customers: Vec<_> = (1..=4_usize)
                .map(|number| {
                    let engine = engines.get(number % 2).unwrap().clone();
                    spawn(async move {
                        let id = EventId::new("e").unwrap();
                        let request = RequestId(number as u128);
                        let reserved = engine.reserve(&id, partner(), 2, request).await;
                        reserved.map(|reserved| reserved.reservation().seats.get())
                    })
                })
                .collect();
            let mut outcomes = Vec::new();
            for customer in customers {
                outcomes.push(customer.await.unwrap());
            }
            hold_against(&outcomes, 3);
            assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
            let stored = open(&store).await.event(&terms(3).id).unwrap();
            assert_eq!((stored.seats().available, stored.version().get()), (1, 2));
        });
    });
}

/// As [`on_sale`], where a swap may be lost for no reason: the event may take several tries.
async fn on_sale_through(store: &Store, capacity: u32) -> Engine {
    loop {
        let engine = open(store).await;
        match engine.create_event(terms(capacity), Actor::System, RequestId(0)).await {
            Ok(_) => return engine,
            Err(EngineError::EventExists(_)) => {}
            Err(other) => panic!("{other}"),
        }
    }
}

/// A disk that fails at some moment: whoever was answered before has his seats, whoever comes after is
/// told that nobody knows, and everybody is answered.
#[test]
fn a_failing_disk_takes_nothing_back() {
    check("a failing disk", |seed| {
        block_on(async move {
            let faults = Faults { failed_syncs: 2_000, failed_writes: 500, ..Faults::default() };
            let disk = yielding(seed, faults);
            let Ok((store, _)) = simulated::open(disk.clone(), &Tasks::Tokio) else { return };
            let engine = open(&store).await;
            let Ok(_) = engine.create_event(terms(10), Actor::System, RequestId(0)).await else {
                return;
            };
            let customers: Vec<_> = (1..=3)
                .map(|number| {
                    let engine = engine.clone();
                    spawn(async move {
                        let id = EventId::new("e").unwrap();
                        engine.reserve(&id, partner(), 2, RequestId(number)).await
                    })
                })
                .collect();
            let mut acknowledged = Vec::new();
            for customer in customers {
                match customer.await.unwrap() {
                    Ok(reserved) => acknowledged.push(reserved.id()),
                    Err(EngineError::Unavailable) => {}
                    Err(other) => panic!("{other}"),
                }
            }
            drop((engine, store));
            disk.crash();
            disk.heal();
            let (store, _) = simulated::open(disk, &Tasks::Tokio).unwrap();
            let kept = open(&store).await;
            assert!(kept.damages().is_empty(), "{:?}", kept.damages());
            for id in acknowledged {
                assert_eq!(kept.reservation(id).unwrap().seats.get(), 2);
            }
        });
    });
}

/// What an engine of the test has been told, and what it has safely.
#[derive(Default)]
struct Book {
    written: u64,
    durable: u64,
    syncs: u64,
}

/// Writes to memory; the sync of a given number fails.
struct Failing {
    store: MemoryStore,
    book: Arc<Mutex<Book>>,
    fails_at: u64,
}

impl Failing {
    fn store(&self) -> Store {
        Store::Memory(self.store.clone())
    }
}

/// The value of a future of the memory store, which never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    use futures_util::FutureExt;
    future.now_or_never().unwrap()
}

impl Medium for Failing {
    fn check_room(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn swap(
        &mut self,
        event: &EventId,
        token: &Token,
        commit: &Commit,
    ) -> Result<Swap, StoreError> {
        let swap = now(self.store().commit(event, token, commit.clone()))?;
        if let Swap::Won(_) = swap {
            self.book.lock().unwrap().written = commit.record.version.get();
        }
        Ok(swap)
    }

    fn claim_event_number(&mut self) -> Result<EventNumber, StoreError> {
        now(self.store().claim_event_number())
    }

    fn load(&mut self, event: &EventId) -> Result<Option<Result<Loaded, Damage>>, StoreError> {
        now(self.store().load(event))
    }

    fn events(&mut self) -> Result<Vec<Listed>, StoreError> {
        now(self.store().events())
    }

    fn make_durable(&mut self) -> Result<(), StoreError> {
        // Here the others may do what they like.
        shuttle::thread::yield_now();
        let mut book = self.book.lock().unwrap();
        book.syncs += 1;
        if book.syncs == self.fails_at {
            return Err(StoreError::Failed("the disk is gone".into()));
        }
        book.durable = book.written;
        Ok(())
    }

    fn is_durable(&mut self, won: &[(EventId, Version)]) {
        let book = self.book.lock().unwrap();
        assert!(won.iter().all(|(_, version)| version.get() <= book.durable));
    }
}

/// Three who write to one event and one who reads, over a committer with a thread, whose disk may fail:
/// won means durable, read means durable, and after the failure everybody is told.
#[test]
fn the_committer_answers_what_is_durable() {
    check("the committer", |run| {
        let book = Arc::new(Mutex::new(Book::default()));
        let engine =
            Failing { store: MemoryStore::default(), book: book.clone(), fails_at: run % 5 };
        let thread = Arc::new(CommitterThread::start(engine).unwrap());
        block_on(async {
            let writers: Vec<_> = (0..3_u64)
                .map(|number| spawn(write(thread.clone(), book.clone(), number)))
                .collect();
            let reader = spawn({
                let (thread, book) = (thread.clone(), book.clone());
                async move {
                    let loaded = thread.committer().load(EventId::new("e").unwrap()).await;
                    if let Ok(Some(Ok(loaded))) = loaded {
                        let version = loaded.record.version.get();
                        assert!(version <= book.lock().unwrap().durable, "read too early");
                    }
                }
            });
            let mut failures = 0;
            for writer in writers {
                failures += u32::from(writer.await.unwrap().is_err());
            }
            reader.await.unwrap();
            if failures > 0 {
                assert_eq!(&*thread.committer().failed().await, "the disk is gone");
                let late = thread.committer().claim_event_number().await;
                assert!(matches!(late, Err(StoreError::Failed(_))), "{late:?}");
            }
        });
    });
}

/// Four events are created at the same time. The committer yields before it closes a round, so it needs fewer syncs
/// than without. The schedules follow from one seed, so the number of syncs is the same each time.
#[test]
fn commits_that_are_on_their_way_share_a_sync() {
    const RUNS: usize = 500;
    let syncs = Arc::new(AtomicU64::new(0));
    let scenario = {
        let syncs = syncs.clone();
        move || {
            let book = Arc::new(Mutex::new(Book::default()));
            let engine = Failing { store: MemoryStore::default(), book: book.clone(), fails_at: 0 };
            let thread = Arc::new(CommitterThread::start(engine).unwrap());
            block_on(async {
                let writers: Vec<_> =
                    (0..4).map(|number| spawn(create(thread.clone(), number))).collect();
                for writer in writers {
                    assert!(matches!(writer.await.unwrap(), Ok(Swap::Won(_))));
                }
            });
            syncs.fetch_add(book.lock().unwrap().syncs, Ordering::Relaxed);
        }
    };
    let schedules = RandomScheduler::new_from_seed(1, RUNS);
    shuttle::Runner::new(schedules, shuttle::Config::default()).run(scenario);
    let syncs = syncs.load(Ordering::Relaxed);
    println!("four commits: {syncs} syncs in {RUNS} schedules");
    // Without yielding it is 697.
    assert!(syncs < 600, "{syncs} syncs in {RUNS} schedules");
}

async fn create(thread: Arc<CommitterThread>, number: u32) -> Result<Swap, StoreError> {
    let (event, creation) = created();
    let id = EventId::new(&format!("event-{number}")).unwrap();
    let commit = Commit::draft(None, &event, &[creation]);
    thread.committer().commit(id, Token::ABSENT, commit).await
}

/// Creates the event or, where another was first, adds a change to it, until one of his swaps is won.
async fn write(
    thread: Arc<CommitterThread>,
    book: Arc<Mutex<Book>>,
    number: u64,
) -> Result<(), StoreError> {
    let id = EventId::new("e").unwrap();
    let (mut event, creation) = created();
    let mut token = Token::ABSENT;
    let mut commit = Commit::draft(None, &event, &[creation]);
    loop {
        let version = commit.record.version.get();
        let record = commit.record;
        match thread.committer().commit(id.clone(), token.clone(), commit).await? {
            Swap::Won(next) => {
                assert!(version <= book.lock().unwrap().durable, "told before it was durable");
                if version > 1 {
                    return Ok(());
                }
                token = next;
                commit = sale(&mut event, &record, number);
            }
            Swap::Lost => {
                let loaded = thread.committer().load(id.clone()).await?.unwrap().unwrap();
                token = loaded.token;
                // The changes of the others are all of one seat, whoever made them.
                (event, _) = created();
                let mut before = Commit::draft(None, &event, &[created().1]).record;
                while event.version() < loaded.record.version {
                    before = sale(&mut event, &before, number).record;
                }
                commit = sale(&mut event, &loaded.record, number);
            }
        }
    }
}

fn created() -> (Event, Change) {
    let change = Change {
        version: Version::FIRST,
        at: Timestamp(0),
        by: Actor::System,
        request: RequestId(0),
        key: None,
        note: None,
        refused: None,
        fact: Fact::EventCreated(terms(100)),
    };
    (Event::create(EventNumber(1), &change).unwrap(), change)
}

fn sale(event: &mut Event, before: &ticketboss_store::Record, number: u64) -> Commit {
    let fact = Fact::Reserved {
        partner: partner(),
        seats: Seats::new(1).unwrap(),
        nonce: Nonce::from_bits(number),
    };
    let change = Change {
        version: event.version().next(),
        at: Timestamp(0),
        by: Actor::Anonymous,
        request: RequestId(number.into()),
        key: None,
        note: None,
        refused: None,
        fact,
    };
    event.apply(&change);
    Commit::draft(Some(before), event, &[change])
}
