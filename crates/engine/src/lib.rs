//! The use cases: create an event, reserve, hold, confirm, extend, cancel, look.
//!
//! The office gives each event one writer, who decides and commits; readers take the last committed
//! event and wait for nobody. Work is done by the writer, not by the task of whoever asks: a caller
//! that goes away stops nothing.
//!
//! It must not know: HTTP, JSON, status codes, sled, or where the time and the random numbers come
//! from.

mod event_creation;
mod event_handle;
mod events;
mod history;
mod moves;
mod published;
mod reservations;
mod subscriptions;
mod writer;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use event_creation::Creations;
use event_handle::Desk;
use history::ReadBacks;
pub use history::SealedPage;
use moves::Moves;
pub use subscriptions::{Added, Following, FollowingAll, Missed};
use ticketboss_core::domain::{
    Change, Event, EventId, EventNumber, Fact, Key, Note, Refusal, RequestId, Reservation,
    ReservationId, Timestamp, Version,
};
use ticketboss_runtime::clock::{CATCH_UP_MS_MAX, Clock};
use ticketboss_runtime::entropy::Entropy;
use ticketboss_runtime::tasks::Tasks;
use ticketboss_store::ledger::{self, ReplayError};
use ticketboss_store::{Damage, Listed, Loaded, Store, StoreError};
use writer::GoesBy;

/// How many events one office keeps open.
pub const EVENTS_MAX: usize = 100_000;

/// How many milliseconds an hour has.
const HOUR_MS: i64 = 60 * 60 * 1_000;

/// How many events that are dated far ahead are named in the log.
const FAR_AHEAD_NAMED_MAX: usize = 10;

/// Everything that is sold here. Clones share it.
#[derive(Debug, Clone)]
pub struct Office(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tasks: Tasks,
    store: Store,
    clock: Clock,
    entropy: Entropy,
    moves: Moves,
    desks: RwLock<Desks>,
    creations: Creations,
    read_backs: ReadBacks,
}

#[derive(Debug, Default)]
struct Desks {
    by_id: HashMap<EventId, Arc<Desk>>,
    by_number: BTreeMap<EventNumber, Arc<Desk>>,
    /// Nothing is sold any more; what is asked for is answered with `Unavailable`.
    closed: bool,
}

impl Desks {
    /// A damaged event whose number is not known.
    fn of_unknown_number(&self) -> Option<&Arc<Desk>> {
        let unknown = self.by_id.values().filter(|desk| desk.number().is_none());
        unknown.min_by_key(|desk| desk.id())
    }
}

/// An event as it was found in the store.
enum Opened {
    Whole(Box<Event>, Loaded),
    /// The number is there if it is known.
    Damaged(Damage, Option<EventNumber>),
}

impl Opened {
    fn whole(&self) -> Option<&Event> {
        match self {
            Self::Whole(event, _) => Some(event),
            Self::Damaged(..) => None,
        }
    }
}

/// How far an event's newest change is dated ahead of `now`, in milliseconds.
fn ahead_ms(event: &Event, now: Timestamp) -> i64 {
    event.updated_at().0.saturating_sub(now.0)
}

/// An event that is dated further ahead than the clock is put forward was changed by a clock that was wrong,
/// and has its time by this one.
fn goes_by(event: &Event, now: Timestamp) -> GoesBy {
    if ahead_ms(event, now) < CATCH_UP_MS_MAX { GoesBy::Dates } else { GoesBy::Clock }
}

