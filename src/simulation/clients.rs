//! Clients who reserve, cancel and look, and write down what they were told.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::{Either, select};
use uuid::Uuid;

use super::plan::Plan;
use crate::domain::{EventId, PartnerId, Refusal, RequestId, ReservationId};
use crate::judge::history::{Asked, Operation, Outcome};
use crate::office::{Office, OfficeError};
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
}

impl Client {
    /// Asks until all operations are made.
    pub(super) async fn run(self) {
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

    async fn ask(&self, office: &Office) -> Operation {
        let (event, asked) = self.choose();
        let draws = (self.shared.scheduler.draw(), self.shared.scheduler.draw());
        let request = Uuid::from_u64_pair(draws.0, draws.1);
        let began_us = self.shared.tick();
        let outcome = self.outcome(office, &event, &asked, RequestId(request.as_u128())).await;
        let ended_us = self.shared.tick();
        if let Some(id) = reserved(&outcome) {
            let mut known = self.shared.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.push((event.clone(), id));
        }
        // A node learns of another's commits when it writes, so with several of them what is only
        // looked at may be of any version that ever was: as if it had been asked for at the start.
        let is_change = matches!(outcome, Outcome::Reserved { .. } | Outcome::Cancelled { .. });
        let is_unknown = matches!(outcome, Outcome::Unknown { .. });
        let began_us =
            if self.shared.plan.nodes == 1 || is_change || is_unknown { began_us } else { 0 };
        Operation { client: self.number, request, event, asked, began_us, ended_us, outcome }
    }

    fn choose(&self) -> (EventId, Asked) {
        let event = self.shared.pick(&self.shared.events).expect("there is an event");
        let percent = self.shared.percent();
        if percent < self.shared.plan.cancel_percent {
            return self.choose_cancellation(event);
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
        (event, Asked::Reserve { partner, seats })
    }

    /// One of the reservations that anybody knows, also if it is cancelled already, or one that never
    /// was.
    fn choose_cancellation(&self, event: EventId) -> (EventId, Asked) {
        let known = {
            let mut known = self.shared.known.lock().unwrap_or_else(PoisonError::into_inner);
            let picked = self.shared.pick(&known);
            if self.shared.percent() < 80 {
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
        (event, Asked::Cancel { reservation: Uuid::from_u128(bits) })
    }

    /// Asks, and gives up after a while if the plan says so.
    async fn outcome(
        &self,
        office: &Office,
        event: &EventId,
        asked: &Asked,
        request: RequestId,
    ) -> Outcome {
        let answered = pin!(answer(office, event, asked, request));
        if self.shared.scheduler.draw() % 10_000 >= self.shared.plan.hang_ups {
            return answered.await;
        }
        let patience_us = self.shared.scheduler.draw() % PATIENCE_US_MAX;
        match select(answered, pin!(self.shared.scheduler.sleep(patience_us))).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(((), _)) => Outcome::Unknown { what: "gave up".to_owned() },
        }
    }
}

fn reserved(outcome: &Outcome) -> Option<ReservationId> {
    match outcome {
        Outcome::Reserved { reservation, .. } => ReservationId::from_bits(reservation.as_u128()),
        _ => None,
    }
}

async fn answer(office: &Office, event: &EventId, asked: &Asked, request: RequestId) -> Outcome {
    match asked {
        Asked::Reserve { partner, seats } => {
            match office.reserve(event, partner.clone(), *seats, request).await {
                Ok(reserved) => Outcome::Reserved {
                    reservation: Uuid::from_u128(reserved.id.to_bits()),
                    seats: reserved.reservation.seats.get(),
                    version: reserved.version.get(),
                },
                Err(error) => refused(error),
            }
        }
        Asked::Cancel { reservation } => {
            let Some(id) = ReservationId::from_bits(reservation.as_u128()) else {
                return Outcome::ReservationNotFound;
            };
            match office.cancel(id, request).await {
                Ok(cancelled) => Outcome::Cancelled { version: cancelled.version.get() },
                Err(error) => refused(error),
            }
        }
        Asked::Read => match office.event(event) {
            Ok(event) => Outcome::Read {
                version: event.version().get(),
                available: event.seats().available,
                reservations: event.live_reservations(),
            },
            Err(error) => refused(error),
        },
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed on from a Result")]
fn refused(error: OfficeError) -> Outcome {
    match error {
        OfficeError::Refused(Refusal::NotEnoughSeats(shortage)) => Outcome::NotEnoughSeats {
            available: shortage.available,
            version: shortage.version.get(),
        },
        OfficeError::Refused(Refusal::SeatsPerRequest { .. }) => Outcome::SeatsPerRequest,
        OfficeError::Refused(
            Refusal::ReservationNotFound
            | Refusal::AlreadyCancelled { .. }
            | Refusal::AlreadyExpired { .. },
        ) => Outcome::ReservationNotFound,
        OfficeError::Overloaded | OfficeError::DiskFull => {
            Outcome::NotDone { what: error.to_string() }
        }
        OfficeError::Unavailable => Outcome::Unknown { what: error.to_string() },
        OfficeError::Refused(_)
        | OfficeError::EventNotFound
        | OfficeError::EventExists(_)
        | OfficeError::TooManyEvents
        | OfficeError::EventDamaged(_) => Outcome::Unexpected { what: error.to_string() },
    }
}
