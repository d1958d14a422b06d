//! Lies about what is in the ledger.

use ticketboss_lab::checker::laws;

use crate::judge::Shows::{InTheAnswers, InTheLedgerOnly};
use crate::judge::convict;

#[test]
fn seats_are_sold_twice() {
    convict(
        "
        seats 5
        v2 a acme 3
        v3 b acme 3
        a 0..9 reserve acme 3 -> reserved v2
        b 0..9 reserve acme 3 -> reserved v3
        ",
        &[laws::LEDGER],
        InTheAnswers,
    );
}

#[test]
fn more_is_sold_than_one_request_may_take() {
    convict(
        "
        seats 10
        v2 a acme 5
        a 0..9 reserve acme 5 -> reserved v2
        ",
        &[laws::LEDGER],
        InTheAnswers,
    );
}

#[test]
fn nobody_is_convicted_of_what_follows_a_broken_change() {
    convict(
        "
        seats 5
        v2 a acme 3
        v3 b acme 3
        v4 c gives back v2
        a 0..9 reserve acme 3 -> reserved v2
        b 10..19 reserve acme 3 -> reserved v3
        c 20..29 cancel v2 -> cancelled v4
        d 30..39 cancel v2 -> missing
        e 30..39 read -> read v4 2 1
        f 30..39 reserve acme 3 -> only 2 at v4
        ",
        &[laws::LEDGER],
        InTheAnswers,
    );
}

#[test]
fn the_same_seats_are_given_back_twice() {
    convict(
        "
        seats 10
        v2 a acme 3
        v3 b gives back v2
        v4 c gives back v2
        a 0..9 reserve acme 3 -> reserved v2
        b 10..19 cancel v2 -> cancelled v3
        c 10..19 cancel v2 -> cancelled v4
        ",
        &[laws::LEDGER],
        InTheAnswers,
    );
}

#[test]
fn two_are_told_that_they_gave_back_the_same_seats() {
    convict(
        "
        seats 10
        v2 a acme 3
        v3 b gives back v2
        a 0..9 reserve acme 3 -> reserved v2
        b 10..19 cancel v2 -> cancelled v3
        c 10..19 cancel v2 -> cancelled v4
        ",
        &[laws::ACKNOWLEDGED],
        InTheAnswers,
    );
}

#[test]
fn a_version_is_there_twice() {
    convict(
        "
        seats 10
        v2 a acme 3
        v2#9 b acme 3
        a 0..9 reserve acme 3 -> reserved v2
        b 0..9 reserve acme 3 -> reserved v2#9
        ",
        &[laws::LEDGER],
        InTheAnswers,
    );
}

#[test]
fn two_are_told_of_the_same_version() {
    convict(
        "
        seats 10
        v2 a acme 3
        v3 b acme 3
        a 0..9 reserve acme 3 -> reserved v2
        b 0..9 reserve acme 3 -> reserved v2#9
        ",
        &[laws::ACKNOWLEDGED],
        InTheAnswers,
    );
}

#[test]
fn a_version_is_left_out() {
    convict(
        "
        seats 10
        v2 a acme 3
        v4 b acme 3
        a 0..9 reserve acme 3 -> reserved v2
        b 0..9 reserve acme 3 -> reserved v4
        ",
        &[laws::LEDGER],
        InTheAnswers,
    );
}

#[test]
fn an_acknowledged_sale_is_lost_and_nobody_looks() {
    convict(
        "
        seats 10
        a 0..9 reserve acme 3 -> reserved v2
        ",
        &[laws::ACKNOWLEDGED],
        InTheLedgerOnly,
    );
}

#[test]
fn an_acknowledged_sale_is_lost_and_somebody_looks() {
    convict(
        "
        seats 10
        a 0..9 reserve acme 3 -> reserved v2
        b 20..29 read -> read v1 10 0
        ",
        &[laws::ACKNOWLEDGED],
        InTheAnswers,
    );
}

#[test]
fn an_acknowledged_sale_is_lost_and_its_version_used_again() {
    convict(
        "
        seats 10
        v2 b globex 4
        a 0..9 reserve acme 3 -> reserved v2
        b 20..29 reserve globex 4 -> reserved v2#1002
        ",
        &[laws::ACKNOWLEDGED],
        InTheAnswers,
    );
}

#[test]
fn an_acknowledged_cancellation_is_lost() {
    convict(
        "
        seats 10
        v2 a acme 3
        a 0..9 reserve acme 3 -> reserved v2
        b 20..29 cancel v2 -> cancelled v3
        ",
        &[laws::ACKNOWLEDGED],
        InTheLedgerOnly,
    );
}

#[test]
fn the_seats_of_a_cancelled_reservation_are_still_taken() {
    convict(
        "
        seats 10
        v2 a acme 3
        a 0..9 reserve acme 3 -> reserved v2
        b 20..29 cancel v2 -> cancelled v3
        c 30..39 read -> read v2 7 1
        ",
        &[laws::ACKNOWLEDGED],
        InTheAnswers,
    );
}

#[test]
fn a_sale_is_for_another_partner() {
    convict(
        "
        seats 10
        v2 a globex 3
        a 0..9 reserve acme 3 -> reserved v2
        ",
        &[laws::ACKNOWLEDGED],
        InTheLedgerOnly,
    );
}

