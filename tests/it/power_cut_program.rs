//! What clients of the whole program were told survives a power cut.
//!
//! `crates/store/tests/it/power_cut.rs` cuts the power of a writer that is made for it. Here it is that of the real program, while
//! clients storm it over HTTP: an ext4 file system on a loop device holds its data directory, is shut
//! down under it at a random moment, as there, and is mounted again. Then the ledgers are judged with
//! everything that the clients of this file system were ever told: nothing acknowledged is lost, nothing
//! is done twice or by nobody, nothing is out of order. An answer that the program gives after the cut
//! counts, too: nothing can be on disk by then.
//!
//! A third of the cuts find a new file system, the others one that lives through many. Some come while
//! the program starts, or makes its database. Each next start has to be a good one.
//!
//! **That it convicts.** With `tests/mutants/skip-sync.patch` it must fail:
//! `SUITES="program" .ci/sabotage skip-sync`.
//!
//! `TICKETBOSS_POWER_CUTS` is the number of cuts, `TICKETBOSS_POWER_CUT_SEED` makes the moments and the
//! clients' choices those of an earlier run; the seed is printed.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use ticketboss_lab::checker::Scope;
use ticketboss_lab::client::Target;
use ticketboss_lab::histories::{self, Histories};
use ticketboss_lab::judging::{Judged, Tally, judge_directory};
use ticketboss_lab::load::Storm;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::evidence::Home;
use crate::file_systems::{Ext4, skip, text};
use crate::godown::{CUTS_VARIABLE, FILE_SYSTEM_BYTES, Godown, SEED_VARIABLE, missing_needs};
use crate::program::{Serving, ticketboss};
use crate::random::SplitMix;
use crate::storms;
use crate::support::setting;

const CUTS: u32 = 30;
/// How many cuts one file system lives through, of those that live through any.
const CUTS_PER_FILE_SYSTEM: u32 = 20;
/// How long the program is let live after the cut, at most, to tell more than it can know.
const AFTERMATH_MS_MAX: u64 = 50;

#[test]
#[ignore = "needs root, a loop device and mkfs.ext4"]
fn nothing_that_clients_were_told_is_lost_in_30_power_cuts() {
    if let Some(reason) = missing_needs() {
        return skip(&reason);
    }
    let cuts = setting(CUTS_VARIABLE).map_or(CUTS, |text| text.parse().unwrap());
    let seed = setting(SEED_VARIABLE)
        .map_or_else(|| RandomState::new().hash_one(0), |text| text.parse().unwrap());
    println!("{cuts} power cuts of the program, {SEED_VARIABLE}={seed}");
    let rig = Rig { runtime: Runtime::new().unwrap(), godown: Godown::build() };
    let _in_runtime = rig.runtime.enter();
    let mut random = SplitMix(seed);
    let mut count = Count::default();
    for cut in 0..cuts / 3 {
        let mut subject = Subject::create(random.next());
        rig.cut_and_judge(&mut subject, cut, &mut count);
        start_once_more(&subject, &mut count);
    }
    while count.cuts < cuts {
        let mut subject = Subject::create(random.next());
        for cut in 0..CUTS_PER_FILE_SYSTEM.min(cuts - count.cuts) {
            rig.cut_and_judge(&mut subject, cut, &mut count);
            if subject.is_convicted {
                // What the next cuts do to a database that is broken tells nothing.
                break;
            }
        }
        start_once_more(&subject, &mut count);
    }
    println!("{count}");
    assert_eq!((count.failed_starts, count.convicted), (0, 0), "failed starts, convicted");
    assert!(count.tally.acknowledged > u64::from(cuts), "the cuts hit a program at work");
}

/// What all cuts together came to.
#[derive(Debug, Default)]
struct Count {
    cuts: u32,
    start_up_cuts: u32,
    tally: Tally,
    failed_starts: u32,
    convicted: u32,
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cuts, start_up_cuts, tally, failed_starts, convicted } = self;
        write!(
            f,
            "{cuts} power cuts of the program, {start_up_cuts} of them in start-up; {tally}; failed \
             starts {failed_starts}, convicted {convicted}"
        )
    }
}

/// A file system with the data of the program, and the clients that know it.
struct Subject {
    random: SplitMix,
    file_system: Ext4,
    home: Home,
    /// At rest between two cuts.
    storm: Option<Storm>,
    /// Everything that was asked of it.
    histories: Histories,
    /// What that came to when it was last judged.
    tally: Tally,
    /// How long starts take: the moments of a start are up to it.
    start_took: Duration,
    is_convicted: bool,
}

impl Subject {
    fn create(seed: u64) -> Self {
        let home = Home::create();
        storms::write_events(&home.path().join("events.json"));
        Self {
            random: SplitMix(seed),
            file_system: Ext4::create(FILE_SYSTEM_BYTES),
            home,
            storm: Some(storms::storm(seed)),
            histories: Histories::new(),
            tally: Tally::default(),
            start_took: Duration::from_millis(30),
            is_convicted: false,
        }
    }

