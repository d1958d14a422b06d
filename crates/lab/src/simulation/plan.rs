//! What a run is made of.
//!
//! It must not know: what becomes of it.

use crate::choices::{Extremes, Mix};
use ticketboss_core::domain::HOLD_SECONDS_MAX;
use ticketboss_runtime::tasks::Scheduler;
use ticketboss_store::simulated::Faults;

/// The most seats that a request may take of any event.
pub(super) const SEATS_PER_REQUEST_MAX: u32 = 10;
/// How many of a hundred operations read.
const READ_PERCENT: u64 = 5;
/// The most seats of a usual reservation.
const SEATS_MAX: u32 = 5;

/// What a run is made of. All of it is drawn from the seed.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How many engines work on the store.
    pub nodes: usize,
    /// How many events there are.
    pub events: u32,
    /// How many seats each of them has at first.
    pub capacity: u32,
    /// How many clients ask.
    pub clients: u32,
    /// How many follow an event.
    pub followers: u32,
    /// How many follow all events by time. Their dates are in order only where one engine dates them, by
    /// a clock that is not set back.
    pub followers_of_all: u32,
    /// How many of a hundred operations cancel something.
    pub cancel_percent: u64,
    /// How many of a hundred reservations are held first, and of a hundred cancellations something else
    /// that can become of a hold.
    pub hold_percent: u64,
    /// How many of a hundred changes are asked for under a key: again until there is an answer, and now
    /// and then after it.
    pub key_percent: u64,
    /// How many of a hundred operations that do not read change the terms of an event, or take seats out
    /// of sale and put them back.
    pub terms_percent: u64,
    /// How long a client thinks between two operations, at most.
    pub think_us_max: u64,
    /// How many of ten thousand requests are given up by the client before they are answered.
    pub hang_ups: u64,
    /// How many of a hundred thousand steps the process is killed at.
    pub kills: u64,
    /// How many of a hundred thousand steps the process is asked to stop at.
    pub stops: u64,
    /// How many of a hundred thousand steps one of several nodes is killed at.
    pub node_kills: u64,
    /// How much faster than everything else the clock goes by which holds end.
    pub clock_pace: u64,
    /// How many of a hundred thousand steps the system's clock is set at.
    pub clock_jumps: u64,
    /// What the disk does.
    pub faults: Faults,
}

impl Plan {
    /// Draws one.
    pub(super) fn draw(scheduler: &Scheduler) -> Self {
        let pick = |choices: &[u64]| {
            let index = usize::try_from(scheduler.draw()).unwrap_or(0) % choices.len().max(1);
            choices.get(index).copied().unwrap_or(0)
        };
        let within = |least: u32, most: u32| {
            least + u32::try_from(scheduler.draw() % u64::from(most - least + 1)).unwrap_or(0)
        };
        let mut plan = Self {
            nodes: if pick(&[0, 0, 0, 1]) == 0 { 1 } else { 2 },
            events: within(1, 3),
            capacity: within(1, 60),
            clients: within(1, 12),
            followers: within(0, 3),
            followers_of_all: within(0, 2),
            cancel_percent: pick(&[10, 30, 45, 60]),
            hold_percent: pick(&[0, 30, 60, 90]),
            key_percent: pick(&[0, 30, 100]),
            terms_percent: pick(&[0, 0, 5, 20]),
            think_us_max: pick(&[1, 100, 1_000, 20_000]),
            hang_ups: pick(&[0, 0, 50, 500]),
            kills: pick(&[0, 0, 10, 100]),
            stops: pick(&[0, 0, 20]),
            node_kills: pick(&[0, 20, 100]),
            clock_pace: pick(&[1, 100, 10_000]),
            clock_jumps: pick(&[0, 10, 200]),
            faults: Faults {
                power_cuts: pick(&[0, 0, 5, 50, 200]),
                lost_swaps: pick(&[0, 0, 20, 500]),
                failed_writes: pick(&[0, 0, 0, 10]),
                failed_syncs: pick(&[0, 0, 0, 50]),
                full: pick(&[0, 0, 0, 100]),
                delays: pick(&[0, 100, 1_000]),
            },
        };
        if plan.nodes > 1 || plan.clock_jumps > 0 {
            plan.followers_of_all = 0;
        }
        plan
    }

    /// Returns the mix of choices of each client. All reservations are known to all clients.
    pub(super) fn mix(&self) -> Mix {
        Mix {
            read_percent: READ_PERCENT,
            terms_percent: self.terms_percent,
            cancel_percent: self.cancel_percent,
            hold_percent: self.hold_percent,
            key_percent: self.key_percent,
            seats_max: SEATS_MAX,
            extremes: Extremes {
                seats: &[0, SEATS_PER_REQUEST_MAX + 1],
                // Some of each kind, most of them as long as possible.
                hold_seconds: &[
                    0,
                    HOLD_SECONDS_MAX + 1,
                    HOLD_SECONDS_MAX,
                    HOLD_SECONDS_MAX,
                    HOLD_SECONDS_MAX,
                    HOLD_SECONDS_MAX,
                    HOLD_SECONDS_MAX,
                ],
                hold_spread_seconds: 19,
                capacity_percent: (1, 150),
                seats_per_request: (1, SEATS_PER_REQUEST_MAX),
                shared_one_in: 1,
                forgotten_percent: 80,
                guess_percent: 8,
            },
        }
    }
}
