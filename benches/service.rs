//! The whole service under load: many events against one, readers while others write, and a thousand who
//! follow. Each is held against the same without it, in the same run.
//!
//! Run it with `cargo bench --bench service`; the server is a process of its own where its memory counts.

#![expect(clippy::print_stdout, reason = "a bench prints")]

mod support;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use support::{compare, is_measuring, terms};
use ticketboss::http::{self, Context, Readiness};
use ticketboss::server::{self, Limits, access_log::AccessLog};
use ticketboss_core::domain::{Actor, RequestId};
use ticketboss_engine::Engine;
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_store::local::sled::{SledOptions, open};
use ticketboss_store::{Counts, Store};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

/// How many clients ask at the same time.
const CLIENTS: usize = 64;
const EVENTS: usize = 1_000;
const SUBSCRIBERS: usize = 1_000;
/// How many changes there are a second while they follow.
const CHANGES_PER_SECOND: u32 = 200;
/// How many requests one measurement of a comparison makes.
const REQUESTS: u64 = 20_000;

fn main() {
    let clients = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let clients = clients.expect("a runtime");
    many_events(&clients);
    readers(&clients);
    subscribers(&clients);
}

/// How much of what is meant to be measured is done; where nothing is measured, next to nothing.
fn scale(full: usize) -> usize {
    if is_measuring() { full } else { full.min(4) }
}

fn requests() -> u64 {
    if is_measuring() { REQUESTS } else { 64 }
}

/// A server in this process, its data on disk: event `hot`, and so many others.
fn start(server: &Runtime, others: usize) -> (SocketAddr, Store, tempfile::TempDir) {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let store = open(&SledOptions::standard(directory.path())).expect("a store").store;
    let kept = store.clone();
    let address = server.block_on(async {
        let engine =
            Engine::open(store, Clock::steady(), Entropy::System).await.expect("an engine");
        let ids = (0..others).map(|number| format!("event-{number}"));
        for id in std::iter::once("hot".to_owned()).chain(ids) {
            let terms = terms(&id, u32::MAX);
            engine.create_event(terms, Actor::System, RequestId(0)).await.expect("an event");
        }
        let api = http::api(&Context::new(engine, Readiness::default(), 0));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let answer = move |request| api.clone().answer(request);
        let limits = Limits::standard(10_000.try_into().expect("a number"));
        let never = std::future::pending();
        tokio::spawn(server::serve(listener, answer, AccessLog::OFF, limits, never));
        address
    });
    (address, kept, directory)
}

/// A connection that is kept.
struct Client {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Client {
    async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("a connection");
        Self { stream, answer: Vec::new() }
    }

    /// Asks, and gives the answer's head and body.
    async fn ask(&mut self, request: &str) -> &str {
        self.stream.write_all(request.as_bytes()).await.expect("an open connection");
        self.answer.clear();
        while !self.answer.ends_with(b"}") {
            let read = self.stream.read_buf(&mut self.answer).await.expect("an open connection");
            assert!(read > 0, "the server hung up");
        }
        std::str::from_utf8(&self.answer).expect("an answer in letters")
    }

