//! Connections: those that take too long, too many of them, and the end of them all.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use ticketboss::http::Response;
use ticketboss::server::access_log::AccessLog;
use ticketboss::server::{self, Limits};
use ticketboss_engine::Engine;
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_store::Store;
use ticketboss_store::local::memory::MemoryStore;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};

use crate::wire::{Connection, PATIENCE, Server, bare, json, standard_limits};

const FAR_AWAY: Duration = Duration::from_hours(1);

async fn server(limits: Limits) -> Server {
    let store = Store::Memory(MemoryStore::default());
    let engine = Engine::open(store, Clock::System, Entropy::System).await.unwrap();
    Server::of_engine(engine, limits).await
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
    // Server and client wait for time alone, so it passes at once.
    tokio::time::pause();
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

/// Round trips between two other sockets of this runtime. Whatever was ready before has had its turn
/// many times over when they are done.
async fn give_everybody_a_turn() {
    let other = server(limits()).await;
    let mut connection = Connection::open(other.address).await;
    for _ in 0..200 {
        assert_eq!(connection.ask(&bare("GET /healthz", &[])).await.status, 200);
    }
}

#[tokio::test]
async fn beyond_the_cap_a_connection_waits_for_a_place() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (entered, mut entries) = mpsc::unbounded_channel();
    let may_leave = Arc::new(Semaphore::new(0));
    let at_work = may_leave.clone();
    let answer = move |_| {
        let (entered, at_work) = (entered.clone(), at_work.clone());
        async move {
            entered.send(()).unwrap();
            at_work.acquire().await.unwrap().forget();
            Response::default()
        }
    };
    let two = Limits { connections_max: NonZeroU32::new(2).unwrap(), ..limits() };
    let never = std::future::pending();
    tokio::spawn(server::serve(listener, answer, AccessLog::OFF, two, never));
    let mut clients = Vec::new();
    for _ in 0..5 {
        let mut client = Connection::open(address).await;
        client.send(bare("GET /", &["Connection: close"])).await;
        clients.push(client);
    }
    let mut inside = 0;
    while !clients.is_empty() {
        while inside < clients.len().min(2) {
            tokio::time::timeout(PATIENCE, entries.recv()).await.expect("an entry").unwrap();
            inside += 1;
        }
        give_everybody_a_turn().await;
        assert!(entries.try_recv().is_err(), "a third was served beside the two");
        may_leave.add_permits(1);
        assert_eq!(clients.remove(0).receive("GET").await.unwrap().status, 200);
        inside -= 1;
    }
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
    // A process that another test is just starting has the listener, too, until it becomes a program.
    let refused = async {
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, refused).await.expect("nobody listens any more");
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

/// Whether the server ends by itself or is given up: what it has begun for its clients ends with it.
#[tokio::test]
async fn what_is_cut_is_not_worked_on_any_more() {
    for is_given_up in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (working, mut worked) = mpsc::channel::<()>(1);
        let (entered, mut entries) = mpsc::unbounded_channel();
        let answer = move |_| {
            let (entered, working) = (entered.clone(), working.clone());
            async move {
                entered.send(()).unwrap();
                std::future::pending::<()>().await;
                drop(working);
                Response::default()
            }
        };
        let limits = Limits { grace: Duration::from_millis(50), ..limits() };
        let stop = Arc::new(Semaphore::new(0));
        let stopped = stop.clone();
        let until = async move { stopped.acquire().await.unwrap().forget() };
        let serving = server::serve(listener, answer, AccessLog::OFF, limits, until);
        let serving = tokio::spawn(serving);
        let mut client = Connection::open(address).await;
        client.send(bare("GET /", &[])).await;
        tokio::time::timeout(PATIENCE, entries.recv()).await.expect("an entry").unwrap();
        if is_given_up {
            serving.abort();
        } else {
            stop.add_permits(1);
            tokio::time::timeout(PATIENCE, serving).await.expect("an end in time").unwrap();
        }
        let ended = tokio::time::timeout(PATIENCE, worked.recv()).await;
        assert_eq!(ended.expect("an end of the work"), None);
        client.wait_until_closed().await;
    }
}

#[tokio::test]
async fn a_head_without_end_is_refused() {
    let server = server(limits()).await;
    let mut endless = Connection::open(server.address).await;
    endless.send(format!("GET /{}", "x".repeat(100_000))).await;
    let status = endless.receive("GET").await.map(|answer| answer.status);
    assert!(matches!(status, Some(414 | 431)), "{status:?}");
    endless.wait_until_closed().await;
    let mut next = Connection::open(server.address).await;
    assert_eq!(next.ask(&bare("GET /healthz", &[])).await.status, 200);
}
