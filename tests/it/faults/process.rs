//! A server that may end at any moment, and that must end when it is told to.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use crate::wire::PATIENCE;

/// A process whose output is read as it comes.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
    log: PathBuf,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Code(i32),
    Signal(i32),
    /// It had to be killed.
    Hung,
}

impl Process {
    /// Starts it; what it says on standard error goes to a file beside `home`.
    pub(crate) fn start(command: &mut Command, home: &Path) -> Self {
        let log = home.with_extension("log");
        let log_file = std::fs::File::create(&log).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(log_file).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                // Whoever wanted to know has found out otherwise.
                let _ = sender.send(line);
            }
        });
        Self { child, lines, log }
    }

    /// Waits until the server says that it is ready, and gives its address; or it ends, or hangs.
    pub(crate) fn ready(&mut self) -> Result<SocketAddr, End> {
        let mut address = None;
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    if let Some(url) = line.strip_prefix("  API        http://") {
                        let text = url.trim_end_matches("/reservations/");
                        address = Some(text.parse().unwrap());
                    }
                    if line.starts_with("  stop") {
                        return Ok(address.expect("the API stands before the end"));
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return Err(self.wait()),
                Err(RecvTimeoutError::Timeout) => return Err(self.end_by_force()),
            }
        }
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn stop(self, pid: u32) -> End {
        // It may end just now by itself.
        let _ = Command::new("kill")
            .args(["-TERM", &pid.to_string()])
            .stderr(Stdio::null())
            .status()
            .unwrap();
        self.end()
    }

    /// Waits until it has ended.
    pub(crate) fn end(mut self) -> End {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return self.wait(),
                Err(RecvTimeoutError::Timeout) => return self.end_by_force(),
            }
        }
    }

    /// Waits until it has ended by itself, but only for so long: then it is given back.
    pub(crate) fn wait_at_most(self, wait: Duration) -> Result<End, Self> {
        let deadline = Instant::now() + wait;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(self.end()),
                Err(RecvTimeoutError::Timeout) => return Err(self),
            }
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has said on standard error.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Its output has ended, and so it has, or does so now.
    fn wait(&mut self) -> End {
        let status: ExitStatus = self.child.wait().unwrap();
        match (status.code(), status.signal()) {
            (Some(code), _) => End::Code(code),
            (None, signal) => End::Signal(signal.unwrap()),
        }
    }

    fn end_by_force(&mut self) -> End {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        End::Hung
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended, unless the test did so before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
