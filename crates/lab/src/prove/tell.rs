//! What the terminal is told of a run, before it and after it.
//!
//! It must not know: how a run is made or judged.

use std::path::Path;

use comfy_table::presets::ASCII_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};

use super::findings::{Findings, Standing};
use super::markup::{milliseconds, seconds};
use super::place::Place;
use super::settings::RunSettings;
use ticketboss_runtime::terminal::say;
use ticketboss_runtime::text::grouped;

/// How many faults of each law the terminal shows.
const FAULTS_SHOWN_MAX: usize = 3;

pub(super) fn introduce(settings: &RunSettings, place: &Place) {
    let arguments = &settings.arguments;
    say(format_args!(
        "{} clients over {} events, {} s; the server is killed at random moments, seed {}",
        arguments.clients, arguments.events, arguments.seconds, settings.seed,
    ));
    say(format_args!("the report will be in {}", place.directory().display()));
}

pub(super) fn conclude(findings: &Findings, page: &Path) {
    say(numbers(findings));
    for law in &findings.laws {
        let mark = if law.fault_count == 0 { "good" } else { "BAD " };
        say(format_args!("{mark}  {:>6} faults  {}", grouped(law.fault_count as u64), law.what));
        for fault in law.faults.iter().take(FAULTS_SHOWN_MAX) {
            say(format_args!("                      {fault}"));
        }
    }
    if let Some(evidence) = &findings.evidence {
        say(format_args!("database  {}", evidence.data_dir.display()));
        say(format_args!("history   {}", evidence.history.display()));
        say(format_args!("log       {}", evidence.server_log.display()));
    }
    say(format_args!("again     {}", findings.command));
    say(format_args!("report    {}", page.display()));
    say(verdict(findings));
}

fn numbers(findings: &Findings) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_FULL_CONDENSED);
    table.set_header(["what happened", "how often"]);
    let row = |table: &mut Table, what: &str, count: u64| {
        table.add_row([what.to_owned(), grouped(count)]);
    };
    row(&mut table, "operations", findings.operations);
    for outcome in &findings.outcomes {
        row(&mut table, &format!("  {}", outcome.words), outcome.count);
    }
    row(&mut table, "acknowledged changes", findings.acknowledged);
    row(&mut table, "unknown outcomes", findings.unknown.total);
    row(&mut table, "  that had happened", findings.unknown.happened);
    row(&mut table, "  that had not", findings.unknown.did_not_happen);
    row(&mut table, "kills", findings.kills.total);
    row(&mut table, "  of them in start-up", findings.kills.in_start_up);
    row(&mut table, "restarts", findings.restarts.total);
    for (what, time_us) in
        [("median", findings.restarts.median_us), ("slowest", findings.restarts.slowest_us)]
    {
        table.add_row([format!("  the {what}, ms"), milliseconds(time_us)]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn verdict(findings: &Findings) -> String {
    let Findings { kills, acknowledged, .. } = findings;
    let took = seconds(findings.took_us);
    match findings.standing {
        Standing::Proved => format!(
            "PROVED: killed {} times in {took} s, and none of {} acknowledged changes was lost, \
             doubled or shown wrong",
            grouped(kills.total),
            grouped(*acknowledged),
        ),
        Standing::Broken => {
            let broken = findings.laws.iter().filter(|law| law.fault_count > 0).count();
            format!("BROKEN: {broken} of {} laws; the evidence is kept", findings.laws.len())
        }
        Standing::Unproved => {
            format!("UNPROVED: no change was acknowledged in {took} s, so none could be lost")
        }
    }
}
