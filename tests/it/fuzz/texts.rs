//! Texts that people and programs write: names, ids, settings.

use ticketboss::config::Settings;
use ticketboss_core::domain::{
    EVENT_ID_BYTES_MAX, EventId, EventName, EventNumber, Nonce, PartnerId, ReservationId, Version,
};
use uuid::Uuid;

use super::random::Alphabet;
use super::{Target, Verdict, corpus, mend_nothing};

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
        "é".repeat(PartnerId::CHARS_MAX),
        "🎫".repeat(EventName::CHARS_MAX),
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
        (PartnerId::new(text).map(|id| id.as_str() == text), PartnerId::CHARS_MAX),
        (EventName::new(text).map(|name| name.as_str() == text), EventName::CHARS_MAX),
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
