//! `ticketboss stress`, and `verify` of what it has written down, with the real program.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::cli::{directory, refused};
use crate::program::{Serving, complained, run, said, ticketboss, wait_for_line};
use crate::wire::{PATIENCE, ask, bare, json};

#[tokio::test]
async fn an_interrupted_stress_takes_its_server_with_it() {
    let home = directory();
    let arguments = ["stress", "--clients", "2", "--requests", "100000000", "--data-dir", "kept"];
    let mut stress = ticketboss(home.path(), &arguments);
    let stress = stress.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    // The server has written its process id: it has the database.
    wait_for_line(&home.path().join("kept/lock"), "");
    let pid = stress.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert_eq!(stress.wait_with_output().unwrap().status.code(), Some(1));
    let deadline = Instant::now() + PATIENCE;
    while complained(&run(home.path(), &["verify", "--data-dir", "kept"])).contains("is in use") {
        assert!(Instant::now() < deadline, "the server is still there");
    }
}

/// Runs `stress` on a server of its own whose database is kept, and gives the lines of its history.
fn stressed(home: &Path, arguments: &[&str]) -> Vec<String> {
    let kept = ["stress", "--data-dir", "kept", "--history", "history.jsonl"];
    let output = run(home, &[&kept, arguments].concat());
    let text = said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}{}", complained(&output));
    assert!(text.ends_with("verdict: good\n"), "{text}");
    for told in ["201 reserved", "204 cancelled", "200 read", "409 not enough seats left"]
        .into_iter()
        .chain(["201 held", "200 confirmed", "20x told again under a key"])
    {
        assert!(text.contains(told), "{told} is missing in {text}");
    }
    // What is asked for rarely is not asked for in every run, but not all of it is left out.
    let rare = [
        ["200 extended", "200 partly cancelled", "409 stands otherwise"],
        ["200 terms changed", "409 capacity taken", "201 seats out of sale"],
    ];
    for any_of in rare {
        assert!(any_of.iter().any(|told| text.contains(told)), "{any_of:?} are missing in {text}");
    }
    let history = fs::read_to_string(home.join("history.jsonl")).unwrap();
    history.lines().map(str::to_owned).collect()
}

/// Verifies what [`stressed`] has kept against `history`, all of it: the exit status and what is said.
fn verified(home: &Path, history: &[String]) -> (Option<i32>, String) {
    fs::write(home.join("other.jsonl"), history.join("\n")).unwrap();
    let arguments = ["verify", "--data-dir", "kept", "--history", "other.jsonl", "--whole-history"];
    let output = run(home, &arguments);
    (output.status.code(), said(&output) + &complained(&output))
}

