//! The verdict where the ledger cannot be read: can all these answers be true of one event?
//!
//! Every accepted change tells its version, so the answers put themselves in order. Walking them in
//! that order gives the event in numbers at each version, without asking the server; then each
//! refusal and each read is held against the version that it says it rests on. The judge, who has the
//! ledger, sees more.
//!
//! It must not know: the ledger.

use std::collections::{BTreeMap, HashMap, HashSet};

use uuid::Uuid;

use crate::checker::history::{Asked, Operation, Outcome};
use crate::checker::{Check, FAULTS_TOLD_MAX, Verdict, laws};
use crate::client::Summary;

/// What was true of an event before the run and after it, by the server's own summary.
pub(super) struct Books {
    before: Summary,
    after: Summary,
}

/// What changed at one version.
struct Change {
    version: u64,
    seats: i64,
    reservations: i64,
}

/// The event in numbers at one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    available: i64,
    reservations: i64,
}

type States = BTreeMap<u64, State>;

impl Books {
    pub(super) fn new(before: Summary, after: Summary) -> Self {
        Self { before, after }
    }

    pub(super) fn judge(&self, operations: &[Operation]) -> Verdict {
        let mut changes = changes(operations);
        changes.sort_by_key(|change| change.version);
        let states = self.states(&changes);
        let checks = vec![
            check(laws::FITTING, strange(operations)),
            check("versions are distinct and without a gap", self.version_faults(&changes)),
            check(
                "never more seats taken than there are, or given back than taken",
                self.oversold(&states),
            ),
            check(laws::READ, misread(operations, &states)),
            check(laws::REFUSED, refused_wrongly(operations, &states)),
            check(laws::NOT_FOUND, missed_wrongly(operations)),
            check("the summary is what the answers add up to", self.summary_faults(&changes)),
        ];
        Verdict { operations: operations.len(), changes: changes.len(), checks }
    }

    fn states(&self, changes: &[Change]) -> States {
        let mut state = State {
            available: self.before.available_seats.into(),
            reservations: self.before.reservation_count.cast_signed(),
        };
        let mut states = States::from([(self.before.version, state)]);
        for change in changes {
            state.available -= change.seats;
            state.reservations += change.reservations;
            states.insert(change.version, state);
        }
        states
    }

    fn version_faults(&self, changes: &[Change]) -> Vec<String> {
        let mut faults = Vec::new();
        let mut last = self.before.version;
        for change in changes {
            if change.version != last + 1 {
                faults.push(format!("version {} follows version {last}", change.version));
            }
            last = change.version;
        }
        if last != self.after.version {
            faults
                .push(format!("the last answer is of {last}, the event at {}", self.after.version));
        }
        faults
    }

    fn oversold(&self, states: &States) -> Vec<String> {
        let possible = 0..=i64::from(self.before.total_seats);
        let impossible = states.iter().filter(|(_, state)| !possible.contains(&state.available));
        impossible
            .map(|(version, state)| format!("{} available at {version}", state.available))
            .collect()
    }

    fn summary_faults(&self, changes: &[Change]) -> Vec<String> {
        let seats: i64 = changes.iter().map(|change| change.seats).sum();
        let reservations: i64 = changes.iter().map(|change| change.reservations).sum();
        let taken = i64::from(self.before.available_seats) - i64::from(self.after.available_seats);
        let made = self.after.reservation_count.cast_signed()
            - self.before.reservation_count.cast_signed();
        let mut faults = Vec::new();
        if seats != taken {
            faults.push(format!("{seats} seats by the answers, {taken} by the summary"));
        }
        if reservations != made {
            faults
                .push(format!("{reservations} reservations by the answers, {made} by the summary"));
        }
        faults
    }
}

fn check(law: &'static str, mut faults: Vec<String>) -> Check {
    let fault_count = faults.len();
    faults.truncate(FAULTS_TOLD_MAX);
    Check { law, fault_count, faults }
}

