//! What was acknowledged survives a power cut. sled 0.34.7 by itself does not see to that.
//!
//! **The defects.** Its `flush` ends in `sync_file_range`, which writes pages out but neither the
//! length of the file nor the drive's cache (spacejam/sled#1452): after a power cut thousands of
//! acknowledged writes are gone. And a node that is larger than a quarter of a segment goes to a file
//! in `blobs/` that is never synced: after a power cut the database often cannot be opened any more.
//!
//! **What is done about them.** The committer syncs sled's log itself before it answers anybody; pages
//! are at most 16 KiB and segments 2 MiB, so that no node is ever that large.
//!
//! **What the rig does.** It makes an ext4 file system on a loop device, and a process of its own (the
//! `writer_process` below, which is this test binary once more) writes to eight events at once as fast
//! as it can and prints each commit that was acknowledged. At a random moment the file system is shut
//! down under it, as xfstests does it: `EXT4_IOC_SHUTDOWN` without a flush of the journal, so that
//! everything that was not forced to the device is gone. Then the writer is killed, the file system is
//! mounted again, and another process (`checking_process`) opens the database and replays every event.
//! Half of the cuts find a new database, some of them at the moment of its creation; in the other half
//! one database lives through many cuts, some of them while it is opened after the one before.
//!
//! What this cannot show is what a drive loses that lies about its cache.
//!
//! **That it convicts.** With `tests/mutants/skip-sync.patch` (no sync) and with
//! `tests/mutants/large-pages.patch` (40 KiB pages, sled's own segments) it must fail:
//! `SUITES="power" .ci/sabotage skip-sync large-pages`.
//!
//! `TICKETBOSS_POWER_CUTS` is the number of cuts, `TICKETBOSS_POWER_CUT_SEED` makes the moments and the
//! batches those of an earlier run; the seed is printed.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ticketboss_core::domain::{Event, EventId, Version};
use ticketboss_store::local::sled::{SledOptions, open};
use ticketboss_store::{Loaded, Store, ledger};

use self::process::Process;
use self::writer::Writer;
use crate::file_systems::{Ext4, skip};
use crate::godown::{CUTS_VARIABLE, FILE_SYSTEM_BYTES, Godown, SEED_VARIABLE, missing_needs};
use crate::random::SplitMix;
use crate::support::setting;

mod process;
mod writer;

const CUTS: u32 = 40;
/// How many cuts one database lives through, in the half where it lives through any.
const CUTS_PER_FILE_SYSTEM: u32 = 20;
const EVENTS: usize = 8;
/// Tells a process that it is part of this test, and where its database is.
const DIRECTORY_VARIABLE: &str = "TICKETBOSS_POWER_CUT_DIRECTORY";

#[test]
#[ignore = "needs root, a loop device and mkfs.ext4"]
fn nothing_acknowledged_is_lost_in_40_power_cuts() {
    if let Some(reason) = missing_needs() {
        return skip(&reason);
    }
    let cuts = setting(CUTS_VARIABLE).map_or(CUTS, |text| text.parse().unwrap());
    let seed = setting(SEED_VARIABLE)
        .map_or_else(|| RandomState::new().hash_one(0), |text| text.parse().unwrap());
    println!("{cuts} power cuts, {SEED_VARIABLE}={seed}");
    let mut rig = Rig::new(seed);
    let mut tally = Tally::default();
    for cut in 0..cuts / 2 {
        let mut subject = Subject::create();
        let moment = rig.moment_for_a_new_database(cut);
        rig.cut_and_check(&mut subject, moment, &mut tally);
    }
    let mut subject = None;
    for cut in 0..cuts - cuts / 2 {
        if cut % CUTS_PER_FILE_SYSTEM == 0 {
            // The old one goes first, or there would be two loop devices at a time.
            subject = None;
        }
        let moment = rig.moment_for_an_old_database(cut);
        let whole =
            rig.cut_and_check(subject.get_or_insert_with(Subject::create), moment, &mut tally);
        if !whole {
            // What the next cuts do to a database that is broken tells nothing.
            subject = None;
        }
    }
    println!("{tally}");
    assert!(tally.acknowledged >= u64::from(cuts), "the cuts hit a writer at work");
    assert_eq!(
        (tally.lost, tally.failed_opens, tally.damaged, tally.blobs),
        (0, 0, 0, 0),
        "lost, failed opens, damaged, blobs"
    );
}

/// A file system with a database, and what was acknowledged of it: the versions of each event.
struct Subject {
    file_system: Ext4,
    acknowledged: BTreeMap<String, Vec<u64>>,
}

impl Subject {
    fn create() -> Self {
        Self { file_system: Ext4::create(FILE_SYSTEM_BYTES), acknowledged: BTreeMap::new() }
    }

