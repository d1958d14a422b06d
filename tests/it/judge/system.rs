//! A correct system in a few lines: it does what clients ask for, each at some moment between its
//! beginning and its end, and tells them what came of it, unless the answer is lost.

use proptest::prelude::*;
use proptest::sample::Index;
use ticketboss::domain::{
    Actor, Change, Command, Event, Fact, Intent, Nonce, Refusal, RequestId, ReservationId,
    Timestamp,
};
use ticketboss::judge::history::{Asked, Operation, Outcome, Telling};
use ticketboss::judge::wing_gong::Terms;
use uuid::Uuid;

use super::script::{self, EVENT, NUMBER, Script};
use crate::support::{event_id, partner, version};

/// Moments are drawn so close together that many are the same.
const MOMENTS: u64 = 60;
const LASTS_MOMENTS_MAX: u64 = 20;
/// Some take so long that others see what they did, long before they are told of it.
const LASTS_LONG_MOMENTS: u64 = 40;
/// The nonces of ids that were never made are below, those of the system are above.
pub(super) const NONCES_MADE_UP: u64 = 100;

/// What one client wants, and what becomes of it.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    began_us: u64,
    lasts_us: u64,
    /// When it is done, after its beginning; not before its end if its answer is lost.
    point_us: u64,
    wish: Wish,
    fate: Fate,
}

#[derive(Debug, Clone)]
enum Wish {
    Reserve {
        partner: &'static str,
        seats: u32,
    },
    /// A reservation that is there at that moment, or was.
    Cancel(Index),
    /// A reservation that is made only later.
    CancelTooEarly(Index),
    CancelMadeUp {
        made_by: u64,
        nonce: u64,
    },
    Read,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Answered,
    /// It was done, and the answer was lost.
    AnswerLost,
    RequestLost,
    TurnedAway,
}

/// How often answers are lost, and how often somebody only reads, of ten times; how often somebody
/// cancels while five reserve; and how long it takes.
#[derive(Debug, Clone, Copy)]
struct Mix {
    lost: u32,
    reads: u32,
    cancels: u32,
    lasts_us_max: u64,
}

/// In all but the first, what was done is mostly known from what others are shown.
const MIXES: [Mix; 4] = [
    Mix { lost: 2, reads: 2, cancels: 4, lasts_us_max: LASTS_MOMENTS_MAX },
    Mix { lost: 7, reads: 5, cancels: 4, lasts_us_max: LASTS_MOMENTS_MAX },
    Mix { lost: 7, reads: 5, cancels: 4, lasts_us_max: 3 },
    Mix { lost: 5, reads: 2, cancels: 15, lasts_us_max: 3 },
];

/// A few clients and a small event.
pub(super) fn plans(count_max: usize) -> impl Strategy<Value = (Terms, Vec<Plan>)> {
    let terms = (1..12_u32, 1..5_u32).prop_map(|(capacity, seats_per_request_max)| Terms {
        number: NUMBER,
        capacity,
        seats_per_request_max,
    });
    let plans = move |mix| prop::collection::vec(plan(mix), 0..=count_max);
    (terms, prop::sample::select(&MIXES[..]).prop_flat_map(plans))
}

fn plan(mix: Mix) -> impl Strategy<Value = Plan> {
    prop_oneof![
        mix.reads => planned(Just(Wish::Read), Mix { lost: 0, ..mix }),
        10 - mix.reads => planned(wish(mix.cancels), mix),
    ]
}

/// Something to be changed.
fn wish(cancels: u32) -> impl Strategy<Value = Wish> {
    prop_oneof![
        5 => (prop::sample::select(vec!["acme", "globex"]), 0..6_u32)
            .prop_map(|(partner, seats)| Wish::Reserve { partner, seats }),
        cancels => any::<Index>().prop_map(Wish::Cancel),
        1 => any::<Index>().prop_map(Wish::CancelTooEarly),
        1 => (1..9_u64, 0..NONCES_MADE_UP)
            .prop_map(|(made_by, nonce)| Wish::CancelMadeUp { made_by, nonce }),
    ]
}

fn planned(wish: impl Strategy<Value = Wish>, mix: Mix) -> impl Strategy<Value = Plan> {
    let Mix { lost, lasts_us_max, .. } = mix;
    let fate = prop_oneof![
        10 - lost => Just(Fate::Answered),
        lost => Just(Fate::AnswerLost),
        1 => Just(Fate::RequestLost),
        1 => Just(Fate::TurnedAway),
    ];
    let lasts_us = prop_oneof![
        5 => 0..=lasts_us_max,
        1 => Just(LASTS_LONG_MOMENTS),
    ];
    let times = (0..MOMENTS, lasts_us, 0..=lasts_us_max, 0..MOMENTS);
    (times, wish, fate).prop_map(|((began_us, lasts_us, point, late), wish, fate)| {
        // What is lost may be done long after the client gave up.
        let point_us = if fate == Fate::Answered { point.min(lasts_us) } else { late };
        Plan { began_us, lasts_us, point_us, wish, fate }
    })
}

