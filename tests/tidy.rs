//! Checks what no compiler checks: that the tree is built as `src/lib.rs` says.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails where it stands")]
#![expect(clippy::print_stdout, reason = "a test says that it was skipped")]

use std::fs;
use std::path::PathBuf;

use source::{Layers, after_group, collect, complain, layers, members, sources, tokens};

#[path = "tidy/documents.rs"]
mod documents;
#[path = "tidy/floors.rs"]
mod floors;
#[path = "tidy/homes.rs"]
mod homes;
#[path = "tidy/mutants.rs"]
mod mutants;
#[path = "tidy/paths.rs"]
mod paths;
#[path = "support/settings.rs"]
#[expect(dead_code, reason = "nothing waits here")]
mod settings;
#[path = "support/skip.rs"]
mod skip;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/types.rs"]
mod types;

/// What the shared helpers of the tests expect of a test binary.
mod support {
    pub(crate) use crate::settings::setting;
}

/// The members whose folders are not in `crates`.
const OTHER_MEMBERS: [&str; 2] = [".", "tests/schedules"];

/// The longest file of the source.
const FILE_LINES_MAX: usize = 500;

#[test]
fn every_member_has_the_lints_of_the_workspace() {
    let members = members().into_iter().chain(OTHER_MEMBERS.map(PathBuf::from));
    let manifest = |member: PathBuf| fs::read_to_string(member.join("Cargo.toml")).unwrap();
    for text in members.map(manifest) {
        assert!(text.contains("[lints]\nworkspace = true\n"), "{text}");
    }
}

#[test]
fn a_record_is_swapped_in_one_place() {
    let swaps = |tokens: &[String]| {
        tokens.windows(2).filter(|pair| pair[0] != "fn" && pair[1] == "compare_and_swap").count()
    };
    assert_eq!(sources().iter().map(|source| swaps(&source.tokens)).sum::<usize>(), 1);
}

#[test]
fn a_file_says_what_it_is_for_and_is_not_too_long() {
    let mut faults = Vec::new();
    for source in sources() {
        if !source.text.starts_with("//! ") {
            faults.push(format!("{}: begins without a //! line", source.path.display()));
        }
        let lines = source.text.lines().count();
        if lines > FILE_LINES_MAX {
            faults.push(format!("{}: {lines} lines", source.path.display()));
        }
        if source.path.ends_with("mod.rs") {
            faults.push(format!("{}: foo.rs and foo/, no mod.rs", source.path.display()));
        }
    }
    complain(&faults);
}

/// How many tests of a file are ignored, and of how many of them no reason is given.
fn ignored(text: &str) -> (usize, usize) {
    let Layers { code, bare, .. } = layers(text);
    let (places, words): (Vec<_>, Vec<_>) = tokens(&bare).into_iter().unzip();
    let (mut all, mut without_reason) = (0, 0);
    for open in (1..words.len()).filter(|at| words[at - 1] == "#" && words[*at] == "[") {
        let end = after_group(&words, open);
        for at in (open..end).filter(|at| words[*at] == "ignore") {
            all += 1;
            let literal = match words[at + 1..end] {
                ["=", "\"", ..] => &code[places[at + 2]..places[at + 3]],
                _ => "",
            };
            let reason = literal.trim().trim_start_matches('r').trim_matches(['#', '"', ' ']);
            without_reason += usize::from(reason.is_empty());
        }
    }
    (all, without_reason)
}

#[test]
fn every_test_that_is_ignored_says_what_it_needs() {
    let folders = ["src", "tests", "benches"];
    let found = collect(members().iter().flat_map(|member| folders.map(|name| member.join(name))));
    let ignored = found.iter().map(|source| (&source.path, ignored(&source.text)));
    let ignored = ignored.collect::<Vec<_>>();
    assert!(ignored.iter().map(|(_, (all, _))| all).sum::<usize>() > 20, "the tests were found");
    let faults = ignored.iter().filter(|(_, (_, without_reason))| *without_reason > 0);
    complain(&faults.map(|(path, _)| path.display().to_string()).collect::<Vec<_>>());
}

#[test]
fn a_test_that_is_ignored_without_a_reason_is_found() {
    for text in [
        "#[ignore]\nfn f() {}",
        "#[ignore] fn f() {}",
        "#[ ignore ]\n",
        "#[test] #[ignore = \"\"]\n",
        "#[ignore = r#\" \"#]\n",
        "#[cfg_attr(not(x), ignore)]\n",
        "#[cfg(test)]\nmod tests {\n    #[ignore]\n}",
        "#[ignore] // needs root\n",
    ] {
        assert_eq!(ignored(text), (1, 1), "{text}");
    }
    assert_eq!(ignored("#[ignore = \"needs root\"]\n// #[ignore]\n\"#[ignore]\""), (1, 0));
}
