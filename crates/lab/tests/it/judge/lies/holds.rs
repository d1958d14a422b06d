//! Lies about what is held. Where the end of a hold would make an answer true, the search has to believe
//! it: that a hold has ended is told to nobody.

use ticketboss_core::domain::Timestamp;
use ticketboss_lab::checker::wing_gong::{self, Search};
use ticketboss_lab::checker::{Scope, laws};

use super::script;
use crate::judge::Shows::{InTheAnswers, InTheLedgerOnly};
use crate::judge::{acquit, convict, verdict};

#[test]
fn whatever_becomes_of_holds_can_be_true() {
    acquit(
        "
        seats 6
        v2 a acme 3 for 10
        v3 b confirms v2
        v4 c acme 3 for 10
        v5 d extends v4 by 20
        v6 e gives back 1 of v2
        v7 ends v4
        v8 f confirms v4 late
        v9 g acme 1 for 10
        v10 ends v9
        v11 h globex 1
        a 0..9 hold acme 3 for 10 -> held v2 until 10
        b 10..19 confirm v2 -> confirmed v3
        c 20..29 hold acme 3 for 10 -> held v4 until 10
        d 30..39 extend v4 by 20 -> extended v5 until 20
        i 30..39 extend v4 by 10 -> longest
        j 30..39 cancel 1 of v4 -> is held
        e 40..49 cancel 1 of v2 -> 2 left at v6
        k 50..59 cancel 2 of v2 -> has 2
        l 50..59 extend v2 by 10 -> is confirmed
        m 50..59 extend v4 by 10 -> is expired
        f 60..69 confirm v4 -> confirmed v8
        n 70..79 confirm v4 -> is confirmed
        o 70..79 hold acme 1 for 9 -> seconds
        g 80..89 hold acme 1 for 10 -> held v9 until 30
        h 90..99 reserve globex 1 -> reserved v11
        p 100..109 confirm v9 -> expired with 0 at v11
        ",
    );
}

#[test]
fn a_hold_that_was_not_answered_ends_and_is_confirmed_by_who_saw_it() {
    acquit(
        "
        seats 6
        v2 a acme 3 for 10
        v3 b globex 3 for 10
        v4 ends v2
        v5 ends v3
        v6 d confirms v2 late
        a 0..9 hold acme 3 for 10 -> unknown
        b 0..9 hold globex 3 for 10 -> unknown
        c 0..9 reserve acme 1 -> only 0 at v3
        d 20..29 confirm v2 -> confirmed v6
        e 10..29 read -> read v4 3 1
        f 30..39 read -> read v6 3 1
        ",
    );
}

#[test]
fn who_confirms_what_is_confirmed_is_answered_like_the_first_time() {
    let script = |told: &str| {
        format!(
            "
            seats 6
            v2 a acme 3 for 10
            v3 b confirms v2
            v4 c gives back 1 of v2
            a 0..9 hold acme 3 for 10 -> held v2 until 10
            b 10..19 confirm v2 -> confirmed v3
            c 20..29 cancel 1 of v2 -> 2 left at v4
            {told}
            "
        )
    };
    acquit(&script("d 10..19 confirm v2 -> confirmed v3"));
    acquit(&script("d 20..29 confirm v2 -> confirmed v3"));
    acquit(&script("d 20..39 confirm v2 -> confirmed v4"));
    // It was only held.
    let held = script("d 10..19 confirm v2 -> confirmed v2");
    convict(&held, &[laws::ACKNOWLEDGED], InTheAnswers);
    // That is long ago, or still to come; by the answers alone, the first may have been the second.
    let long_ago = script("d 30..39 confirm v2 -> confirmed v3");
    convict(&long_ago, &[laws::STANDS], InTheAnswers);
    let to_come = script("d 0..9 confirm v2 -> confirmed v3");
    convict(&to_come, &[laws::STANDS], InTheLedgerOnly);
    let other = script("d 30..39 confirm v3 -> confirmed v4");
    convict(&other, &[laws::ACKNOWLEDGED], InTheAnswers);
}

#[test]
fn a_hold_is_told_with_another_end() {
    // It can have been made a second later, but not a second before the beginning.
    for (asked, told, shows) in [(10, 11, InTheLedgerOnly), (11, 10, InTheAnswers)] {
        let script = format!(
            "
            seats 6
            v2 a acme 3 for 10
            a 0..9 hold acme 3 for {asked} -> held v2 until {told}
            "
        );
        convict(&script, &[laws::ACKNOWLEDGED], shows);
    }
}

#[test]
fn the_ends_of_two_holds_contradict_the_order_in_which_they_were_made() {
    let mut script = script::read(
        "
        seats 6
        v2 a acme 3 for 10
        v3 b acme 3 for 10
        a 0..9 hold acme 3 for 10 -> held v2 until 12
        b 0..9 hold acme 3 for 10 -> held v3 until 11
        ",
    );
    let found = wing_gong::search(script.terms, &script.operations);
    assert_eq!(found, Search::NoWitness);
    script.operations.pop();
    let found = wing_gong::search(script.terms, &script.operations);
    assert!(matches!(found, Search::Witness(_)), "{found:?}");
}