    fn directory(&self) -> PathBuf {
        self.file_system.path().join("data")
    }

    /// Takes in a line of the writer; says whether it acknowledges a commit.
    fn note(&mut self, line: &str) -> bool {
        let Some((event, version)) = said(line, "acked") else {
            return false;
        };
        self.acknowledged.entry(event).or_default().push(version);
        true
    }
}

/// What all cuts together came to.
#[derive(Debug, Default)]
struct Tally {
    cuts: u32,
    acknowledged: u64,
    lost: u64,
    failed_opens: u32,
    damaged: u32,
    blobs: u64,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cuts, acknowledged, lost, failed_opens, damaged, blobs } = self;
        write!(
            f,
            "{cuts} power cuts, {acknowledged} acknowledged commits, lost {lost}, failed opens \
             {failed_opens}, damaged events {damaged}, files in blobs/ {blobs}"
        )
    }
}

/// When the power goes.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// So long after the writer set about opening the database.
    AfterOpening(Duration),
    /// So long after the first commit of this writer was acknowledged.
    AfterFirstCommit(Duration),
}

struct Rig {
    random: SplitMix,
    godown: Godown,
}

impl Rig {
    fn new(seed: u64) -> Self {
        Self { random: SplitMix(seed), godown: Godown::build() }
    }

    fn moment_for_a_new_database(&mut self, cut: u32) -> Moment {
        match cut % 4 {
            0 => Moment::AfterOpening(self.milliseconds(0, 60)),
            1 => Moment::AfterFirstCommit(self.milliseconds(0, 30)),
            _ => Moment::AfterFirstCommit(self.milliseconds(20, 400)),
        }
    }

    fn moment_for_an_old_database(&mut self, cut: u32) -> Moment {
        match cut % 4 {
            1 => Moment::AfterOpening(self.milliseconds(0, 60)),
            _ => Moment::AfterFirstCommit(self.milliseconds(20, 400)),
        }
    }

    fn milliseconds(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_micros(self.random.within(least * 1000, most * 1000))
    }

    /// Lets a writer work, cuts its power, and looks at what is left; says whether all of it is.
    fn cut_and_check(&mut self, subject: &mut Subject, moment: Moment, tally: &mut Tally) -> bool {
        let newly_acknowledged = self.write_and_cut(subject, moment);
        subject.file_system.unmount();
        subject.file_system.mount();
        let mut found = Found::default();
        if !subject.acknowledged.is_empty() && is_empty(&subject.directory().join("conf")) {
            // sled would take whatever settings it is opened with next for those of the database.
            found.damaged.push("sled's conf is empty".to_owned());
        }
        found.check(&subject.directory());
        let faults = found.faults(subject);
        println!(
            "{moment:?}: {newly_acknowledged} commits; {}",
            if faults.is_empty() { "all kept" } else { &faults }
        );
        tally.cuts += 1;
        tally.acknowledged += newly_acknowledged;
        tally.failed_opens += u32::from(found.cannot_open.is_some());
        if found.cannot_open.is_none() {
            tally.lost += found.lost(subject);
        }
        tally.damaged += u32::try_from(found.damaged.len()).unwrap();
        tally.blobs += found.blobs;
        faults.is_empty()
    }

    /// Gives back how many commits were acknowledged.
    ///
    /// Every line counts that the writer printed, also after the cut: it prints one only after the
    /// sync of the commit has succeeded, and no sync succeeds once the file system is shut down.
    fn write_and_cut(&mut self, subject: &mut Subject, moment: Moment) -> u64 {
        let directory = subject.directory();
        let writer = Process::start("writer_process", &directory, self.random.next());
        let mut lines = 0;
        let delay = match moment {
            Moment::AfterOpening(delay) => {
                // It says so before it opens, so this line comes even from one that then fails.
                while writer.line().expect("the writer sets about it") != "opening" {}
                delay
            }
            Moment::AfterFirstCommit(delay) => loop {
                let line = writer.line().expect("the writer commits something");
                if subject.note(&line) {
                    lines += 1;
                    break delay;
                }
                assert!(!line.starts_with("stopped"), "the writer {line}");
            },
        };
        // The sleep stands for no condition: its end, at any moment, is the fault itself.
        std::thread::sleep(delay);
        self.godown.cut(subject.file_system.path());
        for line in writer.kill() {
            lines += u64::from(subject.note(&line));
        }
        lines
    }
}

/// What the checking process says of a database.
#[derive(Debug, Default)]
struct Found {
    cannot_open: Option<String>,
    held: BTreeMap<String, u64>,
    damaged: Vec<String>,
    blobs: u64,
}

