//! What opening finds in a directory that something has gone wrong with: each kind of damage is named
//! with its event and version, stops that event alone, and is no reason to destroy anything.

use std::fs;

use tempfile::TempDir;
use ticketboss_core::domain::{
    Actor, Change, EventNumber, Fact, Refusal, RequestId, ReservationId, Seats, Timestamp, Version,
};
use ticketboss_engine::{Engine, EngineError};
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_store::Store;
use ticketboss_store::codec::{Digest, Page, PageWriter, Record};
use ticketboss_store::local::sled::{OpenError, Orphan, SledOptions, inspect, open};

use crate::raw::{Raw, damage};
use crate::support::{event_id, new_directory, open_store, partner, terms, version};

const REQUEST: RequestId = RequestId(7);
/// The numbers of the two events, by their order of creation.
const ALPHA: EventNumber = EventNumber(1);
const BETA: EventNumber = EventNumber(2);

/// A directory with two events. The first, `alpha`, is at version 5 and each version has a page of
/// its own; `beta` is at version 2.
struct Built {
    directory: TempDir,
    /// A reservation of each event.
    in_alpha: ReservationId,
    in_beta: ReservationId,
}

impl Built {
    async fn new() -> Self {
        let directory = new_directory();
        let engine = open_engine(open_store(&directory)).await;
        for id in ["alpha", "beta"] {
            let created = engine.create_event(terms(id, 20), Actor::System, REQUEST);
            created.await.unwrap();
        }
        let in_alpha = reserve(&engine, "alpha", 3).await.unwrap();
        reserve(&engine, "alpha", 2).await.unwrap();
        let given_up = reserve(&engine, "alpha", 4).await.unwrap();
        engine.cancel(given_up, REQUEST).await.unwrap();
        let in_beta = reserve(&engine, "beta", 1).await.unwrap();
        engine.close().await;
        Self { directory, in_alpha, in_beta }
    }

    fn damage(&self, how: impl FnOnce(&Raw)) {
        damage(self.directory.path(), how);
    }

    /// Sees that `alpha` is found to be damaged as `told`, twice, and that `beta` sells.
    async fn assert_alpha_is(&self, told: &str) {
        for _ in 0..2 {
            let engine = open_engine(open_store(&self.directory)).await;
            let damages = engine.damages();
            assert_eq!(damages.len(), 1);
            assert_eq!(damages[0].to_string(), told);

            let alpha = event_id("alpha");
            assert_damaged(engine.event(&alpha), told);
            assert_damaged(reserve(&engine, "alpha", 1).await, told);
            assert_damaged(engine.cancel(self.in_alpha, REQUEST).await, told);
            assert_damaged(engine.reservation(self.in_alpha), told);
            assert_eq!(engine.default_event_id().unwrap(), alpha);

            assert_eq!(engine.event(&event_id("beta")).unwrap().number(), BETA);
            engine.reservation(self.in_beta).unwrap();
            let sold = reserve(&engine, "beta", 1).await.unwrap();
            engine.cancel(sold, REQUEST).await.unwrap();
            engine.close().await;
        }
    }
}

impl Raw {
    fn page(&self, number: EventNumber, of: u64) -> Vec<u8> {
        let page = self.ledger.get(page_key(number, of)).unwrap();
        page.unwrap().to_vec()
    }

    fn put_page(&self, number: EventNumber, of: u64, bytes: &[u8]) {
        self.ledger.insert(page_key(number, of), bytes).unwrap();
    }

    fn remove_page(&self, number: EventNumber, of: u64) {
        let removed = self.ledger.remove(page_key(number, of)).unwrap();
        assert!(removed.is_some());
    }

    fn has_page(&self, number: EventNumber, of: u64) -> bool {
        self.ledger.contains_key(page_key(number, of)).unwrap()
    }

    /// Puts an intact page in the place of one of `alpha`: the same but for what `edit` does to it.
    fn forge_page(&self, of: u64, edit: impl FnOnce(&mut Page)) {
        let mut page = Page::decode(&self.page(ALPHA, of)).unwrap();
        edit(&mut page);
        let (bytes, _) = PageWriter::begin(page.number, page.previous, &page.changes[0]).finish();
        self.put_page(ALPHA, of, &bytes);
    }

    fn record(&self, id: &str) -> Vec<u8> {
        self.events.get(id).unwrap().unwrap().to_vec()
    }

    fn put_record(&self, id: &str, bytes: &[u8]) {
        self.events.insert(id, bytes).unwrap();
    }

