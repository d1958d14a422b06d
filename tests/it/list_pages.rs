//! Long lists come in parts, bounded in items and in bytes, and what is known already is not sent again.

use std::net::SocketAddr;

use serde_json::Value;
use ticketboss_core::domain::{Actor, RequestId};
use ticketboss_engine::Engine;
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_store::Store;
use ticketboss_store::local::memory::MemoryStore;

use crate::support::terms;
use crate::wire::{Answer, Server, ask, bare, standard_limits};

/// 2026-01-01T00:00:00Z.
const BEGIN_MS: i64 = 1_767_225_600_000;
/// What a part has at most, and the longest item of a list.
const PART_BYTES_MAX: usize = 64 * 1024 + 16 * 1024;

async fn server() -> (SocketAddr, Clock) {
    let (store, clock) = (Store::Memory(MemoryStore::default()), Clock::manual(BEGIN_MS));
    let engine = Engine::open(store, clock.clone(), Entropy::System).await.unwrap();
    engine.create_event(terms("a", 1_000), Actor::System, RequestId::NOBODY).await.unwrap();
    (Server::of_engine(engine, standard_limits()).await.address, clock)
}

async fn post(address: SocketAddr, path: &str, body: &str) -> Answer {
    let length = format!("Content-Length: {}", body.len());
    // Only who changes an event is asked for If-Match.
    let headers = ["Content-Type: application/json", "If-Match: *", &length];
    let answer = ask(address, &(bare(&format!("POST /v1/events{path}"), &headers) + body)).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer
}

async fn get(address: SocketAddr, path: &str, headers: &[&str]) -> Answer {
    ask(address, &bare(&format!("GET {path}"), headers)).await
}

/// The items of a whole list, and how many parts it came in.
async fn whole(address: SocketAddr, path: &str) -> (Vec<Value>, usize) {
    let (mut path, mut items, mut parts) = (path.to_owned(), Vec::new(), 0);
    loop {
        let part = get(address, &path, &[]).await;
        assert_eq!(part.status, 200, "{path}: {}", part.text());
        assert!(part.text().len() < PART_BYTES_MAX, "{path} has {} bytes", part.text().len());
        let part = part.json();
        let (list, more) = match part.get("items") {
            Some(list) => (list, part.get("next")),
            None => (&part["pages"], part.get("next")),
        };
        items.extend(list.as_array().unwrap().iter().cloned());
        parts += 1;
        let Some(next) = more.and_then(Value::as_str) else { return (items, parts) };
        next.clone_into(&mut path);
    }
}