impl Found {
    /// Opens the database in a process of its own, which may die of it.
    fn check(&mut self, directory: &Path) {
        let checker = Process::start("checking_process", directory, 0);
        let mut finished = false;
        while let Some(line) = checker.line() {
            if let Some((event, version)) = said(&line, "held") {
                self.held.insert(event, version);
            } else if let Some(why) = line.strip_prefix("cannot open ") {
                self.cannot_open = Some(why.to_owned());
            } else if let Some(what) = line.strip_prefix("damaged ") {
                self.damaged.push(what.to_owned());
            } else if let Some((_, count)) = said(&line, "blobs") {
                self.blobs = count;
            } else if line == "finished" {
                finished = true;
            }
        }
        if !finished && self.cannot_open.is_none() {
            self.cannot_open = Some("the process that checks it died".to_owned());
        }
    }

    /// How many of the acknowledged commits are not there.
    fn lost(&self, subject: &Subject) -> u64 {
        let lost_of = |(event, versions): (&String, &Vec<u64>)| {
            let held = self.held.get(event).copied().unwrap_or(0);
            versions.iter().filter(|version| **version > held).count() as u64
        };
        subject.acknowledged.iter().map(lost_of).sum()
    }

    /// All that is wrong, as one text.
    fn faults(&self, subject: &Subject) -> String {
        if let Some(why) = &self.cannot_open {
            return format!("IT CANNOT BE OPENED: {why}");
        }
        let mut faults = self.damaged.clone();
        let lost = self.lost(subject);
        if lost > 0 {
            faults.push(format!("LOST {lost} commits"));
        }
        if self.blobs > 0 {
            faults.push(format!("{} files in blobs/", self.blobs));
        }
        faults.join("; ")
    }
}

fn is_empty(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|file| file.len() == 0)
}

/// Takes apart a line like `acked event-3 17`.
fn said(line: &str, what: &str) -> Option<(String, u64)> {
    let mut words = line.split(' ');
    if words.next() != Some(what) {
        return None;
    }
    let event = words.next()?.to_owned();
    Some((event, words.next()?.parse().ok()?))
}

/// Tells the parent something: one line, at once.
fn say(line: &str) {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}")
        .and_then(|()| stdout.flush())
        .expect("whoever started this reads it");
}

/// The directory of the database, or `None`, and a word about it, where this is run by itself.
fn directory_of_this_part() -> Option<PathBuf> {
    let directory = setting(DIRECTORY_VARIABLE).map(PathBuf::from);
    // On a line of its own: the test harness may have begun one.
    say("");
    if directory.is_none() {
        say("nothing to do: this is run by the power-cut test");
    }
    directory
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a part of the power-cut test"]
async fn writer_process() {
    let Some(directory) = directory_of_this_part() else {
        return;
    };
    let mut random = SplitMix(setting(SEED_VARIABLE).unwrap().parse().unwrap());
    say("opening");
    let store = match open(&SledOptions::standard(directory)) {
        Ok(opened) => opened.store,
        Err(why) => return say(&format!("stopped: {why}")),
    };
    let mut writers = tokio::task::JoinSet::new();
    for index in 0..EVENTS {
        let writer =
            Writer { store: store.clone(), id: event_id(index), random: SplitMix(random.next()) };
        writers.spawn(writer.run());
    }
    for end in writers.join_all().await {
        say(&format!("stopped: {end}"));
    }
}

#[tokio::test]
#[ignore = "a part of the power-cut test"]
async fn checking_process() {
    let Some(directory) = directory_of_this_part() else {
        return;
    };
    let store = match open(&SledOptions::standard(&directory)) {
        Ok(opened) => opened.store,
        Err(why) => return say(&format!("cannot open {why}")),
    };
    let blobs = std::fs::read_dir(directory.join("blobs")).map_or(0, Iterator::count);
    say(&format!("blobs in {blobs}"));
    for listed in store.events().await.unwrap() {
        match replay(&store, &listed.event, listed.loaded.map_err(Into::into)).await {
            Ok((event, _)) => say(&format!("held {} {}", event.id(), event.version())),
            Err(why) => say(&format!("damaged {why}")),
        }
    }
    say("finished");
}

fn event_id(index: usize) -> EventId {
    EventId::new(&format!("event-{index}")).unwrap()
}

async fn replay(
    store: &Store,
    id: &EventId,
    loaded: Result<Loaded, ledger::ReplayError>,
) -> Result<(Event, Loaded), ledger::ReplayError> {
    let loaded = loaded?;
    let record = &loaded.record;
    let pages = store.pages(record.number, Version::FIRST, record.version);
    let replayed = ledger::replay(id, &loaded, pages).await?;
    Ok((replayed.event, loaded))
}
