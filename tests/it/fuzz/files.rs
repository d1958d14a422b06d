//! Files that the program is given by its operator. Each case starts a process, so there are few of them.

use std::fs;
use std::net::TcpListener;

use tempfile::TempDir;

use super::random::Alphabet;
use super::{Target, Verdict, corpus, mend_nothing};
use crate::directories::Directories;
use crate::program::{complained, run};

#[test]
fn event() {
    let directories = Directories::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let target = Target {
        name: "event",
        share: 5,
        corpus: corpus("event"),
        alphabet: Alphabet::Text(&[
            "\"eventId\"",
            "\"name\"",
            "\"totalSeats\"",
            "\"seatsPerRequestMax\"",
            ":",
            ",",
            "{",
            "}",
            "[",
            "\"\"",
            "\"e\"",
            "\"a\\nb\"",
            "\\u0000",
            "\\ud800",
            "0",
            "-1",
            "1e400",
            "4294967296",
            "null",
            "\u{feff}",
            "\0",
            "é",
        ]),
        mend: mend_nothing,
        read: &|bytes| directories.with(|directory| read_event(directory, &taken, bytes)),
    };
    target.fuzz();
}

/// Starts the program with the file and a port that is taken: that is what it complains of where the
/// file is good, and it has written nothing in either case.
fn read_event(directory: &TempDir, taken: &str, bytes: &[u8]) -> Verdict {
    fs::write(directory.path().join("event.json"), bytes).unwrap();
    let output = run(directory.path(), &["serve", "--seed-event", "event.json", "--listen", taken]);
    let complaint = complained(&output);
    assert_eq!(output.status.code(), Some(1), "{complaint}");
    assert!(complaint.starts_with("ticketboss: "), "{complaint}");
    assert!(!complaint.contains("panicked"), "{complaint}");
    assert!(!directory.path().join("data").exists());
    if complaint.contains("cannot listen on") { Verdict::Accepted } else { Verdict::RefusedLate }
}