    async fn reserve(&mut self, event: &str) -> &str {
        let body = r#"{"partnerId":"abc-corp","seats":1}"#;
        let request = format!(
            "POST /v1/events/{event}/reservations HTTP/1.1\r\nHost: bench\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = self.ask(&request).await;
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
        answer
    }

    async fn read(&mut self, event: &str) {
        let request = format!("GET /v1/events/{event} HTTP/1.1\r\nHost: bench\r\n\r\n");
        let answer = self.ask(&request).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

/// Reserves so often, by all clients together, of `hot` or of all the others in turn.
fn storm(clients: &Runtime, connections: &mut Vec<Client>, others: usize) -> Duration {
    let left = Arc::new(AtomicU64::new(requests()));
    clients.block_on(async {
        let began = Instant::now();
        let mut working = tokio::task::JoinSet::new();
        for mut client in connections.drain(..) {
            let left = left.clone();
            working.spawn(async move {
                let one_less = |left: u64| left.checked_sub(1);
                while let Ok(turn) =
                    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less)
                {
                    let place = usize::try_from(turn).unwrap_or(0).checked_rem(others);
                    let event = place.map_or("hot".to_owned(), |place| format!("event-{place}"));
                    client.reserve(&event).await;
                }
                client
            });
        }
        while let Some(ended) = working.join_next().await {
            connections.push(ended.expect("a client that was answered"));
        }
        began.elapsed()
    })
}

/// A thousand events at once against one hot event.
fn many_events(clients: &Runtime) {
    let server = Runtime::new().expect("a runtime");
    let others = scale(EVENTS);
    let (address, store, _directory) = start(&server, others);
    let connect = || async {
        let mut connections = Vec::new();
        for _ in 0..scale(CLIENTS) {
            connections.push(Client::connect(address).await);
        }
        connections
    };
    let mut connections = clients.block_on(connect());
    let mut hot_connections = clients.block_on(connect());
    let counted = |what: &str, before: Counts| {
        let after = store.counts().expect("a disk");
        let (commits, syncs) = (after.commits - before.commits, after.syncs - before.syncs);
        println!("count  {what}: {} sales, {commits} commits, {syncs} syncs", requests());
    };
    let before = store.counts().expect("a disk");
    storm(clients, &mut hot_connections, 0);
    counted("one hot event", before);
    let before = store.counts().expect("a disk");
    storm(clients, &mut connections, others);
    counted(&format!("{others} events"), before);
    compare(
        &format!("{} sales by {} clients, {others} events at once", requests(), scale(CLIENTS)),
        || storm(clients, &mut connections, others),
        "one hot event",
        || storm(clients, &mut hot_connections, 0),
    );
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000, 3).expect("a minute, to three digits")
}

fn told(latencies: &Histogram<u64>) -> String {
    let [half, most] = [0.5, 0.99].map(|share| latencies.value_at_quantile(share));
    format!("p50 {half} µs, p99 {most} µs of {}", latencies.len())
}

/// What the others do while somebody reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Others {
    Rest,
    Read,
    Reserve,
    /// With pauses, so that a processor is left for whoever reads.
    ReserveWithPauses,
}

/// Is busy until it is told to stop.
async fn be_busy(address: SocketAddr, others: Others, stop: Arc<AtomicBool>, pause: Duration) {
    let mut client = Client::connect(address).await;
    // Pauses that begin at one moment would end at one moment.
    tokio::time::sleep(pause).await;
    while !stop.load(Ordering::Relaxed) {
        match others {
            Others::Reserve => drop(client.reserve("hot").await.len()),
            Others::ReserveWithPauses => {
                client.reserve("hot").await;
                tokio::time::sleep(pause).await;
            }
            Others::Read | Others::Rest => client.read("hot").await,
        }
    }
}

