//! `kill -9` at any moment: what clients were told before it can be true after it, and the next start is
//! a good one, also when it is killed itself.
//!
//! **What the rig does.** Clients of `stress` storm the real program, over three events, and survive it:
//! whenever it is gone they wait until it is back, and go on with the reservations that they have, also
//! with those of which they never heard. It is killed while they are at work, in one of four cases while
//! it starts, some of those while it makes its database; `verify` is killed, too, and has to find its way
//! the next time. After each start, every event must have at least the version that a client was told.
//! After a dozen kills the ledgers are judged, with all that the clients of that database were told:
//! every change is somebody's, once, as he was told, and in the order in real time.
//!
//! `TICKETBOSS_KILLS` is the number of kills, `TICKETBOSS_KILL_SEED` makes the moments and the clients'
//! choices those of an earlier run; the seed is printed. What is left of a database that is convicted
//! is kept, and its place is printed.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::process::Stdio;
use std::time::{Duration, Instant};

use ticketboss_lab::checker::Scope;
use ticketboss_lab::client::Target;
use ticketboss_lab::histories;
use ticketboss_lab::judging::{Tally, judge_directory};
use ticketboss_lab::load::{Gathered, Raging};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::evidence::Home;
use crate::program::{Serving, complained, run, said, ticketboss};
use crate::random::SplitMix;
use crate::storms;
use crate::support::setting;

/// How often something is killed, unless it is said.
const KILLS: u32 = 100;
/// How many kills one database lives through.
const KILLS_PER_DATABASE: u32 = 16;
/// The least and the most time that the server is let work before it is killed, in microseconds.
const WORK_US: (u64, u64) = (5_000, 500_000);
const ARGUMENTS: [&str; 6] =
    ["--seed-event", "events.json", "--access-log", "off", "--log", "error"];

#[test]
#[ignore = "needs a minute"]
fn nothing_acknowledged_is_lost_by_a_kill_at_any_moment() {
    let kills = setting("TICKETBOSS_KILLS").map_or(KILLS, |text| text.parse().unwrap());
    let seed = setting("TICKETBOSS_KILL_SEED")
        .map_or_else(|| RandomState::new().hash_one(0), |text| text.parse().unwrap());
    println!("{kills} kills, TICKETBOSS_KILL_SEED={seed}");
    let began = Instant::now();
    let runtime = Runtime::new().unwrap();
    let _in_runtime = runtime.enter();
    let mut random = SplitMix(seed);
    let mut count = Count::default();
    while count.kills < kills {
        let kills_here = KILLS_PER_DATABASE.min(kills - count.kills);
        let mut rig = Rig::new(&runtime, random.next());
        rig.kill_so_often(kills_here);
        rig.judge(&mut count);
        println!("{count} after {:.0?}", began.elapsed());
    }
    println!("{count}; verdict: good");
    assert!(count.tally.acknowledged > u64::from(kills), "the clients got something done");
}

/// What all kills together came to.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    kills: u32,
    start_up_kills: u32,
    verify_kills: u32,
    tally: Tally,
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, start_up_kills, verify_kills, tally } = self;
        write!(
            f,
            "{kills} kills, {start_up_kills} of them in start-up; {verify_kills} kills of verify; \
             {tally}"
        )
    }
}

/// One database, its clients, and what is done to it.
struct Rig<'a> {
    runtime: &'a Runtime,
    random: SplitMix,
    home: Home,
    whereabouts: watch::Sender<Option<Target>>,
    raging: Option<Raging>,
    /// How long starts take: the moments of a start are up to it.
    start_took: Duration,
    count: Count,
}

impl<'a> Rig<'a> {
    fn new(runtime: &'a Runtime, seed: u64) -> Self {
        let home = Home::create();
        storms::write_events(&home.path().join("events.json"));
        let (whereabouts, server) = watch::channel(None);
        let raging = Some(storms::storm(seed).begin(&server, u64::MAX));
        let (start_took, count) = (Duration::from_millis(30), Count::default());
        Self { runtime, random: SplitMix(seed), home, whereabouts, raging, start_took, count }
    }

    fn kill_so_often(&mut self, kills: u32) {
        while self.count.kills < kills {
            match self.count.kills % 4 {
                // The first of all comes while the database is made.
                0 => self.kill_start(),
                2 if self.random.next().is_multiple_of(4) => {
                    self.kill_verify();
                    self.kill_at_work();
                }
                _ => self.kill_at_work(),
            }
        }
    }

    fn kill_at_work(&mut self) {
        let began = Instant::now();
        let server = Serving::start(self.home.path(), &ARGUMENTS);
        self.start_took = began.elapsed();
        let target = storms::target_of(&server);
        let lost = storms::find_lost(self.runtime, self.raging.as_ref().unwrap(), &target);
        assert_eq!(lost, None);
        self.whereabouts.send_replace(Some(target));
        let (least, most) = WORK_US;
        // This sleep, and those below, stand for no condition: the random moment is the fault itself.
        std::thread::sleep(Duration::from_micros(self.random.within(least, most)));
        // Nobody shall knock at an address that may be somebody else's by now.
        self.whereabouts.send_replace(None);
        server.kill();
        self.count.kills += 1;
    }

    fn kill_start(&mut self) {
        self.kill_within(&[&["serve", "--listen", "127.0.0.1:0"], &ARGUMENTS[..]].concat());
        self.count.kills += 1;
        self.count.start_up_kills += 1;
    }

    fn kill_verify(&mut self) {
        self.kill_within(&["verify"]);
        self.count.verify_kills += 1;
        let verified = run(self.home.path(), &["verify"]);
        assert!(verified.status.success(), "{}{}", said(&verified), complained(&verified));
        let copy = self.home.path().join("data/db/inspected");
        assert!(!copy.exists(), "{} is still there", copy.display());
    }

    /// Starts a command and kills it within about the time that a start takes.
    fn kill_within(&mut self, arguments: &[&str]) {
        let most = u64::try_from(self.start_took.as_micros()).unwrap();
        let moment = Duration::from_micros(self.random.within(0, most));
        let mut command = ticketboss(self.home.path(), arguments);
        let mut started = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(moment);
        started.kill().unwrap();
        started.wait().unwrap();
    }

    /// Ends the storm and judges it; convicts, with the evidence, or adds to `count`.
    fn judge(mut self, count: &mut Count) {
        let raging = self.raging.take().unwrap();
        raging.stop();
        let (_, Gathered { operations, .. }) = self.runtime.block_on(raging.end(|_| ())).unwrap();
        histories::write(&self.home.path().join("history.jsonl"), &operations).unwrap();
        let directory = self.home.path().join("data/db");
        let histories = histories::by_event(operations);
        let judging = judge_directory(&directory, &histories, Scope::Whole);
        for judged in self.runtime.block_on(judging).unwrap() {
            assert!(judged.verdict.is_good(), "{}: {}", judged.event, judged.verdict);
            self.count.tally += judged.tally;
        }
        count.kills += self.count.kills;
        count.start_up_kills += self.count.start_up_kills;
        count.verify_kills += self.count.verify_kills;
        count.tally += self.count.tally;
    }
}
