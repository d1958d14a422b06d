//! The rules of a sale: tables that read like a ledger, and a naive model that predicts every
//! answer to any sequence of commands.

use ticketboss_core::domain::{
    Actor, Change, Command, Decision, Event, EventNumber, EventStatus, EventTerms, Fact, Intent,
    Nonce, Reason, Refusal, RequestId, ReservationId, Seats, Status, Timestamp, Version,
};

use crate::support::{cancel, command, created, partner, portrait, reserve, short, terms, version};

mod lives;
mod model;

const NUMBER: EventNumber = EventNumber(7);

/// Runs a script of one operation per line and compares each outcome, the words after `->`.
///
/// | line | does |
/// | --- | --- |
/// | `event 500` | begins with an event of that capacity |
/// | `reserve acme 3` | takes seats |
/// | `hold acme 3 600` | has them kept for so many seconds |
/// | `confirm v2`, `cancel v2` | of the reservation that version 2 made |
/// | `cancel v2 1` | gives up so many of its seats |
/// | `extend v2 600` | has them kept for so many seconds from now on |
/// | `expire v2` | as the writer asks for it by himself |
/// | `seats 8`, `status paused`, `window 1000 2000`, `request 2 4` | changes the terms |
/// | `if v2 seats 8` | changes them if they are still those of that version of the event |
/// | `block 3`, `unblock v2` | takes seats out of sale, and puts those of version 2 back |
/// | `clock 900` | sets the clock, in milliseconds |
///
/// An outcome is `v2 avail 497` (and `at 900` once the script has set the clock, and `until 1900` where
/// something is held), or the refusal.
fn check(script: &str) {
    let expected = lines(script).collect::<Vec<_>>();
    let mut teller = Teller::default();
    let told = expected
        .iter()
        .map(|line| teller.run(line.split("->").next().unwrap().trim()))
        .collect::<Vec<_>>();
    assert_eq!(told.join("\n"), expected.join("\n"));
}

fn lines(script: &str) -> impl Iterator<Item = &str> {
    script.lines().map(str::trim).filter(|line| !line.is_empty())
}

/// Runs operations on one event and says what came of each.
#[derive(Default)]
struct Teller {
    event: Option<Event>,
    clock_ms: Option<i64>,
}

impl Teller {
    fn run(&mut self, operation: &str) -> String {
        match *operation.split_whitespace().collect::<Vec<_>>() {
            ["event", capacity] => {
                let terms = terms("node-meetup", capacity.parse().unwrap());
                self.event = Some(created(NUMBER, terms, 0).0);
                operation.to_owned()
            }
            ["clock", now_ms] => {
                self.clock_ms = Some(now_ms.parse().unwrap());
                operation.to_owned()
            }
            ["reserve", who, seats] => {
                let command = reserve(&partner(who), seats.parse().unwrap(), 5);
                format!("{operation} -> {}", self.decide(&command))
            }
            ["hold", who, seats, hold_seconds] => {
                let (partner, seats) = (partner(who), seats.parse().unwrap());
                let nonce = Nonce::from_bits(5);
                let hold_seconds = hold_seconds.parse().unwrap();
                let intent = Intent::Hold { partner, seats, nonce, hold_seconds };
                format!("{operation} -> {}", self.decide(&command(intent)))
            }
            ["block", seats] => {
                let seats = Seats::new(seats.parse().unwrap()).unwrap();
                let reason = Reason::new("a camera").unwrap();
                format!("{operation} -> {}", self.decide(&command(Intent::Block { seats, reason })))
            }
            ["unblock", block] => {
                let block = version(block.strip_prefix('v').unwrap().parse().unwrap());
                format!("{operation} -> {}", self.decide(&command(Intent::Unblock { block })))
            }
            ["if", expected, ref change @ ..] => {
                let expected = version(expected.strip_prefix('v').unwrap().parse().unwrap());
                let update = Intent::Update(Box::new(self.changed(change)));
                let update = Command { if_terms_of: Some(expected), ..command(update) };
                format!("{operation} -> {}", self.decide(&update))
            }
            ["seats" | "status" | "window" | "request", ..] => {
                let change = operation.split_whitespace().collect::<Vec<_>>();
                let update = Intent::Update(Box::new(self.changed(&change)));
                format!("{operation} -> {}", self.decide(&command(update)))
            }
            [what, made_by, ref more @ ..] => {
                let made_by = version(made_by.strip_prefix('v').unwrap().parse().unwrap());
                let reservation = reservation_id(made_by, 5);
                let number = more.first().map(|number| number.parse().unwrap());
                let intent = match (what, number) {
                    ("cancel", None) => Intent::Cancel { reservation },
                    ("cancel", Some(seats)) => {
                        Intent::CancelPart { reservation, seats: Seats::new(seats).unwrap() }
                    }
                    ("confirm", None) => Intent::Confirm { reservation },
                    ("extend", Some(hold_seconds)) => Intent::Extend { reservation, hold_seconds },
                    ("expire", None) => Intent::Expire { reservation: made_by },
                    _ => panic!("no such operation: {operation}"),
                };
                format!("{operation} -> {}", self.decide(&command(intent)))
            }
            _ => panic!("no such operation: {operation}"),
        }
    }

