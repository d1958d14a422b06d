//! Opening an engine: every event of a store is replayed, and gets a handle.

use std::sync::{Arc, RwLock};

use ticketboss_core::domain::{Event, EventId, EventNumber, Timestamp, Version};
use ticketboss_runtime::clock::{CATCH_UP_MS_MAX, Clock};
use ticketboss_runtime::entropy::Entropy;
use ticketboss_runtime::tasks::Tasks;
use ticketboss_store::ledger::{self, ReplayError};
use ticketboss_store::{Damage, Listed, Loaded, Store, StoreError};

use crate::engine::{Engine, Inner};
use crate::event_creation::Creations;
use crate::event_handle::EventHandle;
use crate::moves::Moves;
use crate::read_backs::ReadBacks;
use crate::writer::{GoesBy, LoadedEvent, WriterContext};

/// How many milliseconds an hour has.
const HOUR_MS: i64 = 60 * 60 * 1_000;

/// How many events that are dated far ahead are named in the log.
const FAR_AHEAD_NAMED_MAX: usize = 10;

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

impl Engine {
    /// Opens every event of a store. One that is damaged is kept as such and served by nobody.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn open(store: Store, clock: Clock, entropy: Entropy) -> Result<Self, StoreError> {
        Self::open_on(Tasks::Tokio, store, clock, entropy).await
    }

    /// As [`Engine::open`], with its writers run by `tasks`.
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
        let writers = WriterContext { store, clock, moves: Moves::default() };
        let (handles, creations) = (RwLock::default(), Creations::default());
        let read_backs = ReadBacks::new();
        let inner = Inner { tasks, entropy, writers, handles, creations, read_backs };
        let engine = Self(Arc::new(inner));
        for event in opened {
            let handle = match event {
                Opened::Whole(event, loaded) => {
                    let goes_by = goes_by(&event, now);
                    engine.open_handle(LoadedEvent { event: *event, loaded, goes_by })
                }
                Opened::Damaged(damage, number) => EventHandle::damaged(damage, number),
            };
            engine.keep(handle)?;
        }
        Ok(engine)
    }
}
