//! A correct system in a few lines: it does what clients ask for, each at some moment between its
//! beginning and its end, and tells them what came of it, unless the answer is lost.

use proptest::prelude::*;
use proptest::sample::Index;
use ticketboss_core::domain::{
    Actor, Change, Command, Decision, Event, Fact, Intent, Nonce, Refusal, RequestId,
    ReservationId, Seats, Timestamp, Version,
};
use ticketboss_lab::checker::history::{Asked, Operation, Outcome, Stand, Telling};
use ticketboss_lab::checker::wing_gong::Terms;
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
    /// How late it has become by then, since what was done before.
    passes_seconds: u32,
    wish: Wish,
    fate: Fate,
}

#[derive(Debug, Clone)]
enum Wish {
    Reserve {
        partner: &'static str,
        seats: u32,
    },
    Hold {
        partner: &'static str,
        seats: u32,
        hold_seconds: u32,
    },
    /// Something of a reservation that is there at that moment, or was.
    Change(Index, Turn),
    /// Of one that is made only later.
    ChangeTooEarly(Index, Turn),
    ChangeMadeUp {
        made_by: u64,
        nonce: u64,
        turn: Turn,
    },
    Read,
}

/// What is to become of a reservation.
#[derive(Debug, Clone, Copy)]
enum Turn {
    Cancel,
    Confirm,
    Extend { hold_seconds: u32 },
    CancelPart { seats: u32 },
}