    /// Puts an intact record in the place of `alpha`'s: the same but for what `edit` does to it.
    fn forge_record(&self, edit: impl FnOnce(&mut Record)) {
        let mut record = Record::decode(&self.record("alpha")).unwrap();
        edit(&mut record);
        self.put_record("alpha", &record.encode());
    }
}

fn page_key(number: EventNumber, of: u64) -> Vec<u8> {
    [&number.0.to_be_bytes()[..], &of.to_be_bytes()].concat()
}

async fn open_engine(store: Store) -> Engine {
    let (clock, entropy) = (Clock::manual(1000), Entropy::seeded(5));
    Engine::open(store, clock, entropy).await.unwrap()
}

async fn reserve(engine: &Engine, id: &str, seats: u32) -> Result<ReservationId, EngineError> {
    let id = event_id(id);
    let reserved = engine.reserve(&id, partner("acme"), seats, REQUEST);
    reserved.await.map(|reserved| reserved.id())
}

fn assert_damaged<T: std::fmt::Debug>(answer: Result<T, EngineError>, told: &str) {
    match answer {
        Err(EngineError::EventDamaged(damage)) => assert_eq!(damage.to_string(), told),
        other => panic!("answered {other:?}, not that {told}"),
    }
}

#[tokio::test]
async fn a_directory_without_damage_is_found_whole() {
    let built = Built::new().await;
    built.damage(|raw| {
        assert_eq!(raw.ledger.len(), 7);
        assert!((1..=5).all(|of| raw.has_page(ALPHA, of)));
    });
    let engine = open_engine(open_store(&built.directory)).await;
    assert_eq!(engine.damages(), []);
    assert_eq!(engine.event(&event_id("alpha")).unwrap().seats().available, 15);
    engine.cancel(built.in_alpha, REQUEST).await.unwrap();
}

#[tokio::test]
async fn a_flipped_byte_in_a_page_is_found() {
    let built = Built::new().await;
    built.damage(|raw| {
        let mut page = raw.page(ALPHA, 3);
        page[20] ^= 0x10;
        raw.put_page(ALPHA, 3, &page);
    });
    let told = "event alpha is damaged at version 3: a ledger page cannot be read: \
                the checksum does not match";
    built.assert_alpha_is(told).await;
}

#[tokio::test]
async fn a_page_cut_short_is_found() {
    let built = Built::new().await;
    built.damage(|raw| raw.put_page(ALPHA, 5, &raw.page(ALPHA, 5)[..6]));
    let told = "event alpha is damaged at version 5: a ledger page cannot be read: \
                6 bytes is no possible length";
    built.assert_alpha_is(told).await;
}

#[tokio::test]
async fn two_pages_that_changed_places_are_found() {
    let built = Built::new().await;
    built.damage(|raw| {
        let (third, fourth) = (raw.page(ALPHA, 3), raw.page(ALPHA, 4));
        raw.put_page(ALPHA, 3, &fourth);
        raw.put_page(ALPHA, 4, &third);
    });
    let told = "event alpha is damaged at version 3: a ledger page is kept in the place of another";
    built.assert_alpha_is(told).await;
}

#[tokio::test]
async fn a_page_of_another_event_is_found() {
    let built = Built::new().await;
    built.damage(|raw| raw.put_page(ALPHA, 2, &raw.page(BETA, 2)));
    let told = "event alpha is damaged at version 2: a ledger page is kept in the place of another";
    built.assert_alpha_is(told).await;
}

#[tokio::test]
async fn a_missing_page_is_found_wherever_it_was() {
    for of in 1..=5 {
        let built = Built::new().await;
        built.damage(|raw| raw.remove_page(ALPHA, of));
        let told = format!("event alpha is damaged at version {of}: a ledger page is missing");
        built.assert_alpha_is(&told).await;
    }
}

#[tokio::test]
async fn a_ledger_without_any_page_is_found() {
    let built = Built::new().await;
    built.damage(|raw| (1..=5).for_each(|of| raw.remove_page(ALPHA, of)));
    let told = "event alpha is damaged at version 1: a ledger page is missing";
    built.assert_alpha_is(told).await;
}

#[tokio::test]
async fn a_page_that_does_not_follow_the_one_before_is_found() {
    let built = Built::new().await;
    built.damage(|raw| raw.forge_page(3, |page| page.previous = Digest([9; 32])));
    let told = "event alpha is damaged at version 3: the hash chain is broken";
    built.assert_alpha_is(told).await;
}

#[tokio::test]
async fn a_page_with_another_content_is_found_by_the_page_after_it() {
    let built = Built::new().await;
    built.damage(|raw| raw.forge_page(3, |page| page.changes[0].request = RequestId(8)));
    let told = "event alpha is damaged at version 4: the hash chain is broken";
    built.assert_alpha_is(told).await;
}