    /// The terms of the event with this change.
    fn changed(&self, change: &[&str]) -> EventTerms {
        let mut terms = self.event.as_ref().unwrap().terms().clone();
        let seats = |text: &str| Seats::new(text.parse().unwrap()).unwrap();
        let moment = |text: &str| Some(Timestamp(text.parse().unwrap()));
        match *change {
            ["seats", capacity] => terms.capacity = seats(capacity),
            ["window", from, until] => {
                (terms.on_sale_at, terms.off_sale_at) = (moment(from), moment(until));
            }
            ["request", least, most] => {
                (terms.seats_per_request_min, terms.seats_per_request_max) =
                    (seats(least), seats(most));
            }
            ["status", status] => {
                let mut all = EventStatus::ALL.into_iter();
                terms.status = all.find(|(_, name)| *name == status).unwrap().0;
            }
            _ => panic!("no such change: {change:?}"),
        }
        terms
    }

    fn decide(&mut self, command: &Command) -> String {
        let event = self.event.as_mut().unwrap();
        let before = portrait(event);
        let decided = event.decide(command, Timestamp(self.clock_ms.unwrap_or(0)));
        assert_eq!(portrait(event), before, "deciding touches nothing");
        let change = match decided {
            Ok(Decision::Change(change)) => change,
            Ok(Decision::Replay(_)) => return "done_before".to_owned(),
            Err(refusal) => return name_of(&refusal).to_owned(),
        };
        event.apply(&change);
        event.audit().unwrap();
        let mut told = format!("v{} avail {}", change.version, event.seats().available);
        if self.clock_ms.is_some() {
            told = format!("{told} at {}", change.at.0);
        }
        if let Fact::Held { expires_at, .. } | Fact::Extended { expires_at, .. } = &change.fact {
            told = format!("{told} until {}", expires_at.0);
        }
        told
    }
}

fn name_of(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::SeatsPerRequest { .. } => "seats_per_request",
        Refusal::HoldSeconds { .. } => "hold_seconds",
        Refusal::NotEnoughSeats(_) => "not_enough_seats",
        Refusal::ReservationNotFound => "reservation_not_found",
        Refusal::AlreadyCancelled { .. } => "already_cancelled",
        Refusal::AlreadyExpired { .. } => "already_expired",
        Refusal::HoldExpired(_) => "hold_expired",
        Refusal::AlreadyConfirmed { .. } => "already_confirmed",
        Refusal::NotConfirmed => "not_confirmed",
        Refusal::TooManyExtensions => "too_many_extensions",
        Refusal::HeldLongEnough { .. } => "held_long_enough",
        Refusal::NotAPart { .. } => "not_a_part",
        Refusal::KeyReused { .. } => "key_reused",
        Refusal::NotOnSale { .. } => "not_on_sale",
        Refusal::OtherTerms { .. } => "other_terms",
        Refusal::CapacityTaken { .. } => "capacity_taken",
        Refusal::StatusChange { .. } => "status_change",
        Refusal::SeatsHeld { .. } => "seats_held",
        Refusal::BlockNotFound => "block_not_found",
    }
}

