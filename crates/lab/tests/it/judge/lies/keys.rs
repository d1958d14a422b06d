//! Lies to those who ask again under a key.

use ticketboss_lab::checker::{Scope, laws};

use super::script;
use crate::judge::{convict_by_version, verdict};

#[test]
fn whoever_asks_again_is_told_of_what_was_done() {
    convict_by_version(
        "
        seats 6
        v2 b acme 3
        v3 d acme 3
        v4 f gives back v2
        a 0..9 reserve acme 3 under 1 -> unknown
        b 10..19 reserve acme 3 under 1 -> unknown
        c 20..29 reserve acme 3 under 1 -> again reserved v2
        d 30..39 reserve acme 3 under 2 -> reserved v3
        e 40..49 reserve acme 2 under 1 -> reused
        f 50..59 cancel v2 under 1 -> cancelled v4
        g 60..69 reserve acme 3 under 1 -> again reserved v2
        h 60..69 cancel v2 under 1 -> again cancelled v4
        i 60..69 cancel v2 -> missing
        j 70..79 reserve globex 3 under 1 -> unknown
        k 80..89 reserve globex 4 under 3 -> only 3 at v4
        l 90..99 reserve globex 4 under 3 -> only 3 at v4
        ",
        &[],
    );
}

#[test]
fn what_was_refused_is_decided_anew() {
    convict_by_version(
        "
        seats 3
        v2 a acme 3
        v3 c gives back v2
        v4 d acme 2
        a 0..9 reserve acme 3 -> reserved v2
        b 10..19 reserve acme 2 under 1 -> only 0 at v2
        c 20..29 cancel v2 -> cancelled v3
        d 30..39 reserve acme 2 under 1 -> reserved v4
        e 30..39 reserve acme 2 under 1 -> only 0 at v2
        ",
        &[laws::STALE],
    );
}

#[test]
fn a_key_does_something_twice() {
    let script = |second: &str| {
        format!(
            "
            seats 9
            v2 a acme 3
            v3 b acme 3
            a 0..9 reserve acme 3 under 1 -> unknown
            b 10..19 reserve acme 3 under 1 -> {second}
            "
        )
    };
    convict_by_version(&script("reserved v3"), &[laws::KEYS]);
    convict_by_version(&script("unknown"), &[laws::KEYS]);
    convict_by_version(&script("again reserved v2"), &[laws::ONCE, laws::KEYS]);
}

#[test]
fn a_change_has_lost_its_key() {
    let mut script = script::read(
        "
        seats 9
        v2 a acme 3
        a 0..9 reserve acme 3 under 1 -> reserved v2
        ",
    );
    script.ledger[1].key = None;
    assert_eq!(verdict(&script, Scope::Whole).broken(), [laws::KEYS]);
}

/// A reservation under the key 1, given back, and another one; then what a liar says.
fn lie(told: &str) -> String {
    format!(
        "
        seats 6
        v2 a acme 3
        v3 b gives back v2
        v4 c globex 3
        a 0..9 reserve acme 3 under 1 -> reserved v2
        b 10..19 cancel v2 under 1 -> cancelled v3
        c 20..29 reserve globex 3 -> reserved v4
        {told}
        "
    )
}

#[test]
fn an_answer_is_told_again_that_was_none() {
    for told in [
        // Another thing than was done under the key, or nothing, or for somebody else.
        "z 30..39 reserve acme 3 under 1 -> again reserved v4",
        "z 30..39 reserve acme 2 under 1 -> again reserved v2",
        "z 30..39 reserve acme 3 under 2 -> again reserved v2",
        "z 30..39 reserve acme 3 -> again reserved v2",
        "z 30..39 reserve globex 3 under 1 -> again reserved v4",
        "z 30..39 cancel v4 under 1 -> again cancelled v3",
        // The key is as good as new, or of the very same.
        "z 30..39 reserve acme 2 under 2 -> reused",
        "z 30..39 reserve acme 3 under 1 -> reused",
        "z 30..39 cancel v4 under 1 -> reused",
    ] {
        convict_by_version(&lie(told), &[laws::KEYS]);
    }
    let unfit = lie("z 30..39 reserve acme 3 under 1 -> again cancelled v2");
    convict_by_version(&unfit, &[laws::FITTING]);
    let misread = lie("z 30..39 reserve acme 3 under 1 -> again reserved v2 seats 2");
    convict_by_version(&misread, &[laws::ACKNOWLEDGED]);
    // It is not said to be the answer of before.
    let unmarked = lie("z 30..39 reserve acme 3 under 1 -> reserved v2");
    convict_by_version(&unmarked, &[laws::ACKNOWLEDGED]);
}

#[test]
fn what_was_done_under_a_key_is_refused() {
    for told in [
        "z 30..39 reserve acme 5 under 1 -> limit",
        "z 30..39 reserve acme 4 under 1 -> only 3 at v4",
        "z 0..39 reserve acme 4 under 1 -> only 3 at v4",
        "z 30..39 cancel v2 under 1 -> missing",
        "z 30..39 hold acme 3 for 1 under 1 -> seconds",
    ] {
        convict_by_version(&lie(told), &[laws::KEYS]);
    }
}

#[test]
fn an_answer_is_told_again_before_it_was_asked_for() {
    convict_by_version(
        "
        seats 6
        v2 b acme 3
        a 0..9 reserve acme 3 under 1 -> again reserved v2
        b 10..19 reserve acme 3 under 1 -> unknown
        ",
        &[laws::FORESEEN],
    );
    convict_by_version(
        "
        seats 6
        v2 b acme 3
        a 0..9 reserve acme 2 under 1 -> reused
        b 10..19 reserve acme 3 under 1 -> reserved v2
        ",
        &[laws::FORESEEN],
    );
}

#[test]
fn who_was_told_again_knows_of_it() {
    let script = lie("
        x 0..9 reserve acme 3 under 1 -> again reserved v2
        y 10..19 read -> read v1 6 0
        ");
    convict_by_version(&script, &[laws::STALE]);
}