#[tokio::test]
async fn a_newest_page_with_another_content_is_found_by_the_record() {
    let built = Built::new().await;
    built.damage(|raw| raw.forge_page(5, |page| page.changes[0].request = RequestId(8)));
    let told = "event alpha is damaged at version 5: the record disagrees with its ledger: \
                another newest page";
    built.assert_alpha_is(told).await;
}

#[tokio::test]
async fn a_change_that_cannot_follow_is_found() {
    let built = Built::new().await;
    built.damage(|raw| {
        raw.forge_page(5, |page| {
            let reservation = version(1);
            page.changes[0].fact = Fact::Cancelled { reservation };
        });
    });
    let told = "event alpha is damaged at version 5: the ledger breaks a law: \
                a reservation is cancelled that has no seats";
    built.assert_alpha_is(told).await;
}

#[tokio::test]
async fn a_ledger_that_oversells_is_found() {
    let built = Built::new().await;
    built.damage(|raw| {
        raw.forge_page(4, |page| {
            let Fact::Reserved { seats, .. } = &mut page.changes[0].fact else {
                panic!("version 4 reserves");
            };
            *seats = Seats::new(16).unwrap();
        });
    });
    let told = "event alpha is damaged at version 4: the ledger breaks a law: \
                more seats are reserved than are available";
    built.assert_alpha_is(told).await;
}

#[tokio::test]
async fn a_record_with_other_counters_is_found() {
    let built = Built::new().await;
    built.damage(|raw| {
        raw.forge_record(|record| {
            record.seats.available += 1;
            record.seats.confirmed -= 1;
        });
    });
    let told = "event alpha is damaged at version 5: the record disagrees with its ledger: \
                SeatCounts { capacity: 20, available: 16, held: 0, confirmed: 4, blocked: 0 } \
                and 2 reservations in the record, \
                SeatCounts { capacity: 20, available: 15, held: 0, confirmed: 5, blocked: 0 } \
                and 2 told";
    built.assert_alpha_is(told).await;
}

#[tokio::test]
async fn a_record_with_another_count_of_reservations_is_found() {
    let built = Built::new().await;
    built.damage(|raw| raw.forge_record(|record| record.live_reservations = 3));
    let engine = open_engine(open_store(&built.directory)).await;
    let told = engine.damages()[0].to_string();
    assert!(told.contains("and 3 reservations in the record"), "{told}");
    assert!(told.ends_with("and 2 told"), "{told}");
}

#[tokio::test]
async fn a_record_that_is_ahead_of_its_ledger_is_found() {
    for ahead in [version(6), version(1000), Version::MAX] {
        let built = Built::new().await;
        built.damage(|raw| raw.forge_record(|record| record.version = ahead));
        let told = "event alpha is damaged at version 6: a ledger page is missing";
        built.assert_alpha_is(told).await;
    }
}

#[tokio::test]
async fn a_record_cut_short_is_found() {
    for length in [0, 7, 40, 80] {
        let built = Built::new().await;
        built.damage(|raw| raw.put_record("alpha", &raw.record("alpha")[..length]));
        let why = if length < 8 {
            format!("{length} bytes is no possible length")
        } else {
            "the checksum does not match".to_owned()
        };
        let told = format!("event alpha is damaged at version 0: the record cannot be read: {why}");
        built.assert_alpha_is(&told).await;
        built.damage(|raw| assert!((1..=5).all(|of| raw.has_page(ALPHA, of))));
    }
}

#[tokio::test]
async fn a_record_of_a_newer_format_is_found() {
    let built = Built::new().await;
    built.damage(|raw| {
        let mut record = raw.record("alpha");
        record[0] = 2;
        let sealed = record.len() - 8;
        let checksum = *blake3::hash(&record[..sealed]).as_bytes();
        record[sealed..].copy_from_slice(&checksum[..8]);
        raw.put_record("alpha", &record);
    });
    let told = "event alpha is damaged at version 0: the record cannot be read: \
                format 2 is unknown; a newer TicketBoss may have written it";
    built.assert_alpha_is(told).await;
}

