//! What a run came to, in the form in which it is told: `report.json` is this, and the page and the
//! terminal are drawn from it.
//!
//! It must not know: how a run is judged.

use std::path::PathBuf;

use serde::Serialize;

use super::machine::Machine;
use super::record::{End, Life, count};
use super::timeline::Timeline;

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

impl Kills {
    pub(super) fn of(lives: &[Life]) -> Self {
        let at_work = count(lives, |end| end == End::KilledAtWork);
        let in_start_up = count(lives, |end| end == End::KilledInStartUp);
        Self { total: at_work + in_start_up, at_work, in_start_up }
    }
}

impl Restarts {
    pub(super) fn of(lives: &[Life]) -> Self {
        let mut times = lives.iter().skip(1).filter_map(Life::start_us).collect::<Vec<_>>();
        times.sort_unstable();
        Self {
            total: times.len() as u64,
            median_us: times.get(times.len() / 2).copied().unwrap_or(0),
            slowest_us: times.last().copied().unwrap_or(0),
        }
    }
}
