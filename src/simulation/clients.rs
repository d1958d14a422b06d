//! Clients who reserve, cancel and look, ask again under a key, and write down what they were told.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::{Either, select};
use uuid::Uuid;

use super::plan::Plan;
use crate::domain::{
    EventId, HOLD_SECONDS_MAX, HOLD_SECONDS_MIN, Key, KeyName, PartnerId, Refusal, RequestId,
    ReservationId, Seats, Shortage, Status,
};
use crate::judge::history::{Asked, Operation, Outcome, Stand, Telling};
use crate::office::{self, Asking, Office, OfficeError, Reserved};
use crate::tasks::Scheduler;

/// How long a client waits for a process that is down before it looks again.
const DOWN_US: u64 = 500;
/// How long a client that gives up waits at most before it does.
const PATIENCE_US_MAX: u64 = 2_000;

/// What all clients share.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    pub(super) scheduler: Scheduler,
    pub(super) plan: Plan,
    pub(super) events: Arc<[EventId]>,
    /// Where each node is reached, while it is up.
    pub(super) nodes: Arc<Mutex<Vec<Option<Office>>>>,
    /// Every reservation that anybody knows of.
    pub(super) known: Arc<Mutex<Vec<(EventId, ReservationId)>>>,
    pub(super) history: Arc<Mutex<Vec<Operation>>>,
    /// How many operations are still to be made.
    pub(super) left: Arc<AtomicU64>,
    /// How many clients are not done yet.
    pub(super) working: Arc<AtomicU64>,
    /// The moments of the history: no two are the same.
    pub(super) moment: Arc<AtomicU64>,
}

impl Shared {
    fn percent(&self) -> u64 {
        self.scheduler.draw() % 100
    }

    fn pick<T: Clone>(&self, among: &[T]) -> Option<T> {
        let count = u64::try_from(among.len()).ok().filter(|count| *count > 0)?;
        among.get(usize::try_from(self.scheduler.draw() % count).ok()?).cloned()
    }

    fn tick(&self) -> u64 {
        self.moment.fetch_add(1, Ordering::Relaxed)
    }
}

/// One of them.
pub(super) struct Client {
    pub(super) number: u32,
    pub(super) shared: Shared,
    /// What is to be asked under the same key once more.
    pub(super) again: Option<Wish>,
}

/// Something to ask for.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    event: EventId,
    asked: Asked,
    key: Option<Uuid>,
}

