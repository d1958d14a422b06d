//! How records and pages are written down. The one codec; nothing else turns domain values to bytes.
//!
//! Both begin with a format byte and end with a checksum, the first eight bytes of the BLAKE3 digest
//! of everything before it; between them stands a bincode value. The structures here are the stored
//! form and nothing but: the domain's types are not serialisable, so a field renamed or reordered
//! there changes no byte here. A stored enum only ever grows at its end. What a change may carry
//! beside its fact (an idempotency key, a reference, …) becomes a `StoredDetail`.
//!
//! | what | bytes |
//! | --- | --- |
//! | record | format `1`, fixed-width integers, little-endian, always [`RECORD_BYTES`] long, checksum |
//! | page | format `1`, variable-width integers, at most [`PAGE_BYTES_MAX`] long, checksum |
//!
//! bincode 2.0.1 has no maintainer (RUSTSEC-2025-0141); `3.0.0` is empty. The golden vectors in the
//! tests hold the bytes still, and this file is the only one to change for another codec.

use std::fmt;

use bincode::config::{Configuration, Fixint, Limit, LittleEndian, Varint};
use serde::{Deserialize, Serialize};

use self::stored::{StoredChange, read_change, store_change, version};
use ticketboss_core::domain::{Change, EventNumber, SeatCounts, Timestamp, Version};

mod stored;
mod unreadable;

pub use self::unreadable::Unreadable;

/// The longest page. Values above this size make sled spill nodes into files that it never syncs.
pub const PAGE_BYTES_MAX: usize = 16 * 1024;
/// How long every record is.
pub const RECORD_BYTES: usize = 1 + 4 + 8 + 5 * 4 + 8 + 32 + CHECKSUM_BYTES;
/// The longest change, by the limits of the names in it; of those that there are, many fit into a page.
pub const CHANGE_BYTES_MAX: usize = 13 * 1024;

const FORMAT: u8 = 1;
const CHECKSUM_BYTES: usize = 8;

const RECORD_CONFIG: Configuration<LittleEndian, Fixint, Limit<RECORD_BYTES>> =
    bincode::config::standard().with_fixed_int_encoding().with_limit::<RECORD_BYTES>();
/// bincode counts an integer against its limit by its full width, even where one byte is read: so a
/// whole page may count for up to eight times its length. The length itself is checked beforehand.
const PAGE_COUNTED_BYTES_MAX: usize = 8 * PAGE_BYTES_MAX;
const PAGE_CONFIG: Configuration<LittleEndian, Varint, Limit<PAGE_COUNTED_BYTES_MAX>> =
    bincode::config::standard().with_limit::<PAGE_COUNTED_BYTES_MAX>();

/// The BLAKE3 digest of a page without its checksum; it names everything that came before, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// What the first page of a ledger names as the page before it.
    pub const NONE: Self = Self([0; 32]);
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The head of an event: small, fixed in size, and the thing on which compare-and-swap acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// The number under which the ledger is kept.
    pub number: EventNumber,
    /// How many changes the ledger has.
    pub version: Version,
    /// Where the seats are after them.
    pub seats: SeatCounts,
    /// How many reservations are not cancelled.
    pub live_reservations: u64,
    /// The digest of the newest page.
    pub newest_page: Digest,
}

/// The changes of one commit, or the part of them that fits into one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The number of the event whose ledger this is part of.
    pub number: EventNumber,
    /// The digest of the page before, or [`Digest::NONE`].
    pub previous: Digest,
    /// The changes, in order, without a gap; at least one.
    pub changes: Vec<Change>,
    /// The digest of this page.
    pub digest: Digest,
}

#[derive(Serialize, Deserialize)]
struct StoredRecord {
    number: u32,
    version: u64,
    capacity: u32,
    available: u32,
    held: u32,
    confirmed: u32,
    blocked: u32,
    live_reservations: u64,
    newest_page: [u8; 32],
}

/// What a page holds before its changes.
#[derive(Serialize, Deserialize)]
struct StoredPageHead {
    number: u32,
    first_version: u64,
    previous: [u8; 32],
    /// The time of the first change; the others count from it.
    first_at: i64,
}

#[derive(Deserialize)]
struct StoredPageParts<'a> {
    head: StoredPageHead,
    #[serde(borrow)]
    changes: Vec<StoredChange<'a>>,
}

impl Record {
    /// The bytes of this record.
    pub fn encode(&self) -> Vec<u8> {
        let stored = StoredRecord {
            number: self.number.0,
            version: self.version.get(),
            capacity: self.seats.capacity,
            available: self.seats.available,
            held: self.seats.held,
            confirmed: self.seats.confirmed,
            blocked: self.seats.blocked,
            live_reservations: self.live_reservations,
            newest_page: self.newest_page.0,
        };
        let mut bytes = Vec::with_capacity(RECORD_BYTES);
        bytes.push(FORMAT);
        encode_onto(&mut bytes, &stored, RECORD_CONFIG);
        seal(&mut bytes);
        bytes
    }

    /// Reads a record.
    ///
    /// # Errors
    /// When `bytes` are not a whole, intact record of a known format.
    pub fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let (body, _) = unseal(bytes, RECORD_BYTES)?;
        let stored: StoredRecord = decode_all(body, RECORD_CONFIG)?;
        Ok(Self {
            number: EventNumber(stored.number),
            version: version(stored.version)?,
            seats: SeatCounts {
                capacity: stored.capacity,
                available: stored.available,
                held: stored.held,
                confirmed: stored.confirmed,
                blocked: stored.blocked,
            },
            live_reservations: stored.live_reservations,
            newest_page: Digest(stored.newest_page),
        })
    }
}

