//! What is drawn at random: both judges acquit what a correct system told, and agree on what was
//! changed afterwards.
//!
//! `TICKETBOSS_JUDGE_CASES` is the number of cases of each test, `TICKETBOSS_JUDGE_SEED` makes them
//! those of an earlier run; the seed is printed. proptest then looks for the smallest case that
//! fails.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestRng, TestRunner};
use ticketboss_core::domain::{
    Actor, Change, Command, Event, Intent, Nonce, RequestId, ReservationId, Timestamp, Version,
};
use ticketboss_lab::checker::history::{Asked, Operation, Outcome};
use ticketboss_lab::checker::wing_gong::{self, Search, Step, What};
use ticketboss_lab::checker::{Scope, judge};

use super::script::{self, NUMBER, Script};
use super::system::{intent_of, plans, run};
use super::{mutation, verdict};
use crate::support::setting;

const CASES: u32 = 1_500;
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
    let seen = RefCell::new(BTreeMap::<String, u32>::new());
    check(&plans(OPERATIONS_MAX), |(terms, plans)| {
        let script = run(terms, &plans);
        let facts = script.ledger.iter().map(|change| first_word(&change.fact));
        let told = script.operations.iter().map(|operation| first_word(&operation.outcome));
        for what in facts.chain(told) {
            *seen.borrow_mut().entry(what).or_default() += 1;
        }
        let verdict = verdict(&script, Scope::Whole);
        prop_assert!(verdict.is_good(), "{:#?}\n{verdict}", script.operations);
        let found = wing_gong::search(terms, &script.operations);
        prop_assert!(matches!(found, Search::Witness(_)), "{:#?}", script.operations);
        Ok(())
    });
    let seen = seen.into_inner();
    println!("{seen:?}");
    // What is rarer than these is among the histories made by hand.
    for what in ["Held", "Confirmed", "ConfirmedLate", "Extended", "Expired", "PartlyCancelled"]
        .into_iter()
        .chain(["Stands", "HoldSeconds", "NotAPart", "Unknown"])
    {
        assert!(seen.contains_key(what), "there is no {what} among {seen:?}");
    }
}

/// What kind of fact or answer it is.
fn first_word(what: &impl std::fmt::Debug) -> String {
    let text = format!("{what:?}");
    text.split([' ', '(']).next().unwrap_or_default().to_owned()
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

/// The ledger of a system that did all that in this order.
fn ledger_of(script: &Script, order: &[Step]) -> Vec<Change> {
    let mut ledger = vec![script::creation(script.terms)];
    let mut event = Event::create(NUMBER, &ledger[0]).unwrap();
    for (place, Step { what, at_ms }) in order.iter().enumerate() {
        let version = event.version().next().get();
        let command = match what {
            What::Expiry(made_by) => {
                let reservation = Version::new(*made_by).unwrap();
                Command::new(Actor::System, RequestId::NOBODY, Intent::Expire { reservation })
            }
            What::Operation(index) => {
                let operation = &script.operations[*index];
                let is_done = match operation.outcome {
                    Outcome::Unknown { .. } => true,
                    // Another version is that of who confirmed it before.
                    ref outcome => outcome.version_made() == Some(version),
                };
                let later = order[place..].iter().filter_map(|step| match step.what {
                    What::Operation(index) => Some(&script.operations[index]),
                    What::Expiry(_) => None,
                });
                let nonce = nonce_of(operation, version, later);
                let Some(intent) = intent_of(&operation.asked, nonce).filter(|_| is_done) else {
                    continue;
                };
                let request = RequestId(operation.request.as_u128());
                Command::new(Actor::Anonymous, request, intent)
            }
        };
        let change = event.decide(&command, Timestamp(*at_ms));
        let change = change.unwrap_or_else(|refusal| panic!("{command:?}: {refusal}"));
        let change = change.into_change().unwrap();
        event.apply(&change);
        ledger.push(change);
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
    if let Outcome::Reserved { reservation, .. } | Outcome::Held { reservation, .. } =
        operation.outcome
    {
        return ReservationId::from_bits(reservation.as_u128()).unwrap().nonce;
    }
    let spoken_of = later.find_map(|operation| {
        let (Asked::Cancel { reservation }
        | Asked::Confirm { reservation }
        | Asked::Extend { reservation, .. }
        | Asked::CancelPart { reservation, .. }) = operation.asked
        else {
            return None;
        };
        // Who is refused for the time that he asks for is told nothing of the reservation.
        let is_there = !matches!(
            operation.outcome,
            Outcome::ReservationNotFound | Outcome::HoldSeconds | Outcome::NotDone { .. }
        );
        let id = ReservationId::from_bits(reservation.as_u128());
        id.filter(|id| is_there && id.version.get() == version)
    });
    spoken_of.map_or(Nonce::from_bits(u64::MAX), |id| id.nonce)
}
