//! The `ticketboss` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    ticketboss::cli::main()
}
