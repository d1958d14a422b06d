//! Many threads that want seats of one event at once: a plain compare-and-swap loop per request
//! against the writer who takes what waits as one batch. Both answer only when the sale is on disk.
//!
//! Run it with `cargo bench --bench contention`. The last lines are the ratios.

#![expect(
    clippy::disallowed_methods,
    reason = "the plain loop flushes for itself, as one would write it"
)]

mod support;

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use support::{compare, terms};
use ticketboss_core::domain::{Actor, EventId, PartnerId, RequestId};
use ticketboss_engine::Engine;
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_store::local::sled::{SledOptions, open};
use tokio::runtime::Runtime;

const THREADS: [usize; 4] = [1, 4, 16, 64];
/// How many seats are sold in one measurement of a comparison.
const SALES: u64 = 1024;

/// The seed's way: read the record, take seats, swap if nobody else did, else begin again; then make
/// it durable.
#[derive(Clone)]
struct PlainLoop {
    database: sled::Db,
    log_file: Arc<File>,
}

impl PlainLoop {
    fn new(directory: &tempfile::TempDir) -> Self {
        let path = directory.path().join("plain");
        let config = sled::Config::new().path(&path).flush_every_ms(None);
        let database = config.segment_size(2 * 1024 * 1024).open().expect("a new database");
        database.insert("event", record(u32::MAX, 1)).expect("a write");
        let log_file = Arc::new(File::open(path.join("db")).expect("sled's log"));
        Self { database, log_file }
    }

    fn sell(&self) {
        loop {
            let read = self.database.get("event").expect("a read").expect("the event");
            let (available, version) = fields(&read);
            let next = record(available - 1, version + 1);
            let swap = self.database.compare_and_swap("event", Some(&read), Some(next.as_slice()));
            if swap.expect("a write").is_err() {
                continue;
            }
            let reservation = format!("reservation-{version:020}");
            self.database.insert(reservation, b"partner-1 1 seat").expect("a write");
            self.database.flush().expect("a flush");
            self.log_file.sync_data().expect("a disk that syncs");
            return;
        }
    }
}

fn record(available: u32, version: u64) -> Vec<u8> {
    [&available.to_be_bytes()[..], &version.to_be_bytes()[..]].concat()
}

fn fields(record: &[u8]) -> (u32, u64) {
    let (available, version) = record.split_first_chunk().expect("a record");
    let version = version.try_into().expect("a record");
    (u32::from_be_bytes(*available), u64::from_be_bytes(version))
}

/// Our way.
#[derive(Clone)]
struct Writer {
    runtime: Arc<Runtime>,
    engine: Engine,
    event: EventId,
}

impl Writer {
    fn new(directory: &tempfile::TempDir) -> Self {
        let runtime = Arc::new(Runtime::new().expect("a runtime"));
        let store =
            open(&SledOptions::standard(directory.path().join("ours"))).expect("a store").store;
        let engine = runtime.block_on(async {
            let engine =
                Engine::open(store, Clock::System, Entropy::System).await.expect("an engine");
            let terms = terms("bench", u32::MAX);
            engine.create_event(terms, Actor::System, RequestId(0)).await.expect("an event");
            engine
        });
        let event = engine.default_event_id().expect("an event");
        Self { runtime, engine, event }
    }

    fn sell(&self) {
        let partner = PartnerId::new("partner-1").expect("a valid id");
        let sold = self.engine.reserve(&self.event, partner, 1, RequestId(1));
        self.runtime.block_on(sold).expect("seats enough");
    }
}

/// Lets `threads` sell `sales` seats together, and says how long that took.
fn storm(threads: usize, sales: u64, sell: impl Fn() + Send + Sync) -> Duration {
    let left = AtomicU64::new(sales);
    let one_less = |left: u64| left.checked_sub(1);
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok() {
                    sell();
                }
            });
        }
    });
    began.elapsed()
}

fn contention(criterion: &mut Criterion) {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let plain = PlainLoop::new(&directory);
    let writer = Writer::new(&directory);
    let mut group = criterion.benchmark_group("contention");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(2))
        .throughput(Throughput::Elements(1));
    for threads in THREADS {
        group.bench_function(format!("plain loop/{threads}"), |timer| {
            timer.iter_custom(|sales| storm(threads, sales, || plain.sell()));
        });
        group.bench_function(format!("writer/{threads}"), |timer| {
            timer.iter_custom(|sales| storm(threads, sales, || writer.sell()));
        });
    }
    group.finish();
    for threads in THREADS {
        compare(
            &format!("{SALES} sales by {threads} threads"),
            || storm(threads, SALES, || writer.sell()),
            "the plain loop",
            || storm(threads, SALES, || plain.sell()),
        );
    }
}

criterion_group!(benches, contention);
criterion_main!(benches);
