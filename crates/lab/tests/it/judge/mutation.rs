//! Small changes to a history or a ledger, some of which make a lie of it.

use proptest::prelude::*;
use proptest::sample::Index;
use ticketboss_core::domain::{Fact, Nonce, RequestId, ReservationId, Seats, Version};
use ticketboss_lab::checker::history::{Asked, Outcome, Stand};
use uuid::Uuid;

use super::script::Script;
use super::system::{NONCES_MADE_UP, uuid};
use crate::support::partner;

/// By how many moments an operation is moved, or its end.
const MOMENTS_MAX: i64 = 30;

/// One small change. The indices are of operations or of changes, whichever it is about.
#[derive(Debug, Clone)]
pub(super) enum Mutation {
    SwapAnswers(Index, Index),
    /// An answer that was given elsewhere, or one of a kind that tells nothing.
    Tell(Index, Told),
    /// One of the numbers in an answer.
    Miscount(Index, Number, i64),
    Shift(Index, i64),
    ShiftEnd(Index, i64),
    /// The first begins when the second has ended.
    After(Index, Index),
    Drop(Index),
    Double(Index, Request),
    AskForSeats(Index, u32),
    AskForWhatAnotherAskedFor(Index, Index),
    /// To cancel a reservation of another id at the same version.
    AskWithAnotherId(Index, u64),
    LoseChange(Index),
    LoseChangesFrom(Index),
    RepeatChange(Index),
    SwapRequests(Index, Index),
    SellOther(Index, Index),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Told {
    Nothing,
    NotDone,
    Missing,
    Stands(Stand),
    Limit,
    Strange,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Number {
    Version,
    VersionAndId,
    Nonce,
    Seats,
    Reservations,
    Time,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Request {
    Same,
    Another,
}

/// Changes to what clients asked for, and to what they were told.
pub(super) fn of_history() -> impl Strategy<Value = Mutation> {
    use Mutation::*;
    let one = any::<Index>;
    let by = || (-3..=3_i64).prop_filter("it must differ", |by| *by != 0);
    let told = prop::sample::select(vec![
        Told::Nothing,
        Told::Nothing,
        Told::NotDone,
        Told::Missing,
        Told::Stands(Stand::Confirmed),
        Told::Stands(Stand::Expired),
        Told::Limit,
        Told::Strange,
    ]);
    let number = prop::sample::select(vec![
        Number::Version,
        Number::VersionAndId,
        Number::Nonce,
        Number::Seats,
        Number::Reservations,
        Number::Time,
    ]);
    let request = prop::sample::select(vec![Request::Same, Request::Another, Request::Another]);
    prop_oneof![
        2 => (one(), one()).prop_map(|(a, b)| SwapAnswers(a, b)),
        4 => (one(), told).prop_map(|(a, told)| Tell(a, told)),
        2 => (one(), number, by()).prop_map(|(a, number, by)| Miscount(a, number, by)),
        2 => (one(), -MOMENTS_MAX..=MOMENTS_MAX).prop_map(|(a, by)| Shift(a, by)),
        2 => (one(), -MOMENTS_MAX..=MOMENTS_MAX).prop_map(|(a, by)| ShiftEnd(a, by)),
        6 => (one(), one()).prop_map(|(a, b)| After(a, b)),
        2 => one().prop_map(Drop),
        1 => (one(), request).prop_map(|(a, request)| Double(a, request)),
        2 => (one(), 0..6_u32).prop_map(|(a, seats)| AskForSeats(a, seats)),
        1 => (one(), one()).prop_map(|(a, b)| AskForWhatAnotherAskedFor(a, b)),
        1 => (one(), 0..NONCES_MADE_UP).prop_map(|(a, nonce)| AskWithAnotherId(a, nonce)),
    ]
}

/// Changes to what is stored.
pub(super) fn of_ledger() -> impl Strategy<Value = Mutation> {
    use Mutation::*;
    let one = any::<Index>;
    prop_oneof![
        1 => one().prop_map(LoseChange),
        2 => one().prop_map(LoseChangesFrom),
        1 => one().prop_map(RepeatChange),
        1 => (one(), one()).prop_map(|(a, b)| SwapRequests(a, b)),
        1 => (one(), one()).prop_map(|(a, b)| SellOther(a, b)),
    ]
}

impl Mutation {
    /// Makes the change, where there is anything that can be changed so.
    pub(super) fn apply(&self, script: &mut Script) {
        if !script.operations.is_empty() {
            self.apply_to_history(script);
        }
        if script.ledger.len() > 1 {
            self.apply_to_ledger(script);
        }
    }

    fn apply_to_history(&self, script: &mut Script) {
        let operations = &mut script.operations;
        let count = operations.len();
        let at = |index: &Index| index.index(count);
        match self {
            Self::SwapAnswers(a, b) => {
                let (a, b) = (at(a), at(b));
                let outcome = operations[a].outcome.clone();
                operations[a].outcome = std::mem::replace(&mut operations[b].outcome, outcome);
            }
            Self::Tell(a, told) => operations[at(a)].outcome = told.outcome(),
            Self::Miscount(a, number, by) => miscount(&mut operations[at(a)].outcome, *number, *by),
            Self::Shift(a, by) => {
                let operation = &mut operations[at(a)];
                operation.began_us = operation.began_us.saturating_add_signed(*by);
                operation.ended_us = operation.ended_us.saturating_add_signed(*by);
            }
            Self::ShiftEnd(a, by) => {
                let operation = &mut operations[at(a)];
                operation.ended_us = operation.ended_us.saturating_add_signed(*by);
            }
            Self::After(a, b) => {
                let ended_us = operations[at(b)].ended_us;
                let operation = &mut operations[at(a)];
                operation.ended_us =
                    ended_us + 1 + operation.ended_us.saturating_sub(operation.began_us);
                operation.began_us = ended_us + 1;
            }
            Self::Drop(a) => drop(operations.remove(at(a))),
            Self::Double(a, request) => {
                let mut double = operations[at(a)].clone();
                if let Request::Another = request {
                    double.request = Uuid::from_u128(1000 + double.request.as_u128());
                }
                operations.push(double);
            }
            Self::AskForSeats(a, asked) => {
                if let Asked::Reserve { seats, .. } | Asked::Hold { seats, .. } =
                    &mut operations[at(a)].asked
                {
                    *seats = *asked;
                }
            }
            Self::AskForWhatAnotherAskedFor(a, b) => {
                operations[at(a)].asked = operations[at(b)].asked.clone();
            }
            Self::AskWithAnotherId(a, nonce) => {
                if let Asked::Cancel { reservation }
                | Asked::Confirm { reservation }
                | Asked::Extend { reservation, .. }
                | Asked::CancelPart { reservation, .. } = &mut operations[at(a)].asked
                {
                    *reservation = changed(*reservation, |id| id.nonce = Nonce::from_bits(*nonce));
                }
            }
            _ => {}
        }
    }

    fn apply_to_ledger(&self, script: &mut Script) {
        let ledger = &mut script.ledger;
        // The creation stays.
        let count = ledger.len();
        let at = |index: &Index| 1 + index.index(count - 1);
        match self {
            Self::LoseChange(a) => {
                ledger.remove(at(a));
                for (index, change) in ledger.iter_mut().enumerate() {
                    change.version = Version::new(1 + index as u64).unwrap();
                }
            }
            Self::LoseChangesFrom(a) => ledger.truncate(at(a)),
            Self::RepeatChange(a) => {
                let mut repeated = ledger[at(a)].clone();
                repeated.version = ledger.last().unwrap().version.next();
                ledger.push(repeated);
            }
            Self::SwapRequests(a, b) => {
                let (a, b) = (at(a), at(b));
                let RequestId(request) = ledger[a].request;
                ledger[a].request = ledger[b].request;
                ledger[b].request = RequestId(request);
            }
            Self::SellOther(a, what) => sell_other(&mut ledger[at(a)].fact, *what),
            _ => {}
        }
    }
}

impl Told {
    fn outcome(self) -> Outcome {
        let what = "another answer".to_owned();
        match self {
            Self::Nothing => Outcome::Unknown { what },
            Self::NotDone => Outcome::NotDone { what },
            Self::Missing => Outcome::ReservationNotFound,
            Self::Stands(how) => Outcome::Stands { how },
            Self::Limit => Outcome::SeatsPerRequest,
            Self::Strange => Outcome::Unexpected { what },
        }
    }
}

fn miscount(outcome: &mut Outcome, number: Number, by: i64) {
    let add = |number: &mut u64| *number = number.saturating_add_signed(by);
    let add_seats = |number: &mut u32| {
        *number = number.saturating_add_signed(i32::try_from(by).unwrap());
    };
    match (number, outcome) {
        (
            Number::VersionAndId,
            Outcome::Reserved { reservation, version, .. }
            | Outcome::Held { reservation, version, .. },
        ) => {
            add(version);
            let version = Version::new(*version).unwrap();
            *reservation = changed(*reservation, |id| id.version = version);
        }
        (
            Number::Nonce,
            Outcome::Reserved { reservation, .. } | Outcome::Held { reservation, .. },
        ) => {
            let by = by.unsigned_abs();
            *reservation = changed(*reservation, |id| id.nonce = Nonce::from_bits(by));
        }
        (
            Number::Version | Number::VersionAndId,
            Outcome::Reserved { version, .. }
            | Outcome::Held { version, .. }
            | Outcome::Confirmed { version }
            | Outcome::Extended { version, .. }
            | Outcome::PartlyCancelled { version, .. }
            | Outcome::HoldExpired { version, .. }
            | Outcome::Cancelled { version }
            | Outcome::Read { version, .. }
            | Outcome::NotEnoughSeats { version, .. },
        ) => add(version),
        (Number::Reservations, Outcome::Read { reservations, .. }) => add(reservations),
        (
            Number::Time,
            Outcome::Held { expires_at_ms, .. } | Outcome::Extended { expires_at_ms, .. },
        ) => *expires_at_ms += 1000 * by,
        (Number::Time, _) => {}
        (
            _,
            Outcome::Reserved { seats, .. }
            | Outcome::Held { seats, .. }
            | Outcome::PartlyCancelled { seats, .. }
            | Outcome::NotAPart { has: seats }
            | Outcome::HoldExpired { available: seats, .. }
            | Outcome::Read { available: seats, .. }
            | Outcome::NotEnoughSeats { available: seats, .. },
        ) => add_seats(seats),
        _ => {}
    }
}

fn changed(reservation: Uuid, change: impl FnOnce(&mut ReservationId)) -> Uuid {
    let mut id = ReservationId::from_bits(reservation.as_u128()).unwrap();
    change(&mut id);
    uuid(id)
}

fn sell_other(fact: &mut Fact, what: Index) {
    if let Fact::Reserved { partner: who, seats, nonce }
    | Fact::Held { partner: who, seats, nonce, .. } = fact
    {
        match what.index(3) {
            0 => *who = partner("initech"),
            1 => *seats = Seats::new(seats.get() % 4 + 1).unwrap(),
            _ => *nonce = Nonce::from_bits(nonce.get() % NONCES_MADE_UP),
        }
    }
}
