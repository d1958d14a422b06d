//! Honest clients beside slow ones: what it costs the ones that there are the others.
//!
//! Rounds with and without slow clients take turns, and medians are compared, since the machine that
//! this runs on has other things to do as well. The slow clients are of all kinds at once, and whoever is
//! ended by the server comes again, so that there are as many all the time. Nothing is asserted about
//! time, but no honest request may fail and the server's memory has a bound.
//!
//! `TICKETBOSS_SLOW_CLIENTS` is how many there are, `TICKETBOSS_SLOW_ROUND_SECONDS` how long a round is,
//! and `TICKETBOSS_PROGRAM` the program, which should be one that was built to be used:
//!
//! ```text
//! TICKETBOSS_SLOW_CLIENTS=2000 TICKETBOSS_PROGRAM=target/release/ticketboss \
//!   cargo test --test it beside -- --ignored --nocapture
//! ```

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use super::{BODY, ask_and_never_read};
use crate::program::{Serving, program};
use crate::support::{new_directory, setting};
use crate::wire::{Connection, PATIENCE, bare, json};

const CLIENTS_VARIABLE: &str = "TICKETBOSS_SLOW_CLIENTS";
const ROUND_VARIABLE: &str = "TICKETBOSS_SLOW_ROUND_SECONDS";
const SLOW_CLIENTS: usize = 100;
const HONEST_CLIENTS: usize = 16;
/// How long an honest client thinks before it asks the next thing.
const THINKS: Duration = Duration::from_millis(5);
/// The pace of those that send at all.
const PACE: Duration = Duration::from_secs(1);
const ROUND_SECONDS: u64 = 4;
const ROUNDS: usize = 5;
/// The most memory that the server may have taken at any moment.
const MEMORY_MIB_MAX: u64 = 256;
const EVENT: &str = r#"{"eventId":"e","name":"An event","totalSeats":4294967295}"#;

#[test]
#[ignore = "needs a minute of a machine that has little else to do"]
fn honest_clients_do_not_notice_slow_ones() {
    let slow = setting(CLIENTS_VARIABLE).map_or(SLOW_CLIENTS, |text| text.parse().unwrap());
    let seconds = setting(ROUND_VARIABLE).map_or(ROUND_SECONDS, |text| text.parse().unwrap());
    let length = Duration::from_secs(seconds);
    let directory = new_directory();
    let server = serve(Path::new(program()), directory.path());
    let honest = runtime();
    let mut without = Vec::new();
    let mut with = Vec::new();
    let mut requests = 0;
    // The first round warms up and does not count.
    honest.block_on(honest_round(server.address, length));
    for round in 1..=ROUNDS {
        let alone = honest.block_on(honest_round(server.address, length));
        let crowd = Crowd::gather(server.address, slow);
        let beside = honest.block_on(honest_round(server.address, length));
        let ended = crowd.disperse();
        requests += alone.len() + beside.len();
        let (alone, beside) = (p99(alone), p99(beside));
        println!("round {round}: p99 {alone:.2?} alone, {beside:.2?} beside; {ended} came again");
        without.push(alone);
        with.push(beside);
    }
    let (without, with) = (median(without), median(with));
    let ratio = with.as_secs_f64() / without.as_secs_f64();
    let memory_mib = memory_mib(server.pid());
    println!(
        "beside {slow} slow clients: p99 {without:.2?} without them, {with:.2?} with them, ratio \
         {ratio:.2}; {requests} honest requests, none failed; the server took {memory_mib} MiB"
    );
    assert!(memory_mib <= MEMORY_MIB_MAX, "the server took {memory_mib} MiB");
    assert_eq!(server.stop().0, Some(0));
}

fn serve(program: &Path, directory: &Path) -> Serving {
    std::fs::write(directory.join("event.json"), EVENT).unwrap();
    let program = std::path::absolute(program).unwrap();
    let mut command = Command::new(program);
    command.current_dir(directory).env_clear();
    command.args(["serve", "--listen", "127.0.0.1:0", "--seed-event", "event.json"]);
    command.args(["--access-log", "off", "--log", "warn"]);
    Serving::spawn(&mut command)
}

/// One thread, so that the slow clients and the honest ones do not wait for each other.
fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// What honest clients had to wait for each answer. A request that fails ends the test.
async fn honest_round(address: SocketAddr, length: Duration) -> Vec<Duration> {
    let mut clients = JoinSet::new();
    for _ in 0..HONEST_CLIENTS {
        clients.spawn(async move {
            let mut connection = Connection::open(address).await;
            let (sale, look) = (json("POST /reservations/", BODY), bare("GET /reservations/", &[]));
            let mut latencies = Vec::new();
            let began = Instant::now();
            while began.elapsed() < length {
                for (request, status) in [(&sale, 201), (&look, 200)] {
                    let asked = Instant::now();
                    assert_eq!(connection.ask(request).await.status, status);
                    latencies.push(asked.elapsed());
                    tokio::time::sleep(THINKS).await;
                }
            }
            latencies
        });
    }
    clients.join_all().await.concat()
}

/// Slow clients, with a thread of their own.
struct Crowd {
    runtime: Runtime,
    begun: Arc<AtomicUsize>,
    size: usize,
}

impl Crowd {
    /// Waits until each of them has come.
    fn gather(address: SocketAddr, size: usize) -> Self {
        let (runtime, begun) = (runtime(), Arc::new(AtomicUsize::new(0)));
        for number in 0..size {
            let begun = begun.clone();
            runtime.spawn(async move {
                loop {
                    begun.fetch_add(1, Ordering::Relaxed);
                    be_slow(address, number).await;
                }
            });
        }
        let crowd = Self { runtime, begun, size };
        let deadline = Instant::now() + PATIENCE;
        while crowd.begun.load(Ordering::Relaxed) < size {
            assert!(Instant::now() < deadline, "slow clients that can connect");
            std::thread::yield_now();
        }
        crowd
    }

    /// Sends them away, and says how many have come anew because the server had ended them.
    fn disperse(self) -> usize {
        self.runtime.shutdown_timeout(PATIENCE);
        self.begun.load(Ordering::Relaxed) - self.size
    }
}

/// Keeps one connection waiting, until the server ends it.
async fn be_slow(address: SocketAddr, number: usize) {
    if number.is_multiple_of(5) {
        return ask_and_never_read(address).await;
    }
    // Whoever is refused comes again.
    let Ok(mut stream) = TcpStream::connect(address).await else { return };
    let body =
        bare("POST /reservations/", &["Content-Type: application/json", "Content-Length: 16000"]);
    let (first, then) = match number % 5 {
        1 => (String::new(), ""),
        2 => (bare("GET /reservations/", &[]), ""),
        3 => ("GET /reservations/ HTTP/1.1\r\nX: ".to_owned(), "y"),
        _ => (body, " "),
    };
    if stream.write_all(first.as_bytes()).await.is_err() {
        return;
    }
    let mut told = [0; 4096];
    loop {
        let read = tokio::time::timeout(PACE, stream.read(&mut told)).await;
        if read.is_ok_and(|read| read.unwrap_or(0) == 0) {
            return;
        }
        if stream.write_all(then.as_bytes()).await.is_err() {
            return;
        }
    }
}

fn p99(mut latencies: Vec<Duration>) -> Duration {
    latencies.sort_unstable();
    latencies[latencies.len() * 99 / 100]
}

fn median(mut values: Vec<Duration>) -> Duration {
    values.sort_unstable();
    values[values.len() / 2]
}

/// The most memory that a process has had.
fn memory_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    kib / 1024
}
