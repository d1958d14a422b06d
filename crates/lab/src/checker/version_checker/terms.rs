//! Answers about the terms of an event, and about seats that are out of sale.
//!
//! It must not know: the other answers.

use super::claim::{Claim, ClaimResult, Observation, wrong_number};
use super::stored::{At, Stored};
use crate::checker::history::{Asked, Outcome};
use crate::checker::laws;
use ticketboss_core::domain::{Change, EventTerms, Fact, Seats};

/// Whether a change is what was asked for; nothing where that is about something else.
pub(super) fn is_as_asked(stored: &Stored<'_>, asked: &Asked, change: &Change) -> Option<bool> {
    match (asked, &change.fact) {
        (Asked::Update { .. }, Fact::EventUpdated(terms)) => {
            // What is not named stays as it was.
            let before = stored.terms_at(change.version.get().saturating_sub(1));
            Some(before.is_none_or(|(_, before)| updated(before, asked).as_ref() == Some(terms)))
        }
        (Asked::Block { seats: asked }, Fact::SeatsBlocked { seats, .. }) => {
            Some(*asked == seats.get())
        }
        (Asked::Unblock { block: asked }, Fact::SeatsUnblocked { block }) => {
            Some(*asked == block.get())
        }
        _ => None,
    }
}

fn updated(before: &EventTerms, asked: &Asked) -> Option<EventTerms> {
    let Asked::Update { capacity, seats_per_request_max, .. } = asked else { return None };
    let or = |asked: &Option<u32>, before| asked.map_or(Some(before), Seats::new);
    Some(EventTerms {
        capacity: or(capacity, before.capacity)?,
        seats_per_request_max: or(seats_per_request_max, before.seats_per_request_max)?,
        ..before.clone()
    })
}

/// What was told of a change that was made, and is not true of it.
pub(super) fn misreported(
    stored: &Stored<'_>,
    outcome: &Outcome,
    change: &Change,
) -> Option<String> {
    match (outcome, &change.fact) {
        (Outcome::Updated { version, capacity, available }, Fact::EventUpdated(terms)) => {
            let told = (i128::from(*capacity), i128::from(*available));
            wrong_number("with seats", told.0, terms.capacity.get().into()).or_else(|| {
                let At::State(state) = stored.at(*version) else { return None };
                wrong_number("with available", told.1, state.available.into())
            })
        }
        (Outcome::Blocked { seats: told, .. }, Fact::SeatsBlocked { seats, .. }) => {
            wrong_number("with seats", (*told).into(), seats.get().into())
        }
        _ => None,
    }
}

/// Whether who made a version has changed terms that he had not looked at.
pub(super) fn overwritten(stored: &Stored<'_>, asked: &Asked, version: u64) -> Option<String> {
    let Asked::Update { expected, .. } = *asked else { return None };
    let before = version.saturating_sub(1);
    let (terms_of, _) = stored.terms_at(before)?;
    (!(terms_of..=before).contains(&expected)).then(|| {
        format!(
            "version {version} overwrites the terms of {terms_of}, seen were those at {expected}"
        )
    })
}

/// An answer by which nothing was done; nothing where it is of another kind.
pub(super) fn refused(
    stored: &Stored<'_>,
    asked: &Asked,
    outcome: &Outcome,
) -> Option<ClaimResult> {
    match (asked, outcome) {
        (Asked::Update { expected, .. }, Outcome::OtherTerms { version }) => {
            Some(other_terms(stored, *expected, *version))
        }
        (
            Asked::Update { capacity: Some(asked), expected, .. },
            Outcome::CapacityTaken { taken, version },
        ) => Some(capacity_taken(stored, (*asked, *expected), *taken, *version)),
        (Asked::Unblock { block }, Outcome::BlockNotFound) => {
            Some(Ok(Claim::Observed(Observation::NoBlock(*block))))
        }
        _ => None,
    }
}

fn other_terms(stored: &Stored<'_>, expected: u64, version: u64) -> ClaimResult {
    let wrong = |fault| Err((laws::TERMS, fault));
    match (stored.at(version), stored.terms_at(version)) {
        (At::Missing, _) => wrong(format!("there never was a version {version}")),
        (At::BeyondReplay, _) => Ok(Claim::Nothing),
        (At::State(_), Some((terms_of, _))) if (terms_of..=version).contains(&expected) => {
            wrong(format!("at version {version} the terms were of {terms_of}, as at {expected}"))
        }
        (At::State(_), _) => Ok(Claim::Shown(version)),
    }
}

fn capacity_taken(
    stored: &Stored<'_>,
    (asked, expected): (u32, u64),
    told: u32,
    version: u64,
) -> ClaimResult {
    let wrong = |fault| Err((laws::TERMS, fault));
    let (At::State(state), Some((terms_of, terms))) =
        (stored.at(version), stored.terms_at(version))
    else {
        return match stored.at(version) {
            At::Missing => wrong(format!("there never was a version {version}")),
            At::State(_) | At::BeyondReplay => Ok(Claim::Nothing),
        };
    };
    let taken = terms.capacity.get().saturating_sub(state.available);
    if taken != told {
        return wrong(format!("told as taken {told} at version {version}, it were {taken}"));
    }
    if asked >= taken {
        return wrong(format!("{asked} seats refused at version {version} with {taken} taken"));
    }
    if !(terms_of..=version).contains(&expected) {
        return wrong(format!("terms of {expected} are refused for another reason at {version}"));
    }
    Ok(Claim::Shown(version))
}
