//! A second opinion for short histories, from the answers alone: is there an order that makes all of
//! them true?
//!
//! This is the search of J. M. Wing and C. Gong, *Testing and Verifying Concurrent Objects*, J. of
//! Parallel and Distributed Computing 17 (1993), with the memory of G. Lowe, *Testing for
//! Linearizability*, Concurrency and Computation: Practice and Experience 29 (2017): a state that was
//! reached with the same operations done is not looked at twice.
//!
//! It is written apart from [`super::judge`], so that the two can be held against each other. It must
//! not know of ledgers, nor of [`ticketboss_core::domain::Event`]: it has a small model of its own. That model
//! knows reservations and holds. What is asked under keys, and terms that change, it does not.
//!
//! # What is not known
//!
//! An operation without an answer is put at any place after it began, or nowhere. If it took seats,
//! nobody was told the id of that reservation, but the id says the version that made it, and somebody
//! who saw it elsewhere may ask to cancel it. So where such a reservation is made, the search tries
//! every id of that version that somebody asks to cancel and that no answer accounts for, and besides
//! these an id that nobody speaks of. That is all there is to choose, since an answer tells nothing
//! about an id that it does not name.
//!
//! That a hold has ended is told to nobody, so each may end at any moment after it was made, as if
//! somebody had asked for it without an answer. When it is over is told by another clock than the times of
//! a history are, so these are not compared. Only among themselves the ends that are told must agree: a
//! hold of ten seconds that ends at 20 was made at 10, and what follows it was not made before.

mod model;
mod terms;
mod unreported;

use std::collections::HashSet;

use self::model::Model;
pub use self::terms::Terms;
use self::unreported::UnreportedIds;
use super::history::{Operation, Outcome};

/// The longest history that is searched: one bit for each operation.
pub const OPERATIONS_MAX: usize = 64;
/// How many states are looked at before the search gives up.
pub const STATES_MAX: usize = 1 << 20;

/// One thing after the other, in an order that makes every answer true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// What happens.
    pub what: What,
    /// When, at the earliest, in milliseconds since 1970.
    pub at_ms: i64,
}

/// What happens in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// An operation, by its index.
    Operation(usize),
    /// The end of a hold, by the version that made it.
    Expiry(u64),
}

/// What the search finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Search {
    /// An order that makes every answer true. Operations that had no effect and were shown nothing are
    /// left out.
    Witness(Vec<Step>),
    /// There is no such order.
    NoWitness,
    /// The history has more than [`OPERATIONS_MAX`] operations.
    TooLong,
    /// [`STATES_MAX`] states were not enough.
    GaveUp,
}

/// Looks for an order of `operations` that makes all their answers true, and in which each is between
/// its beginning and its end.
///
/// A history that is of more than one event, uses a request's id twice, or has an end before its
/// beginning is none, and has no such order.
pub fn search(terms: Terms, operations: &[Operation]) -> Search {
    search_within(STATES_MAX, terms, operations)
}

fn search_within(states_max: usize, terms: Terms, operations: &[Operation]) -> Search {
    if operations.len() > OPERATIONS_MAX {
        return Search::TooLong;
    }
    if !is_history(operations) {
        return Search::NoWitness;
    }
    let mut searcher = Searcher {
        terms,
        operations,
        answered: bits(operations, |outcome| {
            !matches!(outcome, Outcome::Unknown { .. } | Outcome::NotDone { .. })
        }),
        unknown: bits(operations, |outcome| matches!(outcome, Outcome::Unknown { .. })),
        unreported: UnreportedIds::of(terms, operations),
        states_max,
        seen: HashSet::new(),
        order: Vec::new(),
    };
    match searcher.extend(0, &Model::new(terms)) {
        Extended::ToTheEnd => Search::Witness(searcher.order),
        Extended::Nowhere => Search::NoWitness,
        Extended::TooFar => Search::GaveUp,
    }
}

fn is_history(operations: &[Operation]) -> bool {
    let requests = operations.iter().map(|operation| operation.request).collect::<HashSet<_>>();
    requests.len() == operations.len()
        && operations.iter().all(|operation| operation.began_us <= operation.ended_us)
        && operations.windows(2).all(|pair| matches!(pair, [a, b] if a.event == b.event))
}

/// A bit for each operation whose outcome is of a kind.
fn bits(operations: &[Operation], is_of_kind: impl Fn(&Outcome) -> bool) -> u64 {
    let of_kind = operations.iter().enumerate().filter(|(_, one)| is_of_kind(&one.outcome));
    of_kind.fold(0, |bits, (index, _)| bits | 1 << index)
}

/// How a beginning of an order can be gone on with.
#[derive(PartialEq, Eq)]
enum Extended {
    ToTheEnd,
    Nowhere,
    TooFar,
}

struct Searcher<'a> {
    terms: Terms,
    operations: &'a [Operation],
    /// The operations that must be in the order.
    answered: u64,
    /// The operations that may be.
    unknown: u64,
    unreported: UnreportedIds,
    states_max: usize,
    /// Where the search has been: what was done, and what came of it.
    seen: HashSet<(u64, Model)>,
    order: Vec<Step>,
}

