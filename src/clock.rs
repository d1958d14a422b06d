//! What time it is. The only place that reads the system's clock.
//!
//! A clock comes in as an argument wherever time matters, so that tests and simulations set it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::domain::Timestamp;

/// A source of the time of day.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's clock, which its owner may set forward and back.
    System,
    /// A clock that stands still until it is set.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `milliseconds` since 1970 until it is set.
    pub fn manual(milliseconds: i64) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(milliseconds)))
    }

    /// Sets a manual clock; a system clock is not ours to set.
    pub fn set(&self, milliseconds: i64) {
        if let Self::Manual(now) = self {
            now.store(milliseconds, Ordering::SeqCst);
        }
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp(system_now().as_millisecond()),
            Self::Manual(now) => Timestamp(now.load(Ordering::SeqCst)),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one home of the system clock")]
fn system_now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// Microseconds since some moment in the past, by a clock that is never set back. It is the same for all
/// processes of this machine, so that what several of them noted can be put in order.
pub fn monotonic_us() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec.cast_unsigned() * 1_000_000 + now.tv_nsec.cast_unsigned() / 1_000
}
