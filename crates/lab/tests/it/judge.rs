//! The judge is judged: each kind of lie is convicted under its law, what can be true is acquitted,
//! and two judges that know nothing of each other agree on what is drawn at random.

use ticketboss_lab::checker::wing_gong::{self, Search};
use ticketboss_lab::checker::{Scope, Verdict, judge};

use self::script::{NUMBER, Script};

mod lies;
mod mutation;
mod random;
mod script;
mod system;
mod throughput;
mod truths;

/// Whether a lie shows in the answers alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shows {
    InTheAnswers,
    InTheLedgerOnly,
}

/// Both judges' opinion of a script: it breaks exactly these laws.
#[track_caller]
fn convict(script: &str, broken: &[&str], shows: Shows) {
    let script = script::read(script);
    let verdict = verdict(&script, Scope::Whole);
    assert_eq!(verdict.broken(), broken, "\n{verdict}");
    let found = wing_gong::search(script.terms, &script.operations);
    assert_eq!(found == Search::NoWitness, shows == Shows::InTheAnswers, "{found:?}");
}

/// The opinion of the judge by versions alone, of what the other one has no model of.
#[track_caller]
fn convict_by_version(script: &str, broken: &[&str]) {
    let verdict = verdict(&script::read(script), Scope::Whole);
    assert_eq!(verdict.broken(), broken, "\n{verdict}");
}

/// Both judges' opinion of a script: it can be true.
#[track_caller]
fn acquit(script: &str) {
    let script = script::read(script);
    let verdict = verdict(&script, Scope::Whole);
    assert!(verdict.is_good(), "\n{verdict}");
    let found = wing_gong::search(script.terms, &script.operations);
    assert!(matches!(found, Search::Witness(_)), "{found:?}");
}

fn verdict(script: &Script, scope: Scope) -> Verdict {
    judge(NUMBER, &script.ledger, &script.operations, scope)
}
