//! Clients who reserve, cancel and look, ask again under a key, and write down what they were told.
//!
//! It must not know: how a wish is chosen, or when a process ends.

mod answers;

use std::pin::pin;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use futures_util::future::{Either, select};
use uuid::Uuid;

use self::answers::answer;
use super::shared::Shared;
use crate::checker::history::{Operation, Outcome, Telling};
use crate::choices::{Choices, Wish};
use ticketboss_core::domain::{EventId, PartnerId, RequestId};
use ticketboss_engine::Engine;
use ticketboss_runtime::entropy::Entropy;

/// How many partners the clients ask for.
const PARTNERS: u32 = 3;
/// How long a client that gives up waits at most before it does.
const PATIENCE_US_MAX: u64 = 2_000;

/// A client of a simulated run.
pub(super) struct SimulatedClient {
    number: u32,
    shared: Shared,
    choices: Choices,
}

impl SimulatedClient {
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
