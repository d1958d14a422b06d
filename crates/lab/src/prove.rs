//! `ticketboss prove`: clients storm a server of its own that is killed again and again, and the judge
//! says whether anything was lost. What happened is told at the terminal, on a page with a picture,
//! and in a file for programs.

mod findings;
mod judgement;
mod machine;
mod markup;
mod page;
mod picture;
mod place;
mod rig;
mod tell;
mod timeline;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use self::findings::Standing;
use self::place::Place;
use self::rig::Rig;
use super::own_server::Premises;
use ticketboss_core::domain::EventId;
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_runtime::signals::Signals;
use ticketboss_runtime::terminal::{self, Failure};

/// The longest run; what all clients were told has to fit into memory.
const SECONDS_MAX: u64 = 3_600;
const KILLS_MAX: i64 = 10_000;
const CLIENTS_MAX: i64 = 1_000;
const EVENTS_MAX: i64 = 32;
/// The most seats of an event.
const CAPACITY_MAX: u32 = 1_000_000_000;
/// How many times as many seats as the event before it each further event has.
const CAPACITY_FACTOR: u32 = 10;

const EXAMPLES: &str = "\
Examples:
  ticketboss prove                              half a minute; the report is in ticketboss-proof-…
  ticketboss prove --seconds 300 --clients 64
  ticketboss prove --kills 20 --seed 7 --report proof

A server of its own listens on 127.0.0.1 alone and is killed with SIGKILL, in one case of four
while it starts. It exits with status 1 when anything was lost; then the database and the history
are kept.";

/// What a run is asked for on the command line.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// How long the clients are at work
    #[arg(long, value_name = "N", default_value_t = 30,
          value_parser = clap::value_parser!(u64).range(1..=SECONDS_MAX))]
    seconds: u64,
    /// How often the server is killed, also if that takes longer
    /// [default: as often as it fits, more than once a second]
    #[arg(long, value_name = "N", verbatim_doc_comment,
          value_parser = clap::value_parser!(u32).range(1..=KILLS_MAX))]
    kills: Option<u32>,
    /// How many clients ask at once
    #[arg(long, value_name = "N", default_value_t = 16,
          value_parser = clap::value_parser!(u32).range(1..=CLIENTS_MAX))]
    clients: u32,
    /// How many events they ask about
    #[arg(long, value_name = "N", default_value_t = 3,
          value_parser = clap::value_parser!(u32).range(1..=EVENTS_MAX))]
    events: u32,
    /// How many seats the first event has; each further one has ten times as many
    #[arg(long, value_name = "N", default_value_t = 500,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(CAPACITY_MAX)))]
    capacity: u32,
    /// What the clients' choices and the moments of the kills follow from
    /// [default: drawn, and told]
    #[arg(long, value_name = "N", verbatim_doc_comment)]
    seed: Option<u64>,
    /// The directory of the report [default: ticketboss-proof-DATE-TIME, here]
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Keep the database in DIR, which must not have one yet
    /// [default: it is in the report's directory, and is removed if nothing was lost]
    #[arg(long, value_name = "DIR", verbatim_doc_comment)]
    data_dir: Option<PathBuf>,
}

/// What a run is made by: the arguments, and what follows from them.
#[derive(Debug)]
struct Terms {
    arguments: Arguments,
    seed: u64,
    /// The events, and how many seats each has.
    events: Vec<(EventId, u32)>,
}

impl Terms {
    fn of(arguments: Arguments) -> Result<Self, Failure> {
        let seed = arguments.seed.unwrap_or_else(|| Entropy::System.nonce().get());
        let mut events = Vec::new();
        let mut seats = arguments.capacity;
        for number in 1..=arguments.events {
            events.push((EventId::new(&format!("proof-{number}"))?, seats));
            seats = seats.saturating_mul(CAPACITY_FACTOR).min(CAPACITY_MAX);
        }
        Ok(Self { arguments, seed, events })
    }

    /// The command that makes this run again, as far as a run can be made again.
    fn command(&self) -> String {
        let Arguments { seconds, kills, clients, events, capacity, .. } = &self.arguments;
        let kills = kills.map_or_else(String::new, |kills| format!(" --kills {kills}"));
        format!(
            "ticketboss prove --seconds {seconds}{kills} --clients {clients} --events {events} \
             --capacity {capacity} --seed {}",
            self.seed
        )
    }
}

/// Runs the command. `program` is the executable whose `serve` is killed.
///
/// # Errors
/// When the server cannot be started, the report not written, or the run is interrupted.
pub async fn run(arguments: Arguments, program: &Path) -> Result<ExitCode, Failure> {
    terminal::raise_descriptor_limit();
    let signals = Signals::listen()?;
    let began_at = Clock::System.now();
    let terms = Terms::of(arguments)?;
    let place = Place::new(&terms.arguments, began_at);
    let premises = Premises::prepare(program, &terms.events, Some(place.data_dir().to_owned()))?
        .with_log(place.log_file());
    place.make()?;
    tell::introduce(&terms, &place);
    let Some(run) = Rig::new(&terms, premises).run(signals).await? else {
        place.clear();
        return Err("interrupted".into());
    };
    let findings = findings::conclude(&terms, &place, began_at, run).await?;
    place.write(&findings)?;
    tell::conclude(&findings, &place.page_file());
    if findings.standing != Standing::Proved {
        return Ok(ExitCode::FAILURE);
    }
    place.clear();
    Ok(ExitCode::SUCCESS)
}
