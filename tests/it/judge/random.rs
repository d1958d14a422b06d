//! What is drawn at random: both judges acquit what a correct system told, and agree on what was
//! changed afterwards.
//!
//! `TICKETBOSS_JUDGE_CASES` is the number of cases of each test, `TICKETBOSS_JUDGE_SEED` makes them
//! those of an earlier run; the seed is printed. proptest then looks for the smallest case that
//! fails.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestRng, TestRunner};
use ticketboss::domain::{Change, Fact, Nonce, RequestId, ReservationId, Seats};
use ticketboss::judge::history::{Asked, Operation, Outcome};
use ticketboss::judge::wing_gong::{self, Search};
use ticketboss::judge::{Scope, judge};

use super::script::{self, NUMBER, Script};
use super::system::{plans, run};
use super::{mutation, verdict};
use crate::file_systems::setting;

const CASES: u32 = 3_000;
const CASES_VARIABLE: &str = "TICKETBOSS_JUDGE_CASES";
const SEED_VARIABLE: &str = "TICKETBOSS_JUDGE_SEED";
/// How many clients ask.
const OPERATIONS_MAX: usize = 14;
const MUTATIONS_MAX: usize = 4;

fn check<S: Strategy>(strategy: &S, test: impl Fn(S::Value) -> TestCaseResult) {
    let cases = setting(CASES_VARIABLE).map_or(CASES, |text| text.parse().unwrap());
    let seed: u64 = setting(SEED_VARIABLE)
        .map_or_else(|| RandomState::new().hash_one(0), |text| text.parse().unwrap());
    println!("{cases} cases, {SEED_VARIABLE}={seed}");
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let seed = blown_up(seed);
    let mut runner =
        TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    if let Err(error) = runner.run(strategy, test) {
        panic!("{error}");
    }
}

fn blown_up(seed: u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes
}

#[test]
fn both_judges_acquit_what_a_correct_system_told() {
    check(&plans(OPERATIONS_MAX), |(terms, plans)| {
        let script = run(terms, &plans);
        let verdict = verdict(&script, Scope::Whole);
        prop_assert!(verdict.is_good(), "{:#?}\n{verdict}", script.operations);
        let found = wing_gong::search(terms, &script.operations);
        prop_assert!(matches!(found, Search::Witness(_)), "{:#?}", script.operations);
        Ok(())
    });
}

#[test]
fn both_judges_agree_on_what_was_changed_afterwards() {
    let mutations = prop::collection::vec(mutation::of_history(), 0..=MUTATIONS_MAX);
    let losses = prop_oneof![
        2 => Just(Vec::new()),
        1 => prop::collection::vec(mutation::of_ledger(), 1),
    ];
    let tally = Tally::default();
    check(&(plans(OPERATIONS_MAX), mutations, losses), |((terms, plans), mutations, losses)| {
        let mut script = run(terms, &plans);
        for mutation in mutations.iter().chain(&losses) {
            mutation.apply(&mut script);
        }
        agree(&script, &tally)
    });
    println!("{tally:?}");
    if setting(CASES_VARIABLE).is_none() {
        let rare = CASES / 40;
        let Tally { acquitted, true_with_another_ledger, convicted } = tally;
        for count in [acquitted, true_with_another_ledger, convicted] {
            assert!(count.get() > rare, "each kind is drawn often");
        }
    }
}

/// How many cases came out how.
#[derive(Debug, Default)]
struct Tally {
    acquitted: Cell<u32>,
    true_with_another_ledger: Cell<u32>,
    convicted: Cell<u32>,
}

/// A ledger that makes the answers true is a witness, and a witness makes such a ledger.
fn agree(script: &Script, tally: &Tally) -> TestCaseResult {
    let Script { terms, operations, .. } = script;
    let by_version = verdict(script, Scope::Whole);
    let found = wing_gong::search(*terms, operations);
    let counted = match &found {
        Search::Witness(order) => {
            let ledger = ledger_of(script, order);
            let by_witness = judge(NUMBER, &ledger, operations, Scope::Whole);
            prop_assert!(
                by_witness.is_good(),
                "{operations:#?}\nin the order {order:?}\n{ledger:#?}\n{by_witness}"
            );
            if by_version.is_good() { &tally.acquitted } else { &tally.true_with_another_ledger }
        }
        Search::NoWitness => {
            prop_assert!(!by_version.is_good(), "{operations:#?}\n{:#?}", script.ledger);
            &tally.convicted
        }
        Search::TooLong | Search::GaveUp => {
            return Err(TestCaseError::fail(format!("{found:?}: {operations:#?}")));
        }
    };
    counted.set(counted.get() + 1);
    Ok(())
}

/// The ledger of a system that did the operations in this order.
fn ledger_of(script: &Script, order: &[usize]) -> Vec<Change> {
    let mut ledger = vec![script::creation(script.terms)];
    for (place, &index) in order.iter().enumerate() {
        let operation = &script.operations[index];
        let version = 1 + ledger.len() as u64;
        let fact = match (&operation.asked, &operation.outcome) {
            (
                Asked::Reserve { partner, seats },
                Outcome::Reserved { .. } | Outcome::Unknown { .. },
            ) => {
                let later = order[place..].iter().map(|&index| &script.operations[index]);
                let nonce = nonce_of(operation, version, later);
                let seats = Seats::new(*seats).unwrap();
                Fact::Reserved { partner: partner.clone(), seats, nonce }
            }
            (
                Asked::Cancel { reservation },
                Outcome::Cancelled { .. } | Outcome::Unknown { .. },
            ) => {
                let id = ReservationId::from_bits(reservation.as_u128()).unwrap();
                Fact::Cancelled { reservation: id.version }
            }
            _ => continue,
        };
        let request = RequestId(operation.request.as_u128());
        ledger.push(script::change_of(version, request, fact));
    }
    ledger
}

/// The nonce that was told, or that of the id by which it is cancelled later, or one that nobody
/// knows.
fn nonce_of<'a>(
    operation: &Operation,
    version: u64,
    mut later: impl Iterator<Item = &'a Operation>,
) -> Nonce {
    if let Outcome::Reserved { reservation, .. } = operation.outcome {
        return ReservationId::from_bits(reservation.as_u128()).unwrap().nonce;
    }
    let cancelled = later.find_map(|operation| match (&operation.asked, &operation.outcome) {
        (Asked::Cancel { reservation }, Outcome::Cancelled { .. } | Outcome::Unknown { .. }) => {
            ReservationId::from_bits(reservation.as_u128()).filter(|id| id.version.get() == version)
        }
        _ => None,
    });
    cancelled.map_or(Nonce::from_bits(u64::MAX), |id| id.nonce)
}