#[test]
fn a_hold_is_extended_to_another_end() {
    let script = |told: &str| {
        format!(
            "
            seats 6
            v2 a acme 3 for 10
            v3 b extends v2 by 15
            a 0..9 hold acme 3 for 10 -> held v2 until 10
            b 10..19 extend v2 by 15 -> extended v3 until {told}
            "
        )
    };
    acquit(&script("15"));
    convict(&script("14"), &[laws::ACKNOWLEDGED], InTheAnswers);
    convict(&script("16"), &[laws::ACKNOWLEDGED], InTheLedgerOnly);
    let shorter = script("14").replace("extends v2 by 15", "extends v2 by 14");
    convict(&shorter, &[laws::ACKNOWLEDGED], InTheAnswers);
}

#[test]
fn a_hold_ends_before_its_time() {
    let mut script = script::read(
        "
        seats 6
        v2 a acme 3 for 10
        v3 ends v2
        a 0..9 hold acme 3 for 10 -> held v2 until 10
        ",
    );
    assert!(verdict(&script, Scope::Whole).is_good());
    script.ledger[2].at = Timestamp(9_999);
    assert_eq!(verdict(&script, Scope::Whole).broken(), [laws::LEDGER]);
}

#[test]
fn a_hold_ends_twice() {
    convict(
        "
        seats 6
        v2 a acme 3 for 10
        v3 ends v2
        v4 ends v2
        a 0..9 hold acme 3 for 10 -> held v2 until 10
        b 0..9 read -> read v3 6 0
        c 0..9 read -> read v4 6 0
        ",
        &[laws::LEDGER],
        InTheAnswers,
    );
}

#[test]
fn the_seats_of_a_hold_are_sold_while_it_lasts() {
    convict(
        "
        seats 6
        v2 a acme 3 for 10
        v3 b acme 4
        a 0..9 hold acme 3 for 10 -> held v2 until 10
        b 10..19 reserve acme 4 -> reserved v3
        ",
        &[laws::LEDGER],
        InTheAnswers,
    );
}

#[test]
fn a_late_confirmation_takes_seats_that_are_gone() {
    convict(
        "
        seats 6
        v2 a acme 3 for 10
        v3 ends v2
        v4 b acme 4
        v5 c confirms v2 late
        a 0..9 hold acme 3 for 10 -> held v2 until 10
        b 10..19 reserve acme 4 -> reserved v4
        c 20..29 confirm v2 -> confirmed v5
        ",
        &[laws::LEDGER],
        InTheAnswers,
    );
}

#[test]
fn a_late_confirmation_is_refused_though_the_seats_were_there() {
    convict(
        "
        seats 6
        v2 a acme 3 for 10
        v3 ends v2
        v4 b acme 3
        a 0..9 hold acme 3 for 10 -> held v2 until 10
        b 10..19 reserve acme 3 -> reserved v4
        c 20..29 confirm v2 -> expired with 3 at v4
        ",
        &[laws::STANDS],
        InTheAnswers,
    );
}

#[test]
fn a_reservation_is_said_to_stand_as_it_never_stood() {
    for (lie, shows) in [
        ("extend v2 by 10 -> is confirmed", InTheAnswers),
        ("extend v2 by 10 -> is expired", InTheLedgerOnly),
        ("confirm v2 -> is cancelled", InTheAnswers),
        ("cancel 1 of v2 -> is expired", InTheLedgerOnly),
        ("cancel 3 of v2 -> has 3", InTheAnswers),
        ("confirm v2 -> expired with 3 at v2", InTheAnswers),
    ] {
        let script = format!(
            "
            seats 6
            v2 a acme 3 for 10
            a 0..9 hold acme 3 for 10 -> held v2 until 10
            b 10..19 {lie}
            "
        );
        convict(&script, &[laws::STANDS], shows);
    }
}

#[test]
fn a_hold_is_refused_that_is_possible() {
    let script = "seats 6\n a 0..9 hold acme 3 for 10 -> seconds";
    convict(script, &[laws::REFUSED], InTheAnswers);
}

#[test]
fn a_part_is_given_up_of_what_is_only_held() {
    convict(
        "
        seats 6
        v2 a acme 3 for 10
        v3 b gives back 1 of v2
        a 0..9 hold acme 3 for 10 -> held v2 until 10
        b 10..19 cancel 1 of v2 -> 2 left at v3
        ",
        &[laws::LEDGER],
        InTheAnswers,
    );
}

#[test]
fn a_hold_is_extended_more_often_than_that_is_possible() {
    let script = |count: u64| {
        let names = (b'b'..).map(char::from);
        let lines = (0..count).zip(names).map(|(index, name)| {
            let (version, seconds) = (3 + index, 11 + index);
            let (began, ended) = (10 + 10 * index, 19 + 10 * index);
            format!(
                "v{version} {name} extends v2 by {seconds}
                {name} {began}..{ended} extend v2 by {seconds} -> \
                    extended v{version} until {seconds}
                "
            )
        });
        format!(
            "
            seats 6
            v2 a acme 3 for 10
            a 0..9 hold acme 3 for 10 -> held v2 until 10
            {}",
            lines.collect::<String>()
        )
    };
    acquit(&script(10));
    convict(&script(11), &[laws::LEDGER], InTheAnswers);
}
