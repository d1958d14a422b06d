//! What clients asked for and what they were told, held against what is stored in the end.

use std::net::SocketAddr;
use std::path::Path;

use ticketboss_core::domain::{Change, Fact, PartnerId, ReservationId, Version};
use ticketboss_store::Page;
use ticketboss_store::local::sled::{SledOptions, inspect};
use uuid::Uuid;

use super::client::{self, Told};

/// How many seats the event has: so few that the last who ask are refused.
pub(super) const CAPACITY: u32 = 20;
/// More than one request may take.
const TOO_MANY_SEATS: u32 = 11;

/// What was asked for.
#[derive(Debug, Clone)]
enum Ask {
    /// Seats, by a partner who asks for nothing else.
    Reserve(String, u32),
    Cancel(ReservationId),
    Look,
}

/// What was asked for, what was told, and the highest version that anybody had been told of before.
#[derive(Debug, Clone)]
struct Entry {
    ask: Ask,
    told: Told,
    version_before: u64,
}

/// Everything that clients asked for and were told.
#[derive(Debug, Default)]
pub(super) struct Books {
    entries: Vec<Entry>,
    version_told: u64,
}

impl Books {
    /// Some clients reserve, cancel and look, one after the other and then at once. `earlier` is a
    /// reservation from before the start.
    pub(super) fn fill(&mut self, address: SocketAddr, earlier: Option<ReservationId>) {
        self.ask(address, &[Ask::Look]);
        let first = self.ask(address, &[reserve("first", 3)]);
        self.ask(address, &[reserve("second", 2)]);
        self.ask(address, &cancel(first[0]));
        let earlier_if_any = cancel(earlier);
        let at_once = [reserve("third", 1), reserve("fourth", 2), reserve("fifth", TOO_MANY_SEATS)];
        let taken = self.ask(address, &[&at_once[..], &earlier_if_any].concat());
        self.ask(address, &[Ask::Look]);
        // Cancelled before, so not there any more.
        self.ask(address, &cancel(first[0]));
        self.ask(address, &[reserve("sixth", 9)]);
        // More than is left.
        self.ask(address, &[reserve("seventh", 10)]);
        self.ask(address, &cancel(taken[0]));
        self.ask(address, &[Ask::Look]);
    }

    /// Asks for several things at once; gives the reservations that were made.
    fn ask(&mut self, address: SocketAddr, asks: &[Ask]) -> Vec<Option<ReservationId>> {
        let told = std::thread::scope(|scope| {
            let asked = |ask| scope.spawn(move || tell(address, ask));
            let asked: Vec<_> = asks.iter().map(asked).collect();
            asked.into_iter().map(|told| told.join().unwrap()).collect::<Vec<_>>()
        });
        let version_before = self.version_told;
        let mut made = Vec::new();
        for (ask, told) in asks.iter().zip(told) {
            made.push(reservation_in(&told));
            if let Told::Answer(_, Some(version), _) = told {
                self.version_told = self.version_told.max(version);
            }
            self.entries.push(Entry { ask: ask.clone(), told, version_before });
        }
        made
    }

    /// How many changes were acknowledged.
    pub(super) fn acknowledged(&self) -> usize {
        let is_change = |entry: &&Entry| matches!(entry.told, Told::Answer(201 | 204, ..));
        self.entries.iter().filter(is_change).count()
    }

    /// Whether somebody could notice that the server is about to end.
    pub(super) fn tell_of_an_end(&self) -> bool {
        self.entries.iter().any(|entry| match &entry.told {
            Told::Answer(503, _, body) => body["code"] == "unavailable",
            Told::Answer(..) => false,
            Told::Nothing | Told::Hung => true,
        })
    }

    /// Everything that was told and is not true of what is stored, and everything that is stored and
    /// was not asked for.
    pub(super) fn untrue(&self, stored: &Stored, history: &[Change]) -> Vec<String> {
        let mut untrue = Vec::new();
        for entry in &self.entries {
            if let Err(why) = stored.bears_out(entry) {
                untrue.push(format!("{why}: {entry:?}"));
            }
        }
        if !stored.0.starts_with(history) {
            untrue.push("what there was before the start is not there as it was".to_owned());
        }
        for change in stored.0.iter().skip(history.len().max(1)) {
            let asked = |entry: &Entry| match (&entry.ask, &change.fact) {
                (
                    Ask::Reserve(partner, seats),
                    Fact::Reserved { partner: who, seats: many, .. },
                ) => partner == who.as_str() && *seats == many.get(),
                (Ask::Cancel(id), Fact::Cancelled { reservation }) => id.version == *reservation,
                _ => false,
            };
            if !self.entries.iter().any(asked) {
                untrue.push(format!("nobody asked for {change:?}"));
            }
        }
        untrue
    }
}

fn reserve(partner: &str, seats: u32) -> Ask {
    Ask::Reserve(partner.to_owned(), seats)
}

fn cancel(reservation: Option<ReservationId>) -> Vec<Ask> {
    reservation.into_iter().map(Ask::Cancel).collect()
}

fn tell(address: SocketAddr, ask: &Ask) -> Told {
    match ask {
        Ask::Reserve(partner, seats) => client::reserve(address, partner, *seats),
        Ask::Cancel(id) => client::cancel(address, &Uuid::from_u128(id.to_bits()).to_string()),
        Ask::Look => client::look(address, "/reservations/"),
    }
}

