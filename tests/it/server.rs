//! Connections: those that take too long, too many of them, and the end of them all.

use std::num::NonZeroU32;
use std::time::Duration;

use ticketboss::clock::Clock;
use ticketboss::office::{Entropy, Office};
use ticketboss::server::Limits;
use ticketboss::store::Store;
use ticketboss::store::memory::MemoryStore;

use crate::wire::{Connection, PATIENCE, Server, bare, json, standard_limits};

const FAR_AWAY: Duration = Duration::from_hours(1);

async fn server(limits: Limits) -> Server {
    let store = Store::Memory(MemoryStore::default());
    let office = Office::open(store, Clock::System, Entropy::System).await.unwrap();
    Server::of_office(office, limits).await
}

fn limits() -> Limits {
    Limits { head_timeout: FAR_AWAY, grace: FAR_AWAY, ..standard_limits() }
}

async fn ended(server: Server) {
    tokio::time::timeout(PATIENCE, server.ended).await.expect("an end in time").unwrap();
}

#[tokio::test]
async fn a_head_that_does_not_arrive_ends_the_connection() {
    let server = server(Limits { head_timeout: Duration::from_millis(50), ..limits() }).await;
    let mut says_nothing = Connection::open(server.address).await;
    let mut stops_midway = Connection::open(server.address).await;
    stops_midway.send("GET /healthz HTTP/1.1\r\nHost:").await;
    for connection in [&mut says_nothing, &mut stops_midway] {
        connection.wait_until_closed().await;
    }
}

#[tokio::test]
async fn a_connection_that_idles_is_ended() {
    let server = server(Limits { head_timeout: Duration::from_secs(2), ..limits() }).await;
    let mut idle = Connection::open(server.address).await;
    assert_eq!(idle.ask(&bare("GET /healthz", &[])).await.status, 200);
    idle.wait_until_closed().await;
}

#[tokio::test]
async fn an_answer_does_not_wait_for_the_end_of_the_next_request() {
    let server = server(limits()).await;
    for beginning in ["\r\n", "GET /he", "x"] {
        let mut connection = Connection::open(server.address).await;
        connection.send(bare("GET /healthz", &[]) + beginning).await;
        assert_eq!(connection.receive("GET").await.unwrap().status, 200, "{beginning:?}");
    }
}

#[tokio::test]
async fn a_malformed_head_is_told_so() {
    let server = server(limits()).await;
    let many = "X: y\r\n".repeat(150);
    for (head, status) in [
        ("NONSENSE\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (&format!("GET / HTTP/1.1\r\n{many}\r\n"), 431),
    ] {
        let mut connection = Connection::open(server.address).await;
        connection.send(head).await;
        let answer = connection.receive("GET").await;
        assert_eq!(answer.map(|answer| answer.status), Some(status), "{head:.40}");
        connection.wait_until_closed().await;
    }
}

#[tokio::test]
async fn beyond_the_cap_a_connection_waits_for_a_place() {
    let server = server(Limits { connections_max: NonZeroU32::MIN, ..limits() }).await;
    let mut first = Connection::open(server.address).await;
    assert_eq!(first.ask(&bare("GET /healthz", &[])).await.status, 200);
    let mut second = Connection::open(server.address).await;
    second.send(bare("GET /healthz", &[])).await;
    // The one place is taken, so the second is not answered, however often the first is.
    for _ in 0..20 {
        assert_eq!(first.ask(&bare("GET /healthz", &[])).await.status, 200);
    }
    let answered = second.receive("GET");
    tokio::pin!(answered);
    tokio::select! {
        biased;
        _ = &mut answered => panic!("the second was served beside the first"),
        () = tokio::task::yield_now() => {}
    }
    drop(first);
    assert_eq!(answered.await.unwrap().status, 200);
}

#[tokio::test]
async fn a_stop_closes_what_is_idle_at_once() {
    let server = server(limits()).await;
    let mut idle = Connection::open(server.address).await;
    assert_eq!(idle.ask(&bare("GET /healthz", &[])).await.status, 200);
    let mut unused = Connection::open(server.address).await;
    server.stop.cancel();
    idle.wait_until_closed().await;
    unused.wait_until_closed().await;
    let address = server.address;
    ended(server).await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_stop_lets_a_request_in_flight_finish() {
    let server = server(limits()).await;
    let mut slow = Connection::open(server.address).await;
    let request = json("POST /reservations/", r#"{"partnerId":"p","seats":1}"#);
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    slow.send(format!("{head}\r\nExpect: 100-continue\r\n\r\n")).await;
    // The server asks for the body, so the request is in flight.
    assert_eq!(slow.receive("POST").await.unwrap().status, 100);
    server.stop.cancel();
    slow.send(body).await;
    let answer = slow.receive("POST").await.unwrap();
    assert_eq!(answer.problem(), "404 event_not_found: Event not found");
    slow.wait_until_closed().await;
    ended(server).await;
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let server = server(Limits { grace: Duration::from_millis(50), ..limits() }).await;
    let mut slow = Connection::open(server.address).await;
    let request = json("POST /reservations/", r#"{"partnerId":"p","seats":1}"#);
    let (head, _) = request.split_once("\r\n\r\n").unwrap();
    slow.send(format!("{head}\r\nExpect: 100-continue\r\n\r\n")).await;
    assert_eq!(slow.receive("POST").await.unwrap().status, 100);
    server.stop.cancel();
    ended(server).await;
}

#[tokio::test]
async fn a_head_without_end_is_refused() {
    let server = server(limits()).await;
    let mut endless = Connection::open(server.address).await;
    endless.send(format!("GET /{}", "x".repeat(100_000))).await;
    // What was not read makes the system reset the connection, which may overtake the answer.
    let status = endless.receive("GET").await.map(|answer| answer.status);
    assert!(matches!(status, None | Some(414 | 431)), "{status:?}");
    endless.wait_until_closed().await;
    let mut next = Connection::open(server.address).await;
    assert_eq!(next.ask(&bare("GET /healthz", &[])).await.status, 200);
}
