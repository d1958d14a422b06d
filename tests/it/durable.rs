//! What the system sees of a sale: the data is synced before the answer is sent.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::program::Serving;
use crate::wire::reserve;

#[tokio::test]
#[ignore = "needs strace"]
async fn a_sale_is_synced_before_it_is_answered() {
    let home = tempfile::tempdir().unwrap();
    let server = Serving::start(home.path(), &["--access-log", "off"]);
    let trace = home.path().join("trace");
    let calls = "trace=fdatasync,fsync,sync_file_range,sendto,write,writev";
    let mut strace = Command::new("strace")
        .args(["-f", "-s", "32", "-e", calls, "-o"])
        .arg(&trace)
        .args(["-p", &server.pid().to_string()])
        .stderr(Stdio::piped())
        .spawn()
        .expect("strace is installed");
    let mut attached = BufReader::new(strace.stderr.take().unwrap());
    let mut line = String::new();
    attached.read_line(&mut line).unwrap();
    assert!(line.contains("attached"), "{line}");
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
