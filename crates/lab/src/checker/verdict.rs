//! The verdict: every law, how often it is broken, and the first few faults as sentences.
//!
//! It must not know: how a fault is found.

use std::fmt;

use super::laws;

/// How many faults of each law are told in words; the others are counted.
pub const FAULTS_TOLD_MAX: usize = 8;

/// What the judge finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How many operations were judged.
    pub operations: usize,
    /// How many changes the ledger has.
    pub changes: usize,
    /// Every law, broken or not, always in the same order.
    pub checks: Vec<Check>,
}

/// One law, and how it is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What must hold: one of [`laws`].
    pub law: &'static str,
    /// How often it does not.
    pub fault_count: usize,
    /// The first [`FAULTS_TOLD_MAX`] of them.
    pub faults: Vec<String>,
}

impl Verdict {
    pub(super) fn new(operations: usize, changes: usize) -> Self {
        let check = |law| Check { law, fault_count: 0, faults: Vec::new() };
        Self { operations, changes, checks: laws::ALL.map(check).into() }
    }

    /// Whether all can be true.
    pub fn is_good(&self) -> bool {
        self.broken().is_empty()
    }

    /// The laws that are broken.
    pub fn broken(&self) -> Vec<&'static str> {
        self.checks.iter().filter(|check| check.fault_count > 0).map(|check| check.law).collect()
    }

    /// Notes a fault. It is put into words only if it is one of the first.
    pub(super) fn convict(&mut self, law: &'static str, fault: impl FnOnce() -> String) {
        let check = self.checks.iter_mut().find(|check| check.law == law);
        let check = check.expect("a verdict has a check for each law");
        check.fault_count += 1;
        if check.faults.len() < FAULTS_TOLD_MAX {
            check.faults.push(fault());
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} operations, {} changes", self.operations, self.changes)?;
        for Check { law, fault_count, faults } in &self.checks {
            writeln!(f, "{law}: {fault_count} faults")?;
            for fault in faults {
                writeln!(f, "    {fault}")?;
            }
        }
        Ok(())
    }
}
