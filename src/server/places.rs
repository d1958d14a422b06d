//! The places for connections: how many there are, and who has to leave when they run out.
//!
//! Without more, a cap turns slow clients into a lock-out: they take all places and keep them until a
//! timeout, however cheap that is for them. So when a place is wanted and none is free, those that have
//! kept the server waiting longest have to leave: connections that idle, heads and bodies that trickle,
//! answers that nobody reads. What counts is the time since the last answer (or since the connection was
//! made), so that a byte now and then buys no time, and nobody is sent away whose request is being worked
//! on or who was answered within the last second. A new client thus waits for a second or so, and not for
//! the timeout of somebody else. nginx does the same with its idle connections.
//!
//! There is no share per address: behind a proxy or a carrier's address translation thousands of honest
//! clients have one. And a short timeout for everybody would close the connections that proxies keep, and
//! still lock out for as long as it lasts.

use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Context;
use std::time::Duration;

use futures_util::task::AtomicWaker;
use rustix::process::{Resource, getrlimit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Nobody is sent away sooner after his last answer: he may be about to ask again.
const SETTLED_AFTER: Duration = Duration::from_secs(1);
/// How often it is looked who can be sent away, while somebody waits for a place.
const RECALL_INTERVAL: Duration = Duration::from_millis(100);
/// One of so many places is taken back at a time: to look for one alone would cost as much.
const RECALLED_SHARE: u32 = 64;
/// The log tells of a lack of places at most this often.
const TELLING_INTERVAL: Duration = Duration::from_secs(10);
/// Descriptors that are not for connections: the database, logs, the listener, the runtime.
const DESCRIPTORS_RESERVED: u64 = 32;

/// All places.
#[derive(Debug)]
pub(super) struct Places {
    max: u32,
    free: Arc<Semaphore>,
    taken: Arc<Taken>,
    last_number: u64,
    told_at: Option<Instant>,
}

/// Who has a place, by the number of his connection.
#[derive(Debug)]
struct Taken {
    /// From here on times are counted.
    since: Instant,
    occupants: Mutex<BTreeMap<u64, Arc<Occupant>>>,
}

/// What is known of somebody who has a place.
#[derive(Debug)]
struct Occupant {
    /// When he was last answered, or else accepted: milliseconds since the places were made.
    answered_ms: AtomicU64,
    /// Whether it is he who has to do something next: to send or to read.
    is_awaited: AtomicBool,
    /// Whether his place is wanted back.
    is_recalled: AtomicBool,
    waker: AtomicWaker,
}

/// A connection's place. It is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    number: u64,
    occupant: Arc<Occupant>,
    taken: Arc<Taken>,
    _permit: OwnedSemaphorePermit,
}

impl Places {
    /// As many places as are wanted and as there are descriptors for.
    pub(super) fn new(wanted: NonZeroU32) -> Self {
        let max = affordable(wanted, getrlimit(Resource::Nofile).current);
        if max < wanted.get() {
            log::warn!(
                "at most {max} connections are served at once, not {wanted}: there are not enough \
                 file descriptors (ulimit -n)"
            );
        }
        Self {
            max,
            free: Arc::new(Semaphore::new(max as usize)),
            taken: Arc::new(Taken {
                since: Instant::now(),
                occupants: Mutex::new(BTreeMap::new()),
            }),
            last_number: 0,
            told_at: None,
        }
    }

    /// Takes a place, as soon as one is free or can be taken back.
    pub(super) async fn take(&mut self) -> Place {
        loop {
            if let Ok(permit) = self.free.clone().try_acquire_owned() {
                return self.place(permit);
            }
            if self.may_tell() {
                let max = self.max;
                log::warn!("all {max} connections are in use; the slowest have to make room");
            }
            self.recall();
            let free = self.free.clone().acquire_owned();
            if let Ok(permit) = tokio::time::timeout(RECALL_INTERVAL, free).await {
                return self.place(permit.expect("the places are never closed"));
            }
        }
    }

    /// Takes back the places of those that have been awaited longest.
    pub(super) fn recall(&self) {
        let (now_ms, settled_after_ms) = (self.taken.now_ms(), millis(SETTLED_AFTER));
        let occupants = self.taken.occupants();
        let mut awaited = occupants
            .values()
            .filter(|occupant| occupant.can_be_recalled())
            .map(|occupant| (occupant.answered_ms.load(Ordering::Relaxed), occupant))
            .filter(|(answered_ms, _)| answered_ms + settled_after_ms <= now_ms)
            .collect::<Vec<_>>();
        let recalled_max = self.max.div_ceil(RECALLED_SHARE) as usize;
        if awaited.len() > recalled_max {
            awaited.select_nth_unstable_by_key(recalled_max, |(answered_ms, _)| *answered_ms);
            awaited.truncate(recalled_max);
        }
        for (_, occupant) in awaited {
            occupant.is_recalled.store(true, Ordering::Release);
            occupant.waker.wake();
        }
    }

