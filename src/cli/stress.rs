//! `ticketboss stress`: many clients at once, and a verdict on the answers that they got.
//!
//! It grew out of the seed's `test-concurrency.js`, which fired ten requests and judged none. Each
//! client reserves and cancels over a connection of its own and keeps every answer; at the end
//! `books` works out from the answers alone whether they can all be true.

pub mod answers;
mod books;
mod client;
mod own_server;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use uuid::Uuid;

use self::answers::{Answer, Answers};
use self::books::Books;
use self::client::{Client, Target};
use self::own_server::OwnServer;
use self::report::{Kind, Latencies};
use super::{Failure, console};
use crate::office::Entropy;
use crate::shutdown::Signals;

/// The most clients; each has a connection, which takes a descriptor on both sides.
const CLIENTS_MAX: u64 = 10_000;

const EXAMPLES: &str = "\
Examples:
  ticketboss stress                             a server of its own, 20,000 requests
  ticketboss stress --clients 200 --requests 100000 --data-dir kept --answers answers.jsonl
  ticketboss stress --url http://127.0.0.1:8000 --clients 10
  ticketboss stress --requests 1000000 --cancel-percent 0 --capacity 10000000

It exits with status 1 when the verdict is bad.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The server to put under load; without it, one is started for the run.
    /// Nobody else may reserve there meanwhile, or the books do not add up
    #[arg(long, value_name = "URL", verbatim_doc_comment)]
    url: Option<String>,
    /// How many clients ask at once
    #[arg(long, value_name = "N", default_value_t = 50,
          value_parser = clap::value_parser!(u64).range(1..=CLIENTS_MAX))]
    clients: u64,
    /// How many requests they make together
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    requests: u64,
    /// How many of a hundred requests cancel a reservation that the client has
    #[arg(long, value_name = "PERCENT", default_value_t = 40,
          value_parser = clap::value_parser!(u64).range(0..=100))]
    cancel_percent: u64,
    /// The most seats that a request asks for
    #[arg(long, value_name = "N", default_value_t = 4,
          value_parser = clap::value_parser!(u64).range(1..=10))]
    seats_max: u64,
    /// The seed of the clients' choices
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Write every answer to FILE, one JSON object a line; `verify --answers FILE` reads it
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
    /// How many seats the event of the started server has
    #[arg(long, value_name = "N", default_value_t = 500, conflicts_with = "url")]
    capacity: u32,
    /// Keep the started server's database in DIR, which must not have one yet
    #[arg(long, value_name = "DIR", conflicts_with = "url")]
    data_dir: Option<PathBuf>,
}

pub(super) async fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    console::raise_descriptor_limit();
    let mut signals = Signals::listen()?;
    // Whoever interrupts the run takes the server with it that was started for it.
    tokio::select! {
        ended = stress(arguments) => ended,
        _ = signals.next() => Err("interrupted".into()),
    }
}

async fn stress(arguments: Arguments) -> Result<ExitCode, Failure> {
    let (target, own_server) = if let Some(url) = &arguments.url {
        (Target::parse(url)?, None)
    } else {
        let server = OwnServer::start(arguments.capacity, arguments.data_dir.clone()).await?;
        (server.target.clone(), Some(server))
    };
    if let Some(file) = &arguments.answers {
        // That it cannot be written is better known now than after all the requests.
        Answers::default().write(file)?;
    }
    let before = Client::new(target.clone()).summary().await?;
    console::say(format_args!(
        "{} clients, {} requests to {target}, event {} with {} of {} seats available",
        arguments.clients,
        console::grouped(arguments.requests),
        before.event_id,
        before.available_seats,
        before.total_seats,
    ));
    let began = Instant::now();
    let (answers, latencies) = storm(&arguments, &target).await?;
    let took = began.elapsed();
    report::print(&answers, &latencies, took);
    if let Some(file) = &arguments.answers {
        answers.write(file)?;
    }
    let after = Client::new(target).summary().await.map_err(|gone| {
        format!("{gone}; without the server there is no verdict, but verify --answers can tell")
    })?;
    if let Some(server) = own_server {
        if let Some(peak) = server.memory_peak() {
            console::say(format_args!("memory    the server had at most {peak}"));
        }
        server.stop().await?;
    }
    let verdict = Books::new(before, after).judge(&answers);
    report::print_verdict(&verdict);
    Ok(if verdict.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Lets all clients loose, and collects what they were told.
async fn storm(arguments: &Arguments, target: &Target) -> Result<(Answers, Latencies), Failure> {
    let progress = progress_bar(arguments.requests);
    let left = Arc::new(AtomicU64::new(arguments.requests));
    let mut clients = tokio::task::JoinSet::new();
    for number in 0..arguments.clients {
        let caller = Caller {
            client: Client::new(target.clone()),
            partner: format!("stress-{number}"),
            choices: Entropy::seeded(arguments.seed.wrapping_add(number << 32)),
            cancel_percent: arguments.cancel_percent,
            seats_max: arguments.seats_max,
            has: Vec::new(),
        };
        clients.spawn(caller.run(left.clone(), progress.clone()));
    }
    let mut answers = Answers::default();
    let mut latencies = Latencies::new();
    while let Some(ended) = clients.join_next().await {
        let (told, took) = ended?;
        answers.extend(told);
        latencies.add(&took);
    }
    progress.finish_and_clear();
    Ok((answers, latencies))
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

/// One client: what it has, and how it chooses what to do next.
struct Caller {
    client: Client,
    partner: String,
    choices: Entropy,
    cancel_percent: u64,
    seats_max: u64,
    has: Vec<(Uuid, u32)>,
}

impl Caller {
    async fn run(
        mut self,
        left: Arc<AtomicU64>,
        progress: ProgressBar,
    ) -> (Vec<Answer>, Latencies) {
        let mut answers = Vec::new();
        let mut latencies = Latencies::new();
        let take = |left: u64| left.checked_sub(1);
        while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
            let began = Instant::now();
            let (kind, answer) = self.step().await;
            latencies.record(kind, began.elapsed());
            let is_known = !matches!(answer, Answer::Unknown { .. });
            answers.push(answer);
            progress.inc(1);
            if !is_known && !self.client.reaches_server().await {
                break;
            }
        }
        (answers, latencies)
    }

    async fn step(&mut self) -> (Kind, Answer) {
        let choice = self.choices.nonce().get();
        if choice % 100 < self.cancel_percent && !self.has.is_empty() {
            let index = usize::try_from(choice / 100).unwrap_or(0) % self.has.len();
            let (id, seats) = self.has.swap_remove(index);
            return (Kind::Cancel, self.client.cancel(id, seats).await);
        }
        let seats = u32::try_from(choice / 100 % self.seats_max).unwrap_or(0) + 1;
        let answer = self.client.reserve(&self.partner, seats).await;
        if let Answer::Reserved { id, seats, .. } = answer {
            self.has.push((id, seats));
        }
        (Kind::Reserve, answer)
    }
}
