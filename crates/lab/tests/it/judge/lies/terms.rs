//! Lies about terms that change, and about seats that are out of sale.

use ticketboss_lab::checker::{Scope, laws};

use super::script;
use crate::judge::{convict_by_version, verdict};

/// Fewer seats and more, fewer of them for one request, some out of sale and back; then what a liar says.
fn changing(told: &str) -> String {
    format!(
        "
        seats 10
        v2 a acme 4
        v3 b sells 6
        v4 c blocks 2
        v5 d limits 1
        v6 e unblocks v4
        v7 f sells 20
        a 0..9 reserve acme 4 -> reserved v2
        b 10..19 sell 6 as of 1 -> sells 6 with 2 at v3
        c 20..29 block 2 -> blocked 2 at v4
        d 30..39 limit 1 as of 3 -> sells 6 with 0 at v5
        e 40..49 unblock v4 -> unblocked v6
        f 50..59 sell 20 as of 6 -> sells 20 with 16 at v7
        {told}
        "
    )
}

#[test]
fn whatever_becomes_of_terms_can_be_true() {
    for told in [
        "",
        "z 20..29 reserve acme 3 -> only 2 at v3",
        "z 20..39 reserve acme 3 -> only 0 at v4",
        "z 20..39 reserve acme 2 -> limit",
        "z 0..99 reserve acme 5 -> limit",
        "z 40..49 reserve acme 1 -> only 0 at v5",
        "z 20..29 block 3 -> only 2 at v3",
        "z 40..49 sell 5 as of 5 -> taken 6 at v5",
        "z 50..59 sell 3 as of 5 -> taken 4 at v6",
        "z 40..49 sell 5 as of 4 -> other terms at v5",
        "z 60..69 sell 5 as of 6 -> other terms at v7",
        "z 0..39 unblock v4 -> no block",
        "z 40..49 unblock v4 -> no block",
        "z 60..69 unblock v4 -> no block",
        "z 60..69 unblock v3 -> no block",
        "z 60..69 read -> read v7 16 1",
        "z 30..39 read -> read v4 0 1",
    ] {
        convict_by_version(&changing(told), &[]);
    }
}

#[test]
fn an_answer_knows_nothing_of_the_terms_of_its_version() {
    for (law, told) in [
        // There were enough of them, or it is refused for another reason.
        (laws::REFUSED, "z 60..69 reserve acme 1 -> only 0 at v7"),
        (laws::REFUSED, "z 50..69 reserve acme 2 -> only 2 at v6"),
        (laws::REFUSED, "z 60..69 block 17 -> only 15 at v7"),
        (laws::REFUSED, "z 60..69 block 16 -> only 16 at v7"),
        // One may take as many by then, or still.
        (laws::REFUSED, "z 60..69 reserve acme 1 -> limit"),
        (laws::REFUSED, "z 20..29 reserve acme 4 -> limit"),
        (laws::READ, "z 60..69 read -> read v7 6 1"),
        (laws::TERMS, "z 60..69 sell 5 as of 7 -> other terms at v7"),
        (laws::TERMS, "z 50..59 sell 5 as of 5 -> other terms at v6"),
        (laws::TERMS, "z 60..69 sell 5 as of 7 -> other terms at v8"),
        (laws::TERMS, "z 60..69 sell 4 as of 7 -> taken 4 at v7"),
        (laws::TERMS, "z 60..69 sell 3 as of 7 -> taken 5 at v7"),
        (laws::TERMS, "z 60..69 sell 3 as of 6 -> taken 4 at v7"),
        (laws::TERMS, "z 60..69 sell 3 as of 7 -> taken 4 at v8"),
        (laws::FITTING, "z 60..69 limit 3 as of 7 -> taken 4 at v7"),
        (laws::NOT_FOUND, "z 30..39 unblock v4 -> no block"),
        (laws::STALE, "z 60..69 sell 3 as of 6 -> taken 4 at v6"),
        (laws::ACKNOWLEDGED, "z 60..69 sell 30 as of 7 -> sells 30 with 26 at v8"),
        (laws::ACKNOWLEDGED, "z 60..69 block 1 -> blocked 1 at v4"),
        (laws::ACKNOWLEDGED, "z 60..69 unblock v4 -> unblocked v6"),
        (laws::FITTING, "z 60..69 unblock v4 -> blocked 2 at v4"),
    ] {
        convict_by_version(&changing(told), &[law]);
    }
}

