//! A server for one run: this very program, in a process of its own, with a database of its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::Failure;
use super::client::Target;
use crate::config;
use crate::domain::EventId;

/// Where a server works: the events that it sells, and its database.
pub(super) struct Premises {
    data_dir: PathBuf,
    event_file: PathBuf,
    scratch: TempDir,
}

impl Premises {
    /// Prepares a database, not there yet, with an event of `capacity` seats for each of `events`. It
    /// goes with the premises, unless it is to be kept in a directory of somebody's own.
    pub(super) fn prepare(
        events: &[EventId],
        capacity: u32,
        data_dir: Option<PathBuf>,
    ) -> Result<Self, Failure> {
        if let Some(kept) = data_dir.as_deref().filter(|directory| directory.join("db").exists()) {
            return Err(format!("{} has a database already", kept.display()).into());
        }
        let scratch = tempfile::tempdir()?;
        let event_file = scratch.path().join("events.json");
        let event = |id: &EventId| serde_json::json!({ "eventId": id.as_str(), "name": "Stress", "totalSeats": capacity });
        let text = events.iter().map(event).collect::<serde_json::Value>().to_string();
        std::fs::write(&event_file, text)?;
        let data_dir = data_dir.unwrap_or_else(|| scratch.path().join("db"));
        Ok(Self { data_dir, event_file, scratch })
    }

    /// Where the database is.
    pub(super) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Leaves everything where it is, and says where.
    pub(super) fn keep(self) -> PathBuf {
        self.scratch.keep()
    }
}

/// A running server.
pub(super) struct OwnServer {
    pub(super) target: Target,
    process: Child,
    /// What else it says is read and dropped, so that it does not wait for a reader.
    _output: tokio::task::JoinHandle<()>,
}

impl OwnServer {
    /// Starts a server, and waits until it is ready.
    pub(super) async fn start(premises: &Premises) -> Result<Self, Failure> {
        let mut process = Command::new(config::own_program()?)
            .args(["serve", "--listen", "127.0.0.1:0", "--access-log", "off", "--log", "warn"])
            .arg("--data-dir")
            .arg(&premises.data_dir)
            .arg("--seed-event")
            .arg(&premises.event_file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = process.stdout.take().ok_or("the server has no output")?;
        let mut lines = BufReader::new(output).lines();
        let target = read_target(&mut lines).await?;
        let output =
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self { target, process, _output: output })
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
    pub(super) async fn stop(mut self) -> Result<(), Failure> {
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
