//! Every call to the system fails once: as in the I/O error loops of `SQLite`, for the whole program.
//!
//! A short run of the real binary (start, some reservations and cancellations, stop; or `verify`) is made
//! once for each **site**: one fault at the n-th call of one kind, of all that concern a file below the
//! directory that the program is started in, in whatever thread. `tests/rig/fault.c` counts the calls
//! and injects the fault; strace cannot, because it counts for each thread by itself. That the rig
//! misses no kind of call is checked with strace.
//!
//! After each run the promises are checked:
//!
//! - before it was ready, the program serves in spite of the fault or ends with status 1 and one line;
//! - each request was answered with the truth, or with 503, or the connection ended;
//! - if the store failed, the process has ended with status 1, and it said why;
//! - it does not hang, and it does not panic for everybody to see;
//! - `verify` finds everything good, the next start, without faults, is a clean one, and the ledger
//!   bears out every answer: what was acknowledged is there once, what was refused is not, what was
//!   neither is there once or not at all, and nothing else is.
//!
//! One fault is left out, because nobody could make up for it: while sled looks for the end of its log,
//! it takes a read that fails for that end, and overwrites what follows. That is why the program reads
//! the log from end to end before it opens sled: of a disk that does not give it back, the `read`s are
//! told in time (they are sites), and the `pread`s that follow are answered from memory.
//!
//! How many calls of a kind there are depends a little on the moment, so the number of sites is that of
//! the run with the most, and those that their run does not reach are counted apart.
//!
//! `TICKETBOSS_FAULT_SITES` is the number of sites, which are spread over all of them, or `all`. With
//! `TICKETBOSS_FAULT_FIRST` they are that one, by its number or its name (`kept/pwrite:3:EIO`), and those
//! that follow it. `TICKETBOSS_FAULT_WORKERS` is how many run at once.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use self::rig::Rig;
use self::site::{Beginning, Effect, Manner, Outcome, meet};
use crate::file_systems::{missing, skip};
use crate::support::setting;

mod books;
pub(crate) mod client;
mod meddling;
pub(crate) mod process;
mod rig;
mod site;
mod storm;
mod strace;

const SITES: usize = 100;
const WORKERS: usize = 3;
/// Runs without a fault, to count the calls.
const DRY_RUNS: usize = 3;
/// The store is to end the process in this time; more is told, and it is the deadline of a hang that
/// decides.
const STOP_MAX: Duration = Duration::from_secs(2);
const SITES_VARIABLE: &str = "TICKETBOSS_FAULT_SITES";
const FIRST_VARIABLE: &str = "TICKETBOSS_FAULT_FIRST";
const WORKERS_VARIABLE: &str = "TICKETBOSS_FAULT_WORKERS";

/// What can happen to a call of each kind; with a `+`, to all later ones, too.
const FAULTS: &[(&str, &[&str])] = &[
    ("fdatasync", &["EIO", "EIO+", "ENOSPC"]),
    ("pwrite", &["EIO", "ENOSPC", "ENOSPC+", "short"]),
    ("fsync", &["EIO", "ENOSPC"]),
    ("write", &["EIO", "ENOSPC", "ENOSPC+", "short"]),
    ("sync_file_range", &["EIO", "ENOSPC"]),
    ("rename", &["EIO", "ENOSPC", "EACCES"]),
    ("open", &["EIO", "ENOSPC", "EMFILE", "EMFILE+", "EACCES"]),
    ("mkdir", &["EIO", "ENOSPC", "EACCES"]),
    ("ftruncate", &["EIO", "ENOSPC"]),
    ("unlink", &["EIO", "EACCES"]),
    ("statfs", &["EIO", "EIO+"]),
    ("pread", &["EIO", "short"]),
    ("read", &["EIO", "short"]),
    ("stat", &["EIO", "EACCES"]),
    ("getdents", &["EIO"]),
    ("flock", &["EIO", "ENOLCK"]),
    ("lseek", &["EIO"]),
    ("copy", &["EIO", "ENOSPC"]),
    ("chmod", &["EIO"]),
    ("any", &["kill", "EIO+"]),
];

/// The numbers of the errors, which are the same on every Linux.
const ERRORS: &[(&str, u32)] =
    &[("EIO", 5), ("EACCES", 13), ("EMFILE", 24), ("ENOSPC", 28), ("ENOLCK", 37)];

