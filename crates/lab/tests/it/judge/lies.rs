//! One history for each way of lying. Each is convicted, and under the law that one would look for it
//! under; the search, which has no ledger, convicts those that show in the answers.

use ticketboss_core::domain::{EventNumber, ReservationId, Timestamp};
use ticketboss_lab::checker::history::{Asked, Outcome};
use ticketboss_lab::checker::wing_gong::{self, Search};
use ticketboss_lab::checker::{FAULTS_TOLD_MAX, Scope, judge, laws};

use super::script::{self, NUMBER, Script};
use super::system::uuid;
use super::verdict;
use crate::support::event_id;

mod answers;
mod changes;
mod holds;
mod keys;
mod real_time;
mod terms;

/// Something that is true until a test makes it a lie.
fn truth() -> Script {
    script::read(
        "
        seats 10
        v2 a acme 3
        v3 b gives back v2
        a 0..9 reserve acme 3 -> reserved v2
        b 10..19 cancel v2 -> cancelled v3
        c 20..29 read -> read v3 10 0
        ",
    )
}

#[test]
fn the_ledger_is_of_another_number() {
    let script = truth();
    let verdict = judge(EventNumber(8), &script.ledger, &script.operations, Scope::Whole);
    assert_eq!(verdict.broken(), [laws::ACKNOWLEDGED], "\n{verdict}");
}

#[test]
fn a_reservation_is_cancelled_by_the_id_of_another_event() {
    let mut script = truth();
    let Outcome::Reserved { reservation, .. } = script.operations[0].outcome else { panic!() };
    let id = ReservationId::from_bits(reservation.as_u128()).unwrap();
    let other = uuid(ReservationId { event: EventNumber(8), ..id });
    script.operations[1].asked = Asked::Cancel { reservation: other };
    let verdict = verdict(&script, Scope::Whole);
    assert_eq!(verdict.broken(), [laws::ACKNOWLEDGED], "\n{verdict}");
    assert_eq!(wing_gong::search(script.terms, &script.operations), Search::NoWitness);
}

#[test]
fn the_ledger_is_of_another_event() {
    let mut script = truth();
    for operation in &mut script.operations {
        operation.event = event_id("other");
    }
    let verdict = verdict(&script, Scope::Whole);
    assert_eq!(verdict.broken(), [laws::HISTORY], "\n{verdict}");
}

#[test]
fn the_ledger_is_empty_or_begins_too_late() {
    let mut script = truth();
    script.ledger.remove(0);
    assert!(verdict(&script, Scope::Whole).broken().contains(&laws::LEDGER));
    script.ledger.clear();
    assert!(verdict(&script, Scope::Whole).broken().contains(&laws::LEDGER));
    script.operations.clear();
    assert_eq!(verdict(&script, Scope::Whole).broken(), [laws::LEDGER]);
}

#[test]
fn a_change_is_dated_before_the_one_before_it() {
    let mut script = truth();
    script.ledger[2].at = Timestamp(-1);
    let verdict = verdict(&script, Scope::Whole);
    assert_eq!(verdict.broken(), [laws::LEDGER], "\n{verdict}");
}

#[test]
fn others_may_ask_where_the_history_is_a_part() {
    let mut script = truth();
    script.operations.remove(1);
    assert_eq!(verdict(&script, Scope::Whole).broken(), [laws::ASKED]);
    let verdict = verdict(&script, Scope::Part);
    assert!(verdict.is_good(), "\n{verdict}");
    // The reservation is gone all the same, for a reason that the history does not tell.
    let later = script::read("seats 10\n d 20..29 cancel v2 -> missing");
    script.operations.extend(later.operations);
    let verdict = judge(NUMBER, &script.ledger, &script.operations, Scope::Part);
    assert!(verdict.is_good(), "\n{verdict}");
}

#[test]
fn every_fault_is_counted_and_the_first_are_told() {
    let count = 3 * FAULTS_TOLD_MAX;
    let mut script = truth();
    let read = script.operations.pop().unwrap();
    for index in 0..count {
        let mut lie = read.clone();
        lie.began_us = 0;
        lie.ended_us = 1;
        lie.client = 100 + u32::try_from(index).unwrap();
        lie.request = uuid::Uuid::from_u128(1000 + index as u128);
        script.operations.push(lie);
    }
    let verdict = verdict(&script, Scope::Whole);
    assert_eq!(verdict.broken(), [laws::FORESEEN], "\n{verdict}");
    let check = verdict.checks.iter().find(|check| check.law == laws::FORESEEN).unwrap();
    assert_eq!((check.fault_count, check.faults.len()), (count, FAULTS_TOLD_MAX));
    assert!(check.faults[0].contains("client 100"), "{}", check.faults[0]);
    assert!(verdict.to_string().contains(&format!("{}: {count} faults", laws::FORESEEN)));
}
