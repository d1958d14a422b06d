//! What the clients of a storm do, and where they find the server.
//!
//! It must not know: how a client works.

use tokio::sync::watch;

use crate::choices::{Extremes, Mix};
use crate::client::{Subject, Target};
use ticketboss_core::domain::HOLD_SECONDS_MAX;

/// The most seats that one request may take, at most.
const SEATS_PER_REQUEST_MAX: u32 = 10;
/// One of so many reservations is known to all clients.
const SHARED_ONE_IN: u64 = 8;

/// Where the server is; nothing while there is none.
pub type Whereabouts = watch::Receiver<Option<Target>>;

/// What the clients of a storm do.
#[derive(Debug, Clone)]
pub struct LoadPlan {
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

impl LoadPlan {
    /// Returns the mix of choices of each client. New capacities are near the first one, so that a full
    /// event cannot always shrink. The limit for each request is never below what clients ask for. No
    /// reservation id is guessed: without the ledger, one that never was looks like one that is lost.
    pub(super) fn mix(&self) -> Mix {
        let seats_max = self.seats_max.max(1);
        Mix {
            read_percent: self.read_percent,
            terms_percent: self.terms_percent,
            cancel_percent: self.cancel_percent,
            hold_percent: self.hold_percent,
            key_percent: self.key_percent,
            seats_max,
            extremes: Extremes {
                seats: &[0],
                hold_seconds: &[HOLD_SECONDS_MAX, HOLD_SECONDS_MAX + 1],
                hold_spread_seconds: 0,
                capacity_percent: (75, 125),
                seats_per_request: (seats_max, SEATS_PER_REQUEST_MAX.max(seats_max)),
                shared_one_in: SHARED_ONE_IN,
                forgotten_percent: 0,
                guess_percent: 0,
            },
        }
    }
}