/// Lets everything happen that is planned.
pub(super) fn run(terms: Terms, plans: &[Plan]) -> Script {
    let creation = script::creation(terms);
    let event = Event::create(NUMBER, &creation).unwrap();
    let mut system = System { event, ledger: vec![creation], too_early: Vec::new() };
    let mut order = (0..plans.len()).collect::<Vec<_>>();
    order.sort_by_key(|&index| plans[index].began_us + plans[index].point_us);
    let mut operations = vec![None; plans.len()];
    for index in order {
        operations[index] = Some(system.serve(index, &plans[index]));
    }
    let mut operations = operations.into_iter().flatten().collect::<Vec<_>>();
    for (index, asked_at, pick) in std::mem::take(&mut system.too_early) {
        if let Some(later) = system.pick(pick, |made_by| made_by > asked_at) {
            operations[index].asked = Asked::Cancel { reservation: uuid(later) };
        }
    }
    Script { terms, ledger: system.ledger, operations }
}

struct System {
    event: Event,
    ledger: Vec<Change>,
    /// Who asked for a reservation that did not exist yet: the operation, the version, the pick.
    too_early: Vec<(usize, u64, Index)>,
}

impl System {
    fn serve(&mut self, index: usize, plan: &Plan) -> Operation {
        let request = Uuid::from_u128(1 + index as u128);
        let asked = self.asked(index, &plan.wish);
        let outcome = match plan.fate {
            Fate::TurnedAway => Outcome::NotDone { what: "503".to_owned() },
            Fate::RequestLost => Outcome::Unknown { what: "refused".to_owned() },
            Fate::AnswerLost => {
                self.answer(request, &asked);
                Outcome::Unknown { what: "reset".to_owned() }
            }
            Fate::Answered => self.answer(request, &asked),
        };
        Operation {
            client: u32::try_from(index).unwrap(),
            request,
            key: None,
            event: event_id(EVENT),
            asked,
            began_us: plan.began_us,
            ended_us: plan.began_us + plan.lasts_us,
            outcome,
            telling: Telling::First,
        }
    }

    fn asked(&mut self, index: usize, wish: &Wish) -> Asked {
        let made_up = |made_by, nonce| ReservationId {
            event: NUMBER,
            version: version(made_by),
            nonce: Nonce::from_bits(nonce),
        };
        let reservation = match *wish {
            Wish::Reserve { partner: who, seats } => {
                return Asked::Reserve { partner: partner(who), seats };
            }
            Wish::Read => return Asked::Read,
            Wish::Cancel(pick) => self.pick(pick, |_| true).unwrap_or(made_up(1, 0)),
            Wish::CancelMadeUp { made_by, nonce } => made_up(made_by, nonce),
            Wish::CancelTooEarly(pick) => {
                self.too_early.push((index, self.event.version().get(), pick));
                made_up(1, 0)
            }
        };
        Asked::Cancel { reservation: uuid(reservation) }
    }

    /// One of the reservations that were made so far, by the versions that made them.
    fn pick(&self, pick: Index, is_wanted: impl Fn(u64) -> bool) -> Option<ReservationId> {
        let ids = self.event.reservations().map(|(id, _)| id);
        let ids = ids.filter(|id| is_wanted(id.version.get())).collect::<Vec<_>>();
        (!ids.is_empty()).then(|| *pick.get(&ids))
    }

    fn answer(&mut self, request: Uuid, asked: &Asked) -> Outcome {
        let intent = match asked {
            Asked::Reserve { partner, seats } => {
                let nonce = Nonce::from_bits(NONCES_MADE_UP + self.event.version().get());
                Intent::Reserve { partner: partner.clone(), seats: *seats, nonce }
            }
            Asked::Cancel { reservation } => Intent::Cancel {
                reservation: ReservationId::from_bits(reservation.as_u128()).unwrap(),
            },
            Asked::Read => {
                return Outcome::Read {
                    version: self.event.version().get(),
                    available: self.event.seats().available,
                    reservations: self.event.live_reservations(),
                };
            }
            other => panic!("no plan asks for {other:?}"),
        };
        let command = Command::new(Actor::Anonymous, RequestId(request.as_u128()), intent);
        match self.event.decide(&command, Timestamp(0)) {
            Ok(change) => self.change(change),
            Err(Refusal::SeatsPerRequest { .. }) => Outcome::SeatsPerRequest,
            Err(Refusal::NotEnoughSeats(shortage)) => Outcome::NotEnoughSeats {
                available: shortage.available,
                version: shortage.version.get(),
            },
            Err(Refusal::ReservationNotFound | Refusal::AlreadyCancelled { .. }) => {
                Outcome::ReservationNotFound
            }
            Err(refusal) => panic!("nobody asked for what is refused by {refusal}"),
        }
    }

    fn change(&mut self, change: Change) -> Outcome {
        self.event.apply(&change);
        let version = change.version;
        let outcome = match &change.fact {
            Fact::Reserved { seats, nonce, .. } => Outcome::Reserved {
                reservation: uuid(ReservationId { event: NUMBER, version, nonce: *nonce }),
                seats: seats.get(),
                version: version.get(),
            },
            _ => Outcome::Cancelled { version: version.get() },
        };
        self.ledger.push(change);
        outcome
    }
}

pub(super) fn uuid(id: ReservationId) -> Uuid {
    Uuid::from_u128(id.to_bits())
}
