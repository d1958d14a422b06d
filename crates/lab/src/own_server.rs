//! A server for one run: this very program, in a process of its own, with a database of its own.
//!
//! It must not know: what is asked of the server.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::client::Target;
use ticketboss_core::domain::EventId;
use ticketboss_runtime::terminal::Failure;

/// Where a server works: the events that it sells, and its database.
#[derive(Debug)]
pub(super) struct Premises {
    /// The executable whose `serve` is started.
    program: PathBuf,
    data_dir: PathBuf,
    event_file: PathBuf,
    /// Where its complaints go, if not to the terminal.
    log_file: Option<PathBuf>,
    scratch: TempDir,
}

impl Premises {
    /// Prepares a database, not there yet, with each of `events` and its seats. It goes with the
    /// premises, unless it is to be kept in a directory of somebody's own.
    pub(super) fn prepare(
        program: &Path,
        events: &[(EventId, u32)],
        data_dir: Option<PathBuf>,
    ) -> Result<Self, Failure> {
        if let Some(kept) = data_dir.as_deref().filter(|directory| directory.join("db").exists()) {
            return Err(format!("{} has a database already", kept.display()).into());
        }
        let scratch = tempfile::tempdir()?;
        let event_file = scratch.path().join("events.json");
        let event = |(id, seats): &(EventId, u32)| serde_json::json!({ "eventId": id.as_str(), "name": "Stress", "totalSeats": seats });
        let text = events.iter().map(event).collect::<serde_json::Value>().to_string();
        std::fs::write(&event_file, text)?;
        let data_dir = data_dir.unwrap_or_else(|| scratch.path().join("db"));
        let program = program.to_owned();
        Ok(Self { program, data_dir, event_file, log_file: None, scratch })
    }

    /// Servers there add their complaints to `file`.
    pub(super) fn with_log(self, file: PathBuf) -> Self {
        Self { log_file: Some(file), ..self }
    }

    /// Where the database is.
    pub(super) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Leaves everything where it is, and says where.
    pub(super) fn keep(self) -> PathBuf {
        self.scratch.keep()
    }

    fn log(&self) -> Result<Stdio, Failure> {
        let Some(file) = &self.log_file else { return Ok(Stdio::inherit()) };
        let opened = OpenOptions::new().create(true).append(true).open(file);
        let opened = opened.map_err(|error| format!("cannot write {}: {error}", file.display()))?;
        Ok(opened.into())
    }
}

/// The process of a server. It ends with whoever has this.
#[derive(Debug)]
pub(super) struct OwnServer {
    process: Child,
    /// What it says, until it is ready.
    introduction: Option<Lines<BufReader<ChildStdout>>>,
}

impl OwnServer {
    /// Starts a server, and waits until it is ready.
    pub(super) async fn start(premises: &Premises) -> Result<(Self, Target), Failure> {
        let mut server = Self::spawn(premises)?;
        let target = server.ready().await?;
        Ok((server, target))
    }

    /// Starts a server that is not ready yet.
    pub(super) fn spawn(premises: &Premises) -> Result<Self, Failure> {
        let mut process = Command::new(&premises.program)
            .args(["serve", "--listen", "127.0.0.1:0", "--access-log", "off", "--log", "warn"])
            .arg("--data-dir")
            .arg(&premises.data_dir)
            .arg("--seed-event")
            .arg(&premises.event_file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(premises.log()?)
            .kill_on_drop(true)
            .spawn()?;
        let output = process.stdout.take().ok_or("the server has no output")?;
        Ok(Self { process, introduction: Some(BufReader::new(output).lines()) })
    }

    /// Waits until the server is ready, and says where it listens.
    pub(super) async fn ready(&mut self) -> Result<Target, Failure> {
        let mut lines = self.introduction.take().ok_or("the server was ready before")?;
        let target = read_target(&mut lines).await?;
        // What else it says is read and dropped, so that it does not wait for a reader.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(target)
    }

    /// Waits until the server has ended by itself.
    pub(super) async fn ended(&mut self) -> Result<ExitStatus, Failure> {
        Ok(self.process.wait().await?)
    }

    /// Kills the server as `kill -9` does, and says how it ended: it may have been quicker.
    pub(super) async fn kill(&mut self) -> Result<ExitStatus, Failure> {
        // It fails where the process has ended, and that shows in how it did.
        let _ = self.process.start_kill();
        self.ended().await
    }

    /// The most memory that the server had so far, where the system tells it.
    pub(super) fn memory_peak(&self) -> Option<String> {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.process.id()?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(format!("{} MiB", kib / 1024))
    }

    /// Asks the server to stop, and waits until it has.
    pub(super) async fn stop(&mut self) -> Result<(), Failure> {
        if let Some(pid) = self.process.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
            kill_process(pid, Signal::TERM)?;
        }
        let status = self.process.wait().await?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("the server ended with {status}").into())
        }
    }
}

/// Reads the address from what the server says when it is ready.
async fn read_target(lines: &mut Lines<BufReader<ChildStdout>>) -> Result<Target, Failure> {
    while let Some(line) = lines.next_line().await? {
        if let Some(url) = line.trim_start().strip_prefix("API ") {
            return Target::parse(url.trim());
        }
    }
    Err("the server ended before it was ready".into())
}
