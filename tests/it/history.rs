//! What was: changes in order, the history of a reservation, and events as they were.

use std::net::SocketAddr;

use serde_json::Value;
use ticketboss_core::domain::{Actor, RequestId};
use ticketboss_engine::Engine;
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_store::Store;
use ticketboss_store::local::memory::MemoryStore;

use crate::support::{new_directory, open_store, terms};
use crate::wire::{Answer, Server, ask, bare, standard_limits};

/// 2026-01-01T00:00:00Z.
const BEGIN_MS: i64 = 1_767_225_600_000;

async fn serve(store: Store) -> (Server, Engine, Clock) {
    let clock = Clock::manual(BEGIN_MS);
    let engine = Engine::open(store, clock.clone(), Entropy::System).await.unwrap();
    if engine.event_ids().is_empty() {
        let created = engine.create_event(terms("a", 20), Actor::System, RequestId::NOBODY);
        created.await.unwrap();
    }
    (Server::of_engine(engine.clone(), standard_limits()).await, engine, clock)
}

async fn post(address: SocketAddr, path: &str, body: &str) -> Value {
    let length = format!("Content-Length: {}", body.len());
    // Only who changes an event is asked for If-Match.
    let headers = ["Content-Type: application/json", "If-Match: *", &length];
    let request = bare(&format!("POST /v1/events/a{path}"), &headers) + body;
    let answer = ask(address, &request).await;
    assert!(answer.status < 300, "{}", answer.text());
    answer.json()
}

async fn get(address: SocketAddr, path: &str) -> Answer {
    ask(address, &bare(&format!("GET /v1/events/a{path}"), &[])).await
}