/// One fault at one call.
struct Site<'a> {
    beginning: &'a Beginning,
    kind: &'static str,
    number: usize,
    what: &'static str,
}

impl fmt::Display for Site<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}:{}:{}", self.beginning.name, self.kind, self.number, self.what)
    }
}

impl Site<'_> {
    fn meet(&self, rig: &Rig) -> Outcome {
        let manner = if self.what == "kill" { Manner::Kill } else { Manner::Error };
        meet(rig, self.beginning, &fault(self.kind, self.number, self.what), manner)
    }
}

/// A fault as the rig takes it.
fn fault(kind: &str, number: usize, what: &str) -> String {
    let (what, on) = what.strip_suffix('+').map_or((what, ""), |what| (what, "+"));
    let error = ERRORS.iter().find(|(name, _)| *name == what);
    let what = error.map_or_else(|| what.to_owned(), |(_, number)| number.to_string());
    format!("{kind}:{number}{on}:{what}")
}

/// All sites, kind by kind.
fn sites<'a>(rig: &Rig, beginnings: &'a [Beginning]) -> Vec<Site<'a>> {
    let mut dry_runs = Vec::new();
    for beginning in beginnings {
        let runs = (0..DRY_RUNS).map(|_| meet(rig, beginning, "none", Manner::Error));
        for run in runs {
            assert_eq!((run.effect, &run.broken[..]), (Effect::NotMet, &[][..]));
            dry_runs.push((beginning, run.calls));
        }
    }
    let mut known = FAULTS.iter().map(|(kind, _)| *kind);
    for call in dry_runs.iter().flat_map(|(_, calls)| &calls.made) {
        assert!(known.clone().any(|kind| kind == call.kind), "{call:?} is in no list of faults");
    }
    assert!(known.all(|kind| count(kind, &dry_runs, None) > 0), "each kind is called");
    let mut sites = Vec::new();
    for (kind, faults) in FAULTS {
        for what in *faults {
            for beginning in beginnings {
                let first = match (*kind, *what) {
                    ("pread", "EIO") => 1 + reads_of_recovery(&dry_runs, beginning),
                    _ => 1,
                };
                for number in first..=count(kind, &dry_runs, Some(beginning)) {
                    sites.push(Site { beginning, kind, number, what });
                }
            }
        }
    }
    sites
}

/// How often sled reads until it has found the end of its log, which it then writes.
fn reads_of_recovery(dry_runs: &[(&Beginning, rig::Calls)], beginning: &Beginning) -> usize {
    let runs = dry_runs.iter().filter(|(from, _)| std::ptr::eq(*from, beginning));
    let reads = runs.map(|(_, calls)| {
        let before = calls.made.iter().take_while(|call| call.kind != "pwrite");
        before.filter(|call| call.kind == "pread").count()
    });
    reads.max().unwrap_or(0)
}

/// The most calls of a kind that a run had.
fn count(
    kind: &str,
    dry_runs: &[(&Beginning, rig::Calls)],
    beginning: Option<&Beginning>,
) -> usize {
    let of_this = |from: &Beginning| beginning.is_none_or(|this| std::ptr::eq(this, from));
    let runs = dry_runs.iter().filter(|(from, _)| of_this(from));
    let counts = runs.map(|(_, calls)| match kind {
        "any" => calls.made.len(),
        kind => calls.count(kind),
    });
    counts.max().unwrap_or(0)
}

/// What several sites came to.
#[derive(Debug, Default, Clone)]
struct Tally {
    sites: usize,
    injected: usize,
    fatal: usize,
    slowest: Duration,
    late: usize,
    acknowledged: usize,
    broken: usize,
}

impl Tally {
    fn add(&mut self, outcome: &Outcome) {
        self.sites += 1;
        self.injected += usize::from(outcome.effect != Effect::NotMet);
        if let Effect::Fatal(took) = outcome.effect {
            self.fatal += 1;
            self.slowest = self.slowest.max(took);
            self.late += usize::from(took > STOP_MAX);
        }
        self.acknowledged += outcome.acknowledged;
        self.broken += usize::from(!outcome.broken.is_empty());
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sites, injected, fatal, slowest, late, acknowledged, broken } = self;
        let harmless = injected - fatal;
        let slowest = slowest.as_millis();
        write!(
            f,
            "{sites} sites, {injected} injected, fatal {fatal}, harmless {harmless}, slowest stop \
             {slowest} ms, {late} later than {STOP_MAX:?}, {acknowledged} acknowledged, {broken} untrue"
        )
    }
}

