//! One client of a storm: what it has, how it chooses what to do next, and what it does while nobody is
//! there.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use super::{Gathered, Kind, Latencies, Plan, Progress, WhenGone, Whereabouts};
use crate::cli::client::Client;
use crate::clock::monotonic_us;
use crate::domain::PartnerId;
use crate::judge::history::{Asked, Operation, Outcome};
use crate::office::Entropy;

/// How long a client waits before it looks again for a server that was not there.
const RECONNECT_PAUSE: Duration = Duration::from_millis(2);
/// How many reservations one client keeps in mind; what it makes beyond that, it never cancels.
const KEPT_MAX: usize = 64 * 1024;
/// How many reservations are known to all clients at a time.
const GIVEN_AWAY_MAX: usize = 64;
/// One of so many reservations is made known to all, and one of so many cancellations is of one of those:
/// some are cancelled by several clients at once, and again after they are gone.
const GIVEN_AWAY_ONE_IN: u64 = 8;
/// One of so many reservations asks for no seats, which is always refused.
const NO_SEATS_ONE_IN: u64 = 128;

/// A reservation, and which of the subjects it is of.
#[derive(Debug, Clone, Copy)]
struct Kept {
    subject: usize,
    reservation: Uuid,
}

/// Reservations that any client may cancel.
#[derive(Debug, Default)]
pub(super) struct GivenAway(Mutex<Vec<Kept>>);

impl GivenAway {
    /// Takes one in; where there are enough, another goes for it.
    fn put(&self, kept: Kept, choice: u64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < GIVEN_AWAY_MAX {
            all.push(kept);
        } else if let Some(other) = all.get_mut(place(choice, GIVEN_AWAY_MAX)) {
            *other = kept;
        }
    }

    fn any(&self, choice: u64) -> Option<Kept> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(place(choice, all.len())).copied()
    }
}

/// A place in a list of that length.
fn place(choice: u64, length: usize) -> usize {
    usize::try_from(choice).unwrap_or(0) % length.max(1)
}

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
    partner: PartnerId,
    client: Client,
    choices: Entropy,
    has: Vec<Kept>,
    told: Vec<Operation>,
    latencies: Latencies,
}

impl Caller {
    pub(super) fn new(number: u32, seed: u64) -> Self {
        let partner = PartnerId::new(&format!("stress-{number}"));
        Self {
            number,
            partner: partner.expect("it is neither blank nor long"),
            client: Client::new(),
            choices: Entropy::seeded(seed.wrapping_add(u64::from(number) << 32)),
            has: Vec::new(),
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
        let (place, asked) = self.choose(around);
        let Some(subject) = around.plan.subjects.get(place) else { return };
        // Ids of requests are drawn, not chosen: those of one ledger must all be different, and a
        // seed may be used again.
        let request = Uuid::from_u128(Entropy::System.request_id().0);
        let began_us = monotonic_us();
        let outcome = self.client.ask(subject, &asked, request).await;
        let ended_us = monotonic_us();
        self.latencies.record(Kind::of(&asked), Duration::from_micros(ended_us - began_us));
        around.progress.note(place, &outcome);
        match (&asked, &outcome) {
            (_, Outcome::Reserved { reservation, .. })
            // It may be cancelled or not, so it is worth another try.
            | (Asked::Cancel { reservation }, Outcome::Unknown { .. }) => {
                self.keep(Kept { subject: place, reservation: *reservation }, around);
            }
            _ => {}
        }
        let (client, event) = (self.number, subject.event.clone());
        self.told.push(Operation { client, request, event, asked, began_us, ended_us, outcome });
    }

    /// What to ask for next, and of which subject.
    fn choose(&mut self, around: &Surroundings) -> (usize, Asked) {
        let plan = &around.plan;
        let (percent, choice) = (self.draw() % 100, self.draw());
        if percent < plan.read_percent {
            return (place(choice, plan.subjects.len()), Asked::Read);
        }
        if percent < plan.read_percent + plan.cancel_percent
            && let Some(Kept { subject, reservation }) = self.give_up(around)
        {
            return (subject, Asked::Cancel { reservation });
        }
        let seats = if self.draw().is_multiple_of(NO_SEATS_ONE_IN) {
            0
        } else {
            u32::try_from(self.draw() % u64::from(plan.seats_max.max(1))).unwrap_or(0) + 1
        };
        let asked = Asked::Reserve { partner: self.partner.clone(), seats };
        (place(choice, plan.subjects.len()), asked)
    }

    /// A reservation to cancel: one of its own, which it then has no more, or one of everybody's.
    fn give_up(&mut self, around: &Surroundings) -> Option<Kept> {
        if self.draw().is_multiple_of(GIVEN_AWAY_ONE_IN)
            && let Some(kept) = around.given_away.any(self.draw())
        {
            return Some(kept);
        }
        let place = place(self.draw(), self.has.len());
        (place < self.has.len()).then(|| self.has.swap_remove(place))
    }

    fn keep(&mut self, kept: Kept, around: &Surroundings) {
        if self.draw().is_multiple_of(GIVEN_AWAY_ONE_IN) {
            around.given_away.put(kept, self.draw());
        }
        if self.has.len() < KEPT_MAX {
            self.has.push(kept);
        }
    }

    fn draw(&self) -> u64 {
        self.choices.nonce().get()
    }
}
