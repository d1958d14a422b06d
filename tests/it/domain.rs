//! The rules of a sale: tables that read like a ledger, and a naive model that predicts every
//! answer to any sequence of commands.

use std::collections::BTreeMap;

use proptest::prelude::*;
use ticketboss::domain::{
    Actor, Change, Command, Event, EventNumber, Fact, Nonce, PartnerTotals, Refusal, RequestId,
    ReservationId, SeatCounts, Seats, Status, Timestamp, Version,
};

use crate::support::{
    SEATS_PER_REQUEST_MAX, cancel, created, partner, portrait, reserve, terms, version,
};

const NUMBER: EventNumber = EventNumber(7);

/// Runs a script of one operation per line and compares each outcome, the words after `->`.
///
/// | line | does |
/// | --- | --- |
/// | `event 500` | begins with an event of that capacity |
/// | `reserve acme 3` | takes seats |
/// | `cancel v2` | gives up the reservation that version 2 made |
/// | `clock 900` | sets the clock, in milliseconds |
///
/// An outcome is `v2 avail 497` (and `at 900` once the script has set the clock), or the refusal.
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
            ["cancel", made_by] => {
                let made_by = version(made_by.strip_prefix('v').unwrap().parse().unwrap());
                let command = cancel(reservation_id(made_by, 5));
                format!("{operation} -> {}", self.decide(&command))
            }
            _ => panic!("no such operation: {operation}"),
        }
    }

    fn decide(&mut self, command: &Command) -> String {
        let event = self.event.as_mut().unwrap();
        let before = portrait(event);
        let decided = event.decide(command, Timestamp(self.clock_ms.unwrap_or(0)));
        assert_eq!(portrait(event), before, "deciding touches nothing");
        let change = match decided {
            Ok(change) => change,
            Err(refusal) => return name_of(&refusal).to_owned(),
        };
        event.apply(&change);
        event.audit().unwrap();
        let told = format!("v{} avail {}", change.version, event.seats().available);
        match self.clock_ms {
            Some(_) => format!("{told} at {}", change.at.0),
            None => told,
        }
    }
}

fn name_of(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::SeatsPerRequest { .. } => "seats_per_request",
        Refusal::NotEnoughSeats { .. } => "not_enough_seats",
        Refusal::ReservationNotFound => "reservation_not_found",
        Refusal::AlreadyCancelled { .. } => "already_cancelled",
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
fn a_refusal_says_what_it_rested_on() {
    let (mut event, _) = created(NUMBER, terms("node-meetup", 12), 0);
    let acme = partner("acme");
    let first = event.decide(&reserve(&acme, 10, 5), Timestamp(0)).unwrap();
    event.apply(&first);
    let refused =
        |event: &Event, command: Command| event.decide(&command, Timestamp(0)).unwrap_err();
    assert_eq!(
        refused(&event, reserve(&acme, 11, 5)),
        Refusal::SeatsPerRequest { asked: 11, most: 10 }
    );
    assert_eq!(
        refused(&event, reserve(&acme, 3, 5)),
        Refusal::NotEnoughSeats { asked: 3, available: 2, version: version(2) }
    );
    let id = reservation_id(version(2), 5);
    let given_up = event.decide(&cancel(id), Timestamp(0)).unwrap();
    event.apply(&given_up);
    assert_eq!(refused(&event, cancel(id)), Refusal::AlreadyCancelled { since: version(3) });
}

#[test]
fn an_id_finds_its_reservation_only_if_all_of_it_matches() {
    let (mut event, _) = created(NUMBER, terms("node-meetup", 12), 0);
    let change = event.decide(&reserve(&partner("acme"), 2, 5), Timestamp(0)).unwrap();
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
        fact,
    };
    let cancelled = |reservation| next(Fact::Cancelled { reservation });
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
        ("cancelled what made none", cancelled(Version::FIRST)),
        ("cancelled what is not yet", cancelled(event.version().next())),
    ];
    let gone = event
        .reservations()
        .filter(|(_, kept)| matches!(kept.status, Status::Cancelled { .. }))
        .map(|(id, _)| ("cancelled twice", cancelled(id.version)));
    changes.extend(gone);
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
        let change = event.decide(&command, Timestamp(200)).unwrap();
        event.follow(&change).unwrap();
        assert_follow_refuses(&event);
    }
    let twice = changes_that_cannot_follow(&event);
    assert!(twice.iter().any(|(why, _)| *why == "cancelled twice"));
}

/// One command of a random sequence. An index picks one of the reservations made so far.
#[derive(Debug, Clone)]
enum Step {
    Reserve { partner: usize, seats: u32 },
    Cancel { index: prop::sample::Index },
    CancelForeign { index: prop::sample::Index, which: usize },
    Clock { by_ms: i64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        5 => (0..4_usize, 0..13_u32).prop_map(|(partner, seats)| Step::Reserve { partner, seats }),
        4 => any::<prop::sample::Index>().prop_map(|index| Step::Cancel { index }),
        1 => (any::<prop::sample::Index>(), 0..3_usize)
            .prop_map(|(index, which)| Step::CancelForeign { index, which }),
        1 => (-1000..1000_i64).prop_map(|by_ms| Step::Clock { by_ms }),
    ];
    prop::collection::vec(step, 0..80)
}

/// What is sold, kept in the simplest way there is: every question is answered by counting.
struct Model {
    capacity: u32,
    version: u64,
    /// By the version that made it: partner, seats, nonce, the version that cancelled it.
    reservations: BTreeMap<u64, (usize, u32, u64, Option<u64>)>,
}

impl Model {
    fn live(&self) -> impl Iterator<Item = (usize, u32)> {
        self.reservations
            .values()
            .filter(|(_, _, _, cancelled)| cancelled.is_none())
            .map(|(partner, seats, _, _)| (*partner, *seats))
    }

