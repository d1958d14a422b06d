//! One fault at one call: the run that meets it, and whether the promises were kept.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use ticketboss_core::domain::{Change, Fact, ReservationId};

use super::books::{Books, CAPACITY, Stored};
use super::client::{self, Told};
use super::process::{End, Process};
use super::rig::{Call, Calls, Rig, SERVE, VERIFY, unharmed_server};
use super::strace;
use crate::program::{complained, run, said};

/// A database to start on, and what is started.
pub(super) struct Beginning {
    pub(super) name: &'static str,
    program: Program,
    /// A copy of it, or nothing where there is no database yet.
    database: Option<TempDir>,
    history: Vec<Change>,
    /// A reservation in it that nobody has cancelled.
    earlier: Option<ReservationId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Program {
    Serve,
    Verify,
}

impl Beginning {
    /// A server in an empty directory.
    pub(super) fn new() -> Self {
        let program = Program::Serve;
        Self { name: "new", program, database: None, history: Vec::new(), earlier: None }
    }

    /// `verify`, of a database whose server was killed.
    pub(super) fn verified() -> Self {
        Self { name: "verified", program: Program::Verify, ..Self::kept() }
    }

    /// A server on a database whose server was killed, twice, so that there is a snapshot and a log that goes on
    /// after it, and with what kills leave: an unfinished page and an unfinished snapshot.
    pub(super) fn kept() -> Self {
        let home = TempDir::new().unwrap();
        write_event(home.path());
        for partners in [["early", "earlier"], ["late", "later"]] {
            let mut server =
                Process::start(&mut unharmed_server(home.path()), &home.path().join("server"));
            let address = server.ready().expect("it is ready");
            for partner in partners {
                let told = client::reserve(address, partner, 1);
                assert!(matches!(told, Told::Answer(201, ..)), "{told:?}");
            }
        }
        let directory = home.path().join("data/db");
        let history = Stored::read(home.path()).unwrap().0;
        leave_unfinished_page(&directory, history.len());
        fs::write(directory.join("snap.0000000000000001.generating"), "unfinished").unwrap();
        let made = &history[1];
        let Fact::Reserved { nonce, .. } = &made.fact else { panic!("{made:?}") };
        let event = ticketboss_core::domain::EventNumber(1);
        let earlier = Some(ReservationId { event, version: made.version, nonce: *nonce });
        let program = Program::Serve;
        Self { name: "kept", program, database: Some(home), history, earlier }
    }

    /// A directory that is as it was.
    fn lay_out(&self) -> PathBuf {
        // Not removed when dropped: what a failure left must be there to be looked at.
        let home = TempDir::with_prefix("fault-").unwrap().keep();
        write_event(&home);
        if let Some(database) = &self.database {
            copy(&database.path().join("data/db"), &home.join("data/db"));
        }
        home
    }
}

pub(super) fn write_event(home: &Path) {
    let event = format!(r#"{{"eventId":"e","name":"An event","totalSeats":{CAPACITY}}}"#);
    fs::write(home.join("event.json"), event).unwrap();
}

/// Writes a page that no record counts, as a crash inside a commit leaves it. The snapshot that sled
/// makes for that is taken away again, so that the log goes on after the one before.
fn leave_unfinished_page(directory: &Path, version: usize) {
    let before = TempDir::new().unwrap();
    let snapshots = snapshots(directory);
    assert_eq!(snapshots.len(), 1, "{snapshots:?}");
    let kept = before.path().join("snapshot");
    fs::copy(&snapshots[0], &kept).unwrap();
    let database = sled::Config::new().path(directory).segment_size(2 * 1024 * 1024);
    let ledger = database.open().unwrap().open_tree("ledger").unwrap();
    let next = u64::try_from(version).unwrap() + 1;
    let key = [&1_u32.to_be_bytes()[..], &next.to_be_bytes()].concat();
    ledger.insert(key, "unfinished").unwrap();
    drop((ledger, database));
    for newer in self::snapshots(directory) {
        fs::remove_file(newer).unwrap();
    }
    fs::copy(kept, &snapshots[0]).unwrap();
}

fn snapshots(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.to_string_lossy().contains("/snap.")).collect()
}

pub(super) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// What a run under a fault came to.
#[derive(Debug)]
pub(super) struct Outcome {
    /// Whether the fault was met, and what it did.
    pub(super) effect: Effect,
    /// What was acknowledged.
    pub(super) acknowledged: usize,
    /// Each promise that was broken.
    pub(super) broken: Vec<String>,
    pub(super) calls: Calls,
}

/// What a fault did to the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// The run had no such call.
    NotMet,
    /// It went on and stopped when it was asked to.
    Harmless,
    /// It ended, so long after the fault.
    Fatal(Duration),
}

