//! What is stored in the end: whether it verifies, and whether all that clients were told can be true of
//! it.
//!
//! It must not know: how the run was made, or how what is found is shown.

use std::collections::BTreeMap;
use std::path::Path;

use super::record::Fault;
use crate::checker::Scope;
use crate::checker::history::Operation;
use crate::judging::{Judged, judge_event};
use crate::replays::{ReplayedEvent, Replays, WholeEvent};
use ticketboss_core::domain::{EventId, SeatCounts, Version};
use ticketboss_runtime::terminal::Failure;
use ticketboss_store::ledger::ReplayError;
use ticketboss_store::local::sled::{SledOptions, inspect};

/// That what is stored holds together.
pub(super) const VERIFIES: &str =
    "the store verifies: checksums, hash chain, rules, seats, and nothing missing";

/// What is found of a whole store.
#[derive(Debug, Default)]
pub(super) struct Judgement {
    /// The events that verify.
    pub(super) events: Vec<StoredEvent>,
    pub(super) faults: Vec<Fault>,
}

/// One event as it is stored.
#[derive(Debug)]
pub(super) struct StoredEvent {
    pub(super) seats: SeatCounts,
    pub(super) version: Version,
    pub(super) pages: u64,
    pub(super) bytes: u64,
    pub(super) judged: Judged,
}

/// Judges all histories by a data directory that no server has open, in which `events` must be. What is
/// not as it must be is a fault, and no error.
pub(super) async fn judge(
    directory: &Path,
    events: &[(EventId, u32)],
    histories: &BTreeMap<EventId, Vec<Operation>>,
) -> Judgement {
    let mut judgement = Judgement::default();
    if let Err(why) = judgement.add_all(directory, histories).await {
        judgement.convict(why.to_string());
    }
    for (event, _) in events {
        if !judgement.events.iter().any(|stored| stored.judged.event == *event) {
            judgement.convict(format!("event {event} is not there, or not whole"));
        }
    }
    judgement
}

impl Judgement {
    async fn add_all(
        &mut self,
        directory: &Path,
        histories: &BTreeMap<EventId, Vec<Operation>>,
    ) -> Result<(), Failure> {
        let opened = inspect(&SledOptions::standard(directory))?;
        for number in &opened.leftovers.ownerless {
            self.convict(format!("event number {} has lost its record", number.0));
        }
        let mut replays = Replays::of(&opened.store).await?;
        while let Some(event) = replays.next().await? {
            match event {
                ReplayedEvent::Whole(event) => {
                    let operations = histories.get(&event.id).map(Vec::as_slice);
                    let operations = operations.unwrap_or_default();
                    let judged = judge_event(&opened.store, &event, operations, Scope::Whole).await;
                    let judged = match judged {
                        Ok(judged) => judged,
                        Err(ReplayError::Damaged(damage)) => {
                            self.convict(damage.to_string());
                            continue;
                        }
                        Err(ReplayError::Store(error)) => return Err(error.into()),
                    };
                    let WholeEvent { record, pages, bytes, .. } = event;
                    let (seats, version) = (record.seats, record.version);
                    self.events.push(StoredEvent { seats, version, pages, bytes, judged });
                }
                ReplayedEvent::Damaged(damage) => self.convict(damage.to_string()),
            }
        }
        Ok(())
    }

    fn convict(&mut self, what: String) {
        self.faults.push(Fault { law: VERIFIES, what });
    }
}
