//! `report.html`: a run on one page that needs nothing from elsewhere. It has no script, and what is put
//! into it is escaped.
//!
//! It must not know: how a run is made or judged.

use std::fmt::Write;

use super::findings::{Findings, Sold, Standing};
use super::markup::{escaped, filled, milliseconds, row, seconds};
use super::picture::{self, COLOURS};
use ticketboss_runtime::text::grouped;

const TEMPLATE: &str = include_str!("page.html");

/// Draws the page.
pub(super) fn draw(findings: &Findings) -> String {
    let (standing, verdict) = verdict(findings);
    filled(
        TEMPLATE,
        &[
            ("class", standing.to_lowercase()),
            ("standing", standing.to_owned()),
            ("verdict", escaped(verdict)),
            ("began-at", escaped(findings.began_at.replace('T', " ").replace('Z', " UTC"))),
            ("numbers", numbers(findings)),
            ("answers", picture::answers(findings)),
            ("starts", picture::starts(findings)),
            ("versions", picture::versions(findings)),
            ("keys", keys(findings)),
            ("laws", laws(findings)),
            ("outcomes", outcomes(findings)),
            ("events", findings.events.iter().map(event).collect()),
            ("facts", facts(findings)),
            ("evidence", evidence(findings)),
            ("command", escaped(&findings.command)),
        ],
    )
}

fn verdict(findings: &Findings) -> (&'static str, String) {
    let kills = grouped(findings.kills.total);
    let acknowledged = grouped(findings.acknowledged);
    match findings.standing {
        Standing::Proved => (
            "PROVED",
            format!(
                "The server was killed {kills} times under load. Of {acknowledged} changes that \
                 clients were told of, none was lost, doubled or shown wrong."
            ),
        ),
        Standing::Broken => {
            let broken = findings.laws.iter().filter(|law| law.fault_count > 0).count();
            let all = findings.laws.len();
            ("BROKEN", format!("Of {all} laws, {broken} did not hold over {kills} kills."))
        }
        Standing::Unproved => {
            ("UNPROVED", "No client was told of a change, so none could be lost.".to_owned())
        }
    }
}

fn numbers(findings: &Findings) -> String {
    let Findings { kills, restarts, unknown, .. } = findings;
    let rate = findings.operations * 1_000_000 / findings.took_us.max(1);
    let facts = [
        (
            "requests",
            grouped(findings.operations),
            format!("{} a second, kills included", grouped(rate)),
        ),
        (
            "acknowledged changes",
            grouped(findings.acknowledged),
            "each told to a client".to_owned(),
        ),
        ("kills", grouped(kills.total), format!("{} while it started", kills.in_start_up)),
        (
            "slowest restart",
            format!("{} ms", milliseconds(restarts.slowest_us)),
            format!(
                "the median of {} is {} ms",
                grouped(restarts.total),
                milliseconds(restarts.median_us)
            ),
        ),
        (
            "cut off without an answer",
            grouped(unknown.total),
            format!(
                "{} had happened, {} had not",
                grouped(unknown.happened),
                grouped(unknown.did_not_happen)
            ),
        ),
    ];
    let tile = |(name, number, more): &(&str, String, String)| {
        format!(
            "<div><dt>{}</dt><dd><b>{}</b> {}</dd></div>\n",
            escaped(name),
            escaped(number),
            escaped(more)
        )
    };
    facts.iter().map(tile).collect()
}

/// What the colours of the lines stand for.
fn keys(findings: &Findings) -> String {
    let mut keys = String::new();
    for (place, line) in findings.timeline.versions.iter().enumerate() {
        // Writing to a string does not fail.
        let _ = write!(
            keys,
            "<span class=\"key c{}\">{}, {} seats at first</span> ",
            place % COLOURS,
            escaped(&line.event_id),
            grouped(line.total_seats.into()),
        );
    }
    keys
}

fn laws(findings: &Findings) -> String {
    let mut rows = String::new();
    for law in &findings.laws {
        let class = if law.fault_count == 0 { "good" } else { "bad" };
        let held = if law.fault_count == 0 { "held" } else { "broken" };
        let cells = [law.what.to_owned(), held.to_owned(), grouped(law.fault_count as u64)];
        rows += &row(class, &cells);
        for fault in &law.faults {
            let _ = writeln!(
                rows,
                "<tr class=\"fault\"><td colspan=\"3\">{}</td></tr>",
                escaped(fault)
            );
        }
    }
    rows
}

fn outcomes(findings: &Findings) -> String {
    let told = findings.outcomes.iter();
    told.map(|told| row("", &[told.words.to_owned(), grouped(told.count)])).collect()
}

fn event(event: &Sold) -> String {
    row(
        "",
        &[
            event.event_id.clone(),
            grouped(event.total_seats.into()),
            grouped(event.available_seats.into()),
            grouped(event.version),
            grouped(event.pages),
            format!("{} kB", grouped(event.bytes / 1_000)),
        ],
    )
}

fn facts(findings: &Findings) -> String {
    let machine = &findings.machine;
    let mut processors = machine.processors.map_or_else(String::new, |count| count.to_string());
    if let Some(processor) = &machine.processor {
        let _ = write!(processors, " × {processor}");
    }
    let unknown = || "unknown".to_owned();
    let rows = [
        ("program", findings.program.clone()),
        ("processors", processors),
        ("system", machine.distribution.clone().unwrap_or_else(unknown)),
        ("kernel", machine.kernel.clone()),
        ("file system", machine.file_system.clone().unwrap_or_else(unknown)),
        ("clients", findings.clients.to_string()),
        ("time", format!("{} s", seconds(findings.took_us))),
        ("seed", findings.seed.to_string()),
    ];
    rows.map(|(name, value)| row("", &[name.to_owned(), value])).concat()
}

/// Where to look into a bad run.
fn evidence(findings: &Findings) -> String {
    let Some(evidence) = &findings.evidence else { return String::new() };
    let kept = [
        ("database", &evidence.data_dir),
        ("history", &evidence.history),
        ("log of the servers", &evidence.server_log),
    ];
    let rows = kept.map(|(name, path)| row("", &[name.to_owned(), path.display().to_string()]));
    format!("<h2>What is kept</h2><table class=\"facts\"><tbody>{}</tbody></table>", rows.concat())
}
