//! The bytes of records and pages: golden vectors that hold the format still, what is refused, and
//! that whatever is written can be read back, full pages above all.

use proptest::prelude::*;
use std::sync::Arc;

use ticketboss_core::domain::{
    Actor, Change, Description, Event, EventName, EventNumber, EventStatus, EventTerms, Fact, Key,
    KeyName, METADATA_ENTRIES_MAX, MetadataKey, MetadataValue, Nonce, Note, PartnerId,
    REFUSED_BY_NAME_MAX, Reason, Reference, RefusalKind, Refused, RequestId, SeatCounts, Seats,
    Timestamp, Venue, Version, ZoneName,
};
use ticketboss_store::codec::{
    CHANGE_BYTES_MAX, Digest, PAGE_BYTES_MAX, Page, PageWriter, RECORD_BYTES, Record, Unreadable,
};
use ticketboss_store::ledger::Commit;

use crate::support::{cancel, created, event_id, partner, reserve, terms, version};

const GOLDEN_RECORD: &str = concat!(
    "01",               // format
    "04030201",         // number
    "0908070605000000", // version
    "f4010000",         // capacity
    "e0010000",         // available
    "03000000",         // held
    "0d000000",         // confirmed
    "04000000",         // blocked
    "11100f0e0d0c0b0a", // live reservations
    "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
    "68e4e4628181abdc", // checksum
);

const GOLDEN_PAGE: &str = concat!(
    "01",     // format
    "fb2c01", // number
    "01",     // first version
    "abababababababababababababababababababababababababababababababab",
    "fd0018952e2b030000", // the time of the first change
    "03",                 // three changes
    // EventCreated: time, by, request, fact; id, name, capacity, most; no details
    "00",
    "01",
    "00112233445566778899aabbccddeeff",
    "00",
    "106e6f64652d6d65657475702d32303235",
    "054ec3b66465",
    "fbf401",
    "0a",
    "00",
    // Reserved: time, by, request, fact; partner, seats, nonce; no details
    "fb5802",
    "00",
    "00000000000000000000000000000001",
    "01",
    "0461636d65",
    "03",
    "fd0807060504030200",
    "00",
    // Cancelled: time, by, request, fact; reservation; no details
    "fb5802",
    "00",
    "00000000000000000000000000000002",
    "02",
    "02",
    "00",
    "c757f2dcd8ae4a03", // checksum
);

const GOLDEN_HOLDS: &str = concat!(
    "01",     // format
    "fb2c01", // number
    "02",     // first version
    "abababababababababababababababababababababababababababababababab",
    "fd0018952e2b030000", // the time of the first change
    "06",                 // six changes, each with time, by, request, fact, no details
    "000100000000000000000000000000000000",
    "03", // Held: partner, seats, nonce, for how long
    "0461636d65",
    "03",
    "05",
    "fc804f1200",
    "00",
    "000100000000000000000000000000000000",
    "0402", // Confirmed: reservation
    "00",
    "000100000000000000000000000000000000",
    "0502", // ConfirmedLate: reservation
    "00",
    "000100000000000000000000000000000000",
    "0602fc80ee3600", // Extended: reservation, for how long
    "00",
    "000100000000000000000000000000000000",
    "0702", // Expired: reservation
    "00",
    "000100000000000000000000000000000000",
    "080201", // PartlyCancelled: reservation, seats
    "00",
    "44e508f948eb2721", // checksum
);

const GOLDEN_TERMS: &str = concat!(
    "01",     // format
    "fb2c01", // number
    "01",     // first version
    "abababababababababababababababababababababababababababababababab",
    "fd0018952e2b030000", // the time of the first change
    "04",                 // four changes, each with time, by, request, fact, no details
    "000100000000000000000000000000000000",
    "09", // EventCreatedOn: id, name, description, venue, start, zone
    "0165",
    "0145",
    "010164",
    "010176",
    "0106",
    "0103555443",
    "fbf401020a1e", // capacity, least and most of a request, hold
    "01020104",     // from when on sale, from when not any more
    "00",           // draft
    "00",
    "000100000000000000000000000000000000",
    "0a", // EventUpdated: the same
    "0165",
    "0145",
    "00000000",
    "fbf401010afb5802",
    "0000",
    "01",
    "00",
    "000100000000000000000000000000000000",
    "0b030172", // SeatsBlocked: seats, reason
    "00",
    "000100000000000000000000000000000000",
    "0c03", // SeatsUnblocked: block
    "00",
    "e9cb7d393ff56b46", // checksum
);

