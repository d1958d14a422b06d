//! Judges a history by the versions that its answers tell, in O(n log n).
//!
//! In general it is NP-complete to say whether a history is linearizable. Here every answer names the
//! version that it is of, and the ledger says what each version did, so the order is given and only
//! has to be checked: that every answer is true of its version ([`answers`]), and that no answer
//! contradicts real time ([`real_time`]). The operations that were never answered are found in the
//! ledger by their request's id, or did not happen. What was asked for again under a key ([`keys`]) is
//! told once more, and made nothing.
//!
//! It must not know: the other checker, HTTP, or stores.

use std::collections::HashMap;

use uuid::Uuid;

use self::keys::Keys;
use self::stored::Stored;
use super::history::Operation;
use super::laws;
use super::verdict::Verdict;
use ticketboss_core::domain::{Change, EventNumber, Fact};

mod answers;
mod claim;
mod keys;
mod real_time;
mod stored;
mod terms;

/// Who may have asked for the changes of a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Every change but the creation was asked for by an operation of this history.
    Whole,
    /// Others may have asked, too.
    Part,
}

/// Says whether everything that clients were told can be true of the event `number`, of which
/// `ledger` is all that is stored.
pub fn judge(
    number: EventNumber,
    ledger: &[Change],
    operations: &[Operation],
    scope: Scope,
) -> Verdict {
    let mut verdict = Verdict::new(operations.len(), ledger.len());
    let mut stored = Stored::replay(number, ledger, &mut verdict);
    let done = attribute(&mut stored, operations, scope, &mut verdict);
    let keys = Keys::of(operations, &done, &mut verdict);
    let mut claims = Vec::with_capacity(operations.len());
    for (operation, done) in operations.iter().zip(done) {
        let before = keys.done_for(operation);
        claims.push(answers::judge(&stored, operation, done, before, &mut verdict));
    }
    real_time::judge(&stored, operations, claims, &keys, &mut verdict);
    verdict
}

/// Finds the operation that asked for each change. Gives back the change of each operation, tells
/// `stored` when each change was asked for, and convicts what belongs together in no good way.
fn attribute<'a>(
    stored: &mut Stored<'a>,
    operations: &[Operation],
    scope: Scope,
    verdict: &mut Verdict,
) -> Vec<Option<&'a Change>> {
    let mut by_request = HashMap::with_capacity(operations.len());
    for (index, operation) in operations.iter().enumerate() {
        if by_request.insert(operation.request, index).is_some() {
            verdict.convict(laws::HISTORY, || format!("request {} twice", operation.request));
        }
    }
    let mut done: Vec<Option<&Change>> = vec![None; operations.len()];
    let mut asked_us = Vec::with_capacity(stored.ledger.len());
    for change in stored.ledger {
        let index = by_request.get(&Uuid::from_u128(change.request.0)).copied();
        let asked = index.and_then(|index| operations.get(index));
        asked_us.push(asked.map_or(0, |operation| operation.began_us));
        match index.and_then(|index| done.get_mut(index)) {
            Some(slot) => {
                if let Some(first) = slot.replace(change) {
                    verdict.convict(laws::ONCE, || {
                        let (first, second) = (first.version, change.version);
                        format!("versions {first} and {second} are of one request")
                    });
                }
            }
            None if scope == Scope::Part => {}
            None if matches!(change.fact, Fact::EventCreated(_) | Fact::Expired { .. }) => {}
            None => verdict.convict(laws::ASKED, || {
                format!("nobody asked for the change at version {}", change.version)
            }),
        }
    }
    stored.set_asked_us(asked_us);
    done
}
