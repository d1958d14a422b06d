//! The end of a run: what is stored is held against what is shown and against what clients were told.
//!
//! It must not know: how the run came about.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use super::shared::Shared;
use crate::checker::history::Operation;
use crate::checker::{Scope, judge};
use ticketboss_core::domain::{Change, EventId, Fact, Version};
use ticketboss_engine::Engine;
use ticketboss_store::ledger;
use ticketboss_store::{Listed, Store};

/// What is found at the end of a run.
#[derive(Default)]
pub(super) struct Found {
    /// What is wrong, as sentences.
    pub(super) faults: Vec<String>,
    /// How many holds have expired.
    pub(super) expired: u64,
    /// How many changes those who follow were told.
    pub(super) told: u64,
}

/// Holds what is stored against what is shown and against what clients were told. The nodes are closed before, or holds would go on
/// ending while that is looked for.
pub(super) async fn judge_all(store: Store, nodes: Vec<Engine>, shared: Shared) -> Found {
    for engine in &nodes {
        engine.close().await;
    }
    let mut by_event: BTreeMap<EventId, Vec<Operation>> =
        shared.events.iter().map(|event| (event.clone(), Vec::new())).collect();
    for operation in shared.history.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        by_event.entry(operation.event.clone()).or_default().push(operation.clone());
    }
    let listed = match store.events().await {
        Ok(listed) => listed,
        Err(error) => return Found { faults: vec![error.to_string()], ..Found::default() },
    };
    let damages = nodes.iter().flat_map(Engine::damages);
    let mut faults: Vec<_> = damages.map(|damage| damage.to_string()).collect();
    let mut expired = 0;
    for Listed { event, loaded } in listed {
        let operations = by_event.remove(&event).unwrap_or_default();
        let record = match loaded {
            Ok(loaded) => loaded.record,
            Err(damage) => {
                faults.push(damage.to_string());
                continue;
            }
        };
        let pages = store.pages(record.number, Version::FIRST, record.version);
        let changes = match ledger::changes(&event, pages).await {
            Ok(changes) => changes,
            Err(error) => {
                faults.push(error.to_string());
                continue;
            }
        };
        let has_expired = |change: &&Change| matches!(change.fact, Fact::Expired { .. });
        expired += changes.iter().filter(has_expired).count() as u64;
        // The one who wrote last shows what is stored; others learn of it when they write.
        let shown = nodes.iter().filter_map(|engine| engine.event(&event).ok()?.version().into());
        if shown.max() != Some(record.version) {
            faults.push(format!("{event} is shown at another version than it is stored at"));
        }
        for received in shared.received.iter() {
            let received = received.lock().unwrap_or_else(PoisonError::into_inner);
            faults.extend(received.held_against(&event, &changes));
        }
        let verdict = judge(record.number, &changes, &operations, Scope::Whole);
        for check in verdict.checks.iter().filter(|check| check.fault_count > 0) {
            faults.push(format!("{event}: {}: {}", check.law, check.faults.join("; ")));
        }
    }
    for (event, operations) in by_event.iter().filter(|(_, operations)| !operations.is_empty()) {
        faults.push(format!("{event} is gone, with {} operations", operations.len()));
    }
    let mut count = 0;
    for received in shared.received.iter() {
        let received = received.lock().unwrap_or_else(PoisonError::into_inner);
        faults.extend_from_slice(received.faults());
        count += received.count();
    }
    Found { faults, expired, told: count }
}
