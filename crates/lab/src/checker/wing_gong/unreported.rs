//! The reservations that were made by requests without an answer, as far as their ids are known.
//!
//! It must not know: the model, or the search.

use std::collections::HashSet;

use super::terms::Terms;
use crate::checker::history::{Asked, Operation, Outcome};
use ticketboss_core::domain::ReservationId;

/// The reservations that somebody speaks of and that no answer accounts for.
pub(super) struct UnreportedIds {
    pub(super) ids: Vec<ReservationId>,
}

impl UnreportedIds {
    pub(super) fn of(terms: Terms, operations: &[Operation]) -> Self {
        let told = |operation: &Operation| match operation.outcome {
            Outcome::Reserved { reservation, .. } | Outcome::Held { reservation, .. } => {
                Some(reservation)
            }
            _ => None,
        };
        let told = operations.iter().filter_map(told).collect::<HashSet<_>>();
        let spoken_of = |operation: &Operation| match (&operation.asked, &operation.outcome) {
            (_, Outcome::ReservationNotFound | Outcome::NotDone { .. }) => None,
            (
                Asked::Cancel { reservation }
                | Asked::Confirm { reservation }
                | Asked::Extend { reservation, .. }
                | Asked::CancelPart { reservation, .. },
                _,
            ) => Some(*reservation).filter(|id| !told.contains(id)),
            _ => None,
        };
        let mut ids = operations.iter().filter_map(spoken_of).collect::<Vec<_>>();
        ids.sort_unstable();
        ids.dedup();
        let ids = ids.into_iter().filter_map(|id| ReservationId::from_bits(id.as_u128()));
        Self { ids: ids.filter(|id| id.event == terms.number).collect() }
    }
}
