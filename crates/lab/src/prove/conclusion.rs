//! Judges a run and draws up what it came to.
//!
//! It must not know: how that is shown.

use std::collections::BTreeMap;

use super::findings::{Findings, Kills, Law, OutcomeCount, Restarts, Sold, Standing, Unknown};
use super::judgement::{self, Judgement, StoredEvent, VERIFIES};
use super::machine::Machine;
use super::place::Place;
use super::record::{Fault, RETURNS, RunRecord, STARTS, STAYS};
use super::settings::RunSettings;
use super::timeline::Timeline;
use crate::checker::history::{Acknowledged, Operation};
use crate::histories;
use crate::judging::Tally;
use ticketboss_core::domain::Timestamp;
use ticketboss_runtime::terminal::Failure;

/// How many faults of each law are told in words; the others are counted.
const FAULTS_TOLD_MAX: usize = 20;

/// Judges a run, and keeps its history where it does not stand.
pub(super) async fn conclude(
    settings: &RunSettings,
    place: &Place,
    began_at: Timestamp,
    mut record: RunRecord,
) -> Result<Findings, Failure> {
    let timeline = Timeline::of(&settings.events, &record);
    let outcomes = count_outcomes(&record.operations);
    let told =
        |name| outcomes.iter().find(|told| told.outcome == name).map_or(0, |told| told.count);
    let mut changes = Acknowledged::default();
    let acknowledged = record.operations.iter().filter(|told| changes.take(told)).count() as u64;
    let histories = histories::by_event(std::mem::take(&mut record.operations));
    let judgement = judgement::judge(place.data_dir(), &settings.events, &histories).await;
    let mut tally = Tally::default();
    judgement.events.iter().for_each(|stored| tally += stored.judged.tally);
    let laws = hold(&judgement, &record.faults);
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
        command: settings.command(),
        seed: settings.seed,
        began_at: date(began_at),
        began_us: record.began_us,
        took_us: record.took_us,
        clients: settings.arguments.clients,
        operations: outcomes.iter().map(|told| told.count).sum(),
        acknowledged,
        unknown,
        outcomes,
        kills: Kills::of(&record.lives),
        restarts: Restarts::of(&record.lives),
        laws,
        events: judgement.events.iter().map(sold).collect(),
        machine: Machine::this(place.data_dir()),
        evidence,
        timeline,
        lives: record.lives,
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
    for StoredEvent { judged, .. } in &judgement.events {
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

fn sold(stored: &StoredEvent) -> Sold {
    Sold {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checker::{Check, Verdict};
    use crate::judging::Judged;
    use ticketboss_core::domain::{EventId, SeatCounts, Version};

    fn stored(event: &str, fault_count: usize) -> StoredEvent {
        let faults = (0..fault_count.min(15)).map(|number| format!("fault {number}")).collect();
        let checks = vec![Check { law: "a law", fault_count, faults }];
        let verdict = Verdict { operations: 0, changes: 0, checks };
        let event = EventId::new(event).unwrap();
        let judged = Judged { event, verdict, tally: Tally::default() };
        let seats = SeatCounts { capacity: 1, available: 1, held: 0, confirmed: 0, blocked: 0 };
        StoredEvent { seats, version: Version::FIRST, pages: 1, bytes: 1, judged }
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
