//! What proves the past: the head of a ledger, its pages, and `ticketboss check-proof`, which believes none
//! of it.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use ticketboss_core::domain::{Actor, RequestId};
use ticketboss_engine::Engine;
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_store::Store;
use ticketboss_store::local::memory::MemoryStore;

use crate::cli::refused;
use crate::program::{run, said, ticketboss};
use crate::support::{event_id, new_directory, partner, terms};
use crate::wire::{Server, ask, bare, standard_limits};

async fn serve() -> (Server, Engine) {
    let store = Store::Memory(MemoryStore::default());
    let engine = Engine::open(store, Clock::steady(), Entropy::System).await.unwrap();
    let created = engine.create_event(terms("a", 100_000), Actor::System, RequestId::NOBODY);
    created.await.unwrap();
    (Server::of_engine(engine.clone(), standard_limits()).await, engine)
}

/// So many sales, each with a page of its own.
async fn sell(engine: &Engine, times: usize) {
    for _ in 0..times {
        engine.reserve(&event_id("a"), partner("acme"), 1, RequestId(7)).await.unwrap();
    }
}

async fn get(address: SocketAddr, path: &str) -> Value {
    let answer = ask(address, &bare(&format!("GET /v1/events/a{path}"), &[])).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// The whole proof, answer by answer.
async fn answers(address: SocketAddr, path: &str) -> Vec<Value> {
    let mut answers = vec![get(address, path).await];
    while let Some(next) = answers.last().unwrap()["next"].as_str() {
        let next = get(address, next.strip_prefix("/v1/events/a").unwrap()).await;
        answers.push(next);
    }
    answers
}

fn write(directory: &Path, name: &str, answer: &Value) {
    fs::write(directory.join(name), answer.to_string()).unwrap();
}

#[tokio::test]
async fn a_proof_holds_and_joins_what_was_pinned() {
    let (server, engine) = serve().await;
    let address = server.address;
    sell(&engine, 3).await;
    let pinned = get(address, "/ledger/head").await;
    assert_eq!((&pinned["eventId"], &pinned["version"]), (&json!("a"), &json!(4)));
    let digest = pinned["digest"].as_str().unwrap();
    assert_eq!(digest.len(), 64);
    let unchanged = bare("GET /v1/events/a/ledger/head", &["If-None-Match: \"4\""]);
    assert_eq!(ask(address, &unchanged).await.status, 304);

    let home = new_directory();
    write(home.path(), "all.json", &get(address, "/proof").await);
    let told = said(&run(home.path(), &["check-proof", "all.json"]));
    assert_eq!(
        told,
        format!(
            "event a, versions 1 to 4: 4 pages, each whole and naming the one before it\n\
             digest {digest}\n\
             every change follows from those before it; 99997 of 100000 seats are available\n"
        )
    );
    // What came later begins with what was pinned, and with nothing else.
    sell(&engine, 2).await;
    write(home.path(), "later.json", &get(address, "/proof?from=5").await);
    let output = run(home.path(), &["check-proof", "later.json", "--pinned", digest]);
    let newest = get(address, "/ledger/head").await["digest"].as_str().unwrap().to_owned();
    let expected = "event a, versions 5 to 6: 2 pages, each whole and naming the one before it";
    assert_eq!(said(&output), format!("{expected}\ndigest {newest}\n"));
    let other = ["check-proof", "later.json", "--pinned", &newest];
    let told = refused(&mut ticketboss(home.path(), &other));
    let expected = format!("comes after {digest}, and not after {newest}");
    assert!(told.ends_with(&expected), "{told}");
}

#[tokio::test]
async fn a_long_proof_comes_in_parts() {
    let (server, engine) = serve().await;
    sell(&engine, 100).await;
    let parts = answers(server.address, "/proof?from=2&to=90").await;
    assert_eq!(parts.len(), 3);
    let home = new_directory();
    let names = ["1.json", "2.json", "3.json"];
    names.iter().zip(&parts).for_each(|(name, part)| write(home.path(), name, part));
    let told = said(&run(home.path(), &[&["check-proof"], &names[..]].concat()));
    assert!(told.starts_with("event a, versions 2 to 90: 89 pages, each whole"), "{told}");
    // The id of the event is in the first page alone, and whatever is pinned stands for that.
    assert!(told.ends_with("whose pages these are is only told\n"), "{told}");
    // One that is left out is missed.
    let told = refused(&mut ticketboss(home.path(), &["check-proof", "1.json", "3.json"]));
    assert!(told.contains("the page of version 66 comes after"), "{told}");
}

#[tokio::test]
async fn what_was_changed_is_no_proof() {
    let (server, engine) = serve().await;
    sell(&engine, 2).await;
    let proof = get(server.address, "/proof").await;
    let home = new_directory();
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut proof = proof.clone();
        change(&mut proof);
        write(home.path(), "proof.json", &proof);
        refused(&mut ticketboss(home.path(), &["check-proof", "proof.json"]))
    };
    let flipped = |proof: &mut Value| {
        let mut bytes = STANDARD.decode(proof["pages"][1]["bytes"].as_str().unwrap()).unwrap();
        bytes[60] ^= 1;
        proof["pages"][1]["bytes"] = STANDARD.encode(bytes).into();
    };
    for (change, expected) in [
        (&flipped as &dyn Fn(&mut Value), "the checksum does not match"),
        (&|proof| proof["pages"][2]["lastVersion"] = json!(4), "is not what is told of it"),
        (&|proof| proof["pages"][0]["digest"] = json!("00"), "is not what is told of it"),
        (&|proof| proof["eventNumber"] = json!(2), "is not what is told of it"),
        (&|proof| drop(proof["pages"].as_array_mut().unwrap().remove(1)), "comes after"),
        (&|proof| proof["pages"] = json!([]), "there is no page"),
        (&|proof| proof["pages"] = json!(7), "invalid type"),
        (&|proof| proof["eventId"] = json!("b"), "the ledger is of event a"),
    ] {
        let told = changed(change);
        assert!(told.contains(expected), "{told}");
    }
}

#[tokio::test]
async fn what_is_not_there_cannot_be_proven() {
    let (server, _) = serve().await;
    for (path, expected) in [
        ("/a/proof?from=0", "404 version_not_found: Version not found"),
        ("/a/proof?to=2", "404 version_not_found: Version not found"),
        ("/a/proof?from=x", "400 invalid_request: Invalid request"),
        ("/b/proof", "404 event_not_found: Event not found"),
        ("/b/ledger/head", "404 event_not_found: Event not found"),
    ] {
        let answer = ask(server.address, &bare(&format!("GET /v1/events{path}"), &[])).await;
        assert_eq!(answer.problem(), expected, "{path}");
    }
}
