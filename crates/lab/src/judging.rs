//! Histories held against what is stored: reads the ledgers, and asks the judge about each event.
//!
//! It must not know: where a history comes from.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::ops::AddAssign;
use std::path::Path;

use crate::checker::history::{Acknowledged, Operation, Outcome};
use crate::checker::{Scope, Verdict, judge};
use crate::histories::Histories;
use crate::replays::{ReplayedEvent, Replays, WholeEvent};
use ticketboss_core::domain::{Change, EventId, RequestId, Version};
use ticketboss_runtime::terminal::Failure;
use ticketboss_runtime::terminal::say;
use ticketboss_runtime::text::grouped;
use ticketboss_store::Store;
use ticketboss_store::ledger::{self, ReplayError};
use ticketboss_store::local::sled::{SledOptions, inspect};

/// What the judge says of one event.
#[derive(Debug)]
pub struct Judged {
    /// Which event.
    pub event: EventId,
    /// What the judge says.
    pub verdict: Verdict,
    /// What the history has.
    pub tally: Tally,
}

/// What a history has, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// How many requests.
    pub operations: u64,
    /// How many changes were told of.
    pub acknowledged: u64,
    /// How many were not answered, or left in the dark, and are in the ledger.
    pub unknown_done: u64,
    /// How many were not answered, or left in the dark, and are not in the ledger.
    pub unknown_not_done: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.operations += other.operations;
        self.acknowledged += other.acknowledged;
        self.unknown_done += other.unknown_done;
        self.unknown_not_done += other.unknown_not_done;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unknown = self.unknown_done + self.unknown_not_done;
        write!(
            f,
            "{} operations, {} acknowledged, {} unknown ({} happened, {} did not)",
            grouped(self.operations),
            grouped(self.acknowledged),
            grouped(unknown),
            grouped(self.unknown_done),
            grouped(self.unknown_not_done),
        )
    }
}

impl Tally {
    fn of(operations: &[Operation], changes: &[Change]) -> Self {
        let done = changes.iter().map(|change| change.request).collect::<HashSet<_>>();
        let mut acknowledged = Acknowledged::default();
        let mut tally = Self { operations: operations.len() as u64, ..Self::default() };
        for operation in operations {
            match &operation.outcome {
                _ if acknowledged.take(operation) => tally.acknowledged += 1,
                Outcome::Unknown { .. } => {
                    let is_done = done.contains(&RequestId(operation.request.as_u128()));
                    tally.unknown_done += u64::from(is_done);
                    tally.unknown_not_done += u64::from(!is_done);
                }
                _ => {}
            }
        }
        tally
    }
}

/// Judges histories by a data directory that no server has open.
///
/// # Errors
/// When the directory cannot be read, an event of it is damaged, or one that there is a history of is not in it.
pub async fn judge_directory(
    directory: &Path,
    histories: &Histories,
    scope: Scope,
) -> Result<Vec<Judged>, Failure> {
    let store = inspect(&SledOptions::standard(directory))?.store;
    let mut docket = Docket::new(histories, scope);
    let mut judged = Vec::new();
    let mut replays = Replays::of(&store).await?;
    while let Some(event) = replays.next().await? {
        match event {
            ReplayedEvent::Whole(event) => judged.extend(docket.judge(&store, &event).await?),
            ReplayedEvent::Damaged(damage) => return Err(damage.into()),
        }
    }
    docket.close()?;
    Ok(judged)
}

/// Histories, of which those of one event after the other are judged.
#[derive(Debug)]
pub struct Docket<'a> {
    histories: BTreeMap<&'a EventId, &'a [Operation]>,
    scope: Scope,
}

impl<'a> Docket<'a> {
    /// Nothing is judged yet.
    pub fn new(histories: &'a Histories, scope: Scope) -> Self {
        let histories = histories.iter().map(|(event, of_event)| (event, of_event.as_slice()));
        Self { histories: histories.collect(), scope }
    }

    /// Judges the history of an event by what is stored of it, if there is anything to judge: where
    /// nobody else may have asked, even that nobody asked for anything.
    ///
    /// # Errors
    /// When the event cannot be read.
    pub async fn judge(
        &mut self,
        store: &Store,
        event: &WholeEvent,
    ) -> Result<Option<Judged>, Failure> {
        let operations = match (self.histories.remove(&event.id), self.scope) {
            (Some(operations), _) => operations,
            (None, Scope::Whole) => &[],
            (None, Scope::Part) => return Ok(None),
        };
        Ok(Some(judge_event(store, event, operations, self.scope).await?))
    }

    /// Ends with the last event: nothing may be left.
    ///
    /// # Errors
    /// When there is a history of an event that was not judged.
    pub fn close(self) -> Result<(), Failure> {
        match self.histories.first_key_value() {
            None => Ok(()),
            Some((event, operations)) => {
                let count = grouped(operations.len() as u64);
                Err(format!("there is no whole event {event} to hold {count} operations against")
                    .into())
            }
        }
    }
}

/// Judges the history of one event by what is stored of it.
pub(super) async fn judge_event(
    store: &Store,
    WholeEvent { id, record, .. }: &WholeEvent,
    operations: &[Operation],
    scope: Scope,
) -> Result<Judged, ReplayError> {
    let pages = store.pages(record.number, Version::FIRST, record.version);
    let changes = ledger::changes(id, pages).await?;
    let verdict = judge(record.number, &changes, operations, scope);
    let tally = Tally::of(operations, &changes);
    Ok(Judged { event: id.clone(), verdict, tally })
}

/// Prints each law and whether it held for every event, and the verdict. Says whether it is good.
pub(super) fn print(verdicts: &[(&EventId, &Verdict)]) -> bool {
    let laws = verdicts.first().map(|(_, verdict)| verdict.checks.as_slice()).unwrap_or_default();
    for (place, law) in laws.iter().map(|check| check.law).enumerate() {
        let checks = verdicts
            .iter()
            .filter_map(|(event, verdict)| Some((event, verdict.checks.get(place)?)))
            .collect::<Vec<_>>();
        let count = checks.iter().map(|(_, check)| check.fault_count).sum::<usize>();
        say(format_args!("{}  {law}", if count == 0 { "good" } else { "BAD " }));
        let mut told = 0;
        for (event, check) in checks {
            for fault in &check.faults {
                say(format_args!("        {event}: {fault}"));
                told += 1;
            }
        }
        if count > told {
            say(format_args!("        and {} more", grouped((count - told) as u64)));
        }
    }
    let good = verdicts.iter().all(|(_, verdict)| verdict.is_good());
    say(format_args!("verdict: {}", if good { "good" } else { "BAD" }));
    good
}
