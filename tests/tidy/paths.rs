//! The paths that a file names, and the files that they lead to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::source::{Source, is_word, members, sources};

/// A path in its parts, of a module or of anything else, as in `["event", "apply"]`.
pub(crate) type Parts = Vec<String>;

/// The names that a file gives to paths: by `use`, by `use … as` and by `type`.
type Names = BTreeMap<String, BTreeSet<Parts>>;

/// The paths that a file names, in `use` trees and in its code. What a name in front of a path stands for
/// stands in its place.
pub(crate) fn paths_named(tokens: &[String]) -> BTreeSet<Parts> {
    let (mut used, mut inline, mut names) = (Vec::new(), BTreeSet::new(), Names::new());
    let token = |at: usize| tokens.get(at).map_or("", String::as_str);
    let mut at = 0;
    while at < tokens.len() {
        match token(at) {
            "use" if token(at + 1) != "<" => at = expand(tokens, at + 1, &[], &mut used),
            "type" if token(at + 2) == "=" && is_word(token(at + 3)) => {
                used.push((token(at + 1).to_owned(), path_at(tokens, at + 3)));
                at += 3;
            }
            word if is_word(word) && begins_a_path(tokens, at) => {
                let path = path_at(tokens, at);
                at += 2 * path.len() - 1;
                if path.len() > 1 {
                    inline.insert(path);
                }
            }
            _ => at += 1,
        }
    }
    for (name, path) in &used {
        names.entry(name.clone()).or_default().insert(path.clone());
    }
    inline.extend(used.into_iter().map(|(_, path)| path));
    let mut paths = BTreeSet::new();
    for path in inline {
        spell_out(path, &names, 0, &mut paths);
    }
    paths
}

fn begins_a_path(tokens: &[String], at: usize) -> bool {
    let before = |back: usize| at.checked_sub(back).map_or("", |at| tokens[at].as_str());
    match before(1) {
        "." => false,
        "$" => tokens[at] == "crate",
        "::" => !is_word(before(2)) && before(2) != ">",
        // As in `pub(in super::super)`.
        "in" => before(2) != "(",
        _ => true,
    }
}

fn path_at(tokens: &[String], at: usize) -> Parts {
    let mut path = vec![tokens[at].clone()];
    for pair in tokens[at + 1..].chunks_exact(2) {
        if pair[0] != "::" || !is_word(&pair[1]) {
            break;
        }
        path.push(pair[1].clone());
    }
    path
}

/// Reads the paths of one `use` tree, each with its name, and returns the index after the tree: `a::{b, c::d}`
/// has two.
fn expand(
    tokens: &[String],
    from: usize,
    front: &[String],
    used: &mut Vec<(String, Parts)>,
) -> usize {
    let (mut path, mut at) = (front.to_vec(), from);
    let mut name = None;
    loop {
        match tokens.get(at).map_or("", String::as_str) {
            "::" => {}
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token != "}") {
                    at = expand(tokens, at, &path, used).max(at + 1);
                    at += usize::from(tokens.get(at).is_some_and(|token| token == ","));
                }
                return at + 1;
            }
            "as" => {
                name = tokens.get(at + 1).cloned();
                at += 1;
            }
            "self" if !path.is_empty() => {}
            word if is_word(word) || word == "*" => path.push(word.to_owned()),
            _ => break,
        }
        at += 1;
    }
    if let Some(last) = path.last() {
        used.push((name.unwrap_or_else(|| last.clone()), path));
    }
    at
}

/// Puts in place of the first part what it stands for in this file.
fn spell_out(path: Parts, names: &Names, depth: u8, paths: &mut BTreeSet<Parts>) {
    const DEPTH_MAX: u8 = 8;
    let meant = names.get(&path[0]).into_iter().flatten();
    let meant = meant.filter(|meant| depth < DEPTH_MAX && meant[0] != path[0]).collect::<Vec<_>>();
    for front in &meant {
        let whole = front.iter().chain(&path[1..]).cloned().collect();
        spell_out(whole, names, depth + 1, paths);
    }
    if meant.is_empty() {
        paths.insert(path);
    }
}

/// The files of one crate, and which of them imports which: `use crate::a::B` makes an arrow to the file of
/// `a`, and so does `a::B` in the code; `mod a;` makes none.
pub(crate) struct Tree {
    pub(crate) root: PathBuf,
    pub(crate) files: Vec<Source>,
    /// The module that each file is, and whose child modules its paths begin from.
    pub(crate) modules: Vec<Parts>,
    pub(crate) arrows: BTreeSet<(usize, usize)>,
}

