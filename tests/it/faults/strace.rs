//! The same run as strace sees it, to find out whether the rig is blind for a kind of call.

use std::collections::BTreeMap;
use std::path::Path;

/// Calls that name a file and cannot fail in a way that matters, or are about the process.
const PASSED_OVER: &[&str] = &["close", "fcntl", "ioctl", "execve", "getcwd", "poll", "readlink"];

/// What the rig calls the calls that it knows.
const KINDS: &[(&str, &str)] = &[
    ("access", "stat"),
    ("fdatasync", "fdatasync"),
    ("flock", "flock"),
    ("fstat", "stat"),
    ("fsync", "fsync"),
    ("ftruncate", "ftruncate"),
    ("getdents64", "getdents"),
    ("lseek", "lseek"),
    ("mkdir", "mkdir"),
    ("mkdirat", "mkdir"),
    ("newfstatat", "stat"),
    ("openat", "open"),
    ("pread64", "pread"),
    ("pwrite64", "pwrite"),
    ("read", "read"),
    ("rename", "rename"),
    ("renameat", "rename"),
    ("renameat2", "rename"),
    ("statfs", "statfs"),
    ("statx", "stat"),
    ("sync_file_range", "sync_file_range"),
    ("unlink", "unlink"),
    ("unlinkat", "unlink"),
    ("write", "write"),
    ("writev", "write"),
];

/// How many calls of each kind concern `home`; a call that nobody knows stands under its own name.
pub(super) fn count(trace: &str, home: &Path) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in trace.lines() {
        let Some((call, arguments)) = line.split_once('(') else { continue };
        let name = call.rsplit(' ').next().unwrap_or(call);
        // The second line of a call that another thread interrupted in the listing.
        let is_rest = line.contains(" resumed>");
        if is_rest || PASSED_OVER.contains(&name) || !is_about(arguments, home) {
            continue;
        }
        let kind = KINDS.iter().find(|(known, _)| *known == name).map_or(name, |(_, kind)| kind);
        *counts.entry(kind.to_owned()).or_default() += 1;
    }
    counts
}

/// Whether a file below `home` is among the arguments: a descriptor with its path, or a path.
fn is_about(arguments: &str, home: &Path) -> bool {
    let is_in = |path: &str| Path::new(path).starts_with(home);
    let by_descriptor = arguments.match_indices('<').any(|(at, _)| {
        let (before, after) = arguments.split_at(at);
        let path = after[1..].split('>').next().unwrap_or_default();
        before.ends_with(|last: char| last.is_ascii_digit()) && is_in(path)
    });
    let relative_to_home = arguments.starts_with(['"', 'A']);
    let by_path = arguments.split('"').skip(1).step_by(2).any(|path| {
        let is_relative = !path.is_empty() && !path.starts_with('/');
        is_in(path) || (is_relative && relative_to_home)
    });
    by_descriptor || by_path
}
