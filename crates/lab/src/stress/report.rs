//! What a storm is told as: outcomes and latencies.
//!
//! It must not know: the verdict.

use std::collections::BTreeMap;
use std::time::Duration;

use comfy_table::{CellAlignment, Table};

use crate::load::{Gathered, Kind};
use ticketboss_runtime::terminal::say;
use ticketboss_runtime::text::grouped;

/// Prints what was answered how often, and how long it took.
pub(super) fn print(gathered: &Gathered, took: Duration) {
    let mut counts = BTreeMap::new();
    for operation in &gathered.operations {
        *counts.entry(operation.outcome_name().words).or_insert(0_u64) += 1;
    }
    let mut outcomes = table(&["outcome", "answers"]);
    for (outcome, count) in counts {
        outcomes.add_row([outcome.to_owned(), grouped(count)]);
    }
    say(align(outcomes));
    let mut times = table(&["latency, ms", "p50", "p90", "p99", "p99.9", "max"]);
    for (kind, name) in Kind::ALL {
        let histogram = gathered.latencies.of(kind);
        if histogram.is_empty() {
            continue;
        }
        let quantiles = [0.5, 0.9, 0.99, 0.999, 1.0].map(|q| histogram.value_at_quantile(q));
        times.add_row(std::iter::once(name.to_owned()).chain(quantiles.map(milliseconds)));
    }
    say(align(times));
    let seconds = took.as_secs_f64().max(1e-9);
    let count = gathered.operations.len();
    #[expect(clippy::cast_precision_loss, reason = "a rate is told roughly")]
    let rate = count as f64 / seconds;
    say(format_args!("{} answers in {seconds:.2} s, {rate:.0}/s", grouped(count as u64)));
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