impl Client {
    /// Asks until all operations are made.
    pub(super) async fn run(mut self) {
        let take = |left: u64| left.checked_sub(1);
        while self.shared.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
            let pause_us = self.shared.scheduler.draw() % self.shared.plan.think_us_max;
            self.shared.scheduler.sleep(pause_us).await;
            let office = self.office().await;
            let operation = self.ask(&office).await;
            let mut history = self.shared.history.lock().unwrap_or_else(PoisonError::into_inner);
            history.push(operation);
        }
        self.shared.working.fetch_sub(1, Ordering::Relaxed);
    }

    /// A node that is up, as soon as there is one.
    async fn office(&self) -> Office {
        loop {
            let up: Vec<_> = {
                let nodes = self.shared.nodes.lock().unwrap_or_else(PoisonError::into_inner);
                nodes.iter().flatten().cloned().collect()
            };
            if let Some(office) = self.shared.pick(&up) {
                return office;
            }
            self.shared.scheduler.sleep(DOWN_US).await;
        }
    }

    async fn ask(&mut self, office: &Office) -> Operation {
        let wish = match self.again.take() {
            Some(again) => again,
            None => self.choose(),
        };
        let request = self.draw_uuid();
        let began_us = self.shared.tick();
        let (outcome, telling) = self.outcome(office, &wish, RequestId(request.as_u128())).await;
        let ended_us = self.shared.tick();
        self.again = self.once_more(&wish, &outcome);
        let Wish { event, asked, key } = wish;
        if let Some(id) = reserved(&outcome) {
            let mut known = self.shared.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.push((event.clone(), id));
        }
        // A node learns of another's commits when it writes, so with several of them what is only
        // looked at may be of any version that ever was: as if it had been asked for at the start.
        let is_change = outcome.version_made().is_some();
        let is_unknown = matches!(outcome, Outcome::Unknown { .. });
        let began_us =
            if self.shared.plan.nodes == 1 || is_change || is_unknown { began_us } else { 0 };
        let client = self.number;
        Operation { client, request, key, event, asked, began_us, ended_us, outcome, telling }
    }

    fn draw_uuid(&self) -> Uuid {
        let draws = (self.shared.scheduler.draw(), self.shared.scheduler.draw());
        Uuid::from_u64_pair(draws.0, draws.1)
    }

    /// What is asked under the same key once more: what was not answered, and now and then what was, or
    /// something else.
    fn once_more(&self, wish: &Wish, outcome: &Outcome) -> Option<Wish> {
        wish.key?;
        let is_silence = matches!(outcome, Outcome::Unknown { .. } | Outcome::NotDone { .. });
        match self.shared.percent() {
            _ if is_silence => Some(wish.clone()),
            0..20 => Some(wish.clone()),
            20..30 => Some(Wish { asked: wish.asked.with_another_body()?, ..wish.clone() }),
            _ => None,
        }
    }

    fn choose(&self) -> Wish {
        let (event, asked) = self.choose_anything();
        let has_key =
            asked.key_scope().is_some() && self.shared.percent() < self.shared.plan.key_percent;
        Wish { event, asked, key: has_key.then(|| self.draw_uuid()) }
    }

    fn choose_anything(&self) -> (EventId, Asked) {
        let event = self.shared.pick(&self.shared.events).expect("there is an event");
        let percent = self.shared.percent();
        if percent < self.shared.plan.cancel_percent {
            return self.choose_change(event);
        }
        if percent >= 95 {
            return (event, Asked::Read);
        }
        let seats = match self.shared.percent() {
            0 => 0,
            1 => 11,
            other => 1 + u32::try_from(other % 5).unwrap_or(0),
        };
        let partner = PartnerId::new(&format!("partner-{}", self.number % 3)).expect("a valid id");
        if self.shared.percent() < self.shared.plan.hold_percent {
            let hold_seconds = self.hold_seconds();
            return (event, Asked::Hold { partner, seats, hold_seconds });
        }
        (event, Asked::Reserve { partner, seats })
    }

    /// Mostly times that are over soon, and now and then one that is not possible.
    fn hold_seconds(&self) -> u32 {
        match self.shared.percent() {
            0 => 0,
            1 => HOLD_SECONDS_MAX + 1,
            2..10 => HOLD_SECONDS_MAX,
            other => HOLD_SECONDS_MIN + u32::try_from(other % 20).unwrap_or(0),
        }
    }

    /// What is to become of a reservation.
    fn choose_change(&self, event: EventId) -> (EventId, Asked) {
        let gives_up = self.shared.percent() >= self.shared.plan.hold_percent;
        let (event, reservation) = self.choose_reservation(event, gives_up);
        let asked = match self.shared.percent() {
            _ if gives_up => Asked::Cancel { reservation },
            0..45 => Asked::Confirm { reservation },
            45..65 => Asked::Extend { reservation, hold_seconds: self.hold_seconds() },
            65..80 => {
                let seats = 1 + u32::try_from(self.shared.percent() % 3).unwrap_or(0);
                Asked::CancelPart { reservation, seats }
            }
            _ => Asked::Cancel { reservation },
        };
        (event, asked)
    }

    /// One of the reservations that anybody knows, also if it is cancelled already, or one that never
    /// was. Of those that are to be given up most are forgotten then.
    fn choose_reservation(&self, event: EventId, is_given_up: bool) -> (EventId, Uuid) {
        let known = {
            let mut known = self.shared.known.lock().unwrap_or_else(PoisonError::into_inner);
            let picked = self.shared.pick(&known);
            if is_given_up && self.shared.percent() < 80 {
                known.retain(|kept| Some(kept) != picked.as_ref());
            }
            picked
        };
        let (event, bits) = match known {
            Some((event, id)) if self.shared.percent() < 98 => (event, id.to_bits()),
            // Another number in the random part: somebody guesses.
            Some((event, id)) => (event, id.to_bits() ^ 1),
            None => (event, u128::from(self.shared.scheduler.draw())),
        };
        (event, Uuid::from_u128(bits))
    }

    /// Asks, and gives up after a while if the plan says so.
    async fn outcome(
        &self,
        office: &Office,
        wish: &Wish,
        request: RequestId,
    ) -> (Outcome, Telling) {
        let answered = pin!(answer(office, wish, request));
        if self.shared.scheduler.draw() % 10_000 >= self.shared.plan.hang_ups {
            return answered.await;
        }
        let patience_us = self.shared.scheduler.draw() % PATIENCE_US_MAX;
        match select(answered, pin!(self.shared.scheduler.sleep(patience_us))).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(((), _)) => {
                (Outcome::Unknown { what: "gave up".to_owned() }, Telling::First)
            }
        }
    }
}