const GOLDEN_PAGE_DIGEST: &str = "c757f2dcd8ae4a03908cca45f3db179f7b9527daaf706b37a80b2792553257fe";

fn golden_record() -> Record {
    Record {
        number: EventNumber(0x0102_0304),
        version: version(0x05_0607_0809),
        seats: SeatCounts { capacity: 500, available: 480, held: 3, confirmed: 13, blocked: 4 },
        live_reservations: 0x0A0B_0C0D_0E0F_1011,
        newest_page: Digest([0xCD; 32]),
    }
}

fn golden_page() -> Page {
    let first_at = 1_742_000_000_000;
    let change = |number, by, at_ms, request, fact| Change {
        version: version(number),
        at: Timestamp(at_ms),
        by,
        request: RequestId(request),
        key: None,
        note: None,
        refused: None,
        fact,
    };
    let creation = Fact::EventCreated(EventTerms::on_sale(
        event_id("node-meetup-2025"),
        EventName::new("Nöde").unwrap(),
        Seats::new(500).unwrap(),
        Seats::new(10).unwrap(),
    ));
    let reserved = Fact::Reserved {
        partner: partner("acme"),
        seats: Seats::new(3).unwrap(),
        nonce: Nonce::from_bits(0x0002_0304_0506_0708),
    };
    let cancelled = Fact::Cancelled { reservation: version(2) };
    let later = first_at + 300;
    let request = 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff;
    Page {
        number: EventNumber(300),
        previous: Digest([0xAB; 32]),
        changes: vec![
            change(1, Actor::System, first_at, request, creation),
            change(2, Actor::Anonymous, later, 1, reserved),
            change(3, Actor::Anonymous, later, 2, cancelled),
        ],
        digest: Digest(from_hex(GOLDEN_PAGE_DIGEST).try_into().unwrap()),
    }
}

fn encode_page(page: &Page) -> (Vec<u8>, Digest) {
    let (first, others) = page.changes.split_first().unwrap();
    let mut writer = PageWriter::begin(page.number, page.previous, first);
    for change in others {
        assert!(writer.try_push(change), "the page has room");
    }
    writer.finish()
}

fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn to_hex(bytes: &[u8]) -> String {
    let digits =
        |byte: &u8| [byte >> 4, byte & 15].map(|digit| b"0123456789abcdef"[usize::from(digit)]);
    String::from_utf8(bytes.iter().flat_map(digits).collect()).unwrap()
}

/// `body` with the checksum that belongs to it, as nobody but the codec should make it.
fn sealed(body: &[u8]) -> Vec<u8> {
    let digest = blake3::hash(body);
    [body, &digest.as_bytes()[..8]].concat()
}

fn without_checksum(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len() - 8]
}

#[test]
fn a_record_has_exactly_these_bytes() {
    assert_eq!(to_hex(&golden_record().encode()), GOLDEN_RECORD);
    assert_eq!(Record::decode(&from_hex(GOLDEN_RECORD)), Ok(golden_record()));
}

#[test]
fn a_page_has_exactly_these_bytes() {
    let (bytes, digest) = encode_page(&golden_page());
    assert_eq!(to_hex(&bytes), GOLDEN_PAGE);
    assert_eq!(to_hex(&digest.0), GOLDEN_PAGE_DIGEST);
    assert_eq!(Page::decode(&from_hex(GOLDEN_PAGE)), Ok(golden_page()));
}

/// Changes as they came to be later, in a page of their own: what was written before stays as it was.
#[test]
fn holds_have_exactly_these_bytes() {
    let at = Timestamp(1_742_000_000_000);
    let reservation = version(2);
    let facts = [
        Fact::Held {
            partner: partner("acme"),
            seats: Seats::new(3).unwrap(),
            nonce: Nonce::from_bits(5),
            expires_at: at.plus_seconds(600),
        },
        Fact::Confirmed { reservation },
        Fact::ConfirmedLate { reservation },
        Fact::Extended { reservation, expires_at: at.plus_seconds(1800) },
        Fact::Expired { reservation },
        Fact::PartlyCancelled { reservation, seats: Seats::new(1).unwrap() },
    ];
    let changes = (2..).zip(facts).map(|(number, fact)| {
        let (by, request) = (Actor::System, RequestId::NOBODY);
        Change {
            version: version(number),
            at,
            by,
            request,
            key: None,
            note: None,
            refused: None,
            fact,
        }
    });
    let page = Page { changes: changes.collect(), ..golden_page() };
    let (bytes, digest) = encode_page(&page);
    assert_eq!(to_hex(&bytes), GOLDEN_HOLDS);
    assert_eq!(Page::decode(&bytes), Ok(Page { digest, ..page }));
}