fn changes(operations: &[Operation]) -> Vec<Change> {
    let seats_of = seats_by_reservation(operations);
    let change = |operation: &Operation| match (&operation.asked, &operation.outcome) {
        (_, Outcome::Reserved { seats, version, .. }) => {
            Some(Change { version: *version, seats: i64::from(*seats), reservations: 1 })
        }
        (Asked::Cancel { reservation }, Outcome::Cancelled { version }) => {
            // What was never reserved gives no seats back; then the summary tells more than this.
            let seats = seats_of.get(reservation).copied().unwrap_or(0);
            Some(Change { version: *version, seats: -i64::from(seats), reservations: -1 })
        }
        _ => None,
    };
    operations.iter().filter_map(change).collect()
}

fn seats_by_reservation(operations: &[Operation]) -> HashMap<Uuid, u32> {
    let reserved = |operation: &Operation| match operation.outcome {
        Outcome::Reserved { reservation, seats, .. } => Some((reservation, seats)),
        _ => None,
    };
    operations.iter().filter_map(reserved).collect()
}

/// Answers that the request does not deserve, or none at all.
fn strange(operations: &[Operation]) -> Vec<String> {
    let strange = |operation: &Operation| match (&operation.asked, &operation.outcome) {
        (_, Outcome::Unknown { what }) => Some(format!("no answer: {what}")),
        (_, Outcome::NotDone { .. })
        | (
            Asked::Reserve { .. },
            Outcome::Reserved { .. } | Outcome::NotEnoughSeats { .. } | Outcome::SeatsPerRequest,
        )
        | (Asked::Cancel { .. }, Outcome::Cancelled { .. } | Outcome::ReservationNotFound)
        | (Asked::Read, Outcome::Read { .. }) => None,
        (_, Outcome::Unexpected { what }) => Some(what.clone()),
        (asked, outcome) => Some(format!("{asked:?} was answered {outcome:?}")),
    };
    operations.iter().filter_map(strange).collect()
}

fn misread(operations: &[Operation], states: &States) -> Vec<String> {
    let wrong = |operation: &Operation| {
        let Outcome::Read { version, available, reservations } = operation.outcome else {
            return None;
        };
        let told = State { available: available.into(), reservations: reservations.cast_signed() };
        let by_answers = states.get(&version);
        (by_answers != Some(&told))
            .then(|| format!("{told:?} at {version} was told, {by_answers:?} by the answers"))
    };
    operations.iter().filter_map(wrong).collect()
}

fn refused_wrongly(operations: &[Operation], states: &States) -> Vec<String> {
    let most_taken = seats_by_reservation(operations).into_values().max().unwrap_or(0).max(1);
    let wrong = |operation: &Operation| {
        let Asked::Reserve { seats: asked, .. } = operation.asked else { return None };
        match operation.outcome {
            Outcome::SeatsPerRequest => (1..=most_taken).contains(&asked).then(|| {
                format!("{asked} seats are too many or too few, and {most_taken} are not")
            }),
            Outcome::NotEnoughSeats { available, version } => {
                let by_answers = states.get(&version).map(|state| state.available);
                if by_answers != Some(available.into()) {
                    return Some(format!(
                        "{available} seats available at {version} were told, {by_answers:?} by the \
                         answers"
                    ));
                }
                (asked <= available)
                    .then(|| format!("{asked} seats refused with {available} at {version}"))
            }
            _ => None,
        }
    };
    operations.iter().filter_map(wrong).collect()
}

