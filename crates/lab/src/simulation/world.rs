//! The world of a run: it lets tasks go on, ends processes and starts them again, and sets the clock.
//!
//! It must not know: what a client asks for, or how a history is judged.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::clients::SimulatedClient;
use super::finale::{self, Found};
use super::followers::{Feed, Follower};
use super::plan::{Plan, SEATS_PER_REQUEST_MAX};
use super::received::Received;
use super::report::Run;
use super::shared::Shared;
use crate::choices::SharedKnowledge;
use ticketboss_core::domain::{Actor, EventId, EventName, EventTerms, RequestId, Seats};
use ticketboss_engine::{Engine, EngineError};
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_runtime::tasks::{Group, Scheduler, Tasks};
use ticketboss_store::Store;
use ticketboss_store::simulated::{self, Pace, SimulatedDisk};

/// The process that has the store; its nodes follow, each a group of its own.
const PROCESS: Group = Group(0);
/// Whoever is outside of the process.
const CLIENTS: Group = Group(1000);
/// How long a process that has ended stays down, at most.
const DOWN_US_MAX: u64 = 5_000;
/// The time of day at which a run begins, in milliseconds since 1970.
const BEGINS_AT_MS: i64 = 1_767_225_600_000;
/// How far the system's clock is set, at most, forward or back.
const CLOCK_JUMP_MS_MAX: u64 = 3_600_000;
/// For how long nobody asks or is answered before a run is stuck, though others follow and wait.
const STILL_US_MAX: u64 = 5_000_000;
/// How many steps a run takes at most, for each operation. Beyond them it goes in circles.
const STEPS_PER_OPERATION_MAX: u64 = 20_000;
/// How many reservations are known to all clients at a time, and how many blocks.
const KNOWN_MAX: usize = 256;

/// The world of one run.
pub(super) struct World {
    seed: u64,
    operations: u32,
    shared: Shared,
    disk: SimulatedDisk,
    clock: Clock,
    clock_offset_ms: i64,
    entropy: Entropy,
    /// The process is over: it was stopped, its store has failed, or it could not start.
    over: Arc<AtomicBool>,
    store: Arc<Mutex<Option<Store>>>,
    /// The latest moment of the history, and when that was.
    latest: (u64, u64),
    crashes: u64,
    stops: u64,
    node_kills: u64,
    steps: u64,
    expired: u64,
    told: u64,
    faults: Vec<String>,
}

impl World {
    pub(super) fn new(seed: u64, operations: u32) -> Self {
        let scheduler = Scheduler::new(seed);
        let plan = Plan::draw(&scheduler);
        let event = |number| EventId::new(&format!("event-{number}")).expect("a valid id");
        let shared = Shared {
            events: (1..=plan.events).map(event).collect(),
            nodes: Arc::new(Mutex::new(vec![None; plan.nodes])),
            received: followers_of(&plan),
            known: Arc::new(SharedKnowledge::of(
                (0..plan.events).map(|_| Some(plan.capacity)),
                KNOWN_MAX,
            )),
            history: Arc::default(),
            left: Arc::new(AtomicU64::new(operations.into())),
            working: Arc::new(AtomicU64::new(plan.clients.into())),
            moment: Arc::new(AtomicU64::new(1)),
            plan,
            scheduler: scheduler.clone(),
        };
        Self {
            seed,
            operations,
            shared,
            disk: SimulatedDisk::new(scheduler.clone(), plan.faults, Pace::Timed),
            clock: Clock::manual(BEGINS_AT_MS),
            clock_offset_ms: BEGINS_AT_MS,
            entropy: Entropy::seeded(scheduler.draw()),
            over: Arc::default(),
            store: Arc::default(),
            latest: (0, 0),
            crashes: 0,
            stops: 0,
            node_kills: 0,
            steps: 0,
            expired: 0,
            told: 0,
            faults: Vec::new(),
        }
    }

    pub(super) fn run(mut self) -> Run {
        self.start();
        for number in 0..self.shared.plan.clients {
            let client = SimulatedClient::new(number, self.shared.clone());
            self.shared.scheduler.spawn(CLIENTS, client.run());
        }
        self.let_follow();
        while self.shared.working.load(Ordering::Relaxed) > 0 && self.step() {
            self.intervene();
        }
        if self.faults.is_empty() {
            self.end();
        }
        self.shared.scheduler.clear();
        let history = std::mem::take(
            &mut *self.shared.history.lock().unwrap_or_else(PoisonError::into_inner),
        );
        Run {
            seed: self.seed,
            plan: self.shared.plan,
            history,
            crashes: self.crashes,
            stops: self.stops,
            node_kills: self.node_kills,
            happened: self.disk.happened(),
            steps: self.steps,
            expired: self.expired,
            told: self.told,
            faults: self.faults,
        }
    }