fn reservation_in(told: &Told) -> Option<ReservationId> {
    let Told::Answer(201, _, body) = told else { return None };
    let id = Uuid::parse_str(body["reservationId"].as_str()?).ok()?;
    ReservationId::from_bits(id.as_u128())
}

/// The whole ledger of the only event, as it is stored.
#[derive(Debug, Clone)]
pub(super) struct Stored(pub(super) Vec<Change>);

impl Stored {
    /// Reads it; an event that is damaged, or anything left over, is an error.
    pub(super) fn read(home: &Path) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let options = SledOptions::standard(home.join("data/db"));
            let opened = inspect(&options).map_err(|error| error.to_string())?;
            if !opened.leftovers.orphans.is_empty() || !opened.leftovers.ownerless.is_empty() {
                return Err(format!("left over: {:?}", opened.leftovers));
            }
            let listed = opened.store.events().await.map_err(|error| error.to_string())?;
            let [listed] = &listed[..] else {
                return Err(format!("there are {} events", listed.len()));
            };
            let record = listed.loaded.as_ref().map_err(ToString::to_string)?.record;
            let mut pages = opened.store.pages(record.number, Version::FIRST, record.version);
            let mut changes = Vec::new();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| error.to_string())?;
                changes.extend(Page::decode(&page.bytes).map_err(|why| why.to_string())?.changes);
            }
            let last = changes.last().map_or(Version::ZERO, |change| change.version);
            if last == record.version { Ok(Self(changes)) } else { Err("pages are missing".into()) }
        })
    }

    /// Whether an entry of the books is true.
    fn bears_out(&self, entry: &Entry) -> Result<(), &'static str> {
        let times = self.times(&entry.ask);
        let (status, version, body) = match &entry.told {
            Told::Hung => return Err("neither answered nor ended"),
            Told::Nothing if times <= 1 => return Ok(()),
            Told::Nothing => return Err("happened more than once"),
            Told::Answer(status, version, body) => (*status, *version, body),
        };
        let code = body["code"].as_str().unwrap_or_default();
        let holds = match (&entry.ask, status, code) {
            (Ask::Reserve(..) | Ask::Cancel(_), 503, "unavailable") => times <= 1,
            (Ask::Reserve(..) | Ask::Cancel(_), 503, "storage_full")
            | (Ask::Reserve(_, TOO_MANY_SEATS), 400, "seats_per_request") => times == 0,
            (Ask::Reserve(partner, _), 201, _) => {
                times == 1 && self.has_made(entry, partner) && version > Some(entry.version_before)
            }
            // That there is no such reservation is told of those only that are cancelled.
            (Ask::Cancel(_), 404, "reservation_not_found") => times == 1,
            (Ask::Reserve(_, asked), 409, "not_enough_seats") => {
                let at = body["version"].as_u64().unwrap();
                let available = self.available_at(at);
                times == 0
                    && at >= entry.version_before
                    && available.is_some_and(|available| available < u64::from(*asked))
                    && available == body["available"].as_u64()
            }
            (Ask::Cancel(_), 204, _) => times == 1 && version > Some(entry.version_before),
            (Ask::Look, 200, _) => {
                version >= Some(entry.version_before)
                    && version.and_then(|version| self.available_at(version))
                        == body["availableSeats"].as_u64()
            }
            _ => return Err("an answer that has no place here"),
        };
        if holds { Ok(()) } else { Err("what was told is not true of what is stored") }
    }

    /// How often something that was asked for has happened.
    fn times(&self, ask: &Ask) -> usize {
        let is_it = |change: &&Change| match (ask, &change.fact) {
            (Ask::Reserve(partner, _), Fact::Reserved { partner: who, .. }) => {
                partner == who.as_str()
            }
            (Ask::Cancel(id), Fact::Cancelled { reservation }) => *reservation == id.version,
            _ => false,
        };
        self.0.iter().filter(is_it).count()
    }

    /// Whether the reservation that was told of is there as it was told.
    fn has_made(&self, entry: &Entry, by: &str) -> bool {
        let Some(id) = reservation_in(&entry.told) else { return false };
        let Told::Answer(_, version, body) = &entry.told else { return false };
        self.0.iter().any(|change| match &change.fact {
            Fact::Reserved { partner, seats, nonce } => {
                change.version == id.version
                    && Some(id.version.get()) == *version
                    && *nonce == id.nonce
                    && partner == &PartnerId::new(by).unwrap()
                    && body["seats"] == seats.get()
            }
            _ => false,
        })
    }

    /// How many seats were available at a version; none where there is no such version.
    fn available_at(&self, version: u64) -> Option<u64> {
        let changes = self.0.get(..usize::try_from(version).ok()?)?;
        let seats_of = |version: Version| {
            let made = changes.iter().find(|change| change.version == version);
            match &made.expect("it was made before").fact {
                Fact::Reserved { seats, .. } => u64::from(seats.get()),
                other => panic!("{other:?} can be cancelled"),
            }
        };
        let after = |available: u64, change: &Change| match &change.fact {
            Fact::EventCreated(terms) => u64::from(terms.capacity.get()),
            Fact::Reserved { seats, .. } => available - u64::from(seats.get()),
            Fact::Cancelled { reservation } => available + seats_of(*reservation),
            other => panic!("nobody asked for {other:?}"),
        };
        Some(changes.iter().fold(0, after))
    }
}