#[tokio::test]
async fn a_record_in_the_place_of_another_harms_neither_ledger() {
    let built = Built::new().await;
    built.damage(|raw| raw.put_record("alpha", &raw.record("beta")));
    // Else that the record is of an older version would be noticed first.
    std::fs::remove_file(built.directory.path().join("witness")).unwrap();
    let told = "event alpha is damaged at version 2: the record disagrees with its ledger: \
                the ledger is of event beta";
    let engine = open_engine(open_store(&built.directory)).await;
    assert_damaged(engine.event(&event_id("alpha")), told);
    assert_damaged(engine.cancel(built.in_alpha, REQUEST).await, told);
    assert_eq!(engine.default_event_id().unwrap(), event_id("alpha"));
    engine.cancel(built.in_beta, REQUEST).await.unwrap();
    engine.close().await;
    drop(engine);
    built.damage(|raw| assert!((1..=5).all(|of| raw.has_page(ALPHA, of))));
}

#[tokio::test]
async fn a_stray_copy_of_a_record_takes_nothing_from_its_original() {
    let built = Built::new().await;
    // In the order of ids one copy comes before the original and one after it.
    built.damage(|raw| {
        for stray in ["aaa", "zzz"] {
            raw.put_record(stray, &raw.record("beta"));
        }
    });
    for sold in 3..6 {
        let engine = open_engine(open_store(&built.directory)).await;
        assert_eq!(engine.damages().len(), 2);
        let beta = engine.event(&event_id("beta")).unwrap();
        assert_eq!(beta.version(), version(sold - 1));
        engine.reservation(built.in_beta).unwrap();
        reserve(&engine, "beta", 1).await.unwrap();
        engine.close().await;
    }
}

#[tokio::test]
async fn pages_above_a_record_that_is_behind_are_kept() {
    let built = Built::new().await;
    built.damage(|raw| raw.put_page(ALPHA, 6, &orphan_page(ALPHA, 6)));
    // The record is an older one: what is above it was acknowledged, and no crash left it there.
    let witness = built.directory.path().join("witness");
    let told = fs::read_to_string(&witness).unwrap();
    fs::write(&witness, told + "alpha 9\n").unwrap();
    built
        .assert_alpha_is(
            "event alpha is damaged at version 6: changes are lost: there are 5, \
             and there were at least 9",
        )
        .await;
    built.damage(|raw| assert!(raw.has_page(ALPHA, 6)));
}

#[tokio::test]
async fn a_ledger_that_lost_its_record_is_kept() {
    let built = Built::new().await;
    built.damage(|raw| assert!(raw.events.remove("alpha").unwrap().is_some()));
    let engine = open_engine(open_store(&built.directory)).await;
    let told = "event alpha is damaged at version 1: changes are lost: \
                there are 0, and there were at least 5";
    assert_damaged(reserve(&engine, "alpha", 1).await, told);
    reserve(&engine, "beta", 1).await.unwrap();
    engine.close().await;
    drop(engine);
    built.damage(|raw| assert!((1..=5).all(|of| raw.has_page(ALPHA, of))));
}

/// A page as a crash leaves it: written, but its record was not swapped.
fn orphan_page(number: EventNumber, of: u64) -> Vec<u8> {
    let change = Change {
        version: version(of),
        at: Timestamp(2000),
        by: Actor::Anonymous,
        request: REQUEST,
        key: None,
        note: None,
        refused: None,
        fact: Fact::Cancelled { reservation: version(2) },
    };
    let (bytes, _) = PageWriter::begin(number, Digest([9; 32]), &change).finish();
    bytes
}

fn orphan(event: Option<&str>, number: EventNumber, of: u64) -> Orphan {
    Orphan { event: event.map(event_id), number, first_version: version(of) }
}

#[tokio::test]
async fn pages_above_their_record_are_removed_and_reported() {
    let built = Built::new().await;
    let options = SledOptions::standard(built.directory.path());
    built.damage(|raw| {
        for of in [6, 9] {
            raw.put_page(ALPHA, of, &orphan_page(ALPHA, of));
        }
    });
    let orphans = [6, 9].map(|of| orphan(Some("alpha"), ALPHA, of));

    assert_eq!(inspect(&options).unwrap().leftovers.orphans, orphans);
    built.damage(|raw| assert!(raw.has_page(ALPHA, 6) && raw.has_page(ALPHA, 9)));

    let opened = open(&options).unwrap();
    assert_eq!(opened.leftovers.orphans, orphans);
    let engine = open_engine(opened.store).await;
    assert_eq!(engine.damages(), []);
    // Asked in one breath they are one commit of one page, in the middle of which one orphan was.
    let sell = || reserve(&engine, "alpha", 1);
    let sold = tokio::join!(sell(), sell(), sell(), sell(), sell());
    assert_eq!(sold.4.unwrap().version, version(10));
    engine.close().await;
    drop(engine);
    built.damage(|raw| assert!(raw.has_page(ALPHA, 6) && !raw.has_page(ALPHA, 9)));

    let engine = open_engine(open_store(&built.directory)).await;
    assert_eq!(engine.damages(), []);
    let alpha = engine.event(&event_id("alpha")).unwrap();
    assert_eq!(alpha.version(), version(10));
    assert_eq!(alpha.seats().available, 10);
}