    /// Sends out those who follow.
    fn let_follow(&self) {
        let shared = &self.shared;
        let of_event = usize::try_from(shared.plan.followers).unwrap_or(0);
        for (number, received) in shared.received.iter().enumerate() {
            let event = shared.events.iter().cycle().nth(number).filter(|_| number < of_event);
            let feed = event.cloned().map_or(Feed::All, Feed::Event);
            let follower = Follower { shared: shared.clone(), feed, received: received.clone() };
            shared.scheduler.spawn(CLIENTS, follower.run());
        }
    }

    /// Lets somebody go on. Says whether that was possible.
    fn step(&mut self) -> bool {
        self.steps += 1;
        if self.steps > STEPS_PER_OPERATION_MAX * (100 + u64::from(self.operations)) {
            self.faults.push("it goes on and on".to_owned());
            return false;
        }
        let (moment, reached_us) =
            (self.shared.moment.load(Ordering::Relaxed), self.shared.scheduler.now_us());
        if self.latest.0 != moment {
            self.latest = (moment, reached_us);
        }
        let is_still = reached_us - self.latest.1 > STILL_US_MAX;
        if is_still || !self.shared.scheduler.step() {
            self.faults.push("everybody waits for somebody else".to_owned());
            return false;
        }
        let passed_us = self.shared.scheduler.now_us() * self.shared.plan.clock_pace;
        let now_ms = self.clock_offset_ms + i64::try_from(passed_us / 1000).unwrap_or(i64::MAX);
        if self.clock.now().0 != now_ms {
            self.clock.set(now_ms);
        }
        true
    }

    /// Does what comes from outside: ends of processes, another time of day.
    fn intervene(&mut self) {
        let plan = self.shared.plan;
        let scheduler = self.shared.scheduler.clone();
        let happens = |often: u64| often > 0 && scheduler.draw() % 100_000 < often;
        if self.disk.is_off() || self.over.load(Ordering::Relaxed) || happens(plan.kills) {
            self.crash();
        } else if happens(plan.stops) {
            self.stop();
        } else if plan.nodes > 1 && happens(plan.node_kills) {
            self.kill_node();
        }
        if happens(plan.clock_jumps) {
            let jump = self.shared.scheduler.draw() % (2 * CLOCK_JUMP_MS_MAX);
            let jump = i64::try_from(jump).unwrap_or(0) - CLOCK_JUMP_MS_MAX.cast_signed();
            self.clock_offset_ms = BEGINS_AT_MS + jump;
        }
    }

    fn node_group(node: usize) -> Group {
        Group(u32::try_from(node).unwrap_or(0) + 1)
    }

    /// Ends the process as it stands, and starts it again after a while.
    fn crash(&mut self) {
        self.crashes += 1;
        self.end_process();
        self.disk.crash();
        self.start();
    }

