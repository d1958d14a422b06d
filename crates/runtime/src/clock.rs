//! What time it is. The only place that reads the system's clocks.
//!
//! A clock comes in as an argument wherever time matters, so that tests and simulations set it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use ticketboss_core::domain::Timestamp;

/// How far a steady clock is put forward at most, in milliseconds, to be not before what it is told was
/// noted: a day. What is further ahead was noted by a clock that was wrong itself, and is left aside.
pub const CATCH_UP_MS_MAX: i64 = 24 * 60 * 60 * 1_000;
/// How long anybody sleeps at a time before he looks at the clock again. While the machine itself sleeps, his
/// sleep does not go on, but time does: so much later than it should a hold may end after that.
const SLEEP_MAX: Duration = Duration::from_secs(30);

/// A source of the time of day.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's clock, which its owner may set forward and back.
    System,
    /// A clock that was set by the machine's once, and has gone steadily since.
    Steady(Steady),
    /// A clock that stands still until it is set.
    Manual(Manual),
}

/// A clock that is set by hand. Clones are the same clock.
///
/// Those who wait are woken in the order in which they began to, so that a simulation can be repeated.
#[derive(Clone)]
pub struct Manual(Arc<Mutex<Hands>>);

struct Hands {
    now_ms: i64,
    /// Who waits until when, by the number of his wait.
    waiting: BTreeMap<u64, (i64, Waker)>,
    waits: u64,
}

/// When a steady clock was set, and to what.
#[derive(Debug, Clone, Copy)]
pub struct Steady {
    set_at_us: u64,
    set_to_ms: i64,
}

impl Clock {
    /// A clock that agrees with the machine's now, and goes on steadily whatever becomes of that.
    pub fn steady() -> Self {
        Self::Steady(Steady { set_at_us: awake_or_asleep_us(), set_to_ms: system_ms() })
    }

    /// A clock that stands at `milliseconds` since 1970 until it is set.
    pub fn manual(milliseconds: i64) -> Self {
        let hands = Hands { now_ms: milliseconds, waiting: BTreeMap::new(), waits: 0 };
        Self::Manual(Manual(Arc::new(Mutex::new(hands))))
    }

    /// Sets a manual clock; the others are not ours to set.
    pub fn set(&self, milliseconds: i64) {
        if let Self::Manual(manual) = self {
            manual.set(milliseconds);
        }
    }

    /// This clock, put forward so that it is not before `noted`, if it is steady: then the machine's was
    /// set back while nobody was looking. It is put forward by [`CATCH_UP_MS_MAX`] at most.
    #[must_use]
    pub fn not_before(self, noted: Timestamp) -> Self {
        let behind_ms = noted.0.saturating_sub(self.now().0);
        match self {
            Self::Steady(Steady { set_at_us, set_to_ms })
                if (1..=CATCH_UP_MS_MAX).contains(&behind_ms) =>
            {
                Self::Steady(Steady { set_at_us, set_to_ms: set_to_ms + behind_ms })
            }
            other => other,
        }
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp(system_ms()),
            Self::Steady(Steady { set_at_us, set_to_ms }) => {
                let passed_us = awake_or_asleep_us().saturating_sub(*set_at_us);
                Timestamp(set_to_ms + (passed_us / 1_000).cast_signed())
            }
            Self::Manual(manual) => Timestamp(manual.hands().now_ms),
        }
    }

    /// Waits until it is `moment` by this clock, or later.
    pub async fn until(&self, moment: Timestamp) {
        if let Self::Manual(manual) = self {
            return manual.until(moment.0).await;
        }
        loop {
            let left_ms = moment.0.saturating_sub(self.now().0);
            let Some(left_ms) = u64::try_from(left_ms).ok().filter(|left| *left > 0) else {
                return;
            };
            tokio::time::sleep(Duration::from_millis(left_ms).min(SLEEP_MAX)).await;
        }
    }
}

impl fmt::Debug for Manual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manual").field("now_ms", &self.hands().now_ms).finish_non_exhaustive()
    }
}

impl Manual {
    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, now_ms: i64) {
        let mut hands = self.hands();
        hands.now_ms = now_ms;
        let is_due = |_: &u64, (until_ms, _): &mut (i64, Waker)| *until_ms <= now_ms;
        let due = hands.waiting.extract_if(.., is_due).collect::<Vec<_>>();
        drop(hands);
        for (_, (_, waker)) in due {
            waker.wake();
        }
    }

    async fn until(&self, until_ms: i64) {
        let number = {
            let mut hands = self.hands();
            hands.waits += 1;
            hands.waits
        };
        let wait = Wait { manual: self, number };
        std::future::poll_fn(|context| {
            let mut hands = wait.manual.hands();
            if hands.now_ms >= until_ms {
                return Poll::Ready(());
            }
            hands.waiting.insert(number, (until_ms, context.waker().clone()));
            Poll::Pending
        })
        .await;
    }
}

/// Somebody's wait, which ends with him.
struct Wait<'a> {
    manual: &'a Manual,
    number: u64,
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.manual.hands().waiting.remove(&self.number);
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one home of the system clock")]
fn system_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Microseconds since the machine was started, the time that it slept included.
fn awake_or_asleep_us() -> u64 {
    microseconds_by(rustix::time::ClockId::Boottime)
}

/// Microseconds since some moment in the past, by a clock that is never set back. It is the same for all
/// processes of this machine, so that what several of them noted can be put in order.
pub fn monotonic_us() -> u64 {
    microseconds_by(rustix::time::ClockId::Monotonic)
}

fn microseconds_by(clock: rustix::time::ClockId) -> u64 {
    let now = rustix::time::clock_gettime(clock);
    now.tv_sec.cast_unsigned() * 1_000_000 + now.tv_nsec.cast_unsigned() / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_clock_is_put_forward_by_a_day_at_most() {
        let now = Clock::steady().now().0;
        let hour_ms = 60 * 60 * 1_000;
        let ahead = Clock::steady().not_before(Timestamp(now + hour_ms));
        assert!((now + hour_ms..now + 2 * hour_ms).contains(&ahead.now().0));
        for noted in [now - hour_ms, now + CATCH_UP_MS_MAX + hour_ms, i64::MAX, i64::MIN] {
            let as_it_was = Clock::steady().not_before(Timestamp(noted));
            // A clock whose thread is interrupted while it is set is a little ahead of the others.
            assert!((-1_000..hour_ms / 2).contains(&(as_it_was.now().0 - now)), "{noted}");
        }
    }

    #[tokio::test]
    async fn nobody_is_woken_before_his_time() {
        let clock = Clock::manual(10);
        clock.until(Timestamp(10)).await;
        let waiter = clock.clone();
        let woken = tokio::spawn(async move {
            waiter.until(Timestamp(30)).await;
            waiter.now().0
        });
        for now in [20, 29, 5, 30] {
            tokio::task::yield_now().await;
            assert!(!woken.is_finished());
            clock.set(now);
        }
        assert_eq!(woken.await.unwrap(), 30);
        let before = Clock::steady();
        let soon = Timestamp(before.now().0 + 20);
        before.until(soon).await;
        assert!(before.now() >= soon);
    }
}