fn reserved(outcome: &Outcome) -> Option<ReservationId> {
    match outcome {
        Outcome::Reserved { reservation, .. } | Outcome::Held { reservation, .. } => {
            ReservationId::from_bits(reservation.as_u128())
        }
        _ => None,
    }
}

/// The key as the program knows it, who has it from the HTTP floor.
fn key_of(Wish { event, asked, key }: &Wish) -> Option<Key> {
    // Whom nobody attacks, a hash is good enough.
    let digest = |text: String| {
        let half = |salt: u8| {
            let mut hasher = DefaultHasher::new();
            (salt, &text).hash(&mut hasher);
            u128::from(hasher.finish())
        };
        (half(0) << 64 | half(1)).to_le_bytes()
    };
    let name = format!("{event} {} {:?}", (*key)?, asked.key_scope());
    Some(Key { name: KeyName(digest(name)), body: digest(format!("{asked:?}")) })
}

async fn answer(office: &Office, wish: &Wish, request: RequestId) -> (Outcome, Telling) {
    let Wish { event, asked, .. } = wish;
    let asking = Asking { key: key_of(wish), ..request.into() };
    let answered = match asked {
        Asked::Read => return (read(office, event), Telling::First),
        Asked::Reserve { partner, seats } => {
            office.reserve(event, partner.clone(), *seats, asking).await
        }
        Asked::Hold { partner, seats, hold_seconds } => {
            office.hold(event, partner.clone(), *seats, *hold_seconds, asking).await
        }
        Asked::Confirm { reservation }
        | Asked::Extend { reservation, .. }
        | Asked::Cancel { reservation }
        | Asked::CancelPart { reservation, .. } => {
            let Some(id) = ReservationId::from_bits(reservation.as_u128()) else {
                return (Outcome::ReservationNotFound, Telling::First);
            };
            match asked {
                Asked::Confirm { .. } => office.confirm(id, asking).await,
                Asked::Extend { hold_seconds, .. } => {
                    office.extend(id, *hold_seconds, asking).await
                }
                Asked::CancelPart { seats, .. } => {
                    let seats = Seats::new(*seats).expect("nobody gives up no seats");
                    office.cancel_part(id, seats, asking).await
                }
                _ => office.cancel(id, asking).await,
            }
        }
    };
    match answered {
        Ok(reserved) => {
            let telling = match reserved.telling {
                office::Telling::First => Telling::First,
                office::Telling::Again => Telling::Again,
            };
            (told(asked, &reserved), telling)
        }
        Err(error) => (refused(asked, error), Telling::First),
    }
}