#[test]
fn terms_have_exactly_these_bytes() {
    let at = Timestamp(1_742_000_000_000);
    let usual = EventTerms::on_sale(
        event_id("e"),
        EventName::new("E").unwrap(),
        Seats::new(500).unwrap(),
        Seats::new(10).unwrap(),
    );
    let terms = EventTerms {
        description: Some(Description::new("d").unwrap()),
        venue: Some(Venue::new("v").unwrap()),
        starts_at: Some(Timestamp(3)),
        zone: Some(ZoneName::new("UTC").unwrap()),
        seats_per_request_min: Seats::new(2).unwrap(),
        hold_seconds: 30,
        on_sale_at: Some(Timestamp(1)),
        off_sale_at: Some(Timestamp(2)),
        status: EventStatus::Draft,
        ..usual.clone()
    };
    let facts = [
        Fact::EventCreated(terms),
        Fact::EventUpdated(usual),
        Fact::SeatsBlocked { seats: Seats::new(3).unwrap(), reason: Reason::new("r").unwrap() },
        Fact::SeatsUnblocked { block: version(3) },
    ];
    let changes = (1..).zip(facts).map(|(number, fact)| {
        let (by, request) = (Actor::System, RequestId::NOBODY);
        Change {
            version: version(number),
            at,
            by,
            request,
            key: None,
            note: None,
            refused: None,
            fact,
        }
    });
    let page = Page { changes: changes.collect(), ..golden_page() };
    let (bytes, digest) = encode_page(&page);
    assert_eq!(to_hex(&bytes), GOLDEN_TERMS);
    assert_eq!(Page::decode(&bytes), Ok(Page { digest, ..page }));
}

#[test]
fn details_have_exactly_these_bytes() {
    let change = Change {
        version: version(2),
        at: Timestamp(1_742_000_000_000),
        by: Actor::Anonymous,
        request: RequestId(1),
        key: Some(Key { name: KeyName([0xA1; 16]), body: [0xB2; 16] }),
        note: Some(Arc::new(Note {
            reference: Some(Reference::new("r").unwrap()),
            chosen_id: Some(u128::from_be_bytes([0xC3; 16])),
            metadata: vec![(MetadataKey::new("k").unwrap(), MetadataValue::new("v").unwrap())],
        })),
        refused: Some(Arc::new([
            Refused {
                kind: RefusalKind::NotEnoughSeats,
                partner: Some(PartnerId::new("p").unwrap()),
                times: 300,
            },
            Refused { kind: RefusalKind::BlockNotFound, partner: None, times: 1 },
        ])),
        fact: Fact::Cancelled { reservation: version(1) },
    };
    let page = Page { changes: vec![change], ..golden_page() };
    let (bytes, digest) = encode_page(&page);
    // Time, by, request; Cancelled: reservation; five details: a key (name, body), a reference,
    // metadata, an id, refusals (kind, partner, times).
    let expected = concat!(
        "01fb2c0102abababababababababababababababababababababababababababababababab",
        "fd0018952e2b030000",
        "01",
        "000000000000000000000000000000000001",
        "0201",
        "0500",
        "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1",
        "b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2",
        "010172",
        "0201016b0176",
        "03c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3",
        "0402",
        "03010170fb2c01",
        "110001",
    );
    assert_eq!(to_hex(without_checksum(&bytes)), expected);
    assert_eq!(Page::decode(&bytes), Ok(Page { digest, ..page }));
}

#[test]
fn every_flipped_bit_is_noticed() {
    let (record, page) = (from_hex(GOLDEN_RECORD), from_hex(GOLDEN_PAGE));
    for bit in 0..8 * record.len() {
        let refused = Record::decode(&with_bit_flipped(&record, bit));
        assert_eq!(refused, Err(Unreadable::Checksum), "bit {bit}");
    }
    for bit in 0..8 * page.len() {
        let refused = Page::decode(&with_bit_flipped(&page, bit));
        assert_eq!(refused, Err(Unreadable::Checksum), "bit {bit}");
    }
}

fn with_bit_flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes
}

