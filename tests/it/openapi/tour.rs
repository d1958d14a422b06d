//! A tour of the API: every operation, with every answer that can be had of it, held against the document.
//!
//! A line of a script is a request, with headers in brackets and a body, and what is answered:
//!
//! ```text
//! seats = POST /v1/events/a/reservations [Idempotency-Key: k] {"partnerId":"p","seats":2} -> 201
//! GET /v1/events/a/reservations/$seats -> 200
//! ```
//!
//! A line may give a name to the id that was answered, which stands for it from then on.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use ticketboss_core::domain::EventNumber;
use ticketboss_engine::Engine;
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_store::Store;
use ticketboss_store::local::memory::MemoryStore;
use ticketboss_store::local::sled::{SledOptions, open};

use super::description::Description;
use crate::feed::follower::{Socket, Stream};
use crate::support::open_store;
use crate::wire::{Answer, Connection, Server, ask, bare, standard_limits};

/// 2026-01-01T00:00:00Z.
const BEGIN_MS: i64 = 1_767_225_600_000;
/// What asks for a WebSocket.
const UPGRADE: &str = "Connection: Upgrade; Upgrade: websocket; Sec-WebSocket-Version: 13; \
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";

const SERVICE: &str = include_str!("service.script");
const EVENTS: &str = include_str!("events.script");
const RESERVATIONS: &str = include_str!("reservations.script");
const CHANGES: &str = include_str!("changes.script");
const LOOKS: &str = include_str!("looks.script");

/// What cannot be had over a socket, and why.
const NOT_HAD: [(&str, &[&str], &str); 3] = [
    (
        "overloaded",
        &[
            "reserve",
            "cancelReservation",
            "createEvent",
            "updateEvent",
            "blockSeats",
            "unblockSeats",
            "createReservation",
            "putReservation",
            "deleteReservation",
            "confirmReservation",
            "extendReservation",
            "cancelPartOrAll",
        ],
        "4096 commands would have to wait at once; tests/it/http.rs has them wait below HTTP",
    ),
    (
        "overloaded",
        &["getStatistics"],
        "reading back would have to take long; tests/it/read_backs.rs makes it",
    ),
    (
        "unavailable",
        &["getEvent", "listChanges", "getReservationHistory", "getProof", "getStatistics"],
        "the disk would have to fail while it is read; tests/it/faults.rs has it fail below HTTP",
    ),
];

/// A server that is asked, and the document that judges it.
struct Tour<'a> {
    server: &'a Server,
    clock: &'a Clock,
    description: &'a mut Description,
    names: BTreeMap<String, String>,
}

impl<'a> Tour<'a> {
    fn new(server: &'a Server, clock: &'a Clock, description: &'a mut Description) -> Self {
        Self { server, clock, description, names: BTreeMap::new() }
    }