fn told(asked: &Asked, reserved: &Reserved) -> Outcome {
    let version = reserved.version.get();
    let reservation = Uuid::from_u128(reserved.id.to_bits());
    let seats = reserved.reservation.seats.get();
    let expires_at_ms = match reserved.reservation.status {
        Status::Held(hold) => hold.expires_at.0,
        _ => 0,
    };
    match asked {
        Asked::Reserve { .. } => Outcome::Reserved { reservation, seats, version },
        Asked::Hold { .. } => Outcome::Held { reservation, seats, version, expires_at_ms },
        Asked::Confirm { .. } => Outcome::Confirmed { version },
        Asked::Extend { .. } => Outcome::Extended { version, expires_at_ms },
        Asked::CancelPart { .. } => Outcome::PartlyCancelled { version, seats },
        Asked::Cancel { .. } => Outcome::Cancelled { version },
        Asked::Read => Outcome::Unexpected { what: "a read has changed something".to_owned() },
    }
}

fn read(office: &Office, event: &EventId) -> Outcome {
    match office.event(event) {
        Ok(event) => Outcome::Read {
            version: event.version().get(),
            available: event.seats().available,
            reservations: event.live_reservations(),
        },
        Err(error) => refused(&Asked::Read, error),
    }
}

fn refused(asked: &Asked, error: OfficeError) -> Outcome {
    match error {
        OfficeError::Refused(refusal) => refused_by(asked, &refusal),
        OfficeError::Overloaded | OfficeError::DiskFull => {
            Outcome::NotDone { what: error.to_string() }
        }
        OfficeError::Unavailable => Outcome::Unknown { what: error.to_string() },
        OfficeError::EventNotFound
        | OfficeError::NoSuchVersion { .. }
        | OfficeError::EventExists(_)
        | OfficeError::TooManyEvents
        | OfficeError::EventDamaged(_) => Outcome::Unexpected { what: error.to_string() },
    }
}

fn refused_by(asked: &Asked, refusal: &Refusal) -> Outcome {
    let of = |shortage: &Shortage| (shortage.available, shortage.version.get());
    match refusal {
        Refusal::NotEnoughSeats(shortage) => {
            let (available, version) = of(shortage);
            Outcome::NotEnoughSeats { available, version }
        }
        Refusal::HoldExpired(shortage) => {
            let (available, version) = of(shortage);
            Outcome::HoldExpired { available, version }
        }
        Refusal::SeatsPerRequest { .. } => Outcome::SeatsPerRequest,
        Refusal::HoldSeconds { .. } => Outcome::HoldSeconds,
        Refusal::ReservationNotFound => Outcome::ReservationNotFound,
        Refusal::AlreadyCancelled { .. } | Refusal::AlreadyExpired { .. }
            if matches!(asked, Asked::Cancel { .. }) =>
        {
            Outcome::ReservationNotFound
        }
        Refusal::AlreadyCancelled { .. } => Outcome::Stands { how: Stand::Cancelled },
        Refusal::AlreadyExpired { .. } => Outcome::Stands { how: Stand::Expired },
        Refusal::AlreadyConfirmed => Outcome::Stands { how: Stand::Confirmed },
        Refusal::NotConfirmed => Outcome::Stands { how: Stand::Held },
        Refusal::TooManyExtensions | Refusal::HeldLongEnough { .. } => Outcome::HoldLimit,
        Refusal::NotAPart { has, .. } => Outcome::NotAPart { has: *has },
        Refusal::KeyReused { .. } => Outcome::KeyReused,
        Refusal::DoneBefore(_)
        | Refusal::NotOnSale { .. }
        | Refusal::OtherTerms { .. }
        | Refusal::CapacityTaken { .. }
        | Refusal::StatusChange { .. }
        | Refusal::SeatsHeld { .. }
        | Refusal::BlockNotFound => Outcome::Unexpected { what: refusal.to_string() },
    }
}
