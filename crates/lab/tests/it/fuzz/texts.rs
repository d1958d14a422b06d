//! Histories, as a file has them.

use ticketboss_lab::checker::history::{Asked, Operation, Outcome, Telling};
use uuid::Uuid;

use super::random::Alphabet;
use super::{Target, Verdict, corpus, mend_nothing};
use crate::support::{event_id, partner};

#[test]
fn history() {
    let target = Target {
        name: "history",
        share: 1400,
        corpus: [histories(), histories(), histories(), corpus("history")].concat(),
        alphabet: Alphabet::Text(&[
            "\"ask\":\"read\"",
            "\"ask\"",
            "\"answer\"",
            "\"reserve\"",
            "\"cancel\"",
            "\"notDone\"",
            "\"what\"",
            "\"version\"",
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "null",
            "true",
            "-1",
            "0",
            "1e400",
            "18446744073709551616",
            "4294967296",
            "0.5",
            "\"\"",
            "\\ud800",
            "\\u0000",
            "\"clie\\u006et\"",
            "\u{feff}",
            "é",
            "\n",
        ]),
        mend: mend_nothing,
        read: &read_history,
    };
    target.fuzz();
}

/// One line for each thing that can be asked and each answer.
fn histories() -> Vec<Vec<u8>> {
    let reservation = Uuid::from_u128(0x0000_0001_0000_8000_8009_61b4_2a32_2344);
    let asked = [
        Asked::Reserve { partner: partner("Büro \"7\""), seats: 3 },
        Asked::Cancel { reservation },
        Asked::Read,
    ];
    let what = "connection reset\n".to_owned();
    let outcomes = [
        Outcome::Reserved { reservation, seats: 3, version: 2 },
        Outcome::Cancelled { version: u64::MAX },
        Outcome::Read { version: 3, available: 497, reservations: 1 },
        Outcome::NotEnoughSeats { available: 0, version: 4 },
        Outcome::SeatsPerRequest,
        Outcome::ReservationNotFound,
        Outcome::NotDone { what: what.clone() },
        Outcome::Unknown { what: what.clone() },
        Outcome::Unexpected { what },
    ];
    let operations = (0..).zip(outcomes).map(|(client, outcome)| Operation {
        client,
        request: Uuid::from_u128(u128::from(client)),
        key: (client % 2 == 0).then(|| Uuid::from_u128(u128::from(client))),
        event: event_id("node-meetup-2025"),
        asked: asked[client as usize % 3].clone(),
        began_us: 1,
        ended_us: u64::MAX,
        outcome,
        telling: if client % 4 == 0 { Telling::Again } else { Telling::First },
    });
    operations.map(|operation| serde_json::to_vec(&operation).unwrap()).collect()
}

fn read_history(bytes: &[u8]) -> Verdict {
    let Ok(operation) = serde_json::from_slice::<Operation>(bytes) else {
        return if bytes.first() == Some(&b'{') {
            Verdict::RefusedLate
        } else {
            Verdict::RefusedEarly
        };
    };
    let line = serde_json::to_string(&operation).unwrap();
    assert!(!line.contains('\n'), "an operation takes one line");
    assert_eq!(serde_json::from_str::<Operation>(&line).unwrap(), operation);
    Verdict::Accepted
}
