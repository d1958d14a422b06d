//! The live feed: every change once and in order, whatever a subscriber has missed.

mod crowd;
pub(crate) mod follower;

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use ticketboss_core::domain::{Actor, RequestId};
use ticketboss_engine::Engine;
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_store::local::memory::MemoryStore;
use ticketboss_store::{Commit, Store};

use self::follower::{Heard, Socket, Stream};
use crate::support::{event_id, new_directory, open_store, terms};
use crate::wire::{Connection, Server, ask, bare, json as with_json, standard_limits};

/// 2026-01-01T00:00:00Z.
const BEGIN_MS: i64 = 1_767_225_600_000;

fn memory() -> Store {
    Store::Memory(MemoryStore::default())
}

async fn serve(store: Store, clock: Clock) -> (Server, Engine) {
    let engine = Engine::open(store, clock, Entropy::System).await.unwrap();
    (Server::of_engine(engine.clone(), standard_limits()).await, engine)
}

async fn serve_events(ids: &[&str]) -> (Server, Engine) {
    let (server, engine) = serve(memory(), Clock::steady()).await;
    for id in ids {
        create(&engine, id).await;
    }
    (server, engine)
}

async fn create(engine: &Engine, id: &str) {
    let created = engine.create_event(terms(id, 1_000_000), Actor::System, RequestId::NOBODY);
    created.await.unwrap();
}