impl Page {
    /// The version of the first change.
    pub fn first_version(&self) -> Version {
        self.changes.first().map_or(Version::ZERO, |change| change.version)
    }

    /// Reads a page.
    ///
    /// # Errors
    /// When `bytes` are not a whole, intact page of a known format with at least one change.
    pub fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let (body, digest) = unseal(bytes, PAGE_BYTES_MAX)?;
        let stored: StoredPageParts<'_> = decode_all(body, PAGE_CONFIG)?;
        let StoredPageHead { number, first_version, previous, first_at } = stored.head;
        let Some(first) = stored.changes.first() else {
            return Err(Unreadable::Value("a page has at least one change"));
        };
        if first.after_first_ms != 0 {
            return Err(Unreadable::Value("the time of a page is that of its first change"));
        }
        let changes = (version(first_version)?.get()..)
            .zip(&stored.changes)
            .map(|(number, change)| read_change(number, first_at, change))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self { number: EventNumber(number), previous: Digest(previous), changes, digest })
    }
}

/// Collects changes into one page until it is full.
#[derive(Debug)]
pub struct PageWriter {
    number: EventNumber,
    previous: Digest,
    first_version: Version,
    first_at: Timestamp,
    count: usize,
    changes: Vec<u8>,
}

/// The longest head of a page: format, four integers and a digest, the count, the checksum.
const PAGE_HEAD_BYTES_MAX: usize = 1 + 5 + 9 + 32 + 10 + 5 + CHECKSUM_BYTES;

impl PageWriter {
    /// Begins a page with `first`.
    pub fn begin(number: EventNumber, previous: Digest, first: &Change) -> Self {
        let mut page = Self {
            number,
            previous,
            first_version: first.version,
            first_at: first.at,
            count: 0,
            changes: Vec::new(),
        };
        page.push(first);
        page
    }

    /// The version of the first change.
    pub fn first_version(&self) -> Version {
        self.first_version
    }

    /// Adds the next change if there is room; says whether there was.
    #[must_use]
    pub fn try_push(&mut self, change: &Change) -> bool {
        let length_before = self.changes.len();
        self.push(change);
        if PAGE_HEAD_BYTES_MAX + self.changes.len() <= PAGE_BYTES_MAX {
            return true;
        }
        self.changes.truncate(length_before);
        self.count -= 1;
        false
    }

    fn push(&mut self, change: &Change) {
        let length_before = self.changes.len();
        encode_onto(&mut self.changes, &store_change(change, self.first_at), PAGE_CONFIG);
        let length = self.changes.len() - length_before;
        assert!(length <= CHANGE_BYTES_MAX, "a change has at most {CHANGE_BYTES_MAX} bytes");
        self.count += 1;
    }

    /// The bytes of the page, and their digest.
    pub fn finish(self) -> (Vec<u8>, Digest) {
        let head = StoredPageHead {
            number: self.number.0,
            first_version: self.first_version.get(),
            previous: self.previous.0,
            first_at: self.first_at.0,
        };
        let mut bytes = Vec::with_capacity(PAGE_HEAD_BYTES_MAX + self.changes.len());
        bytes.push(FORMAT);
        encode_onto(&mut bytes, &head, PAGE_CONFIG);
        // bincode writes a sequence as its length and then its items, which are written already.
        encode_onto(&mut bytes, &(self.count as u64), PAGE_CONFIG);
        bytes.extend_from_slice(&self.changes);
        let digest = seal(&mut bytes);
        (bytes, digest)
    }
}

fn encode_onto<C: bincode::config::Config>(bytes: &mut Vec<u8>, value: &impl Serialize, config: C) {
    bincode::serde::encode_into_std_write(value, bytes, config)
        .expect("a bounded value can be written to memory");
}

fn decode_all<'a, T: Deserialize<'a>, C: bincode::config::Config>(
    body: &'a [u8],
    config: C,
) -> Result<T, Unreadable> {
    let (value, read) = bincode::serde::borrow_decode_from_slice(body, config)
        .map_err(|error| Unreadable::Decode(error.to_string()))?;
    if read != body.len() {
        return Err(Unreadable::Decode(format!("{} bytes are left over", body.len() - read)));
    }
    Ok(value)
}

fn seal(bytes: &mut Vec<u8>) -> Digest {
    let digest = *blake3::hash(bytes).as_bytes();
    bytes.extend_from_slice(checksum(&digest));
    Digest(digest)
}

fn unseal(bytes: &[u8], bytes_max: usize) -> Result<(&[u8], Digest), Unreadable> {
    let length = Unreadable::Length(bytes.len());
    if bytes.len() > bytes_max {
        return Err(length);
    }
    let (sealed, found) = bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or(length.clone())?;
    let digest = *blake3::hash(sealed).as_bytes();
    if checksum(&digest) != found {
        return Err(Unreadable::Checksum);
    }
    let (format, body) = sealed.split_first().ok_or(length)?;
    if *format != FORMAT {
        return Err(Unreadable::Format(*format));
    }
    Ok((body, Digest(digest)))
}

fn checksum(digest: &[u8; 32]) -> &[u8; CHECKSUM_BYTES] {
    digest.first_chunk().expect("a digest is longer than a checksum")
}
