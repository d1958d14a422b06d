//! Many clients at once: each reserves, holds, confirms, gives up and looks, one request after the other,
//! and keeps what it asked for and what it was told.
//!
//! A storm survives the server. Where clients find nobody, they either end or wait until there is a
//! server again, at another address perhaps, and go on with what they have.
//!
//! It must not know: why a server comes and goes, or what a history is judged by.

mod caller;
mod latencies;
mod plan;
mod progress;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use self::caller::{Caller, Surroundings};
pub use self::latencies::{Kind, Latencies};
pub use self::plan::{LoadPlan, WhenGone, Whereabouts};
use self::progress::Progress;
use crate::checker::history::Operation;
use crate::choices::SharedKnowledge;
use ticketboss_runtime::terminal::Failure;

/// How often whoever waits for the end is told how far it is.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);
/// How many reservations are known to all clients at a time: so few that several change the same one.
const KNOWN_MAX: usize = 64;

/// Clients at rest, with the reservations that they have.
#[derive(Debug)]
pub struct Storm {
    plan: Arc<LoadPlan>,
    callers: Vec<Caller>,
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
    plan: Arc<LoadPlan>,
    progress: Arc<Progress>,
    callers: JoinSet<Caller>,
}

impl Storm {
    /// Clients that have nothing yet.
    pub fn new(plan: LoadPlan) -> Self {
        let known = plan.subjects.iter().map(|subject| subject.seats);
        let known = Arc::new(SharedKnowledge::of(known, KNOWN_MAX));
        let callers = (0..plan.clients).map(|number| Caller::new(number, &plan, known.clone()));
        Self { callers: callers.collect(), plan: Arc::new(plan) }
    }

    /// Lets the clients loose on a server, for so many requests in all. It takes a runtime.
    pub fn begin(self, server: &Whereabouts, requests_max: u64) -> Raging {
        let Self { plan, callers } = self;
        let progress = Arc::new(Progress::new(requests_max, plan.subjects.len()));
        let mut raging = JoinSet::new();
        for caller in callers {
            let surroundings = Surroundings {
                plan: plan.clone(),
                progress: progress.clone(),
                server: server.clone(),
            };
            raging.spawn(caller.run(surroundings));
        }
        Raging { plan, progress, callers: raging }
    }
}

impl Raging {
    /// How many requests have been answered, or have failed.
    pub fn requests_done(&self) -> u64 {
        self.progress.requests_done()
    }

    /// The greatest version of a subject that a client was told it has made; 0 before the first.
    pub fn acknowledged_version(&self, subject: usize) -> u64 {
        self.progress.acknowledged_version(subject)
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
            let (mut operations, latencies) = caller.hand_over();
            gathered.operations.append(&mut operations);
            gathered.latencies.add(&latencies);
            callers.push(caller);
        }
        callers.sort_by_key(Caller::number);
        Ok((Storm { plan: self.plan, callers }, gathered))
    }
}
