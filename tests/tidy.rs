//! Checks what no compiler checks: that the tree is built as `src/lib.rs` says.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails where it stands")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The floor of each top-level module of the root package. A file uses strictly lower floors, and its own
/// module. Between the crates the compiler sees to it.
const FLOORS: &[(&str, u8)] = &[
    ("http", 0),
    ("server", 1),
    ("config", 1),
    ("commands", 2),
    ("cli", 3),
    ("main", 4),
    ("lib", 4),
];

/// Words that have a home: outside the named files and folders they must not stand.
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
    ("std::env::", &["src/config.rs"]),
    ("env::var", &["src/config.rs"]),
    ("Uuid::new_v", &["crates/runtime/src/entropy.rs"]),
    ("SystemTime", &["crates/runtime/src/clock.rs"]),
    ("Timestamp::now", &["crates/runtime/src/clock.rs"]),
    ("println!", &[]),
    ("StatusCode::BAD_REQUEST", &["src/http/kernel/problem/code.rs"]),
    ("StatusCode::SERVICE_UNAVAILABLE", &["src/http/kernel/problem/code.rs"]),
    ("StatusCode::INTERNAL_SERVER_ERROR", &["src/http/kernel/problem/code.rs"]),
    ("sync_data", &["crates/store/src/local/sled"]),
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
    ("src", &["#[allow(", "#![allow(", "todo!(", "unimplemented!(", "unsafe "]),
    ("crates", &["#[allow(", "#![allow(", "todo!(", "unimplemented!(", "unsafe "]),
];

/// The members whose folders are not in `crates`.
const OTHER_MEMBERS: [&str; 2] = [".", "tests/schedules"];

/// The longest file of the source.
const FILE_LINES_MAX: usize = 500;

struct Source {
    path: PathBuf,
    /// The part before the unit tests, without comments.
    code: String,
    text: String,
}

impl Source {
    fn is_in(&self, place: &str) -> bool {
        let file = Path::new(place).with_extension("rs");
        self.path.starts_with(place) || self.path == Path::new(place) || self.path == file
    }

    /// The top-level module of the root package that this is in, if it is in one.
    fn module(&self) -> Option<String> {
        let relative = self.path.strip_prefix("src").ok()?;
        let first = relative.components().next()?.as_os_str().to_str()?;
        Some(first.trim_end_matches(".rs").to_owned())
    }
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    for member in members() {
        collect(&member.join("src"), &mut found);
    }
    assert!(found.len() > 100, "the source was found");
    found
}

/// The folders of the packages that are built by default.
fn members() -> Vec<PathBuf> {
    let crates = fs::read_dir("crates").unwrap().map(|entry| entry.unwrap().path());
    crates.chain([PathBuf::from(".")]).collect()
}

#[test]
fn every_member_has_the_lints_of_the_workspace() {
    let members = members().into_iter().chain(OTHER_MEMBERS.map(PathBuf::from));
    let manifest = |member: PathBuf| fs::read_to_string(member.join("Cargo.toml")).unwrap();
    for text in members.map(manifest) {
        assert!(text.contains("[lints]\nworkspace = true\n"), "{text}");
    }
}

fn collect(folder: &Path, found: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
            let is_code = |line: &&str| !line.trim_start().starts_with("//");
            let code = code.lines().filter(is_code).collect::<Vec<_>>().join("\n");
            // The module of our own that is called like the crate is no use of the crate.
            let code = code.replace("local::sled::", "local::").replace("self::sled::", "self::");
            let path = path.strip_prefix(".").unwrap_or(&path).to_owned();
            found.push(Source { path, code, text });
        }
    }
}

fn floor(module: &str) -> u8 {
    let known = FLOORS.iter().find(|(name, _)| *name == module);
    known.unwrap_or_else(|| panic!("{module} has no floor in tests/tidy.rs")).1
}

