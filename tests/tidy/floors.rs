//! Which file, which module and which crate may use which.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::paths::{Parts, Tree, trees};
use crate::source::{complain, members};

/// The floor of each top-level module of the root package. A file uses strictly lower floors, and its own
/// module.
const FLOORS: &[(&str, u8)] =
    &[("http", 0), ("server", 1), ("config", 1), ("commands", 2), ("cli", 3), ("lib", 4)];

/// The packages. Each uses those before it.
const PACKAGES: [&str; 6] = [
    "ticketboss-core",
    "ticketboss-runtime",
    "ticketboss-store",
    "ticketboss-engine",
    "ticketboss-lab",
    "ticketboss",
];

/// The heading of a table that lists child modules, each of which uses those before it.
const TABLE_HEADING: &str = "//! # Floors\n";

fn floor(module: &Parts) -> u8 {
    let module = module.first().map_or("lib", String::as_str);
    let known = FLOORS.iter().find(|(name, _)| *name == module);
    known.unwrap_or_else(|| panic!("{module} has no floor in tests/tidy/floors.rs")).1
}

fn upward_in_root(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for (from, to) in &tree.arrows {
        let (own, used) = (&tree.modules[*from], &tree.modules[*to]);
        if own.first() != used.first() && floor(used) >= floor(own) {
            let (one, other) = tree.shown((*from, *to));
            faults.push(format!("{one} uses {other}, which is on no lower floor"));
        }
    }
    faults
}

#[test]
fn a_file_uses_lower_floors_only() {
    let tree = trees().iter().find(|tree| tree.root == Path::new("src"));
    complain(&upward_in_root(tree.unwrap()));
}

/// The modules that the table of floors in a file lists, the lowest first.
fn table(text: &str) -> Option<Vec<&str>> {
    let lines = text.split_once(TABLE_HEADING)?.1.lines();
    let lines = lines.take_while(|line| line.starts_with("//!") && !line.starts_with("//! # "));
    Some(lines.filter_map(|line| line.strip_prefix("//! | `")?.split('`').next()).collect())
}

/// What goes against the tables of floors: an arrow up, a module without a row, a row without a module.
fn against_tables(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for (source, own) in tree.files.iter().zip(&tree.modules) {
        let Some(table) = table(&source.text) else { continue };
        let child = |index: usize| tree.modules[index].strip_prefix(own.as_slice());
        let all = (0..tree.files.len()).filter_map(|index| child(index)?.first());
        let all = all.map(String::as_str).collect::<BTreeSet<_>>();
        let listed = table.iter().copied().collect();
        for module in all.symmetric_difference(&listed) {
            faults.push(format!("{}: {module} is in one of tree and table", source.path.display()));
        }
        let floor = |path: &[String]| match path.first() {
            Some(module) => table.iter().position(|listed| listed == module),
            None => Some(table.len()),
        };
        for (from, to) in &tree.arrows {
            let (Some(own), Some(used)) = (child(*from), child(*to)) else { continue };
            if floor(own) < floor(used) {
                let (one, other) = tree.shown((*from, *to));
                faults.push(format!("{one} uses {other}, which is on a higher floor"));
            }
        }
    }
    faults
}

#[test]
fn no_file_goes_against_a_table_of_floors() {
    let trees = trees();
    let texts = trees.iter().flat_map(|tree| &tree.files).filter_map(|source| table(&source.text));
    assert!(texts.map(|table| table.len()).sum::<usize>() >= 9, "the tables were found");
    complain(&trees.iter().flat_map(against_tables).collect::<Vec<_>>());
}

/// The packages of this workspace that a manifest names as dependencies of what is built without tests.
fn dependencies(manifest: &str) -> BTreeSet<&str> {
    let sections = manifest.split("\n[").filter(|section| {
        let heading = section.split(']').next().unwrap();
        let mut words = heading.split('.');
        words.any(|word| word == "dependencies" || word == "build-dependencies")
            && !heading.starts_with("workspace")
    });
    let is_name = |letter: char| letter.is_alphanumeric() || letter == '-';
    let words = sections.flat_map(|section| section.split(move |letter| !is_name(letter)));
    words.filter(|word| PACKAGES.contains(word)).collect()
}

