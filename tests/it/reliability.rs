//! RELIABILITY.md is true of what there is: its files, its commands, their variables and flags.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
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
        let Some(binary) = after(&words, "--test") else { continue };
        let package = after(&words, "-p").unwrap_or(env!("CARGO_PKG_NAME"));
        let folder = packages.get(package);
        let folder = folder.unwrap_or_else(|| panic!("{text}: there is no package {package}"));
        let tests = if package == env!("CARGO_PKG_NAME") && binary == env!("CARGO_CRATE_NAME") {
            own_tests()
        } else {
            tests_of(&folder.join("tests").join(binary).join("main.rs"))
        };
        let named = filters(&words);
        assert!(!named.is_empty(), "{text} names no test");
        for filter in named {
            // The harness takes a test whose path has the filter anywhere in it. These begin with it.
            let is_there = tests.iter().any(|test| test.starts_with(filter));
            assert!(is_there, "{text}: no test begins with {filter}");
        }
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

/// The tests that are named to `cargo test` by the beginning of their paths.
fn filters<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let start = words.iter().position(|word| *word == "test").map_or(0, |at| at + 1);
    let is_filter = |at: &usize| {
        let is_value = ["-p", "--test", "--test-threads"].contains(&words[at - 1]);
        !is_value && !words[*at].starts_with('-')
    };
    (start..words.len()).filter(is_filter).map(|at| words[at]).collect()
}

/// The tests of this binary, as it lists them.
fn own_tests() -> BTreeSet<String> {
    let program = std::env::current_exe().unwrap();
    let listed = Command::new(program).arg("--list").output().unwrap();
    let lines = String::from_utf8(listed.stdout).unwrap();
    lines.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect()
}

/// The tests of a binary that is not built with this one, read from the source: functions that are marked as
/// tests, in `root` and in the files of the modules that are declared from there on.
fn tests_of(root: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut left = vec![(root.to_owned(), root.parent().unwrap().to_owned(), String::new())];
    while let Some((file, folder, path)) = left.pop() {
        let source =
            fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        found.extend(marked(&source).iter().map(|name| format!("{path}{name}")));
        let modules =
            source.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
        // What stands elsewhere, by `#[path]`, is shared, and has no tests.
        let modules = modules.filter(|name| folder.join(format!("{name}.rs")).exists());
        left.extend(modules.map(|name| {
            let file = folder.join(format!("{name}.rs"));
            (file, folder.join(name), format!("{path}{name}::"))
        }));
    }
    found
}

/// The functions that are marked as tests, with the module within the file that each is in.
fn marked(source: &str) -> Vec<String> {
    let (mut found, mut module, mut is_marked) = (Vec::new(), String::new(), false);
    for line in source.lines() {
        if let Some(name) = line.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(" {")) {
            module = format!("{name}::");
        } else if line == "}" {
            module.clear();
        }
        let line = line.trim_start();
        if let Some(function) = line.trim_start_matches("async ").strip_prefix("fn ") {
            let name = function.split(['(', '<']).next().unwrap();
            found.extend(is_marked.then(|| format!("{module}{name}")));
            is_marked = false;
        }
        is_marked |= line == "#[test]" || line.starts_with("#[tokio::test");
    }
    found
}

#[test]
fn only_what_is_a_test_counts_as_one() {
    let source =
        "#[test]\n#[ignore = \"a\"]\nfn b() {}\nfn c() {}\n#[tokio::test(x)]\nasync fn d<'a>() {}
mod e {\n    #[test]\n    fn f() {\n    }\n}\nproptest! {\n    #[test]\n    fn g(h in 0..9) {}\n}";
    assert_eq!(marked(source), ["b", "d", "e::f", "g"]);
    let words = "A=1 cargo test --release -p b --test it c:: -- --ignored --test-threads 1 d::e";
    assert_eq!(filters(&words.split(' ').collect::<Vec<_>>()), ["c::", "d::e"]);
    let listed = own_tests();
    assert!(listed.contains("reliability::only_what_is_a_test_counts_as_one"), "{listed:?}");
    // Read from its source, this binary has the tests that it lists.
    let read = tests_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/main.rs"));
    let unlisted = read.difference(&listed).collect::<Vec<_>>();
    assert!(unlisted.is_empty() && read.len() > 100, "{unlisted:?}");
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
