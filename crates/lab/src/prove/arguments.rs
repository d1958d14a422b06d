//! What a run is asked for on the command line.
//!
//! It must not know: what a run does with it.

use std::path::PathBuf;

use clap::Args;

/// The longest run; what all clients were told has to fit into memory.
const SECONDS_MAX: u64 = 3_600;
const KILLS_MAX: i64 = 10_000;
const CLIENTS_MAX: i64 = 1_000;
const EVENTS_MAX: i64 = 32;
/// The most seats of an event.
pub(super) const CAPACITY_MAX: u32 = 1_000_000_000;

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
pub struct ProveArguments {
    /// How long the clients are at work
    #[arg(long, value_name = "N", default_value_t = 30,
          value_parser = clap::value_parser!(u64).range(1..=SECONDS_MAX))]
    pub(super) seconds: u64,
    /// How often the server is killed, also if that takes longer
    /// [default: as often as it fits, more than once a second]
    #[arg(long, value_name = "N", verbatim_doc_comment,
          value_parser = clap::value_parser!(u32).range(1..=KILLS_MAX))]
    pub(super) kills: Option<u32>,
    /// How many clients ask at once
    #[arg(long, value_name = "N", default_value_t = 16,
          value_parser = clap::value_parser!(u32).range(1..=CLIENTS_MAX))]
    pub(super) clients: u32,
    /// How many events they ask about
    #[arg(long, value_name = "N", default_value_t = 3,
          value_parser = clap::value_parser!(u32).range(1..=EVENTS_MAX))]
    pub(super) events: u32,
    /// How many seats the first event has; each further one has ten times as many
    #[arg(long, value_name = "N", default_value_t = 500,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(CAPACITY_MAX)))]
    pub(super) capacity: u32,
    /// What the clients' choices and the moments of the kills follow from
    /// [default: drawn, and told]
    #[arg(long, value_name = "N", verbatim_doc_comment)]
    pub(super) seed: Option<u64>,
    /// The directory of the report [default: ticketboss-proof-DATE-TIME, here]
    #[arg(long, value_name = "DIR")]
    pub(super) report: Option<PathBuf>,
    /// Keep the database in DIR, which must not have one yet
    /// [default: it is in the report's directory, and is removed if nothing was lost]
    #[arg(long, value_name = "DIR", verbatim_doc_comment)]
    pub(super) data_dir: Option<PathBuf>,
}