#[test]
#[ignore = "needs root, cc, seccomp notifications and a minute"]
fn no_fault_of_the_system_makes_an_answer_untrue() {
    if let Some(reason) = missing(&["cc"]) {
        return skip(&reason);
    }
    let rig = Rig::build();
    let beginnings = [Beginning::new(), Beginning::kept(), Beginning::verified()];
    let all = sites(&rig, &beginnings);
    let all_count = all.len();
    let chosen = chosen(all);
    let began = Instant::now();
    let outcomes = meet_all(&rig, &chosen);
    let mut total = Tally::default();
    for (kind, _) in FAULTS {
        let mut tally = Tally::default();
        let of_kind = chosen.iter().zip(&outcomes).filter(|(site, _)| site.kind == *kind);
        for (site, outcome) in of_kind {
            tally.add(outcome);
            total.add(outcome);
            for broken in &outcome.broken {
                println!("{site}: {broken}");
            }
        }
        if tally.sites > 0 {
            println!("{kind}: {tally}");
        }
    }
    println!("of {all_count} sites, in {:?}: {total}", began.elapsed());
    assert!(total.injected > 0, "a fault was injected");
    assert_eq!(total.broken, 0, "untrue");
}

/// The sites that the settings ask for, in their order.
fn chosen(all: Vec<Site<'_>>) -> Vec<Site<'_>> {
    let count = match setting(SITES_VARIABLE).as_deref() {
        None => SITES,
        Some("all") => all.len(),
        Some(number) => number.parse().unwrap(),
    };
    if let Some(text) = setting(FIRST_VARIABLE) {
        let by_name = all.iter().position(|site| site.to_string() == text);
        let first = by_name.or_else(|| text.parse().ok());
        let first = first.unwrap_or_else(|| panic!("there is no site {text}"));
        return all.into_iter().skip(first).take(count).collect();
    }
    let all_count = all.len();
    let stretch = |index: usize| index * count / all_count;
    let is_first_of_stretch =
        |index: usize| index.checked_sub(1).is_none_or(|before| stretch(before) != stretch(index));
    let numbered = all.into_iter().enumerate();
    numbered.filter(|(index, _)| is_first_of_stretch(*index)).map(|(_, site)| site).collect()
}

/// Goes through the sites, several at once; the outcomes are in the order of the sites.
fn meet_all(rig: &Rig, sites: &[Site<'_>]) -> Vec<Outcome> {
    let workers = setting(WORKERS_VARIABLE).map_or(WORKERS, |text| text.parse().unwrap());
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(site) = sites.get(index) else { break };
                    let outcome = site.meet(rig);
                    outcomes.lock().unwrap().push((index, outcome));
                }
            });
        }
    });
    let mut outcomes = outcomes.into_inner().unwrap();
    outcomes.sort_by_key(|(index, _)| *index);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// A client that has sent half of a request has some seconds for the rest when the server is stopped;
/// a server that cannot sell any more has to make room for the next one.
#[test]
#[ignore = "needs root, cc and seccomp notifications"]
fn a_slow_client_does_not_hold_up_the_end_of_a_server_that_failed() {
    if let Some(reason) = missing(&["cc"]) {
        return skip(&reason);
    }
    let lived = site::fail_with_a_slow_client(&Rig::build(), &Beginning::new());
    println!("it lived for {lived:?} after the fault");
    // The time is the promise here; what a loaded machine takes is a part of the other half.
    assert!(lived < 2 * STOP_MAX, "{lived:?}");
}

#[test]
#[ignore = "needs root, cc, strace and seccomp notifications"]
fn the_rig_sees_every_call_that_strace_sees() {
    if let Some(reason) = missing(&["cc", "strace"]) {
        return skip(&reason);
    }
    let (by_rig, by_strace) = site::run_under_strace(&Rig::build(), &Beginning::kept());
    println!("{by_rig:?}");
    assert_eq!(by_rig, by_strace);
}