fn reservation_id(made_by: Version, nonce: u64) -> ReservationId {
    ReservationId { event: NUMBER, version: made_by, nonce: Nonce::from_bits(nonce) }
}

#[test]
fn seats_are_taken_and_given_back_once() {
    check(
        "
        event 500
        reserve acme 3 -> v2 avail 497
        reserve acme 10 -> v3 avail 487
        reserve globex 1 -> v4 avail 486
        cancel v3 -> v5 avail 496
        cancel v3 -> already_cancelled
        cancel v2 -> v6 avail 499
        cancel v2 -> already_cancelled
        cancel v3 -> already_cancelled
        cancel v4 -> v7 avail 500
        reserve acme 3 -> v8 avail 497
        ",
    );
}

#[test]
fn a_request_takes_between_1_and_10_seats() {
    check(
        "
        event 500
        reserve acme 0 -> seats_per_request
        reserve acme 11 -> seats_per_request
        reserve acme 4294967295 -> seats_per_request
        reserve acme 1 -> v2 avail 499
        reserve acme 10 -> v3 avail 489
        ",
    );
}

#[test]
fn what_is_not_there_is_not_sold() {
    check(
        "
        event 12
        reserve acme 10 -> v2 avail 2
        reserve globex 3 -> not_enough_seats
        reserve globex 2 -> v3 avail 0
        reserve initech 1 -> not_enough_seats
        reserve initech 0 -> seats_per_request
        reserve initech 11 -> seats_per_request
        cancel v3 -> v4 avail 2
        reserve initech 3 -> not_enough_seats
        reserve initech 2 -> v5 avail 0
        ",
    );
}

#[test]
fn only_a_version_that_made_a_reservation_can_be_cancelled() {
    check(
        "
        event 5
        cancel v0 -> reservation_not_found
        cancel v1 -> reservation_not_found
        cancel v2 -> reservation_not_found
        reserve acme 2 -> v2 avail 3
        cancel v2 -> v3 avail 5
        cancel v3 -> reservation_not_found
        cancel v1099511627775 -> reservation_not_found
        ",
    );
}

#[test]
fn a_clock_that_is_set_back_does_not_date_a_change_before_the_last() {
    check(
        "
        event 500
        clock -5
        reserve acme 1 -> v2 avail 499 at 0
        clock 900
        reserve acme 1 -> v3 avail 498 at 900
        clock 100
        reserve acme 1 -> v4 avail 497 at 900
        cancel v2 -> v5 avail 498 at 900
        clock 901
        cancel v3 -> v6 avail 499 at 901
        ",
    );
}

#[test]
fn what_is_held_is_confirmed_or_given_back() {
    check(
        "
        event 10
        clock 1000
        hold acme 3 600 -> v2 avail 7 at 1000 until 601000
        hold acme 3 9 -> hold_seconds
        hold acme 3 1801 -> hold_seconds
        hold acme 11 9 -> seats_per_request
        hold acme 8 600 -> not_enough_seats
        reserve globex 8 -> not_enough_seats
        hold acme 7 1800 -> v3 avail 0 at 1000 until 1801000
        clock 2000
        confirm v2 -> v4 avail 0 at 2000
        confirm v2 -> already_confirmed
        extend v2 600 -> already_confirmed
        cancel v3 -> v5 avail 7 at 2000
        confirm v3 -> already_cancelled
        extend v3 600 -> already_cancelled
        cancel v3 -> already_cancelled
        cancel v2 -> v6 avail 10 at 2000
        ",
    );
}

#[test]
fn a_hold_is_over_at_its_time_and_not_a_moment_before() {
    check(
        "
        event 10
        clock 1000
        hold acme 3 10 -> v2 avail 7 at 1000 until 11000
        clock 10999
        expire v2 -> reservation_not_found
        clock 11000
        expire v2 -> v3 avail 10 at 11000
        expire v2 -> reservation_not_found
        extend v2 10 -> already_expired
        cancel v2 -> already_expired
        cancel v2 1 -> already_expired
        reserve globex 8 -> v4 avail 2 at 11000
        confirm v2 -> hold_expired
        cancel v4 1 -> v5 avail 3 at 11000
        confirm v2 -> v6 avail 0 at 11000
        cancel v2 -> v7 avail 3 at 11000
        confirm v2 -> already_cancelled
        ",
    );
}

