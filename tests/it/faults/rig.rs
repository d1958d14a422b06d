//! Runs programs under `tests/rig/fault.c`, and reads what it wrote down.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::file_systems::{run, text};
use crate::program::{program, ticketboss, without_settings};
use crate::wire::PATIENCE;

/// What a server is started with.
pub(super) const SERVE: &[&str] =
    &["serve", "--listen", "127.0.0.1:0", "--seed-event", "event.json", "--cache-mib", "8"];
/// What the check of a database is started with.
pub(super) const VERIFY: &[&str] = &["verify"];

/// The program that injects faults, compiled.
pub(super) struct Rig {
    program: PathBuf,
    _directory: TempDir,
}

impl Rig {
    pub(super) fn build() -> Self {
        let directory = TempDir::new().unwrap();
        let program = directory.path().join("fault");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rig/fault.c");
        run("cc", &["-Wall", "-Wextra", "-O1", "-o", text(&program), text(&source)]);
        Self { program, _directory: directory }
    }

    /// The program in `home`, whose calls about files in `home` are judged by `fault`.
    pub(super) fn command(&self, home: &Path, fault: &str, arguments: &[&str]) -> Command {
        let mut command = without_settings(text(&self.program), home);
        command.args([text(&list(home)), text(home), fault, program()]).args(arguments);
        command
    }

    /// A server under the rig, and both under strace, which writes its trace to `trace`.
    pub(super) fn server_under_strace(&self, home: &Path, trace: &Path) -> Command {
        let mut command = without_settings("strace", home);
        command.args(["-f", "-y", "-s", "0", "-o", text(trace), text(&self.program)]);
        command.args([text(&list(home)), text(home), "none", program()]).args(SERVE);
        command
    }
}

/// A server in `home` that meets no faults.
pub(super) fn unharmed_server(home: &Path) -> Command {
    ticketboss(home, SERVE)
}

/// The list of calls stands beside the directory, not in it.
fn list(home: &Path) -> PathBuf {
    home.with_extension("calls")
}

/// A call that the program made.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) kind: String,
    pub(super) path: String,
    pub(super) injected: bool,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.kind, self.path)
    }
}

/// What the rig wrote down.
#[derive(Debug)]
pub(super) struct Calls {
    pub(super) made: Vec<Call>,
    /// How long the program lived after the first fault, or after its start where there was none.
    pub(super) lived: Duration,
}

impl Calls {
    /// Reads the list of a program that has ended; its last line is written a moment later.
    pub(super) fn read(home: &Path) -> Self {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let written = std::fs::read_to_string(list(home)).unwrap_or_default();
            if let Some(calls) = Self::parse(&written) {
                return calls;
            }
            assert!(Instant::now() < deadline, "the rig has not ended: {written}");
            std::thread::yield_now();
        }
    }

    fn parse(written: &str) -> Option<Self> {
        let (lines, last) = written.trim_end().rsplit_once('\n')?;
        let lived = last.strip_prefix("ended ")?.parse().unwrap();
        let made = lines.lines().map(|line| {
            let words = line.split(' ').collect::<Vec<_>>();
            Call {
                kind: words[2].to_owned(),
                path: words[3].to_owned(),
                injected: words.get(4) == Some(&"injected"),
            }
        });
        Some(Self { made: made.collect(), lived: Duration::from_millis(lived) })
    }

    pub(super) fn count(&self, kind: &str) -> usize {
        self.made.iter().filter(|call| call.kind == kind).count()
    }

    /// The calls that a fault was injected into.
    pub(super) fn injected(&self) -> Vec<&Call> {
        self.made.iter().filter(|call| call.injected).collect()
    }
}
