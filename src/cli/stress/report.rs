//! What a run is told as: outcomes, latencies, and the verdict.

use std::collections::BTreeMap;
use std::time::Duration;

use comfy_table::{CellAlignment, Table};
use hdrhistogram::Histogram;

use super::answers::{Answer, Answers};
use super::books::Verdict;
use crate::cli::console::{grouped, say};

/// The longest time that is told exactly; a longer one counts as this long.
const MICROSECONDS_MAX: u64 = 60_000_000;
/// How many faults of one law are told in full.
const FAULTS_TOLD_MAX: usize = 5;

/// What a request was for.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Reserve,
    Cancel,
}

/// How long answers took, in microseconds.
pub(super) struct Latencies {
    reserve: Histogram<u64>,
    cancel: Histogram<u64>,
}

impl Latencies {
    pub(super) fn new() -> Self {
        let empty = || Histogram::new_with_max(MICROSECONDS_MAX, 3).expect("the bounds are valid");
        Self { reserve: empty(), cancel: empty() }
    }

    pub(super) fn record(&mut self, kind: Kind, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(MICROSECONDS_MAX);
        match kind {
            Kind::Reserve => self.reserve.saturating_record(micros),
            Kind::Cancel => self.cancel.saturating_record(micros),
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.reserve.add(&other.reserve).expect("all have the same bounds");
        self.cancel.add(&other.cancel).expect("all have the same bounds");
    }
}

/// Prints what was answered how often, and how long it took.
pub(super) fn print(answers: &Answers, latencies: &Latencies, took: Duration) {
    let mut counts = BTreeMap::new();
    for answer in answers.iter() {
        *counts.entry(outcome(answer)).or_insert(0_u64) += 1;
    }
    let mut outcomes = table(&["outcome", "answers"]);
    for (outcome, count) in counts {
        outcomes.add_row([outcome, grouped(count)]);
    }
    say(align(outcomes));
    let mut times = table(&["latency, ms", "p50", "p90", "p99", "p99.9", "max"]);
    for (name, histogram) in [("reserve", &latencies.reserve), ("cancel", &latencies.cancel)] {
        if histogram.is_empty() {
            continue;
        }
        let quantiles = [0.5, 0.9, 0.99, 0.999, 1.0].map(|q| histogram.value_at_quantile(q));
        times.add_row(std::iter::once(name.to_owned()).chain(quantiles.map(milliseconds)));
    }
    say(align(times));
    let seconds = took.as_secs_f64().max(1e-9);
    #[expect(clippy::cast_precision_loss, reason = "a rate is told roughly")]
    let rate = answers.count() as f64 / seconds;
    say(format_args!("{} answers in {seconds:.2} s, {rate:.0}/s", grouped(answers.count() as u64)));
}

/// Prints each law and whether it held.
pub(super) fn print_verdict(verdict: &Verdict) {
    for check in &verdict.checks {
        let mark = if check.faults.is_empty() { "good" } else { "BAD " };
        say(format_args!("{mark}  {}", check.law));
        for fault in check.faults.iter().take(FAULTS_TOLD_MAX) {
            say(format_args!("        {fault}"));
        }
        if let Some(more) = check.faults.len().checked_sub(FAULTS_TOLD_MAX).filter(|more| *more > 0)
        {
            say(format_args!("        and {} more", grouped(more as u64)));
        }
    }
    say(format_args!("verdict: {}", if verdict.is_good() { "good" } else { "BAD" }));
}

fn outcome(answer: &Answer) -> String {
    match answer {
        Answer::Reserved { .. } => "201 reserved".to_owned(),
        Answer::Cancelled { .. } => "204 cancelled".to_owned(),
        Answer::NotEnoughSeats { .. } => "409 not enough seats left".to_owned(),
        Answer::Unexpected { status, .. } => format!("{status} unexpected"),
        Answer::Unknown { .. } => "no answer".to_owned(),
    }
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.set_header(header.iter().copied());
    table
}

/// Numbers stand to the right.
fn align(mut table: Table) -> Table {
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn milliseconds(micros: u64) -> String {
    format!("{}.{:02}", micros / 1000, micros % 1000 / 10)
}