/// How long it takes to read an event, one read after the other with a pause, while others are busy with it.
/// They have a thread of their own, or the reads would wait for them to read their answers.
fn read_latencies(clients: &Runtime, address: SocketAddr, others: Others) -> Histogram<u64> {
    let reads = scale(2_000);
    let stop = Arc::new(AtomicBool::new(false));
    let busy = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let busy = busy.expect("a runtime");
    let count = if others == Others::Rest { 0 } else { scale(CLIENTS) };
    let pauses = (0..count).zip((20..80).cycle()).map(|(_, millis)| Duration::from_millis(millis));
    let working: Vec<_> =
        pauses.map(|pause| busy.spawn(be_busy(address, others, stop.clone(), pause))).collect();
    clients.block_on(async {
        let mut latencies = histogram();
        let mut reader = Client::connect(address).await;
        for _ in 0..reads {
            let began = Instant::now();
            reader.read("hot").await;
            let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
            latencies.saturating_record(micros);
            // As many moments as possible of what the others do, and not one after the other.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        stop.store(true, Ordering::Relaxed);
        for ended in working {
            ended.await.expect("a client that was answered");
        }
        latencies
    })
}

/// Reads while nobody, readers, or writers are busy with the same event.
fn readers(clients: &Runtime) {
    use Others::{Read, Reserve, ReserveWithPauses, Rest};
    let server = Runtime::new().expect("a runtime");
    let (address, store, _directory) = start(&server, 0);
    for others in [Rest, ReserveWithPauses, Rest, ReserveWithPauses, Rest, Read, Reserve, Rest] {
        let before = store.counts().expect("a disk");
        let began = Instant::now();
        let latencies = read_latencies(clients, address, others);
        let commits = store.counts().expect("a disk").commits - before.commits;
        println!("reads  while {} others {others:?}: {}", scale(CLIENTS), told(&latencies));
        if commits > 0 {
            println!("reads  there were {commits} commits in {:.1?} meanwhile", began.elapsed());
        }
    }
}

/// A server in a process of its own. It ends with whoever has this.
struct OwnServer {
    process: Child,
    address: SocketAddr,
    _directory: tempfile::TempDir,
}

impl OwnServer {
    fn start() -> Self {
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
        let file = directory.path().join("event.json");
        let event = r#"{"eventId":"hot","name":"Bench","totalSeats":4000000000}"#;
        std::fs::write(&file, event).expect("a file");
        let mut process = Command::new(env!("CARGO_BIN_EXE_ticketboss"))
            .current_dir(directory.path())
            .env_clear()
            .args(["serve", "--listen", "127.0.0.1:0", "--log", "warn", "--access-log", "off"])
            .arg("--seed-event")
            .arg(&file)
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let mut lines = lines.map_while(Result::ok);
        let address = lines.find_map(|line| {
            let place = line.trim().strip_prefix("dashboard")?.trim().to_owned();
            place.trim_start_matches("http://").trim_end_matches('/').parse().ok()
        });
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, address: address.expect("an address"), _directory: directory }
    }

    /// The most memory that it has had, and the time that it has worked.
    fn usage(&self) -> (u64, Duration) {
        let read = |name| std::fs::read_to_string(format!("/proc/{}/{name}", self.process.id()));
        let status = read("status").expect("its state");
        let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = most.and_then(|text| text.trim().trim_end_matches(" kB").parse::<u64>().ok());
        let stat = read("stat").expect("its state");
        let ticks = stat.rsplit(')').next().expect("its state").split_whitespace().skip(11).take(2);
        let ticks: u64 = ticks.filter_map(|text| text.parse::<u64>().ok()).sum();
        (kib.unwrap_or(0) / 1024, Duration::from_millis(ticks * 10))
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Follows `hot`, and tells when each version came.
async fn follow(address: SocketAddr, came: mpsc::UnboundedSender<(u64, Instant)>) {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = "GET /v1/events/hot/feed HTTP/1.1\r\nHost: bench\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("an open connection");
    let mut lines = tokio::io::BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let version = line.strip_prefix("id: ").and_then(|id| id.parse().ok());
        if let Some(version) = version
            && came.send((version, Instant::now())).is_err()
        {
            return;
        }
    }
}

/// Reserves at a steady rate, and gives how long each answer took, and when each version was answered.
async fn change_steadily(
    address: SocketAddr,
    changes: u32,
) -> (Histogram<u64>, Vec<(u64, Instant)>) {
    let mut client = Client::connect(address).await;
    let (mut latencies, mut answered) = (histogram(), Vec::new());
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / CHANGES_PER_SECOND);
    for _ in 0..changes {
        ticks.tick().await;
        let began = Instant::now();
        let answer = client.reserve("hot").await;
        let version = answer.rsplit("\"version\":").next().and_then(|rest| {
            rest.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
        });
        answered.push((version.expect("a version"), Instant::now()));
        let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        latencies.saturating_record(micros);
    }
    (latencies, answered)
}

/// A thousand who follow one event at 200 changes a second, and what they cost those who write.
fn subscribers(clients: &Runtime) {
    let server = OwnServer::start();
    let address = server.address;
    let changes = if is_measuring() { 10 * CHANGES_PER_SECOND } else { 4 };
    let work = |label: &str, subscribers: usize| {
        clients.block_on(async {
            let (came, mut coming) = mpsc::unbounded_channel();
            let mut following = tokio::task::JoinSet::new();
            for _ in 0..subscribers {
                following.spawn(follow(address, came.clone()));
            }
            // Each says first where it begins.
            for _ in 0..subscribers {
                coming.recv().await;
            }
            let worked_before = server.usage().1;
            let (latencies, answered) = change_steadily(address, changes).await;
            let first = answered.first().expect("a change").0;
            let mut late = histogram();
            for _ in 0..subscribers * answered.len() {
                let (version, at) = coming.recv().await.expect("a subscriber");
                let place = usize::try_from(version - first).expect("a change of these");
                let (_, told_at) = answered.get(place).expect("a change of these");
                let micros = at.saturating_duration_since(*told_at).as_micros();
                late.saturating_record(u64::try_from(micros).unwrap_or(u64::MAX));
            }
            let (mib, worked) = server.usage();
            let worked = worked.saturating_sub(worked_before);
            println!("feed   {label}: answers to the writer {}", told(&latencies));
            if subscribers > 0 {
                println!("feed   {label}: from answer to frame {}", told(&late));
            }
            println!("feed   {label}: the server worked {worked:?}, and had at most {mib} MiB");
        });
    };
    work("nobody follows", 0);
    work(&format!("{} follow", scale(SUBSCRIBERS)), scale(SUBSCRIBERS));
    work("nobody follows any more", 0);
}
