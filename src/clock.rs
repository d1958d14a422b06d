//! What time it is. The only place that reads the system's clocks.
//!
//! A clock comes in as an argument wherever time matters, so that tests and simulations set it.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::Timestamp;
use crate::tasks::sync::watch;

/// How far a steady clock is put forward at most, in milliseconds, to be not before what it is told was
/// noted: a day. What is further ahead was noted by a clock that was wrong itself.
pub const CATCH_UP_MS_MAX: i64 = 24 * 60 * 60 * 1_000;
/// How long anybody sleeps at a time before he looks at the clock again.
const SLEEP_MAX: Duration = Duration::from_hours(1);

/// A source of the time of day.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's clock, which its owner may set forward and back.
    System,
    /// A clock that was set by the machine's once, and has gone steadily since.
    Steady(Steady),
    /// A clock that stands still until it is set.
    Manual(Arc<watch::Sender<i64>>),
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
        Self::Manual(Arc::new(watch::channel(milliseconds).0))
    }

    /// Sets a manual clock; the others are not ours to set.
    pub fn set(&self, milliseconds: i64) {
        if let Self::Manual(now) = self {
            now.send_replace(milliseconds);
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
            Self::Manual(now) => Timestamp(*now.borrow()),
        }
    }

    /// Waits until it is `moment` by this clock, or later.
    pub async fn until(&self, moment: Timestamp) {
        if let Self::Manual(now) = self {
            let mut changes = now.subscribe();
            while *changes.borrow_and_update() < moment.0 {
                if changes.changed().await.is_err() {
                    return std::future::pending().await;
                }
            }
            return;
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
            assert!((now..now + hour_ms).contains(&as_it_was.now().0), "{noted}");
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
