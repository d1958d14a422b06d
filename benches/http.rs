//! `POST /reservations/` over real sockets against a route with the same JSON in and out that does
//! nothing, behind the same accept loop: what selling a seat costs beside answering at all.
//!
//! Neither writes a log. The client sends ready-made bytes, so that little of what is measured is its
//! own. Run it with `cargo bench --bench http`. The last lines are the ratios.

mod support;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde::{Deserialize, Serialize};
use support::{compare, terms};
use ticketboss::http::{self, Context, Readiness, Response};
use ticketboss::server::{self, Limits, access_log::AccessLog};
use ticketboss_core::domain::{Actor, RequestId};
use ticketboss_engine::Engine;
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_store::local::sled::{SledOptions, open};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tower_service::Service;
use warp::Filter;

/// How many requests one measurement of a comparison makes.
const REQUESTS: u64 = 20_000;
const CONNECTIONS_MAX: NonZeroU32 = NonZeroU32::new(10_000).unwrap();
const BODY: &str = r#"{"partnerId":"abc-corp","seats":1}"#;

/// What the empty route reads and writes: the same fields as a reservation.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    partner_id: String,
    seats: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    reservation_id: String,
    seats: u32,
    status: &'static str,
    version: u64,
}

/// A server that sells seats of one event without end, with its data in `directory`.
fn start_ours(runtime: &Runtime, directory: &Path) -> SocketAddr {
    runtime.block_on(async {
        let store = open(&SledOptions::standard(directory)).expect("a store").store;
        let engine = Engine::open(store, Clock::System, Entropy::System).await.expect("an engine");
        let terms = terms("bench", u32::MAX);
        engine.create_event(terms, Actor::System, RequestId(0)).await.expect("an event");
        let api = http::api(&Context::new(engine, Readiness::default(), 0));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let never = std::future::pending();
        tokio::spawn(server::serve(
            listener,
            move |request| api.clone().answer(request),
            AccessLog::OFF,
            Limits::standard(CONNECTIONS_MAX),
            never,
        ));
        address
    })
}

/// A server whose route does nothing.
fn start_empty(runtime: &Runtime) -> SocketAddr {
    let route = warp::path!("reservations" / ..)
        .and(warp::post())
        .and(warp::body::json::<Asked>())
        .map(|asked: Asked| {
            let told = Told {
                reservation_id: "00000001-0000-8000-8009-61b42a322344".to_owned(),
                seats: asked.seats,
                status: if asked.partner_id.is_empty() { "refused" } else { "confirmed" },
                version: 1,
            };
            warp::reply::with_status(warp::reply::json(&told), warp::http::StatusCode::CREATED)
        })
        .boxed();
    let service = warp::service(route);
    let answer = move |request| {
        let mut service = service.clone();
        async move {
            let answered: Result<Response, std::convert::Infallible> = service.call(request).await;
            answered.unwrap_or_else(|never| match never {})
        }
    };
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let never = std::future::pending();
        tokio::spawn(server::serve(
            listener,
            answer,
            AccessLog::OFF,
            Limits::standard(CONNECTIONS_MAX),
            never,
        ));
        address
    })
}

/// Clients that keep their connections from one measurement to the next.
struct Load<'a> {
    runtime: &'a Runtime,
    idle: Vec<TcpStream>,
}

impl<'a> Load<'a> {
    fn open(runtime: &'a Runtime, server: SocketAddr, connections: usize) -> Self {
        let idle = runtime.block_on(async {
            let mut open = Vec::with_capacity(connections);
            for _ in 0..connections {
                let stream = TcpStream::connect(server).await.expect("a connection");
                stream.set_nodelay(true).expect("a connection");
                open.push(stream);
            }
            open
        });
        Self { runtime, idle }
    }

    /// Makes `requests`, and says how long that took.
    fn storm(&mut self, requests: u64) -> Duration {
        let left = Arc::new(AtomicU64::new(requests));
        self.runtime.block_on(async {
            let began = Instant::now();
            let mut clients = tokio::task::JoinSet::new();
            for stream in self.idle.drain(..) {
                clients.spawn(client(stream, left.clone()));
            }
            while let Some(ended) = clients.join_next().await {
                self.idle.push(ended.expect("a client that was answered"));
            }
            began.elapsed()
        })
    }
}

async fn client(mut stream: TcpStream, left: Arc<AtomicU64>) -> TcpStream {
    let request = format!(
        "POST /reservations/ HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{BODY}",
        BODY.len(),
    );
    let mut answer = vec![0; 4096];
    let one_less = |left: u64| left.checked_sub(1);
    while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok() {
        stream.write_all(request.as_bytes()).await.expect("an open connection");
        let mut length = 0;
        loop {
            let room = answer.get_mut(length..).expect("an answer that fits");
            let read = stream.read(room).await.expect("an open connection");
            assert!(read > 0, "the server hung up");
            length += read;
            let so_far = answer.get(..length).expect("what was read");
            if so_far.ends_with(b"}") {
                assert!(so_far.starts_with(b"HTTP/1.1 201"), "{}", so_far.escape_ascii());
                break;
            }
        }
    }
    stream
}

fn http(criterion: &mut Criterion) {
    let server = Runtime::new().expect("a runtime");
    // One thread, which leaves the rest of the machine to the server.
    let clients = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let clients = clients.expect("a runtime");
    let in_memory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let in_memory = in_memory.expect("a directory");
    let on_disk = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let empty = start_empty(&server);
    let cases = [
        ("data on tmpfs", 64, start_ours(&server, in_memory.path())),
        ("data on disk", 512, start_ours(&server, on_disk.path())),
    ];
    let mut group = criterion.benchmark_group("http");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(3))
        .throughput(Throughput::Elements(1));
    for (place, connections, ours) in cases {
        let mut ours = Load::open(&clients, ours, connections);
        group.bench_function(format!("reserve, {place}/{connections}"), |timer| {
            timer.iter_custom(|requests| ours.storm(requests));
        });
        let mut empty = Load::open(&clients, empty, connections);
        group.bench_function(format!("empty route/{connections}"), |timer| {
            timer.iter_custom(|requests| empty.storm(requests));
        });
    }
    group.finish();
    for (place, connections, ours) in cases {
        let mut ours = Load::open(&clients, ours, connections);
        let mut empty = Load::open(&clients, empty, connections);
        compare(
            &format!("{REQUESTS} requests over {connections} connections, {place}"),
            || ours.storm(REQUESTS),
            "the empty route",
            || empty.storm(REQUESTS),
        );
    }
}

criterion_group!(benches, http);
criterion_main!(benches);