/// A reservation can only be missing if somebody cancels it.
fn missed_wrongly(operations: &[Operation]) -> Vec<String> {
    let cancelled = |operation: &Operation| match (&operation.asked, &operation.outcome) {
        (Asked::Cancel { reservation }, Outcome::Cancelled { .. } | Outcome::Unknown { .. }) => {
            Some(*reservation)
        }
        _ => None,
    };
    let cancelled = operations.iter().filter_map(cancelled).collect::<HashSet<_>>();
    let wrong = |operation: &Operation| match (&operation.asked, &operation.outcome) {
        (Asked::Cancel { reservation }, Outcome::ReservationNotFound)
            if !cancelled.contains(reservation) =>
        {
            Some(format!("{reservation} is missing, and nobody has cancelled it"))
        }
        _ => None,
    };
    operations.iter().filter_map(wrong).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checker::history::Telling;
    use ticketboss_core::domain::{EventId, PartnerId};

    fn summary(available_seats: u32, reservation_count: u64, version: u64) -> Summary {
        let event_id = "e".to_owned();
        Summary { event_id, total_seats: 10, available_seats, reservation_count, version }
    }

    fn operation(asked: Asked, outcome: Outcome) -> Operation {
        let event = EventId::new("e").unwrap();
        let request = Uuid::nil();
        Operation {
            client: 0,
            request,
            key: None,
            event,
            asked,
            began_us: 0,
            ended_us: 1,
            outcome,
            telling: Telling::First,
        }
    }

    fn asked(seats: u32, outcome: Outcome) -> Operation {
        let partner = PartnerId::new("p").unwrap();
        operation(Asked::Reserve { partner, seats }, outcome)
    }

    fn reserved(seats: u32, version: u64) -> Operation {
        let reservation = Uuid::from_u128(version.into());
        asked(seats, Outcome::Reserved { reservation, seats, version })
    }

    fn cancel(made_by: u64, outcome: Outcome) -> Operation {
        operation(Asked::Cancel { reservation: Uuid::from_u128(made_by.into()) }, outcome)
    }

    fn cancelled(made_by: u64, version: u64) -> Operation {
        cancel(made_by, Outcome::Cancelled { version })
    }

    fn refused(seats: u32, available: u32, version: u64) -> Operation {
        asked(seats, Outcome::NotEnoughSeats { available, version })
    }

    fn read(available: u32, reservations: u64, version: u64) -> Operation {
        operation(Asked::Read, Outcome::Read { version, available, reservations })
    }

    /// The laws that are found broken, by their last words.
    fn broken(after: Summary, operations: &[Operation]) -> Vec<&'static str> {
        let verdict = Books::new(summary(10, 0, 1), after).judge(operations);
        let broken = verdict.checks.iter().filter(|check| check.fault_count > 0);
        broken.map(|check| check.law.rsplit(' ').next().unwrap_or("")).collect()
    }

    #[test]
    fn true_answers_are_found_true_in_any_order() {
        let operations = [
            cancelled(2, 4),
            refused(4, 3, 3),
            reserved(3, 3),
            reserved(4, 2),
            cancel(2, Outcome::ReservationNotFound),
            read(3, 2, 3),
            asked(0, Outcome::SeatsPerRequest),
            asked(1, Outcome::NotDone { what: String::new() }),
        ];
        assert!(broken(summary(7, 1, 4), &operations).is_empty());
    }

    #[test]
    fn each_lie_is_found() {
        let twice = [reserved(4, 2), reserved(3, 2)];
        assert_eq!(broken(summary(3, 2, 2), &twice), ["gap"]);
        let gap = [reserved(4, 2), reserved(3, 4)];
        assert_eq!(broken(summary(3, 2, 4), &gap), ["gap"]);
        let oversold = [reserved(8, 2), reserved(8, 3)];
        assert!(broken(summary(0, 2, 3), &oversold).contains(&"taken"));
        let minted = [reserved(4, 2), cancelled(2, 3), cancelled(2, 4)];
        assert!(broken(summary(10, 0, 4), &minted).contains(&"taken"));
        let enough = [reserved(4, 2), refused(5, 6, 2)];
        assert_eq!(broken(summary(6, 1, 2), &enough), ["them"]);
        let made_up = [reserved(4, 2), refused(5, 3, 2)];
        assert_eq!(broken(summary(6, 1, 2), &made_up), ["them"]);
        let few = [reserved(4, 2), asked(3, Outcome::SeatsPerRequest)];
        assert_eq!(broken(summary(6, 1, 2), &few), ["them"]);
        let lost = [reserved(4, 2)];
        assert_eq!(broken(summary(10, 0, 2), &lost), ["to"]);
        let missing = [reserved(4, 2), cancel(2, Outcome::ReservationNotFound)];
        assert_eq!(broken(summary(6, 1, 2), &missing), ["there"]);
        let misread = [reserved(4, 2), read(10, 1, 2)];
        assert_eq!(broken(summary(6, 1, 2), &misread), ["version"]);
        let failed = [asked(1, Outcome::Unexpected { what: "500: ".to_owned() })];
        assert_eq!(broken(summary(10, 0, 1), &failed), ["deserves"]);
        let unfit = [operation(Asked::Read, Outcome::ReservationNotFound)];
        assert_eq!(broken(summary(10, 0, 1), &unfit), ["deserves"]);
    }
}