#[test]
fn a_sale_is_of_other_seats_than_were_asked_for() {
    convict(
        "
        seats 10
        v2 a acme 2
        a 0..9 reserve acme 3 -> reserved v2
        ",
        &[laws::ACKNOWLEDGED],
        InTheLedgerOnly,
    );
}

#[test]
fn a_sale_is_told_with_other_seats_than_were_asked_for() {
    convict(
        "
        seats 10
        v2 a acme 3
        a 0..9 reserve acme 3 -> reserved v2 seats 4
        ",
        &[laws::ACKNOWLEDGED],
        InTheAnswers,
    );
}

#[test]
fn a_sale_is_told_with_another_nonce() {
    convict(
        "
        seats 10
        v2 a acme 3
        a 0..9 reserve acme 3 -> reserved v2#9
        ",
        &[laws::ACKNOWLEDGED],
        InTheLedgerOnly,
    );
}

#[test]
fn a_sale_is_told_with_an_id_of_another_version() {
    convict(
        "
        seats 10
        v2 a acme 3
        a 0..9 reserve acme 3 -> reserved v2 id v3
        ",
        &[laws::ACKNOWLEDGED],
        InTheAnswers,
    );
}

#[test]
fn a_sale_is_told_at_another_version() {
    convict(
        "
        seats 10
        v2 a acme 3
        a 0..9 reserve acme 3 -> reserved v3
        ",
        &[laws::ACKNOWLEDGED],
        InTheAnswers,
    );
}

#[test]
fn another_reservation_is_cancelled() {
    convict(
        "
        seats 10
        v2 a acme 3
        v3 b acme 3
        v4 c gives back v3
        a 0..9 reserve acme 3 -> reserved v2
        b 0..9 reserve acme 3 -> reserved v3
        c 10..19 cancel v2 -> cancelled v4
        ",
        &[laws::ACKNOWLEDGED],
        InTheLedgerOnly,
    );
}

#[test]
fn a_reservation_is_cancelled_by_a_made_up_id() {
    convict(
        "
        seats 10
        v2 a acme 3
        v3 b gives back v2
        a 0..9 reserve acme 3 -> reserved v2
        b 10..19 cancel v2#9 -> cancelled v3
        ",
        &[laws::ACKNOWLEDGED],
        InTheAnswers,
    );
}

#[test]
fn an_unanswered_request_is_done_twice() {
    convict(
        "
        seats 10
        v2 a acme 3
        v3 a acme 3
        a 0..9 reserve acme 3 -> unknown
        ",
        &[laws::ONCE],
        InTheLedgerOnly,
    );
}

#[test]
fn an_answered_request_is_done_once_more() {
    convict(
        "
        seats 10
        v2 a acme 3
        v3 a acme 3
        a 0..9 reserve acme 3 -> reserved v2
        ",
        &[laws::ONCE],
        InTheLedgerOnly,
    );
}

#[test]
fn a_request_is_done_that_was_said_not_to_be() {
    convict(
        "
        seats 10
        v2 a acme 3
        a 0..9 reserve acme 3 -> busy
        ",
        &[laws::ONCE],
        InTheLedgerOnly,
    );
}

#[test]
fn a_request_is_done_that_was_refused() {
    convict(
        "
        seats 4
        v2 b acme 3
        v3 c gives back v2
        v4 a acme 4
        a 0..9 reserve acme 4 -> only 1 at v2
        b 0..9 reserve acme 3 -> reserved v2
        c 0..9 cancel v2 -> cancelled v3
        ",
        &[laws::ONCE],
        InTheLedgerOnly,
    );
}

#[test]
fn a_cancellation_is_done_that_was_refused() {
    convict(
        "
        seats 10
        v2 a acme 3
        v3 b gives back v2
        a 0..9 reserve acme 3 -> reserved v2
        b 0..9 cancel v2 -> missing
        ",
        &[laws::ONCE],
        InTheLedgerOnly,
    );
}

#[test]
fn a_read_changes_something() {
    convict(
        "
        seats 10
        v2 a acme 3
        a 0..9 read -> read v1 10 0
        ",
        &[laws::ONCE],
        InTheLedgerOnly,
    );
}

#[test]
fn nobody_asked_for_a_change() {
    convict(
        "
        seats 10
        v2 z acme 3
        a 0..9 read -> read v1 10 0
        ",
        &[laws::ASKED],
        InTheLedgerOnly,
    );
}

#[test]
fn an_unanswered_request_did_something_else() {
    convict(
        "
        seats 10
        v2 a acme 4
        a 0..9 reserve acme 3 -> unknown
        ",
        &[laws::ASKED],
        InTheLedgerOnly,
    );
}

#[test]
fn an_unanswered_cancellation_gave_back_something_else() {
    convict(
        "
        seats 10
        v2 a acme 3
        v3 b acme 3
        v4 c gives back v3
        a 0..9 reserve acme 3 -> reserved v2
        b 0..9 reserve acme 3 -> reserved v3
        c 10..19 cancel v2 -> unknown
        ",
        &[laws::ASKED],
        InTheLedgerOnly,
    );
}