    fn data_dir(&self) -> PathBuf {
        self.file_system.path().join("data")
    }

    fn arguments(&self) -> Vec<String> {
        let data_dir = self.data_dir();
        ["--seed-event", "events.json", "--access-log", "off", "--log", "error", "--data-dir"]
            .map(str::to_owned)
            .into_iter()
            .chain([text(&data_dir).to_owned()])
            .collect()
    }

    fn milliseconds(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_micros(self.random.within(least * 1000, most * 1000))
    }
}

struct Rig {
    runtime: Runtime,
    godown: Godown,
}

impl Rig {
    /// Cuts the power once, and looks at what is left.
    fn cut_and_judge(&self, subject: &mut Subject, cut: u32, count: &mut Count) {
        count.cuts += 1;
        let fault = match cut % 4 {
            0 => {
                count.start_up_cuts += 1;
                self.cut_start(subject, count)
            }
            1 => self.cut_at_work(subject, 0, 30, count),
            _ => self.cut_at_work(subject, 20, 400, count),
        };
        subject.file_system.unmount();
        subject.file_system.mount();
        let faults = fault.into_iter().chain(self.judge(subject)).collect::<Vec<_>>();
        let Count { cuts, .. } = count;
        if faults.is_empty() {
            println!("cut {cuts}: {}; all can be true", subject.tally);
        } else {
            println!("cut {cuts}: CONVICTED: {}", faults.join("; "));
            count.convicted += 1;
            subject.is_convicted = true;
        }
    }

    /// Cuts the power of a program that is starting.
    fn cut_start(&self, subject: &mut Subject, count: &mut Count) -> Option<String> {
        let mut command = ticketboss(subject.home.path(), &["serve", "--listen", "127.0.0.1:0"]);
        let command = command.args(subject.arguments()).stdout(Stdio::null()).stderr(Stdio::null());
        let took = u64::try_from(subject.start_took.as_millis()).unwrap();
        let moment = subject.milliseconds(0, took);
        let mut starting = command.spawn().unwrap();
        // This sleep, and those below, stand for no condition: the random moment is the fault itself.
        std::thread::sleep(moment);
        let ended = starting.try_wait().unwrap();
        self.godown.cut(subject.file_system.path());
        starting.kill().unwrap();
        starting.wait().unwrap();
        count.failed_starts += u32::from(ended.is_some());
        ended.map(|status| format!("the start ended with {status}"))
    }

    /// Lets the clients loose, and cuts the power between these milliseconds later.
    fn cut_at_work(
        &self,
        subject: &mut Subject,
        least: u64,
        most: u64,
        count: &mut Count,
    ) -> Option<String> {
        let began = Instant::now();
        let server = match start(subject, count) {
            Ok(server) => server,
            Err(why) => return Some(why),
        };
        subject.start_took = began.elapsed();
        let (whereabouts, at) = watch::channel::<Option<Target>>(Some(storms::target_of(&server)));
        let raging = subject.storm.take().unwrap().begin(&at, u64::MAX);
        std::thread::sleep(subject.milliseconds(least, most));
        self.godown.cut(subject.file_system.path());
        std::thread::sleep(subject.milliseconds(0, AFTERMATH_MS_MAX));
        whereabouts.send_replace(None);
        server.kill();
        raging.stop();
        let (storm, gathered) = self.runtime.block_on(raging.end(|_| ())).unwrap();
        subject.storm = Some(storm);
        histories::add(gathered.operations, &mut subject.histories);
        None
    }

    /// Holds everything that clients were ever told against what is there now.
    fn judge(&self, subject: &mut Subject) -> Vec<String> {
        let data_dir = subject.data_dir();
        if subject.histories.is_empty() && !data_dir.join("db").exists() {
            // The power went before there was a database; the next start makes one.
            return Vec::new();
        }
        let judging = judge_directory(&data_dir, &subject.histories, Scope::Whole);
        let judged = match self.runtime.block_on(judging) {
            Ok(judged) => judged,
            Err(why) => return vec![why.to_string()],
        };
        subject.tally = Tally::default();
        for Judged { tally, .. } in &judged {
            subject.tally += *tally;
        }
        let bad = judged.iter().filter(|judged| !judged.verdict.is_good());
        bad.map(|Judged { event, verdict, .. }| format!("{event}: {verdict}")).collect()
    }
}

/// Ends with a subject: whatever was done to it, it can be started from.
fn start_once_more(subject: &Subject, count: &mut Count) {
    count.tally += subject.tally;
    if let Err(why) = start(subject, count) {
        println!("after the last cut: {why}");
    }
}

fn start(subject: &Subject, count: &mut Count) -> Result<Serving, String> {
    let arguments = subject.arguments();
    let arguments = arguments.iter().map(String::as_str).collect::<Vec<_>>();
    let started = Serving::try_start(subject.home.path(), &arguments);
    count.failed_starts += u32::from(started.is_err());
    started
}
