//! `ticketboss-sim`: simulated runs, one for each seed, until one is found that goes wrong.
//!
//! It must not know: how a run is made or judged.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Instant;

use clap::Parser;
use indicatif::ProgressBar;

use ticketboss_lab::simulation::{self, Run};
use ticketboss_runtime::terminal::{self, Failure};
use ticketboss_runtime::text::grouped;

/// How many runs that went wrong are told in full.
const FAULTY_RUNS_TOLD_MAX: usize = 5;
/// How many faults of one run are told.
const FAULTS_TOLD_MAX: usize = 5;

const EXAMPLES: &str = "\
Examples:
  ticketboss-sim --seeds 2000
  ticketboss-sim --first-seed 1234 --seeds 1    one run again, and all about it

It exits with status 1 when a run goes wrong.";

/// Simulates whole runs with every kind of fault, one for each seed, and judges them.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES)]
struct Arguments {
    /// How many runs to make, each of a seed of its own
    #[arg(long, value_name = "N", default_value_t = 1000,
          value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// The seed of the first run; the others follow it
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    first_seed: u64,
    /// How many operations the clients of a run make together
    #[arg(long, value_name = "N", default_value_t = 500)]
    operations: u32,
    /// How many runs are made at the same time [default: as many as there are processors]
    #[arg(long, value_name = "N", verbatim_doc_comment)]
    threads: Option<NonZeroUsize>,
}

/// What all runs together came to.
#[derive(Default)]
struct Totals {
    runs: u64,
    operations: u64,
    outcomes: BTreeMap<&'static str, u64>,
    happened: BTreeMap<&'static str, u64>,
    faulty_seeds: Vec<u64>,
}

fn main() -> ExitCode {
    run(&Arguments::parse()).unwrap_or_else(|failure| {
        terminal::complain("ticketboss-sim", &failure.to_string());
        ExitCode::FAILURE
    })
}

fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let began = Instant::now();
    let threads = arguments
        .threads
        .or_else(|| thread::available_parallelism().ok())
        .map_or(1, NonZeroUsize::get);
    let next = Arc::new(AtomicU64::new(0));
    let (sender, runs) = mpsc::sync_channel(threads * 2);
    for _ in 0..threads {
        let (next, sender) = (next.clone(), sender.clone());
        let (first, seeds, operations) =
            (arguments.first_seed, arguments.seeds, arguments.operations);
        thread::Builder::new().name("simulation".into()).spawn(move || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= seeds
                    || sender.send(simulation::run(first.wrapping_add(index), operations)).is_err()
                {
                    break;
                }
            }
        })?;
    }
    drop(sender);
    let progress = ProgressBar::new(arguments.seeds);
    let mut totals = Totals::default();
    for run in runs {
        progress.inc(1);
        if !run.faults.is_empty() && totals.faulty_seeds.len() < FAULTY_RUNS_TOLD_MAX {
            progress.suspend(|| tell_faults(&run, arguments.operations));
        }
        if arguments.seeds == 1 {
            tell(&run);
        }
        totals.add(&run);
    }
    progress.finish_and_clear();
    let made = totals.runs;
    if made < arguments.seeds {
        return Err("a run ended in a panic".into());
    }
    totals.tell(began);
    Ok(if totals.faulty_seeds.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tell_faults(run: &Run, operations: u32) {
    terminal::say(format_args!("FAULTY   seed {}", run.seed));
    for fault in run.faults.iter().take(FAULTS_TOLD_MAX) {
        terminal::say(format_args!("         {fault}"));
    }
    terminal::say(format_args!(
        "         again: ticketboss-sim --first-seed {} --seeds 1 --operations {operations}",
        run.seed
    ));
}

fn tell(run: &Run) {
    terminal::say(format_args!("{:#?}", run.plan));
    terminal::say(format_args!("{} steps, history {:016x}", run.steps, run.fingerprint()));
}

impl Totals {
    fn add(&mut self, run: &Run) {
        self.runs += 1;
        self.operations += run.history.len() as u64;
        for (outcome, count) in run.outcomes() {
            *self.outcomes.entry(outcome).or_default() += count;
        }
        for (what, count) in run.happenings() {
            *self.happened.entry(what).or_default() += count;
        }
        if !run.faults.is_empty() {
            self.faulty_seeds.push(run.seed);
        }
    }

    fn tell(&self, began: Instant) {
        let list = |counts: &BTreeMap<&'static str, u64>| {
            let told = counts.iter().map(|(what, n)| format!("{} {what}", grouped(*n)));
            told.collect::<Vec<_>>().join(", ")
        };
        terminal::say(format_args!("answers  {}", list(&self.outcomes)));
        terminal::say(format_args!("faults   {}", list(&self.happened)));
        let verdict = match self.faulty_seeds.len() {
            0 => "good     ".to_owned(),
            count => format!("FAULTY   {count} of "),
        };
        terminal::say(format_args!(
            "{verdict}{} runs, {} operations judged, in {:.1} s",
            grouped(self.runs),
            grouped(self.operations),
            began.elapsed().as_secs_f64(),
        ));
    }
}
