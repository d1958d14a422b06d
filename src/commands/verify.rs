//! `ticketboss verify`: checks everything that can be checked of a data directory, offline.
//!
//! For each event: every page's checksum, the hash chain, each change against the state before it,
//! the record against the ledger, the conservation laws. With `--history`, also whether all that
//! clients were told can be true of what is stored.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;

use crate::config::{Config, Settings};
use ticketboss_core::domain::EventId;
use ticketboss_lab::checker::Scope;
use ticketboss_lab::histories;
use ticketboss_lab::judging::{Docket, Judged};
use ticketboss_lab::replays::{ReplayedEvent, Replays, WholeEvent};
use ticketboss_runtime::terminal::{self, Failure};
use ticketboss_runtime::text::grouped;
use ticketboss_store::Damage;
use ticketboss_store::local::sled::{self as sled_store, Leftovers, SledOptions};

const EXAMPLES: &str = "\
Examples:
  ticketboss verify
  ticketboss verify --data-dir /var/lib/ticketboss
  ticketboss verify --data-dir kept --history history.jsonl --whole-history

It exits with status 1 when anything is damaged or untrue, and names event and version.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::doc_markdown, reason = "--help shows these texts as they stand")]
pub(crate) struct VerifyArguments {
    /// Directory of the database
    /// [env: TICKETBOSS_DATA_DIR] [default: data/db]
    #[arg(long, value_name = "DIR", verbatim_doc_comment)]
    data_dir: Option<PathBuf>,
    /// File with settings [default: ticketboss.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Hold what `stress --history FILE` wrote against what is stored; may be given several times
    #[arg(long, value_name = "FILE")]
    history: Vec<PathBuf>,
    /// Nobody else has asked for anything: a change that is in no history is a fault, too
    #[arg(long, requires = "history")]
    whole_history: bool,
}

impl VerifyArguments {
    fn scope(&self) -> Scope {
        if self.whole_history { Scope::Whole } else { Scope::Part }
    }
}

#[derive(Default)]
struct Checked {
    events: u64,
    changes: u64,
    pages: u64,
    bytes: u64,
    damaged: u64,
    /// Events that clients were told something about that cannot be true.
    untrue: u64,
}

pub(crate) async fn run(arguments: VerifyArguments) -> Result<ExitCode, Failure> {
    let scope = arguments.scope();
    let settings = Settings { data_dir: arguments.data_dir, ..Settings::default() };
    let config = Config::find(settings, arguments.config.as_deref())?;
    let histories = match arguments.history.as_slice() {
        [] => None,
        files => Some(histories::by_event(histories::read(files)?)),
    };
    let mut docket = histories.as_ref().map(|histories| Docket::new(histories, scope));
    let began = Instant::now();
    let opened = sled_store::inspect(&SledOptions::standard(&config.data_dir))?;
    let mut checked = Checked::default();
    tell_leftovers(&opened.leftovers, &mut checked);
    let mut replays = Replays::of(&opened.store).await?;
    while let Some(event) = replays.next().await? {
        let event = match event {
            ReplayedEvent::Whole(event) => event,
            ReplayedEvent::Damaged(damage) => {
                tell_damage(&damage, &mut checked);
                continue;
            }
        };
        tell_whole(&event, &mut checked);
        if let Some(docket) = &mut docket
            && let Some(judged) = docket.judge(&opened.store, &event).await?
        {
            tell_judged(&judged, &mut checked);
        }
    }
    if checked.events == 0 {
        return Err(format!("there is no event in {}", config.data_dir.display()).into());
    }
    summarise(&checked, began.elapsed());
    docket.map_or(Ok(()), Docket::close)?;
    let good = checked.damaged == 0 && checked.untrue == 0;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tell_whole(WholeEvent { id, record, pages, bytes }: &WholeEvent, checked: &mut Checked) {
    checked.events += 1;
    checked.changes += record.version.get();
    checked.pages += pages;
    checked.bytes += bytes;
    let seats = record.seats;
    terminal::say(format_args!(
        "good     {id}: {} changes in {} pages; {} available + {} held + {} confirmed + {} blocked = {} seats",
        grouped(record.version.get()),
        grouped(*pages),
        seats.available,
        seats.held,
        seats.confirmed,
        seats.blocked,
        seats.capacity,
    ));
}

fn tell_damage(damage: &Damage, checked: &mut Checked) {
    checked.events += 1;
    checked.damaged += 1;
    terminal::say(format_args!("DAMAGED  {damage}"));
}

fn tell_leftovers(leftovers: &Leftovers, checked: &mut Checked) {
    for orphan in &leftovers.orphans {
        let event = orphan.event.as_ref().map_or("no event", EventId::as_str);
        terminal::say(format_args!(
            "note     {event}: an unfinished page at version {}, left by a crash; the next start removes it",
            orphan.first_version,
        ));
    }
    for number in &leftovers.ownerless {
        checked.events += 1;
        checked.damaged += 1;
        terminal::say(format_args!("DAMAGED  event number {} has lost its record", number.0));
    }
}

fn tell_judged(judged: &Judged, checked: &mut Checked) {
    let Judged { event, verdict, tally, .. } = judged;
    let broken = verdict.checks.iter().filter(|check| check.fault_count > 0);
    for check in broken.clone() {
        let count = grouped(check.fault_count as u64);
        terminal::say(format_args!("UNTRUE   {event}: {count} times not: {}", check.law));
        for fault in &check.faults {
            terminal::say(format_args!("           {fault}"));
        }
    }
    if verdict.is_good() {
        terminal::say(format_args!("good     {event}: {tally}: all can be true"));
    } else {
        checked.untrue += 1;
        terminal::say(format_args!("UNTRUE   {event}: {tally}: not all can be true"));
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a speed is told roughly"
)]
fn summarise(checked: &Checked, took: Duration) {
    let seconds = took.as_secs_f64().max(1e-6);
    let faulty = [(checked.damaged, "DAMAGED"), (checked.untrue, "UNTRUE")];
    let faulty = faulty.iter().filter(|(count, _)| *count > 0);
    let faulty = faulty.map(|(count, what)| format!("{count} {what}")).collect::<Vec<_>>();
    let verdict = match faulty.as_slice() {
        [] => "verified".to_owned(),
        faulty => format!("{} of", faulty.join(" and ")),
    };
    let events = if checked.events == 1 { "event" } else { "events" };
    terminal::say(format_args!(
        "{verdict} {} {events}, {} changes, {} pages, {:.1} MB in {seconds:.2} s, {} changes/s",
        checked.events,
        grouped(checked.changes),
        grouped(checked.pages),
        checked.bytes as f64 / 1e6,
        grouped((checked.changes as f64 / seconds) as u64),
    ));
}
