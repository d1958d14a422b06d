//! One client of a storm: what it asks, what it is told, and what it does while nobody is there.
//!
//! It must not know: how a wish is chosen, or why a server comes and goes.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::latencies::{Kind, Latencies};
use super::plan::{LoadPlan, WhenGone, Whereabouts};
use super::progress::Progress;
use crate::checker::history::Operation;
use crate::choices::{Choices, SharedKnowledge, Wish};
use crate::client::{Client, Naming};
use ticketboss_core::domain::PartnerId;
use ticketboss_runtime::clock::monotonic_us;
use ticketboss_runtime::entropy::Entropy;

/// How long a client waits before it looks again for a server that was not there.
const RECONNECT_PAUSE: Duration = Duration::from_millis(2);
/// What a client works with, and shares with the others.
pub(super) struct Surroundings {
    pub(super) plan: Arc<LoadPlan>,
    pub(super) progress: Arc<Progress>,
    pub(super) server: Whereabouts,
}

/// One client.
#[derive(Debug)]
pub(super) struct Caller {
    number: u32,
    client: Client,
    choices: Choices,
    told: Vec<Operation>,
    latencies: Latencies,
}

impl Caller {
    pub(super) fn new(number: u32, plan: &LoadPlan, known: Arc<SharedKnowledge>) -> Self {
        let partner = PartnerId::new(&format!("stress-{number}"));
        let partner = partner.expect("it is neither blank nor long");
        let random = Entropy::seeded(plan.seed.wrapping_add(u64::from(number) << 32));
        Self {
            number,
            client: Client::new(),
            // Keys are drawn from the system, as the ids of requests are.
            choices: Choices::new(partner, plan.mix(), random, Entropy::System, known),
            told: Vec::new(),
            latencies: Latencies::new(),
        }
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// Hands over the outcomes since the last time, and how long they took.
    pub(super) fn hand_over(&mut self) -> (Vec<Operation>, Latencies) {
        let latencies = std::mem::replace(&mut self.latencies, Latencies::new());
        (std::mem::take(&mut self.told), latencies)
    }

    /// Asks for one thing after the other for as long as there is something to ask for and somebody
    /// to ask.
    pub(super) async fn run(mut self, mut surroundings: Surroundings) -> Self {
        while self.reach_server(&mut surroundings).await && surroundings.progress.take_turn() {
            self.step(&surroundings).await;
        }
        self
    }

    /// Sees to it that there is a connection; says no where the client is to end.
    async fn reach_server(&mut self, around: &mut Surroundings) -> bool {
        let stop = around.progress.stop.clone();
        let reaching = async {
            if self.client.is_connected().await {
                return true;
            }
            loop {
                let Ok(target) = around.server.wait_for(Option::is_some).await.map(|at| at.clone())
                else {
                    return false;
                };
                let Some(target) = target else { continue };
                if self.client.connect(&target).await.is_ok() {
                    return true;
                }
                if around.plan.when_gone == WhenGone::End {
                    return false;
                }
                tokio::time::sleep(RECONNECT_PAUSE).await;
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => false,
            reached = reaching => reached,
        }
    }

    async fn step(&mut self, around: &Surroundings) {
        let wish = self.choices.next();
        let Some(subject) = around.plan.subjects.get(wish.subject) else { return };
        // Ids of requests are drawn, not chosen: those of one ledger must all be different, and a
        // seed may be used again.
        let request = Uuid::from_u128(Entropy::System.request_id().0);
        let naming = Naming { id: request, key: wish.key };
        let began_us = monotonic_us();
        let (outcome, telling) = self.client.ask(subject, &wish.asked, naming).await;
        let ended_us = monotonic_us();
        self.latencies.record(Kind::of(&wish.asked), Duration::from_micros(ended_us - began_us));
        around.progress.note(wish.subject, &outcome);
        self.choices.learn(&wish, &outcome, telling);
        let Wish { asked, key, .. } = wish;
        self.told.push(Operation {
            client: self.number,
            request,
            key,
            event: subject.event.clone(),
            asked,
            began_us,
            ended_us,
            outcome,
            telling,
        });
    }
}