async fn reserve(address: SocketAddr, event: &str, times: usize) {
    for _ in 0..times {
        let line = format!("POST /v1/events/{event}/reservations");
        let answer = ask(address, &with_json(&line, r#"{"partnerId":"acme","seats":1}"#)).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
}

/// The frames of an event as `…/changes` tells them.
async fn ledger(address: SocketAddr, event: &str) -> Vec<Value> {
    let mut frames = Vec::new();
    let mut path = Some(format!("/v1/events/{event}/changes?since=0&limit=200"));
    while let Some(next) = path {
        let page = ask(address, &bare(&format!("GET {next}"), &[])).await.json();
        frames.extend(page["items"].as_array().unwrap().iter().cloned());
        path = page["next"].as_str().map(str::to_owned);
    }
    frames
}

fn version(frame: &Value) -> u64 {
    frame["version"].as_u64().unwrap()
}

#[tokio::test]
async fn the_same_frames_come_by_all_three_ways() {
    let (server, _) = serve_events(&["a", "b"]).await;
    let address = server.address;
    reserve(address, "a", 3).await;
    let mut stream = Stream::open(address, "/v1/events/a/feed?since=0", None).await.unwrap();
    let mut socket = Socket::open(address, "/v1/events/a/ws?since=0").await.unwrap();
    let opening = stream.next().await.unwrap();
    assert_eq!((opening.id.as_deref(), opening.data), (Some("0"), None));
    assert!((1_000..=2_000).contains(&opening.retry_ms.unwrap()));
    reserve(address, "b", 1).await;
    reserve(address, "a", 2).await;
    let told = ledger(address, "a").await;
    assert_eq!(told.iter().map(version).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    for frame in &told {
        let (id, data) = stream.data().await.unwrap();
        assert_eq!(id, Some(version(frame).to_string()));
        assert_eq!(serde_json::from_str::<Value>(&data).unwrap(), *frame);
        assert_eq!(socket.json().await, *frame);
    }
    assert_eq!(told[5]["eventId"], "a");
    socket.ping().await;
}

#[tokio::test]
async fn who_comes_back_gets_what_he_has_missed() {
    let (server, _) = serve_events(&["a"]).await;
    let address = server.address;
    let mut stream = Stream::open(address, "/v1/events/a/feed", None).await.unwrap();
    assert_eq!(stream.next().await.unwrap().id.as_deref(), Some("1"));
    reserve(address, "a", 1).await;
    assert_eq!(version(&stream.json().await), 2);
    drop(stream);
    reserve(address, "a", 2).await;
    // A browser asks for the same path again, and says what it has got besides.
    for path in
        ["/v1/events/a/feed", "/v1/events/a/feed?since=0", "/v1/events/a/feed?snapshot=true"]
    {
        let mut stream = Stream::open(address, path, Some("2")).await.unwrap();
        assert_eq!(stream.next().await.unwrap().id.as_deref(), Some("2"), "{path}");
        assert_eq!([version(&stream.json().await), version(&stream.json().await)], [3, 4]);
    }
    let mut socket = Socket::open(address, "/v1/events/a/ws?since=3").await.unwrap();
    assert_eq!(version(&socket.json().await), 4);
}

#[tokio::test]
async fn a_snapshot_comes_before_what_follows_it() {
    let (server, _) = serve_events(&["a"]).await;
    let address = server.address;
    reserve(address, "a", 2).await;
    let mut stream = Stream::open(address, "/v1/events/a/feed?snapshot=true", None).await.unwrap();
    let mut socket = Socket::open(address, "/v1/events/a/ws?snapshot=true").await.unwrap();
    let first = stream.next().await.unwrap();
    assert_eq!(first.id.as_deref(), Some("3"));
    let snapshot: Value = serde_json::from_str(&first.data.unwrap()).unwrap();
    let expected = json!(["snapshot", "a", 3, 999_998]);
    let facts =
        |of: &Value| json!([of["type"], of["eventId"], of["version"], of["availableSeats"]]);
    assert_eq!(facts(&snapshot), expected);
    assert_eq!(facts(&socket.json().await), expected);
    reserve(address, "a", 1).await;
    assert_eq!(version(&stream.json().await), 4);
    assert_eq!(version(&socket.json().await), 4);
}

#[tokio::test]
async fn what_cannot_be_followed_is_a_problem() {
    let (server, _) = serve_events(&["a"]).await;
    let address = server.address;
    let problem = async |path: &str, headers: &[&str]| {
        ask(address, &bare(&format!("GET {path}"), headers)).await.problem()
    };
    let last = ["Last-Event-ID: 9"];
    for (path, headers, expected) in [
        ("/v1/events/b/feed", &[][..], "404 event_not_found: Event not found"),
        ("/v1/events/a/feed?since=2", &[], "404 version_not_found: Version not found"),
        ("/v1/events/a/feed", &last, "404 version_not_found: Version not found"),
        ("/v1/events/a/changes?since=2", &[], "404 version_not_found: Version not found"),
        ("/v1/events/a/feed?since=x", &[], "400 invalid_request: Invalid request"),
        ("/v1/events/a/feed?snapshot=1", &[], "400 invalid_request: Invalid request"),
        ("/v1/events/a/feed", &["Last-Event-ID: x"], "400 invalid_request: Invalid request"),
        ("/v1/feed?since=9999999999999", &[], "400 invalid_request: Invalid request"),
        ("/v1/events/a/ws", &[], "426 upgrade_required: WebSocket required"),
    ] {
        assert_eq!(problem(path, headers).await, expected, "{path}");
    }
    let plain = ask(address, &bare("GET /v1/events/a/ws", &[])).await;
    assert_eq!(plain.header("upgrade"), "websocket");
    assert_eq!(Socket::open(address, "/v1/events/b/ws").await.err(), Some(404));
    assert_eq!(Socket::open(address, "/v1/events/a/ws?since=2").await.err(), Some(404));
}

#[tokio::test]
async fn who_does_not_read_misses_nothing() {
    let (server, engine) = serve_events(&["a"]).await;
    let address = server.address;
    let mut stream = Stream::open(address, "/v1/events/a/feed?since=0", None).await.unwrap();
    let mut socket = Socket::open(address, "/v1/events/a/ws?since=0").await.unwrap();
    // More than the system's buffers and what is kept for those who are a little late.
    let changes = 12_000;
    let partner = crate::support::partner("a-partner-with-a-name-that-is-not-short");
    let event = event_id("a");
    for _ in 0..changes / 500 {
        let asked = (0..500).map(|_| engine.reserve(&event, partner.clone(), 1, RequestId(7)));
        let reserved = futures_util::future::join_all(asked).await;
        assert!(reserved.iter().all(Result::is_ok));
    }
    for expected in 1..=changes + 1 {
        assert_eq!(version(&stream.json().await), expected);
        assert_eq!(version(&socket.json().await), expected);
    }
}

#[tokio::test]
async fn a_feed_of_what_is_damaged_ends() {
    let store = memory();
    let (server, engine) = serve(store.clone(), Clock::steady()).await;
    create(&engine, "a").await;
    let mut stream = Stream::open(server.address, "/v1/events/a/feed", None).await.unwrap();
    let mut socket = Socket::open(server.address, "/v1/events/a/ws").await.unwrap();
    assert!(stream.next().await.unwrap().id.is_some());
    let loaded = store.load(&event_id("a")).await.unwrap().unwrap().unwrap();
    let mut record = loaded.record;
    record.version = crate::support::version(2);
    let broken = Commit { pages: vec![(record.version, b"no page".to_vec())], record };
    store.commit(&event_id("a"), &loaded.token, broken).await.unwrap();
    let line = "POST /v1/events/a/reservations";
    let answer = ask(server.address, &with_json(line, r#"{"partnerId":"acme","seats":1}"#)).await;
    assert_eq!(answer.problem(), "503 event_damaged: Event is damaged");
    assert_eq!(stream.next().await, None);
    assert_eq!(socket.next().await, Heard::Closed(1011));
    assert_eq!(Stream::open(server.address, "/v1/events/a/feed", None).await.err(), Some(503));
}

#[tokio::test]
async fn a_hold_that_ends_while_nobody_asks_is_told() {
    let clock = Clock::manual(BEGIN_MS);
    let (server, engine) = serve(memory(), clock.clone()).await;
    create(&engine, "a").await;
    let mut stream = Stream::open(server.address, "/v1/events/a/feed", None).await.unwrap();
    let hold = r#"{"partnerId":"acme","seats":4,"hold":60}"#;
    let line = "POST /v1/events/a/reservations";
    assert_eq!(ask(server.address, &with_json(line, hold)).await.status, 201);
    assert_eq!(stream.json().await["type"], "held");
    clock.set(BEGIN_MS + 60_000);
    let frame = stream.json().await;
    assert_eq!((&frame["type"], &frame["by"]), (&json!("expired"), &json!("system")));
}

#[tokio::test]
async fn a_server_that_stops_says_so() {
    let (server, _) = serve_events(&["a"]).await;
    let address = server.address;
    let mut stream = Stream::open(address, "/v1/events/a/feed", None).await.unwrap();
    let mut all = Stream::open(address, "/v1/feed", None).await.unwrap();
    let mut socket = Socket::open(address, "/v1/events/a/ws").await.unwrap();
    let waiting =
        tokio::spawn(
            async move { ask(address, &bare("GET /v1/events/a?waitVersion=5", &[])).await },
        );
    for stream in [&mut stream, &mut all] {
        assert!(stream.next().await.unwrap().id.is_some());
    }
    socket.ping().await;
    server.readiness.start_stopping();
    for stream in [&mut stream, &mut all] {
        let mut last = stream.next().await.unwrap();
        if last.data.as_ref().is_some_and(|data| data.contains("eventCreated")) {
            // The event was made in the millisecond from which on all are followed.
            last = stream.next().await.unwrap();
        }
        let frame: Value = serde_json::from_str(&last.data.unwrap()).unwrap();
        assert_eq!(frame["type"], "shutdown");
        assert_eq!(frame["retryMs"], last.retry_ms.unwrap());
        assert!((1_000..=5_000).contains(&last.retry_ms.unwrap()));
        assert_eq!(stream.next().await, None);
    }
    assert_eq!(socket.json().await["type"], "shutdown");
    assert_eq!(socket.next().await, Heard::Closed(1012));
    server.feeds.closed().await;
    let answer = waiting.await.unwrap();
    assert_eq!((answer.status, &answer.json()["version"]), (200, &json!(1)));
    server.stop.cancel();
    server.ended.await.unwrap();
}

#[tokio::test]
async fn an_answer_waits_for_a_version() {
    let (server, _) = serve_events(&["a"]).await;
    let address = server.address;
    let get = async |path: &str| ask(address, &bare(&format!("GET {path}"), &[])).await;
    let event = tokio::spawn(async move {
        ask(address, &bare("GET /v1/events/a?waitVersion=3", &[])).await.json()
    });
    let changes = tokio::spawn(async move {
        let path = "/v1/events/a/changes?since=1&waitVersion=2";
        ask(address, &bare(&format!("GET {path}"), &[])).await.json()
    });
    reserve(address, "a", 1).await;
    assert_eq!(version(&changes.await.unwrap()["items"][0]), 2);
    assert!(!event.is_finished());
    reserve(address, "a", 1).await;
    assert_eq!(version(&event.await.unwrap()), 3);
    // What is there already is not waited for, and what does not come is not waited for for ever.
    assert_eq!(version(&get("/v1/events/a?waitVersion=3").await.json()), 3);
    assert_eq!(version(&get("/v1/events/a?waitVersion=4&waitSeconds=1").await.json()), 3);
    assert_eq!(get("/v1/events/a?waitVersion=4&waitSeconds=61").await.status, 400);
}

#[tokio::test]
async fn all_events_are_followed_by_time() {
    let directory = new_directory();
    let (server, engine) = serve(open_store(&directory), Clock::steady()).await;
    for id in ["a", "b"] {
        create(&engine, id).await;
        reserve(server.address, id, 2).await;
    }
    let mut stream = Stream::open(server.address, "/v1/feed?since=0", None).await.unwrap();
    create(&engine, "c").await;
    reserve(server.address, "c", 1).await;
    reserve(server.address, "a", 1).await;
    let mut got = Vec::new();
    let mut last_id = None;
    let all =
        [("a", 1), ("a", 2), ("a", 3), ("a", 4), ("b", 1), ("b", 2), ("b", 3), ("c", 1), ("c", 2)];
    while got.len() < all.len() || last_id.is_none() {
        let block = stream.next().await.unwrap();
        last_id = block.id.or(last_id);
        if let Some(data) = block.data {
            let frame: Value = serde_json::from_str(&data).unwrap();
            got.push((frame["eventId"].as_str().unwrap().to_owned(), version(&frame)));
        }
    }
    for id in ["a", "b", "c"] {
        let told = got.iter().filter(|(event, _)| event == id).map(|(_, version)| *version);
        let expected = all.iter().filter(|(event, _)| *event == id).map(|(_, version)| *version);
        assert_eq!(told.collect::<Vec<_>>(), expected.collect::<Vec<u64>>(), "{id}");
    }
    drop(stream);
    let id = last_id.unwrap();
    // Everything before it was told, and it is right after the newest change: that time is on disk.
    let newest = ["a", "b", "c"].map(|id| engine.event(&event_id(id)).unwrap().updated_at().0);
    assert_eq!(id.parse::<i64>().unwrap(), newest.iter().max().unwrap() + 1);
    reserve(server.address, "b", 1).await;
    // Another process goes on where this one ended.
    engine.close().await;
    let Server { stop, ended, readiness, .. } = server;
    readiness.start_stopping();
    stop.cancel();
    ended.await.unwrap();
    drop(engine);
    let (server, _) = serve(open_store(&directory), Clock::steady()).await;
    let mut stream = Stream::open(server.address, "/v1/feed", Some(&id)).await.unwrap();
    reserve(server.address, "c", 1).await;
    let mut got = Vec::new();
    while got.last() != Some(&("c".to_owned(), 3)) {
        let frame = stream.json().await;
        got.push((frame["eventId"].as_str().unwrap().to_owned(), version(&frame)));
    }
    // What has the same time as the last that was got may come again; what came after it comes.
    got.retain(|got| !all.contains(&(got.0.as_str(), got.1)));
    assert_eq!(got, [("b".to_owned(), 4), ("c".to_owned(), 3)]);
}

#[tokio::test]
async fn who_follows_all_misses_nothing_though_the_clock_is_set_back() {
    let directory = new_directory();
    let clock = Clock::manual(BEGIN_MS);
    let (server, engine) = serve(open_store(&directory), clock.clone()).await;
    create(&engine, "a").await;
    // An hour in which nothing happens; who begins to follow then has got nothing of it.
    clock.set(BEGIN_MS + 3_600_000);
    let mut stream = Stream::open(server.address, "/v1/feed", None).await.unwrap();
    let id = stream.next().await.unwrap().id.unwrap();
    assert_eq!(id, (BEGIN_MS + 1).to_string());
    drop(stream);
    engine.close().await;
    let Server { stop, ended, readiness, .. } = server;
    readiness.start_stopping();
    stop.cancel();
    ended.await.unwrap();
    drop(engine);
    // The next process begins with a clock that is an hour behind, and goes on after what is on disk.
    let clock = Clock::manual(BEGIN_MS + 1);
    let (server, _) = serve(open_store(&directory), clock.clone()).await;
    reserve(server.address, "a", 1).await;
    clock.set(BEGIN_MS + 2);
    let mut stream = Stream::open(server.address, "/v1/feed", Some(&id)).await.unwrap();
    assert_eq!(version(&stream.json().await), 2);
}

#[tokio::test]
async fn all_events_are_shown_before_their_changes() {
    let ids: Vec<String> = (0..150).map(|number| format!("event-{number}")).collect();
    let (server, _) = serve_events(&ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut stream = Stream::open(server.address, "/v1/feed?snapshot=true", None).await.unwrap();
    for id in &ids {
        let frame = stream.json().await;
        assert_eq!((&frame["type"], &frame["eventId"]), (&json!("snapshot"), &json!(id)));
    }
    reserve(server.address, "event-149", 1).await;
    // Events made in the same millisecond as the request may be told of once more.
    let mut frame = stream.json().await;
    while frame["type"] == "eventCreated" {
        frame = stream.json().await;
    }
    assert_eq!((&frame["type"], &frame["eventId"]), (&json!("reserved"), &json!("event-149")));
}

#[tokio::test]
async fn so_many_follow_and_no_more() {
    let (server, _) = serve_events(&["a"]).await;
    let mut streams = Vec::new();
    for _ in 0..crate::wire::SUBSCRIBERS_MAX {
        streams.push(Stream::open(server.address, "/v1/events/a/feed", None).await.unwrap());
    }
    let problem = "503 overloaded: Too many requests at once";
    for path in ["/v1/events/a/feed", "/v1/feed", "/v1/events/a?waitVersion=2"] {
        let answer = ask(server.address, &bare(&format!("GET {path}"), &[])).await;
        assert_eq!((answer.problem().as_str(), answer.header("retry-after")), (problem, "1"));
    }
    // The others are served as before, and so are subscribers once one has gone.
    reserve(server.address, "a", 1).await;
    assert_eq!(version(&streams[0].json().await), 2);
}

/// That somebody is gone who waits for something is noticed at once, and not when he would be told something.
#[tokio::test]
async fn whoever_hangs_up_leaves_his_place() {
    let (server, _) = serve_events(&["a"]).await;
    let address = server.address;
    let wait = bare("GET /v1/events/a?waitVersion=2&waitSeconds=60", &[]);
    for turn in 0..2 {
        let (mut streams, mut waiting) = (Vec::new(), Vec::new());
        for number in 0..crate::wire::SUBSCRIBERS_MAX {
            if number % 2 == turn {
                streams.push(Stream::open(address, "/v1/events/a/feed", None).await.unwrap());
            } else {
                let mut connection = Connection::open(address).await;
                connection.send(&wait).await;
                waiting.push(connection);
            }
        }
        until_following(address, |is_possible| !is_possible).await;
        drop((streams, waiting));
        until_following(address, |is_possible| is_possible).await;
    }
}

/// Waits until one more can follow, or cannot. A sign of life is given every fifteen seconds, by which it would
/// be noticed, too, that somebody is gone.
async fn until_following(address: SocketAddr, is_wanted: impl Fn(bool) -> bool) {
    let following = async {
        loop {
            let possible = Stream::open(address, "/v1/events/a/feed", None).await;
            if is_wanted(possible.is_ok()) {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(8), following).await.expect("they leave at once");
}
