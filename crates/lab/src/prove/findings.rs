//! What a run came to, in the form in which it is told: `report.json` is this, and the page and the
//! terminal are drawn from it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use super::judgement::{Judgement, Stored, VERIFIES};
use super::machine::Machine;
use super::place::Place;
use super::rig::{End, Fault, Life, RETURNS, Run, STARTS, STAYS, count};
use super::timeline::Timeline;
use super::{Terms, judgement};
use crate::checker::history::{Acknowledged, Operation};
use crate::histories;
use crate::judging::Tally;
use ticketboss_core::domain::Timestamp;
use ticketboss_runtime::terminal::Failure;

/// How many faults of each law are told in words; the others are counted.
const FAULTS_TOLD_MAX: usize = 20;

/// All that is told of a run. The names of its fields are those of `report.json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Findings {
    pub(super) standing: Standing,
    pub(super) program: String,
    /// The command that makes a run like it.
    pub(super) command: String,
    pub(super) seed: u64,
    pub(super) began_at: String,
    /// When it began, by the clock of the history.
    pub(super) began_us: u64,
    pub(super) took_us: u64,
    pub(super) clients: u32,
    pub(super) operations: u64,
    pub(super) acknowledged: u64,
    pub(super) unknown: Unknown,
    pub(super) outcomes: Vec<OutcomeCount>,
    pub(super) kills: Kills,
    pub(super) restarts: Restarts,
    pub(super) laws: Vec<Law>,
    pub(super) events: Vec<Sold>,
    pub(super) machine: Machine,
    /// What is kept to look into a bad run.
    pub(super) evidence: Option<Evidence>,
    pub(super) timeline: Timeline,
    pub(super) lives: Vec<Life>,
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Standing {
    /// Everything held.
    Proved,
    /// A law was broken.
    Broken,
    /// Nothing was acknowledged, so nothing could be lost.
    Unproved,
}

/// Requests without an answer.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Unknown {
    pub(super) total: u64,
    /// How many of them the ledgers have, and how many not.
    pub(super) happened: u64,
    pub(super) did_not_happen: u64,
}

/// How often clients were told such a thing.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OutcomeCount {
    pub(super) outcome: &'static str,
    #[serde(skip)]
    pub(super) words: &'static str,
    pub(super) count: u64,
}

/// How often the server was killed.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Kills {
    pub(super) total: u64,
    pub(super) at_work: u64,
    pub(super) in_start_up: u64,
}

/// Starts after a kill that came to an end.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Restarts {
    pub(super) total: u64,
    pub(super) median_us: u64,
    pub(super) slowest_us: u64,
}

/// One law, and how often it was broken.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Law {
    #[serde(rename = "law")]
    pub(super) what: &'static str,
    pub(super) fault_count: usize,
    /// The first of them.
    pub(super) faults: Vec<String>,
}

/// One event, as it is stored in the end.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sold {
    pub(super) event_id: String,
    pub(super) total_seats: u32,
    pub(super) available_seats: u32,
    pub(super) version: u64,
    pub(super) pages: u64,
    pub(super) bytes: u64,
    pub(super) operations: u64,
    pub(super) acknowledged: u64,
}

/// Where the evidence is.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Evidence {
    pub(super) data_dir: PathBuf,
    pub(super) history: PathBuf,
    pub(super) server_log: PathBuf,
}

/// Judges a run, and keeps its history where it does not stand.
pub(super) async fn conclude(
    terms: &Terms,
    place: &Place,
    began_at: Timestamp,
    mut run: Run,
) -> Result<Findings, Failure> {
    let timeline = Timeline::of(&terms.events, &run);
    let outcomes = count_outcomes(&run.operations);
    let told =
        |name| outcomes.iter().find(|told| told.outcome == name).map_or(0, |told| told.count);
    let mut changes = Acknowledged::default();
    let acknowledged = run.operations.iter().filter(|told| changes.take(told)).count() as u64;
    let histories = histories::by_event(std::mem::take(&mut run.operations));
    let judgement = judgement::judge(place.data_dir(), &terms.events, &histories).await;
    let mut tally = Tally::default();
    judgement.events.iter().for_each(|stored| tally += stored.judged.tally);
    let laws = hold(&judgement, &run.faults);
    let unknown = Unknown {
        total: told("unknown"),
        happened: tally.unknown_done,
        did_not_happen: tally.unknown_not_done,
    };
    let standing = match (laws.iter().all(|law| law.fault_count == 0), acknowledged) {
        (false, _) => Standing::Broken,
        (true, 0) => Standing::Unproved,
        (true, _) => Standing::Proved,
    };
    let evidence = match standing {
        Standing::Proved => None,
        Standing::Broken | Standing::Unproved => {
            Some(place.keep_evidence(histories.values().flatten())?)
        }
    };
    Ok(Findings {
        standing,
        program: program(),
        command: terms.command(),
        seed: terms.seed,
        began_at: date(began_at),
        began_us: run.began_us,
        took_us: run.took_us,
        clients: terms.arguments.clients,
        operations: outcomes.iter().map(|told| told.count).sum(),
        acknowledged,
        unknown,
        outcomes,
        kills: Kills::of(&run.lives),
        restarts: Restarts::of(&run.lives),
        laws,
        events: judgement.events.iter().map(Sold::of).collect(),
        machine: Machine::this(place.data_dir()),
        evidence,
        timeline,
        lives: run.lives,
    })
}

