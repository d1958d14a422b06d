//! What documents and comments name is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::source::{collect, complain, files_in, members, sources};

/// The folders at the root whose files are named from there.
const FOLDERS: [&str; 8] =
    ["src/", "crates/", "tests/", "assets/", "benches/", "docs/", "examples/", ".ci/"];

/// The names of kinds of files that are in this repository.
const KINDS: [&str; 9] = [".rs", ".md", ".toml", ".patch", ".html", ".js", ".css", ".py", ".c"];

/// The words of a text that are names of files.
fn files_named(text: &str) -> BTreeSet<&str> {
    let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || "_./-".contains(letter);
    let words = text.split(|letter| !is_of_name(letter)).map(|word| word.trim_end_matches('.'));
    let is_file = |word: &&str| {
        let is_relative =
            word.starts_with(|letter: char| letter.is_alphanumeric() || letter == '.');
        let has_kind = KINDS.iter().any(|kind| {
            word.strip_suffix(kind).is_some_and(|stem| stem.ends_with(char::is_alphanumeric))
        });
        // By itself `ticketboss.toml` is a file of an operator.
        let is_ours = word.contains('/') || [".rs", ".md"].iter().any(|kind| word.ends_with(kind));
        is_relative
            && !word.contains("NAME")
            && (has_kind && is_ours || FOLDERS.iter().any(|folder| word.starts_with(folder)))
    };
    words.filter(is_file).collect()
}

/// Whether a name is that of a file, from the root or from some folder.
fn is_there(name: &str, files: &[PathBuf]) -> bool {
    Path::new(name).exists() || files.iter().any(|file| file.ends_with(name))
}

/// The comments of a manifest or of settings, and the reasons given there.
fn remarks(toml: &str) -> String {
    let remarks = toml.lines().filter_map(|line| {
        let (_, remark) = line.split_once("reason = ").or_else(|| line.split_once("# "))?;
        Some(remark)
    });
    remarks.collect::<Vec<_>>().join("\n")
}

fn settings_files() -> Vec<PathBuf> {
    let folders = members().into_iter().chain([PathBuf::from("tests/schedules")]);
    let manifests = folders.map(|folder| folder.join("Cargo.toml"));
    manifests.chain(["clippy.toml", "rustfmt.toml"].map(PathBuf::from)).collect()
}

#[test]
fn the_files_that_are_named_are_there() {
    let folders = members()
        .into_iter()
        .flat_map(|member| ["src", "tests", "benches"].map(|folder| member.join(folder)));
    let mut texts = collect(folders)
        .into_iter()
        .map(|source| (source.path, source.comments))
        .collect::<Vec<_>>();
    let files = files_in(Path::new("."));
    let is_document = |file: &&PathBuf| {
        file.extension().is_some_and(|kind| kind == "md")
            && (file.iter().count() == 1 || file.starts_with("docs"))
            && !file.ends_with("CHANGELOG.md")
    };
    for document in files.iter().filter(is_document) {
        texts.push((document.clone(), fs::read_to_string(document).unwrap()));
    }
    for settings in settings_files() {
        let remarks = remarks(&fs::read_to_string(&settings).unwrap());
        texts.push((settings, remarks));
    }
    let mut faults = Vec::new();
    let mut count = 0;
    for (path, text) in &texts {
        for name in files_named(text) {
            count += 1;
            if !is_there(name, &files) {
                faults.push(format!("{}: there is no {name}", path.display()));
            }
        }
    }
    assert!(count > 50, "{count} names of files");
    complain(&faults);
}

/// The names of things in the code that a remark holds: paths, and what stands between backticks.
fn things_named(remark: &str) -> BTreeSet<&str> {
    let is_of_path = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
    let paths = remark.split(|letter| !is_of_path(letter)).filter(|word| word.contains("::"));
    let quoted = remark.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    let quoted = quoted.filter(|word| word.chars().all(is_of_path));
    let words = paths.chain(quoted).flat_map(|path| path.split("::"));
    words.filter(|word| !word.is_empty()).collect()
}

#[test]
fn the_things_that_settings_name_are_there() {
    let crates = members()
        .into_iter()
        .filter_map(|member| Some(format!("ticketboss_{}", member.file_name()?.to_str()?)));
    let features = ["sim", "shuttle", "simulated"].map(str::to_owned);
    let mut known = crates.chain(features).collect::<BTreeSet<String>>();
    known.extend(sources().iter().flat_map(|source| source.tokens.iter().cloned()));
    let mut faults = Vec::new();
    for settings in settings_files() {
        let remarks = remarks(&fs::read_to_string(&settings).unwrap());
        let unknown = things_named(&remarks).into_iter().filter(|name| !known.contains(*name));
        faults.extend(unknown.map(|name| format!("{}: there is no {name}", settings.display())));
    }
    complain(&faults);
}

#[test]
fn names_are_found() {
    let text = "see `src/a.rs`, engine/past.rs. apply.rs, crates/*/x, https://b.c/d.html, tests/NAME.patch, `.ci/run`";
    let found = files_named(text).into_iter().collect::<Vec<_>>();
    assert_eq!(found, [".ci/run", "apply.rs", "crates/", "engine/past.rs", "src/a.rs"]);
    let files = [PathBuf::from("crates/x/src/engine/past.rs")];
    assert!(is_there("engine/past.rs", &files) && !is_there("gine/past.rs", &files));
    let toml =
        "a = 1 # b::C reads well\n{ path = \"d::e\", reason = \"only `f` draws; g::h\" }\n[x]";
    let found = things_named(&remarks(toml)).into_iter().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(found, ["C", "b", "f", "g", "h"]);
}
