//! The README tells the truth: its commands are run, and answer as it says.

use std::path::Path;
use std::process::Output;

use crate::program::{Serving, program, said, without_settings};

const README: &str = include_str!("../../README.md");

/// A command of a `console` block, and the lines that it is said to answer with.
#[derive(Debug)]
struct Shown {
    command: String,
    answer: String,
}

fn shown() -> Vec<Shown> {
    let mut all: Vec<Shown> = Vec::new();
    let mut in_console = false;
    for line in README.lines() {
        match line {
            "```console" => in_console = true,
            "```" => in_console = false,
            _ if !in_console => {}
            _ => match line.strip_prefix("$ ") {
                Some(command) => {
                    let command = command.split("  #").next().unwrap().trim_end().to_owned();
                    all.push(Shown { command, answer: String::new() });
                }
                None => all.last_mut().unwrap().answer.push_str(line),
            },
        }
    }
    all
}

/// Runs a line as a shell would, with this build's program on the path.
fn shell(directory: &Path, line: &str) -> Output {
    let programs = Path::new(program()).parent().unwrap().display();
    let line = format!("PATH={programs}:$PATH; {line}");
    without_settings("sh", directory).args(["-c", &line]).output().unwrap()
}

/// Every UUID replaced by `ID`: those are drawn anew each time.
fn without_ids(text: &str) -> String {
    let mut shortened = String::new();
    let mut rest = text;
    while let Some(at) = rest.char_indices().map(|(at, _)| at).find(|at| is_uuid(&rest[*at..])) {
        shortened.push_str(&rest[..at]);
        shortened.push_str("ID");
        rest = &rest[at + 36..];
    }
    shortened + rest
}

fn is_uuid(text: &str) -> bool {
    text.get(..36).is_some_and(|text| uuid::Uuid::try_parse(text).is_ok())
}

fn first_id(text: &str) -> &str {
    let at = text.char_indices().map(|(at, _)| at).find(|at| is_uuid(&text[*at..]));
    at.map_or("", |at| &text[at..at + 36])
}

#[tokio::test]
#[ignore = "needs curl"]
async fn every_curl_line_answers_as_it_says() {
    let home = tempfile::tempdir().unwrap();
    let server = Serving::start(home.path(), &[]);
    let mut known = (String::new(), String::new());
    let curls = shown().into_iter().filter(|shown| shown.command.starts_with("curl"));
    let mut ran = 0;
    for Shown { command, answer } in curls {
        let mut line = command.replace("127.0.0.1:8000", &server.address.to_string());
        if !known.0.is_empty() {
            line = line.replace(&known.0, &known.1);
        }
        let output = shell(home.path(), &line);
        let told = said(&output);
        assert_eq!(without_ids(told.trim_end()), without_ids(&answer), "{command}");
        if known.0.is_empty() {
            // The reservation that the README made is, here, the one that was made just now.
            known = (first_id(&answer).to_owned(), first_id(&told).to_owned());
        }
        ran += 1;
    }
    assert_eq!(ran, 4);
}

#[tokio::test]
#[ignore = "needs a minute"]
async fn prove_stress_and_verify_run_as_it_says() {
    let home = tempfile::tempdir().unwrap();
    let own = shown().into_iter().filter(|shown| shown.command.starts_with("ticketboss"));
    let own = own.map(|shown| shown.command).collect::<Vec<_>>();
    assert!(own[0].starts_with("ticketboss prove"), "{own:?}");
    assert!(own[1].starts_with("ticketboss stress"), "{own:?}");
    assert!(own[2].starts_with("ticketboss verify"), "{own:?}");
    for command in own {
        let output = shell(home.path(), &command);
        assert!(output.status.success(), "{command}: {}", said(&output));
    }
}

#[test]
fn the_two_commands_are_in_the_first_screen() {
    let first_screen = README.lines().take(30).collect::<Vec<_>>().join("\n");
    for command in ["cargo run --release", "cargo test", "curl -s http://127.0.0.1:8000"] {
        assert!(first_screen.contains(command), "{command}");
    }
}

#[test]
fn its_settings_are_those_that_there_are() {
    let home = tempfile::tempdir().unwrap();
    let help = said(&crate::program::run(home.path(), &["serve", "--help"]));
    let flags = help.lines().map(str::trim_start).filter(|line| line.starts_with("--"));
    let flags = flags.map(|line| line.split_whitespace().next().unwrap());
    let told = flags.filter(|flag| *flag != "--config").collect::<Vec<_>>();
    assert!(told.len() >= 8, "{help}");
    for flag in told {
        let variable = format!("TICKETBOSS_{}", flag[2..].to_uppercase().replace('-', "_"));
        let row =
            README.lines().find(|line| line.starts_with(&format!("| `{flag}` | `{variable}`")));
        assert!(row.is_some(), "the README does not tell {flag} and {variable}");
    }
}