#[tokio::test]
async fn the_page_of_an_event_that_was_never_created_is_removed_and_reported() {
    let built = Built::new().await;
    let options = SledOptions::standard(built.directory.path());
    let number = EventNumber(3);
    built.damage(|raw| raw.put_page(number, 1, &orphan_page(number, 1)));
    let orphans = [orphan(None, number, 1)];

    assert_eq!(inspect(&options).unwrap().leftovers.orphans, orphans);
    built.damage(|raw| assert!(raw.has_page(number, 1)));

    let opened = open(&options).unwrap();
    assert_eq!(opened.leftovers.orphans, orphans);
    let engine = open_engine(opened.store).await;
    let gamma = engine.create_event(terms("gamma", 20), Actor::System, REQUEST);
    assert_eq!(gamma.await.unwrap().number(), number);
    engine.close().await;
    drop(engine);

    let engine = open_engine(open_store(&built.directory)).await;
    assert_eq!(engine.damages(), []);
    reserve(&engine, "gamma", 1).await.unwrap();
}

#[tokio::test]
async fn no_page_is_an_orphan_while_a_record_cannot_be_read() {
    let built = Built::new().await;
    built.damage(|raw| {
        raw.put_page(EventNumber(3), 1, &orphan_page(EventNumber(3), 1));
        raw.put_record("beta", b"unreadable");
    });
    let engine = open_engine(open_store(&built.directory)).await;
    assert_eq!(engine.damages().len(), 1);
    // The lowest number is 1 and known, so it is sold by default although another one is not known.
    assert_eq!(engine.default_event_id().unwrap(), event_id("alpha"));
    engine.cancel(built.in_alpha, REQUEST).await.unwrap();
    engine.close().await;
    drop(engine);
    built.damage(|raw| assert!(raw.has_page(EventNumber(3), 1) && raw.has_page(BETA, 1)));
}

#[tokio::test]
async fn an_id_of_an_unknown_number_is_not_found_while_nothing_is_damaged() {
    let built = Built::new().await;
    let engine = open_engine(open_store(&built.directory)).await;
    let nowhere = ReservationId { event: EventNumber(9), ..built.in_alpha };
    let cancelled = engine.cancel(nowhere, REQUEST).await;
    let not_found =
        |error: &EngineError| matches!(error, EngineError::Refused(Refusal::ReservationNotFound));
    assert!(cancelled.is_err_and(|error| not_found(&error)));
    assert!(engine.reservation(nowhere).is_err_and(|error| not_found(&error)));
}

#[tokio::test]
async fn an_unfinished_snapshot_does_not_stop_opening() {
    let built = Built::new().await;
    let snapshot = built.directory.path().join("snap.FFFFFFFFFFFFFFFF.generating");
    fs::write(&snapshot, b"half of a snapshot").unwrap();
    let engine = open_engine(open_store(&built.directory)).await;
    assert!(!snapshot.exists());
    reserve(&engine, "alpha", 1).await.unwrap();
}

#[tokio::test]
async fn a_held_directory_is_not_opened_and_its_holder_is_named() {
    let built = Built::new().await;
    let options = SledOptions::standard(built.directory.path());
    let held = open_store(&built.directory);
    for again in [open(&options), inspect(&options)] {
        let error = again.unwrap_err();
        assert!(matches!(&error, OpenError::Held { pid, .. } if *pid == Some(std::process::id())));
        let told = format!(
            "the data directory {} is in use by process {}",
            built.directory.path().display(),
            std::process::id()
        );
        assert_eq!(error.to_string(), told);
    }
    drop(held);
    open(&options).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_store_that_is_closed_has_let_go_of_its_database() {
    let tasks = [0; 16].map(|_| {
        tokio::spawn(async {
            for _ in 0..10 {
                let built = Built::new().await;
                let database = built.directory.path().join("db");
                fs::File::open(database).unwrap().try_lock().unwrap();
            }
        })
    });
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn a_value_outside_the_log_stops_opening() {
    let built = Built::new().await;
    fs::write(built.directory.path().join("blobs/1"), b"spilled").unwrap();
    let options = SledOptions::standard(built.directory.path());
    let error = open(&options).unwrap_err();
    assert!(matches!(error, OpenError::Spilled(_)), "{error}");
}