    /// Whether the log may be told once more that there is a lack.
    pub(super) fn may_tell(&mut self) -> bool {
        let may = self.told_at.is_none_or(|at| at.elapsed() >= TELLING_INTERVAL);
        if may {
            self.told_at = Some(Instant::now());
        }
        may
    }

    fn place(&mut self, permit: OwnedSemaphorePermit) -> Place {
        self.last_number += 1;
        let occupant = Arc::new(Occupant {
            answered_ms: AtomicU64::new(self.taken.now_ms()),
            is_awaited: AtomicBool::new(false),
            is_recalled: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        });
        self.taken.occupants().insert(self.last_number, occupant.clone());
        Place { number: self.last_number, occupant, taken: self.taken.clone(), _permit: permit }
    }
}

/// How many connections there can be with so many descriptors; at least one.
fn affordable(wanted: NonZeroU32, descriptors: Option<u64>) -> u32 {
    let spare = descriptors.map_or(u64::MAX, |all| all.saturating_sub(DESCRIPTORS_RESERVED));
    wanted.get().min(u32::try_from(spare).unwrap_or(u32::MAX)).max(1)
}

impl Taken {
    fn occupants(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Occupant>>> {
        self.occupants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> u64 {
        millis(self.since.elapsed())
    }
}

impl Occupant {
    fn can_be_recalled(&self) -> bool {
        self.is_awaited.load(Ordering::Relaxed) && !self.is_recalled.load(Ordering::Relaxed)
    }
}

impl Place {
    /// Notes that nothing happens until the client sends or reads.
    ///
    /// # Errors
    /// When the place is wanted back. If that comes later, the task of `context` is woken.
    pub(super) fn await_client(&self, context: &Context<'_>) -> io::Result<()> {
        self.occupant.waker.register(context.waker());
        if self.occupant.is_recalled.load(Ordering::Acquire) {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "others wait for this place"));
        }
        self.occupant.is_awaited.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Notes that the client has done what he was awaited for.
    pub(super) fn heard_client(&self) {
        self.occupant.is_awaited.store(false, Ordering::Relaxed);
    }

    /// Notes that the client was sent something. He may be awaited all the same, as when he was told to
    /// go on with a body.
    pub(super) fn answered_client(&self) {
        self.occupant.answered_ms.store(self.taken.now_ms(), Ordering::Relaxed);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.taken.occupants().remove(&self.number);
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_was_awaited_longest_leaves_and_who_is_worked_on_stays() {
        let mut places = Places::new(NonZeroU32::new(4).unwrap());
        let context = Context::from_waker(Waker::noop());
        let has_to_leave = |place: &Place| place.await_client(&context).is_err();
        let mut taken = Vec::new();
        for _ in 0..4 {
            let place = places.take().await;
            assert!(!has_to_leave(&place));
            places.recall();
            assert!(!has_to_leave(&place), "he has only just come");
            place.heard_client();
            tokio::time::advance(SETTLED_AFTER).await;
            taken.push(place);
        }
        let recalled = |taken: &[Place]| {
            places.recall();
            taken.iter().map(has_to_leave).collect::<Vec<_>>()
        };
        assert_eq!(recalled(&taken), [false; 4], "nobody was awaited");
        taken[0].heard_client();
        taken[1].answered_client();
        tokio::time::advance(Duration::from_millis(1)).await;
        taken[2].answered_client();
        assert!(!has_to_leave(&taken[1]) && !has_to_leave(&taken[2]));
        assert_eq!(recalled(&taken), [false, false, false, true]);
        taken[0].heard_client();
        assert_eq!(recalled(&taken), [false, false, false, true], "answered within the second");
        taken[0].heard_client();
        tokio::time::advance(SETTLED_AFTER).await;
        assert_eq!(recalled(&taken), [false, true, false, true], "one of 64 at a time");
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_that_is_given_back_is_taken_again() {
        let mut places = Places::new(NonZeroU32::MIN);
        let first = places.take().await;
        let waits = tokio::time::timeout(Duration::from_hours(1), places.take()).await;
        assert!(waits.is_err(), "the one place is worked on");
        drop(first);
        drop(places.take().await);
        assert!(places.taken.occupants().is_empty());
    }

    #[test]
    fn connections_leave_descriptors_for_the_rest() {
        let wanted = NonZeroU32::new(10_000).unwrap();
        assert_eq!(affordable(wanted, None), 10_000);
        assert_eq!(affordable(wanted, Some(20_000)), 10_000);
        assert_eq!(affordable(wanted, Some(64)), 32);
        assert_eq!(affordable(wanted, Some(7)), 1);
    }
}
