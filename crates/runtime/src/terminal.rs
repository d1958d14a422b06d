//! The terminal of a command: lines on standard output, complaints on standard error, and why it ends.
//!
//! It must not know which commands there are.

use std::error::Error;
use std::fmt::Display;
use std::io::Write;

/// Why a command ends: one line for the operator.
pub type Failure = Box<dyn Error + Send + Sync>;

/// Says a line on standard output.
pub fn say(line: impl Display) {
    // Nobody listens any more, as after `| head`: that is no reason to stop working.
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Says on standard error, in one line, why a command could not do its job. What it is about may come
/// from a file, and must not move the cursor.
pub fn complain(program: &str, why: &str) {
    let mut line = format!("{program}: ");
    for letter in why.chars() {
        if letter.is_control() {
            line.extend(letter.escape_default());
        } else {
            line.push(letter);
        }
    }
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Each connection takes a descriptor, and the usual soft limit is 1,024.
pub fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    // Where the system refuses, the limit is what it was; accepting copes with running out.
    let _ = setrlimit(Resource::Nofile, raised);
}
