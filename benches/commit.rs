//! A durable round: the changes of a batch written down and committed, against a plain append of the
//! same bytes to a file and one `fdatasync`.
//!
//! Run it with `cargo bench --bench commit`. The last lines are the ratios, pair by pair in one run.

mod support;

use std::fs::File;
use std::io::Write;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use support::{compare, terms};
use ticketboss_core::domain::{
    Actor, Change, Command, Event, EventNumber, Fact, Intent, Nonce, PartnerId, RequestId,
    Timestamp, Version,
};
use ticketboss_store::local::sled::{SledOptions, open};
use ticketboss_store::{Commit, Record, Store, Swap, Token};
use tokio::runtime::Runtime;

const BATCHES: [usize; 3] = [1, 16, 256];
/// How many rounds one measurement of a comparison takes.
const ROUNDS: u64 = 50;

/// An event in a sled store, and what is needed to commit to it.
struct Bench {
    runtime: Runtime,
    store: Store,
    event: Event,
    record: Record,
    token: Token,
    sold: u64,
    raw: File,
    _directory: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
        let runtime = Runtime::new().expect("a runtime");
        let options = SledOptions::standard(directory.path().join("db"));
        let store = open(&options).expect("a new store").store;
        let number = runtime.block_on(store.claim_event_number()).expect("a number");
        let (event, created) = event(number, "bench", u32::MAX);
        let commit = Commit::draft(None, &event, &[created]);
        let record = commit.record;
        let swap = runtime.block_on(store.commit(event.id(), &Token::ABSENT, commit));
        let Ok(Swap::Won(token)) = swap else { panic!("the event was not created: {swap:?}") };
        let raw = File::create(directory.path().join("raw")).expect("a file");
        Self { runtime, store, event, record, token, sold: 0, raw, _directory: directory }
    }

    /// Decides a batch of reservations; this is not measured.
    fn batch(&mut self, size: usize) -> Vec<Change> {
        let mut changes = Vec::with_capacity(size);
        for _ in 0..size {
            self.sold += 1;
            let change =
                self.event.decide(&reserve(self.sold), Timestamp(1)).expect("seats enough");
            let change = change.into_change().expect("it has no key");
            self.event.apply(&change);
            changes.push(change);
        }
        changes
    }

    /// Writes `rounds` batches down and commits them.
    fn ours(&mut self, rounds: u64, size: usize) -> Duration {
        let mut took = Duration::ZERO;
        for _ in 0..rounds {
            let changes = self.batch(size);
            let began = Instant::now();
            let commit = Commit::draft(Some(&self.record), &self.event, &changes);
            let record = commit.record;
            let swap =
                self.runtime.block_on(self.store.commit(self.event.id(), &self.token, commit));
            took += began.elapsed();
            let Ok(Swap::Won(token)) = swap else {
                panic!("the round was not committed: {swap:?}")
            };
            (self.record, self.token) = (record, token);
        }
        took
    }

    /// Appends the bytes of the same batches to a file and syncs it.
    fn raw(&mut self, rounds: u64, size: usize) -> Duration {
        let (event, record) = (self.event.clone(), self.record);
        let mut took = Duration::ZERO;
        for _ in 0..rounds {
            let changes = self.batch(size);
            let commit = Commit::draft(Some(&record), &self.event, &changes);
            let began = Instant::now();
            for (_, page) in &commit.pages {
                self.raw.write_all(page).expect("room on the disk");
            }
            self.raw.write_all(&commit.record.encode()).expect("room on the disk");
            self.raw.sync_data().expect("a disk that syncs");
            took += began.elapsed();
        }
        self.event = event;
        took
    }
}

/// A new event, and the change that made it.
fn event(number: EventNumber, id: &str, capacity: u32) -> (Event, Change) {
    let created = Change {
        version: Version::FIRST,
        at: Timestamp(0),
        by: Actor::System,
        request: RequestId(0),
        key: None,
        note: None,
        refused: None,
        fact: Fact::EventCreated(terms(id, capacity)),
    };
    let event = Event::create(number, &created).expect("a first change");
    (event, created)
}

/// A reservation of one seat, as a partner would make it.
fn reserve(number: u64) -> Command {
    let intent = Intent::Reserve {
        partner: PartnerId::new(&format!("partner-{}", number % 50)).expect("a valid id"),
        seats: 1,
        nonce: Nonce::from_bits(number.wrapping_mul(0x9E37_79B9_7F4A_7C15)),
    };
    Command::new(Actor::Anonymous, RequestId(u128::from(number) << 64 | 1), intent)
}

fn commit(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("commit");
    group.sample_size(10).measurement_time(Duration::from_secs(2));
    for size in BATCHES {
        let mut bench = Bench::new();
        group.throughput(Throughput::Elements(size as u64));
        group.bench_function(format!("ours/{size}"), |timer| {
            timer.iter_custom(|rounds| bench.ours(rounds, size));
        });
        group.bench_function(format!("append+fdatasync/{size}"), |timer| {
            timer.iter_custom(|rounds| bench.raw(rounds, size));
        });
    }
    group.finish();
    for size in BATCHES {
        let mut ours = Bench::new();
        let mut raw = Bench::new();
        compare(
            &format!("commit of {size}, {ROUNDS} rounds"),
            || ours.ours(ROUNDS, size),
            "append + fdatasync",
            || raw.raw(ROUNDS, size),
        );
    }
}

criterion_group!(benches, commit);
criterion_main!(benches);