#[test]
fn terms_are_changed_as_nobody_asked() {
    for (from, to) in [
        ("sells 6 with 2 at v3", "sells 6 with 3 at v3"),
        ("sells 6 with 2 at v3", "sells 7 with 2 at v3"),
        ("sell 6 as of 1", "sell 7 as of 1"),
        ("limit 1 as of 3", "limit 2 as of 3"),
        ("limit 1 as of 3", "sell 6 as of 3"),
        ("blocked 2 at v4", "blocked 3 at v4"),
        ("block 2", "block 3"),
        ("unblock v4", "unblock v3"),
    ] {
        let script = changing("").replace(from, to);
        convict_by_version(&script, &[laws::ACKNOWLEDGED]);
    }
}

#[test]
fn terms_are_changed_along_with_others() {
    // Who changed the limit has brought back the seats of before.
    let script = changing("").replace("v5 d limits 1", "v5 d sells 10");
    convict_by_version(&script, &[laws::ACKNOWLEDGED]);
}

#[test]
fn terms_are_overwritten_that_were_not_looked_at() {
    let overwrite = |expected: &str| changing("").replace("limit 1 as of 3", expected);
    convict_by_version(&overwrite("limit 1 as of 4"), &[]);
    convict_by_version(&overwrite("limit 1 as of 2"), &[laws::TERMS]);
    convict_by_version(&overwrite("limit 1 as of 5"), &[laws::TERMS]);
    let untold = overwrite("limit 1 as of 2").replace("sells 6 with 0 at v5", "unknown");
    convict_by_version(&untold, &[laws::TERMS]);
}

#[test]
fn terms_are_changed_once_under_a_key() {
    let script = |told: &str| {
        format!(
            "
            seats 10
            v2 a sells 6
            v3 b blocks 2
            v4 c unblocks v3
            v5 d limits 2
            a 0..9 sell 6 as of 1 under 1 -> unknown
            b 10..19 block 2 under 1 -> blocked 2 at v3
            c 20..29 unblock v3 under 1 -> unblocked v4
            d 30..39 limit 2 as of 4 -> sells 6 with 6 at v5
            {told}
            "
        )
    };
    for told in [
        "z 40..49 sell 6 as of 1 under 1 -> again sells 6 with 6 at v2",
        // He has looked again, which makes no other thing of it.
        "z 40..49 sell 6 as of 5 under 1 -> again sells 6 with 6 at v2",
        "z 40..49 sell 7 as of 5 under 1 -> reused",
        "z 40..49 block 2 under 1 -> again blocked 2 at v3",
        "z 40..49 unblock v3 under 1 -> again unblocked v4",
        "z 40..49 unblock v3 under 2 -> no block",
    ] {
        convict_by_version(&script(told), &[]);
    }
    for (law, told) in [
        (laws::KEYS, "z 40..49 sell 6 as of 1 under 1 -> other terms at v5"),
        (laws::KEYS, "z 40..49 sell 6 as of 5 under 1 -> reused"),
        (laws::KEYS, "z 40..49 unblock v3 under 1 -> no block"),
        (laws::KEYS, "z 40..49 block 3 under 1 -> again blocked 3 at v3"),
        (laws::ACKNOWLEDGED, "z 40..49 sell 6 as of 1 under 1 -> again sells 6 with 5 at v2"),
    ] {
        convict_by_version(&script(told), &[law]);
    }
}

#[test]
fn more_is_sold_than_one_request_may_take_by_then() {
    convict_by_version(
        "
        seats 10
        v2 a limits 2
        v3 b acme 3
        a 0..9 limit 2 as of 1 -> sells 10 with 10 at v2
        b 0..9 reserve acme 3 -> reserved v3
        ",
        &[laws::LEDGER],
    );
}

#[test]
fn nothing_is_known_of_terms_behind_a_broken_change() {
    let broken = changing(
        "
        y 60..69 reserve acme 1 -> limit
        z 60..69 unblock v4 -> no block
        ",
    );
    let broken = broken.replace("v5 d limits 1", "v5 d sells 1").replace("limit 1", "sell 1");
    let broken = broken.replace("sells 6 with 0", "sells 1 with 0");
    let verdict = verdict(&script::read(&broken), Scope::Whole);
    assert_eq!(verdict.broken(), [laws::LEDGER], "\n{verdict}");
}
