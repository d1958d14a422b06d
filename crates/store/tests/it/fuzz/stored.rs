//! What is read from the database: records, pages, ledgers.

use std::cell::RefCell;

use std::sync::Arc;

use ticketboss_core::domain::{
    Actor, Change, Event, EventId, EventName, EventNumber, EventTerms, Fact, Key, KeyName,
    MetadataKey, MetadataValue, Nonce, Note, PartnerId, REFUSED_BY_NAME_MAX, Reference,
    RefusalKind, Refused, RequestId, SeatCounts, Seats, Timestamp, Version,
};
use ticketboss_store::codec::{Digest, Page, PageWriter, RECORD_BYTES, Record, Unreadable};
use ticketboss_store::ledger::{Commit, ReplayError, replay};
use ticketboss_store::local::memory::MemoryStore;
use ticketboss_store::{Fault, Store, Swap, Token};
use tokio::runtime::{Builder, Runtime};

use super::random::{Alphabet, Random};
use super::{Target, Verdict, corpus, mend_nothing};
use crate::support::{event_id, partner, portrait, terms, version};

const CHECKSUM_BYTES: usize = 8;
/// How many changes a ledger that is made up may have.
const CHANGES_MAX: u64 = 40;

#[test]
fn record() {
    let target = Target {
        name: "record",
        share: 2000,
        corpus: records(),
        alphabet: Alphabet::Binary,
        mend: mend_record,
        read: &read_record,
    };
    target.fuzz();
}

fn records() -> Vec<Vec<u8>> {
    let record = |number, version, available, newest_page| Record {
        number: EventNumber(number),
        version,
        seats: SeatCounts { capacity: 500, available, held: 3, confirmed: 17, blocked: 0 },
        live_reservations: 12,
        newest_page: Digest([newest_page; 32]),
    };
    vec![
        record(1, Version::FIRST, 480, 0).encode(),
        record(u32::MAX, Version::MAX, u32::MAX, 0xFF).encode(),
        record(0, Version::ZERO, 0, 1).encode(),
    ]
}

fn mend_record(random: &mut Random, bytes: &mut Vec<u8>) {
    if !random.once_in(16) {
        bytes.resize(RECORD_BYTES, 0);
    }
    seal(random, bytes);
}

fn read_record(bytes: &[u8]) -> Verdict {
    match Record::decode(bytes) {
        Ok(record) => {
            assert_eq!(record.encode(), bytes, "a record has one form");
            Verdict::Accepted
        }
        Err(why) => refused(&why),
    }
}

/// Puts the checksum right, most of the time, and the format, too.
fn seal(random: &mut Random, bytes: &mut Vec<u8>) {
    if random.once_in(32) {
        return;
    }
    if let Some(format) = bytes.first_mut().filter(|_| !random.once_in(32)) {
        *format = 1;
    }
    bytes.truncate(bytes.len().saturating_sub(CHECKSUM_BYTES));
    let digest = blake3::hash(bytes);
    bytes.extend_from_slice(&digest.as_bytes()[..CHECKSUM_BYTES]);
}

fn refused(why: &Unreadable) -> Verdict {
    match why {
        Unreadable::Length(_) | Unreadable::Checksum | Unreadable::Format(_) => {
            Verdict::RefusedEarly
        }
        Unreadable::Decode(_) | Unreadable::Value(_) => Verdict::RefusedLate,
    }
}

#[test]
fn page() {
    let target = Target {
        name: "page",
        share: 3500,
        corpus: [pages(), corpus("page")].concat(),
        alphabet: Alphabet::Binary,
        mend: seal,
        read: &read_page,
    };
    target.fuzz();
}

/// Real pages: short ones, one of names at their limits, one of numbers at theirs, a full one.
fn pages() -> Vec<Vec<u8>> {
    let reserved = |partner: &str, seats, nonce| Fact::Reserved {
        partner: PartnerId::new(partner).unwrap(),
        seats: Seats::new(seats).unwrap(),
        nonce: Nonce::from_bits(nonce),
    };
    let creation = Fact::EventCreated(terms("node-meetup", 500));
    let longest = Fact::EventCreated(EventTerms {
        id: event_id(&"x".repeat(64)),
        name: EventName::new(&"🎫".repeat(200)).unwrap(),
        ..terms("e", u32::MAX)
    });
    let cancelled = Fact::Cancelled { reservation: version(2) };
    let some = vec![creation, reserved("acme", 3, 7), reserved("é", 1, u64::MAX), cancelled];
    let last = Fact::Cancelled { reservation: Version::MAX };
    let many = (0..600).map(|nonce| reserved("abc-corp", 1, nonce)).collect::<Vec<_>>();
    vec![
        written(1, 1_742_000_000_000, some.clone()),
        written(2, 0, some[1..].to_vec()),
        written(9, i64::MIN, vec![longest, reserved(&"é".repeat(128), u32::MAX, 0)]),
        written(Version::MAX.get(), i64::MAX, vec![last]),
        written(1 << 20, -1, many),
    ]
}