    fn end_process(&mut self) {
        self.over.store(false, Ordering::Relaxed);
        let mut engines = Vec::new();
        for (node, up) in self.nodes().iter_mut().enumerate() {
            self.shared.scheduler.kill(Self::node_group(node));
            engines.push(up.take());
        }
        self.shared.scheduler.kill(PROCESS);
        drop(engines);
        self.store.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn nodes(&self) -> std::sync::MutexGuard<'_, Vec<Option<Engine>>> {
        self.shared.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the process to stop: it answers what it has taken and ends.
    fn stop(&mut self) {
        let engines: Vec<_> = self.nodes().iter_mut().filter_map(Option::take).collect();
        if engines.len() < self.shared.plan.nodes {
            // It is not up, or being stopped.
            for (up, engine) in self.nodes().iter_mut().zip(engines) {
                up.get_or_insert(engine);
            }
            return;
        }
        self.stops += 1;
        let over = self.over.clone();
        self.shared.scheduler.spawn(PROCESS, async move {
            for engine in engines {
                engine.close().await;
            }
            over.store(true, Ordering::Relaxed);
        });
    }

    /// Kills one node and starts it again; the store and the others go on.
    fn kill_node(&mut self) {
        let count = self.shared.plan.nodes as u64;
        let node = usize::try_from(self.shared.scheduler.draw() % count).unwrap_or(0);
        let engine = self.nodes().get_mut(node).and_then(Option::take);
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (Some(engine), Some(store)) = (engine, store) else { return };
        self.node_kills += 1;
        self.shared.scheduler.kill(Self::node_group(node));
        drop(engine);
        let opening = self.opening();
        self.shared.scheduler.spawn(Self::node_group(node), async move {
            opening.open_node(store, node).await;
        });
    }

    fn opening(&self) -> Opening {
        Opening {
            shared: self.shared.clone(),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
            over: self.over.clone(),
        }
    }

    /// Starts the process, after a while.
    fn start(&mut self) {
        let (disk, store) = (self.disk.clone(), self.store.clone());
        let opening = self.opening();
        self.shared.scheduler.spawn(PROCESS, async move {
            let pause_us = opening.shared.scheduler.draw() % DOWN_US_MAX;
            opening.shared.scheduler.sleep(pause_us).await;
            let tasks = Tasks::Scheduled(opening.shared.scheduler.clone(), PROCESS);
            let Ok((opened, _)) = simulated::open(disk, &tasks) else {
                return opening.is_over();
            };
            *store.lock().unwrap_or_else(PoisonError::into_inner) = Some(opened.clone());
            for node in 0..opening.shared.plan.nodes {
                let (opening, opened) = (opening.clone(), opened.clone());
                let group = World::node_group(node);
                opening.shared.scheduler.clone().spawn(group, async move {
                    opening.open_node(opened, node).await;
                });
            }
            opened.failed().await;
            opening.is_over();
        });
    }

    /// After all operations: nothing fails any more, the process is started a last time, and what it
    /// then has is held against what clients were told.
    fn end(&mut self) {
        self.disk.heal();
        self.crash();
        while self.nodes().iter().any(Option::is_none) {
            if !self.step() {
                return;
            }
        }
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let nodes = self.nodes().iter().flatten().cloned().collect();
        let Some(store) = store else { return };
        let found = Arc::new(Mutex::new(None));
        let finale = finale::judge_all(store, nodes, self.shared.clone());
        let told = found.clone();
        self.shared.scheduler.spawn(CLIENTS, async move {
            let all = finale.await;
            *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(all);
        });
        while found.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
            if !self.step() {
                return;
            }
        }
        let found = found.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Found { faults, expired, told } = found.unwrap_or_default();
        self.faults.extend(faults);
        (self.expired, self.told) = (expired, told);
    }
}

/// Returns the logs of the followers of one event, and behind them those of the followers of all; they
/// are empty.
fn followers_of(plan: &Plan) -> Arc<[Arc<Mutex<Received>>]> {
    let of_event = (0..plan.followers).map(|_| Received::default());
    let of_all = (0..plan.followers_of_all).map(|_| Received::by_time());
    of_event.chain(of_all).map(|received| Arc::new(Mutex::new(received))).collect()
}

/// What opening a node takes.
#[derive(Clone)]
struct Opening {
    shared: Shared,
    clock: Clock,
    entropy: Entropy,
    over: Arc<AtomicBool>,
}

impl Opening {
    fn is_over(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// Opens a node and lets clients find it; where that fails the whole process is over.
    async fn open_node(self, store: Store, node: usize) {
        let tasks = Tasks::Scheduled(self.shared.scheduler.clone(), World::node_group(node));
        let opened = Engine::open_on(tasks, store, self.clock.clone(), self.entropy.clone()).await;
        let created = match &opened {
            Ok(engine) => self.create_events(engine).await,
            Err(_) => Err(EngineError::Unavailable),
        };
        match (opened, created) {
            (Ok(engine), Ok(())) => {
                let mut nodes = self.shared.nodes.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(up) = nodes.get_mut(node) {
                    *up = Some(engine);
                }
            }
            _ => self.is_over(),
        }
    }

    /// Creates the events that are not there. Where another node has just done so, the node is
    /// opened anew: it does not know that event yet.
    async fn create_events(&self, engine: &Engine) -> Result<(), EngineError> {
        for id in self.shared.events.iter() {
            let known = engine.event_ids().contains(id);
            if known {
                continue;
            }
            let terms = EventTerms::on_sale(
                id.clone(),
                EventName::new("An event").expect("a valid name"),
                Seats::new(self.shared.plan.capacity).expect("at least one"),
                Seats::new(SEATS_PER_REQUEST_MAX).expect("at least one"),
            );
            let request = RequestId(self.shared.scheduler.draw().into());
            engine.create_event(terms, Actor::System, request).await?;
        }
        Ok(())
    }
}
