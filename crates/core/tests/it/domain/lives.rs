//! What a reservation was, asked of what it has become: at every version just what was there then.

use proptest::prelude::*;
use ticketboss_core::domain::{
    Decision, Event, EventTerms, Intent, Nonce, Reason, Seats, Timestamp, Version,
};

use super::{NUMBER, reservation_id};
use crate::support::{command, created, partner, terms, version};

/// The version that made the reservation: the first after the event is made.
fn made_by() -> Version {
    Version::FIRST.next()
}

/// What is tried next with a reservation; what the rules refuse is left out.
#[derive(Debug, Clone, Copy)]
enum Next {
    Extend,
    Expire,
    Confirm,
    CancelPart(u32),
    Cancel,
    /// Something happens to the event and not to the reservation.
    Other,
}

fn next() -> impl Strategy<Value = Next> {
    prop_oneof![
        6 => Just(Next::Extend),
        1 => Just(Next::Expire),
        4 => Just(Next::Confirm),
        30 => (1..4_u32).prop_map(Next::CancelPart),
        1 => Just(Next::Cancel),
        6 => Just(Next::Other),
    ]
}

/// An event, and the one reservation in it.
struct Life {
    event: Event,
    now_ms: i64,
}

impl Life {
    fn begin(seats: u32, is_held: bool) -> Self {
        let most = Seats::new(seats).unwrap();
        let terms = EventTerms { seats_per_request_max: most, ..terms("a", 1_000_000) };
        let mut life = Self { event: created(NUMBER, terms, 0).0, now_ms: 0 };
        let (partner, nonce) = (partner("acme"), Nonce::from_bits(5));
        assert!(life.ask(if is_held {
            Intent::Hold { partner, seats, nonce, hold_seconds: 600 }
        } else {
            Intent::Reserve { partner, seats, nonce }
        }));
        life
    }

    fn ask(&mut self, intent: Intent) -> bool {
        let decided = self.event.decide(&command(intent), Timestamp(self.now_ms));
        let Ok(Decision::Change(change)) = decided else { return false };
        self.event.apply(&change);
        self.event.audit().unwrap();
        true
    }

    /// Whether it happened to the reservation.
    fn go_on(&mut self, next: Next) -> bool {
        let reservation = reservation_id(made_by(), 5);
        match next {
            Next::Extend => {
                self.now_ms += 1;
                self.ask(Intent::Extend { reservation, hold_seconds: 600 })
            }
            Next::Expire => {
                self.now_ms += 1_000_000;
                self.ask(Intent::Expire { reservation: made_by() })
            }
            Next::Confirm => self.ask(Intent::Confirm { reservation }),
            Next::CancelPart(seats) => {
                self.ask(Intent::CancelPart { reservation, seats: Seats::new(seats).unwrap() })
            }
            Next::Cancel => self.ask(Intent::Cancel { reservation }),
            Next::Other => {
                let reason = Reason::new("a camera").unwrap();
                self.ask(Intent::Block { seats: Seats::ONE, reason });
                false
            }
        }
    }
}

/// Leads a reservation through a life, and holds each version against what is said of it afterwards.
fn check(seats: u32, is_held: bool, plan: impl IntoIterator<Item = Next>) -> usize {
    let mut life = Life::begin(seats, is_held);
    let newest = |life: &Life| life.event.reservation_made_by(made_by()).unwrap().1;
    let (mut was, mut versions) = (vec![newest(&life)], vec![made_by()]);
    for next in plan {
        if life.go_on(next) {
            versions.push(life.event.version());
        }
        was.resize(usize::try_from(life.event.version().get()).unwrap() - 1, newest(&life));
    }
    let now = newest(&life);
    for (at, was) in (made_by().get()..).map(version).zip(&was) {
        assert_eq!(now.as_of(at), *was, "{at}");
        assert_eq!((now.seats_at(at), now.status_at(at)), (was.seats, was.status), "{at}");
        let since = versions.iter().rev().find(|since| **since <= at);
        assert_eq!(Some(&was.since(made_by())), since);
    }
    let mut left = versions.as_slice();
    for after in (0..=life.event.version().get()).map(version) {
        left = &left[left.iter().take_while(|version| **version <= after).count()..];
        assert!(now.versions(made_by(), after).eq(left.iter().copied()), "{after}");
    }
    now.steps.count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_a_reservation_was_is_what_was_there_then(
        seats in 1..200_u32,
        is_held in any::<bool>(),
        plan in prop::collection::vec(next(), 0..120),
    ) {
        check(seats, is_held, plan);
    }
}

#[test]
fn a_reservation_that_is_given_up_seat_by_seat_is_remembered_seat_by_seat() {
    let begin = [Next::Extend, Next::Extend, Next::Expire, Next::Other, Next::Confirm];
    let parts = std::iter::repeat_n(Next::CancelPart(1), 2_999);
    let plan = begin.into_iter().chain(parts).chain([Next::Other, Next::Cancel]);
    assert_eq!(check(3_000, true, plan), 1 + 4 + 2_999 + 1);
}
