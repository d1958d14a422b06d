//! How fast a long history is judged. Nothing is asserted of it; the figure is printed.

use std::time::Instant;

use ticketboss_core::domain::{
    Actor, Command, Decision, Event, Intent, Nonce, PartnerId, RequestId, ReservationId, Timestamp,
};
use ticketboss_lab::checker::history::{Asked, Operation, Outcome, Telling};
use ticketboss_lab::checker::wing_gong::Terms;
use ticketboss_lab::checker::{Scope, judge};
use uuid::Uuid;

use super::script::{self, EVENT, NUMBER, SEATS_PER_REQUEST_MAX, Script};
use super::system::uuid;
use crate::support::{event_id, partner};

const OPERATIONS: u64 = 2_000_000;
const PARTNERS: u64 = 1000;
const CAPACITY: u32 = 1_000_000;
/// A new operation begins each so many microseconds, and takes at most so much longer.
const BEGINS_EACH_US: u64 = 10;
const LASTS_US_MAX: u64 = 640;

#[test]
#[ignore = "needs a release build"]
fn two_million_operations_are_judged() {
    let Script { ledger, operations, .. } = long_history();
    let began = Instant::now();
    let verdict = judge(NUMBER, &ledger, &operations, Scope::Whole);
    let took = began.elapsed();
    assert!(verdict.is_good(), "\n{verdict}");
    let (count, changes) = (verdict.operations, verdict.changes);
    println!("{count} operations and {changes} changes judged in {took:.2?}");
    println!("{:.2?} for each operation", took / u32::try_from(count).unwrap());
}

/// Half of the requests reserve, a quarter cancels, a quarter reads; every 64th answer is lost.
fn long_history() -> Script {
    let terms =
        Terms { number: NUMBER, capacity: CAPACITY, seats_per_request_max: SEATS_PER_REQUEST_MAX };
    let creation = script::creation(terms);
    let mut event = Event::create(NUMBER, &creation).unwrap();
    let partners = (0..PARTNERS).map(|number| partner(&format!("partner-{number}")));
    let partners = partners.collect::<Vec<_>>();
    let mut script = Script { terms, ledger: vec![creation], operations: Vec::new() };
    let mut live = Vec::new();
    let mut dice = Dice(1);
    for index in 0..OPERATIONS {
        let asked = ask(&mut dice, &partners, &mut live);
        // The ids are spread as random ones are.
        let request = Uuid::from_u64_pair(index.wrapping_mul(0x9E37_79B9_7F4A_7C15), index);
        let mut outcome = answer(&mut event, &asked, request, &mut dice, &mut script);
        if let Outcome::Reserved { reservation, .. } = outcome {
            live.push(reservation);
        }
        if index % 64 == 63 {
            outcome = Outcome::Unknown { what: "reset".to_owned() };
        }
        let began_us = index * BEGINS_EACH_US;
        script.operations.push(Operation {
            client: u32::try_from(index % 64).unwrap(),
            request,
            key: None,
            event: event_id(EVENT),
            asked,
            began_us,
            ended_us: began_us + dice.roll(LASTS_US_MAX),
            outcome,
            telling: Telling::First,
        });
    }
    script
}

fn ask(dice: &mut Dice, partners: &[PartnerId], live: &mut Vec<Uuid>) -> Asked {
    match dice.roll(4) {
        0 => Asked::Read,
        1 if !live.is_empty() => {
            let index = usize::try_from(dice.roll(live.len() as u64)).unwrap();
            Asked::Cancel { reservation: live.swap_remove(index) }
        }
        _ => {
            let partner = partners[usize::try_from(dice.roll(PARTNERS)).unwrap()].clone();
            let most = u64::from(SEATS_PER_REQUEST_MAX);
            Asked::Reserve { partner, seats: 1 + u32::try_from(dice.roll(most)).unwrap() }
        }
    }
}

fn answer(
    event: &mut Event,
    asked: &Asked,
    request: Uuid,
    dice: &mut Dice,
    script: &mut Script,
) -> Outcome {
    let available = event.seats().available;
    let intent = match asked {
        Asked::Read => {
            let reservations = event.live_reservations();
            return Outcome::Read { version: event.version().get(), available, reservations };
        }
        Asked::Reserve { partner, seats } => {
            let nonce = Nonce::from_bits(dice.roll(u64::MAX));
            Intent::Reserve { partner: partner.clone(), seats: *seats, nonce }
        }
        Asked::Cancel { reservation } => {
            Intent::Cancel { reservation: ReservationId::from_bits(reservation.as_u128()).unwrap() }
        }
        other => panic!("no plan asks for {other:?}"),
    };
    let command = Command::new(Actor::Anonymous, RequestId(request.as_u128()), intent);
    let Ok(Decision::Change(change)) = event.decide(&command, Timestamp(0)) else {
        return Outcome::NotEnoughSeats { available, version: event.version().get() };
    };
    event.apply(&change);
    let version = change.version;
    script.ledger.push(change);
    match command.intent {
        Intent::Reserve { seats, nonce, .. } => {
            let reservation = uuid(ReservationId { event: NUMBER, version, nonce });
            Outcome::Reserved { reservation, seats, version: version.get() }
        }
        Intent::Cancel { .. } => Outcome::Cancelled { version: version.get() },
        other => panic!("nobody asked for {other:?}"),
    }
}

/// Knuth's MMIX generator: enough for a mix of operations.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 16) % below
    }
}