#[test]
fn every_truncation_is_noticed() {
    let (record, page) = (from_hex(GOLDEN_RECORD), from_hex(GOLDEN_PAGE));
    for length in 0..record.len() {
        let refused = Record::decode(&record[..length]).unwrap_err();
        assert_eq!(refused, truncated(length), "record of {length} bytes");
    }
    for length in 0..page.len() {
        let refused = Page::decode(&page[..length]).unwrap_err();
        assert_eq!(refused, truncated(length), "page of {length} bytes");
    }
}

fn truncated(length: usize) -> Unreadable {
    if length < 8 { Unreadable::Length(length) } else { Unreadable::Checksum }
}

#[test]
fn a_truncation_under_a_valid_checksum_is_noticed() {
    let (record, page) = (from_hex(GOLDEN_RECORD), from_hex(GOLDEN_PAGE));
    let (record, page) = (without_checksum(&record), without_checksum(&page));
    for length in 0..record.len() {
        let refused = Record::decode(&sealed(&record[..length])).unwrap_err();
        assert!(is_cut_short(&refused), "{length} bytes: {refused}");
    }
    for length in 0..page.len() {
        let refused = Page::decode(&sealed(&page[..length])).unwrap_err();
        assert!(is_cut_short(&refused), "{length} bytes: {refused}");
    }
}

fn is_cut_short(refused: &Unreadable) -> bool {
    matches!(refused, Unreadable::Length(_) | Unreadable::Decode(_))
}

#[test]
fn bytes_left_over_are_refused() {
    let (record, page) = (from_hex(GOLDEN_RECORD), from_hex(GOLDEN_PAGE));
    let longer = [record.as_slice(), &[0]].concat();
    assert_eq!(Record::decode(&longer), Err(Unreadable::Length(RECORD_BYTES + 1)));
    let longer = [page.as_slice(), &[0]].concat();
    assert_eq!(Page::decode(&longer), Err(Unreadable::Checksum));
    let longer = sealed(&[without_checksum(&page), &[0]].concat());
    assert_eq!(Page::decode(&longer), Err(Unreadable::Decode("1 bytes are left over".to_owned())));
}

#[test]
fn a_page_beyond_the_longest_is_refused_before_it_is_looked_at() {
    let long = sealed(&vec![1; PAGE_BYTES_MAX - 7]);
    assert_eq!(Page::decode(&long), Err(Unreadable::Length(long.len())));
}

#[test]
fn an_unknown_format_is_named() {
    let (record, page) = (from_hex(GOLDEN_RECORD), from_hex(GOLDEN_PAGE));
    for format in [0, 2, 255] {
        let of_format = |bytes: &[u8]| sealed(&[&[format], &without_checksum(bytes)[1..]].concat());
        let refused = Unreadable::Format(format);
        assert_eq!(Record::decode(&of_format(&record)), Err(refused.clone()));
        assert_eq!(Page::decode(&of_format(&page)), Err(refused));
    }
    assert_eq!(
        Unreadable::Format(2).to_string(),
        "format 2 is unknown; a newer TicketBoss may have written it"
    );
}

/// Earlier, U+FEFF alone was taken for a name; a ledger that has one is not damaged.
#[test]
fn what_was_once_a_name_is_still_read() {
    let (digest, request) = ("ab".repeat(32), "00".repeat(16));
    let reserved = format!("0000{request}0103efbbbf010500");
    let bytes = sealed(&from_hex(&["01", "07", "02", &digest, "00", "01", &reserved].concat()));
    let page = Page::decode(&bytes).unwrap();
    assert_eq!(encode_page(&page).0, bytes);
}

#[test]
fn values_outside_their_limits_are_refused_under_a_valid_checksum() {
    let page = |pieces: &[&str]| Page::decode(&sealed(&from_hex(&pieces.concat()))).unwrap_err();
    let (digest, request) = ("ab".repeat(32), "00".repeat(16));
    let cancelled = |reservation: &str| format!("0000{request}02{reservation}00");
    let reserved = |partner: &str, seats: &str| format!("0000{request}01{partner}{seats}0500");
    let check = |version: &str, first_at: &str, count: &str, change: &str, expected| {
        let refused = page(&["01", "07", version, &digest, first_at, count, change]);
        assert_eq!(refused, Unreadable::Value(expected));
    };
    let out_of_range = "a version is out of range";
    let at_the_end = "fdffffffffffffffff";
    check("02", "00", "00", "", "a page has at least one change");
    check(at_the_end, "00", "01", &cancelled("02"), out_of_range);
    check("fd0000000000010000", "00", "01", &cancelled("02"), out_of_range);
    check("02", "00", "01", &cancelled(at_the_end), out_of_range);
    check("02", "00", "01", &reserved("0461636d65", "00"), "a number of seats is 0");
    check("02", "00", "01", &reserved("00", "01"), "a name is not valid");
    check("02", "00", "01", &reserved("0120", "01"), "a name is not valid");
    let later = format!("0200{request}020200");
    let last_moment = "fdfeffffffffffffff";
    check("02", last_moment, "02", &(cancelled("02") + &later), "a time is out of range");
    check("02", "00", "01", &later, "the time of a page is that of its first change");
}

