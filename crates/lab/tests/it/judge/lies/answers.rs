//! Lies that an answer tells by itself.

use ticketboss_lab::checker::laws;

use crate::judge::Shows::{InTheAnswers, InTheLedgerOnly};
use crate::judge::convict;

#[test]
fn a_read_shows_what_a_crash_took_away() {
    convict(
        "
        seats 10
        v2 a acme 3
        a 0..9 reserve acme 3 -> reserved v2
        b 0..9 reserve acme 4 -> unknown
        c 0..9 read -> read v3 3 2
        ",
        &[laws::READ],
        InTheLedgerOnly,
    );
}

#[test]
fn a_read_mixes_two_versions() {
    convict(
        "
        seats 10
        v2 a acme 3
        v3 b acme 3
        a 0..9 reserve acme 3 -> reserved v2
        b 0..9 reserve acme 3 -> reserved v3
        c 0..9 read -> read v3 7 2
        ",
        &[laws::READ],
        InTheAnswers,
    );
}

#[test]
fn a_read_counts_a_cancelled_reservation() {
    convict(
        "
        seats 10
        v2 a acme 3
        v3 b gives back v2
        a 0..9 reserve acme 3 -> reserved v2
        b 0..9 cancel v2 -> cancelled v3
        c 0..9 read -> read v3 10 1
        ",
        &[laws::READ],
        InTheAnswers,
    );
}

#[test]
fn seats_are_refused_that_were_there_throughout() {
    convict(
        "
        seats 10
        v2 a acme 3
        a 0..9 reserve acme 3 -> reserved v2
        b 20..29 reserve acme 4 -> only 0 at v2
        ",
        &[laws::REFUSED],
        InTheAnswers,
    );
}

#[test]
fn seats_are_refused_and_said_to_be_there() {
    convict(
        "
        seats 10
        a 0..9 reserve acme 4 -> only 10 at v1
        ",
        &[laws::REFUSED],
        InTheAnswers,
    );
}

#[test]
fn a_refusal_rests_on_a_version_that_never_was() {
    convict(
        "
        seats 10
        a 0..9 reserve acme 4 -> only 0 at v9
        ",
        &[laws::REFUSED],
        InTheAnswers,
    );
}

#[test]
fn a_refusal_rests_on_a_version_that_a_crash_took_away() {
    convict(
        "
        seats 4
        a 0..9 reserve acme 4 -> unknown
        b 0..9 reserve acme 4 -> only 0 at v2
        ",
        &[laws::REFUSED],
        InTheLedgerOnly,
    );
}

#[test]
fn a_limit_is_named_that_was_kept() {
    convict(
        "
        seats 10
        a 0..9 reserve acme 4 -> limit
        ",
        &[laws::REFUSED],
        InTheAnswers,
    );
}

#[test]
fn a_lack_is_named_where_the_limit_comes_first() {
    convict(
        "
        seats 4
        a 0..9 reserve acme 5 -> only 4 at v1
        ",
        &[laws::REFUSED],
        InTheAnswers,
    );
}

#[test]
fn a_reservation_is_missing_and_was_there_throughout() {
    convict(
        "
        seats 10
        v2 a acme 3
        a 0..9 reserve acme 3 -> reserved v2
        b 20..29 cancel v2 -> missing
        ",
        &[laws::NOT_FOUND],
        InTheAnswers,
    );
}

#[test]
fn a_reservation_is_missing_that_was_cancelled_later() {
    convict(
        "
        seats 10
        v2 a acme 3
        v3 c gives back v2
        a 0..9 reserve acme 3 -> reserved v2
        b 20..29 cancel v2 -> missing
        c 40..49 cancel v2 -> cancelled v3
        ",
        &[laws::NOT_FOUND],
        InTheAnswers,
    );
}

#[test]
fn a_reservation_is_missing_because_of_what_a_crash_took_away() {
    convict(
        "
        seats 10
        v2 a acme 3
        a 0..9 reserve acme 3 -> reserved v2
        b 10..19 cancel v2 -> unknown
        c 20..29 cancel v2 -> missing
        ",
        &[laws::NOT_FOUND],
        InTheLedgerOnly,
    );
}

#[test]
fn a_read_is_answered_like_a_sale() {
    convict(
        "
        seats 10
        a 0..9 read -> reserved v2
        ",
        &[laws::FITTING],
        InTheAnswers,
    );
}

#[test]
fn a_sale_is_answered_like_a_cancellation() {
    convict(
        "
        seats 10
        v2 a acme 3
        a 0..9 reserve acme 3 -> cancelled v2
        ",
        &[laws::FITTING],
        InTheAnswers,
    );
}

#[test]
fn a_sale_is_refused_for_want_of_a_reservation() {
    convict(
        "
        seats 10
        a 0..9 reserve acme 3 -> missing
        ",
        &[laws::FITTING],
        InTheAnswers,
    );
}

#[test]
fn an_answer_is_one_that_nobody_deserves() {
    convict(
        "
        seats 10
        a 0..9 read -> strange
        ",
        &[laws::FITTING],
        InTheAnswers,
    );
}

#[test]
fn a_request_is_in_the_history_twice() {
    convict(
        "
        seats 10
        a 0..9 read -> read v1 10 0
        a 20..29 read -> read v1 10 0
        ",
        &[laws::HISTORY],
        InTheAnswers,
    );
}

#[test]
fn a_request_ends_before_it_begins() {
    convict(
        "
        seats 10
        a 9..0 read -> read v1 10 0
        ",
        &[laws::HISTORY],
        InTheAnswers,
    );
}