fn complain(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn a_file_uses_lower_floors_only() {
    let mut faults = Vec::new();
    for source in sources() {
        let Some(own) = source.module() else { continue };
        for (_, after) in source
            .code
            .match_indices("crate::")
            .map(|(at, word)| (at, &source.code[at + word.len()..]))
        {
            let used = after.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
            if used != own && floor(used) >= floor(&own) {
                faults.push(format!("{}: {own} uses {used}", source.path.display()));
            }
        }
    }
    complain(&faults);
}

#[test]
fn words_stand_in_their_homes() {
    let mut faults = Vec::new();
    for source in sources() {
        for (word, homes) in HOMES {
            let at_home = homes.iter().any(|home| source.is_in(home));
            if source.code.contains(word) && !at_home {
                faults.push(format!("{}: {word} belongs into {homes:?}", source.path.display()));
            }
        }
        for (place, strangers) in STRANGERS {
            for word in strangers.iter().filter(|_| source.is_in(place)) {
                if source.code.contains(word) {
                    faults.push(format!("{}: {word} is strange here", source.path.display()));
                }
            }
        }
    }
    complain(&faults);
}

#[test]
fn a_record_is_swapped_in_one_place() {
    let swaps =
        sources().iter().map(|s| s.code.matches(".compare_and_swap(").count()).sum::<usize>();
    assert_eq!(swaps, 1);
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

#[test]
fn every_test_that_is_ignored_says_what_it_needs() {
    let mut found = Vec::new();
    for member in members() {
        collect(&member.join("tests"), &mut found);
    }
    assert!(found.len() > 100, "the tests were found");
    let bare = found.iter().filter(|source| source.text.contains("#[ignore]\n"));
    complain(&bare.map(|source| source.path.display().to_string()).collect::<Vec<_>>());
}

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
        println!("not tested: there is no git");
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
        // In a repository that is around this tree, git would leave out all of its files.
        let around = Path::new(".").canonicalize().unwrap();
        let applied = Command::new("git")
            .args(["apply", "--check"])
            .arg(&path)
            .env("GIT_CEILING_DIRECTORIES", around.parent().unwrap_or(&around))
            .env_remove("GIT_DIR")
            .env_remove("GIT_WORK_TREE")
            .output()
            .unwrap();
        if !applied.status.success() {
            let why = String::from_utf8_lossy(&applied.stderr);
            faults.push(format!("{name} does not apply:\n{}", why.trim_end()));
        }
    }
    assert!(count > 30, "the planted defects were found");
    complain(&faults);
}

/// A module path and the file that has it, as in `["event", "apply"]`.
type Module = Vec<String>;

/// The module that a file is, and whose child modules its paths begin from.
fn module_of(path: &Path, root: &Path) -> Module {
    let relative = path.strip_prefix(root).unwrap().with_extension("");
    let parts = relative.components().map(|part| part.as_os_str().to_str().unwrap().to_owned());
    let parts = parts.collect::<Vec<_>>();
    match parts.as_slice() {
        [only] if only == "lib" || only == "main" => Vec::new(),
        _ => parts,
    }
}

/// The paths that a file names: those of its `use` trees, and those in its code that begin with `crate`,
/// `self` or `super`.
fn paths_named(code: &str) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    let mut code = code.to_owned();
    while let Some(at) = find_use(&code) {
        let end = code[at..].find(';').map_or(code.len(), |end| at + end);
        let tree = code[at..end].trim_start_matches("use ").replace(char::is_whitespace, " ");
        expand(&tree, &[], &mut paths);
        code.replace_range(at..end, "");
    }
    for start in ["crate::", "super::", "self::"] {
        for (at, _) in code.match_indices(start) {
            let is_visibility = code[..at].ends_with("(in ");
            let before = code[..at].chars().next_back().filter(|_| !is_visibility);
            if is_visibility
                || before.is_some_and(|letter| letter.is_alphanumeric() || "_:$".contains(letter))
            {
                continue;
            }
            let is_path = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
            let path = code[at..].split(|letter| !is_path(letter)).next().unwrap();
            paths.push(
                path.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect(),
            );
        }
    }
    paths
}

fn find_use(code: &str) -> Option<usize> {
    code.match_indices("use ").map(|(at, _)| at).find(|at| {
        let before = code[..*at].trim_end_matches(' ');
        before.is_empty() || before.ends_with(['\n', ')', ';', '{', '}']) || before.ends_with("pub")
    })
}

/// The paths of one `use` tree: `a::{b, c::d}` has two.
fn expand(tree: &str, before: &[String], paths: &mut Vec<Vec<String>>) {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let path = tree.split(" as ").next().unwrap().trim();
        let parts = path.split("::").map(|part| part.trim().to_owned());
        paths.push(before.iter().cloned().chain(parts).filter(|part| !part.is_empty()).collect());
        return;
    };
    let front = tree[..open].split("::").map(|part| part.trim().to_owned());
    let front: Vec<_> =
        before.iter().cloned().chain(front.filter(|part| !part.is_empty())).collect();
    let inner = &tree[open + 1..tree.rfind('}').unwrap()];
    let (mut depth, mut from) = (0, 0);
    for (at, letter) in inner.char_indices().chain([(inner.len(), ',')]) {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                if !inner[from..at].trim().is_empty() {
                    expand(&inner[from..at], &front, paths);
                }
                from = at + 1;
            }
            _ => {}
        }
    }
}