    fn sold(&self) -> u32 {
        self.live().map(|(_, seats)| seats).sum()
    }

    fn reserve(&mut self, partner: usize, asked: u32, nonce: u64) -> Result<u64, Refusal> {
        let available = self.capacity - self.sold();
        if asked == 0 || asked > SEATS_PER_REQUEST_MAX {
            let most = SEATS_PER_REQUEST_MAX;
            return Err(Refusal::SeatsPerRequest { asked, most });
        }
        if asked > available {
            return Err(Refusal::NotEnoughSeats {
                asked,
                available,
                version: version(self.version),
            });
        }
        self.version += 1;
        let made = (partner, asked, nonce, None);
        self.reservations.insert(self.version, made);
        Ok(self.version)
    }

    fn cancel(&mut self, made_by: u64) -> Result<u64, Refusal> {
        let (_, _, _, cancelled) = self.reservations.get_mut(&made_by).unwrap();
        if let Some(since) = *cancelled {
            let since = version(since);
            return Err(Refusal::AlreadyCancelled { since });
        }
        self.version += 1;
        *cancelled = Some(self.version);
        Ok(self.version)
    }

    fn pick(&self, index: prop::sample::Index) -> Option<ReservationId> {
        let made = self.reservations.iter().collect::<Vec<_>>();
        let (made_by, (_, _, nonce, _)) = made.get(index.index(made.len().max(1)))?;
        Some(reservation_id(version(**made_by), *nonce))
    }

    fn assert_tells_the_same(&self, event: &Event) {
        assert_eq!(event.version().get(), self.version);
        assert_eq!(
            event.seats(),
            SeatCounts {
                capacity: self.capacity,
                available: self.capacity.checked_sub(self.sold()).expect("oversold"),
                held: 0,
                confirmed: self.sold(),
                blocked: 0,
            }
        );
        assert_eq!(event.live_reservations(), self.live().count() as u64);
        let ever = self
            .reservations
            .values()
            .map(|(who, ..)| (format!("partner-{who}"), PartnerTotals::default()));
        let mut partners = ever.collect::<BTreeMap<_, _>>();
        for (who, seats) in self.live() {
            let totals = partners.get_mut(&format!("partner-{who}")).unwrap();
            totals.reservations += 1;
            totals.seats += u64::from(seats);
        }
        let told = event.partners().map(|(who, totals)| (who.as_str().to_owned(), *totals));
        assert_eq!(told.collect::<BTreeMap<_, _>>(), partners);
        let listed = event.reservations().map(|(id, kept)| {
            let since = match kept.status {
                Status::Confirmed => None,
                Status::Cancelled { since } => Some(since.get()),
            };
            (id.version.get(), (kept.seats.get(), id.nonce.get(), since))
        });
        let modelled = self
            .reservations
            .iter()
            .map(|(made_by, (_, seats, nonce, since))| (*made_by, (*seats, *nonce, *since)));
        assert_eq!(listed.collect::<BTreeMap<_, _>>(), modelled.collect::<BTreeMap<_, _>>());
    }
}

/// An event beside its model, and every change so far.
struct Pair {
    event: Event,
    model: Model,
    changes: Vec<Change>,
    clock_ms: i64,
}

impl Pair {
    fn new(capacity: u32) -> Self {
        let (event, creation) = created(NUMBER, terms("node-meetup", capacity), 0);
        Self {
            event,
            model: Model { capacity, version: 1, reservations: BTreeMap::new() },
            changes: vec![creation],
            clock_ms: 0,
        }
    }

    /// Does `step` to both, compares the outcomes, and checks everything that holds at any time.
    fn run(&mut self, step: &Step, nonce: u64) {
        let (command, expected) = match step {
            Step::Clock { by_ms } => {
                self.clock_ms += by_ms;
                return;
            }
            Step::Reserve { partner: who, seats } => {
                let command = reserve(&partner(&format!("partner-{who}")), *seats, nonce);
                (command, self.model.reserve(*who, *seats, nonce))
            }
            Step::Cancel { index } => {
                let Some(id) = self.model.pick(*index) else {
                    return;
                };
                (cancel(id), self.model.cancel(id.version.get()))
            }
            Step::CancelForeign { index, which } => {
                let Some(id) = self.model.pick(*index) else {
                    return;
                };
                let foreign = foreign_ids(id)[*which];
                (cancel(foreign), Err(Refusal::ReservationNotFound))
            }
        };
        let before = portrait(&self.event);
        let decided = self.event.decide(&command, Timestamp(self.clock_ms));
        assert_eq!(portrait(&self.event), before);
        let versions = decided.as_ref().map(|change| change.version.get());
        assert_eq!(versions.map_err(Clone::clone), expected);
        if let Ok(change) = decided {
            assert!(change.at >= self.event.updated_at());
            assert!(change.at >= Timestamp(self.clock_ms));
            self.event.apply(&change);
            self.changes.push(change);
        }
        self.event.check().unwrap();
        self.event.audit().unwrap();
        self.model.assert_tells_the_same(&self.event);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_sequence_of_commands_ends_as_the_model_says(capacity in 1..60_u32, steps in steps()) {
        let mut pair = Pair::new(capacity);
        for (nonce, step) in (100..).zip(&steps) {
            pair.run(step, nonce);
        }
        assert_follow_refuses(&pair.event);

        let (creation, others) = pair.changes.split_first().unwrap();
        let mut refolded = Event::create(NUMBER, creation).unwrap();
        for change in others {
            refolded.follow(change).unwrap();
        }
        prop_assert_eq!(portrait(&refolded), portrait(&pair.event));
    }
}
