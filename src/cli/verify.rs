//! `ticketboss verify`: checks everything that can be checked of a data directory, offline.
//!
//! For each event: every page's checksum, the hash chain, each change against the state before it,
//! the record against the ledger, the conservation laws. With `--answers`, also that every answer
//! that a client was given is true of what is stored.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;

use super::stress::answers;
use super::{Failure, console};
use crate::config::{Config, Settings};
use crate::domain::{Event, EventId, Version};
use crate::store::ledger::{self, ReplayError, Replayed};
use crate::store::sled::{self as sled_store, Leftovers, SledOptions};
use crate::store::{Damage, Loaded, Store};

const EXAMPLES: &str = "\
Examples:
  ticketboss verify
  ticketboss verify --data-dir /var/lib/ticketboss
  ticketboss verify --data-dir kept --answers answers.jsonl

It exits with status 1 when anything is damaged, and names event and version.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::doc_markdown, reason = "--help shows these texts as they stand")]
pub(super) struct Arguments {
    /// Directory of the database
    /// [env: TICKETBOSS_DATA_DIR] [default: data/db]
    #[arg(long, value_name = "DIR", verbatim_doc_comment)]
    data_dir: Option<PathBuf>,
    /// File with settings [default: ticketboss.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Hold the answers that `stress --answers FILE` wrote against what is stored
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
}

#[derive(Default)]
struct Checked {
    events: u64,
    changes: u64,
    pages: u64,
    bytes: u64,
    damaged: u64,
}

pub(super) async fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let settings = Settings { data_dir: arguments.data_dir, ..Settings::default() };
    let config = Config::find(settings, arguments.config.as_deref())?;
    let answers = arguments.answers.as_deref().map(answers::read).transpose()?;
    let began = Instant::now();
    let opened = sled_store::inspect(&SledOptions::standard(&config.data_dir))?;
    let mut checked = Checked::default();
    tell_leftovers(&opened.leftovers, &mut checked);
    let mut default_event = None;
    for listed in opened.store.events().await? {
        let event = match listed.loaded {
            Ok(loaded) => check(&opened.store, &listed.event, &loaded, &mut checked).await?,
            Err(damage) => tell_damage(&damage, &mut checked),
        };
        if event.as_ref().is_some_and(|event| is_before(event, default_event.as_ref())) {
            default_event = event;
        }
    }
    if checked.events == 0 {
        return Err(format!("there is no event in {}", config.data_dir.display()).into());
    }
    let untrue = match (&answers, &default_event) {
        (None, _) => 0,
        (Some(answers), Some(event)) => {
            tell_untrue(&answers.held_against(event), answers.count_acknowledged())
        }
        (Some(_), None) => return Err("there is no whole event to hold the answers against".into()),
    };
    summarise(&checked, began.elapsed());
    let good = checked.damaged == 0 && untrue == 0;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The seed's routes are about the event with the lowest number, so its answers are, too.
fn is_before(event: &Event, other: Option<&Event>) -> bool {
    other.is_none_or(|other| event.number() < other.number())
}

async fn check(
    store: &Store,
    id: &EventId,
    loaded: &Loaded,
    checked: &mut Checked,
) -> Result<Option<Event>, Failure> {
    let record = &loaded.record;
    let pages = store.pages(record.number, Version::FIRST, record.version);
    let Replayed { event, pages, bytes } = match ledger::replay(id, loaded, pages).await {
        Ok(replayed) => replayed,
        Err(ReplayError::Damaged(damage)) => return Ok(tell_damage(&damage, checked)),
        Err(ReplayError::Store(error)) => return Err(error.into()),
    };
    checked.events += 1;
    checked.changes += event.version().get();
    checked.pages += pages;
    checked.bytes += bytes;
    let seats = event.seats();
    console::say(format_args!(
        "good     {id}: {} changes in {} pages; {} available + {} held + {} confirmed + {} blocked = {} seats",
        console::grouped(event.version().get()),
        console::grouped(pages),
        seats.available,
        seats.held,
        seats.confirmed,
        seats.blocked,
        seats.capacity,
    ));
    Ok(Some(event))
}

fn tell_damage(damage: &Damage, checked: &mut Checked) -> Option<Event> {
    checked.events += 1;
    checked.damaged += 1;
    console::say(format_args!("DAMAGED  {damage}"));
    None
}

fn tell_leftovers(leftovers: &Leftovers, checked: &mut Checked) {
    for orphan in &leftovers.orphans {
        let event = orphan.event.as_ref().map_or("no event", EventId::as_str);
        console::say(format_args!(
            "note     {event}: an unfinished page at version {}, left by a crash; the next start removes it",
            orphan.first_version,
        ));
    }
    for number in &leftovers.ownerless {
        checked.events += 1;
        checked.damaged += 1;
        console::say(format_args!("DAMAGED  event number {} has lost its record", number.0));
    }
}

fn tell_untrue(untrue: &[String], count: usize) -> usize {
    for line in untrue.iter().take(10) {
        console::say(format_args!("UNTRUE   {line}"));
    }
    let count = console::grouped(count as u64);
    match untrue.len() {
        0 => console::say(format_args!(
            "good     {count} acknowledged answers, all true of what is stored"
        )),
        wrong => console::say(format_args!("UNTRUE   {wrong} of {count} acknowledged answers")),
    }
    untrue.len()
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a speed is told roughly"
)]
fn summarise(checked: &Checked, took: Duration) {
    let seconds = took.as_secs_f64().max(1e-6);
    let verdict = match checked.damaged {
        0 => "verified".to_owned(),
        damaged => format!("{damaged} DAMAGED of"),
    };
    let events = if checked.events == 1 { "event" } else { "events" };
    console::say(format_args!(
        "{verdict} {} {events}, {} changes, {} pages, {:.1} MB in {seconds:.2} s, {} changes/s",
        checked.events,
        console::grouped(checked.changes),
        console::grouped(checked.pages),
        checked.bytes as f64 / 1e6,
        console::grouped((checked.changes as f64 / seconds) as u64),
    ));
}