/// Whether the fault was a kill, which nobody can answer for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    Error,
    Kill,
}

/// Runs a program that meets a fault, and checks what it does and what is left.
pub(super) fn meet(rig: &Rig, beginning: &Beginning, fault: &str, manner: Manner) -> Outcome {
    let home = beginning.lay_out();
    let mut books = Books::default();
    let mut broken = Vec::new();
    let (end, calls) = match beginning.program {
        Program::Serve => serve(rig, beginning, &home, fault, manner, &mut books, &mut broken),
        Program::Verify => verify(rig, &home, fault, manner, &mut broken),
    };
    let met = calls.injected();
    let effect = match end {
        _ if met.is_empty() => Effect::NotMet,
        End::Code(0) => Effect::Harmless,
        _ => Effect::Fatal(calls.lived),
    };
    if broken.is_empty() {
        remove(&home);
    } else {
        let log = fs::read_to_string(home.with_extension("log")).unwrap();
        let met = met.first().map_or_else(|| "nothing".to_owned(), ToString::to_string);
        broken.push(format!("it met {met}; kept in {}; it said:\n{log}", home.display()));
    }
    Outcome { effect, acknowledged: books.acknowledged(), broken, calls }
}

/// Runs a server, asks it for things meanwhile, and holds the answers against what is left.
fn serve(
    rig: &Rig,
    beginning: &Beginning,
    home: &Path,
    fault: &str,
    manner: Manner,
    books: &mut Books,
    broken: &mut Vec<String>,
) -> (End, Calls) {
    let mut server = Process::start(&mut rig.command(home, fault, SERVE), home);
    let started = server.ready();
    let (end, asked_to_stop) = match started {
        Ok(address) => {
            books.fill(address, beginning.earlier);
            // A server that fails has to end by itself.
            let asked_to_stop = !books.tell_of_an_end();
            let pid = server.pid();
            (if asked_to_stop { server.stop(pid) } else { server.end() }, asked_to_stop)
        }
        Err(end) => (end, false),
    };
    let log = fs::read_to_string(home.with_extension("log")).unwrap();
    let calls = Calls::read(home);
    let met = calls.injected();
    let proper = is_proper_end(end, started.is_ok(), asked_to_stop, &log, manner, &met);
    broken.extend(proper.err());
    if started == Err(End::Code(0)) {
        broken.push("it ended before it was ready, and called that a success".to_owned());
    }
    check_what_is_left(home, beginning, books, started.is_ok(), broken);
    (end, calls)
}

/// Runs `verify`, which must say what hinders it and leave no trace.
fn verify(
    rig: &Rig,
    home: &Path,
    fault: &str,
    manner: Manner,
    broken: &mut Vec<String>,
) -> (End, Calls) {
    let before = contents(&home.join("data"));
    let mut process = Process::start(&mut rig.command(home, fault, VERIFY), home);
    let end = process.ready().expect_err("it does not serve");
    let log = process.log();
    let calls = Calls::read(home);
    broken.extend(is_proper_end(end, false, false, &log, manner, &calls.injected()).err());
    // What it copied may stay if it was killed or could not remove it, until the next time.
    let is_excused = manner == Manner::Kill
        || calls.injected().iter().any(|call| call.path.contains("/inspected"));
    let mut after = contents(&home.join("data"));
    if is_excused {
        after.retain(|path, _| !path.to_string_lossy().contains("/inspected"));
    }
    if before != after {
        broken.push("it changed what it looked at".to_owned());
    }
    let verified = run(home, VERIFY);
    if !verified.status.success() || before != contents(&home.join("data")) {
        broken.push(format!("the next time: {}{}", said(&verified), complained(&verified)));
    }
    (end, calls)
}

