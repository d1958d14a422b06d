//! The command line, with the real program on real files.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::program::{Serving, complained, run, said, ticketboss, wait_for_line};
use crate::raw::damage;
use crate::wire::{Connection, ask, bare, json, reserve};

pub(crate) fn directory() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// The names in a directory, in order.
fn names(directory: &Path) -> Vec<String> {
    let names = fs::read_dir(directory).unwrap();
    let mut names =
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>();
    names.sort();
    names
}

/// Runs a command that must not do anything: it says one line, and exits with 1.
pub(crate) fn refused(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let complaint = complained(&output);
    assert_eq!(output.status.code(), Some(1), "{complaint}");
    assert_eq!(said(&output), "");
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
    complaint.trim_end().to_owned()
}

#[tokio::test]
async fn the_first_start_says_what_there_is() {
    let home = directory();
    let server = Serving::start(home.path(), &[]);
    let address = server.address;
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        server.introduction.join("\n"),
        format!(
            "TicketBoss {version}\n  \
               data       data/db (new)\n  \
               event      node-meetup-2025, Node.js Tech Meet-up: 500 of 500 seats available, version 1\n  \
               dashboard  http://{address}/\n  \
               API        http://{address}/reservations/\n  \
               stop       Ctrl-C"
        )
    );
    assert_eq!(names(home.path()), ["data", "logs"]);
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_kill() {
    let home = directory();
    let server = Serving::start(home.path(), &[]);
    let reserved = reserve(server.address, "abc-corp", 7).await;
    assert_eq!(reserved.status, 201);
    server.kill();
    let server = Serving::start(home.path(), &[]);
    assert!(server.introduction[1].ends_with("data/db"), "{:?}", server.introduction);
    let summary = ask(server.address, &bare("GET /reservations/", &[])).await.json();
    assert_eq!((&summary["availableSeats"], &summary["version"]), (&493.into(), &2.into()));
    let id = reserved.json()["reservationId"].as_str().unwrap().to_owned();
    let cancel = bare(&format!("DELETE /reservations/{id}"), &[]);
    assert_eq!(ask(server.address, &cancel).await.status, 204);
    server.kill();
    let verified = run(home.path(), &["verify"]);
    assert_eq!(verified.status.code(), Some(0), "{}", complained(&verified));
    let first = said(&verified).lines().next().unwrap().to_owned();
    assert_eq!(
        first,
        "good     node-meetup-2025: 3 changes in 3 pages; \
         500 available + 0 held + 0 confirmed + 0 blocked = 500 seats"
    );
}

#[tokio::test]
async fn a_stop_is_orderly_and_in_time() {
    let home = directory();
    let server = Serving::start(home.path(), &[]);
    let unused = tokio::net::TcpStream::connect(server.address).await.unwrap();
    assert_eq!(reserve(server.address, "p", 1).await.status, 201);
    let (code, took) = server.stop();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(10), "{took:?}");
    drop(unused);
}