impl Searcher<'_> {
    /// Goes on from `model`, after the operations whose bits are in `done`. It calls itself at most twice
    /// [`OPERATIONS_MAX`] deep, as there is one operation more in each call, or the end of a hold that one
    /// of them has made.
    fn extend(&mut self, done: u64, model: &Model) -> Extended {
        if self.answered & !done == 0 {
            return Extended::ToTheEnd;
        }
        if self.seen.len() >= self.states_max {
            return Extended::TooFar;
        }
        if !self.seen.insert((done, model.clone())) {
            return Extended::Nowhere;
        }
        let next = self.next(done);
        // Where something that changes nothing is true now, it is put here and nowhere else: if there
        // is an order at all, there is one in which it has been moved here from further back.
        let shown = next.iter().find(|(_, operation)| model.shows(self.terms, operation));
        if let Some((index, _)) = shown {
            return self.extend_by(What::Operation(*index), done, model);
        }
        for (index, operation) in next {
            for after in model.after(self.terms, operation, &self.unreported) {
                match self.extend_by(What::Operation(index), done, &after) {
                    Extended::Nowhere => {}
                    end => return end,
                }
            }
        }
        for (made_by, after) in model.after_an_expiry() {
            match self.extend_by(What::Expiry(made_by), done, &after) {
                Extended::Nowhere => {}
                end => return end,
            }
        }
        Extended::Nowhere
    }

    fn extend_by(&mut self, what: What, done: u64, after: &Model) -> Extended {
        self.order.push(Step { what, at_ms: after.now_ms });
        let done = match what {
            What::Operation(index) => done | 1 << index,
            What::Expiry(_) => done,
        };
        let extended = self.extend(done, after);
        if extended != Extended::ToTheEnd {
            self.order.pop();
        }
        extended
    }
}

impl<'a> Searcher<'a> {
    /// The operations that can be the next: none of those that are left ended before they began.
    fn next(&self, done: u64) -> Vec<(usize, &'a Operation)> {
        let of = |bits: u64| {
            let is_left = move |index: &usize| bits & !done & 1 << index != 0;
            self.operations.iter().enumerate().filter(move |(index, _)| is_left(index))
        };
        let first_end = of(self.answered).map(|(_, operation)| operation.ended_us).min();
        let is_next = |(_, operation): &(usize, &Operation)| Some(operation.began_us) <= first_end;
        of(self.answered | self.unknown).filter(is_next).collect()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::checker::history::{Asked, Telling};
    use ticketboss_core::domain::{EventId, EventNumber, Nonce, PartnerId, ReservationId, Version};

    const TERMS: Terms = Terms { number: EventNumber(7), capacity: 100, seats_per_request_max: 10 };

    /// An operation that is concurrent with every other.
    fn operation(number: usize, asked: Asked, outcome: Outcome) -> Operation {
        Operation {
            client: 1,
            request: Uuid::from_u128(number as u128),
            key: None,
            event: EventId::new("e").unwrap(),
            asked,
            began_us: 0,
            ended_us: 9,
            outcome,
            telling: Telling::First,
        }
    }

    fn reserve(seats: u32) -> Asked {
        Asked::Reserve { partner: PartnerId::new("acme").unwrap(), seats }
    }

    fn unknown() -> Outcome {
        Outcome::Unknown { what: "reset".to_owned() }
    }

    fn read(version: u64, available: u32, reservations: u64) -> Outcome {
        Outcome::Read { version, available, reservations }
    }

    /// Reservations of 1, 2, 3 … seats, none of which was answered.
    fn unanswered(count: usize) -> Vec<Operation> {
        let seats = (1..=10).cycle().take(count);
        let asked = seats.map(reserve).enumerate();
        asked.map(|(number, asked)| operation(number, asked, unknown())).collect()
    }

    #[test]
    fn the_longest_history_is_searched_and_no_longer_one() {
        let mut operations = unanswered(OPERATIONS_MAX - 1);
        operations.push(operation(OPERATIONS_MAX, Asked::Read, read(1, 100, 0)));
        let what = What::Operation(OPERATIONS_MAX - 1);
        assert_eq!(search(TERMS, &operations), Search::Witness(vec![Step { what, at_ms: 0 }]));
        operations.push(operation(OPERATIONS_MAX + 1, Asked::Read, read(1, 100, 0)));
        assert_eq!(search(TERMS, &operations), Search::TooLong);
    }

    #[test]
    fn a_search_that_takes_too_long_says_so() {
        // No seven of these are two seats together, and there are many ways of trying.
        let mut operations = unanswered(10);
        operations.push(operation(10, Asked::Read, read(8, 98, 7)));
        assert_eq!(search_within(100, TERMS, &operations), Search::GaveUp);
        assert_eq!(search(TERMS, &operations), Search::NoWitness);
    }

    #[test]
    fn the_same_state_is_searched_once() {
        // They add up to 55 seats. There are 2¹⁰ ways to choose among them, and 10! ways to order them.
        let mut operations = unanswered(10);
        operations.push(operation(10, Asked::Read, read(11, 46, 10)));
        assert_eq!(search_within(1 << 11, TERMS, &operations), Search::NoWitness);
    }

    #[test]
    fn what_an_unanswered_request_took_is_given_back_by_its_id_and_no_other() {
        let id = |nonce| {
            let nonce = Nonce::from_bits(nonce);
            let version = Version::new(2).unwrap();
            let id = ReservationId { event: TERMS.number, version, nonce };
            Asked::Cancel { reservation: Uuid::from_u128(id.to_bits()) }
        };
        let mut operations = unanswered(1);
        operations.push(operation(1, id(5), Outcome::Cancelled { version: 3 }));
        operations.push(operation(2, id(6), Outcome::ReservationNotFound));
        operations.push(operation(3, Asked::Read, read(2, 99, 1)));
        operations.push(operation(4, Asked::Read, read(3, 100, 0)));
        assert!(matches!(search(TERMS, &operations), Search::Witness(_)));
        operations.push(operation(5, id(6), Outcome::Cancelled { version: 4 }));
        assert_eq!(search(TERMS, &operations), Search::NoWitness);
    }
}
