//! A server whose disk is full says so, and can still be read.

use crate::program::{Serving, complained, run};
use crate::wire::{ask, bare, reserve};

mod program;

#[tokio::test]
async fn without_room_the_server_is_not_ready_and_can_still_be_read() {
    let home = tempfile::tempdir().unwrap();
    let server = Serving::start(home.path(), &["--access-log", "off"]);
    let get = |path: &str| bare(&format!("GET {path}"), &[]);
    assert_eq!(ask(server.address, &get("/readyz")).await.status, 200);
    assert_eq!(reserve(server.address, "p", 1).await.status, 201);
    server.stop();
    // No disk has a petabyte free.
    let without_room = ["--access-log", "off", "--disk-free-mib-min", "1000000000"];
    let server = Serving::start(home.path(), &without_room);
    for _ in 0..2 {
        let ready = ask(server.address, &get("/readyz")).await;
        assert_eq!(ready.problem(), "503 storage_full: Storage is full");
        assert_eq!(ready.header("retry-after"), "1");
        let refused = reserve(server.address, "p", 1).await;
        assert_eq!(refused.problem(), "503 storage_full: Storage is full");
    }
    assert_eq!(ask(server.address, &get("/healthz")).await.status, 200);
    let summary = ask(server.address, &get("/reservations/")).await.json();
    assert_eq!(summary["availableSeats"], 499);
    // Nothing can be created without room, and that is said.
    let elsewhere = [&without_room[..], &["--listen", "127.0.0.1:0", "--data-dir", "new"]].concat();
    let refused = run(home.path(), &elsewhere);
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(complained(&refused), "ticketboss: the disk is nearly full\n");
}
