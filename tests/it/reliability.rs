//! RELIABILITY.md is true of what there is: its files, its commands, their variables and flags.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

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
    let this = std::env::current_exe().unwrap();
    let listed = Command::new(this).arg("--list").output().unwrap();
    let listed = said(&listed);
    let mut sources = String::new();
    for entry in walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")) {
        sources.push_str(&fs::read_to_string(entry).unwrap());
    }
    let commands = quoted().filter(|text| text.contains("cargo test"));
    let mut count = 0;
    for text in commands {
        count += 1;
        for variable in text.split(' ').filter(|word| word.starts_with("TICKETBOSS_")) {
            let name = variable.split('=').next().unwrap();
            assert!(sources.contains(&format!("\"{name}\"")), "{text}: {name}");
        }
        if text.contains("--test it ") {
            let names_tests = |word: &&str| listed.lines().any(|line| line.starts_with(*word));
            assert!(text.split(' ').any(|word| names_tests(&word)), "{text} names no test");
        }
    }
    assert!(count >= 8, "{count} commands");
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
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
