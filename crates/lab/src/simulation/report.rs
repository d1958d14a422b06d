//! What came of a run, and what it adds to the counts of many.
//!
//! It must not know: how a run is made.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::plan::Plan;
use crate::checker::history::Operation;
use ticketboss_store::simulated::Happened;

/// What came of a run.
#[derive(Debug)]
pub struct Run {
    /// Where its choices come from.
    pub seed: u64,
    /// What it was made of.
    pub plan: Plan,
    /// What clients asked for and were told, in the order in which they had the answers.
    pub history: Vec<Operation>,
    /// How often the processes were ended, by a power cut, a kill or a failed disk.
    pub crashes: u64,
    /// How often they were stopped in order.
    pub stops: u64,
    /// How often one node of several was killed.
    pub node_kills: u64,
    /// What the disk has been through.
    pub happened: Happened,
    /// How many steps the scheduler took.
    pub steps: u64,
    /// How many holds have expired.
    pub expired: u64,
    /// How many changes those who follow were told.
    pub told: u64,
    /// What is wrong, as sentences. There is nothing in a good run.
    pub faults: Vec<String>,
}

impl Run {
    /// How many operations ended in each way, by the way's name.
    pub fn outcomes(&self) -> BTreeMap<&'static str, u64> {
        let mut counts = BTreeMap::new();
        for operation in &self.history {
            *counts.entry(operation.outcome_name().short).or_default() += 1;
        }
        counts
    }

    /// How often each thing went wrong by intent, by its name.
    pub fn happenings(&self) -> [(&'static str, u64); 11] {
        [
            ("ends of the process", self.crashes),
            ("stops", self.stops),
            ("killed nodes", self.node_kills),
            ("power cuts inside a commit", self.happened.power_cuts),
            ("lost swaps", self.happened.lost_swaps),
            ("failed writes and syncs", self.happened.failures),
            ("rounds on a full disk", self.happened.full),
            ("writes undone", self.happened.undone),
            ("orphans removed", self.happened.orphans),
            ("holds expired", self.expired),
            ("changes told to followers", self.told),
        ]
    }

    /// A number that tells this run's history from any other: the same for the same seed.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        format!("{:?}", self.history).hash(&mut hasher);
        (self.steps, self.crashes).hash(&mut hasher);
        hasher.finish()
    }
}
