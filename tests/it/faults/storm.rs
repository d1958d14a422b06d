//! Faults at random calls while clients storm the program, on a database that lives through many of
//! them: what the short run of a site does not come to, as when the log has grown over several segments
//! and sled moves its pages about.
//!
//! The clients and the judge are those of `crash`. Each server meets one fault, of a random kind at a
//! random call, or is killed there; one that has met none after a while is stopped. `TICKETBOSS_STORM_FAULTS`
//! is the number of servers, `TICKETBOSS_STORM_FAULT_SEED` chooses their faults and what the clients do;
//! the seed is printed.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::time::Duration;

use ticketboss_lab::checker::Scope;
use ticketboss_lab::client::Target;
use ticketboss_lab::histories;
use ticketboss_lab::judging::{Tally, judge_directory};
use ticketboss_lab::load::{Gathered, Raging};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::FAULTS;
use super::process::{End, Process};
use super::rig::{Calls, Rig};
use crate::evidence::Home;
use crate::file_systems::{missing, skip};
use crate::program::Serving;
use crate::random::SplitMix;
use crate::storms;
use crate::support::setting;

const SERVERS: u32 = 48;
/// How many servers work on one database.
const SERVERS_PER_DATABASE: u32 = 12;
/// What a server calls while it serves, and the highest number of the call that is to fail.
const CALLED: &[(&str, usize)] = &[
    ("any", 600),
    ("fdatasync", 200),
    ("ftruncate", 2),
    ("open", 40),
    ("pwrite", 200),
    ("read", 15),
    ("rename", 2),
    ("stat", 200),
    ("statfs", 200),
    ("sync_file_range", 200),
    ("write", 10),
];
/// How long a server that meets no fault is let work.
const WORK_MAX: Duration = Duration::from_millis(800);
const ARGUMENTS: [&str; 9] = [
    "serve",
    "--listen",
    "127.0.0.1:0",
    "--seed-event",
    "events.json",
    "--access-log",
    "off",
    "--log",
    "error",
];

#[test]
#[ignore = "needs root, cc, seccomp notifications and a minute"]
fn nothing_acknowledged_is_lost_by_a_fault_in_a_storm() {
    if let Some(reason) = missing(&["cc"]) {
        return skip(&reason);
    }
    let servers = setting("TICKETBOSS_STORM_FAULTS").map_or(SERVERS, |text| text.parse().unwrap());
    let seed = setting("TICKETBOSS_STORM_FAULT_SEED")
        .map_or_else(|| RandomState::new().hash_one(0), |text| text.parse().unwrap());
    println!("{servers} servers, TICKETBOSS_STORM_FAULT_SEED={seed}");
    let rig = Rig::build();
    let runtime = Runtime::new().unwrap();
    let _in_runtime = runtime.enter();
    let mut random = SplitMix(seed);
    let mut count = Count::default();
    while count.servers < servers {
        let mut database = Database::new(&rig, &runtime, random.next());
        for _ in 0..SERVERS_PER_DATABASE.min(servers - count.servers) {
            database.meet_a_fault(&mut count);
        }
        database.judge(&mut count);
        println!("{count}");
    }
    assert!(count.met > 0 && count.tally.acknowledged > u64::from(servers), "it was a storm");
}

/// What all servers together came to.
#[derive(Debug, Default)]
struct Count {
    servers: u32,
    met: u32,
    fatal: u32,
    slowest: Duration,
    tally: Tally,
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { servers, met, fatal, slowest, tally } = self;
        let slowest = slowest.as_millis();
        write!(
            f,
            "{servers} servers, {met} met a fault, fatal {fatal}, slowest stop {slowest} ms; {tally}; \
             all can be true"
        )
    }
}

/// A database, and the clients that know it.
struct Database<'a> {
    rig: &'a Rig,
    runtime: &'a Runtime,
    random: SplitMix,
    kept: Home,
    /// The directory of the server; what it says and does is noted beside it.
    home: PathBuf,
    whereabouts: watch::Sender<Option<Target>>,
    raging: Raging,
}

impl<'a> Database<'a> {
    fn new(rig: &'a Rig, runtime: &'a Runtime, seed: u64) -> Self {
        let kept = Home::create();
        let home = kept.path().join("home");
        std::fs::create_dir(&home).unwrap();
        storms::write_events(&home.join("events.json"));
        let (whereabouts, server) = watch::channel(None);
        let raging = storms::storm(seed).begin(&server, u64::MAX);
        Self { rig, runtime, random: SplitMix(seed), kept, home, whereabouts, raging }
    }

    /// Chooses a fault, as the rig takes it.
    fn choose_fault(&mut self) -> String {
        let mut one_of = |count: usize| {
            usize::try_from(self.random.next() % u64::try_from(count).unwrap()).unwrap()
        };
        let (kind, number_max) = CALLED[one_of(CALLED.len())];
        let faults = FAULTS.iter().find(|(known, _)| *known == kind).unwrap().1;
        super::fault(kind, one_of(number_max) + 1, faults[one_of(faults.len())])
    }

    /// Lets a server work until it meets its fault, or for a while.
    fn meet_a_fault(&mut self, count: &mut Count) {
        let fault = self.choose_fault();
        let command = &mut self.rig.command(&self.home, &fault, &ARGUMENTS);
        let mut server = Process::start(command, &self.home);
        let end = match server.ready() {
            Err(end) => end,
            Ok(address) => {
                let target = Target::parse(&format!("http://{address}")).unwrap();
                self.whereabouts.send_replace(Some(target));
                let pid = server.pid();
                let ended = server.wait_at_most(WORK_MAX);
                // Nobody shall knock at an address that may be somebody else's by now.
                self.whereabouts.send_replace(None);
                ended.unwrap_or_else(|server| server.stop(pid))
            }
        };
        let log = std::fs::read_to_string(self.home.with_extension("log")).unwrap();
        let calls = Calls::read(&self.home);
        let met = !calls.injected().is_empty();
        count.servers += 1;
        count.met += u32::from(met);
        if end != End::Code(0) {
            assert!(met, "{fault}: {end:?} without a fault: {log}");
            count.fatal += 1;
            count.slowest = count.slowest.max(calls.lived);
        }
        assert!(!log.contains("panicked at"), "{fault}: {log}");
        let is_proper = match end {
            End::Code(0) => true,
            End::Code(1) => {
                log.contains("ticketboss: ")
                    || log.contains("the store failed, so this process ends")
            }
            End::Signal(signal) => signal == 9 && fault.ends_with("kill"),
            End::Code(_) | End::Hung => false,
        };
        assert!(is_proper, "{fault}: {end:?}: {log}");
    }

    /// Starts without a fault, ends the storm, and judges what was told in it.
    fn judge(self, count: &mut Count) {
        let server = Serving::start(&self.home, &ARGUMENTS[3..]);
        let target = storms::target_of(&server);
        assert_eq!(storms::find_lost(self.runtime, &self.raging, &target), None);
        server.stop();
        self.raging.stop();
        let gathered = self.runtime.block_on(self.raging.end(|_| ())).unwrap();
        let Gathered { operations, .. } = gathered.1;
        histories::write(&self.kept.path().join("history.jsonl"), &operations).unwrap();
        let histories = histories::by_event(operations);
        let directory = self.home.join("data/db");
        let judging = judge_directory(&directory, &histories, Scope::Whole);
        for judged in self.runtime.block_on(judging).unwrap() {
            assert!(judged.verdict.is_good(), "{}: {}", judged.event, judged.verdict);
            count.tally += judged.tally;
        }
    }
}
