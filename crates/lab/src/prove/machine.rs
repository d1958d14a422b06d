//! Where a run was made: the facts that its numbers depend on.
//!
//! It must not know: the run.

use std::num::NonZeroUsize;
use std::path::Path;
use std::thread::available_parallelism;

use serde::Serialize;

/// Where mounted file systems are listed, on Linux.
const MOUNTS: &str = "/proc/self/mounts";
/// Where the processor says its name, on Linux.
const PROCESSORS: &str = "/proc/cpuinfo";
/// Where a distribution says its name.
const RELEASE: &str = "/etc/os-release";

/// A machine in a few facts; what the system does not tell is missing.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Machine {
    pub(super) processors: Option<usize>,
    pub(super) processor: Option<String>,
    /// The operating system's kernel, its release, and the architecture.
    pub(super) kernel: String,
    pub(super) distribution: Option<String>,
    /// What kind of file system the database was on.
    pub(super) file_system: Option<String>,
}

impl Machine {
    /// This machine, with the database in `data_dir`.
    pub(super) fn this(data_dir: &Path) -> Self {
        let uname = rustix::system::uname();
        let [system, release, architecture] =
            [uname.sysname(), uname.release(), uname.machine()].map(|text| text.to_string_lossy());
        Self {
            processors: available_parallelism().ok().map(NonZeroUsize::get),
            processor: value_in(PROCESSORS, "model name", ':'),
            kernel: format!("{system} {release} {architecture}"),
            distribution: value_in(RELEASE, "PRETTY_NAME", '='),
            file_system: file_system(data_dir),
        }
    }
}

/// The value of the first line that is `key`, a separator, and a value, in quotes or not.
fn value_in(file: &str, key: &str, separator: char) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let mut pairs = text.lines().filter_map(|line| line.split_once(separator));
    let (_, value) = pairs.find(|(name, _)| name.trim() == key)?;
    Some(value.trim().trim_matches('"').to_owned())
}

/// The kind of the file system that is mounted nearest above `directory`.
fn file_system(directory: &Path) -> Option<String> {
    let directory = directory.canonicalize().ok()?;
    let mounts = std::fs::read_to_string(MOUNTS).ok()?;
    let mounted = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        Some((words.next()?, words.next()?))
    });
    let above = mounted.filter(|(place, _)| directory.starts_with(place));
    above.max_by_key(|(place, _)| place.len()).map(|(_, kind)| kind.to_owned())
}
