//! The command line: what can be asked for, and what is said on the terminal.
//!
//! Each command is a module with one `run`; a command that cannot do its job says so in one line on
//! standard error and exits with status 1.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use ticketboss_lab::{prove, stress};
use ticketboss_runtime::terminal::complain;

use crate::commands::{check_proof, serve, verify};
use crate::config;

/// How long what nobody waits for any more has to end, when a command has.
const LEFTOVERS_GRACE: Duration = Duration::from_millis(500);

/// Sells seats for events and never sells one twice.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: serve::ServeArguments,
}

const EXAMPLES: &str = "\
Examples:
  ticketboss                                    serve at http://127.0.0.1:8000
  ticketboss --listen 0.0.0.0:80 --data-dir /var/lib/ticketboss
  ticketboss prove                              kill it under load, and see that nothing is lost
  ticketboss stress --clients 200 --requests 100000
  ticketboss verify --data-dir data/db

Settings are found in this order: flag, environment, .env, ticketboss.toml, default.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Sell seats over HTTP, with a dashboard; this is what happens without a command
    #[command(after_help = EXAMPLES)]
    Serve(serve::ServeArguments),
    /// Put a server under load from many clients at once, and judge what they were told
    Stress(stress::StressArguments),
    /// Kill a server under load again and again, and show that nothing is lost
    Prove(prove::ProveArguments),
    /// Look at what a server told as a proof of an event's ledger
    CheckProof(check_proof::CheckProofArguments),
    /// Check every event of a data directory that no server has open
    Verify(verify::VerifyArguments),
}

/// Runs the command that the arguments of this process ask for.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("cannot start: {error}")),
    };
    let ended = runtime.block_on(async {
        match cli.command.unwrap_or(Command::Serve(cli.serve)) {
            Command::CheckProof(arguments) => check_proof::run(arguments).await,
            Command::Serve(arguments) => serve::run(arguments).await,
            Command::Prove(arguments) => prove::run(arguments, &config::own_program()?).await,
            Command::Stress(arguments) => stress::run(arguments, &config::own_program()?).await,
            Command::Verify(arguments) => verify::run(arguments).await,
        }
    });
    runtime.shutdown_timeout(LEFTOVERS_GRACE);
    ended.unwrap_or_else(|failure| fail(&failure.to_string()))
}

fn fail(why: &str) -> ExitCode {
    complain("ticketboss", why);
    ExitCode::FAILURE
}