impl Turn {
    fn of(self, id: ReservationId) -> Asked {
        let reservation = uuid(id);
        match self {
            Self::Cancel => Asked::Cancel { reservation },
            Self::Confirm => Asked::Confirm { reservation },
            Self::Extend { hold_seconds } => Asked::Extend { reservation, hold_seconds },
            Self::CancelPart { seats } => Asked::CancelPart { reservation, seats },
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Answered,
    /// It was done, and the answer was lost.
    AnswerLost,
    RequestLost,
    TurnedAway,
}

/// How often answers are lost, and how often somebody only reads, of ten times; how often something
/// becomes of a reservation while five are made, and how many of ten of these are held; and how long it
/// takes.
#[derive(Debug, Clone, Copy)]
struct Mix {
    lost: u32,
    reads: u32,
    changes: u32,
    holds: u32,
    lasts_us_max: u64,
}

/// In all but the first, what was done is mostly known from what others are shown.
const MIXES: [Mix; 7] = [
    Mix { lost: 2, reads: 2, changes: 4, holds: 0, lasts_us_max: LASTS_MOMENTS_MAX },
    Mix { lost: 7, reads: 5, changes: 4, holds: 0, lasts_us_max: LASTS_MOMENTS_MAX },
    Mix { lost: 7, reads: 5, changes: 4, holds: 3, lasts_us_max: 3 },
    Mix { lost: 5, reads: 2, changes: 15, holds: 0, lasts_us_max: 3 },
    Mix { lost: 2, reads: 2, changes: 8, holds: 7, lasts_us_max: LASTS_MOMENTS_MAX },
    Mix { lost: 4, reads: 2, changes: 15, holds: 7, lasts_us_max: 3 },
    Mix { lost: 1, reads: 1, changes: 5, holds: 8, lasts_us_max: 3 },
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
        10 - mix.reads => planned(wish(mix), mix),
    ]
}

/// Something to be changed.
fn wish(Mix { changes, holds, .. }: Mix) -> impl Strategy<Value = Wish> {
    let who = || (prop::sample::select(vec!["acme", "globex"]), 0..6_u32);
    let turn = move || turn(holds);
    prop_oneof![
        10 * 5 - 5 * holds => who().prop_map(|(partner, seats)| Wish::Reserve { partner, seats }),
        5 * holds => (who(), 9..13_u32).prop_map(|((partner, seats), hold_seconds)| {
            Wish::Hold { partner, seats, hold_seconds }
        }),
        10 * changes => (any::<Index>(), turn()).prop_map(|(pick, turn)| Wish::Change(pick, turn)),
        10 => (any::<Index>(), turn()).prop_map(|(pick, turn)| Wish::ChangeTooEarly(pick, turn)),
        10 => (1..9_u64, 0..NONCES_MADE_UP, turn())
            .prop_map(|(made_by, nonce, turn)| Wish::ChangeMadeUp { made_by, nonce, turn }),
    ]
}

fn turn(holds: u32) -> impl Strategy<Value = Turn> {
    prop_oneof![
        10 - holds => Just(Turn::Cancel),
        holds => prop_oneof![
            5 => Just(Turn::Confirm),
            2 => (9..16_u32).prop_map(|hold_seconds| Turn::Extend { hold_seconds }),
            2 => (1..4_u32).prop_map(|seats| Turn::CancelPart { seats }),
        ],
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
    let passes_seconds = prop_oneof![2 => 0..2_u32, 1 => 5..13_u32];
    let times = (0..MOMENTS, lasts_us, 0..=lasts_us_max, 0..MOMENTS, passes_seconds);
    (times, wish, fate).prop_map(|(times, wish, fate)| {
        let (began_us, lasts_us, point, late, passes_seconds) = times;
        // What is lost may be done long after the client gave up.
        let point_us = if fate == Fate::Answered { point.min(lasts_us) } else { late };
        Plan { began_us, lasts_us, point_us, passes_seconds, wish, fate }
    })
}

/// Lets everything happen that is planned.
pub(super) fn run(terms: Terms, plans: &[Plan]) -> Script {
    let creation = script::creation(terms);
    let event = Event::create(NUMBER, &creation).unwrap();
    let (ledger, now) = (vec![creation], Timestamp(0));
    let mut system = System { event, ledger, now, too_early: Vec::new() };
    let mut order = (0..plans.len()).collect::<Vec<_>>();
    order.sort_by_key(|&index| plans[index].began_us + plans[index].point_us);
    let mut operations = vec![None; plans.len()];
    for index in order {
        operations[index] = Some(system.serve(index, &plans[index]));
    }
    let mut operations = operations.into_iter().flatten().collect::<Vec<_>>();
    for (index, asked_at, pick, turn) in std::mem::take(&mut system.too_early) {
        if let Some(later) = system.pick(pick, |made_by| made_by > asked_at) {
            operations[index].asked = turn.of(later);
        }
    }
    Script { terms, ledger: system.ledger, operations }
}

struct System {
    event: Event,
    ledger: Vec<Change>,
    now: Timestamp,
    /// Who asked for a reservation that did not exist yet: the operation, the version, the pick, and what
    /// was to become of it.
    too_early: Vec<(usize, u64, Index, Turn)>,
}

impl System {
    fn serve(&mut self, index: usize, plan: &Plan) -> Operation {
        let request = Uuid::from_u128(1 + index as u128);
        self.wait(plan.passes_seconds);
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
        match *wish {
            Wish::Reserve { partner: who, seats } => {
                Asked::Reserve { partner: partner(who), seats }
            }
            Wish::Hold { partner: who, seats, hold_seconds } => {
                Asked::Hold { partner: partner(who), seats, hold_seconds }
            }
            Wish::Read => Asked::Read,
            Wish::Change(pick, turn) => turn.of(self.pick(pick, |_| true).unwrap_or(made_up(1, 0))),
            Wish::ChangeMadeUp { made_by, nonce, turn } => turn.of(made_up(made_by, nonce)),
            Wish::ChangeTooEarly(pick, turn) => {
                self.too_early.push((index, self.event.version().get(), pick, turn));
                turn.of(made_up(1, 0))
            }
        }
    }

    /// It becomes later, and holds end whose time is up.
    fn wait(&mut self, seconds: u32) {
        self.now = self.now.plus_seconds(seconds);
        while let Some((_, reservation)) =
            self.event.next_to_expire().filter(|(expires_at, _)| *expires_at <= self.now)
        {
            let expire = Intent::Expire { reservation };
            let command = Command::new(Actor::System, RequestId::NOBODY, expire);
            let change = self.event.decide(&command, self.now).unwrap().into_change().unwrap();
            self.event.apply(&change);
            self.ledger.push(change);
        }
    }

    /// One of the reservations that were made so far, by the versions that made them.
    fn pick(&self, pick: Index, is_wanted: impl Fn(u64) -> bool) -> Option<ReservationId> {
        let ids = self.event.reservations().map(|(id, _)| id);
        let ids = ids.filter(|id| is_wanted(id.version.get())).collect::<Vec<_>>();
        (!ids.is_empty()).then(|| *pick.get(&ids))
    }

    fn answer(&mut self, request: Uuid, asked: &Asked) -> Outcome {
        let Some(intent) = self.intent(asked) else {
            return Outcome::Read {
                version: self.event.version().get(),
                available: self.event.seats().available,
                reservations: self.event.live_reservations(),
            };
        };
        let command = Command::new(Actor::Anonymous, RequestId(request.as_u128()), intent);
        match self.event.decide(&command, self.now) {
            Ok(Decision::Change(change)) => self.change(change),
            Ok(Decision::Replay(_)) => unreachable!("no command here has a key"),
            Err(refusal) => self.refused(asked, &refusal),
        }
    }

    fn intent(&self, asked: &Asked) -> Option<Intent> {
        intent_of(asked, Nonce::from_bits(NONCES_MADE_UP + self.event.version().get()))
    }

    fn refused(&self, asked: &Asked, refusal: &Refusal) -> Outcome {
        match refusal {
            Refusal::SeatsPerRequest { .. } => Outcome::SeatsPerRequest,
            Refusal::HoldSeconds { .. } => Outcome::HoldSeconds,
            Refusal::NotEnoughSeats(shortage) => Outcome::NotEnoughSeats {
                available: shortage.available,
                version: shortage.version.get(),
            },
            Refusal::HoldExpired(shortage) => Outcome::HoldExpired {
                available: shortage.available,
                version: shortage.version.get(),
            },
            Refusal::ReservationNotFound => Outcome::ReservationNotFound,
            Refusal::AlreadyCancelled { .. } | Refusal::AlreadyExpired { .. }
                if matches!(asked, Asked::Cancel { .. }) =>
            {
                Outcome::ReservationNotFound
            }
            Refusal::AlreadyCancelled { .. } => Outcome::Stands { how: Stand::Cancelled },
            Refusal::AlreadyExpired { .. } => Outcome::Stands { how: Stand::Expired },
            Refusal::AlreadyConfirmed { since } => self.confirmed_already(asked, *since),
            Refusal::NotConfirmed => Outcome::Stands { how: Stand::Held },
            Refusal::TooManyExtensions | Refusal::HeldLongEnough { .. } => Outcome::HoldLimit,
            Refusal::NotAPart { has, .. } => Outcome::NotAPart { has: *has },
            refusal => panic!("nobody asked for what is refused by {refusal}"),
        }
    }

    /// Every other one is answered like the first time.
    fn confirmed_already(&self, asked: &Asked, since: Version) -> Outcome {
        let is_told = self.event.version().get().is_multiple_of(2);
        if matches!(asked, Asked::Confirm { .. }) && is_told {
            return Outcome::Confirmed { version: since.get() };
        }
        Outcome::Stands { how: Stand::Confirmed }
    }

    fn change(&mut self, change: Change) -> Outcome {
        self.event.apply(&change);
        let at = change.version;
        let version = at.get();
        let id = |nonce| uuid(ReservationId { event: NUMBER, version: at, nonce });
        let outcome = match &change.fact {
            Fact::Reserved { seats, nonce, .. } => {
                Outcome::Reserved { reservation: id(*nonce), seats: seats.get(), version }
            }
            Fact::Held { seats, nonce, expires_at, .. } => Outcome::Held {
                reservation: id(*nonce),
                seats: seats.get(),
                version,
                expires_at_ms: expires_at.0,
            },
            Fact::Confirmed { .. } | Fact::ConfirmedLate { .. } => Outcome::Confirmed { version },
            Fact::Extended { expires_at, .. } => {
                Outcome::Extended { version, expires_at_ms: expires_at.0 }
            }
            Fact::PartlyCancelled { reservation, .. } => {
                let (_, kept) = self.event.reservation_made_by(*reservation).unwrap();
                Outcome::PartlyCancelled { version, seats: kept.seats.get() }
            }
            _ => Outcome::Cancelled { version },
        };
        self.ledger.push(change);
        outcome
    }
}

/// What the event is asked to do; nothing where it is only looked at.
pub(super) fn intent_of(asked: &Asked, nonce: Nonce) -> Option<Intent> {
    let id = |reservation: &Uuid| ReservationId::from_bits(reservation.as_u128()).unwrap();
    let intent = match asked {
        Asked::Reserve { partner, seats } => {
            Intent::Reserve { partner: partner.clone(), seats: *seats, nonce }
        }
        Asked::Hold { partner, seats, hold_seconds } => Intent::Hold {
            partner: partner.clone(),
            seats: *seats,
            nonce,
            hold_seconds: *hold_seconds,
        },
        Asked::Confirm { reservation } => Intent::Confirm { reservation: id(reservation) },
        Asked::Extend { reservation, hold_seconds } => {
            Intent::Extend { reservation: id(reservation), hold_seconds: *hold_seconds }
        }
        Asked::Cancel { reservation } => Intent::Cancel { reservation: id(reservation) },
        Asked::CancelPart { reservation, seats } => {
            Intent::CancelPart { reservation: id(reservation), seats: Seats::new(*seats).unwrap() }
        }
        Asked::Read => return None,
        other => panic!("no plan asks for {other:?}"),
    };
    Some(intent)
}

pub(super) fn uuid(id: ReservationId) -> Uuid {
    Uuid::from_u128(id.to_bits())
}
