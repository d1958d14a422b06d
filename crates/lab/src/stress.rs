//! `ticketboss stress`: many clients at once, and a verdict on what they were told.
//!
//! It grew out of the seed's `test-concurrency.js`, which fired ten requests and judged none. A server
//! of its own is stopped in the end, and its ledger tells the judge what was done. Of a server that
//! goes on, the ledger cannot be read: there, `books` works out from the answers alone whether they
//! can all be true.
//!
//! It must not know: what a client asks for next, or how a history is judged.

mod books;
mod report;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::watch;

use self::books::Books;
use super::client::{Client, Subject, Summary, Target};
use super::judging::{Judged, Tally};
use super::load::{Gathered, LoadPlan, Storm, WhenGone};
use super::own_server::{OwnServer, Premises};
use super::{histories, judging};
use crate::checker::Scope;
use ticketboss_core::domain::EventId;
use ticketboss_runtime::signals::Signals;
use ticketboss_runtime::terminal::{self, Failure};
use ticketboss_runtime::text::grouped;

/// The most clients; each has a connection, which takes a descriptor on both sides.
const CLIENTS_MAX: i64 = 10_000;
/// How many of a hundred reservations on a server of its own are held first.
const HOLD_PERCENT: u64 = 30;
/// How many of a hundred requests to a server of its own change the terms.
const TERMS_PERCENT: u64 = 1;
/// The event of a server of its own.
const OWN_EVENT: &str = "stress";

const EXAMPLES: &str = "\
Examples:
  ticketboss stress                             a server of its own, 20,000 requests
  ticketboss stress --clients 200 --requests 100000 --data-dir kept --history history.jsonl
  ticketboss stress --events a,b,c --read-percent 50
  ticketboss stress --url http://127.0.0.1:8000 --clients 10
  ticketboss stress --requests 1000000 --cancel-percent 0 --hold-percent 0 --key-percent 0 --terms-percent 0 \
    --capacity 10000000
  ticketboss stress --requests 1000000 --rounds 20

It exits with status 1 when the verdict is bad.";

/// What a run is asked for on the command line.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The server to put under load; without it, one is started for the run.
    /// Nobody else may reserve there meanwhile, or the books do not add up
    #[arg(long, value_name = "URL", verbatim_doc_comment)]
    url: Option<String>,
    /// The events to ask about [default: the default event]
    #[arg(long, value_name = "ID,…", value_delimiter = ',', value_parser = read_event_id)]
    events: Vec<EventId>,
    /// How many clients ask at once
    #[arg(long, value_name = "N", default_value_t = 50,
          value_parser = clap::value_parser!(u32).range(1..=CLIENTS_MAX))]
    clients: u32,
    /// How many requests they make together
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    requests: u64,
    /// How many of a hundred requests cancel a reservation that the client has
    #[arg(long, value_name = "PERCENT", default_value_t = 40,
          value_parser = clap::value_parser!(u64).range(0..=100))]
    cancel_percent: u64,
    /// How many of a hundred reservations are held first, and of a hundred cancellations confirm,
    /// extend or give up a part instead [default: 30; with --url 0: that a hold has ended is told
    /// to nobody, so that the answers alone would not add up]
    #[arg(long, value_name = "PERCENT", verbatim_doc_comment, conflicts_with = "url",
          value_parser = clap::value_parser!(u64).range(0..=100))]
    hold_percent: Option<u64>,
    /// How many of a hundred requests change the terms, or take seats out of sale and put them back
    /// [default: 1; with --url 0]
    #[arg(long, value_name = "PERCENT", verbatim_doc_comment, conflicts_with = "url",
          value_parser = clap::value_parser!(u64).range(0..=100))]
    terms_percent: Option<u64>,
    /// How many of a hundred changes are asked for under an Idempotency-Key, some of them again
    #[arg(long, value_name = "PERCENT", default_value_t = 10,
          value_parser = clap::value_parser!(u64).range(0..=100))]
    key_percent: u64,
    /// How many of a hundred requests only read; these are drawn first
    #[arg(long, value_name = "PERCENT", default_value_t = 5,
          value_parser = clap::value_parser!(u64).range(0..=100))]
    read_percent: u64,
    /// The most seats that a request asks for
    #[arg(long, value_name = "N", default_value_t = 4,
          value_parser = clap::value_parser!(u32).range(1..=10))]
    seats_max: u32,
    /// The seed of the clients' choices
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Do it all so many times, each time with a new server and the next seed: what is kept in mind
    /// for the judge is that of one time
    #[arg(long, value_name = "N", default_value_t = 1, verbatim_doc_comment,
          value_parser = clap::value_parser!(u64).range(1..),
          conflicts_with_all = ["url", "data_dir", "history"])]
    rounds: u64,
    /// Write each request and what came of it to FILE, as JSON, one a line, for `verify --history`
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// How many seats each event of the started server has
    #[arg(long, value_name = "N", default_value_t = 500, conflicts_with = "url")]
    capacity: u32,
    /// Keep the started server's database in DIR, which must not have one yet
    #[arg(long, value_name = "DIR", conflicts_with = "url")]
    data_dir: Option<PathBuf>,
}

