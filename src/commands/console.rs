//! Where the log of a command goes.

use std::io::IsTerminal;

use pretty_env_logger::env_logger::{Target, WriteStyle};
use ticketboss_runtime::lines::{Destination, LineWriter};

use crate::config;

/// Sends the log to standard error, through a thread of its own.
///
/// The logger's `init` would show errors only, so the filters are given; sled's own messages are
/// shown when they are warnings.
pub(super) fn start_log(filter: &str) -> std::io::Result<LineWriter> {
    let lines = LineWriter::start(Destination::StandardError)?;
    let colours = std::io::stderr().is_terminal() && !config::no_color();
    let style = if colours { WriteStyle::Always } else { WriteStyle::Never };
    pretty_env_logger::formatted_timed_builder()
        .parse_filters(&format!("sled=warn,{filter}"))
        .target(Target::Pipe(Box::new(lines.clone())))
        .write_style(style)
        .init();
    Ok(lines)
}
