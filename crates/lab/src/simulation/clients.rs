//! Clients who reserve, cancel and look, ask again under a key, and write down what they were told.

mod answers;

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::{Either, select};
use uuid::Uuid;

use self::answers::answer;
use super::followers::Told;
use super::plan::Plan;
use crate::checker::history::{Operation, Outcome, Telling};
use crate::choices::{Choices, SharedKnowledge, Wish};
use ticketboss_core::domain::{EventId, PartnerId, RequestId};
use ticketboss_engine::Engine;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_runtime::tasks::Scheduler;

/// How long a client waits for a process that is down before it looks again.
const DOWN_US: u64 = 500;
/// How many partners the clients ask for.
const PARTNERS: u32 = 3;
/// How long a client that gives up waits at most before it does.
const PATIENCE_US_MAX: u64 = 2_000;

/// What all clients share.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    pub(super) scheduler: Scheduler,
    pub(super) plan: Plan,
    pub(super) events: Arc<[EventId]>,
    /// Where each node is reached, while it is up.
    pub(super) nodes: Arc<Mutex<Vec<Option<Engine>>>>,
    /// What each follower was told.
    pub(super) told: Arc<[Arc<Mutex<Told>>]>,
    /// What all clients know.
    pub(super) known: Arc<SharedKnowledge>,
    pub(super) history: Arc<Mutex<Vec<Operation>>>,
    /// How many operations are still to be made.
    pub(super) left: Arc<AtomicU64>,
    /// How many clients are not done yet.
    pub(super) working: Arc<AtomicU64>,
    /// The moments of the history: no two are the same.
    pub(super) moment: Arc<AtomicU64>,
}

impl Shared {
    fn pick<T: Clone>(&self, among: &[T]) -> Option<T> {
        let count = u64::try_from(among.len()).ok().filter(|count| *count > 0)?;
        among.get(usize::try_from(self.scheduler.draw() % count).ok()?).cloned()
    }

    fn tick(&self) -> u64 {
        self.moment.fetch_add(1, Ordering::Relaxed)
    }

    /// A node that is up, as soon as there is one.
    pub(super) async fn engine(&self) -> Engine {
        loop {
            let up: Vec<_> = {
                let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
                nodes.iter().flatten().cloned().collect()
            };
            if let Some(engine) = self.pick(&up) {
                return engine;
            }
            self.scheduler.sleep(DOWN_US).await;
        }
    }

    /// Whether a node is up still: one that is down tells nothing any more.
    pub(super) fn is_up(&self, engine: &Engine) -> bool {
        let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.iter().flatten().any(|up| up.is(engine))
    }
}

/// One of them.
pub(super) struct Client {
    number: u32,
    shared: Shared,
    choices: Choices,
}

impl Client {
    pub(super) fn new(number: u32, shared: Shared) -> Self {
        let partner = PartnerId::new(&format!("partner-{}", number % PARTNERS));
        let partner = partner.expect("a valid id");
        let random = Entropy::seeded(shared.scheduler.draw());
        let (mix, known) = (shared.plan.mix(), shared.known.clone());
        let choices = Choices::new(partner, mix, random.clone(), random, known);
        Self { number, shared, choices }
    }

    /// Asks until all operations are made.
    pub(super) async fn run(mut self) {
        let take = |left: u64| left.checked_sub(1);
        while self.shared.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
            let pause_us = self.shared.scheduler.draw() % self.shared.plan.think_us_max;
            self.shared.scheduler.sleep(pause_us).await;
            let engine = self.shared.engine().await;
            let operation = self.ask(&engine).await;
            let mut history = self.shared.history.lock().unwrap_or_else(PoisonError::into_inner);
            history.push(operation);
        }
        self.shared.working.fetch_sub(1, Ordering::Relaxed);
    }

    async fn ask(&mut self, engine: &Engine) -> Operation {
        let wish = self.choices.next();
        let event = self.shared.events.get(wish.subject).expect("there is such an event").clone();
        let request = self.draw_uuid();
        let began_us = self.shared.tick();
        let (outcome, telling) =
            self.outcome(engine, &event, &wish, RequestId(request.as_u128())).await;
        let ended_us = self.shared.tick();
        self.choices.learn(&wish, &outcome, telling);
        let Wish { asked, key, .. } = wish;
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

    /// Asks, and gives up after a while if the plan says so.
    async fn outcome(
        &self,
        engine: &Engine,
        event: &EventId,
        wish: &Wish,
        request: RequestId,
    ) -> (Outcome, Telling) {
        let answered = pin!(answer(engine, event, wish, request));
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