#[test]
fn a_hold_is_extended_for_half_an_hour_in_all() {
    check(
        "
        event 10
        clock 0
        hold acme 3 600 -> v2 avail 7 at 0 until 600000
        clock 1000
        extend v2 9 -> hold_seconds
        extend v2 599 -> held_long_enough
        extend v2 600 -> v3 avail 7 at 1000 until 601000
        clock 600000
        extend v2 1800 -> v4 avail 7 at 600000 until 1800000
        clock 1799999
        extend v2 600 -> held_long_enough
        confirm v2 -> v5 avail 7 at 1799999
        ",
    );
}

#[test]
fn a_hold_is_extended_ten_times() {
    let extensions = (1..=10).map(|time| {
        let (version, now, until) = (2 + time, time * 1000, 10_000 + time * 1000);
        format!("clock {now}\nextend v2 10 -> v{version} avail 7 at {now} until {until}\n")
    });
    let begin = "event 10\nclock 0\nhold acme 3 10 -> v2 avail 7 at 0 until 10000\n";
    let end = "clock 11000\nextend v2 10 -> too_many_extensions\n";
    check(&[begin, &extensions.collect::<String>(), end].concat());
}

#[test]
fn a_part_of_a_confirmed_reservation_is_given_up() {
    check(
        "
        event 10
        reserve acme 5 -> v2 avail 5
        cancel v2 5 -> not_a_part
        cancel v2 6 -> not_a_part
        cancel v2 2 -> v3 avail 7
        cancel v2 3 -> not_a_part
        cancel v2 2 -> v4 avail 9
        cancel v2 1 -> not_a_part
        cancel v2 -> v5 avail 10
        cancel v2 1 -> already_cancelled
        clock 0
        hold acme 5 600 -> v6 avail 5 at 0 until 600000
        cancel v6 1 -> not_confirmed
        ",
    );
}

#[test]
fn nothing_is_taken_while_the_event_is_not_on_sale() {
    check(
        "
        event 10
        clock 500
        hold acme 2 600 -> v2 avail 8 at 500 until 600500
        hold acme 1 10 -> v3 avail 7 at 500 until 10500
        status paused -> v4 avail 7 at 500
        reserve acme 1 -> not_on_sale
        hold acme 1 600 -> not_on_sale
        extend v2 900 -> not_on_sale
        clock 10500
        expire v3 -> v5 avail 8 at 10500
        confirm v3 -> not_on_sale
        confirm v2 -> v6 avail 8 at 10500
        cancel v2 1 -> v7 avail 9 at 10500
        status onSale -> v8 avail 9 at 10500
        confirm v3 -> v9 avail 8 at 10500
        status closed -> v10 avail 8 at 10500
        reserve acme 1 -> not_on_sale
        reserve acme 11 -> seats_per_request
        status draft -> status_change
        status archived -> v11 avail 8 at 10500
        status onSale -> status_change
        cancel v2 -> v12 avail 9 at 10500
        ",
    );
}

#[test]
fn the_sale_window_binds_to_the_millisecond() {
    check(
        "
        event 10
        clock 0
        window 1000 2000 -> v2 avail 10 at 0
        clock 999
        reserve acme 1 -> not_on_sale
        clock 1000
        reserve acme 1 -> v3 avail 9 at 1000
        clock 1999
        hold acme 1 10 -> v4 avail 8 at 1999 until 11999
        clock 2000
        reserve acme 1 -> not_on_sale
        extend v4 20 -> not_on_sale
        confirm v4 -> v5 avail 8 at 2000
        ",
    );
}

