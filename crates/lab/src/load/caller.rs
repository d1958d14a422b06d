//! One client of a storm: what it asks, what it is told, and what it does while nobody is there.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::choices::{Choices, GivenAway, Wish};
use super::{Gathered, Kind, Latencies, Plan, Progress, WhenGone, Whereabouts};
use crate::checker::history::Operation;
use crate::client::{Client, Naming};
use ticketboss_runtime::clock::monotonic_us;
use ticketboss_runtime::entropy::Entropy;

/// How long a client waits before it looks again for a server that was not there.
const RECONNECT_PAUSE: Duration = Duration::from_millis(2);
/// What a client works with, and shares with the others.
pub(super) struct Surroundings {
    pub(super) plan: Arc<Plan>,
    pub(super) given_away: Arc<GivenAway>,
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
    pub(super) fn new(number: u32, seed: u64) -> Self {
        Self {
            number,
            client: Client::new(),
            choices: Choices::new(number, seed),
            told: Vec::new(),
            latencies: Latencies::new(),
        }
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// Gives what it was told to the others' answers.
    pub(super) fn hand_over(&mut self, gathered: &mut Gathered) {
        gathered.operations.append(&mut self.told);
        gathered.latencies.add(&self.latencies);
        self.latencies = Latencies::new();
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
        let wish = self.choices.next(&around.plan, &around.given_away);
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
        self.choices.learn(&wish, &outcome, telling, &around.given_away);
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