/// What was refused: by name to some, and to the others together.
fn refusals() -> Arc<[Refused]> {
    let refused = |(place, kind): (usize, &RefusalKind)| {
        let partner = (place < REFUSED_BY_NAME_MAX).then(|| partner(&"é".repeat(128)));
        Refused { kind: *kind, partner, times: u32::MAX }
    };
    RefusalKind::ALL.iter().enumerate().map(refused).collect()
}

/// The first page of these facts.
fn written(first_version: u64, at_ms: i64, facts: Vec<Fact>) -> Vec<u8> {
    let mut changes = (first_version..).zip(facts).map(|(number, fact)| Change {
        version: version(number),
        at: Timestamp(at_ms),
        by: if number == 1 { Actor::System } else { Actor::Anonymous },
        request: RequestId(u128::from(number) << 64),
        key: (number % 2 == 0).then(|| key(number)),
        note: (number % 3 == 0).then(note),
        refused: (number % 5 == 0).then(refusals),
        fact,
    });
    let first = changes.next().unwrap();
    let mut page = PageWriter::begin(EventNumber(300), Digest([0xAB; 32]), &first);
    let _full = changes.find(|change| !page.try_push(change));
    page.finish().0
}

fn read_page(bytes: &[u8]) -> Verdict {
    let page = match Page::decode(bytes) {
        Ok(page) => page,
        Err(why) => return refused(&why),
    };
    // What can be read can be written down again, and is then still the same.
    let mut changes = Vec::new();
    for rewritten in rewrite(&page) {
        let again = Page::decode(&rewritten).unwrap();
        assert_eq!((again.number, again.previous), (page.number, page.previous));
        changes.extend(again.changes);
    }
    assert_eq!(changes, page.changes);
    Verdict::Accepted
}

/// Writes a page anew: as one, or as two where it was filled to the last byte.
fn rewrite(page: &Page) -> Vec<Vec<u8>> {
    let begin = |first| PageWriter::begin(page.number, page.previous, first);
    let (first, others) = page.changes.split_first().unwrap();
    let mut written = Vec::new();
    let mut writer = begin(first);
    for change in others {
        if !writer.try_push(change) {
            written.push(std::mem::replace(&mut writer, begin(change)).finish().0);
        }
    }
    written.push(writer.finish().0);
    written
}

#[test]
fn ledger() {
    let seeds = (0..32)
        .map(|case| {
            let mut random = Random::of(0, case);
            (0..8 * (case + 1)).map(|_| random.next().to_le_bytes()[0]).collect()
        })
        .collect();
    let target = Target {
        name: "ledger",
        share: 500,
        corpus: seeds,
        alphabet: Alphabet::Binary,
        mend: mend_nothing,
        read: &read_ledger,
    };
    target.fuzz();
}

/// Bytes as decisions: what does not have to be right is made up from them.
struct Decisions<'a> {
    bytes: std::slice::Iter<'a, u8>,
    /// The versions that made reservations.
    reserved: Vec<u64>,
}

impl Decisions<'_> {
    /// A number below 256; 0 when all are used up.
    fn next(&mut self) -> u8 {
        self.bytes.next().copied().unwrap_or(0)
    }

    /// Mostly a small number, sometimes one at the edge.
    fn number(&mut self) -> u64 {
        match self.next() {
            small @ 0..=239 => u64::from(small),
            240..=247 => u64::from(self.next()) << 32 | u64::from(self.next()),
            _ => u64::MAX >> (self.next() % 64),
        }
    }

    fn time(&mut self, before: i64) -> i64 {
        match self.next() {
            later @ 0..=253 => before + i64::from(later),
            254 => before - 1,
            // Two moments must not be further apart than a page can tell; no clock goes there.
            _ => i64::from_le_bytes(self.number().to_le_bytes()) / 4,
        }
    }

    fn seats(&mut self, times: u64) -> Seats {
        let count = self.number().saturating_mul(times);
        Seats::new(u32::try_from(count).unwrap_or(u32::MAX).max(1)).unwrap()
    }

    fn fact(&mut self, number: u64) -> Fact {
        match self.next() {
            0..=250 if number == 1 => {
                Fact::EventCreated(EventTerms { capacity: self.seats(50), ..terms("e", 1) })
            }
            0..=89 => {
                let chosen = usize::from(self.next()) % self.reserved.len().max(1);
                let known = self.reserved.get(chosen).copied();
                // Once in a while it is cancelled twice.
                if self.next() < 253 && known.is_some() {
                    self.reserved.swap_remove(chosen);
                }
                Fact::Cancelled { reservation: version(known.unwrap_or(0)) }
            }
            90..=251 => {
                self.reserved.push(number);
                Fact::Reserved {
                    partner: PartnerId::new(["a", "b", "ü"][usize::from(self.next() % 3)]).unwrap(),
                    seats: self.seats(1),
                    nonce: Nonce::from_bits(self.number()),
                }
            }
            252..=253 => Fact::Cancelled { reservation: version(self.number() >> 24) },
            _ => Fact::EventCreated(terms("e", 1)),
        }
    }
}

