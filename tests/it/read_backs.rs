//! Those who have the past read back: how many may, how many wait, and that whoever has gone does not.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::mpsc;
use std::time::Instant;

use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use ticketboss::server::Limits;
use ticketboss_engine::Engine;
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_store::Store;
use tokio::runtime::Builder;

use crate::support::{new_directory, open_store};
use crate::wire::{Connection, PATIENCE, Server, ask, bare, json, reserve, standard_limits};

/// How many have a turn or wait for one, as `crates/engine/src/read_backs.rs` has it.
const PLACES: usize = 2 + 32;
/// How many ask at once.
const CROWD: usize = 60;

/// Lets nobody read pages until it is dropped: it has the only thread that could.
struct Gate(#[expect(dead_code, reason = "it is dropped")] mpsc::Sender<()>);

impl Gate {
    fn close() -> Self {
        let (open, opened) = mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || opened.recv().is_err());
        Self(open)
    }
}

/// The requests that have the past read back.
fn read_backs() -> [String; 4] {
    [
        bare("GET /v1/events/a/statistics", &[]),
        bare("GET /v1/events/a?atVersion=2", &[]),
        change(),
        creation(),
    ]
}

fn creation() -> String {
    let body = r#"{"eventId":"a","name":"A","totalSeats":9,"status":"onSale"}"#;
    json("POST /v1/events", body).replacen("\r\n", "\r\nIdempotency-Key: made\r\n", 1)
}

fn change() -> String {
    let headers = "\r\nIdempotency-Key: changed\r\nIf-Match: \"1\"\r\n";
    json("PATCH /v1/events/a", r#"{"name":"B"}"#).replacen("\r\n", headers, 1)
}

/// Serves an event of several versions that was made and changed under keys.
async fn serve(store: Store) -> Server {
    let engine = Engine::open(store, Clock::System, Entropy::System).await.unwrap();
    let connections_max = NonZeroU32::new(u32::try_from(CROWD).unwrap()).unwrap();
    let limits = Limits { connections_max, ..standard_limits() };
    let server = Server::of_engine(engine, limits).await;
    assert_eq!(ask(server.address, &creation()).await.status, 201);
    assert_eq!(ask(server.address, &change()).await.status, 200);
    assert_eq!(reserve(server.address, "acme", 1).await.status, 201);
    server
}

/// Asks for what takes no time, so often that whatever was ready before has had its turn.
async fn look(address: SocketAddr) {
    for _ in 0..100 {
        assert_eq!(ask(address, &bare("GET /reservations/", &[])).await.status, 200);
    }
}

/// A connection whose request has a place and waits. Until the server has noticed that the others have hung up, it
/// has no place for another request.
async fn waiting(address: SocketAddr, request: &str) -> Connection {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut next = Connection::open(address).await;
        next.send(request).await;
        look(address).await;
        let Some(answer) = next.receive("").now_or_never() else { return next };
        assert_eq!(answer.unwrap().status, 503, "it waits: {request}");
        assert!(Instant::now() < deadline, "there is never a place: {request}");
    }
}

#[test]
fn whoever_has_hung_up_is_not_waited_for() {
    let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(1).build();
    let runtime = runtime.unwrap();
    let directory = new_directory();
    runtime.block_on(async {
        let server = serve(open_store(&directory)).await;
        let address = server.address;
        for request in read_backs() {
            let gate = Gate::close();
            let mut crowd = FuturesUnordered::new();
            for _ in 0..CROWD {
                let mut client = Connection::open(address).await;
                client.send(&request).await;
                crowd.push(async move { client.receive("").await.unwrap() });
            }
            for _ in PLACES..CROWD {
                let refused = crowd.next().await.unwrap();
                assert_eq!(refused.problem(), "503 overloaded: Too many requests at once");
                assert_eq!(refused.header("retry-after"), "1");
            }
            look(address).await;
            assert!(crowd.next().now_or_never().is_none(), "the others wait: {request}");
            // Nobody has been read anything back yet, and nobody waits for it any more.
            drop(crowd);
            let mut next = waiting(address, &request).await;
            drop(gate);
            assert_eq!(next.receive("").await.unwrap().status / 100, 2, "{request}");
        }
        server.stop.cancel();
        server.ended.await.unwrap();
    });
}
