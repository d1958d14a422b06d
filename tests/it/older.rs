//! Data directories that older programs have written, in `tests/older`, named by their day: each is
//! verified, served from, and sold from, and its keys are remembered.
//!
//! Beside the files of a directory stand `changes.json`, what its program answered of the event `r`, and
//! `verified.txt`, what its `verify` counted.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::program::{Serving, run, said};
use crate::wire::{Answer, ask, bare, json};

fn directories() -> Vec<PathBuf> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/older");
    let found = fs::read_dir(all).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    assert!(!found.is_empty());
    found
}

fn copy_of(directory: &Path, home: &Path) -> Value {
    let data = home.join("data/db");
    fs::create_dir_all(&data).unwrap();
    for name in ["conf", "db", "witness"] {
        fs::copy(directory.join(name), data.join(name)).unwrap();
    }
    serde_json::from_slice(&fs::read(directory.join("changes.json")).unwrap()).unwrap()
}

async fn get(server: &Serving, path: &str) -> Answer {
    ask(server.address, &bare(&format!("GET {path}"), &[])).await
}

#[tokio::test]
async fn what_an_older_program_has_written_is_verified_and_served() {
    for directory in directories() {
        let home = tempfile::tempdir().unwrap();
        let told = copy_of(&directory, home.path());
        let verified = run(home.path(), &["verify"]);
        assert!(verified.status.success(), "{verified:?}");
        let counted = fs::read_to_string(directory.join("verified.txt")).unwrap();
        assert!(said(&verified).contains(counted.trim_end()), "{}", said(&verified));

        let server = Serving::start(home.path(), &[]);
        let now = get(&server, "/v1/events/r/changes?limit=17").await.json();
        assert_eq!(now["items"], told["items"]);
        let summary = get(&server, "/reservations/").await.json();
        assert_eq!((&summary["availableSeats"], &summary["version"]), (&497.into(), &2.into()));
        let chosen = "/v1/events/r/reservations/6f1c3e52-0b5c-4c37-9d43-2f6f2d5a1e11";
        assert_eq!(get(&server, chosen).await.json()["partnerId"], "hooli");
    }
}

#[tokio::test]
async fn keys_that_an_older_program_has_taken_are_remembered() {
    for directory in directories() {
        let home = tempfile::tempdir().unwrap();
        let told = copy_of(&directory, home.path());
        let server = Serving::start(home.path(), &[]);
        let body = r#"{"partnerId":"acme","seats":4,"reference":"ORDER-1","metadata":{"row":"A"}}"#;
        let line = "POST /v1/events/r/reservations";
        let with_key = |body: &str| {
            let length = format!("Content-Length: {}", body.len());
            let key = "Idempotency-Key: \"order-1\"";
            bare(line, &["Content-Type: application/json", key, &length]) + body
        };
        let again = ask(server.address, &with_key(body)).await;
        assert_eq!((again.status, again.header("idempotent-replayed")), (201, "true"));
        assert_eq!(again.json()["reservationId"], told["items"][2]["reservationId"]);
        let other = body.replace("ORDER-1", "ORDER-2");
        assert_eq!(ask(server.address, &with_key(&other)).await.status, 422);

        let sold = ask(server.address, &json(line, r#"{"partnerId":"acme","seats":1}"#)).await;
        assert_eq!(sold.status, 201);
        assert!(sold.json()["version"].as_u64() > Some(17));
    }
}
