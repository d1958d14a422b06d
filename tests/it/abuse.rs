//! Clients that misbehave: each kind of them once, against the real accept loop, and somebody honest
//! beside them who must not notice.
//!
//! The pace at which a client sends is the fault itself here, so these clients do wait between bytes.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ticketboss::http::Response;
use ticketboss::server::access_log::AccessLog;
use ticketboss::server::{self, Limits};
use ticketboss_core::domain::{Actor, RequestId};
use ticketboss_engine::Engine;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_store::Store;
use ticketboss_store::local::memory::MemoryStore;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::fuzz::random::{Random, seed};
use crate::support::terms;
use crate::wire::{Connection, PATIENCE, Server, ask, bare, json, reserve, standard_limits};

mod beside;
mod descriptors;

const FAR_AWAY: Duration = Duration::from_hours(1);
const SOON: Duration = Duration::from_millis(200);
const CAPACITY: u32 = 100_000;
const BODY: &str = r#"{"partnerId":"p","seats":1}"#;
const SEED_VARIABLE: &str = "TICKETBOSS_ABUSE_SEED";

/// Limits that are never met, for each test to change one of them.
fn limits() -> Limits {
    Limits { head_timeout: FAR_AWAY, write_timeout: FAR_AWAY, ..standard_limits() }
}

/// Fewer places than clients, so that each that is not given back is missed.
fn few_places() -> Limits {
    Limits { connections_max: NonZeroU32::new(64).unwrap(), ..limits() }
}

async fn server(limits: Limits) -> Server {
    let store = Store::Memory(MemoryStore::default());
    let clock = ticketboss_runtime::clock::Clock::System;
    let engine = Engine::open(store, clock, Entropy::System).await.unwrap();
    engine.create_event(terms("e", CAPACITY), Actor::System, RequestId(0)).await.unwrap();
    Server::of_engine(engine, limits).await
}

/// Somebody comes, buys a seat and looks at what is left.
async fn expect_service(address: SocketAddr) {
    assert_eq!(reserve(address, "honest", 1).await.status, 201);
    assert_eq!(ask(address, &bare("GET /reservations/", &[])).await.status, 200);
}

async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.unwrap()
}

/// Sends `piece` again and again at the pace, until the other side has had enough.
async fn trickle(mut stream: TcpStream, piece: &str, pace: Duration) -> Vec<u8> {
    let (mut from, mut to) = stream.split();
    let mut told = Vec::new();
    let endless = async {
        while to.write_all(piece.as_bytes()).await.is_ok() {
            tokio::time::sleep(pace).await;
        }
        std::future::pending::<()>().await;
    };
    let closed = async {
        // A reset is an end, too.
        let _ = from.read_to_end(&mut told).await;
    };
    timeout(PATIENCE, async {
        tokio::select! { () = closed => {} () = endless => {} }
    })
    .await
    .expect("an end to the server's patience");
    told
}

#[tokio::test]
async fn connections_on_which_nothing_comes_are_ended() {
    let server = server(Limits { head_timeout: SOON, ..limits() }).await;
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(Connection::open(server.address).await);
    }
    expect_service(server.address).await;
    for connection in &mut silent {
        connection.wait_until_closed().await;
    }
}

#[tokio::test]
async fn a_head_that_trickles_is_ended_although_it_goes_on() {
    let server = server(Limits { head_timeout: SOON, ..limits() }).await;
    let mut stream = connect(server.address).await;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ").await.unwrap();
    let told = trickle(stream, "y", SOON / 20).await;
    assert_eq!(told, b"");
    expect_service(server.address).await;
}

