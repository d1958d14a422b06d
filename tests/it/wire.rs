//! HTTP as it is on the wire, for tests: bytes out, an answer in, and a server in this process.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;

use serde_json::Value;
use ticketboss::http::{self, Context, Feeds, Readiness};
use ticketboss::server::access_log::AccessLog;
use ticketboss::server::{self, Limits};
use ticketboss_core::domain::{Actor, EventId, EventName, EventTerms, RequestId, Seats};
use ticketboss_engine::Engine;
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_store::Store;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) use crate::support::PATIENCE;

/// An answer, taken apart.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// By their lower-case names.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// Status, code, and the seed's text: what a problem is in one line.
    pub(crate) fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let json = self.json();
        assert_eq!(json["status"], self.status);
        assert_eq!(json["requestId"], self.header("x-request-id"));
        let text = |name: &str| json[name].as_str().unwrap().to_owned();
        assert_eq!(text("type"), format!("/problems/{}", text("code")));
        assert!(!text("title").is_empty() && !text("detail").is_empty());
        format!("{} {}: {}", self.status, text("code"), text("error"))
    }
}

/// A connection that is kept.
pub(crate) struct Connection {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, unread: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads one answer to a request that was sent; a `HEAD` has no body whatever its length says.
    pub(crate) async fn receive(&mut self, method: &str) -> Option<Answer> {
        let reading = self.read_answer(method);
        tokio::time::timeout(PATIENCE, reading).await.expect("an answer in time")
    }

    async fn read_answer(&mut self, method: &str) -> Option<Answer> {
        let head_end = loop {
            if let Some(at) = find(&self.unread, b"\r\n\r\n") {
                break at;
            }
            if !self.read_more().await {
                return None;
            }
        };
        let head = String::from_utf8(self.unread.drain(..head_end + 4).collect()).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let header = |line: &str| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_lowercase(), value.trim().to_owned())
        };
        let headers: BTreeMap<_, _> = lines.map(header).collect();
        let length = headers.get("content-length").map_or(0, |text| text.parse().unwrap());
        let length = if method == "HEAD" { 0 } else { length };
        while self.unread.len() < length {
            assert!(self.read_more().await, "the body ended too early");
        }
        let body = self.unread.drain(..length).collect();
        Some(Answer { status, headers, body })
    }

    /// Waits until the other side has closed; whatever it still says is dropped.
    pub(crate) async fn wait_until_closed(&mut self) {
        let closed = async { while self.read_more().await {} };
        tokio::time::timeout(PATIENCE, closed).await.expect("a close in time");
    }

    async fn read_more(&mut self) -> bool {
        let mut chunk = [0; 4096];
        let read = self.stream.read(&mut chunk).await.unwrap_or(0);
        self.unread.extend_from_slice(&chunk[..read]);
        read > 0
    }

    pub(crate) async fn ask(&mut self, request: &str) -> Answer {
        self.send(request).await;
        let method = request.split(' ').next().unwrap();
        self.receive(method).await.expect("an answer")
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// A request without a body: `"GET /x"`, and more headers if there are any.
pub(crate) fn bare(line: &str, headers: &[&str]) -> String {
    let mut request = format!("{line} HTTP/1.1\r\nHost: localhost\r\n");
    for header in headers {
        request.push_str(header);
        request.push_str("\r\n");
    }
    request + "\r\n"
}

/// A request with a JSON body.
pub(crate) fn json(line: &str, body: &str) -> String {
    let length = format!("Content-Length: {}", body.len());
    bare(line, &["Content-Type: application/json", &length]) + body
}

/// Asks over a connection of its own.
pub(crate) async fn ask(address: SocketAddr, request: &str) -> Answer {
    Connection::open(address).await.ask(request).await
}

/// Reserves, and gives the id.
pub(crate) async fn reserve(address: SocketAddr, partner: &str, seats: u32) -> Answer {
    let body = serde_json::json!({ "partnerId": partner, "seats": seats }).to_string();
    ask(address, &json("POST /reservations/", &body)).await
}

/// How many may follow at once.
pub(crate) const SUBSCRIBERS_MAX: usize = 50;

/// Limits that no test meets by accident.
pub(crate) fn standard_limits() -> Limits {
    Limits::standard(NonZeroU32::new(1000).unwrap())
}

/// A server in this process, on a port of its own.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) readiness: Readiness,
    pub(crate) feeds: Feeds,
    pub(crate) stop: CancellationToken,
    pub(crate) ended: JoinHandle<()>,
}

impl Server {
    /// Serves an event `e` of `capacity` seats out of `store`.
    pub(crate) async fn of_event(store: Store, capacity: u32) -> Self {
        let engine = Engine::open(store, Clock::System, Entropy::System).await.unwrap();
        let terms = EventTerms::on_sale(
            EventId::new("e").unwrap(),
            EventName::new("An event").unwrap(),
            Seats::new(capacity).unwrap(),
            Seats::new(10).unwrap(),
        );
        engine.create_event(terms, Actor::System, RequestId(0)).await.unwrap();
        Self::of_engine(engine, standard_limits()).await
    }

    pub(crate) async fn of_engine(engine: Engine, limits: Limits) -> Self {
        Self::for_subscribers(engine, limits, SUBSCRIBERS_MAX).await
    }

    /// As [`Server::of_engine`], for so many who follow at once.
    pub(crate) async fn for_subscribers(engine: Engine, limits: Limits, most: usize) -> Self {
        let readiness = Readiness::default();
        let context = Context::new(engine, readiness.clone(), most);
        let feeds = context.feeds.clone();
        let api = http::api(&context);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let until = stop.clone().cancelled_owned();
        let serving = server::serve(
            listener,
            move |request| api.clone().answer(request),
            AccessLog::OFF,
            limits,
            until,
        );
        Self { address, readiness, feeds, stop, ended: tokio::spawn(serving) }
    }
}
