//! RELIABILITY.md is true of what there is: its files, its commands, their variables and flags.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::program::{run, said};

const RELIABILITY: &str = include_str!("../../RELIABILITY.md");

/// What stands between backticks.
fn quoted() -> impl Iterator<Item = &'static str> {
    RELIABILITY.split('`').skip(1).step_by(2)
}

#[test]
fn its_files_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = quoted().filter(|text| {
        ["src/", "crates/", "tests/", ".ci/"].iter().any(|folder| text.starts_with(folder))
            && !text.contains(' ')
    });
    let missing = files.filter(|file| !root.join(file).exists()).collect::<Vec<_>>();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn its_commands_have_the_flags_that_they_are_given() {
    let home = tempfile::tempdir().unwrap();
    let mut checked = BTreeSet::new();
    for text in quoted().filter(|text| text.starts_with("ticketboss ")) {
        let mut words = text.split(' ').skip(1);
        let command = words.next().unwrap();
        let output = run(home.path(), &[command, "--help"]);
        assert!(output.status.success(), "{text}");
        for flag in words.filter(|word| word.starts_with("--")) {
            assert!(said(&output).contains(&format!("{flag} ")), "{text}: {flag}");
        }
        checked.insert(command);
    }
    assert_eq!(checked.into_iter().collect::<Vec<_>>(), ["prove", "stress"]);
}

#[test]
fn its_tests_are_there_and_read_their_variables() {
    let packages = packages();
    let mut sources = String::new();
    let tests = packages.values().map(|folder| folder.join("tests"));
    for entry in tests.filter(|folder| folder.exists()).flat_map(|folder| walk(&folder)) {
        sources.push_str(&fs::read_to_string(entry).unwrap());
    }
    let commands = quoted().filter(|text| text.contains("cargo test"));
    let mut count = 0;
    for text in commands {
        count += 1;
        let words = text.split(' ').collect::<Vec<_>>();
        for variable in words.iter().filter(|word| word.starts_with("TICKETBOSS_")) {
            let name = variable.split('=').next().unwrap();
            assert!(sources.contains(&format!("\"{name}\"")), "{text}: {name}");
        }
        let package = after(&words, "-p").map(|name| {
            packages.get(name).unwrap_or_else(|| panic!("{text}: there is no package {name}"))
        });
        let Some(binary) = after(&words, "--test") else { continue };
        // Without `-p` cargo runs the tests of all default members.
        let searched = package.map_or_else(|| packages.values().collect(), |folder| vec![folder]);
        let tests = searched.iter().map(|folder| folder.join("tests").join(binary));
        let tests = tests.filter(|folder| folder.join("main.rs").exists()).collect::<Vec<_>>();
        assert!(!tests.is_empty(), "{text}: there is no {binary}");
        let names_tests = |word: &&str| tests.iter().any(|folder| begins_a_test(folder, word));
        assert!(words.iter().any(names_tests), "{text} names no test");
    }
    assert!(count >= 8, "{count} commands");
}

/// The word after a flag.
fn after<'a>(words: &[&'a str], flag: &str) -> Option<&'a str> {
    let at = words.iter().position(|word| *word == flag)?;
    words.get(at + 1).copied()
}

/// The packages of the workspace by their names, and where each is.
fn packages() -> BTreeMap<String, PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let crates = fs::read_dir(root.join("crates")).unwrap().map(|entry| entry.unwrap().path());
    let folders = crates.chain([root.to_owned(), root.join("tests/schedules")]);
    let named = folders.map(|folder| {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let name = manifest.lines().find_map(|line| line.strip_prefix("name = ")).unwrap();
        (name.trim_matches('"').to_owned(), folder)
    });
    named.collect()
}

/// Whether the tests in `folder` have a module or a function whose path begins with `word`.
fn begins_a_test(folder: &Path, word: &str) -> bool {
    let source_of = |module: &str| folder.join(module.replace("::", "/")).with_extension("rs");
    if source_of(word.trim_end_matches("::")).exists() {
        return true;
    }
    let Some((module, function)) = word.rsplit_once("::") else { return false };
    fs::read_to_string(source_of(module))
        .is_ok_and(|source| source.contains(&format!("fn {function}")))
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(walk(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
