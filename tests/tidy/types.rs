//! No type has the name of another one of its crate.

use std::collections::BTreeMap;

use crate::paths::trees;
use crate::source::{Source, after_group, complain, is_word};

/// Macros of which each item declares a type: `Name: …;`.
const MACROS: [&str; 2] = ["kinds", "text_types"];

/// From where a type is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Seen {
    InItsFile,
    Nearby,
    InTheCrate,
}

/// The types that a file declares. Of those that are its own, none that stands within something else.
fn declared(tokens: &[String]) -> Vec<(String, Seen)> {
    let token = |at: usize| tokens.get(at).map_or("", String::as_str);
    let (mut found, mut depth, mut at) = (Vec::new(), 0_i32, 0);
    while at < tokens.len() {
        match token(at) {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            "struct" | "enum" | "trait" | "type" | "union" if is_word(token(at + 1)) => {
                let seen = seen(&tokens[..at]);
                if depth == 0 || seen != Seen::InItsFile {
                    found.push((token(at + 1).to_owned(), seen));
                }
            }
            name if MACROS.contains(&name) && token(at + 1) == "!" && token(at + 2) == "{" => {
                let end = after_group(tokens, at + 2);
                found.extend(declared_in_macro(&tokens[at + 3..end - 1]));
                at = end - 1;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// From where a type is seen whose declaration stands after these tokens.
fn seen(before: &[String]) -> Seen {
    let before = before.iter().map(String::as_str).collect::<Vec<_>>();
    let before = before.strip_suffix(&["unsafe"]).unwrap_or(&before);
    match before {
        [.., "pub"] | [.., "pub", "(", "crate", ")"] => Seen::InTheCrate,
        [.., "pub", "(", "super", ")"] => Seen::Nearby,
        [.., ")"] => {
            let within = before.iter().rev().take_while(|token| **token != "(");
            if within.clone().any(|token| *token == "in") { Seen::Nearby } else { Seen::InItsFile }
        }
        _ => Seen::InItsFile,
    }
}

fn declared_in_macro(tokens: &[String]) -> Vec<(String, Seen)> {
    let (mut found, mut at, mut is_first) = (Vec::new(), 0, true);
    while at < tokens.len() {
        match tokens[at].as_str() {
            "(" | "[" | "{" => at = after_group(tokens, at) - 1,
            ";" => is_first = true,
            name if is_first && tokens.get(at + 1).is_some_and(|next| next == ":") => {
                found.push((name.to_owned(), Seen::InTheCrate));
                is_first = false;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The names that two types share outside of a single file: two are seen from elsewhere, or one is seen in the
/// whole crate.
fn doubles(files: &[Source]) -> Vec<String> {
    let mut homes: BTreeMap<String, Vec<(Seen, String)>> = BTreeMap::new();
    for source in files {
        for (name, seen) in declared(&source.tokens) {
            homes.entry(name).or_default().push((seen, source.path.display().to_string()));
        }
    }
    let is_double = |homes: &[(Seen, String)]| {
        let elsewhere = homes.iter().filter(|(seen, _)| *seen != Seen::InItsFile).count();
        homes.len() > 1
            && (elsewhere > 1 || homes.iter().any(|(seen, _)| *seen == Seen::InTheCrate))
    };
    let doubles = homes.into_iter().filter(|(_, homes)| is_double(homes));
    let shown = doubles.map(|(name, homes)| {
        let files = homes.into_iter().map(|(_, file)| file).collect::<Vec<_>>();
        format!("{name}: {}", files.join(", "))
    });
    shown.collect()
}

#[test]
fn no_type_name_stands_twice_in_a_crate() {
    complain(&trees().iter().flat_map(|tree| doubles(&tree.files)).collect::<Vec<_>>());
}

#[test]
fn a_double_is_found() {
    let faults = |one: &str, other: &str| {
        let source = |code: &str| Source::new("a".into(), code.to_owned());
        doubles(&[source(one), source(other)]).len()
    };
    for (one, other) in [
        ("pub struct A;", "pub(in super::super) enum A {}"),
        ("pub(super)\nstruct A;", "pub(super) unsafe trait A {}"),
        ("pub(crate) struct A;", "struct A;"),
        ("mod b { pub struct A; }", "type A = u8;"),
        ("kinds! { B: \"b\", f(x); A: \"a\", y(); }", "pub struct A;"),
        ("text_types! {\n/// Doc: one.\nA: 100; }", "kinds! { A: \"a\", y(); }"),
    ] {
        assert_eq!(faults(one, other), 1, "{one} {other}");
    }
    for (one, other) in [
        ("struct A;", "struct A;"),
        ("pub struct A;", "impl X for Y { type A = u8; } fn f() { struct A; }"),
        ("kinds! { A: \"a\", f(B: c); }", "pub struct B;"),
    ] {
        assert_eq!(faults(one, other), 0, "{one} {other}");
    }
}
