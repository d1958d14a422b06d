//! Many clients at once: each reserves, holds, confirms, gives up and looks, one request after the other,
//! and keeps what it asked for and what it was told.
//!
//! A storm survives the server. Where clients find nobody, they either end or wait until there is a
//! server again, at another address perhaps, and go on with what they have.
//!
//! It must not know: why a server comes and goes, or what a history is judged by.

mod caller;
mod choices;
mod latencies;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::caller::Caller;
use self::choices::GivenAway;
pub use self::latencies::{Kind, Latencies};
use super::client::{Subject, Target};
use crate::checker::history::{Operation, Outcome};
use ticketboss_runtime::terminal::Failure;

/// How often whoever waits for the end is told how far it is.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// Where the server is; nothing while there is none.
pub type Whereabouts = watch::Receiver<Option<Target>>;

/// What the clients of a storm do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How many there are.
    pub clients: u32,
    /// What they ask about; at least one.
    pub subjects: Vec<Subject>,
    /// What their choices follow from.
    pub seed: u64,
    /// How many of a hundred requests cancel a reservation, if there is one.
    pub cancel_percent: u64,
    /// How many of a hundred reservations are held first, and of a hundred cancellations something else
    /// that can become of a reservation: it is confirmed, extended, or given up in part.
    pub hold_percent: u64,
    /// How many of a hundred changes are asked for under a key: again until there is an answer, and now
    /// and then after it.
    pub key_percent: u64,
    /// How many of a hundred requests change the terms, or take seats out of sale and put them back, of a
    /// subject whose seats are known.
    pub terms_percent: u64,
    /// How many of a hundred requests read.
    pub read_percent: u64,
    /// The most seats that a request asks for.
    pub seats_max: u32,
    /// What they do where nobody is there.
    pub when_gone: WhenGone,
}

/// What a client does when it cannot reach the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenGone {
    /// It ends.
    End,
    /// It tries again until it is told to stop.
    Wait,
}

/// Clients at rest, with the reservations that they have.
#[derive(Debug)]
pub struct Storm {
    plan: Arc<Plan>,
    callers: Vec<Caller>,
    given_away: Arc<GivenAway>,
}

/// What clients were told, and how long that took.
#[derive(Debug)]
pub struct Gathered {
    /// Each request and what came of it, in no order.
    pub operations: Vec<Operation>,
    /// How long they took.
    pub latencies: Latencies,
}

/// Clients at work.
#[derive(Debug)]
pub struct Raging {
    plan: Arc<Plan>,
    given_away: Arc<GivenAway>,
    progress: Arc<Progress>,
    callers: JoinSet<Caller>,
}

/// What the clients of one storm share while they work.
#[derive(Debug)]
struct Progress {
    requests_left: AtomicU64,
    requests_done: AtomicU64,
    /// For each subject, the greatest version of a change that was acknowledged.
    acknowledged: Vec<AtomicU64>,
    stop: CancellationToken,
}

impl Storm {
    /// Clients that have nothing yet.
    pub fn new(plan: Plan) -> Self {
        let callers = (0..plan.clients).map(|number| Caller::new(number, plan.seed)).collect();
        Self { plan: Arc::new(plan), callers, given_away: Arc::default() }
    }

    /// Lets the clients loose on a server, for so many requests in all. It takes a runtime.
    pub fn begin(self, server: &Whereabouts, requests_max: u64) -> Raging {
        let Self { plan, callers, given_away } = self;
        let progress = Arc::new(Progress {
            requests_left: AtomicU64::new(requests_max),
            requests_done: AtomicU64::new(0),
            acknowledged: plan.subjects.iter().map(|_| AtomicU64::new(0)).collect(),
            stop: CancellationToken::new(),
        });
        let mut raging = JoinSet::new();
        for caller in callers {
            let surroundings = caller::Surroundings {
                plan: plan.clone(),
                given_away: given_away.clone(),
                progress: progress.clone(),
                server: server.clone(),
            };
            raging.spawn(caller.run(surroundings));
        }
        Raging { plan, given_away, progress, callers: raging }
    }
}

impl Raging {
    /// How many requests have been answered, or have failed.
    pub fn requests_done(&self) -> u64 {
        self.progress.requests_done.load(Ordering::Relaxed)
    }

    /// The greatest version of a subject that a client was told it has made; 0 before the first.
    pub fn acknowledged_version(&self, subject: usize) -> u64 {
        let version = self.progress.acknowledged.get(subject);
        version.map_or(0, |version| version.load(Ordering::SeqCst))
    }

    /// Tells all clients to finish what they are at and to ask for nothing more.
    pub fn stop(&self) {
        self.progress.stop.cancel();
    }

    /// Waits until every client has ended: nothing is left to ask for, they were told to stop, or
    /// there is no server and they do not wait for one. Meanwhile `progress` is told now and then how
    /// many requests are done.
    ///
    /// # Errors
    /// When a client panics.
    pub async fn end(mut self, progress: impl Fn(u64)) -> Result<(Storm, Gathered), Failure> {
        let mut callers = Vec::new();
        let mut gathered = Gathered { operations: Vec::new(), latencies: Latencies::new() };
        let mut looks = tokio::time::interval(PROGRESS_INTERVAL);
        loop {
            let ended = tokio::select! {
                ended = self.callers.join_next() => ended,
                _ = looks.tick() => {
                    progress(self.requests_done());
                    continue;
                }
            };
            let Some(ended) = ended else { break };
            let mut caller = ended?;
            caller.hand_over(&mut gathered);
            callers.push(caller);
        }
        callers.sort_by_key(Caller::number);
        let Self { plan, given_away, .. } = self;
        Ok((Storm { plan, callers, given_away }, gathered))
    }
}

impl Progress {
    /// Takes one of the requests that are left.
    fn take_turn(&self) -> bool {
        let take = |left: u64| left.checked_sub(1);
        self.requests_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    fn note(&self, subject: usize, outcome: &Outcome) {
        self.requests_done.fetch_add(1, Ordering::Relaxed);
        if let Some((version, greatest)) =
            outcome.version_made().zip(self.acknowledged.get(subject))
        {
            greatest.fetch_max(version, Ordering::SeqCst);
        }
    }
}