#[tokio::test]
async fn a_log_that_nobody_reads_does_not_hold_up_the_end() {
    let home = directory();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--access-log", "off"];
    let server = Serving::spawn_unread(&mut ticketboss(home.path(), &arguments));
    let mut connection = Connection::open(server.address).await;
    // Each of them is a line of some hundred bytes, and a pipe takes 64 KiB.
    for number in 0..450 {
        let body = format!(r#"{{"partnerId":"{number} {}","seats":1}}"#, "p".repeat(100));
        let answer = connection.ask(&json("POST /reservations/", &body)).await;
        assert!([201, 409].contains(&answer.status));
    }
    let (code, took) = server.stop();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn a_port_that_is_taken_leaves_nothing_behind() {
    let home = directory();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let why = refused(&mut ticketboss(home.path(), &["--listen", &address]));
    assert!(why.starts_with(&format!("ticketboss: cannot listen on {address}: ")), "{why}");
    assert!(why.ends_with("--listen 127.0.0.1:0 picks a free port"), "{why}");
    assert!(names(home.path()).is_empty());
}

#[test]
fn a_directory_that_cannot_be_used_leaves_nothing_behind() {
    let home = directory();
    fs::write(home.path().join("file"), "").unwrap();
    let arguments = ["--listen", "127.0.0.1:0", "--data-dir", "file/db"];
    let why = refused(&mut ticketboss(home.path(), &arguments));
    assert!(why.starts_with("ticketboss: the data directory file/db cannot be used: "), "{why}");
    assert_eq!(names(home.path()), ["file"]);
}

#[test]
fn a_database_in_use_names_its_holder() {
    let home = directory();
    let server = Serving::start(home.path(), &["--access-log", "off"]);
    let expected =
        format!("ticketboss: the data directory data/db is in use by process {}", server.pid());
    let mut second = ticketboss(home.path(), &["--listen", "127.0.0.1:0"]);
    assert_eq!(refused(&mut second), expected);
    assert_eq!(refused(&mut ticketboss(home.path(), &["verify"])), expected);
    assert_eq!(names(home.path()), ["data"]);
}

#[test]
fn a_setting_that_nobody_knows_is_an_error_everywhere() {
    let home = directory();
    let serve = || ticketboss(home.path(), &["--listen", "127.0.0.1:0"]);
    let why = refused(serve().env("TICKETBOSS_DATADIR", "x"));
    assert_eq!(why, "ticketboss: environment: TICKETBOSS_DATADIR is not a setting");
    fs::write(home.path().join(".env"), "TICKETBOSS_LISTENS=x\n").unwrap();
    let why = refused(&mut serve());
    assert_eq!(why, "ticketboss: .env: TICKETBOSS_LISTENS is not a setting");
    fs::remove_file(home.path().join(".env")).unwrap();
    fs::write(home.path().join("ticketboss.toml"), "data_dri = \"x\"\n").unwrap();
    let output = serve().output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(complained(&output).contains("unknown field `data_dri`"), "{}", complained(&output));
    fs::remove_file(home.path().join("ticketboss.toml")).unwrap();
    let output = run(home.path(), &["--data-dri", "x"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(names(home.path()).is_empty());
}

#[test]
fn settings_come_from_flag_environment_dotenv_and_file_in_this_order() {
    let home = directory();
    fs::write(home.path().join("ticketboss.toml"), "data_dir = 'from-file'\naccess_log = 'off'\n")
        .unwrap();
    let serve = |arguments: &[&str], environment: &[(&str, &str)]| {
        let mut command = ticketboss(home.path(), arguments);
        let server = Serving::spawn(command.envs(environment.iter().copied()));
        (server.introduction[1].clone(), server.address)
    };
    // The seed's PORT, which 0 makes free, and what the seed's own .env had besides.
    fs::write(home.path().join(".env"), "PORT=0\nMONGO_URI=mongodb://127.0.0.1\n").unwrap();
    assert_eq!(serve(&[], &[]).0, "  data       from-file (new)");
    fs::write(home.path().join(".env"), "PORT=0\nTICKETBOSS_DATA_DIR='from dotenv'\n").unwrap();
    assert_eq!(serve(&[], &[]).0, "  data       from dotenv (new)");
    let environment = [("TICKETBOSS_DATA_DIR", "from-env"), ("TICKETBOSS_LISTEN", "127.0.0.2:0")];
    let (data, address) = serve(&[], &environment);
    assert_eq!(data, "  data       from-env (new)");
    assert_eq!(address.ip().to_string(), "127.0.0.2");
    let flags = ["--data-dir", "from-flag", "--listen", "127.0.0.1:0"];
    let (data, address) = serve(&flags, &environment);
    assert_eq!(data, "  data       from-flag (new)");
    assert_eq!(address.ip().to_string(), "127.0.0.1");
}

#[tokio::test]
async fn another_first_event_can_be_given() {
    let home = directory();
    let event = r#"{"eventId":"gala","name":"Gala","totalSeats":12,"seatsPerRequestMax":4}"#;
    fs::write(home.path().join("gala.json"), event).unwrap();
    let server = Serving::start(home.path(), &["--seed-event", "gala.json"]);
    let summary = ask(server.address, &bare("GET /reservations/", &[])).await.json();
    assert_eq!((&summary["eventId"], &summary["totalSeats"]), (&"gala".into(), &12.into()));
    assert_eq!(reserve(server.address, "p", 5).await.status, 400);
    server.kill();
    // Without the file, the next start changes nothing.
    let server = Serving::start(home.path(), &[]);
    let summary = ask(server.address, &bare("GET /reservations/", &[])).await.json();
    assert_eq!(summary["eventId"], "gala");
    drop(server);
    let why = refused(&mut ticketboss(
        home.path(),
        &["--listen", "127.0.0.1:0", "--seed-event", "none.json", "--data-dir", "other"],
    ));
    assert!(why.starts_with("ticketboss: cannot read none.json: "), "{why}");
    assert!(!home.path().join("other").exists());
    // Found by fuzzing: a complaint that quotes the file was of two lines.
    let event = r#"{"eventId":"e","name":"n","totalSeats":1,"a\nb":1}"#;
    fs::write(home.path().join("two-lines.json"), event).unwrap();
    let why = refused(&mut ticketboss(home.path(), &["--seed-event", "two-lines.json"]));
    assert!(why.contains(r"unknown field `a\nb`"), "{why}");
}

#[tokio::test]
async fn several_first_events_can_be_given_and_missing_ones_are_created() {
    let home = directory();
    let event = |id: &str, seats: u32| serde_json::json!({ "eventId": id, "name": "An event", "totalSeats": seats });
    let start = |events: &[serde_json::Value]| {
        let text = serde_json::Value::from(events).to_string();
        fs::write(home.path().join("events.json"), text).unwrap();
        Serving::start(home.path(), &["--seed-event", "events.json"])
    };
    // As if the first start had been killed before it came to the others.
    let server = start(&[event("b", 20)]);
    assert_eq!(reserve(server.address, "p", 2).await.status, 201);
    server.kill();
    let server = start(&[event("a", 10), event("b", 99), event("c", 30)]);
    assert!(
        server.introduction[2].contains(" b, An event: 18 of 20 "),
        "{:?}",
        server.introduction
    );
    assert_eq!(server.introduction[3], "  others     2, at /v1/events/{eventId}");
    for (id, seats) in [("a", 10), ("b", 18), ("c", 30)] {
        let summary = ask(server.address, &bare(&format!("GET /v1/events/{id}"), &[])).await;
        assert_eq!(summary.json()["availableSeats"], seats, "{id}");
    }
}

#[tokio::test]
async fn an_event_that_has_lost_its_record_is_not_begun_anew() {
    let home = directory();
    let events =
        r#"[{"eventId":"a","name":"A","totalSeats":1},{"eventId":"b","name":"B","totalSeats":1}]"#;
    fs::write(home.path().join("events.json"), events).unwrap();
    let arguments = ["--seed-event", "events.json"];
    let server = Serving::start(home.path(), &arguments);
    let of_b = json("POST /v1/events/b/reservations", r#"{"partnerId":"p","seats":1}"#);
    assert_eq!(ask(server.address, &of_b).await.status, 201);
    server.kill();
    // Not even a witness is left of it.
    fs::remove_file(home.path().join("data/db/witness")).unwrap();
    damage(&home.path().join("data/db"), |raw| {
        assert!(raw.events.remove("b").unwrap().is_some());
    });
    let server = Serving::start(home.path(), &arguments);
    let found = ask(server.address, &bare("GET /v1/events/b", &[])).await;
    assert_eq!(found.problem(), "404 event_not_found: Event not found");
}

#[tokio::test]
async fn the_access_log_is_in_combined_format_and_reopened_on_hangup() {
    let home = directory();
    let server = Serving::start(home.path(), &["--access-log", "logs/a.log"]);
    let log = home.path().join("logs/a.log");
    let headers = ["Referer: http://x/\"y", "User-Agent: test/1"];
    ask(server.address, &bare("GET /first?a=b", &headers)).await;
    let line = wait_for_line(&log, "/first");
    let (before, after) = line.split_once(" +0000] ").unwrap();
    assert!(before.starts_with("127.0.0.1 - - ["), "{line}");
    let (fields, micros) = after.rsplit_once(' ').unwrap();
    let bytes = fields.split(' ').nth(4).unwrap();
    assert_eq!(fields, format!(r#""GET /first?a=b HTTP/1.1" 404 {bytes} "http://x/\"y" "test/1""#));
    assert!(bytes.parse::<u64>().unwrap() > 0 && micros.parse::<u64>().is_ok(), "{line}");
    fs::rename(&log, home.path().join("logs/a.log.1")).unwrap();
    server.signal("HUP");
    let mut tries = 0;
    // The signal is taken some time later: only what follows it is in the new file.
    while !log.exists() {
        ask(server.address, &bare("GET /between", &[])).await;
        tries += 1;
        assert!(tries < 10_000, "the log was not reopened");
    }
    ask(server.address, &bare("GET /second", &[])).await;
    wait_for_line(&log, "/second");
    assert!(!fs::read_to_string(home.path().join("logs/a.log.1")).unwrap().contains("/second"));
}

#[tokio::test]
async fn verify_names_the_first_fault() {
    let home = directory();
    let server = Serving::start(home.path(), &[]);
    for _ in 0..3 {
        assert_eq!(reserve(server.address, "p", 1).await.status, 201);
    }
    server.kill();
    damage(&home.path().join("data/db"), |raw| {
        let (key, mut page) = raw.ledger.iter().nth(2).unwrap().unwrap();
        page[40] ^= 1;
        raw.ledger.insert(key, page).unwrap();
    });
    let verified = run(home.path(), &["verify"]);
    assert_eq!(verified.status.code(), Some(1));
    let damaged = "event node-meetup-2025 is damaged at version 3: \
                   a ledger page cannot be read: the checksum does not match";
    let first = said(&verified).lines().next().unwrap().to_owned();
    assert_eq!(first, format!("DAMAGED  {damaged}"));
    // The server starts, says so, and refuses that event alone.
    let server = Serving::start(home.path(), &[]);
    for answer in [
        reserve(server.address, "p", 1).await,
        ask(server.address, &bare("GET /reservations/", &[])).await,
    ] {
        assert_eq!(answer.problem(), "503 event_damaged: Event is damaged");
    }
    let ready = ask(server.address, &bare("GET /readyz", &[])).await;
    assert_eq!(ready.text(), r#"{"status":"ready","damagedEvents":["node-meetup-2025"]}"#);
}

#[test]
fn what_a_killed_verify_has_left_is_removed() {
    let home = directory();
    Serving::start(home.path(), &["--access-log", "off"]).kill();
    let kept = names(&home.path().join("data/db"));
    let copy = home.path().join("data/db/inspected");
    let leave = || {
        fs::create_dir_all(copy.join("blobs")).unwrap();
        fs::write(copy.join("db"), "half").unwrap();
    };
    leave();
    let verified = run(home.path(), &["verify"]);
    assert_eq!(verified.status.code(), Some(0), "{}", complained(&verified));
    assert_eq!(names(&home.path().join("data/db")), kept);
    leave();
    Serving::start(home.path(), &["--access-log", "off"]).kill();
    assert!(!copy.exists());
    assert_eq!(names(home.path()), ["data"]);
    assert_eq!(names(&home.path().join("data")), ["db"]);
}

#[test]
fn verify_says_that_there_is_nothing() {
    let home = directory();
    let why = refused(&mut ticketboss(home.path(), &["verify", "--data-dir", "nowhere"]));
    assert_eq!(why, "ticketboss: there is no database in nowhere");
    assert!(names(home.path()).is_empty());
}

#[test]
fn help_shows_examples_and_where_settings_come_from() {
    let home = directory();
    let help = said(&run(home.path(), &["--help"]));
    for expected in ["Examples:", "ticketboss stress", "TICKETBOSS_DATA_DIR", "127.0.0.1:8000"] {
        assert!(help.contains(expected), "{expected} is missing in {help}");
    }
    let version = said(&run(home.path(), &["--version"]));
    assert_eq!(version, format!("ticketboss {}\n", env!("CARGO_PKG_VERSION")));
}
