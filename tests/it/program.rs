//! The program itself, as a user starts it: processes, their output, their end.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use crate::support::setting;
use crate::wire::PATIENCE;

/// The program that is tested: the one that this build made, which may have more in it than the shipped
/// one, as the tests' own dependencies are built into it; or the one that `TICKETBOSS_PROGRAM` names.
pub(crate) fn program() -> &'static str {
    static PROGRAM: LazyLock<String> = LazyLock::new(|| match setting("TICKETBOSS_PROGRAM") {
        Some(named) => std::path::absolute(named).unwrap().to_str().unwrap().to_owned(),
        None => env!("CARGO_BIN_EXE_ticketboss").to_owned(),
    });
    &PROGRAM
}

/// A command line of the program in `directory`, with nothing in the environment that could be a setting.
pub(crate) fn ticketboss(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = without_settings(program(), directory);
    command.args(arguments);
    command
}

/// A command line of another program that starts the program. The program refuses a `TICKETBOSS_…` that is
/// no setting, and the tests have some of their own, so only `PATH` is passed on.
#[expect(
    clippy::disallowed_methods,
    reason = "the program is to find its own settings and no others"
)]
pub(crate) fn without_settings(starter: &str, directory: &Path) -> Command {
    let mut command = Command::new(starter);
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.current_dir(directory).stdin(Stdio::null());
    command.env_clear().env("PATH", path);
    command
}

/// Runs a command to its end.
pub(crate) fn run(directory: &Path, arguments: &[&str]) -> Output {
    ticketboss(directory, arguments).output().unwrap()
}

/// What a command said on standard output.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What a command complained of.
pub(crate) fn complained(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A running `ticketboss serve`; it is killed when the test is done with it.
pub(crate) struct Serving {
    pub(crate) address: SocketAddr,
    /// The lines up to the last of the introduction.
    pub(crate) introduction: Vec<String>,
    process: Child,
    output: BufReader<ChildStdout>,
}

impl Serving {
    /// Starts a server on a free port, with its data in `directory/data/db`.
    pub(crate) fn start(directory: &Path, arguments: &[&str]) -> Self {
        Self::try_start(directory, arguments).unwrap_or_else(|why| panic!("{why}"))
    }

    /// The same, where it may end before it is ready; then this is what it complains of.
    pub(crate) fn try_start(directory: &Path, arguments: &[&str]) -> Result<Self, String> {
        let mut command = ticketboss(directory, &["serve", "--listen", "127.0.0.1:0"]);
        Self::try_spawn_unread(command.args(arguments)).map(Self::read)
    }

    pub(crate) fn spawn(command: &mut Command) -> Self {
        Self::spawn_unread(command).read()
    }

    /// What is logged must be read, or the log would wait for room in the pipe.
    fn read(mut self) -> Self {
        let mut log = self.process.stderr.take().unwrap();
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        self
    }

    /// A server whose log nobody reads.
    pub(crate) fn spawn_unread(command: &mut Command) -> Self {
        Self::try_spawn_unread(command).unwrap_or_else(|why| panic!("{why}"))
    }

    fn try_spawn_unread(command: &mut Command) -> Result<Self, String> {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut introduction = Vec::new();
        while introduction.last().is_none_or(|line: &String| !line.starts_with("  stop")) {
            let mut line = String::new();
            if output.read_line(&mut line).unwrap() == 0 {
                let mut why = String::new();
                process.stderr.take().unwrap().read_to_string(&mut why).unwrap();
                process.wait().unwrap();
                return Err(format!("the server ended before it was ready: {why}"));
            }
            introduction.push(line.trim_end().to_owned());
        }
        let api = introduction.iter().find_map(|line| line.strip_prefix("  API        http://"));
        let address = api.unwrap().trim_end_matches("/reservations/").parse().unwrap();
        Ok(Self { address, introduction, process, output })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    /// Ends the process as a crash does.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Waits until the process has ended by itself.
    pub(crate) fn wait(mut self) -> ExitStatus {
        self.process.wait().unwrap()
    }

    /// Asks a server to stop whose log nobody has read, and reads it.
    pub(crate) fn stop_and_read_log(mut self) -> String {
        self.signal("TERM");
        let mut log = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        log
    }

    /// Asks the server to stop, and gives its exit status and how long that took.
    pub(crate) fn stop(mut self) -> (Option<i32>, Duration) {
        let began = Instant::now();
        self.signal("TERM");
        let status = self.process.wait().unwrap();
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        (status.code(), began.elapsed())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It has ended where the test was about its end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Waits until `path` has a line with `word`; the condition is polled, with an end.
pub(crate) fn wait_for_line(path: &PathBuf, word: &str) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        if let Some(line) = text.lines().find(|line| line.contains(word)) {
            return line.to_owned();
        }
        assert!(Instant::now() < deadline, "no {word} in {}: {text}", path.display());
        std::thread::yield_now();
    }
}
