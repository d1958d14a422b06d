//! The source files, and what of them is code.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// A file of Rust.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    /// The text without comments and unit tests.
    pub(crate) code: String,
    /// What stands in the comments.
    pub(crate) comments: String,
    /// The code in words and signs.
    pub(crate) tokens: Vec<String>,
}

impl Source {
    pub(crate) fn new(path: PathBuf, text: String) -> Self {
        let Layers { mut code, mut bare, comments } = layers(&text);
        while let Some(range) = unit_tests(&bare) {
            code.replace_range(range.clone(), "");
            bare.replace_range(range, "");
        }
        let tokens = tokens(&bare).into_iter().map(|(_, token)| token.to_owned()).collect();
        Self { path, text, code, comments, tokens }
    }

    pub(crate) fn is_in(&self, place: &str) -> bool {
        let file = Path::new(place).with_extension("rs");
        self.path.starts_with(place) || self.path == Path::new(place) || self.path == file
    }
}

/// A text taken apart. `code` and `bare` are as long as the text.
pub(crate) struct Layers {
    /// Without comments.
    pub(crate) code: String,
    /// Without comments and without what literals say: each is one `"`.
    pub(crate) bare: String,
    pub(crate) comments: String,
}

pub(crate) fn layers(text: &str) -> Layers {
    let (mut code, mut bare, mut comments) = (String::new(), String::new(), String::new());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (comment, literal) = (comment_bytes(rest), literal_bytes(rest));
        let word = rest.find(|letter: char| !is_of_word(letter)).unwrap_or(rest.len());
        let taken = comment.or(literal).unwrap_or_else(|| word.max(first.len_utf8()));
        let (piece, left) = rest.split_at(taken);
        let blank = " ".repeat(taken);
        code.push_str(if comment.is_some() { &blank } else { piece });
        match (comment, literal) {
            (Some(_), _) => {
                comments.push_str(piece);
                comments.push('\n');
                bare.push_str(&blank);
            }
            (None, Some(_)) => {
                bare.push('"');
                bare.push_str(&blank[1..]);
            }
            (None, None) => bare.push_str(piece),
        }
        rest = left;
    }
    Layers { code, bare, comments }
}

/// How long the comment is with which the text begins.
fn comment_bytes(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    let mut depth = 0_usize;
    let mut at = 0;
    while text.starts_with("/*") && at < text.len() {
        match text.as_bytes().get(at..at + 2) {
            Some(b"/*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*/") => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return Some(at);
        }
    }
    text.starts_with("/*").then_some(text.len())
}

/// How long the text or character literal is with which the text begins.
fn literal_bytes(text: &str) -> Option<usize> {
    let body = text.strip_prefix(['b', 'c']).unwrap_or(text);
    let before = text.len() - body.len();
    if let Some(raw) = body.strip_prefix('r') {
        let content = raw.trim_start_matches('#');
        let hashes = &raw[..raw.len() - content.len()];
        let content = content.strip_prefix('"')?;
        let end = format!("\"{hashes}");
        let bytes = content.find(&end).map_or(content.len(), |at| at + end.len());
        return Some(text.len() - content.len() + bytes);
    }
    let content = body.strip_prefix(['"', '\''])?;
    let quote = body.chars().next()?;
    if quote == '\'' && !content.starts_with('\\') {
        // Otherwise it is a lifetime.
        let letter = content.chars().next()?.len_utf8();
        return content[letter..].starts_with('\'').then_some(before + letter + 2);
    }
    let mut is_escaped = false;
    for (at, letter) in content.char_indices() {
        if letter == quote && !is_escaped {
            return Some(before + 1 + at + 1);
        }
        is_escaped = letter == '\\' && !is_escaped;
    }
    Some(text.len())
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// The words and signs of code, and where each begins. `::` and `..` are one sign each.
pub(crate) fn tokens(bare: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = bare[at..].chars().next() {
        let rest = &bare[at..];
        let word = rest.find(|letter| !is_of_word(letter)).unwrap_or(rest.len());
        let sign =
            if rest.starts_with("::") || rest.starts_with("..") { 2 } else { first.len_utf8() };
        let bytes = if word > 0 { word } else { sign };
        if !first.is_whitespace() {
            found.push((at, &rest[..bytes]));
        }
        at += bytes;
    }
    found
}

pub(crate) fn is_word(token: &str) -> bool {
    token.starts_with(|letter: char| letter.is_alphabetic() || letter == '_')
}

/// The index after the bracket that closes the one at `open`.
pub(crate) fn after_group<T: AsRef<str>>(tokens: &[T], open: usize) -> usize {
    let mut depth = 0_i32;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.as_ref() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

/// Where the first module of unit tests stands.
fn unit_tests(bare: &str) -> Option<std::ops::Range<usize>> {
    const HEAD: [&str; 10] = ["#", "[", "cfg", "(", "test", ")", "]", "mod", "tests", "{"];
    let (places, words): (Vec<_>, Vec<_>) = tokens(bare).into_iter().unzip();
    let first = words.windows(HEAD.len()).position(|window| window == HEAD)?;
    let after = after_group(&words, first + HEAD.len() - 1);
    Some(places[first]..places[after - 1] + 1)
}

pub(crate) fn sources() -> &'static [Source] {
    static SOURCES: LazyLock<Vec<Source>> =
        LazyLock::new(|| collect(members().iter().map(|member| member.join("src"))));
    assert!(SOURCES.len() > 100, "the source was found");
    &SOURCES
}

/// The folders of the packages that are built by default.
pub(crate) fn members() -> Vec<PathBuf> {
    let crates = fs::read_dir("crates").unwrap().map(|entry| entry.unwrap().path());
    crates.chain([PathBuf::from(".")]).collect()
}

pub(crate) fn collect(folders: impl IntoIterator<Item = PathBuf>) -> Vec<Source> {
    let is_rust = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "rs");
    let files = folders.into_iter().flat_map(|folder| files_in(&folder)).filter(is_rust);
    let sources = files.map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        Source::new(path, text)
    });
    sources.collect()
}

/// The files in a folder and in those within it, without what is built and what git keeps.
pub(crate) fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return found };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.ends_with("target") || path.ends_with(".git") {
            continue;
        }
        if path.is_dir() {
            found.extend(files_in(&path));
        } else {
            found.push(path.strip_prefix(".").unwrap_or(&path).to_owned());
        }
    }
    found
}

pub(crate) fn complain(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn comments_and_what_literals_say_are_no_code() {
    let text = "a /* b /* c */ d */ e; // f\nr#\"g \" h\"#; '\"' b\"i\\\"\" 'j'; k<'l>; \"//\" m";
    let bare = layers(text).bare;
    let found = tokens(&bare).into_iter().map(|(_, token)| token).collect::<Vec<_>>().join(" ");
    assert_eq!(found, "a e ; \" ; \" \" \" ; k < ' l > ; \" m");
    assert_eq!(layers(text).comments, "/* b /* c */ d */\n// f\n");
}

#[test]
fn only_the_unit_tests_are_left_out() {
    let text = "a();\n#[cfg(test)]\nmod tests { fn b() { \"}\"; } }\nc();\n#[cfg(test)] fn d() {}";
    let source = Source::new(PathBuf::new(), text.to_owned());
    assert_eq!(source.tokens.join(""), "a();c();#[cfg(test)]fnd(){}");
}