proptest! {
    #[test]
    fn every_record_is_of_one_length_and_reads_back(
        (number, number_of_changes, live_reservations) in (any::<u32>(), 0..=Version::MAX.get(), any::<u64>()),
        seats: [u32; 5],
        newest_page: [u8; 32],
    ) {
        let [capacity, available, held, confirmed, blocked] = seats;
        let record = Record {
            number: EventNumber(number),
            version: version(number_of_changes),
            seats: SeatCounts { capacity, available, held, confirmed, blocked },
            live_reservations,
            newest_page: Digest(newest_page),
        };
        let bytes = record.encode();
        prop_assert_eq!(bytes.len(), RECORD_BYTES);
        prop_assert_eq!(Record::decode(&bytes), Ok(record));
    }

    #[test]
    fn bytes_of_any_kind_are_refused_or_read_but_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        prop_assert!(Record::decode(&bytes).is_err());
        prop_assert!(Page::decode(&bytes).is_err());
        let in_format = sealed(&[&[1], bytes.as_slice()].concat());
        let _ = Record::decode(&in_format);
        let _ = Page::decode(&in_format);
    }

    #[test]
    fn a_page_altered_under_a_valid_checksum_never_panics(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut body = without_checksum(&from_hex(GOLDEN_PAGE)).to_vec();
        for (at, byte) in edits {
            let at = at.index(body.len());
            body[at] = byte;
        }
        let _ = Page::decode(&sealed(&body));
    }
}

/// Reads pages of one commit back: each within its length, chained, and all changes in order.
fn read_back(commit: &Commit) -> Vec<Change> {
    let mut previous = Digest::NONE;
    let mut changes = Vec::new();
    for (first_version, bytes) in &commit.pages {
        assert!(bytes.len() <= PAGE_BYTES_MAX, "{} bytes", bytes.len());
        let page = Page::decode(bytes).unwrap();
        assert_eq!(page.first_version(), *first_version);
        assert_eq!(page.number, commit.record.number);
        assert_eq!(page.previous, previous);
        previous = page.digest;
        changes.extend(page.changes);
    }
    assert_eq!(commit.record.newest_page, previous);
    changes
}

/// Every page but the last is as full as it can be known to get.
fn assert_filled(commit: &Commit) {
    let (_, filled) = commit.pages.split_last().unwrap();
    for (_, bytes) in filled {
        assert!(bytes.len() > PAGE_BYTES_MAX - CHANGE_BYTES_MAX);
    }
}

#[test]
fn a_full_page_of_the_shortest_changes_reads_back() {
    let (mut event, creation) = created(EventNumber(1), terms("node-meetup", 5000), 0);
    let mut changes = vec![creation];
    let acme = partner("a");
    for nonce in 0..2000 {
        let change = event.decide(&reserve(&acme, 1, nonce), Timestamp(0)).unwrap().into_change();
        event.apply(change.as_ref().unwrap());
        changes.extend(change);
    }
    let made = event.reservations().map(|(id, _)| id).collect::<Vec<_>>();
    for id in made {
        let change = event.decide(&cancel(id), Timestamp(0)).unwrap().into_change();
        event.apply(change.as_ref().unwrap());
        changes.extend(change);
    }
    let commit = Commit::draft(None, &event, &changes);
    assert!(commit.pages.len() > 4);
    assert_filled(&commit);
    assert_eq!(read_back(&commit), changes);
}