#[tokio::test]
async fn a_body_that_trickles_is_told_that_it_took_too_long() {
    let server = server(limits()).await;
    // While server and client wait for time alone, it passes at once.
    tokio::time::pause();
    let mut stream = connect(server.address).await;
    let headers = ["Content-Type: application/json", "Content-Length: 16000"];
    stream.write_all(bare("POST /reservations/", &headers).as_bytes()).await.unwrap();
    let told = trickle(stream, " ", Duration::from_millis(100)).await;
    let told = String::from_utf8(told).unwrap();
    assert!(told.starts_with("HTTP/1.1 408 ") && told.contains(r#""code":"request_timeout""#));
    expect_service(server.address).await;
}

/// Asks for ever and reads no answer, until the other side has had enough.
async fn ask_and_never_read(address: SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let requests = bare("GET /dashboard.js", &[]).repeat(100);
    while stream.write_all(requests.as_bytes()).await.is_ok() {}
}

#[tokio::test]
async fn a_client_that_never_reads_its_answers_is_ended() {
    let server = server(Limits { write_timeout: SOON, ..limits() }).await;
    let asking = timeout(PATIENCE, ask_and_never_read(server.address));
    asking.await.expect("an end to the server's patience");
    expect_service(server.address).await;
}

#[tokio::test]
async fn answers_that_are_not_read_are_few() {
    const ANSWER_BYTES: usize = 16 * 1024;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answered = Arc::new(AtomicUsize::new(0));
    let count = answered.clone();
    let answer = move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        async { Response::new(vec![0; ANSWER_BYTES].into()) }
    };
    let limits = Limits { write_timeout: SOON, ..limits() };
    tokio::spawn(server::serve(listener, answer, AccessLog::OFF, limits, std::future::pending()));
    let asking = timeout(PATIENCE, ask_and_never_read(address));
    asking.await.expect("an end to the server's patience");
    let answered = answered.load(Ordering::Relaxed);
    assert!((1..=32).contains(&answered), "{answered} answers of 16 KiB");
}

#[tokio::test]
async fn a_client_that_never_reads_its_answers_loses_its_place() {
    let server = server(Limits { connections_max: NonZeroU32::MIN, ..limits() }).await;
    let asking = tokio::spawn(ask_and_never_read(server.address));
    while !asking.is_finished() {
        expect_service(server.address).await;
    }
}

#[tokio::test]
async fn a_head_of_64_kib_is_refused() {
    let server = server(limits()).await;
    let long = format!("X: {}", "y".repeat(64 * 1024));
    let many = (0..64).map(|_| format!("X: {}", "y".repeat(1024))).collect::<Vec<_>>();
    let many = many.iter().map(String::as_str).collect::<Vec<_>>();
    for headers in [&[long.as_str()], many.as_slice()] {
        let mut connection = Connection::open(server.address).await;
        let answer = connection.ask(&bare("GET /healthz", headers)).await;
        assert_eq!((answer.status, answer.body.len()), (431, 0));
        connection.wait_until_closed().await;
    }
    expect_service(server.address).await;
}

#[tokio::test]
async fn thousands_of_requests_in_a_row_are_answered_in_order() {
    const REQUESTS: usize = 4_000;
    let server = server(limits()).await;
    let ids = (0..REQUESTS).map(|number| format!("00000000-0000-4000-8000-{number:012}"));
    let ids = ids.collect::<Vec<_>>();
    let requests = ids.iter().map(|id| bare("GET /healthz", &[&format!("X-Request-Id: {id}")]));
    let requests = requests.collect::<Vec<_>>().concat();
    let (mut from, mut to) = connect(server.address).await.into_split();
    let asking = tokio::spawn(async move {
        to.write_all(requests.as_bytes()).await.unwrap();
        to.shutdown().await.unwrap();
    });
    let mut told = String::new();
    timeout(PATIENCE, from.read_to_string(&mut told)).await.expect("answers in time").unwrap();
    asking.await.unwrap();
    let named = told.lines().filter_map(|line| line.strip_prefix("x-request-id: "));
    assert!(named.eq(ids));
    assert_eq!(told.matches("HTTP/1.1 200 OK\r\n").count(), REQUESTS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_reset_at_any_moment_leave_nothing_behind() {
    let server = server(few_places()).await;
    let seed = seed(SEED_VARIABLE);
    println!("{SEED_VARIABLE}={seed}");
    let request = json("POST /reservations/", BODY) + &bare("GET /reservations/", &[]);
    let mut resetting = JoinSet::new();
    for number in 0..500 {
        let (address, request, mut random) =
            (server.address, request.clone(), Random::of(seed, number));
        resetting.spawn(async move {
            let mut stream = connect(address).await;
            let length = random.below(request.len() + 1);
            stream.write_all(&request.as_bytes()[..length]).await.unwrap();
            for _ in 0..random.below(20) {
                tokio::task::yield_now().await;
            }
            stream.set_zero_linger().unwrap();
        });
    }
    resetting.join_all().await;
    expect_service(server.address).await;
    let summary = ask(server.address, &bare("GET /reservations/", &[])).await.json();
    let number = |name: &str| summary[name].as_u64().unwrap();
    // Each that was done was done whole, and was a reservation of one seat.
    assert_eq!(number("availableSeats") + number("reservationCount"), u64::from(CAPACITY));
}

#[tokio::test]
async fn ten_megabytes_are_refused_and_the_answer_arrives() {
    let server = server(limits()).await;
    let chunk = format!("{:x}\r\n{}\r\n", 10_000, "x".repeat(10_000));
    let chunked = bare(
        "POST /reservations/",
        &["Content-Type: application/json", "Transfer-Encoding: chunked"],
    ) + &chunk.repeat(1000)
        + "0\r\n\r\n";
    let declared = json("POST /reservations/", &"x".repeat(10_000_000));
    for request in [chunked, declared] {
        let (mut from, mut to) = connect(server.address).await.into_split();
        let sending = tokio::spawn(async move { to.write_all(request.as_bytes()).await });
        let mut told = String::new();
        let read = timeout(PATIENCE, from.read_to_string(&mut told)).await.expect("an end");
        read.expect("an answer and an orderly end");
        assert!(told.starts_with("HTTP/1.1 413 ") && told.contains(r#""code":"body_too_large""#));
        assert_eq!(told.matches("HTTP/1.1 ").count(), 1);
        // Many a client that cannot send all of its request does not look for an answer.
        sending.await.unwrap().expect("a server that lets its client finish");
    }
    expect_service(server.address).await;
}

#[tokio::test]
async fn a_body_of_two_lengths_hides_no_second_request() {
    let server = server(limits()).await;
    let hidden = bare("GET /hidden", &[]);
    let chunked = format!("{:x}\r\n{BODY}\r\n0\r\n\r\n", BODY.len());
    let length = format!("Content-Length: {}", chunked.len() + hidden.len());
    let encoding = "Transfer-Encoding: chunked";
    for headers in [[length.as_str(), encoding], [encoding, length.as_str()]] {
        let headers = [headers.as_slice(), &["Content-Type: application/json"]].concat();
        let mut connection = Connection::open(server.address).await;
        connection.send(bare("POST /reservations/", &headers) + &chunked + &hidden).await;
        let answer = connection.receive("POST").await.unwrap();
        assert_eq!((answer.status, answer.header("connection")), (201, "close"));
        assert!(connection.receive("GET").await.is_none(), "the rest is not a request");
    }
    for encoding in ["Transfer-Encoding: gzip", "Transfer-Encoding: chunked, identity"] {
        let request = bare("POST /reservations/", &[encoding, &length]) + &chunked;
        assert_eq!(ask(server.address, &request).await.status, 400, "{encoding}");
    }
    expect_service(server.address).await;
}

#[tokio::test]
async fn who_speaks_http_2_is_not_understood_but_harms_nobody() {
    let server = server(limits()).await;
    let mut connection = Connection::open(server.address).await;
    connection.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;
    assert!(connection.receive("PRI").await.is_none());
    let upgrade = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAA"];
    let mut connection = Connection::open(server.address).await;
    for _ in 0..2 {
        assert_eq!(connection.ask(&bare("GET /healthz", &upgrade)).await.status, 200);
    }
    expect_service(server.address).await;
}

#[tokio::test]
async fn thousands_that_come_and_go_at_once_do_no_harm() {
    let server = server(few_places()).await;
    for round in 0..25 {
        let mut open = Vec::new();
        for number in 0..100 {
            let stream = connect(server.address).await;
            if (round + number) % 2 == 0 {
                stream.set_zero_linger().unwrap();
            }
            open.push(stream);
        }
    }
    expect_service(server.address).await;
}

/// Takes all places there are, each in another way, and holds them.
async fn take_places(address: SocketAddr, places: usize) -> Vec<TcpStream> {
    let request = bare("GET /healthz", &[]);
    let waits_for_body = bare(
        "POST /reservations/",
        &["Content-Type: application/json", "Content-Length: 100", "Expect: 100-continue"],
    );
    let mut held = Vec::new();
    for number in 0..places {
        let mut stream = connect(address).await;
        let (said, told) = match number % 4 {
            0 => ("", ""),
            1 => (&request[..request.len() - 2], ""),
            2 => (waits_for_body.as_str(), "HTTP/1.1 100 "),
            _ => (request.as_str(), "HTTP/1.1 200 "),
        };
        stream.write_all(said.as_bytes()).await.unwrap();
        let mut beginning = vec![0; told.len()];
        stream.read_exact(&mut beginning).await.unwrap();
        assert_eq!(beginning, told.as_bytes());
        held.push(stream);
    }
    held
}

#[tokio::test]
async fn clients_that_keep_all_places_waiting_lose_them_to_those_who_ask() {
    let places = NonZeroU32::new(8).unwrap();
    let server = server(Limits { connections_max: places, ..limits() }).await;
    let held = take_places(server.address, 8).await;
    let mut newcomers = Vec::new();
    for _ in 0..8 {
        let mut newcomer = Connection::open(server.address).await;
        assert_eq!(newcomer.ask(&bare("GET /healthz", &[])).await.status, 200);
        newcomers.push(newcomer);
    }
    for (number, mut stream) in held.into_iter().enumerate() {
        let mut told = String::new();
        let _ = timeout(PATIENCE, stream.read_to_string(&mut told)).await.expect("a close");
        // The timeouts are all far away but the one for a body, and that was not what ended it.
        let expected = if number % 4 == 2 { "while others wait" } else { "" };
        assert!(told.contains(expected), "{told}");
    }
}

#[tokio::test]
async fn who_asks_keeps_his_place_while_others_lose_theirs() {
    let places = NonZeroU32::new(4).unwrap();
    let server = server(Limits { connections_max: places, ..limits() }).await;
    let mut regular = Connection::open(server.address).await;
    for _ in 0..2 {
        let held = take_places(server.address, 3).await;
        let newcomer = tokio::spawn(expect_service(server.address));
        while !newcomer.is_finished() {
            assert_eq!(regular.ask(&bare("GET /healthz", &[])).await.status, 200);
        }
        newcomer.await.unwrap();
        drop(held);
    }
}