#[test]
fn the_capacity_is_never_less_than_what_is_taken() {
    check(
        "
        event 10
        reserve acme 4 -> v2 avail 6
        block 3 -> v3 avail 3
        block 4 -> not_enough_seats
        seats 6 -> capacity_taken
        seats 7 -> v4 avail 0
        reserve acme 1 -> not_enough_seats
        seats 20 -> v5 avail 13
        unblock v2 -> block_not_found
        unblock v3 -> v6 avail 16
        unblock v3 -> block_not_found
        request 2 4 -> v7 avail 16
        reserve acme 1 -> seats_per_request
        reserve acme 5 -> seats_per_request
        reserve acme 2 -> v8 avail 14
        ",
    );
}

#[test]
fn terms_are_changed_by_those_who_know_them() {
    check(
        "
        event 10
        reserve acme 4 -> v2 avail 6
        if v1 seats 11 -> v3 avail 7
        if v1 seats 12 -> other_terms
        if v2 seats 12 -> other_terms
        reserve acme 1 -> v4 avail 6
        if v4 seats 12 -> v5 avail 7
        if v6 seats 12 -> other_terms
        ",
    );
}

#[test]
fn an_event_with_holds_is_not_archived() {
    check(
        "
        event 10
        clock 0
        hold acme 2 600 -> v2 avail 8 at 0 until 600000
        status archived -> status_change
        status closed -> v3 avail 8 at 0
        status archived -> seats_held
        cancel v2 -> v4 avail 10 at 0
        status archived -> v5 avail 10 at 0
        status closed -> v6 avail 10 at 0
        status onSale -> v7 avail 10 at 0
        ",
    );
}

fn change_of(event: &Event, command: &Command, now_ms: i64) -> Change {
    event.decide(command, Timestamp(now_ms)).unwrap().into_change().unwrap()
}

#[test]
fn a_refusal_says_what_it_rested_on() {
    let (mut event, _) = created(NUMBER, terms("node-meetup", 12), 0);
    let acme = partner("acme");
    let first = change_of(&event, &reserve(&acme, 10, 5), 0);
    event.apply(&first);
    let refused =
        |event: &Event, command: Command| event.decide(&command, Timestamp(0)).unwrap_err();
    assert_eq!(
        refused(&event, reserve(&acme, 11, 5)),
        Refusal::SeatsPerRequest { asked: 11, least: 1, most: 10 }
    );
    assert_eq!(refused(&event, reserve(&acme, 3, 5)), short(3, 2, version(2)));
    let id = reservation_id(version(2), 5);
    let given_up = change_of(&event, &cancel(id), 0);
    event.apply(&given_up);
    assert_eq!(refused(&event, cancel(id)), Refusal::AlreadyCancelled { since: version(3) });
}

#[test]
fn an_id_finds_its_reservation_only_if_all_of_it_matches() {
    let (mut event, _) = created(NUMBER, terms("node-meetup", 12), 0);
    let change = change_of(&event, &reserve(&partner("acme"), 2, 5), 0);
    event.apply(&change);
    let id = reservation_id(version(2), 5);
    let foreign = foreign_ids(id);
    for other in foreign {
        assert_eq!(event.reservation(other), None, "{other:?}");
        let refused = event.decide(&cancel(other), Timestamp(0));
        assert_eq!(refused, Err(Refusal::ReservationNotFound), "{other:?}");
    }
    assert_eq!(event.reservation(id).unwrap().seats.get(), 2);
    assert!(event.decide(&cancel(id), Timestamp(0)).is_ok());
}

/// Ids that differ from `id` in one part each.
fn foreign_ids(id: ReservationId) -> [ReservationId; 3] {
    [
        ReservationId { event: EventNumber(id.event.0 + 1), ..id },
        ReservationId { version: id.version.next(), ..id },
        ReservationId { nonce: Nonce::from_bits(id.nonce.get() ^ 1), ..id },
    ]
}

#[test]
fn an_event_begins_with_its_creation_at_version_1() {
    let (_, creation) = created(NUMBER, terms("node-meetup", 12), 0);
    let late = Change { version: version(2), ..creation.clone() };
    let other = Change { fact: reserved(1), ..creation };
    assert!(Event::create(NUMBER, &late).is_err());
    assert!(Event::create(NUMBER, &other).is_err());
}

fn reserved(seats: u32) -> Fact {
    Fact::Reserved {
        partner: partner("acme"),
        seats: Seats::new(seats).unwrap(),
        nonce: Nonce::from_bits(5),
    }
}