impl Tree {
    pub(crate) fn new(root: &Path, files: Vec<Source>) -> Self {
        let modules =
            files.iter().map(|source| module_of(&source.path, root)).collect::<Vec<Parts>>();
        let indices = modules.iter().cloned().zip(0..).collect();
        let mut arrows = BTreeSet::new();
        for (index, source) in files.iter().enumerate() {
            let paths = paths_named(&source.tokens);
            let found = paths.iter().filter_map(|path| resolve(path, &modules[index], &indices));
            arrows.extend(found.filter(|to| *to != index).map(|to| (index, to)));
        }
        Self { root: root.to_owned(), files, modules, arrows }
    }

    /// A crate of a few small files.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let source = |(path, text): &(&str, &str)| Source::new(path.into(), (*text).to_owned());
        Self::new(Path::new("src"), files.iter().map(source).collect())
    }

    pub(crate) fn shown(&self, arrow: (usize, usize)) -> (String, String) {
        let path = |index: usize| self.files[index].path.display().to_string();
        (path(arrow.0), path(arrow.1))
    }
}

/// The crates. What is in `main.rs` and `bin` is another crate each, which uses the library by its name.
pub(crate) fn trees() -> &'static [Tree] {
    static TREES: LazyLock<Vec<Tree>> =
        LazyLock::new(|| members().iter().map(|member| tree(&member.join("src"))).collect());
    &TREES
}

fn tree(root: &Path) -> Tree {
    let root = root.strip_prefix(".").unwrap_or(root);
    let is_library = |source: &&Source| {
        source.path.starts_with(root)
            && !source.path.starts_with(root.join("bin"))
            && source.path != root.join("main.rs")
    };
    let tree = Tree::new(root, sources().iter().filter(is_library).cloned().collect());
    assert!(tree.files.len() < 5 || !tree.arrows.is_empty(), "{}", root.display());
    tree
}

fn module_of(path: &Path, root: &Path) -> Parts {
    let relative = path.strip_prefix(root).unwrap().with_extension("");
    let parts = relative.components().map(|part| part.as_os_str().to_str().unwrap().to_owned());
    let parts = parts.collect::<Vec<_>>();
    match parts.as_slice() {
        [only] if only == "lib" => Vec::new(),
        _ => parts,
    }
}

/// The file that a path leads to, of those of one crate: that of the longest module at its beginning.
fn resolve(path: &[String], from: &Parts, modules: &BTreeMap<Parts, usize>) -> Option<usize> {
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

fn named(code: &str) -> Vec<String> {
    let source = Source::new(PathBuf::new(), code.to_owned());
    paths_named(&source.tokens).iter().map(|path| path.join("::")).collect()
}

#[test]
fn use_trees_are_expanded() {
    let code = "use a::{self, b::{C, D as E}, f};\npub(crate) use crate::g;\nuse {h::*, ::i};";
    assert_eq!(named(code), ["a", "a::b::C", "a::b::D", "a::f", "crate::g", "h::*", "i"]);
}

#[test]
fn paths_in_the_code_are_seen() {
    let code = "let x = super::h::I::new(0..j::K); pub(in super::super) fn f() { x.y::<u8>() }\n\
        l::m!(::n::O); $crate::p; impl use<'a> for q::R {}";
    assert_eq!(named(code), ["crate::p", "j::K", "l::m", "n::O", "q::R", "super::h::I::new"]);
}

#[test]
fn names_are_spelled_out() {
    let code = "use http::StatusCode as S; type T = S; T::BAD; use std::env as e; e::var(); use log; log::x()";
    assert_eq!(
        named(code),
        ["http::StatusCode", "http::StatusCode::BAD", "log", "log::x", "std::env", "std::env::var"]
    );
}

#[test]
fn a_path_makes_an_arrow_to_the_longest_module() {
    let tree = Tree::of(&[
        ("src/lib.rs", "mod a; mod b;\nfn f() { a::c::g() }"),
        ("src/a.rs", "mod c;"),
        ("src/a/c.rs", "use super::super::{b as d, X}; fn g() { d::h() }"),
        ("src/b.rs", "// use crate::a;\nconst TEXT: &str = \"crate::a::B\";"),
    ]);
    assert_eq!(tree.arrows.into_iter().collect::<Vec<_>>(), [(0, 2), (2, 0), (2, 3)]);
}
