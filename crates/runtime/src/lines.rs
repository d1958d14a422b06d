//! Writes lines to a file or to standard error on a thread of its own, so that no request waits for a
//! log. It must not know what the lines say.
//!
//! The queue is bounded: when it is full, lines are dropped and counted, and the count is written as
//! soon as there is room. A log must not be able to stop a sale.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::time::Duration;

/// How many lines may wait to be written.
const QUEUE_LINES_MAX: usize = 16 * 1024;

/// How long the end of a program waits for its last lines.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// Where lines go.
#[derive(Debug, Clone)]
pub enum Destination {
    /// Appended to a file, which can be moved away and reopened.
    File(PathBuf),
    /// Standard error.
    StandardError,
}

/// The way to the writing thread. Clones share it.
#[derive(Debug, Clone)]
pub struct LineWriter {
    queue: SyncSender<Message>,
    dropped: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Message {
    Line(Vec<u8>),
    Reopen,
    Flush(SyncSender<()>),
}

impl LineWriter {
    /// Opens the destination and starts the thread.
    ///
    /// # Errors
    /// When the file, or the directory it is to be in, cannot be made.
    pub fn start(destination: Destination) -> io::Result<Self> {
        let output = open(&destination)?;
        let (queue, messages) = mpsc::sync_channel(QUEUE_LINES_MAX);
        let dropped = Arc::new(AtomicU64::new(0));
        let worker = Worker { destination, output, dropped: dropped.clone() };
        std::thread::Builder::new().name("lines".into()).spawn(move || worker.run(&messages))?;
        Ok(Self { queue, dropped })
    }

    /// Hands over a line, its end included.
    pub fn write_line(&self, line: impl Into<Vec<u8>>) {
        if self.queue.try_send(Message::Line(line.into())).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Opens the file anew: it was moved away. Nothing happens where there is none.
    pub fn reopen(&self) {
        // Whoever asks must not wait for a log that nobody reads.
        if self.queue.try_send(Message::Reopen).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until everything handed over so far is written, but not for long: there may be nobody
    /// who reads it.
    pub fn flush(&self) {
        let (written, wait) = mpsc::sync_channel(1);
        if self.queue.try_send(Message::Flush(written)).is_ok() {
            let _ = wait.recv_timeout(FLUSH_TIMEOUT);
        }
    }
}

impl Write for LineWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.write_line(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Worker {
    destination: Destination,
    output: BufWriter<Box<dyn Write + Send>>,
    dropped: Arc<AtomicU64>,
}

impl Worker {
    fn run(mut self, messages: &Receiver<Message>) {
        while let Ok(first) = messages.recv() {
            self.take(first);
            while let Ok(next) = messages.try_recv() {
                self.take(next);
            }
            self.tell_dropped();
            // A log that cannot be written has nowhere to say so.
            let _ = self.output.flush();
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Line(line) => drop(self.output.write_all(&line)),
            Message::Reopen => {
                let _ = self.output.flush();
                match open(&self.destination) {
                    Ok(output) => self.output = output,
                    Err(error) => log::error!("a log cannot be opened anew: {error}"),
                }
            }
            Message::Flush(written) => {
                let _ = self.output.flush();
                let _ = written.try_send(());
            }
        }
    }

    fn tell_dropped(&mut self) {
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            let _ = writeln!(self.output, "# {dropped} lines were dropped, the log was too slow");
        }
    }
}

fn open(destination: &Destination) -> io::Result<BufWriter<Box<dyn Write + Send>>> {
    Ok(BufWriter::new(match destination {
        Destination::File(path) => Box::new(open_file(path)?),
        Destination::StandardError => Box::new(io::stderr()),
    }))
}

fn open_file(path: &Path) -> io::Result<File> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}
