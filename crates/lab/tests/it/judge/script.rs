//! Histories and ledgers as tables, one line for each change and each operation.
//!
//! | line | means |
//! | --- | --- |
//! | `seats 10` | the event; one request may take 4 of them. Its creation is version 1 |
//! | `v2 a acme 3` | the ledger: request `a` took seats for a partner. `v2#9` has another nonce |
//! | `v3 b gives back v2` | the ledger: request `b` gave up the reservation that version 2 made |
//! | `v2 a acme 3 for 10` | the ledger: request `a` holds seats for 10 seconds |
//! | `v3 b confirms v2` | and `confirms v2 late`, `extends v2 by 20`, `gives back 1 of v2` |
//! | `v3 ends v2` | the ledger: the time of that hold is up, and it is so late now |
//! | `v2 a sells 20`, `v2 a limits 2` | the ledger: so many seats, so many of them for one request at most |
//! | `v2 a blocks 3`, `v3 b unblocks v2` | the ledger: seats are out of sale, and back |
//! | `a 0..9 reserve acme 3 -> reserved v2` | the history: who asked, when, for what, and the answer |
//!
//! Asked is `reserve <partner> <seats>`, the same as `hold … for <seconds>`, `confirm v2`,
//! `extend v2 by <seconds>`, `cancel v2`, `cancel 1 of v2`, `sell 20 as of 1`, `limit 2 as of 1`, `block 3`,
//! `unblock v2` or `read`. Told is one of:
//!
//! Each of the requests may end in `under <number>`, a key; its change in the ledger has one, too.
//!
//! | told | means |
//! | --- | --- |
//! | `reserved v2` | as asked; `reserved v2 seats 4` and `reserved v2 id v3` are lies about it |
//! | `held v2 until 10`, `extended v3 until 20` | seconds since the beginning |
//! | `confirmed v3`, `cancelled v3` | |
//! | `2 left at v3` | a part was given up |
//! | `read v3 10 0` | 10 available, 0 reservations |
//! | `only 2 at v3` | not enough seats |
//! | `expired with 2 at v3` | too late to be confirmed, as so many seats were available |
//! | `limit`, `seconds`, `longest` | of seats, of the time of a hold, of a hold in all |
//! | `sells 20 with 17 at v2`, `blocked 3 at v2`, `unblocked v3` | |
//! | `other terms at v3`, `taken 5 at v3`, `no block` | |
//! | `missing`, `has 3` | no such reservation, no such part of it |
//! | `is held`, `is confirmed`, `is cancelled`, `is expired` | |
//! | `again …`, `reused` | the answer of before, under the key; a key of something else |
//! | `busy`, `unknown`, `strange` | certainly not done; perhaps done; an answer that nobody deserves |

