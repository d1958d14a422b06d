//! Texts that people and programs write: names, ids, settings, histories.

use ticketboss::config::Settings;
use ticketboss_core::domain::{EVENT_ID_BYTES_MAX, EVENT_NAME_CHARS_MAX, PARTNER_ID_CHARS_MAX};
use ticketboss_core::domain::{
    EventId, EventName, EventNumber, Nonce, PartnerId, ReservationId, Version,
};
use ticketboss_lab::checker::history::{Asked, Operation, Outcome, Telling};
use uuid::Uuid;

use super::random::Alphabet;
use super::{Target, Verdict, corpus, mend_nothing};
use crate::support::{event_id, partner};

/// Deeper than anything is nested by somebody who means it.
const DEPTH: usize = 20_000;

#[test]
fn settings() {
    let mut texts = corpus("settings");
    texts.push(format!("a={}", "[".repeat(DEPTH)).into_bytes());
    let target = Target {
        name: "settings",
        share: 700,
        corpus: texts,
        alphabet: Alphabet::Text(&[
            "listen",
            "data_dir",
            "access_log",
            "cache_mib",
            "=",
            "\"",
            "'''",
            "\"\"\"",
            "\n",
            "[",
            "]",
            "{",
            "}",
            ".",
            ",",
            "#",
            "off",
            "127.0.0.1:0",
            "[::1]:80",
            "0",
            "-1",
            "1e9",
            "9223372036854775808",
            "0x7f",
            "1_000",
            "inf",
            "nan",
            "true",
            "1979-05-27T07:32:00Z",
            "\\u0000",
            "\\uD800",
            "\0",
            "\u{feff}",
            "é",
        ]),
        mend: mend_nothing,
        read: &read_settings,
    };
    target.fuzz();
}

fn read_settings(bytes: &[u8]) -> Verdict {
    let Ok(text) = std::str::from_utf8(bytes) else { return Verdict::RefusedEarly };
    match toml::from_str::<Settings>(text) {
        Ok(_) => Verdict::Accepted,
        Err(error) => {
            // The message is shown, and where it is wrong is looked up in the text.
            assert!(!error.message().is_empty());
            assert!(error.span().is_none_or(|span| text.get(..span.start).is_some()));
            Verdict::RefusedLate
        }
    }
}

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

#[test]
fn ids() {
    let reservation = ReservationId {
        event: EventNumber(1),
        version: Version::FIRST.next(),
        nonce: Nonce::from_bits(0x0002_0304_0506_0708),
    };
    let uuid = Uuid::from_u128(reservation.to_bits());
    let forms = [uuid.to_string(), uuid.simple().to_string(), uuid.braced().to_string()];
    let longest = [
        "x".repeat(EVENT_ID_BYTES_MAX),
        "é".repeat(PARTNER_ID_CHARS_MAX),
        "🎫".repeat(EVENT_NAME_CHARS_MAX),
    ];
    let made = forms.into_iter().chain(longest).map(String::into_bytes);
    let target = Target {
        name: "ids",
        share: 1500,
        corpus: made.chain(corpus("ids")).collect(),
        alphabet: Alphabet::Text(&[
            "-",
            "_",
            "a",
            "A",
            " ",
            "\t",
            "\n",
            "\0",
            "é",
            "\u{301}",
            "\u{200b}",
            "\u{a0}",
            "\u{feff}",
            "🎫",
            "{",
            "urn:uuid:",
            "0",
            "8",
            "f",
            "/",
            "%2F",
            "..",
        ]),
        mend: mend_nothing,
        read: &read_ids,
    };
    target.fuzz();
}

fn read_ids(bytes: &[u8]) -> Verdict {
    let Ok(text) = std::str::from_utf8(bytes) else { return Verdict::RefusedEarly };
    let mut verdict = Verdict::RefusedLate;
    if let Ok(id) = EventId::new(text) {
        assert_eq!(id.as_str(), text);
        assert!((1..=EVENT_ID_BYTES_MAX).contains(&text.len()) && text.is_ascii());
        verdict = Verdict::Accepted;
    }
    for (taken, chars_max) in [
        (PartnerId::new(text).map(|id| id.as_str() == text), PARTNER_ID_CHARS_MAX),
        (EventName::new(text).map(|name| name.as_str() == text), EVENT_NAME_CHARS_MAX),
    ] {
        let is_as_given = taken == Ok(true);
        assert_eq!(is_as_given, taken.is_ok(), "a name is kept as it is given");
        let says_something = text.chars().any(|char| !char.is_whitespace() && char != '\u{FEFF}');
        let fits = says_something && text.chars().count() <= chars_max;
        assert_eq!(is_as_given, fits, "{text:?}");
        if fits {
            verdict = Verdict::Accepted;
        }
    }
    if let Some(id) = Uuid::try_parse(text).ok().map(|uuid| uuid.as_u128()) {
        // Whatever is read as an id is that id, and no other.
        assert!(ReservationId::from_bits(id).is_none_or(|read| read.to_bits() == id));
    }
    verdict
}