/// The clock, when it is `now`, put forward to be not before what is stored. What is dated too far ahead is
/// told of, and is no reason to put it forward for all the others.
fn put_forward(clock: Clock, now: Timestamp, opened: &[Opened]) -> Clock {
    let whole = opened.iter().filter_map(Opened::whole);
    let (far, near): (Vec<_>, Vec<_>) =
        whole.partition(|event| goes_by(event, now) == GoesBy::Clock);
    if !far.is_empty() {
        let hours =
            |event: &&Event| format!("{} by {} h", event.id(), ahead_ms(event, now) / HOUR_MS);
        let named = far.iter().take(FAR_AHEAD_NAMED_MAX).map(hours).collect::<Vec<_>>();
        let others = if far.len() > named.len() { ", and others" } else { "" };
        log::warn!(
            "the clock is wrong, or was: of the events, {} are dated ahead of it: {}{others}",
            far.len(),
            named.join(", "),
        );
    }
    let noted = near.iter().map(|event| event.updated_at()).max();
    // Nothing is dated at a time before which somebody was told that he has got everything.
    clock.not_before(Timestamp(noted.map_or(i64::MIN, |noted| noted.0.saturating_add(1))))
}

async fn replay(
    store: &Store,
    id: &EventId,
    loaded: &Loaded,
    listed: &[Listed],
) -> Result<Opened, StoreError> {
    let record = &loaded.record;
    let pages = store.pages(record.number, Version::FIRST, record.version);
    match ledger::replay(id, loaded, pages).await {
        Ok(replayed) => Ok(Opened::Whole(Box::new(replayed.event), loaded.clone())),
        Err(ReplayError::Damaged(damage)) => {
            // Of two records with one number, that of the damaged event is the wrong one.
            let number = is_of_one(record.number, listed).then_some(record.number);
            Ok(Opened::Damaged(damage, number))
        }
        Err(ReplayError::Store(error)) => Err(error),
    }
}

/// Whether just one event has `number`.
fn is_of_one(number: EventNumber, listed: &[Listed]) -> bool {
    let has_it = |event: &&Listed| {
        let loaded = event.loaded.as_ref();
        loaded.is_ok_and(|loaded| loaded.record.number == number)
    };
    listed.iter().filter(has_it).count() == 1
}

/// Why the office could not do what it was asked for.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OfficeError {
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// There is no such event.
    #[error("there is no such event")]
    EventNotFound,
    /// There is an event of that id already.
    #[error("there is an event {0} already")]
    EventExists(EventId),
    /// There are as many events as an office keeps.
    #[error("there are {EVENTS_MAX} events already")]
    TooManyEvents,
    /// The event was never at that version, or is not there yet.
    #[error("the event has versions 1 to {newest}")]
    NoSuchVersion {
        /// The version.
        version: Version,
        /// The newest that there is.
        newest: Version,
    },
    /// What is stored of the event does not hold together, so it is not sold from.
    #[error(transparent)]
    EventDamaged(Damage),
    /// More requests wait for the event, or for what was to be read back, than may wait.
    #[error("too many requests wait already")]
    Overloaded,
    /// The disk is nearly full; it may work again later.
    #[error("the disk is nearly full")]
    DiskFull,
    /// The store has failed or the office is closed; nobody knows whether the request was carried out.
    #[error("the store has failed")]
    Unavailable,
}

impl From<Damage> for OfficeError {
    fn from(damage: Damage) -> Self {
        Self::EventDamaged(damage)
    }
}

impl From<StoreError> for OfficeError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::DiskFull { .. } => Self::DiskFull,
            StoreError::Failed(_) => Self::Unavailable,
        }
    }
}

/// A change that was made, and what came of it.
#[derive(Debug, Clone)]
pub struct Made {
    /// The change.
    pub change: Change,
    /// The reservation that it made or changed, as it was right after it.
    pub reservation: Option<(ReservationId, Reservation)>,
    /// The event right after it, where its terms were changed.
    pub event: Option<Arc<Event>>,
}

impl Made {
    /// What a change has made of the event `after` it.
    fn new(change: Change, after: &Event) -> Self {
        let made_by = change.fact.reservation().unwrap_or(change.version);
        let has_other_terms = matches!(change.fact, Fact::EventUpdated(_));
        let event = has_other_terms.then(|| Arc::new(after.clone()));
        Self { change, reservation: after.reservation_made_by(made_by), event }
    }
}

