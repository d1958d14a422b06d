//! A scheduler for simulations: one thread, one task at a time, time that only passes when nobody has
//! anything to do, and every choice drawn from one seed. The same seed gives the same run.
//!
//! The idea is that of FoundationDB's simulator (Zhou et al., SIGMOD 2021) and TigerBeetle's VOPR.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use crate::random::split_mix;

/// Tasks that end together, as those of one process do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group(pub u32);

/// The scheduler. Clones share it.
#[derive(Clone)]
pub struct Scheduler(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    ready: Arc<Mutex<Ready>>,
}

/// The places of the tasks that are ready, sorted: in which order they were woken must not show, since
/// tokio wakes the receivers of one channel in an order that it draws for each thread.
type Ready = Vec<usize>;

struct State {
    random: u64,
    now_us: u64,
    tasks: Vec<Option<Task>>,
    free: Vec<usize>,
    /// Who is to be woken when; the second number keeps those of one moment apart.
    timers: BTreeMap<(u64, u64), Waker>,
    timers_set: u64,
}

struct Task {
    group: Group,
    waker: Waker,
    /// Gone while the task runs.
    future: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

/// Puts a task among those that are ready.
struct Bell {
    place: usize,
    ready: Arc<Mutex<Ready>>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(index) = ready.binary_search(&self.place) {
            ready.insert(index, self.place);
        }
    }
}

impl fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scheduler").field("now_us", &self.now_us()).finish_non_exhaustive()
    }
}

impl Scheduler {
    /// A scheduler whose choices follow from `seed`.
    pub fn new(seed: u64) -> Self {
        let state = State {
            random: seed,
            now_us: 0,
            tasks: Vec::new(),
            free: Vec::new(),
            timers: BTreeMap::new(),
            timers_set: 0,
        };
        Self(Arc::new(Shared { state: Mutex::new(state), ready: Arc::default() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ready(&self) -> MutexGuard<'_, Ready> {
        self.0.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a task.
    pub fn spawn(&self, group: Group, task: impl Future<Output = ()> + Send + 'static) {
        let mut state = self.state();
        let place = state.free.pop().unwrap_or(state.tasks.len());
        let waker = Waker::from(Arc::new(Bell { place, ready: self.0.ready.clone() }));
        waker.wake_by_ref();
        let task = Some(Task { group, waker, future: Some(Box::pin(task)) });
        match state.tasks.get_mut(place) {
            Some(empty) => *empty = task,
            None => state.tasks.push(task),
        }
    }

    /// Ends all tasks where they stand. They may know this scheduler, so without it none of them would
    /// ever be freed.
    pub fn clear(&self) {
        let mut state = self.state();
        let (tasks, timers) = (std::mem::take(&mut state.tasks), std::mem::take(&mut state.timers));
        state.free.clear();
        drop(state);
        drop((tasks, timers));
        self.ready().clear();
    }

    /// Ends all tasks of a group where they stand.
    pub fn kill(&self, group: Group) {
        let mut killed = Vec::new();
        let mut state = self.state();
        let State { tasks, free, .. } = &mut *state;
        for (place, slot) in tasks.iter_mut().enumerate() {
            if slot.as_ref().is_some_and(|task| task.group == group) {
                killed.push(slot.take());
                free.push(place);
            }
        }
        drop(state);
        // What they hold may wake others, or spawn, as it is dropped.
        drop(killed);
    }

    /// Lets one task that is ready, a random one, go on as far as it can; where none is, time passes
    /// up to the next moment that somebody waits for. Says whether there was anything to do.
    pub fn step(&self) -> bool {
        let Some(place) = self.draw_ready() else {
            return self.pass_time();
        };
        let mut state = self.state();
        let Some(task) = state.tasks.get_mut(place).and_then(Option::as_mut) else {
            return true;
        };
        let waker = task.waker.clone();
        let Some(mut future) = task.future.take() else {
            return true;
        };
        drop(state);
        let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
        let mut state = self.state();
        match (polled, state.tasks.get_mut(place)) {
            (Poll::Pending, Some(Some(task))) => task.future = Some(future),
            (Poll::Ready(()), Some(slot @ Some(_))) => {
                *slot = None;
                state.free.push(place);
            }
            // It killed its own group.
            _ => {}
        }
        true
    }

    fn draw_ready(&self) -> Option<usize> {
        let mut ready = self.ready();
        let count = u64::try_from(ready.len()).ok().filter(|count| *count > 0)?;
        let choice = if count == 1 { 0 } else { self.state().draw() % count };
        Some(ready.remove(usize::try_from(choice).ok()?))
    }

    fn pass_time(&self) -> bool {
        let mut state = self.state();
        let Some(((at_us, _), waker)) = state.timers.pop_first() else {
            return false;
        };
        state.now_us = at_us;
        drop(state);
        waker.wake();
        true
    }

    /// The time of the simulation, in microseconds since its beginning.
    pub fn now_us(&self) -> u64 {
        self.state().now_us
    }

    /// A random number that follows from the seed.
    pub fn draw(&self) -> u64 {
        self.state().draw()
    }

    /// Waits until so much time has passed.
    pub fn sleep(&self, microseconds: u64) -> impl Future<Output = ()> + Send + use<> {
        let scheduler = self.clone();
        let until_us = self.now_us() + microseconds;
        std::future::poll_fn(move |context| {
            let mut state = scheduler.state();
            if state.now_us >= until_us {
                return Poll::Ready(());
            }
            state.timers_set += 1;
            let place = (until_us, state.timers_set);
            state.timers.insert(place, context.waker().clone());
            Poll::Pending
        })
    }
}

impl State {
    fn draw(&mut self) -> u64 {
        split_mix(&mut self.random)
    }
}