#[test]
fn stress_judges_its_own_server_and_its_history_can_be_verified() {
    let home = directory();
    let history = stressed(home.path(), &["--clients", "20", "--requests", "1500"]);
    assert_eq!(history.len(), 1500);
    let (code, text) = verified(home.path(), &history);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("good     stress: 1,500 operations, "), "{text}");
    // A change that is left out was made by somebody else, which may be or not.
    // It has no key: whoever is told again under a key of what nobody asked for is told an untruth.
    let stands_alone =
        |line: &String| line.contains(r#""answer":"reserved""#) && !line.contains(r#""key":"#);
    let reserved = history.iter().position(stands_alone).unwrap();
    let mut others = history.clone();
    let left_out = others.remove(reserved);
    let (code, text) = verified(home.path(), &others);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("UNTRUE   stress: 1 times not: every change is what somebody asked for"));
    let part = run(home.path(), &["verify", "--data-dir", "kept", "--history", "other.jsonl"]);
    assert_eq!(part.status.code(), Some(0), "{}", said(&part));
    // An answer that the store does not bear out is found.
    let mut lied = history.clone();
    lied[reserved] = left_out.replace(r#""version":"#, r#""version":9"#);
    let (code, text) = verified(home.path(), &lied);
    assert_eq!(code, Some(1), "{text}");
    let law = "1 times not: what was acknowledged is in the ledger as it was told";
    assert!(text.contains(law), "{text}");
    assert!(text.contains("\n1 UNTRUE of 1 event, "), "{text}");
    // So is a history of an event that is not there.
    let mut elsewhere = history.clone();
    elsewhere[reserved] = left_out.replace(r#""event":"stress""#, r#""event":"other""#);
    let (code, text) = verified(home.path(), &elsewhere);
    assert_eq!(code, Some(1));
    assert!(
        text.ends_with("there is no whole event other to hold 1 operations against\n"),
        "{text}"
    );
    let (code, text) = verified(home.path(), &["{}".to_owned()]);
    assert_eq!(code, Some(1));
    assert!(text.starts_with("ticketboss: cannot read other.jsonl: line 1: "), "{text}");
}

#[test]
fn stress_goes_over_several_events() {
    let home = directory();
    let arguments =
        ["--events", "a,b,c", "--requests", "2100", "--capacity", "100", "--read-percent", "20"];
    let history = stressed(home.path(), &arguments);
    for event in ["a", "b", "c"] {
        let of_event = format!(r#""event":"{event}""#);
        assert!(history.iter().filter(|line| line.contains(&of_event)).count() > 350);
    }
    let (code, text) = verified(home.path(), &history);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(text.matches(": all can be true").count(), 3, "{text}");
}

#[test]
fn stress_keeps_the_evidence_where_its_server_dies() {
    let home = directory();
    let arguments = ["stress", "--requests", "100000000", "--data-dir", "kept"];
    let mut stress = ticketboss(home.path(), &arguments);
    let stress = stress.env("TMPDIR", home.path()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut stress = stress.spawn().unwrap();
    let mut lines = BufReader::new(stress.stdout.take().unwrap()).lines().map(Result::unwrap);
    // From this line on the clients are at work.
    assert!(lines.any(|line| line.starts_with("event stress with 500 of 500")));
    let pid = fs::read_to_string(home.path().join("kept/lock")).unwrap();
    assert!(Command::new("kill").args(["-9", pid.trim()]).status().unwrap().success());
    let kept = lines.find_map(|line| line.strip_prefix("evidence  ").map(str::to_owned)).unwrap();
    assert_eq!(stress.wait().unwrap().code(), Some(1));
    let history = format!("{kept}/history.jsonl");
    let arguments = ["verify", "--data-dir", "kept", "--history", &history, "--whole-history"];
    let verified = run(home.path(), &arguments);
    assert_eq!(verified.status.code(), Some(0), "{}{}", said(&verified), complained(&verified));
    assert!(said(&verified).contains(": all can be true"), "{}", said(&verified));
}

#[test]
fn stress_goes_several_rounds() {
    let home = directory();
    let arguments = ["stress", "--requests", "300", "--rounds", "3", "--capacity", "50"];
    let output = run(home.path(), &arguments);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}{}", complained(&output));
    assert_eq!(text.matches("verdict: good").count(), 3, "{text}");
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("3 rounds: 900 operations, "), "{last}");
    assert!(last.ends_with("; all good"), "{last}");
}

#[test]
fn histories_of_several_runs_are_judged_together() {
    let home = directory();
    let events = r#"[{"eventId":"a","name":"A","totalSeats":50},{"eventId":"b","name":"B","totalSeats":50}]"#;
    fs::write(home.path().join("events.json"), events).unwrap();
    let server =
        Serving::start(home.path(), &["--access-log", "off", "--seed-event", "events.json"]);
    let url = format!("http://{}", server.address);
    let stress = |history: &str, events: &[&str]| {
        let arguments = ["stress", "--url", &url, "--requests", "1000", "--history", history];
        let mut command = ticketboss(home.path(), &[&arguments, events].concat());
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    // One by the seed's routes, one by those of both events.
    let running = [stress("1.jsonl", &[]), stress("2.jsonl", &["--events", "b,a"])];
    for mut run in running {
        run.wait().unwrap();
    }
    server.kill();
    let arguments = ["verify", "--history", "1.jsonl", "--history", "2.jsonl", "--whole-history"];
    let verified = run(home.path(), &arguments);
    assert_eq!(verified.status.code(), Some(0), "{}", said(&verified));
    assert_eq!(said(&verified).matches(": all can be true").count(), 2, "{}", said(&verified));
}

#[tokio::test]
async fn stress_finds_that_its_books_do_not_add_up() {
    let home = directory();
    let server = Serving::start(home.path(), &["--access-log", "off"]);
    let url = format!("http://{}", server.address);
    let arguments = ["stress", "--url", &url, "--clients", "2", "--requests", "4000"];
    let mut stress = ticketboss(home.path(), &arguments);
    let stress = stress.stdout(Stdio::piped()).spawn().unwrap();
    // Somebody else reserves meanwhile: versions that the answers do not account for.
    loop {
        let summary = ask(server.address, &bare("GET /reservations/", &[])).await.json();
        if summary["version"].as_u64().unwrap() > 10 {
            break;
        }
    }
    let body = r#"{"partnerId":"somebody else","seats":1}"#;
    let mut tries = 0;
    while ask(server.address, &json("POST /reservations/", body)).await.status != 201 {
        tries += 1;
        assert!(tries < 100_000, "there was never a seat");
    }
    let output = tokio::task::spawn_blocking(|| stress.wait_with_output().unwrap()).await.unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("BAD   versions are distinct and without a gap"));
    assert!(said(&output).ends_with("verdict: BAD\n"));
}

#[test]
fn stress_says_that_nobody_is_there() {
    let home = directory();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{free}");
    let why = refused(&mut ticketboss(home.path(), &["stress", "--url", &url]));
    assert!(why.starts_with(&format!("ticketboss: cannot connect to {url}: ")), "{why}");
}