#[test]
fn a_package_depends_on_those_below_it() {
    let mut seen = BTreeSet::new();
    for member in members() {
        let manifest = fs::read_to_string(member.join("Cargo.toml")).unwrap();
        let package = manifest.split("[package]\nname = \"").nth(1).unwrap();
        let package = package.split('"').next().unwrap();
        let floor = PACKAGES.iter().position(|name| *name == package);
        let floor = floor.unwrap_or_else(|| panic!("{package} has no floor"));
        for used in dependencies(&manifest) {
            assert!(PACKAGES[..floor].contains(&used), "{package} depends on {used}");
        }
        seen.insert(floor);
    }
    assert_eq!(seen.len(), PACKAGES.len());
}

/// For each file, the files that it can get to.
fn reachable(tree: &Tree) -> Vec<BTreeSet<usize>> {
    let from = |start: usize| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![start]);
        while let Some(at) = next.pop() {
            let arrows = tree.arrows.range((at, 0)..=(at, usize::MAX));
            next.extend(arrows.map(|(_, to)| *to).filter(|to| seen.insert(*to)));
        }
        seen
    };
    (0..tree.files.len()).map(from).collect()
}

fn circles(tree: &Tree) -> Vec<String> {
    let reachable = reachable(tree);
    let in_circle = tree.arrows.iter().filter(|(from, to)| reachable[*to].contains(from));
    let shown = in_circle.map(|arrow| tree.shown(*arrow));
    shown.map(|(one, other)| format!("{one} imports {other}, which leads back to it")).collect()
}

#[test]
fn no_two_files_import_each_other() {
    complain(&trees().iter().flat_map(circles).collect::<Vec<_>>());
}

#[test]
fn a_higher_floor_is_found_however_it_is_named() {
    for code in [
        "use crate::server::X;",
        "use crate::{server, config};",
        "use super::super::server;",
        "fn f() { crate::server::g() }",
    ] {
        let files = [("src/lib.rs", ""), ("src/http.rs", ""), ("src/http/a.rs", code)];
        let others = [("src/server.rs", "use crate::http;"), ("src/config.rs", "")];
        let faults = upward_in_root(&Tree::of(&[files.as_slice(), &others].concat()));
        assert!(faults[0].starts_with("src/http/a.rs uses src/server.rs"), "{code}: {faults:?}");
    }
}

#[test]
fn an_arrow_up_in_a_table_is_found() {
    let text =
        "//! A.\n//!\n//! # Floors\n//!\n//! | `low` | x |\n//! | `high` | `y` |\n//!\n//! Z";
    let tree = |low| {
        let high = ("src/a/high.rs", "use super::low::inner;");
        Tree::of(&[("src/a.rs", text), ("src/a/low.rs", ""), ("src/a/low/inner.rs", low), high])
    };
    assert_eq!(against_tables(&tree("use crate::b;")), [""; 0]);
    let up = "src/a/low/inner.rs uses src/a/high.rs, which is on a higher floor";
    assert_eq!(against_tables(&tree("use super::super::high::H;")), [up]);
    assert!(
        against_tables(&tree("use crate::a::X;"))[0]
            .ends_with("src/a.rs, which is on a higher floor")
    );
    let unlisted = Tree::of(&[("src/a.rs", text), ("src/a/low.rs", ""), ("src/a/new.rs", "")]);
    assert_eq!(against_tables(&unlisted).len(), 2, "`high` and `new`");
}

#[test]
fn a_circle_over_a_path_in_the_code_is_found() {
    let tree = Tree::of(&[
        ("src/a.rs", "mod b;\nfn f() { b::c::g() }"),
        ("src/a/b.rs", "mod c;"),
        ("src/a/b/c.rs", "use super::super::f;"),
    ]);
    assert_eq!(circles(&tree).len(), 2);
}

#[test]
fn only_what_is_built_without_tests_counts_as_a_dependency() {
    let manifest = "[package]\nname = \"ticketboss-core\"\n\n[dependencies]\nx = { package = \"ticketboss-lab\" }\n\
        \n[dev-dependencies]\nticketboss-store.workspace = true\n[target.'cfg(unix)'.dependencies]\nticketboss-engine = \"1\"\n";
    let found = dependencies(manifest).into_iter().collect::<Vec<_>>();
    assert_eq!(found, ["ticketboss-engine", "ticketboss-lab"]);
}
