//! When to stop: on `SIGTERM`, `SIGINT`, or at once on the second of them.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The exit status of a process that was interrupted, by convention 128 + `SIGINT`.
const EXIT_INTERRUPTED: i32 = 130;

/// The signals that concern a server. They are listened for from the moment this is made.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// To stop.
    Stop,
    /// To open log files anew.
    Reopen,
}

impl Signals {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the system does not allow it.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::Stop,
            _ = self.interrupt.recv() => Asked::Stop,
            _ = self.hangup.recv() => Asked::Reopen,
        }
    }

    /// From now on the next signal to stop ends the process as it stands. Nothing that was answered
    /// is lost by that.
    pub fn end_at_once_on_next(mut self) {
        tokio::spawn(async move {
            while self.next().await != Asked::Stop {}
            std::process::exit(EXIT_INTERRUPTED);
        });
    }
}
