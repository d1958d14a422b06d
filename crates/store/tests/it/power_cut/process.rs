//! Another process of this test binary, which writes to a database or looks at one.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use super::DIRECTORY_VARIABLE;
use crate::godown::SEED_VARIABLE;

/// A process that says nothing for so long hangs, and the test with it.
const SILENCE_MAX: Duration = Duration::from_mins(1);

/// A process that runs one part of the test and is killed when dropped.
pub(super) struct Process {
    child: Child,
    lines: Receiver<String>,
}

impl Process {
    /// Starts the part of that name.
    pub(super) fn start(part: &str, directory: &Path, seed: u64) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &format!("power_cut::{part}")])
            .args(["--ignored", "--nocapture"])
            .env(DIRECTORY_VARIABLE, directory)
            .env(SEED_VARIABLE, seed.to_string())
            .stdout(Stdio::piped())
            // Of no interest: the writer ends in a shut-down file system, and what matters of sled's
            // panics comes with the error.
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let (sender, lines) = channel();
        // Read all the time, or a full pipe would hold up the writer. It ends with the process.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                if line.is_ok_and(|line| sender.send(line).is_ok()) {
                    continue;
                }
                return;
            }
        });
        Self { child, lines }
    }

    /// The next line, or `None` after the last.
    pub(super) fn line(&self) -> Option<String> {
        match self.lines.recv_timeout(SILENCE_MAX) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("a process says nothing for {SILENCE_MAX:?}"),
        }
    }

    /// Kills it and gives back the lines it had printed.
    pub(super) fn kill(mut self) -> Vec<String> {
        self.end();
        std::iter::from_fn(|| self.line()).collect()
    }

    fn end(&mut self) {
        // It may have ended by itself, or was waited for already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}
