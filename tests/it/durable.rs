//! What the system sees of a sale: the data is synced before the answer is sent; and what it leaves
//! of a start that ends too early.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::program::Serving;
use crate::wire::{Connection, ask, bare, reserve};

/// Watches a process with strace, from the moment that this returns.
fn strace(pid: u32, trace: &Path, arguments: &[&str]) -> Child {
    let mut strace = Command::new("strace")
        .args(["-f", "-s", "32", "-o"])
        .arg(trace)
        .args(arguments)
        .args(["-p", &pid.to_string()])
        .stderr(Stdio::piped())
        .spawn()
        .expect("strace is installed");
    let mut attached = BufReader::new(strace.stderr.take().unwrap());
    let mut line = String::new();
    attached.read_line(&mut line).unwrap();
    assert!(line.contains("attached"), "{line}");
    // It says so of each new thread, too, and ends if nobody listens.
    std::thread::spawn(move || std::io::copy(&mut attached, &mut std::io::sink()));
    strace
}

#[tokio::test]
#[ignore = "needs strace"]
async fn a_sale_is_synced_before_it_is_answered() {
    let home = tempfile::tempdir().unwrap();
    let server = Serving::start(home.path(), &["--access-log", "off"]);
    let trace = home.path().join("trace");
    let calls = "trace=fdatasync,fsync,sync_file_range,sendto,write,writev";
    let mut strace = strace(server.pid(), &trace, &["-e", calls]);
    for _ in 0..10 {
        assert_eq!(reserve(server.address, "p", 1).await.status, 201);
    }
    server.stop();
    strace.wait().unwrap();
    let trace = std::fs::read_to_string(trace).unwrap();
    let mut synced_since_last_answer = false;
    let mut answers = 0;
    for line in trace.lines() {
        // A call that another thread interrupted in the listing is told in two lines.
        let synced = line.contains("fdatasync(") || line.contains("fdatasync resumed");
        synced_since_last_answer |= synced && line.ends_with("= 0");
        if line.contains("HTTP/1.1 201 Created") {
            assert!(synced_since_last_answer, "answered before the sync:\n{trace}");
            synced_since_last_answer = false;
            answers += 1;
        }
    }
    assert_eq!(answers, 10, "{trace}");
}

/// A sale waits for the disk; whoever looks at its event meanwhile does not.
#[tokio::test]
#[ignore = "needs strace"]
async fn reads_do_not_wait_for_a_sale_that_waits_for_the_disk() {
    let home = tempfile::tempdir().unwrap();
    let server = Serving::start(home.path(), &["--access-log", "off"]);
    let sold = reserve(server.address, "p", 1).await.json();
    let id = sold["reservationId"].as_str().unwrap();
    // So long does one sync take that the reads are done before even on a slow machine.
    let inject = ["-e", "trace=fdatasync", "-e", "inject=fdatasync:delay_enter=10000000"];
    let mut strace = strace(server.pid(), &home.path().join("trace"), &inject);
    let address = server.address;
    let sale = tokio::spawn(async move { reserve(address, "q", 2).await });
    let (event, mut connection) = ("/v1/events/node-meetup-2025", Connection::open(address).await);
    let paths = [
        "/reservations/".to_owned(),
        event.to_owned(),
        format!("{event}/reservations"),
        format!("{event}/reservations/{id}"),
        format!("{event}/changes"),
        format!("{event}/statistics"),
        format!("{event}/ledger/head"),
    ];
    for _ in 0..30 {
        for path in &paths {
            let answer = connection.ask(&bare(&format!("GET {path}"), &[])).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        }
    }
    assert!(!sale.is_finished(), "the reads have waited for the sale");
    let summary = connection.ask(&bare("GET /reservations/", &[])).await.json();
    assert_eq!((&summary["availableSeats"], &summary["version"]), (&499.into(), &2.into()));
    assert_eq!(sale.await.unwrap().status, 201);
    server.stop();
    strace.wait().unwrap();
}

#[tokio::test]
#[ignore = "needs strace"]
async fn a_disk_that_does_not_take_the_data_ends_the_process_and_loses_nothing() {
    let home = tempfile::tempdir().unwrap();
    let server = Serving::start(home.path(), &["--access-log", "off"]);
    assert_eq!(reserve(server.address, "acknowledged", 3).await.status, 201);
    let inject = ["-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO"];
    let mut strace = strace(server.pid(), &home.path().join("trace"), &inject);
    let answer = reserve(server.address, "not acknowledged", 1).await;
    assert_eq!(answer.problem(), "503 unavailable: Service unavailable");
    assert_eq!(server.wait().code(), Some(1));
    strace.wait().unwrap();
    let server = Serving::start(home.path(), &["--access-log", "off"]);
    let summary = ask(server.address, &bare("GET /reservations/", &[])).await.json();
    // What was not acknowledged may have happened or not; what was, has.
    let seats = summary["availableSeats"].as_u64().unwrap();
    assert!([497, 496].contains(&seats), "{summary}");
    assert_eq!(reserve(server.address, "again", 1).await.status, 201);
}

#[tokio::test]
async fn a_start_that_was_killed_before_there_was_a_database_is_made_up_for() {
    let home = tempfile::tempdir().unwrap();
    Serving::start(home.path(), &["--access-log", "off"]).kill();
    let settings = std::fs::read(home.path().join("data/db/conf")).unwrap();
    // sled writes its settings in two parts before it makes its log; a kill can leave any part.
    for written in [0, 1, settings.len() - 4, settings.len()] {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("data/db");
        std::fs::create_dir_all(directory.join("blobs")).unwrap();
        std::fs::write(directory.join("conf"), &settings[..written]).unwrap();
        let server = Serving::start(home.path(), &["--access-log", "off"]);
        assert_eq!(reserve(server.address, "p", 1).await.status, 201);
        server.stop();
        assert_eq!(std::fs::read(directory.join("conf")).unwrap(), settings);
    }
}