fn read_event_id(text: &str) -> Result<EventId, String> {
    EventId::new(text).map_err(|invalid| format!("an event id {invalid}"))
}

/// Runs the command. `program` is the executable whose `serve` is put under load.
///
/// # Errors
/// When the server cannot be started or reached, or the run is interrupted.
pub async fn run(arguments: Arguments, program: &Path) -> Result<ExitCode, Failure> {
    terminal::raise_descriptor_limit();
    let mut signals = Signals::listen()?;
    // Whoever interrupts the run takes the server with it that was started for it.
    let good = tokio::select! {
        ended = stress(&arguments, program) => ended?,
        _ = signals.next() => return Err("interrupted".into()),
    };
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Says whether the verdict is good.
async fn stress(arguments: &Arguments, program: &Path) -> Result<bool, Failure> {
    if let Some(file) = &arguments.history {
        // That it cannot be written is better known now than after all the requests.
        histories::write(file, &[])?;
    }
    match &arguments.url {
        Some(url) => stress_server(arguments, Target::parse(url)?).await,
        None => stress_own_servers(arguments, program).await,
    }
}

/// Stresses a server that goes on, and judges by the answers.
async fn stress_server(arguments: &Arguments, target: Target) -> Result<bool, Failure> {
    let subjects = if arguments.events.is_empty() {
        let found = summaries(&target, &[None]).await?;
        let ids = found.iter().map(|summary| EventId::new(&summary.event_id));
        ids.map(|id| Ok(Subject::by_default(id?))).collect::<Result<Vec<_>, Failure>>()?
    } else {
        arguments.events.iter().cloned().map(Subject::of).collect()
    };
    let asked = subjects.iter().map(Some).collect::<Vec<_>>();
    let before = summaries(&target, &asked).await?;
    introduce(arguments, &target, &before);
    let gathered = storm(arguments, &target, subjects.clone(), arguments.seed).await?;
    let after = summaries(&target, &asked).await.map_err(|gone| {
        format!("{gone}; without the server there is no verdict, but verify --history can tell")
    })?;
    let mut histories = histories::by_event(gathered.operations);
    let mut verdicts = Vec::new();
    for (subject, (before, after)) in subjects.iter().zip(before.into_iter().zip(after)) {
        let operations = histories.remove(&subject.event).unwrap_or_default();
        verdicts.push((&subject.event, Books::new(before, after).judge(&operations)));
    }
    let verdicts = verdicts.iter().map(|(event, verdict)| (*event, verdict)).collect::<Vec<_>>();
    Ok(judging::print(&verdicts))
}

/// Stresses one server of its own after the other.
async fn stress_own_servers(arguments: &Arguments, program: &Path) -> Result<bool, Failure> {
    let rounds = arguments.rounds;
    let (mut sum, mut bad) = (Tally::default(), 0_u64);
    for round in 0..rounds {
        if rounds > 1 {
            terminal::say(format_args!("round {} of {rounds}", round + 1));
        }
        let (is_good, tally) =
            stress_own_server(arguments, program, arguments.seed.wrapping_add(round)).await?;
        sum += tally;
        bad += u64::from(!is_good);
    }
    if rounds > 1 {
        let verdict = if bad == 0 { "all good".to_owned() } else { format!("{bad} BAD") };
        terminal::say(format_args!("{rounds} rounds: {sum}; {verdict}"));
    }
    Ok(bad == 0)
}

/// Starts a server, stresses it, stops it, and judges by its ledgers.
async fn stress_own_server(
    arguments: &Arguments,
    program: &Path,
    seed: u64,
) -> Result<(bool, Tally), Failure> {
    let subjects: Vec<_> = if arguments.events.is_empty() {
        vec![Subject::by_default(EventId::new(OWN_EVENT)?)]
    } else {
        arguments.events.iter().cloned().map(Subject::of).collect()
    };
    let with_seats = |subject: Subject| subject.with_seats(arguments.capacity);
    let subjects = subjects.into_iter().map(with_seats).collect::<Vec<_>>();
    let events = subjects.iter().map(|subject| (subject.event.clone(), arguments.capacity));
    let premises =
        Premises::prepare(program, &events.collect::<Vec<_>>(), arguments.data_dir.clone())?;
    let (mut server, target) = OwnServer::start(&premises).await?;
    let asked = subjects.iter().map(Some).collect::<Vec<_>>();
    introduce(arguments, &target, &summaries(&target, &asked).await?);
    let gathered = storm(arguments, &target, subjects, seed).await?;
    if let Some(peak) = server.memory_peak() {
        terminal::say(format_args!("memory    the server had at most {peak}"));
    }
    let histories = histories::by_event(gathered.operations);
    let judged = async {
        server.stop().await?;
        judging::judge_directory(premises.data_dir(), &histories, Scope::Whole).await
    };
    let judged = judged.await;
    let is_good = judged.as_ref().is_ok_and(|judged| tell(judged));
    if !is_good {
        let kept = premises.keep();
        histories::write(&kept.join("history.jsonl"), histories.values().flatten())?;
        terminal::say(format_args!("evidence  {}", kept.display()));
    }
    let mut sum = Tally::default();
    for Judged { tally, .. } in &judged? {
        sum += *tally;
    }
    Ok((is_good, sum))
}

/// Says whether the verdict is good.
fn tell(judged: &[Judged]) -> bool {
    for Judged { event, tally, .. } in judged {
        terminal::say(format_args!("{event}: {tally}"));
    }
    let verdicts = judged.iter().map(|judged| (&judged.event, &judged.verdict));
    judging::print(&verdicts.collect::<Vec<_>>())
}

/// The events in numbers, the default one where none is named.
async fn summaries(
    target: &Target,
    subjects: &[Option<&Subject>],
) -> Result<Vec<Summary>, Failure> {
    let mut client = Client::new();
    client.connect(target).await?;
    let mut summaries = Vec::new();
    for subject in subjects {
        summaries.push(client.summary(*subject).await?);
    }
    Ok(summaries)
}

fn introduce(arguments: &Arguments, target: &Target, before: &[Summary]) {
    terminal::say(format_args!(
        "{} clients, {} requests to {target}",
        arguments.clients,
        grouped(arguments.requests),
    ));
    for Summary { event_id, available_seats, total_seats, .. } in before {
        terminal::say(format_args!(
            "event {event_id} with {available_seats} of {total_seats} seats available"
        ));
    }
}

/// Lets all clients loose, tells what they were told, and writes it down.
async fn storm(
    arguments: &Arguments,
    target: &Target,
    subjects: Vec<Subject>,
    seed: u64,
) -> Result<Gathered, Failure> {
    let usual_share = |usual| if arguments.url.is_none() { usual } else { 0 };
    let plan = LoadPlan {
        clients: arguments.clients,
        subjects,
        seed,
        cancel_percent: arguments.cancel_percent,
        key_percent: arguments.key_percent,
        hold_percent: arguments.hold_percent.unwrap_or(usual_share(HOLD_PERCENT)),
        terms_percent: arguments.terms_percent.unwrap_or(usual_share(TERMS_PERCENT)),
        read_percent: arguments.read_percent,
        seats_max: arguments.seats_max,
        when_gone: WhenGone::End,
    };
    let (_stays, whereabouts) = watch::channel(Some(target.clone()));
    let progress = progress_bar(arguments.requests);
    let began = Instant::now();
    let raging = Storm::new(plan).begin(&whereabouts, arguments.requests);
    let (_, gathered) = raging.end(|done| progress.set_position(done)).await?;
    let took = began.elapsed();
    progress.finish_and_clear();
    report::print(&gathered, took);
    if let Some(file) = &arguments.history {
        histories::write(file, &gathered.operations)?;
    }
    Ok(gathered)
}

fn progress_bar(requests: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{bar:40} {human_pos}/{human_len} requests, {per_sec}, {eta} left",
    );
    let bar = ProgressBar::new(requests);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