fn program() -> String {
    let build = if cfg!(debug_assertions) { "debug build" } else { "release build" };
    format!("TicketBoss {}, {build}", env!("CARGO_PKG_VERSION"))
}

fn date(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_millisecond(at.0);
    at.map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default()
}

fn count_outcomes(operations: &[Operation]) -> Vec<OutcomeCount> {
    let mut counts = BTreeMap::new();
    for operation in operations {
        *counts.entry(operation.outcome_name()).or_insert(0) += 1;
    }
    let mut counts = counts.into_iter().collect::<Vec<_>>();
    counts.sort_by_key(|(name, _)| name.words);
    let counted = counts.into_iter();
    counted
        .map(|(name, count)| OutcomeCount { outcome: name.code, words: name.words, count })
        .collect()
}

/// Every law, the program's own conduct first, and how often it was broken over all events.
fn hold(judgement: &Judgement, seen: &[Fault]) -> Vec<Law> {
    let mut laws = Vec::new();
    for law in [STARTS, RETURNS, STAYS, VERIFIES] {
        let all = seen.iter().chain(&judgement.faults);
        let faults = all.filter(|fault| fault.law == law).map(|fault| fault.what.clone());
        let faults = faults.collect::<Vec<_>>();
        laws.push(Law { what: law, fault_count: faults.len(), faults });
    }
    for Stored { judged, .. } in &judgement.events {
        for check in &judged.verdict.checks {
            let told = check.faults.iter().map(|fault| format!("{}: {fault}", judged.event));
            match laws.iter_mut().find(|law| law.what == check.law) {
                Some(law) => {
                    law.fault_count += check.fault_count;
                    law.faults.extend(told);
                }
                None => laws.push(Law {
                    what: check.law,
                    fault_count: check.fault_count,
                    faults: told.collect(),
                }),
            }
        }
    }
    for law in &mut laws {
        law.faults.truncate(FAULTS_TOLD_MAX);
    }
    laws
}

impl Kills {
    fn of(lives: &[Life]) -> Self {
        let at_work = count(lives, |end| end == End::KilledAtWork);
        let in_start_up = count(lives, |end| end == End::KilledInStartUp);
        Self { total: at_work + in_start_up, at_work, in_start_up }
    }
}

impl Restarts {
    fn of(lives: &[Life]) -> Self {
        let mut times = lives.iter().skip(1).filter_map(Life::start_us).collect::<Vec<_>>();
        times.sort_unstable();
        Self {
            total: times.len() as u64,
            median_us: times.get(times.len() / 2).copied().unwrap_or(0),
            slowest_us: times.last().copied().unwrap_or(0),
        }
    }
}

impl Sold {
    fn of(stored: &Stored) -> Self {
        Self {
            event_id: stored.judged.event.to_string(),
            total_seats: stored.seats.capacity,
            available_seats: stored.seats.available,
            version: stored.version.get(),
            pages: stored.pages,
            bytes: stored.bytes,
            operations: stored.judged.tally.operations,
            acknowledged: stored.judged.tally.acknowledged,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checker::{Check, Verdict};
    use crate::judging::Judged;
    use ticketboss_core::domain::{EventId, SeatCounts, Version};

    fn stored(event: &str, fault_count: usize) -> Stored {
        let faults = (0..fault_count.min(15)).map(|number| format!("fault {number}")).collect();
        let checks = vec![Check { law: "a law", fault_count, faults }];
        let verdict = Verdict { operations: 0, changes: 0, checks };
        let event = EventId::new(event).unwrap();
        let judged = Judged { event, verdict, tally: Tally::default() };
        let seats = SeatCounts { capacity: 1, available: 1, held: 0, confirmed: 0, blocked: 0 };
        Stored { seats, version: Version::FIRST, pages: 1, bytes: 1, judged }
    }

    #[test]
    fn a_law_is_held_over_all_events() {
        let what = "start 2: behind".to_owned();
        let seen = [Fault { law: RETURNS, what: what.clone() }];
        let events = vec![stored("a", 100), stored("b", 0), stored("c", 30)];
        let lost = Fault { law: VERIFIES, what: "lost".to_owned() };
        let laws = hold(&Judgement { events, faults: vec![lost] }, &seen);
        let counts = laws.iter().map(|law| (law.what, law.fault_count)).collect::<Vec<_>>();
        let expected = [(STARTS, 0), (RETURNS, 1), (STAYS, 0), (VERIFIES, 1), ("a law", 130)];
        assert_eq!(counts, expected);
        assert_eq!(laws[1].faults, [what]);
        let told = &laws[4].faults;
        assert_eq!(
            (told.len(), told[0].as_str(), told[15].as_str()),
            (20, "a: fault 0", "c: fault 0")
        );
    }
}