/// A request, and how it may be asked again.
#[derive(Debug, Clone)]
pub struct Asking {
    /// What it is called in logs and in the ledger.
    pub request: RequestId,
    /// The key under which it is asked, if there is one.
    pub key: Option<Key>,
    /// What is to be noted on the reservation that it makes.
    pub note: Option<Arc<Note>>,
    /// The version at which somebody looked at the event's terms, where it shall only be done if they are
    /// still those.
    pub if_terms_of: Option<Version>,
}

impl From<RequestId> for Asking {
    fn from(request: RequestId) -> Self {
        Self { request, key: None, note: None, if_terms_of: None }
    }
}

/// Whether an answer is given for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    /// It is.
    First,
    /// What is told was done before, under the same key.
    Again,
}

/// What came of a request, and whether that is told for the first time.
#[derive(Debug, Clone)]
pub struct Answered<T> {
    /// What came of it.
    pub what: T,
    /// Whether that is told for the first time.
    pub telling: Telling,
}

/// A reservation, right after a change to it.
#[derive(Debug, Clone)]
pub struct Reserved {
    /// Its id.
    pub id: ReservationId,
    /// What it is.
    pub reservation: Reservation,
    /// The version of the event that made it so.
    pub version: Version,
    /// Whether that is told for the first time.
    pub telling: Telling,
}

