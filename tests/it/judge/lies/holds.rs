//! Lies about what is held.

use ticketboss::judge::laws;

use crate::judge::convict_by_version;

#[test]
fn whatever_becomes_of_holds_can_be_true() {
    convict_by_version(
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
        &[],
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
    convict_by_version(&script("d 10..19 confirm v2 -> confirmed v3"), &[]);
    convict_by_version(&script("d 20..29 confirm v2 -> confirmed v3"), &[]);
    convict_by_version(&script("d 20..39 confirm v2 -> confirmed v4"), &[]);
    // It was only held.
    let held = script("d 10..19 confirm v2 -> confirmed v2");
    convict_by_version(&held, &[laws::ACKNOWLEDGED]);
    // That is long ago, or still to come.
    let long_ago = script("d 30..39 confirm v2 -> confirmed v3");
    convict_by_version(&long_ago, &[laws::STANDS]);
    let to_come = script("d 0..9 confirm v2 -> confirmed v3");
    convict_by_version(&to_come, &[laws::STANDS]);
    let other = script("d 30..39 confirm v3 -> confirmed v4");
    convict_by_version(&other, &[laws::ACKNOWLEDGED]);
}

#[test]
fn a_hold_is_told_with_another_end() {
    for (asked, told) in [(10, 11), (11, 10)] {
        let script = format!(
            "
            seats 6
            v2 a acme 3 for 10
            a 0..9 hold acme 3 for {asked} -> held v2 until {told}
            "
        );
        convict_by_version(&script, &[laws::ACKNOWLEDGED]);
    }
}

#[test]
fn a_hold_ends_before_its_time() {
    convict_by_version(
        "
        seats 6
        v2 a acme 3 for 10
        v3 b acme 1 for 20
        v4 ends v3
        v5 ends v2
        v6 c extends v2 by 30
        a 0..9 hold acme 3 for 10 -> held v2 until 10
        b 0..9 hold acme 1 for 20 -> held v3 until 20
        c 10..19 extend v2 by 30 -> unknown
        ",
        &[laws::LEDGER],
    );
}

#[test]
fn a_reservation_is_said_to_stand_as_it_never_stood() {
    for lie in [
        "extend v2 by 10 -> is confirmed",
        "extend v2 by 10 -> is expired",
        "confirm v2 -> is cancelled",
        "cancel 1 of v2 -> is expired",
        "cancel 3 of v2 -> has 3",
        "confirm v2 -> expired with 3 at v2",
    ] {
        let script = format!(
            "
            seats 6
            v2 a acme 3 for 10
            a 0..9 hold acme 3 for 10 -> held v2 until 10
            b 10..19 {lie}
            "
        );
        convict_by_version(&script, &[laws::STANDS]);
    }
}

#[test]
fn a_hold_is_refused_that_is_possible() {
    let script = "seats 6\n a 0..9 hold acme 3 for 10 -> seconds";
    convict_by_version(script, &[laws::REFUSED]);
}
