//! What a person at the terminal sees: lines of a command on standard output, the log and complaints
//! on standard error.

use std::fmt::Display;
use std::io::{IsTerminal, Write};

use pretty_env_logger::env_logger::{Target, WriteStyle};

use crate::config;
use crate::lines::{Destination, LineWriter};

/// Says a line on standard output.
pub(super) fn say(line: impl Display) {
    // Nobody listens any more, as after `| head`: that is no reason to stop working.
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Says on standard error, in one line, why a command could not do its job. What it is about may come
/// from a file, and must not move the cursor.
pub(super) fn complain(why: &str) {
    let mut line = String::from("ticketboss: ");
    for letter in why.chars() {
        if letter.is_control() {
            line.extend(letter.escape_default());
        } else {
            line.push(letter);
        }
    }
    let _ = writeln!(std::io::stderr(), "{line}");
}

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

/// Each connection takes a descriptor, and the usual soft limit is 1,024.
pub(super) fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    // Where the system refuses, the limit is what it was; accepting copes with running out.
    let _ = setrlimit(Resource::Nofile, raised);
}