#[test]
fn the_longest_change_fits() {
    let longest = EventTerms {
        id: event_id(&"x".repeat(64)),
        name: EventName::new(&"🎫".repeat(200)).unwrap(),
        description: Some(Description::new(&"🎫".repeat(1000)).unwrap()),
        venue: Some(Venue::new(&"🎫".repeat(200)).unwrap()),
        zone: Some(ZoneName::new(&"x".repeat(64)).unwrap()),
        starts_at: Some(Timestamp(i64::MIN)),
        on_sale_at: Some(Timestamp(i64::MIN)),
        off_sale_at: Some(Timestamp(i64::MAX)),
        hold_seconds: u32::MAX,
        ..terms("node-meetup", u32::MAX)
    };
    let refused = |(place, kind): (usize, &RefusalKind)| Refused {
        kind: *kind,
        partner: (place < REFUSED_BY_NAME_MAX).then(|| partner(&"🎫".repeat(128))),
        times: u32::MAX,
    };
    let all = RefusalKind::ALL.iter().chain(&RefusalKind::ALL);
    let refused = all.take(REFUSED_BY_NAME_MAX + RefusalKind::ALL.len()).enumerate().map(refused);
    let refused: Option<Arc<[Refused]>> = Some(refused.collect());
    let entry = |place: usize| {
        let name = MetadataKey::new(&format!("{place}{}", "🎫".repeat(39))).unwrap();
        (name, MetadataValue::new(&"🎫".repeat(100)).unwrap())
    };
    let note = Note {
        reference: Some(Reference::new(&"🎫".repeat(200)).unwrap()),
        chosen_id: Some(u128::MAX),
        metadata: (0..METADATA_ENTRIES_MAX).map(entry).collect(),
    };
    let key = Some(Key { name: KeyName([0xFF; 16]), body: [0xFF; 16] });
    let (mut event, creation) = created(EventNumber(u32::MAX), longest, i64::MAX);
    let creation = Change { key, refused: refused.clone(), ..creation };
    let nonce = Nonce::from_bits(u64::MAX);
    let fact = Fact::Reserved { partner: partner(&"🎫".repeat(128)), seats: Seats::TEN, nonce };
    let sale = Change {
        version: version(2),
        note: Some(Arc::new(note)),
        refused,
        key,
        fact,
        ..creation.clone()
    };
    event.apply(&sale);
    let commit = Commit::draft(None, &event, &[creation.clone(), sale.clone()]);
    assert_eq!(read_back(&commit), [creation, sale]);
}

/// What varies from one reservation to the next: partner, nonce, milliseconds that passed.
fn reservations() -> impl Strategy<Value = Vec<(String, u64, i64)>> {
    let letter = prop_oneof![Just("🎫"), Just("é"), Just("a")];
    let partner = (letter, 1..=128_usize).prop_map(|(letter, length)| letter.repeat(length));
    let passed_ms = prop_oneof![Just(0), 0..1_000_000_000_000_i64];
    prop::collection::vec((partner, any::<u64>(), passed_ms), 0..200)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn all_changes_come_back_in_order_over_pages_of_bounded_length(
        reservations in reservations(),
        number: u32,
        created_at in -1_000_000_000_000..1_000_000_000_000_i64,
    ) {
        let terms = terms("node-meetup", 5000);
        let (mut event, creation) = created(EventNumber(number), terms, created_at);
        let mut changes = vec![creation];
        let mut now_ms = created_at;
        for (name, nonce, passed_ms) in &reservations {
            now_ms += passed_ms;
            let command = reserve(&partner(name), 1, *nonce);
            let decision = event.decide(&command, Timestamp(now_ms)).unwrap();
            let change = decision.into_change().unwrap();
            event.apply(&change);
            changes.push(change);
        }
        let commit = Commit::draft(None, &event, &changes);
        assert_filled(&commit);
        prop_assert_eq!(read_back(&commit), changes);
        prop_assert_eq!(commit.record.version, event.version());
        prop_assert_eq!(commit.record.seats, event.seats());
    }
}

#[test]
fn a_commit_goes_on_from_the_page_before_it() {
    let (mut event, creation) = created(EventNumber(1), terms("node-meetup", 50), 0);
    let first = Commit::draft(None, &event, std::slice::from_ref(&creation));
    let change =
        event.decide(&reserve(&partner("acme"), 1, 5), Timestamp(0)).unwrap().into_change();
    let change = change.unwrap();
    event.apply(&change);
    let second = Commit::draft(Some(&first.record), &event, std::slice::from_ref(&change));
    let page = Page::decode(&second.pages[0].1).unwrap();
    assert_eq!(page.previous, first.record.newest_page);
    assert_eq!(page.digest, second.record.newest_page);
    assert_eq!(refolded(&first, &second).version(), second.record.version);
}

fn refolded(first: &Commit, second: &Commit) -> Event {
    let pages = [first, second].map(|commit| Page::decode(&commit.pages[0].1).unwrap());
    let mut event = Event::create(pages[0].number, &pages[0].changes[0]).unwrap();
    event.follow(&pages[1].changes[0]).unwrap();
    event
}
