//! Histories that can be true, however strange they look. Both judges acquit them.

use super::acquit;

#[test]
fn nothing_is_asked_for() {
    acquit("seats 10");
}

#[test]
fn everything_is_asked_for_at_once() {
    acquit(
        "
        seats 6
        v2 a acme 3
        v3 b globex 3
        v4 c gives back v2
        v5 d gives back v3
        v6 e acme 4
        a 0..99 reserve acme 3 -> reserved v2
        b 0..99 reserve globex 3 -> reserved v3
        c 0..99 cancel v2 -> cancelled v4
        d 0..99 cancel v3 -> cancelled v5
        e 0..99 reserve acme 4 -> reserved v6
        f 0..99 reserve acme 4 -> only 3 at v2
        g 0..99 reserve acme 1 -> only 0 at v3
        h 0..99 reserve acme 5 -> limit
        i 0..99 reserve acme 0 -> limit
        j 0..99 cancel v2 -> missing
        k 0..99 cancel v6 -> missing
        l 0..99 read -> read v1 6 0
        m 0..99 read -> read v6 2 1
        n 0..99 read -> read v3 0 2
        o 0..99 read -> busy
        p 0..99 reserve acme 1 -> busy
        q 0..99 cancel v3 -> busy
        ",
    );
}

#[test]
fn what_was_not_answered_was_done_or_was_not() {
    acquit(
        "
        seats 6
        v2 a acme 3
        v3 c gives back v2
        a 0..9 reserve acme 3 -> unknown
        b 0..9 reserve acme 3 -> unknown
        c 10..19 cancel v2 -> unknown
        d 10..19 cancel v2 -> unknown
        e 20..29 read -> read v2 3 1
        f 30..39 read -> read v3 6 0
        g 40..49 read -> unknown
        ",
    );
}

#[test]
fn what_was_not_answered_is_done_long_after() {
    acquit(
        "
        seats 6
        v2 b acme 4
        v3 c gives back v2
        v4 a globex 3
        a 0..9 reserve globex 3 -> unknown
        b 20..29 reserve acme 4 -> reserved v2
        c 30..39 cancel v2 -> cancelled v3
        d 40..49 read -> read v3 6 0
        e 50..59 read -> read v4 3 1
        ",
    );
}

#[test]
fn somebody_saw_a_reservation_whose_maker_was_not_answered() {
    acquit(
        "
        seats 6
        v2 a acme 3
        v3 c gives back v2
        a 0..9 reserve acme 3 -> unknown
        b 0..9 reserve acme 4 -> only 3 at v2
        c 10..19 cancel v2 -> cancelled v3
        d 20..29 cancel v2 -> missing
        e 20..29 read -> read v3 6 0
        ",
    );
}

#[test]
fn somebody_guessed_wrong_at_a_reservation_whose_maker_was_not_answered() {
    acquit(
        "
        seats 6
        v2 a acme 3
        a 0..9 reserve acme 3 -> unknown
        b 10..19 read -> read v2 3 1
        c 20..29 cancel v2#9 -> missing
        d 20..29 cancel v2#8 -> unknown
        f 20..29 cancel v2#8 -> missing
        e 30..39 read -> read v2 3 1
        ",
    );
}

#[test]
fn one_microsecond_is_enough_for_both() {
    acquit(
        "
        seats 6
        v2 b acme 3
        v3 a acme 3
        a 0..10 reserve acme 3 -> reserved v3
        b 10..20 reserve acme 3 -> reserved v2
        c 10..20 read -> read v1 6 0
        d 20..30 read -> read v3 0 2
        ",
    );
}

#[test]
fn a_reservation_is_missing_before_it_is_made_and_after_it_is_given_back() {
    acquit(
        "
        seats 6
        v2 a acme 3
        v3 c gives back v2
        a 10..19 reserve acme 3 -> reserved v2
        b 0..19 cancel v2 -> missing
        c 30..39 cancel v2 -> cancelled v3
        d 20..30 cancel v2 -> missing
        e 40..49 cancel v2 -> missing
        ",
    );
}

#[test]
fn a_reservation_is_missing_thanks_to_a_request_that_was_not_answered() {
    acquit(
        "
        seats 6
        v2 a acme 3
        v3 b gives back v2
        a 0..9 reserve acme 3 -> reserved v2
        b 10..19 cancel v2 -> unknown
        c 20..29 read -> read v2 3 1
        d 20..29 cancel v2 -> missing
        ",
    );
}

#[test]
fn what_was_answered_later_came_first() {
    acquit(
        "
        seats 6
        v2 b acme 3
        v3 a acme 3
        a 0..10 reserve acme 3 -> reserved v3
        b 0..99 reserve acme 3 -> reserved v2
        c 20..30 read -> read v3 0 2
        ",
    );
}