/// A reservation with as much of its partner's as there may be.
fn heavy() -> String {
    let entries =
        (0..10).map(|place| format!(r#""{place}{}":"{}""#, "k".repeat(39), "ü".repeat(100)));
    let metadata = entries.collect::<Vec<_>>().join(",");
    format!(r#"{{"partnerId":"acme","seats":1,"metadata":{{{metadata}}}}}"#)
}

#[tokio::test]
async fn no_part_of_a_list_is_long() {
    let (address, _) = server().await;
    let description = "ü".repeat(1_000);
    for number in 0..60 {
        post(address, "/a/reservations", &heavy()).await;
        let reason = "r".repeat(200);
        post(address, "/a/blocks", &format!(r#"{{"seats":1,"reason":"{reason}"}}"#)).await;
        let event = format!(
            r#"{{"eventId":"e{number}","name":"E","totalSeats":1,"description":"{description}"}}"#
        );
        post(address, "", &event).await;
    }
    for (path, id, items_expected, parts_min) in [
        ("/v1/events/a/reservations?limit=200", "reservationId", 60, 3),
        ("/v1/events/a/reservations?limit=200&atVersion=101", "reservationId", 50, 2),
        ("/v1/events?limit=200", "eventId", 61, 2),
        ("/v1/events/a/blocks?limit=50", "blockId", 60, 2),
        ("/v1/events/a/blocks?limit=200&atVersion=101", "blockId", 50, 1),
        ("/v1/events/a/changes?limit=200&since=0", "version", 121, 1),
    ] {
        let (items, parts) = whole(address, path).await;
        let mut ids = items.iter().map(|item| item[id].to_string()).collect::<Vec<_>>();
        ids.dedup();
        assert_eq!((items.len(), ids.len()), (items_expected, items_expected), "{path}");
        assert!(parts >= parts_min, "{path} came in {parts} parts");
    }
    let (pages, parts) = whole(address, "/v1/events/a/proof").await;
    assert!(parts > 2, "{parts}");
    let versions =
        |page: &Value| [&page["firstVersion"], &page["lastVersion"]].map(|v| v.as_u64().unwrap());
    assert_eq!(versions(&pages[0])[0], 1);
    assert!(pages.windows(2).all(|pair| versions(&pair[0])[1] + 1 == versions(&pair[1])[0]));
    assert_eq!(versions(pages.last().unwrap())[1], 121);
}

#[tokio::test]
async fn a_list_is_told_as_it_was() {
    let (address, _) = server().await;
    let made = post(address, "/a/reservations", r#"{"partnerId":"acme","seats":3}"#).await.json();
    post(address, "/a/blocks", r#"{"seats":2,"reason":"A camera"}"#).await;
    let id = made["reservationId"].as_str().unwrap();
    for line in [
        format!("DELETE /v1/events/a/reservations/{id}"),
        "DELETE /v1/events/a/blocks/3".to_owned(),
    ] {
        assert_eq!(ask(address, &bare(&line, &["If-Match: *"])).await.status, 204);
    }
    for (path, then, now) in [("reservations", "confirmed", "cancelled")] {
        let told = async |query: &str| {
            let list = get(address, &format!("/v1/events/a/{path}{query}"), &[]).await.json();
            list["items"][0]["status"].clone()
        };
        assert_eq!((told("?atVersion=3").await, told("").await), (then.into(), now.into()));
        assert_eq!(told("?atVersion=1").await, Value::Null);
        assert_eq!(told("?atVersion=3&status=confirmed").await, then);
        assert_eq!(told("?atVersion=4&status=confirmed").await, Value::Null);
    }
    for (query, count) in [("", 0), ("?atVersion=2", 0), ("?atVersion=3", 1), ("?atVersion=4", 1)] {
        let list = get(address, &format!("/v1/events/a/blocks{query}"), &[]).await.json();
        assert_eq!(list["items"].as_array().unwrap().len(), count, "{query}");
    }
    for list in ["reservations", "blocks"] {
        for version in [0, 6] {
            let path = format!("/v1/events/a/{list}?atVersion={version}");
            let problem = get(address, &path, &["If-None-Match: *"]).await.problem();
            assert_eq!(problem, "404 version_not_found: Version not found", "{path}");
        }
        let unknown = get(address, &format!("/v1/events/a/{list}?sort=asc"), &[]).await.problem();
        assert_eq!(unknown, "400 invalid_request: Invalid request");
    }
    let blank = get(address, "/v1/events/a/reservations?partnerId=", &[]).await;
    assert_eq!(blank.json()["errors"][0]["detail"], "must not be blank");
    let backwards = get(address, "/v1/events/a/proof?from=3&to=2", &[]).await;
    assert_eq!(backwards.json()["errors"][0]["detail"], "must not be less than `from`");
}

#[tokio::test]
async fn what_is_known_is_not_sent_again() {
    let (address, _) = server().await;
    post(address, "/a/reservations", r#"{"partnerId":"acme","seats":3}"#).await;
    let paths = ["reservations", "blocks", "proof", "ledger/head", "statistics", "changes"];
    let statuses = async |tag: &str| {
        let header = format!("If-None-Match: {tag}");
        let mut statuses = Vec::new();
        for path in paths {
            statuses.push(get(address, &format!("/v1/events/a/{path}"), &[&header]).await.status);
        }
        statuses
    };
    assert_eq!(statuses("\"2\"").await, [304; 6]);
    assert_eq!(statuses("\"1\"").await, [200; 6]);
    // What is held has less time left each time it is looked at.
    post(address, "/a/reservations", r#"{"partnerId":"acme","seats":3,"hold":60}"#).await;
    assert_eq!(statuses("\"3\"").await, [200, 304, 304, 304, 304, 304]);
    let sold =
        get(address, "/v1/events/a/reservations?status=confirmed", &["If-None-Match: \"3\""]);
    assert_eq!(sold.await.status, 304);
}