/// Every kind of change that cannot follow `event`, each with its reason.
fn changes_that_cannot_follow(event: &Event) -> Vec<(&'static str, Change)> {
    let next = |fact| Change {
        version: event.version().next(),
        at: event.updated_at(),
        by: Actor::Anonymous,
        request: RequestId(7),
        key: None,
        note: None,
        refused: None,
        fact,
    };
    let cancelled = |reservation| next(Fact::Cancelled { reservation });
    let now = event.updated_at();
    let kept_for = |seats, expires_at| {
        let (partner, nonce) = (partner("acme"), Nonce::from_bits(5));
        next(Fact::Held { partner, seats: Seats::new(seats).unwrap(), nonce, expires_at })
    };
    let later = Timestamp(now.0 + 1);
    let none = Version::FIRST;
    let (_, creation) = created(NUMBER, terms("node-meetup", 12), 0);
    let mut changes = vec![
        ("the same version", Change { version: event.version(), ..next(reserved(1)) }),
        (
            "a version left out",
            Change { version: event.version().next().next(), ..next(reserved(1)) },
        ),
        (
            "time going back",
            Change { at: Timestamp(event.updated_at().0 - 1), ..next(reserved(1)) },
        ),
        ("too many seats", next(reserved(event.seats().available + 1))),
        ("created twice", next(creation.fact)),
        ("held too many", kept_for(event.seats().available + 1, now.plus_seconds(60))),
        ("held for no time", Change { at: later, ..kept_for(1, later) }),
        ("held for too long", kept_for(1, Timestamp(now.plus_seconds(1800).0 + 1))),
        ("cancelled what made none", cancelled(none)),
        ("confirmed what made none", next(Fact::Confirmed { reservation: none })),
        ("confirmed late what made none", next(Fact::ConfirmedLate { reservation: none })),
        ("expired what made none", next(Fact::Expired { reservation: none })),
        ("cancelled what is not yet", cancelled(event.version().next())),
    ];
    for (id, kept) in event.reservations() {
        let reservation = id.version;
        let extended = |expires_at| next(Fact::Extended { reservation, expires_at });
        let part = |seats| next(Fact::PartlyCancelled { reservation, seats });
        if !kept.status.has_seats() {
            changes.push(("cancelled twice", cancelled(reservation)));
        }
        let Status::Held(hold) = kept.status else {
            changes.push(("confirmed what is not held", next(Fact::Confirmed { reservation })));
            changes.push(("extended what is not held", extended(now.plus_seconds(60))));
            changes.push(("expired what is not held", next(Fact::Expired { reservation })));
            changes.push(("cancelled all as a part", part(kept.seats)));
            continue;
        };
        changes.push(("cancelled a part of a hold", part(Seats::new(1).unwrap())));
        changes.push(("extended by nothing", extended(hold.expires_at)));
        changes.push(("extended for too long", extended(Timestamp(kept.held_until_max().0 + 1))));
        changes.push(("confirmed late what is held", next(Fact::ConfirmedLate { reservation })));
        if now < hold.expires_at {
            changes.push(("expired too early", next(Fact::Expired { reservation })));
        }
    }
    changes
}

fn assert_follow_refuses(event: &Event) {
    let before = portrait(event);
    for (why, change) in changes_that_cannot_follow(event) {
        let mut event = event.clone();
        assert!(event.follow(&change).is_err(), "{why}");
        assert_eq!(portrait(&event), before, "{why}: nothing is changed");
    }
}

#[test]
fn a_change_that_cannot_follow_is_refused_and_changes_nothing() {
    let (mut event, _) = created(NUMBER, terms("node-meetup", 12), 100);
    assert_follow_refuses(&event);
    let id = reservation_id(version(2), 5);
    for command in [reserve(&partner("acme"), 10, 5), cancel(id)] {
        let change = change_of(&event, &command, 200);
        event.follow(&change).unwrap();
        assert_follow_refuses(&event);
    }
    let twice = changes_that_cannot_follow(&event);
    assert!(twice.iter().any(|(why, _)| *why == "cancelled twice"));
}