/// All files below a directory, but for locks, with what is in them.
fn contents(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else if path.file_name() != Some("lock".as_ref()) {
            found.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    found
}

/// Runs a server that meets no fault, under strace; gives what the rig counted, and what strace did.
pub(super) fn run_under_strace(
    rig: &Rig,
    beginning: &Beginning,
) -> (BTreeMap<String, usize>, BTreeMap<String, usize>) {
    let home = beginning.lay_out();
    let trace = home.with_extension("trace");
    let mut server = Process::start(&mut rig.server_under_strace(&home, &trace), &home);
    let address = server.ready().expect("it is ready");
    Books::default().fill(address, beginning.earlier);
    // The process that was started is strace; the server says in its lock who it is.
    let pid = fs::read_to_string(home.join("data/db/lock")).unwrap().trim().parse().unwrap();
    assert_eq!(server.stop(pid), End::Code(0));
    let by_strace = strace::count(&fs::read_to_string(&trace).unwrap(), &home);
    let mut by_rig = BTreeMap::new();
    for call in Calls::read(&home).made {
        *by_rig.entry(call.kind).or_default() += 1;
    }
    remove(&home);
    fs::remove_file(trace).unwrap();
    (by_rig, by_strace)
}

/// Lets the first sync of a sale fail while somebody has sent half of a request; gives how long the
/// server then lived.
pub(super) fn fail_with_a_slow_client(rig: &Rig, beginning: &Beginning) -> Duration {
    let home = beginning.lay_out();
    // The first two syncs are those of the new event.
    let mut server = Process::start(&mut rig.command(&home, "fdatasync:3:5", SERVE), &home);
    let address = server.ready().expect("it is ready");
    let mut slow = TcpStream::connect(address).unwrap();
    let head = "Content-Type: application/json\r\nContent-Length: 100\r\nExpect: 100-continue";
    write!(slow, "POST /reservations/ HTTP/1.1\r\nHost: localhost\r\n{head}\r\n\r\n").unwrap();
    // The server asks for the body, so the request is in flight.
    let mut asks_for_more = [0; 25];
    slow.read_exact(&mut asks_for_more).unwrap();
    let told = client::reserve(address, "p", 1);
    assert!(matches!(told, Told::Answer(503, ..)), "{told:?}");
    assert_eq!(server.end(), End::Code(1));
    let calls = Calls::read(&home);
    assert_eq!(calls.injected().len(), 1);
    remove(&home);
    calls.lived
}

fn remove(home: &Path) {
    fs::remove_dir_all(home).unwrap();
    for extension in ["log", "calls"] {
        fs::remove_file(home.with_extension(extension)).unwrap();
    }
}

/// An end that an operator can make something of.
fn is_proper_end(
    end: End,
    was_ready: bool,
    asked_to_stop: bool,
    log: &str,
    manner: Manner,
    met: &[&Call],
) -> Result<(), String> {
    if log.contains("panicked at") {
        return Err("it panicked for everybody to see".to_owned());
    }
    let times = |words: &str| log.lines().filter(|line| line.contains(words)).count();
    match end {
        End::Hung => Err("it hung".to_owned()),
        End::Signal(9) if manner == Manner::Kill && !met.is_empty() => Ok(()),
        End::Code(0) if was_ready && !asked_to_stop => {
            Err("it failed, and ended with 0".to_owned())
        }
        End::Code(0) => Ok(()),
        End::Code(1) if met.is_empty() => Err("it failed without a fault".to_owned()),
        End::Code(1) => {
            let reason =
                if was_ready { "the store failed, so this process ends: " } else { "ticketboss: " };
            match times(reason) {
                1 => Ok(()),
                count => Err(format!("it gave {count} reasons for its end")),
            }
        }
        End::Code(_) | End::Signal(_) => Err(format!("it ended with {end:?}")),
    }
}

/// Verifies, starts without faults, and holds the books against the ledger.
fn check_what_is_left(
    home: &Path,
    beginning: &Beginning,
    books: &Books,
    was_ready: bool,
    broken: &mut Vec<String>,
) {
    let verified = run(home, &["verify"]);
    let complaint = complained(&verified);
    let has_to_be_there = was_ready || !beginning.history.is_empty();
    let is_there = !complaint.contains("there is no database in")
        && !complaint.contains("there is no event in");
    if !verified.status.success() && (has_to_be_there || is_there) {
        broken.push(format!("verify: {}{complaint}", said(&verified)));
    }
    let mut server = Process::start(&mut unharmed_server(home), &home.join("next"));
    let version = match server.ready() {
        Ok(address) => {
            let ready = client::look(address, "/readyz");
            if !matches!(&ready, Told::Answer(200, _, body) if body["damagedEvents"].is_null()) {
                broken.push(format!("the next start: {ready:?}"));
            }
            match client::look(address, "/reservations/") {
                Told::Answer(200, version, _) => version,
                told => {
                    broken.push(format!("the next start: {told:?}"));
                    None
                }
            }
        }
        Err(end) => {
            broken.push(format!("the next start: {end:?}"));
            None
        }
    };
    let pid = server.pid();
    let end = server.stop(pid);
    let log = fs::read_to_string(home.join("next.log")).unwrap();
    if end != End::Code(0) || log.contains("ERROR") || log.contains("panicked") {
        broken.push(format!("the next start: {end:?}, {log}"));
    }
    match Stored::read(home) {
        Ok(stored) => {
            if version != Some(stored.0.len() as u64) {
                broken.push(format!("the next start shows version {version:?}"));
            }
            broken.extend(books.untrue(&stored, &beginning.history));
        }
        Err(why) => broken.push(why),
    }
}
