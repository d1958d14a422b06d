//! The record of a run: each server process from its start to its end, the operations of the clients, and
//! the faults that were seen meanwhile.
//!
//! It must not know: how a run is made, or how it is shown.

use serde::Serialize;

use crate::checker::history::Operation;

/// That there is a server again.
pub(super) const STARTS: &str = "after every kill the server starts again and answers";
/// That it does not end by itself.
pub(super) const STAYS: &str = "the server ends only when it is killed or asked to";
/// What it says right after a start.
pub(super) const RETURNS: &str = "after every start each event is at least where a client saw it";

/// One server process, from its start to its end. Times are microseconds since the run began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Life {
    pub(super) began_us: u64,
    /// When it could be asked.
    pub(super) ready_us: Option<u64>,
    pub(super) ended_us: u64,
    pub(super) end: End,
    /// The version of each event when it could be asked.
    pub(super) versions: Vec<u64>,
}

/// How a server process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum End {
    /// It was killed while clients were at work.
    KilledAtWork,
    /// It was killed before anybody could ask.
    KilledInStartUp,
    /// It was asked to.
    Stopped,
    /// It was not asked to, or something was wrong with it.
    Bad,
}

/// What was seen that must not be: the law that it breaks, and in words what it was.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) law: &'static str,
    pub(super) what: String,
}

/// All that a run has left but its database.
#[derive(Debug)]
pub(super) struct RunRecord {
    /// When it began, by the clock of the operations.
    pub(super) began_us: u64,
    pub(super) took_us: u64,
    pub(super) operations: Vec<Operation>,
    pub(super) lives: Vec<Life>,
    pub(super) faults: Vec<Fault>,
}

impl Life {
    /// How long it took until it could be asked.
    pub(super) fn start_us(&self) -> Option<u64> {
        self.ready_us.map(|ready_us| ready_us.saturating_sub(self.began_us))
    }
}

/// How many lives have ended in such a way.
pub(super) fn count(lives: &[Life], is_such: impl Fn(End) -> bool) -> u64 {
    lives.iter().filter(|life| is_such(life.end)).count() as u64
}
