//! Bytes that nobody meant, for everything that reads bytes: it may refuse them, and must not panic,
//! hang, take memory without bound or answer with a failure. Each package has targets of its own.
//!
//! A target is a function over bytes, and a corpus: real values written by the encoder, and nasty ones,
//! some of them in `tests/corpus/<target>/`. A case changes one of the corpus in a few places and mends
//! what would hide the change, as a checksum or a length. Each case follows from the seed and its own
//! number alone, so that it can be repeated without the others.
//!
//! The driver is our own. bolero 0.13 was looked at: under `cargo test` on stable it has no coverage to
//! go by, it feeds its corpus as it is and otherwise random bytes, none of which has a valid checksum,
//! and it brings five crates.
//!
//! `TICKETBOSS_FUZZ_CASES` is the number of cases of all targets together, or of the one that
//! `TICKETBOSS_FUZZ_TARGET` names; `TICKETBOSS_FUZZ_SEED` makes them those of an earlier run, and
//! `TICKETBOSS_FUZZ_CASE` repeats one of them. As long as one likes:
//!
//! ```text
//! TICKETBOSS_FUZZ_CASES=200000000 cargo test --release --test it fuzz -- --nocapture
//! ```

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use self::random::{Alphabet, Random, mutate, seed};
use crate::support::setting;

#[path = "fuzz/random.rs"]
pub(crate) mod random;

const CASES: u64 = 100_000;
pub(crate) const CASES_VARIABLE: &str = "TICKETBOSS_FUZZ_CASES";
const CASE_VARIABLE: &str = "TICKETBOSS_FUZZ_CASE";
const SEED_VARIABLE: &str = "TICKETBOSS_FUZZ_SEED";
const TARGET_VARIABLE: &str = "TICKETBOSS_FUZZ_TARGET";
/// The shares of all targets of all packages add up to this.
const SHARES: u64 = 10_000;
const THREADS: u8 = 2;

/// What came of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Taken for a valid value.
    Accepted,
    /// Refused, but not by the check that comes first and would refuse nearly anything.
    RefusedLate,
    /// Refused by the first check.
    RefusedEarly,
}

/// Something that reads bytes.
pub(crate) struct Target<'a> {
    pub(crate) name: &'static str,
    /// Which part of all cases it gets, of [`SHARES`].
    pub(crate) share: u64,
    pub(crate) corpus: Vec<Vec<u8>>,
    pub(crate) alphabet: Alphabet,
    /// Mends what was changed, so that the change is not noticed at once.
    pub(crate) mend: fn(&mut Random, &mut Vec<u8>),
    /// Reads them. What must not be, panics.
    pub(crate) read: &'a (dyn Fn(&[u8]) -> Verdict + Sync),
}

/// How many cases came to what.
#[derive(Debug, Default)]
struct Tally {
    accepted: AtomicU64,
    refused_late: AtomicU64,
}

impl Target<'_> {
    /// Reads the corpus and as many cases as are this target's.
    ///
    /// At least one in ten must get beyond the first check, or the cases are not worth their time.
    pub(crate) fn fuzz(&self) {
        let cases = cases(self.name, self.share);
        if cases == 0 {
            return;
        }
        let seed = seed(SEED_VARIABLE);
        if let Some(case) = setting(CASE_VARIABLE) {
            let verdict = self.run_case(seed, case.parse().unwrap());
            println!("fuzz {}: case {case}, seed {seed}, {verdict:?}", self.name);
            return;
        }
        for bytes in &self.corpus {
            self.run("corpus", bytes);
        }
        let tally = Tally::default();
        std::thread::scope(|threads| {
            for first in 0..THREADS {
                let tally = &tally;
                threads.spawn(move || {
                    for case in (u64::from(first)..cases).step_by(THREADS.into()) {
                        tally.note(self.run_case(seed, case));
                    }
                });
            }
        });
        let (accepted, late) = tally.counts();
        let name = self.name;
        println!(
            "fuzz {name}: {cases} cases, seed {seed}, {accepted} accepted, {late} refused late"
        );
        assert!(10 * (accepted + late) >= cases, "most cases of {name} end at the first check");
    }

    fn run_case(&self, seed: u64, case: u64) -> Verdict {
        let mut random = Random::of(seed, case);
        let mut bytes = self.choose(&mut random).clone();
        let other = self.choose(&mut random);
        mutate(&mut random, &mut bytes, other, self.alphabet);
        (self.mend)(&mut random, &mut bytes);
        let again = format!(
            "{TARGET_VARIABLE}={} {SEED_VARIABLE}={seed} {CASE_VARIABLE}={case}",
            self.name
        );
        self.run(&again, &bytes)
    }

    /// One of the corpus, rather a short one: they take less time.
    fn choose(&self, random: &mut Random) -> &Vec<u8> {
        let any = random.pick(&self.corpus);
        if random.once_in(32) {
            return any;
        }
        let others = [random.pick(&self.corpus), random.pick(&self.corpus)];
        others.into_iter().chain([any]).min_by_key(|bytes| bytes.len()).unwrap()
    }

    fn run(&self, again: &str, bytes: &[u8]) -> Verdict {
        catch_unwind(AssertUnwindSafe(|| (self.read)(bytes))).unwrap_or_else(|panic| {
            let text = bytes.escape_ascii();
            eprintln!("fuzz {}: failed; again with {again}; bytes b\"{text}\"", self.name);
            std::panic::resume_unwind(panic)
        })
    }
}

/// How many cases there are for a target.
pub(crate) fn cases(name: &str, share: u64) -> u64 {
    let all = setting(CASES_VARIABLE).map_or(CASES, |text| text.parse().unwrap());
    match setting(TARGET_VARIABLE) {
        None => all * share / SHARES,
        Some(wanted) if wanted == name => all,
        Some(_) => 0,
    }
}

impl Tally {
    fn note(&self, verdict: Verdict) {
        match verdict {
            Verdict::Accepted => self.accepted.fetch_add(1, Ordering::Relaxed),
            Verdict::RefusedLate => self.refused_late.fetch_add(1, Ordering::Relaxed),
            Verdict::RefusedEarly => 0,
        };
    }

    fn counts(&self) -> (u64, u64) {
        (self.accepted.load(Ordering::Relaxed), self.refused_late.load(Ordering::Relaxed))
    }
}

/// The files of a corpus, in the order of their names.
pub(crate) fn corpus(target: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(target);
    let mut files = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect::<Vec<_>>();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// For what has nothing that would hide a change.
pub(crate) fn mend_nothing(_: &mut Random, _: &mut Vec<u8>) {}

/// How much address space a process may have: the program itself, its threads, and little more.
const ADDRESS_SPACE_KIB: u32 = 1024 * 1024;

/// Runs the tests of this binary with `names` in their names, which are `tests` many, in a process with little
/// memory. An allocation by an unchecked length fails there.
pub(crate) fn run_with_little_memory(names: &str, tests: usize) {
    let own_tests = std::env::current_exe().unwrap();
    let script = format!("ulimit -v {ADDRESS_SPACE_KIB}; exec \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &script, "sh"]).arg(own_tests).args([names, "--test-threads", "1"]);
    let output = command.env(CASES_VARIABLE, "20000").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}\n{said}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains(&format!("{tests} passed")), "{said}");
}
