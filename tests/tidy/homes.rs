//! Which words may stand where.

use std::collections::BTreeSet;

use crate::paths::{Parts, paths_named};
use crate::source::{Source, complain, is_word, sources, tokens};

/// Words that have a home: outside the named files and folders they must not stand.
///
/// A word stands for itself and for what begins with it. One that ends with a blank stands for itself alone, one
/// that is a name and `::` for the crate of that name. Paths are compared as they are when all names are
/// spelled out.
const HOMES: &[(&str, &[&str])] = &[
    ("warp::", &["src/http", "src/server"]),
    ("sled::", &["crates/store/src/local/sled"]),
    ("bincode::", &["crates/store/src/codec.rs"]),
    (
        "blake3::",
        &[
            "crates/store/src/codec.rs",
            "src/http/kernel/idempotency.rs",
            "src/http/pages/static_page.rs",
        ],
    ),
    ("std::env", &["src/config.rs"]),
    ("env::var", &["src/config.rs"]),
    ("Uuid::new_v", &["crates/runtime/src/entropy.rs"]),
    ("SystemTime", &["crates/runtime/src/clock.rs"]),
    ("Timestamp::now", &["crates/runtime/src/clock.rs"]),
    ("println!", &[]),
    ("eprintln!", &[]),
    ("StatusCode::BAD_REQUEST", &["src/http/kernel/problem/code.rs"]),
    ("StatusCode::SERVICE_UNAVAILABLE", &["src/http/kernel/problem/code.rs"]),
    ("StatusCode::INTERNAL_SERVER_ERROR", &["src/http/kernel/problem/code.rs"]),
    ("sync_data", &["crates/store/src/local/sled"]),
    ("extern crate", &[]),
    ("allow(", &[]),
    ("todo!", &[]),
    ("unimplemented!", &[]),
    ("unsafe ", &[]),
];

/// Words that must not stand in a place.
const STRANGERS: &[(&str, &[&str])] = &[
    (
        "crates/core/src",
        &["serde", "uuid", "async ", "log::", "std::time", "std::fs", "tokio", "jiff"],
    ),
    ("crates/store/src", &["serde_json", "warp", "hyper"]),
    ("crates/engine/src", &["serde", "warp", "hyper", "std::time"]),
    ("crates/lab/src", &["ticketboss::", "warp"]),
    ("src/http", &["ticketboss_store", "sled", "std::fs"]),
];

/// What words are looked for in.
struct Words {
    tokens: Vec<String>,
    paths: BTreeSet<Parts>,
    /// The names that paths into this crate begin with.
    own: BTreeSet<String>,
}

impl Words {
    fn of(source: &Source) -> Self {
        let tokens = source.tokens.clone();
        let children = tokens.windows(2).filter(|pair| pair[0] == "mod").map(|pair| &pair[1]);
        let own = children.cloned().chain(["crate", "self", "super"].map(str::to_owned));
        Self { paths: paths_named(&tokens), own: own.collect(), tokens }
    }

    fn have(&self, word: &str) -> bool {
        let is_whole = word.ends_with(' ');
        let word = tokens(word).into_iter().map(|(_, token)| token).collect::<Vec<_>>();
        if let [name, "::"] = word[..] {
            return self.paths.iter().any(|path| path[0] == name && !self.own.contains(name));
        }
        let has = |tokens: &[&str]| {
            tokens.windows(word.len()).any(|window| {
                let [(last, front), (word_last, word_front)] =
                    [window, &word].map(|tokens| tokens.split_last().unwrap());
                let is_prefix = is_word(word_last) && !is_whole && last.starts_with(word_last);
                front == word_front && (last == word_last || is_prefix)
            })
        };
        let spelled_out = |path: &Parts| {
            let signs = path.iter().flat_map(|part| [part.as_str(), "::"]).collect::<Vec<_>>();
            has(&signs)
        };
        has(&self.tokens.iter().map(String::as_str).collect::<Vec<_>>())
            || self.paths.iter().any(spelled_out)
    }
}

#[test]
fn words_stand_in_their_homes() {
    let mut faults = Vec::new();
    for source in sources() {
        let words = Words::of(source);
        for (word, homes) in HOMES {
            if !homes.iter().any(|home| source.is_in(home)) && words.have(word) {
                faults.push(format!("{}: {word} belongs into {homes:?}", source.path.display()));
            }
        }
        for (place, strangers) in STRANGERS.iter().filter(|(place, _)| source.is_in(place)) {
            for word in strangers.iter().filter(|word| words.have(word)) {
                faults.push(format!("{}: {word} is strange in {place}", source.path.display()));
            }
        }
    }
    complain(&faults);
}

#[test]
fn a_word_is_found_however_it_is_written() {
    for (word, code) in [
        ("std::env", "use std::{env, fs};"),
        ("std::env", "use std::env as e; e::args()"),
        ("env::var", "use std::env::{self}; env::var_os(x)"),
        ("std::fs", "use std::{io, fs::{self}};"),
        ("sled::", "use sled as s; s::open()"),
        ("sled::", "use {sled};"),
        ("sled::", "fn f(x: &::sled::Db) {}"),
        ("StatusCode::BAD_REQUEST", "use http::StatusCode as S; S::BAD_REQUEST"),
        ("StatusCode::BAD_REQUEST", "use http::StatusCode; type S = StatusCode; S::BAD_REQUEST"),
        ("Uuid::new_v", "use uuid::Uuid as U; U::new_v4()"),
        ("SystemTime", "use std::time::{Duration, SystemTime as T};"),
        ("println!", "println ! (\"a\")"),
        ("allow(", "#[cfg_attr(x, allow(dead_code))]"),
        ("async ", "let x = async{};"),
        ("serde", "#[serde(default)]"),
        ("sync_data", "file.sync_data()"),
    ] {
        assert!(Words::of(&Source::new("a".into(), code.to_owned())).have(word), "{word}: {code}");
    }
    for (word, code) in [
        ("sled::", "use super::local::sled; sled::open(crate::sled::X)"),
        ("sled::", "pub mod sled; sled::open()"),
        ("sled::", "use ticketboss_store::local; local::sled::open()"),
        ("unsafe ", "#![forbid(unsafe_code)]"),
        ("std::env", "const X: &str = \"std::env::var\"; // std::env::var"),
    ] {
        assert!(!Words::of(&Source::new("a".into(), code.to_owned())).have(word), "{word}: {code}");
    }
}