use ticketboss_core::domain::{
    Actor, Change, EventName, EventNumber, EventTerms, Fact, Key, KeyName, Nonce, Reason,
    RequestId, ReservationId, Seats, Timestamp, Version,
};
use ticketboss_lab::checker::history::{Asked, Operation, Outcome, Stand, Telling};
use ticketboss_lab::checker::wing_gong::Terms;
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
        if let Some((asked, told)) = line.split_once(" -> ") {
            read.operations.push(operation(asked, told));
        } else {
            let change = change(line, &read.ledger);
            read.ledger.push(change);
        }
    }
    for asked in read.operations.iter().filter(|asked| asked.key.is_some()) {
        let request = RequestId(asked.request.as_u128());
        for change in read.ledger.iter_mut().filter(|change| change.request == request) {
            // Each has another name: as if the program had taken them for different keys.
            let name = KeyName([u8::try_from(change.version.get()).unwrap(); 16]);
            change.key = Some(Key { name, body: [0; 16] });
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

fn change(line: &str, ledger: &[Change]) -> Change {
    let now = ledger.last().unwrap().at;
    let (request, id, fact) = match *line.split_whitespace().collect::<Vec<_>>() {
        [id, "ends", made_by] => {
            let made_by = reservation(made_by).version;
            let change = Change {
                at: now.max(end_of(made_by, ledger)),
                by: Actor::System,
                ..change_of(1, RequestId::NOBODY, Fact::Expired { reservation: made_by })
            };
            return Change { version: reservation(id).version, ..change };
        }
        [id, request, "gives", "back", made_by] => {
            (request, id, Fact::Cancelled { reservation: reservation(made_by).version })
        }
        [id, request, "gives", "back", seats, "of", made_by] => {
            let reservation = reservation(made_by).version;
            (request, id, Fact::PartlyCancelled { reservation, seats: seats_of(seats) })
        }
        [id, request, "confirms", made_by] => {
            (request, id, Fact::Confirmed { reservation: reservation(made_by).version })
        }
        [id, request, "confirms", made_by, "late"] => {
            (request, id, Fact::ConfirmedLate { reservation: reservation(made_by).version })
        }
        [id, request, "extends", made_by, "by", seconds] => {
            let reservation = reservation(made_by).version;
            let expires_at = now.plus_seconds(seconds.parse().unwrap());
            (request, id, Fact::Extended { reservation, expires_at })
        }
        [id, request, "sells", seats] => {
            let terms = EventTerms { capacity: seats_of(seats), ..terms_of(ledger) };
            (request, id, Fact::EventUpdated(terms))
        }
        [id, request, "limits", seats] => {
            let terms = EventTerms { seats_per_request_max: seats_of(seats), ..terms_of(ledger) };
            (request, id, Fact::EventUpdated(terms))
        }
        [id, request, "blocks", seats] => {
            let reason = Reason::new("a pillar").unwrap();
            (request, id, Fact::SeatsBlocked { seats: seats_of(seats), reason })
        }
        [id, request, "unblocks", block] => {
            (request, id, Fact::SeatsUnblocked { block: reservation(block).version })
        }
        [id, request, who, seats] => {
            let (seats, nonce) = (seats_of(seats), reservation(id).nonce);
            (request, id, Fact::Reserved { partner: partner(who), seats, nonce })
        }
        [id, request, who, seats, "for", seconds] => {
            let (seats, nonce) = (seats_of(seats), reservation(id).nonce);
            let expires_at = now.plus_seconds(seconds.parse().unwrap());
            (request, id, Fact::Held { partner: partner(who), seats, nonce, expires_at })
        }
        _ => panic!("no such change: {line}"),
    };
    let version = reservation(id).version.get();
    Change { at: now, ..change_of(version, RequestId(request_id(request).as_u128()), fact) }
}

fn terms_of(ledger: &[Change]) -> EventTerms {
    let terms = |change: &Change| match &change.fact {
        Fact::EventCreated(terms) | Fact::EventUpdated(terms) => Some(terms.clone()),
        _ => None,
    };
    ledger.iter().rev().find_map(terms).unwrap()
}

fn seats_of(text: &str) -> Seats {
    Seats::new(text.parse().unwrap()).unwrap()
}

/// When the hold is over that a version made.
fn end_of(made_by: Version, ledger: &[Change]) -> Timestamp {
    let end = |change: &Change| match change.fact {
        Fact::Held { expires_at, .. } if change.version == made_by => Some(expires_at),
        Fact::Extended { reservation, expires_at } if reservation == made_by => Some(expires_at),
        _ => None,
    };
    ledger.iter().rev().find_map(end).unwrap()
}

fn operation(asked: &str, told: &str) -> Operation {
    let mut words = asked.split_whitespace();
    let name = words.next().unwrap();
    let (began, ended) = words.next().unwrap().split_once("..").unwrap();
    let mut words = words.collect::<Vec<_>>();
    let mut key = None;
    if let [.., "under", number] = *words {
        key = Some(Uuid::from_u128(number.parse().unwrap()));
        words.truncate(words.len() - 2);
    }
    let asked = match *words {
        ["reserve", who, seats] => {
            Asked::Reserve { partner: partner(who), seats: seats.parse().unwrap() }
        }
        ["hold", who, seats, "for", seconds] => Asked::Hold {
            partner: partner(who),
            seats: seats.parse().unwrap(),
            hold_seconds: seconds.parse().unwrap(),
        },
        ["confirm", id] => Asked::Confirm { reservation: uuid(id) },
        ["extend", id, "by", seconds] => {
            Asked::Extend { reservation: uuid(id), hold_seconds: seconds.parse().unwrap() }
        }
        ["cancel", id] => Asked::Cancel { reservation: uuid(id) },
        ["cancel", seats, "of", id] => {
            Asked::CancelPart { reservation: uuid(id), seats: seats.parse().unwrap() }
        }
        ["sell", seats, "as", "of", expected] => Asked::Update {
            capacity: Some(seats.parse().unwrap()),
            seats_per_request_max: None,
            expected: expected.parse().unwrap(),
        },
        ["limit", seats, "as", "of", expected] => Asked::Update {
            capacity: None,
            seats_per_request_max: Some(seats.parse().unwrap()),
            expected: expected.parse().unwrap(),
        },
        ["block", seats] => Asked::Block { seats: seats.parse().unwrap() },
        ["unblock", id] => Asked::Unblock { block: reservation(id).version.get() },
        ["read"] => Asked::Read,
        _ => panic!("nobody asks like that: {asked}"),
    };
    let (told, telling) = match told.strip_prefix("again ") {
        Some(told) => (told, Telling::Again),
        None => (told, Telling::First),
    };
    let outcome = outcome(&asked, told);
    Operation {
        client: u32::from(name.as_bytes()[0]),
        request: request_id(name),
        key,
        event: event_id(EVENT),
        asked,
        began_us: began.parse().unwrap(),
        ended_us: ended.parse().unwrap(),
        outcome,
        telling,
    }
}

fn outcome(asked: &Asked, told: &str) -> Outcome {
    let at = |id: &str| reservation(id).version.get();
    let seats = match asked {
        Asked::Reserve { seats, .. } | Asked::Hold { seats, .. } => *seats,
        _ => 1,
    };
    let reserved = |id: &str| Outcome::Reserved { reservation: uuid(id), seats, version: at(id) };
    let milliseconds = |text: &str| 1000 * text.parse::<i64>().unwrap();
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
        ["held", id, "until", end] => {
            let expires_at_ms = milliseconds(end);
            Outcome::Held { reservation: uuid(id), seats, version: at(id), expires_at_ms }
        }
        ["confirmed", id] => Outcome::Confirmed { version: at(id) },
        ["extended", id, "until", end] => {
            Outcome::Extended { version: at(id), expires_at_ms: milliseconds(end) }
        }
        ["cancelled", id] => Outcome::Cancelled { version: at(id) },
        [left, "left", "at", id] => {
            Outcome::PartlyCancelled { seats: left.parse().unwrap(), version: at(id) }
        }
        ["read", id, available, reservations] => Outcome::Read {
            version: at(id),
            available: available.parse().unwrap(),
            reservations: reservations.parse().unwrap(),
        },
        ["only", available, "at", id] => {
            Outcome::NotEnoughSeats { available: available.parse().unwrap(), version: at(id) }
        }
        ["expired", "with", available, "at", id] => {
            Outcome::HoldExpired { available: available.parse().unwrap(), version: at(id) }
        }
        ["is", "held"] => Outcome::Stands { how: Stand::Held },
        ["is", "confirmed"] => Outcome::Stands { how: Stand::Confirmed },
        ["is", "cancelled"] => Outcome::Stands { how: Stand::Cancelled },
        ["is", "expired"] => Outcome::Stands { how: Stand::Expired },
        ["has", seats] => Outcome::NotAPart { has: seats.parse().unwrap() },
        ["seconds"] => Outcome::HoldSeconds,
        ["longest"] => Outcome::HoldLimit,
        ["limit"] => Outcome::SeatsPerRequest,
        ["missing"] => Outcome::ReservationNotFound,
        ["sells", capacity, "with", available, "at", id] => Outcome::Updated {
            version: at(id),
            capacity: capacity.parse().unwrap(),
            available: available.parse().unwrap(),
        },
        ["blocked", seats, "at", id] => {
            Outcome::Blocked { version: at(id), seats: seats.parse().unwrap() }
        }
        ["unblocked", id] => Outcome::Unblocked { version: at(id) },
        ["other", "terms", "at", id] => Outcome::OtherTerms { version: at(id) },
        ["taken", taken, "at", id] => {
            Outcome::CapacityTaken { taken: taken.parse().unwrap(), version: at(id) }
        }
        ["no", "block"] => Outcome::BlockNotFound,
        ["reused"] => Outcome::KeyReused,
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
