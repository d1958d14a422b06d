//! What was done under the keys of clients: for each key one thing, whoever asked for it how often.
//!
//! It must not know: whether an answer is true.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use uuid::Uuid;

use crate::checker::history::{Asked, KeyScope, Operation};
use crate::checker::laws;
use crate::checker::verdict::Verdict;
use ticketboss_core::domain::Change;

/// What was done under a key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Done<'a> {
    /// What was asked for when it was done.
    pub(super) asked: &'a Asked,
    /// The change that did it.
    pub(super) change: &'a Change,
}

/// What was done under each key.
pub(super) struct Keys<'a>(HashMap<(Uuid, KeyScope<'a>), Done<'a>>);

impl<'a> Keys<'a> {
    /// Finds it, given the change of each operation, and convicts where that is more than one thing, or
    /// the ledger does not have it under a key.
    pub(super) fn of(
        operations: &'a [Operation],
        done: &[Option<&'a Change>],
        verdict: &mut Verdict,
    ) -> Self {
        let mut keys = HashMap::new();
        for (operation, change) in operations.iter().zip(done) {
            let (Some(name), Some(change)) = (name(operation), change) else { continue };
            if change.key.is_none() {
                verdict.convict(laws::KEYS, || {
                    format!("version {} was asked for under a key and has none", change.version)
                });
            }
            match keys.entry(name) {
                Entry::Vacant(vacant) => {
                    vacant.insert(Done { asked: &operation.asked, change });
                }
                Entry::Occupied(first) => verdict.convict(laws::KEYS, || {
                    let (first, second) = (first.get().change.version, change.version);
                    format!("versions {first} and {second} are of one key")
                }),
            }
        }
        Self(keys)
    }

    /// What was done under the key of an operation, by itself or by another.
    pub(super) fn done_for(&self, operation: &Operation) -> Option<Done<'a>> {
        self.0.get(&name(operation)?).copied()
    }
}

fn name(operation: &Operation) -> Option<(Uuid, KeyScope<'_>)> {
    operation.key.zip(operation.asked.key_scope())
}