/// The file that a path leads to, of those of one crate: that of the longest module at its beginning.
fn resolve(path: &[String], from: &Module, modules: &BTreeMap<Module, usize>) -> Option<usize> {
    let mut at = from.clone();
    let mut rest = path.iter().peekable();
    match rest.peek()?.as_str() {
        "crate" => at.clear(),
        "self" | "super" => {}
        child => {
            at.push(child.to_owned());
            modules.get(&at)?;
            at.pop();
        }
    }
    while let Some(part) = rest.next_if(|part| ["crate", "self", "super"].contains(&part.as_str()))
    {
        if part == "super" {
            at.pop();
        }
    }
    for part in rest {
        at.push(part.clone());
        if !modules.contains_key(&at) {
            at.pop();
            break;
        }
    }
    modules.get(&at).copied()
}

/// For each file, the files that it can get to.
fn reachable(arrows: &[BTreeSet<usize>]) -> Vec<BTreeSet<usize>> {
    let from = |start: usize| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![start]);
        while let Some(at) = next.pop() {
            next.extend(arrows[at].iter().copied().filter(|to| seen.insert(*to)));
        }
        seen
    };
    (0..arrows.len()).map(from).collect()
}

/// `use crate::a::B` makes an arrow to the file of `a`; `mod a;` makes none.
#[test]
fn no_two_files_import_each_other() {
    let mut faults = BTreeSet::new();
    for member in members() {
        let root = member.join("src");
        let root = root.strip_prefix(".").unwrap_or(&root);
        let files = sources().into_iter().filter(|source| source.path.starts_with(root));
        let files = files.filter(|source| !source.path.starts_with(root.join("bin")));
        let files = files.filter(|source| source.path != root.join("main.rs")).collect::<Vec<_>>();
        let modules: BTreeMap<Module, usize> = files
            .iter()
            .enumerate()
            .map(|(index, source)| (module_of(&source.path, root), index))
            .collect();
        let mut arrows = vec![BTreeSet::new(); files.len()];
        for (index, source) in files.iter().enumerate() {
            let from = module_of(&source.path, root);
            let paths = paths_named(&source.code);
            let found = paths.iter().filter_map(|path| resolve(path, &from, &modules));
            arrows[index].extend(found.filter(|to| *to != index));
        }
        assert!(files.len() < 5 || arrows.iter().any(|to| !to.is_empty()), "{}", root.display());
        let reachable = reachable(&arrows);
        for (index, to) in arrows.iter().enumerate() {
            for other in to.iter().filter(|other| reachable[**other].contains(&index)) {
                let (one, other) = (files[index].path.display(), files[*other].path.display());
                faults.insert(format!("{one} imports {other}, and is imported by it in turn"));
            }
        }
    }
    complain(&faults.into_iter().collect::<Vec<_>>());
}

#[test]
fn use_trees_are_expanded() {
    let code =
        "use a::{self, b::{C, D as E}, f};\npub(crate) use crate::g;\nlet x = super::h::I::new();";
    let paths = paths_named(code).iter().map(|path| path.join("::")).collect::<Vec<_>>();
    assert_eq!(paths, ["a::self", "a::b::C", "a::b::D", "a::f", "crate::g", "super::h::I::new"]);
}

/// The name of a type that is visible outside of its file, if the line declares one.
fn type_declared(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix("pub")?;
    let rest = match rest.strip_prefix('(') {
        Some(scope) => scope.split_once(')')?.1,
        None => rest,
    };
    let (kind, rest) = rest.trim_start().split_once(' ')?;
    let name = rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next()?;
    ["struct", "enum", "trait", "type", "union"].contains(&kind).then_some(name)
}

#[test]
fn no_type_name_stands_twice_in_a_crate() {
    let mut faults = Vec::new();
    for member in members() {
        let root = member.join("src");
        let root = root.strip_prefix(".").unwrap_or(&root);
        let mut homes: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for source in sources().iter().filter(|source| source.path.starts_with(root)) {
            for name in source.code.lines().filter_map(type_declared) {
                homes.entry(name.to_owned()).or_default().push(source.path.display().to_string());
            }
        }
        let twice = homes.iter().filter(|(_, homes)| homes.len() > 1);
        faults.extend(twice.map(|(name, homes)| format!("{name}: {}", homes.join(", "))));
    }
    complain(&faults);
}

#[test]
fn the_map_names_files_that_are_there() {
    let map = fs::read_to_string("src/lib.rs").unwrap();
    let map = map.lines().filter(|line| line.starts_with("//!")).collect::<String>();
    let quoted = map.split('`').skip(1).step_by(2);
    let folders = ["src/", "crates/", "tests/", "assets/", ".ci/"];
    let paths = quoted.filter(|text| folders.iter().any(|folder| text.starts_with(folder)));
    let paths = paths.filter(|path| !path.contains("NAME")).collect::<BTreeSet<_>>();
    assert!(paths.len() > 20, "{paths:?}");
    let missing = paths.into_iter().filter(|path| !Path::new(path).exists());
    complain(&missing.map(str::to_owned).collect::<Vec<_>>());
}