impl Office {
    /// Opens every event of a store. One that is damaged is kept as such and served by nobody.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn open(store: Store, clock: Clock, entropy: Entropy) -> Result<Self, StoreError> {
        Self::open_on(Tasks::Tokio, store, clock, entropy).await
    }

    /// As [`Office::open`], with its writers run by `tasks`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn open_on(
        tasks: Tasks,
        store: Store,
        clock: Clock,
        entropy: Entropy,
    ) -> Result<Self, StoreError> {
        let listed = store.events().await?;
        let mut opened = Vec::with_capacity(listed.len());
        for Listed { event, loaded } in &listed {
            opened.push(match loaded {
                Ok(loaded) => replay(&store, event, loaded, &listed).await?,
                Err(damage) => Opened::Damaged(damage.clone(), None),
            });
        }
        // Holds that began before the machine's clock was set back end in time even so.
        let now = clock.now();
        let clock = put_forward(clock, now, &opened);
        let (moves, desks, read_backs) = (Moves::default(), RwLock::default(), ReadBacks::new());
        let creations = Creations::default();
        let inner = Inner { tasks, store, clock, entropy, moves, desks, creations, read_backs };
        let office = Self(Arc::new(inner));
        for event in opened {
            let desk = match event {
                Opened::Whole(event, loaded) => {
                    let goes_by = goes_by(&event, now);
                    office.open_desk(*event, loaded, goes_by)
                }
                Opened::Damaged(damage, number) => Desk::damaged(damage, number),
            };
            office.keep(desk)?;
        }
        Ok(office)
    }

    /// Starts the desk of an event that is new, and so not dated ahead of the clock.
    fn start_desk(&self, event: Event, loaded: Loaded) -> Desk {
        self.open_desk(event, loaded, GoesBy::Dates)
    }

    fn open_desk(&self, event: Event, loaded: Loaded, goes_by: GoesBy) -> Desk {
        let Inner { tasks, store, clock, moves, .. } = &*self.0;
        Desk::open(tasks, store.clone(), clock.clone(), moves.clone(), event, loaded, goes_by)
    }

    fn keep(&self, desk: Desk) -> Result<(), StoreError> {
        let desk = Arc::new(desk);
        let mut desks = self.0.desks.write().unwrap_or_else(PoisonError::into_inner);
        if desks.closed {
            return Err(StoreError::Failed("the office is closed".into()));
        }
        if let Some(number) = desk.number() {
            desks.by_number.insert(number, desk.clone());
        }
        if let Some(key) = desk.event().ok().and_then(|event| event.created_under()) {
            self.0.creations.keep(key, desk.id());
        }
        desks.by_id.insert(desk.id().clone(), desk);
        Ok(())
    }

    fn desk(&self, id: &EventId) -> Result<Arc<Desk>, OfficeError> {
        let desks = self.0.desks.read().unwrap_or_else(PoisonError::into_inner);
        desks.by_id.get(id).cloned().ok_or(OfficeError::EventNotFound)
    }

    /// The desk of a reservation's event. While there is an event whose number is not known, a
    /// number that nobody has may be its; that the reservation never was cannot be said then.
    fn desk_by_number(&self, number: EventNumber) -> Result<Arc<Desk>, OfficeError> {
        let desks = self.0.desks.read().unwrap_or_else(PoisonError::into_inner);
        let desk = desks.by_number.get(&number);
        desk.or_else(|| desks.of_unknown_number())
            .cloned()
            .ok_or(OfficeError::Refused(Refusal::ReservationNotFound))
    }

    /// The event's ids, in no order.
    pub fn event_ids(&self) -> Vec<EventId> {
        let desks = self.0.desks.read().unwrap_or_else(PoisonError::into_inner);
        desks.by_id.keys().cloned().collect()
    }

    /// What is damaged, in no order.
    pub fn damages(&self) -> Vec<Damage> {
        let desks = self.0.desks.read().unwrap_or_else(PoisonError::into_inner);
        desks.by_id.values().filter_map(|desk| desk.damage()).collect()
    }

    /// Whether both are clones of one.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// A fresh id for a request.
    pub fn new_request_id(&self) -> RequestId {
        self.0.entropy.request_id()
    }

    /// A number by chance.
    pub fn draw(&self) -> u64 {
        self.0.entropy.nonce().get()
    }

    /// The time by the office's clock.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// The event as it was last committed. It waits for nobody.
    ///
    /// # Errors
    /// `EventNotFound`, `EventDamaged`.
    pub fn event(&self, id: &EventId) -> Result<Arc<Event>, OfficeError> {
        self.desk(id)?.event()
    }

    /// The event that the routes without an event id are about: the one with the lowest number.
    ///
    /// # Errors
    /// `EventNotFound` when there is no event at all.
    pub fn default_event_id(&self) -> Result<EventId, OfficeError> {
        let desks = self.0.desks.read().unwrap_or_else(PoisonError::into_inner);
        let lowest = desks.by_number.first_key_value();
        // An event whose record cannot be read has no number that we know, and it may be the lowest,
        // unless that is 1. Rather nothing is sold by default than seats of the wrong event.
        let first = lowest.filter(|(number, _)| **number == EventNumber(1));
        let desk = first
            .map(|(_, desk)| desk)
            .or_else(|| desks.of_unknown_number())
            .or_else(|| lowest.map(|(_, desk)| desk));
        desk.map(|desk| desk.id().clone()).ok_or(OfficeError::EventNotFound)
    }

    /// A reservation, as it was last committed.
    ///
    /// # Errors
    /// Refusal `ReservationNotFound`; `EventDamaged`.
    pub fn reservation(&self, id: ReservationId) -> Result<Reservation, OfficeError> {
        let desk = self.desk_by_number(id.event)?;
        let event = desk.event()?;
        Ok(event.reservation(id).ok_or(Refusal::ReservationNotFound)?.clone())
    }

    /// Whether something could be sold now, as far as the store is concerned.
    ///
    /// # Errors
    /// `DiskFull`, `Unavailable`.
    pub async fn check_room(&self) -> Result<(), OfficeError> {
        Ok(self.0.store.check_room().await?)
    }

    /// Waits until the store fails for good, and says why.
    pub async fn failed(&self) -> Arc<str> {
        self.0.store.failed().await
    }

    /// Takes no more commands, and waits until those that were taken are answered. What was
    /// committed can still be read.
    pub async fn close(&self) {
        let desks: Vec<_> = {
            let mut desks = self.0.desks.write().unwrap_or_else(PoisonError::into_inner);
            desks.closed = true;
            // Those without a number are damaged and have no writer.
            desks.by_number.values().cloned().collect()
        };
        for desk in desks {
            desk.close().await;
        }
    }
}