/// A life of an event with every kind of change of a reservation; the ids of the two that there are.
async fn live(address: SocketAddr, clock: &Clock) -> [String; 2] {
    let hold = r#"{"partnerId":"acme","seats":4,"hold":60}"#;
    let first = post(address, "/reservations", hold).await["reservationId"].to_string();
    let second = post(address, "/reservations", hold).await["reservationId"].to_string();
    let [first, second] = [first, second].map(|id| id.trim_matches('"').to_owned());
    post(address, &format!("/reservations/{first}/extend"), r#"{"holdSeconds":90}"#).await;
    clock.set(BEGIN_MS + 60_000);
    post(address, &format!("/reservations/{second}/confirm"), "").await;
    post(address, &format!("/reservations/{first}/confirm"), "").await;
    post(address, &format!("/reservations/{first}/cancel"), r#"{"seats":1}"#).await;
    post(address, "/blocks", r#"{"seats":2,"reason":"A camera"}"#).await;
    post(address, &format!("/reservations/{first}/cancel"), "").await;
    [first, second]
}

/// The version and the kind of each change.
fn kinds(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap().iter();
    items.map(|item| format!("{} {}", item["version"], item["type"].as_str().unwrap())).collect()
}

const LIFE: [&str; 10] = [
    "1 eventCreated",
    "2 held",
    "3 held",
    "4 extended",
    "5 expired",
    "6 confirmedLate",
    "7 confirmed",
    "8 partlyCancelled",
    "9 seatsBlocked",
    "10 cancelled",
];

/// What the first of its reservations went through.
const LIFE_OF_FIRST: [&str; 5] =
    ["2 held", "4 extended", "7 confirmed", "8 partlyCancelled", "10 cancelled"];

#[tokio::test]
async fn every_change_is_told_once_and_in_order() {
    let (server, _, clock) = serve(Store::Memory(MemoryStore::default())).await;
    let address = server.address;
    let [first, _] = live(address, &clock).await;
    let all = get(address, "/changes?since=0").await;
    assert_eq!(
        (kinds(&all.json()), all.header("etag")),
        (LIFE.map(str::to_owned).into(), "\"10\"")
    );
    let items = &all.json()["items"];
    let id = |index: usize| items[index]["reservationId"].as_str();
    assert_eq!([1, 3, 6, 7, 9].map(id), [Some(first.as_str()); 5]);
    assert_eq!(
        (items[4]["by"].as_str(), items[3]["by"].as_str()),
        (Some("system"), Some("anonymous"))
    );
    let held = &items[1];
    assert_eq!((&held["partnerId"], &held["seats"]), (&"acme".into(), &4.into()));
    assert_eq!(held["expiresAt"], "2026-01-01T00:01:00.000Z");
    assert_eq!(items[8]["reason"], "A camera");
    for (query, expected) in [("", &LIFE[..]), ("?since=8", &LIFE[8..]), ("?since=10", &[])] {
        assert_eq!(kinds(&get(address, &format!("/changes{query}")).await.json()), expected);
    }
    // Who has seen more than there is must not believe that nothing has happened.
    let ahead = get(address, "/changes?since=11").await.problem();
    assert_eq!(ahead, "404 version_not_found: Version not found");
    // Bit by bit, by the links that are given.
    let (mut path, mut seen) = ("/changes?limit=3".to_owned(), Vec::new());
    loop {
        let list = get(address, &path).await.json();
        seen.extend(kinds(&list));
        let Some(next) = list["next"].as_str() else { break };
        path = next.strip_prefix("/v1/events/a").unwrap().to_owned();
    }
    assert_eq!(seen, LIFE);
    let refused = get(address, "/changes?since=-1").await.problem();
    assert_eq!(refused, "400 invalid_request: Invalid request");
}

/// Whoever begins with a snapshot can keep count, though he has not heard of the reservations before.
#[tokio::test]
async fn a_change_says_of_whom_and_of_how_many_seats_it_is() {
    let (server, _, clock) = serve(Store::Memory(MemoryStore::default())).await;
    live(server.address, &clock).await;
    let unblock = bare("DELETE /v1/events/a/blocks/9", &["If-Match: *"]);
    assert_eq!(ask(server.address, &unblock).await.status, 204);
    let list = get(server.address, "/changes").await.json();
    let told = list["items"].as_array().unwrap().iter().skip(1).map(|item| {
        let kind = item["type"].as_str().unwrap();
        let whom =
            item["partnerId"].as_str().map_or(format!("block {}", item["blockId"]), str::to_owned);
        format!("{kind} {whom} {}", item["seats"])
    });
    let expected = [
        "held acme 4",
        "held acme 4",
        "extended acme 4",
        "expired acme 4",
        "confirmedLate acme 4",
        "confirmed acme 4",
        "partlyCancelled acme 1",
        "seatsBlocked block 9 2",
        "cancelled acme 3",
        "seatsUnblocked block 9 2",
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_reservation_tells_what_it_went_through() {
    let (server, _, clock) = serve(Store::Memory(MemoryStore::default())).await;
    let address = server.address;
    let [first, second] = live(address, &clock).await;
    let history = get(address, &format!("/reservations/{first}/history")).await.json();
    assert_eq!(kinds(&history), LIFE_OF_FIRST);
    let history = get(address, &format!("/reservations/{second}/history")).await.json();
    assert_eq!(kinds(&history), ["3 held", "5 expired", "6 confirmedLate"]);
    // And what it was at each of those versions.
    for (version, status, seats) in [
        (2, "held", 4),
        (3, "held", 4),
        (6, "held", 4),
        (7, "confirmed", 4),
        (8, "confirmed", 3),
        (9, "confirmed", 3),
        (10, "cancelled", 3),
    ] {
        let path = format!("/reservations/{first}?atVersion={version}");
        let told = get(address, &path).await.json();
        assert_eq!((&told["status"], &told["seats"]), (&status.into(), &seats.into()), "{version}");
    }
    let path = format!("/reservations/{first}?atVersion=");
    let missing = get(address, &format!("{path}1")).await.problem();
    assert_eq!(missing, "404 reservation_not_found: Reservation not found");
    let missing = get(address, &format!("{path}11")).await.problem();
    assert_eq!(missing, "404 version_not_found: Version not found");
}

/// One that was given up seat by seat has as many changes as it had seats, and more than one answer holds.
#[tokio::test]
async fn a_long_history_is_told_bit_by_bit() {
    let (server, _, clock) = serve(Store::Memory(MemoryStore::default())).await;
    let address = server.address;
    let [first, _] = live(address, &clock).await;
    let order = r#"{"partnerId":"acme","seats":10}"#;
    let mut expected = vec!["11 reserved".to_owned()];
    let long = post(address, "/reservations", order).await["reservationId"].to_string();
    let long = long.trim_matches('"').to_owned();
    for version in 12..21 {
        post(address, &format!("/reservations/{long}/cancel"), r#"{"seats":1}"#).await;
        expected.push(format!("{version} partlyCancelled"));
    }
    for (id, limit, expected) in [
        (&long, 1, &expected[..]),
        (&long, 3, &expected[..]),
        (&long, 10, &expected[..]),
        (&first, 2, &LIFE_OF_FIRST.map(str::to_owned)[..]),
    ] {
        let (mut path, mut seen) = (format!("/reservations/{id}/history?limit={limit}"), vec![]);
        loop {
            let list = get(address, &path).await.json();
            let told = kinds(&list);
            assert!(told.len() <= limit && !told.is_empty(), "{list}");
            seen.extend(told);
            let Some(next) = list["next"].as_str() else { break };
            path = next.strip_prefix("/v1/events/a").unwrap().to_owned();
        }
        assert_eq!(seen, expected, "{limit} at a time");
    }
    let path = format!("/reservations/{long}/history");
    for (since, left) in [(0, 10), (10, 10), (11, 9), (19, 1), (20, 0)] {
        let list = get(address, &format!("{path}?since={since}")).await.json();
        assert_eq!(kinds(&list), expected[10 - left..], "{since}");
    }
    for (query, refused) in [
        ("since=21", "404 version_not_found: Version not found"),
        ("limit=0", "400 invalid_request: Invalid request"),
        ("limit=201", "400 invalid_request: Invalid request"),
        ("page=2", "400 invalid_request: Invalid request"),
    ] {
        assert_eq!(get(address, &format!("{path}?{query}")).await.problem(), refused, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_is_shown_as_it_was_also_after_a_restart() {
    let directory = new_directory();
    let store = open_store(&directory);
    let (server, engine, _) = serve(store.clone()).await;
    let address = server.address;
    let mut then = vec![get(address, "").await.json()];
    for seats in 1..6 {
        let body = format!(r#"{{"partnerId":"acme","seats":{seats},"hold":60}}"#);
        post(address, "/reservations", &body).await;
        then.push(get(address, "").await.json());
    }
    let compare = async |address| {
        for told in &then {
            let version = &told["version"];
            let shown = get(address, &format!("?atVersion={version}")).await;
            assert_eq!(shown.header("etag"), format!("\"{version}\""));
            assert_eq!(shown.json(), *told);
        }
        for version in [0, 99] {
            let missing = get(address, &format!("?atVersion={version}")).await;
            assert_eq!(missing.problem(), "404 version_not_found: Version not found");
        }
        let refused = get(address, "?atVersion=x&limit=1").await;
        assert_eq!(refused.json()["errors"].as_array().unwrap().len(), 2);
    };
    compare(address).await;
    engine.close().await;
    server.stop.cancel();
    server.ended.await.unwrap();
    drop((engine, store));
    let (server, _, _) = serve(open_store(&directory)).await;
    compare(server.address).await;
}

/// Pages hold many changes: what is asked for begins and ends within them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_begin_and_end_within_pages() {
    let directory = new_directory();
    let (server, engine, _) = serve(open_store(&directory)).await;
    let address = server.address;
    let asked = (0..20).map(|_| {
        let engine = engine.clone();
        tokio::spawn(async move {
            let (id, partner) = (crate::support::event_id("a"), crate::support::partner("p"));
            engine.reserve(&id, partner, 1, RequestId(7)).await.unwrap();
        })
    });
    for asked in asked.collect::<Vec<_>>() {
        asked.await.unwrap();
    }
    for since in 0..21 {
        for limit in [1, 2, 50] {
            let list = get(address, &format!("/changes?since={since}&limit={limit}")).await.json();
            let versions = list["items"].as_array().unwrap().iter();
            let versions = versions.map(|item| item["version"].as_u64().unwrap());
            let expected = (since + 1..=21).take(limit);
            assert!(versions.eq(expected), "{limit} since {since}: {list}");
        }
    }
}
