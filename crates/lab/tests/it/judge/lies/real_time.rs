//! Answers that are true by themselves, and cannot have been given in this order.

use ticketboss_lab::checker::laws;

use crate::judge::Shows::InTheAnswers;
use crate::judge::convict;

#[test]
fn a_later_sale_has_the_lower_version() {
    convict(
        "
        seats 10
        v2 b acme 3
        v3 a acme 3
        a 0..9 reserve acme 3 -> reserved v3
        b 20..29 reserve acme 3 -> reserved v2
        ",
        &[laws::ORDER],
        InTheAnswers,
    );
}

#[test]
fn seats_are_given_back_before_they_are_asked_for() {
    convict(
        "
        seats 10
        v2 a acme 3
        v3 b gives back v2
        a 20..29 reserve acme 3 -> reserved v2
        b 0..9 cancel v2 -> cancelled v3
        ",
        &[laws::ORDER],
        InTheAnswers,
    );
}

#[test]
fn an_unanswered_request_is_done_before_it_is_asked_for() {
    convict(
        "
        seats 10
        v2 b acme 3
        v3 a acme 3
        a 0..9 reserve acme 3 -> reserved v3
        b 20..29 reserve acme 3 -> unknown
        ",
        &[laws::ORDER],
        InTheAnswers,
    );
}

#[test]
fn a_read_does_not_show_what_was_answered_before() {
    convict(
        "
        seats 10
        v2 a acme 3
        a 0..9 reserve acme 3 -> reserved v2
        b 20..29 read -> read v1 10 0
        ",
        &[laws::STALE],
        InTheAnswers,
    );
}

#[test]
fn a_read_does_not_show_what_was_read_before() {
    convict(
        "
        seats 10
        v2 a acme 3
        a 0..99 reserve acme 3 -> reserved v2
        b 10..19 read -> read v2 7 1
        c 20..29 read -> read v1 10 0
        ",
        &[laws::STALE],
        InTheAnswers,
    );
}

#[test]
fn a_read_does_not_show_what_a_refusal_rested_on() {
    convict(
        "
        seats 4
        v2 a acme 4
        a 0..99 reserve acme 4 -> unknown
        b 10..19 reserve acme 1 -> only 0 at v2
        c 20..29 read -> read v1 4 0
        ",
        &[laws::STALE],
        InTheAnswers,
    );
}

#[test]
fn a_read_shows_a_reservation_that_was_missing_before() {
    convict(
        "
        seats 10
        v2 a acme 3
        v3 b gives back v2
        a 0..9 reserve acme 3 -> reserved v2
        b 10..99 cancel v2 -> unknown
        c 20..29 cancel v2 -> missing
        d 40..49 read -> read v2 7 1
        ",
        &[laws::STALE],
        InTheAnswers,
    );
}

#[test]
fn a_refusal_rests_on_a_version_that_was_over() {
    convict(
        "
        seats 4
        v2 a acme 4
        v3 b gives back v2
        a 0..9 reserve acme 4 -> reserved v2
        b 10..19 cancel v2 -> cancelled v3
        c 20..29 reserve acme 4 -> only 0 at v2
        ",
        &[laws::STALE],
        InTheAnswers,
    );
}

#[test]
fn a_refusal_rests_on_what_was_not_asked_for_yet() {
    convict(
        "
        seats 4
        v2 b acme 4
        a 0..9 reserve acme 4 -> only 0 at v2
        b 20..29 reserve acme 4 -> reserved v2
        ",
        &[laws::FORESEEN],
        InTheAnswers,
    );
}

#[test]
fn a_read_shows_what_was_not_asked_for_yet() {
    convict(
        "
        seats 10
        v2 b acme 4
        a 0..9 read -> read v2 6 1
        b 20..29 reserve acme 4 -> unknown
        ",
        &[laws::FORESEEN],
        InTheAnswers,
    );
}

#[test]
fn a_read_shows_what_comes_after_something_not_asked_for_yet() {
    convict(
        "
        seats 10
        v2 b acme 4
        v3 c acme 1
        v4 d acme 1
        v5 e acme 1
        v6 f acme 1
        a 0..9 read -> read v6 2 5
        b 20..29 reserve acme 4 -> unknown
        c 0..29 reserve acme 1 -> reserved v3
        d 0..29 reserve acme 1 -> reserved v4
        e 0..29 reserve acme 1 -> reserved v5
        f 0..29 reserve acme 1 -> reserved v6
        ",
        &[laws::FORESEEN],
        InTheAnswers,
    );
}

#[test]
fn who_asks_after_a_read_of_the_future_does_not_lie() {
    convict(
        "
        seats 10
        v2 b acme 4
        a 0..9 read -> read v2 6 1
        c 10..19 cancel v9 -> missing
        b 20..29 reserve acme 4 -> reserved v2
        ",
        &[laws::FORESEEN],
        InTheAnswers,
    );
}
