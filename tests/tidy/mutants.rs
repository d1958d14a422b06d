//! The planted defects: each can still be planted, and none is in the source.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::skip::skip;
use crate::source::{complain, sources};

#[test]
fn no_defect_is_planted_in_the_source() {
    let mut faults = Vec::new();
    for source in sources() {
        let text = source.code.to_lowercase();
        for word in ["sabotage", "mutant"].iter().filter(|word| text.contains(**word)) {
            faults.push(format!("{}: {word} belongs into tests/mutants", source.path.display()));
        }
    }
    complain(&faults);
}

#[test]
fn every_mutant_applies() {
    if Command::new("git").arg("--version").output().is_err() {
        skip("there is no git");
        return;
    }
    let harness = fs::read_to_string(".ci/sabotage").unwrap();
    let suites = harness.split("SUITES_KNOWN=\"").nth(1).unwrap().split('"').next().unwrap();
    let mut faults = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir("tests/mutants").unwrap() {
        let path = entry.unwrap().path();
        let name = path.display();
        count += 1;
        let text = fs::read_to_string(&path).unwrap();
        let (breaks, convicted_by) = match text.lines().collect::<Vec<_>>()[..] {
            [breaks, convicted_by, ..] => (breaks, convicted_by),
            _ => ("", ""),
        };
        if !breaks.strip_prefix("Breaks: ").is_some_and(|what| what.ends_with('.')) {
            faults.push(format!("{name}: line 1 does not say `Breaks: <what>.`"));
        }
        let suite = convicted_by.strip_prefix("Convicted by: ");
        if !suite.is_some_and(|suite| suites.split(' ').any(|known| known == suite)) {
            faults.push(format!("{name}: line 2 does not say `Convicted by:` and one of {suites}"));
        }
        if let Err(why) = apply(&path) {
            faults.push(format!("{name} does not apply:\n{}", why.trim_end()));
        }
    }
    assert!(count > 30, "the planted defects were found");
    complain(&faults);
}

/// Whether git would apply a patch, or what it says.
fn apply(patch: &Path) -> Result<(), String> {
    // In a repository that is around this tree, git would leave out all of its files.
    let around = Path::new(".").canonicalize().unwrap();
    let applied = Command::new("git")
        .args(["apply", "--check"])
        .arg(patch)
        .env("GIT_CEILING_DIRECTORIES", around.parent().unwrap_or(&around))
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&applied.stderr).into_owned();
    if applied.status.success() { Ok(()) } else { Err(said) }
}
