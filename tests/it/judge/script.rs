//! Histories and ledgers as tables, one line for each change and each operation.
//!
//! | line | means |
//! | --- | --- |
//! | `seats 10` | the event; one request may take 4 of them. Its creation is version 1 |
//! | `v2 a acme 3` | the ledger: request `a` took seats for a partner. `v2#9` has another nonce |
//! | `v3 b gives back v2` | the ledger: request `b` gave up the reservation that version 2 made |
//! | `a 0..9 reserve acme 3 -> reserved v2` | the history: who asked, when, for what, and the answer |
//!
//! Asked is `reserve <partner> <seats>`, `cancel v2` or `read`. Told is one of:
//!
//! | told | means |
//! | --- | --- |
//! | `reserved v2` | as asked; `reserved v2 seats 4` and `reserved v2 id v3` are lies about it |
//! | `cancelled v3` | |
//! | `read v3 10 0` | 10 available, 0 reservations |
//! | `only 2 at v3` | not enough seats |
//! | `limit` | more than one request may take, or none |
//! | `missing` | no such reservation |
//! | `busy`, `unknown`, `strange` | certainly not done; perhaps done; an answer that nobody deserves |

use ticketboss::domain::{
    Actor, Change, EventName, EventNumber, EventTerms, Fact, Nonce, RequestId, ReservationId,
    Seats, Timestamp,
};
use ticketboss::judge::history::{Asked, Operation, Outcome};
use ticketboss::judge::wing_gong::Terms;
use uuid::Uuid;

use crate::support::{event_id, partner, version};

pub(super) const NUMBER: EventNumber = EventNumber(7);
pub(super) const EVENT: &str = "node-meetup";
pub(super) const SEATS_PER_REQUEST_MAX: u32 = 4;

/// What a script says.
pub(super) struct Script {
    pub(super) terms: Terms,
    pub(super) ledger: Vec<Change>,
    pub(super) operations: Vec<Operation>,
}

/// Reads a script.
pub(super) fn read(script: &str) -> Script {
    let mut lines = script.lines().map(str::trim).filter(|line| !line.is_empty());
    let capacity = lines.next().unwrap().strip_prefix("seats ").unwrap().parse().unwrap();
    let terms = Terms { number: NUMBER, capacity, seats_per_request_max: SEATS_PER_REQUEST_MAX };
    let mut read = Script { terms, ledger: vec![creation(terms)], operations: Vec::new() };
    for line in lines {
        match line.split_once(" -> ") {
            Some((asked, told)) => read.operations.push(operation(asked, told)),
            None => read.ledger.push(change(line)),
        }
    }
    read
}

/// The change that makes the event of a script.
pub(super) fn creation(terms: Terms) -> Change {
    let terms = EventTerms::on_sale(
        event_id(EVENT),
        EventName::new("Node Meetup").unwrap(),
        Seats::new(terms.capacity).unwrap(),
        Seats::new(terms.seats_per_request_max).unwrap(),
    );
    change_of(1, RequestId(u128::MAX), Fact::EventCreated(terms))
}

pub(super) fn change_of(at: u64, request: RequestId, fact: Fact) -> Change {
    Change {
        version: version(at),
        at: Timestamp(0),
        by: Actor::Anonymous,
        request,
        key: None,
        note: None,
        refused: None,
        fact,
    }
}

fn change(line: &str) -> Change {
    let (request, id, fact) = match *line.split_whitespace().collect::<Vec<_>>() {
        [id, request, "gives", "back", made_by] => {
            (request, id, Fact::Cancelled { reservation: reservation(made_by).version })
        }
        [id, request, who, seats] => {
            let seats = Seats::new(seats.parse().unwrap()).unwrap();
            let nonce = reservation(id).nonce;
            (request, id, Fact::Reserved { partner: partner(who), seats, nonce })
        }
        _ => panic!("no such change: {line}"),
    };
    change_of(reservation(id).version.get(), RequestId(request_id(request).as_u128()), fact)
}

fn operation(asked: &str, told: &str) -> Operation {
    let mut words = asked.split_whitespace();
    let name = words.next().unwrap();
    let (began, ended) = words.next().unwrap().split_once("..").unwrap();
    let asked = match *words.collect::<Vec<_>>() {
        ["reserve", who, seats] => {
            Asked::Reserve { partner: partner(who), seats: seats.parse().unwrap() }
        }
        ["cancel", id] => Asked::Cancel { reservation: uuid(id) },
        ["read"] => Asked::Read,
        _ => panic!("nobody asks like that: {asked}"),
    };
    let outcome = outcome(&asked, told);
    Operation {
        client: u32::from(name.as_bytes()[0]),
        request: request_id(name),
        event: event_id(EVENT),
        asked,
        began_us: began.parse().unwrap(),
        ended_us: ended.parse().unwrap(),
        outcome,
    }
}

fn outcome(asked: &Asked, told: &str) -> Outcome {
    let at = |id: &str| reservation(id).version.get();
    let reserved = |id: &str| {
        let &Asked::Reserve { seats, .. } = asked else {
            return Outcome::Reserved { reservation: uuid(id), seats: 1, version: at(id) };
        };
        Outcome::Reserved { reservation: uuid(id), seats, version: at(id) }
    };
    match *told.split_whitespace().collect::<Vec<_>>() {
        ["reserved", id] => reserved(id),
        ["reserved", id, "seats", seats] => Outcome::Reserved {
            reservation: uuid(id),
            seats: seats.parse().unwrap(),
            version: at(id),
        },
        ["reserved", id, "id", other] => {
            let Outcome::Reserved { seats, version, .. } = reserved(id) else { unreachable!() };
            Outcome::Reserved { reservation: uuid(other), seats, version }
        }
        ["cancelled", id] => Outcome::Cancelled { version: at(id) },
        ["read", id, available, reservations] => Outcome::Read {
            version: at(id),
            available: available.parse().unwrap(),
            reservations: reservations.parse().unwrap(),
        },
        ["only", available, "at", id] => {
            Outcome::NotEnoughSeats { available: available.parse().unwrap(), version: at(id) }
        }
        ["limit"] => Outcome::SeatsPerRequest,
        ["missing"] => Outcome::ReservationNotFound,
        ["busy"] => Outcome::NotDone { what: "503".to_owned() },
        ["unknown"] => Outcome::Unknown { what: "reset".to_owned() },
        ["strange"] => Outcome::Unexpected { what: "500".to_owned() },
        _ => panic!("no such answer: {told}"),
    }
}

/// The id of the request that a script calls `name`.
pub(super) fn request_id(name: &str) -> Uuid {
    Uuid::from_u128(u128::from(name.as_bytes()[0]))
}

/// Reads `v2`, or `v2#9` for another nonce than that version has otherwise.
fn reservation(text: &str) -> ReservationId {
    let text = text.strip_prefix('v').unwrap();
    let (made_by, nonce) = match text.split_once('#') {
        Some((made_by, nonce)) => (made_by.parse().unwrap(), nonce.parse().unwrap()),
        None => (text.parse().unwrap(), 1000 + text.parse::<u64>().unwrap()),
    };
    ReservationId { event: NUMBER, version: version(made_by), nonce: Nonce::from_bits(nonce) }
}

fn uuid(text: &str) -> Uuid {
    Uuid::from_u128(reservation(text).to_bits())
}