    async fn run(&mut self, script: &str) {
        let lines = script.lines().map(str::trim);
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if let Some(seconds) = line.strip_prefix("clock +") {
                let passed_ms = seconds.parse::<i64>().unwrap() * 1_000;
                self.clock.set(self.clock.now().0 + passed_ms);
                continue;
            }
            let (request, expected) = line.rsplit_once(" -> ").unwrap();
            let (name, request) = match request.split_once(" = ") {
                Some((name, request)) if !name.contains(' ') => (Some(name), request),
                _ => (None, request),
            };
            let answer = self.ask(&self.request(request)).await;
            assert_eq!(
                told(&answer),
                expected,
                "{line}\n{}",
                String::from_utf8_lossy(&answer.body)
            );
            if let Some(name) = name {
                let json = answer.json();
                let id = ["reservationId", "blockId"].iter().map(|field| &json[*field]);
                let id = id.rev().find(|id| !id.is_null()).unwrap().to_string();
                self.names.insert(format!("${name}"), id.trim_matches('"').to_owned());
            }
        }
    }

    /// The request that a line describes.
    fn request(&self, line: &str) -> String {
        let mut line = line.replace("WEBSOCKET", UPGRADE).replace("LARGE", &"x".repeat(20_000));
        // A name may begin like another.
        for (name, id) in self.names.iter().rev() {
            line = line.replace(name, id);
        }
        let (rest, body) = line.split_once(" {").unwrap_or((&line, ""));
        let (target, headers) = rest.split_once(" [").unwrap_or((rest, ""));
        let mut headers = headers.trim_end_matches(']').split("; ").collect::<Vec<_>>();
        headers.retain(|header| !header.is_empty());
        if body.is_empty() {
            return bare(target, &headers);
        }
        let body = format!("{{{body}");
        let length = format!("Content-Length: {}", body.len());
        if !headers.iter().any(|header| header.starts_with("Content-Type")) {
            headers.push("Content-Type: application/json");
        }
        headers.push(&length);
        bare(target, &headers) + &body
    }

    async fn ask(&mut self, request: &str) -> Answer {
        let answer = ask(self.server.address, request).await;
        self.description.check(request, &answer);
        answer
    }

    /// Follows an event, and sees that each frame is as the document says.
    async fn follow(&mut self) {
        let schema = serde_json::json!({ "$ref": "#/components/schemas/FeedFrame" });
        let mut kinds = BTreeSet::new();
        let mut judge = |frame: &Value, description: &Description| {
            assert_eq!(description.faults_of_answer(&schema, frame), [""; 0], "{frame}");
            kinds.insert(frame["type"].as_str().unwrap().to_owned());
        };
        let address = self.server.address;
        let path = "/v1/events/a/feed?since=0";
        let newest = ask(address, &bare("GET /v1/events/a", &[])).await.json()["version"].clone();
        let mut stream = Stream::open(address, path, None).await.unwrap();
        loop {
            let frame = stream.json().await;
            judge(&frame, self.description);
            if frame["version"] == newest {
                break;
            }
        }
        let mut all = Stream::open(address, "/v1/feed?snapshot=true", None).await.unwrap();
        judge(&all.json().await, self.description);
        let mut socket = Socket::open(address, "/v1/events/a/ws?snapshot=true").await.unwrap();
        judge(&socket.json().await, self.description);
        self.server.readiness.start_stopping();
        judge(&stream.json().await, self.description);
        let types = &self.description.document["components"]["schemas"]["ChangeType"]["enum"];
        let types = types.as_array().unwrap().iter().map(|kind| kind.as_str().unwrap().to_owned());
        let others = ["snapshot", "shutdown"].map(str::to_owned);
        assert_eq!(kinds, types.chain(others).collect());
    }

    /// Begins a request to every operation that takes a body, and sends none.
    async fn keep_waiting(&mut self) {
        let operations = self.description.operations();
        let with_body = operations.iter().filter(|told| !told.told["requestBody"].is_null());
        let lines =
            with_body.map(|told| format!("{} {}", told.method, super::filled(told.template)));
        let mut waiting = Vec::new();
        for line in lines {
            let request = bare(&line, &["Content-Type: application/json", "Content-Length: 9"]);
            let mut connection = Connection::open(self.server.address).await;
            connection.send(&request).await;
            waiting.push((request, connection));
        }
        assert!(waiting.len() > 8);
        // While server and clients wait for time alone, it passes at once.
        tokio::time::pause();
        for (request, mut connection) in waiting {
            let answer = connection.receive("POST").await.unwrap();
            assert_eq!(told(&answer), "408 request_timeout");
            self.description.check(&request, &answer);
        }
        tokio::time::resume();
    }
}

/// Status and code of an answer.
fn told(answer: &Answer) -> String {
    if answer.header("content-type") != "application/problem+json" {
        return answer.status.to_string();
    }
    format!("{} {}", answer.status, answer.json()["code"].as_str().unwrap())
}

async fn open_engine(store: Store, clock: &Clock) -> Engine {
    Engine::open(store, clock.clone(), Entropy::System).await.unwrap()
}

async fn serve(engine: &Engine, subscribers_max: usize) -> Server {
    Server::for_subscribers(engine.clone(), standard_limits(), subscribers_max).await
}