/// Makes up a ledger that has valid pages in a valid chain, but tells whatever it likes, and replays it.
fn read_ledger(bytes: &[u8]) -> Verdict {
    let mut decisions = Decisions { bytes: bytes.iter(), reserved: Vec::new() };
    let number = EventNumber(7);
    let mut changes = Vec::new();
    let mut at = decisions.time(0);
    for number in 1..=CHANGES_MAX {
        at = decisions.time(at);
        changes.push(Change {
            version: version(number),
            at: Timestamp(at),
            by: Actor::Anonymous,
            request: RequestId(0),
            key: None,
            note: None,
            refused: None,
            fact: decisions.fact(number),
        });
        if decisions.bytes.as_slice().is_empty() {
            break;
        }
    }
    let told = fold(number, &changes);
    let commit = write_ledger(number, &changes, told.as_ref().ok());
    match (replay_memory(commit), told) {
        (Ok(replayed), Ok(told)) => {
            assert_eq!(portrait(&replayed), portrait(&told));
            replayed.audit().unwrap();
            Verdict::Accepted
        }
        (Err(Fault::Law(_)), Err(_)) => Verdict::RefusedLate,
        (replayed, told) => panic!("{replayed:?} is not {told:?}"),
    }
}

/// Does by the domain alone what a replay does, or says at which version that fails.
fn fold(number: EventNumber, changes: &[Change]) -> Result<Event, Version> {
    let (first, others) = changes.split_first().unwrap();
    let mut event = Event::create(number, first).map_err(|broken| broken.version)?;
    for change in others {
        event.follow(change).map_err(|broken| broken.version)?;
    }
    Ok(event)
}

/// Pages of these changes, at most seven in each, and the record that belongs to them.
fn write_ledger(number: EventNumber, changes: &[Change], event: Option<&Event>) -> Commit {
    let mut pages = Vec::new();
    let mut newest_page = Digest::NONE;
    for piece in changes.chunks(7) {
        let mut page = PageWriter::begin(number, newest_page, &piece[0]);
        assert!(piece[1..].iter().all(|change| page.try_push(change)));
        let (bytes, digest) = page.finish();
        newest_page = digest;
        pages.push((piece[0].version, bytes));
    }
    let none = SeatCounts { capacity: 1, available: 1, held: 0, confirmed: 0, blocked: 0 };
    let record = Record {
        number,
        version: changes.last().unwrap().version,
        seats: event.map_or(none, Event::seats),
        live_reservations: event.map_or(0, Event::live_reservations),
        newest_page,
    };
    Commit { pages, record }
}

thread_local! {
    static RUNTIME: RefCell<Runtime> = RefCell::new(Builder::new_current_thread().build().unwrap());
}

fn replay_memory(commit: Commit) -> Result<Event, Fault> {
    let replaying = async {
        let (store, id) = (Store::Memory(MemoryStore::default()), EventId::new("e").unwrap());
        let record = commit.record;
        let swap = store.commit(&id, &Token::ABSENT, commit).await.unwrap();
        assert!(matches!(swap, Swap::Won(_)));
        let loaded = store.load(&id).await.unwrap().unwrap().unwrap();
        let pages = store.pages(record.number, Version::FIRST, record.version);
        match replay(&id, &loaded, pages).await {
            Ok(replayed) => Ok(replayed.event),
            Err(ReplayError::Damaged(damage)) => Err(damage.fault),
            Err(ReplayError::Store(error)) => panic!("{error}"),
        }
    };
    RUNTIME.with_borrow(|runtime| runtime.block_on(replaying))
}

fn key(number: u64) -> Key {
    let bytes = u128::from(number).to_be_bytes();
    Key { name: KeyName(bytes), body: bytes }
}

fn note() -> Arc<Note> {
    let entry = |text: &str| (MetadataKey::new(text).unwrap(), MetadataValue::new(text).unwrap());
    let metadata = vec![entry("a"), entry("b")];
    let reference = Some(Reference::new("r").unwrap());
    Arc::new(Note { reference, chosen_id: Some(7), metadata })
}
