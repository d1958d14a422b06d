//! What a run is made by.
//!
//! It must not know: what happens in a run.

use super::arguments::{CAPACITY_MAX, ProveArguments};
use ticketboss_core::domain::EventId;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_runtime::terminal::Failure;

/// How many times as many seats as the event before it each further event has.
const CAPACITY_FACTOR: u32 = 10;

/// What a run is made by: the arguments, and what follows from them.
#[derive(Debug)]
pub(super) struct RunSettings {
    pub(super) arguments: ProveArguments,
    pub(super) seed: u64,
    /// The events, and how many seats each has.
    pub(super) events: Vec<(EventId, u32)>,
}

impl RunSettings {
    pub(super) fn of(arguments: ProveArguments) -> Result<Self, Failure> {
        let seed = arguments.seed.unwrap_or_else(|| Entropy::System.nonce().get());
        let mut events = Vec::new();
        let mut seats = arguments.capacity;
        for number in 1..=arguments.events {
            events.push((EventId::new(&format!("proof-{number}"))?, seats));
            seats = seats.saturating_mul(CAPACITY_FACTOR).min(CAPACITY_MAX);
        }
        Ok(Self { arguments, seed, events })
    }

    /// The command that makes this run again, as far as a run can be made again.
    pub(super) fn command(&self) -> String {
        let ProveArguments { seconds, kills, clients, events, capacity, .. } = &self.arguments;
        let kills = kills.map_or_else(String::new, |kills| format!(" --kills {kills}"));
        format!(
            "ticketboss prove --seconds {seconds}{kills} --clients {clients} --events {events} \
             --capacity {capacity} --seed {}",
            self.seed
        )
    }
}