#[tokio::test]
async fn every_answer_is_as_the_description_says() {
    let clock = Clock::manual(BEGIN_MS);
    let engine = open_engine(Store::Memory(MemoryStore::default()), &clock).await;
    let server = serve(&engine, 50).await;
    let mut description = Description::of(server.address).await;
    let mut tour = Tour::new(&server, &clock, &mut description);
    tour.run(SERVICE).await;
    tour.run(EVENTS).await;
    tour.run(RESERVATIONS).await;
    tour.keep_waiting().await;
    tour.follow().await;
    tour.run("GET /readyz -> 503 unavailable").await;

    let crowded = serve(&engine, 0).await;
    let mut tour = Tour::new(&crowded, &clock, &mut description);
    tour.run(&LOOKS.replace("CODE", "503 overloaded").replace("# crowded: ", "")).await;

    let names = unable_to_sell(&mut description).await;
    damaged(&mut description, names).await;

    let mut missing = description.described();
    let met = description.met.clone();
    missing.retain(|described| !met.contains(described));
    for (code, operations, why) in NOT_HAD {
        for operation in operations {
            let left_out = (operation.to_string(), 503, code.to_owned());
            assert!(missing.remove(&left_out), "{left_out:?} is described, and was not had");
            println!("not had: {operation} 503 {code}: {why}");
        }
    }
    assert!(missing.is_empty(), "described, and never had: {missing:#?}");
    println!("had: {} answers of {} operations", met.len(), description.operations().len());
}

/// An event that cannot be sold from: the disk is full; the engine is closed.
async fn unable_to_sell(description: &mut Description) -> BTreeMap<String, String> {
    let clock = Clock::manual(BEGIN_MS);
    let directory = tempfile::tempdir().unwrap();
    let options = SledOptions::standard(directory.path());
    let engine = open_engine(open(&options).unwrap().store, &clock).await;
    let server = serve(&engine, 50).await;
    let mut tour = Tour::new(&server, &clock, description);
    tour.run(CHANGES.split("# then:").next().unwrap()).await;
    let names = tour.names.clone();
    server.stop.cancel();
    server.ended.await.unwrap();
    engine.close().await;
    drop(engine);

    let full = SledOptions { disk_free_bytes_min: u64::MAX, ..options };
    let engine = open_engine(open(&full).unwrap().store, &clock).await;
    let server = serve(&engine, 50).await;
    let then = CHANGES.split("# then:").nth(1).unwrap();
    let mut tour = Tour { names: names.clone(), ..Tour::new(&server, &clock, description) };
    tour.run(&then.replace("CODE", "503 storage_full")).await;
    tour.run("GET /readyz -> 503 storage_full").await;

    engine.close().await;
    tour.run(&then.replace("CODE", "503 unavailable")).await;
    names
}

/// An event whose ledger is gone.
async fn damaged(description: &mut Description, _: BTreeMap<String, String>) {
    let clock = Clock::manual(BEGIN_MS);
    let directory = tempfile::tempdir().unwrap();
    let engine = open_engine(open_store(&directory), &clock).await;
    let server = serve(&engine, 50).await;
    let mut tour = Tour::new(&server, &clock, description);
    tour.run(CHANGES.split("# then:").next().unwrap()).await;
    let names = tour.names.clone();
    server.stop.cancel();
    server.ended.await.unwrap();
    engine.close().await;
    drop(engine);
    crate::raw::remove_pages(directory.path(), EventNumber(1));
    let engine = open_engine(open_store(&directory), &clock).await;
    let server = serve(&engine, 50).await;
    let then = CHANGES.split("# then:").nth(1).unwrap();
    let mut tour = Tour { names, ..Tour::new(&server, &clock, description) };
    tour.run(&then.replace("CODE", "503 event_damaged").replace("to_make", "a")).await;
    tour.run(&LOOKS.replace("CODE", "503 event_damaged").replace("# damaged: ", "")).await;
}
