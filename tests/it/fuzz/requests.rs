//! Requests over real sockets and the real accept loop.
//!
//! Each case is a connection of its own: everything is sent, then the sending side is closed, so that
//! the server has to answer or close, whatever it took the bytes for. What comes back has to be
//! documented, and the server has to be as well afterwards as it was before.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use tempfile::TempDir;
use ticketboss::http::{Context, Readiness, api};
use ticketboss::server::access_log::AccessLog;
use ticketboss::server::serve;
use ticketboss_core::domain::{Actor, RequestId};
use ticketboss_engine::Engine;
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_store::Store;
use ticketboss_store::local::memory::MemoryStore;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

use super::answers::{self, Said};
use super::random::{Alphabet, Random};
use super::{Target, Verdict, cases};
use crate::support::{new_directory, terms};
use crate::wire::{PATIENCE, ask, bare, json, standard_limits};

const NAME: &str = "requests";
const SHARE: u64 = 390;
/// The threads of the server that is asked.
const THREAD_NAME: &str = "fuzzed server";
/// Stands in a request for the id of a reservation that there is.
const ID: &[u8] = b"{id}";
/// How many ids are kept for that.
const IDS_MAX: usize = 256;
/// There is an access log to look at when there are not more cases; it would get long.
const LOGGED_CASES_MAX: u64 = 20_000;
const BODY: &str = r#"{"partnerId":"abc-corp","seats":3}"#;

/// How often a thread of the server has panicked.
static PANICS: AtomicU64 = AtomicU64::new(0);

/// A server, and what has come of the requests.
struct Harness {
    runtime: Runtime,
    address: SocketAddr,
    log: AccessLog,
    log_file: PathBuf,
    _directory: TempDir,
    made: AtomicU64,
    cancelled: AtomicU64,
    /// Requests whose answers may be lost.
    unknown: AtomicU64,
    ids: Mutex<VecDeque<String>>,
}

#[test]
fn requests() {
    count_panics();
    let harness = Harness::start();
    let target = Target {
        name: NAME,
        share: SHARE,
        corpus: corpus(),
        alphabet: Alphabet::Text(WORDS),
        mend,
        read: &|bytes| harness.ask(bytes),
    };
    target.fuzz();
    harness.check_health();
    harness.check_log();
}

fn count_panics() {
    let earlier = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().name() == Some(THREAD_NAME) {
            PANICS.fetch_add(1, Ordering::Relaxed);
        }
        earlier(panic);
    }));
}

const WORDS: &[&str] = &[
    "GET ",
    "POST ",
    "DELETE ",
    "HEAD ",
    "OPTIONS ",
    "CONNECT ",
    "BREW ",
    " HTTP/1.1",
    " HTTP/1.0",
    " HTTP/2.0",
    "/",
    "//",
    "/reservations/",
    "/healthz",
    "/v1",
    "*",
    "http://h/reservations",
    "?a=b",
    "#",
    "%00",
    "%2F",
    "..",
    "{id}",
    "\r\n",
    "\n",
    "\r",
    "\r\n\r\n",
    ":",
    " ",
    "\t",
    "\0",
    "Host: h\r\n",
    "Content-Length: ",
    "Content-Length: 0\r\n",
    "Content-Length: -1\r\n",
    "Content-Length: 18446744073709551616\r\n",
    "Content-Length: +3\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip, chunked\r\n",
    "Transfer-Encoding : chunked\r\n",
    "Connection: close\r\n",
    "Connection: keep-alive\r\n",
    "Expect: 100-continue\r\n",
    "Upgrade: h2c\r\n",
    "X-Request-Id: \u{e9}\r\n",
    "If-None-Match: *\r\n",
    "Content-Type: application/json\r\n",
    "Access-Control-Request-Headers: a\r\n",
    "0\r\n\r\n",
    "ffffffffffffffff\r\n",
    "1\r\nx\r\n",
    "1;x=\"\r\n",
    "\"partnerId\"",
    "\"seats\"",
    "{",
    "}",
    "[",
    "\"",
    "\\ud800",
    "\\u0000",
    "\u{feff}",
    "1e400",
    "-0",
    "NaN",
];

/// One request of each kind that is served, and some that are not.
fn corpus() -> Vec<Vec<u8>> {
    let own_id = "X-Request-Id: 6f2c1a3e-8f1b-4c8e-9f57-0d9d2b1c3a4f";
    let chunked = ["Content-Type: application/json", "Transfer-Encoding: chunked", "Trailer: X"];
    let chunks = format!("5;a=b\r\n{}\r\n{:x}\r\n{}\r\n", &BODY[..5], BODY.len() - 5, &BODY[5..]);
    let preflight = ["Origin: https://a.example", "Access-Control-Request-Headers: content-type,x"];
    let expects = ["Content-Type: application/json", "Expect: 100-continue", "Content-Length: 34"];
    let requests = [
        json("POST /reservations/", BODY),
        json(
            "POST /reservations",
            r#"  {"seats":1e1,"partnerId":"\u00e9 \uD83C\uDFAB","x":[{}]} "#,
        ),
        bare("POST /reservations/", &chunked) + &chunks + "0\r\nX: y\r\n\r\n",
        bare("POST /reservations/", &expects) + BODY,
        json("POST /reservations/", &"[".repeat(5000)),
        json("POST /reservations/", &format!(r#"{{"x":"{}"}}"#, "é".repeat(9000))),
        bare("DELETE /reservations/{id}", &[]),
        bare("DELETE /reservations/{id}/", &[own_id]),
        bare("DELETE /reservations/6f2c1a3e-8f1b-4c8e-9f57-0d9d2b1c3a4f", &[]),
        bare("GET /reservations/", &["If-None-Match: \"1\", W/\"2\""]),
        bare("HEAD /reservations/", &[]),
        bare("OPTIONS /reservations/", &preflight),
        bare("GET /", &["Accept: text/html;q=0.8, */*", "Accept-Encoding: gzip;q=0.5, br"]),
        bare("GET /dashboard.js", &["Accept-Encoding: gzip"]),
        bare("GET /nowhere?q=%22", &["Referer: \"\\", "User-Agent: x\ty"]),
        bare("GET /readyz", &["Connection: close"]),
        bare("BREW /healthz", &[]),
        "GET /healthz HTTP/1.0\r\n\r\n".to_owned(),
        "GET http://localhost/reservations/ HTTP/1.1\r\nHost: h\r\n\r\n".to_owned(),
        "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\n\r\n".to_owned(),
        bare("GET localhost", &[]),
        "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
    ];
    requests.into_iter().map(String::into_bytes).collect()
}

/// Gives the last request another body now and then, makes its length right, and asks more than once.
fn mend(random: &mut Random, bytes: &mut Vec<u8>) {
    if random.once_in(4) {
        let body = reservation(random);
        *bytes = json("POST /reservations/", &body).into_bytes();
    }
    if !random.once_in(8) {
        mend_length(bytes);
    }
    if random.once_in(4) {
        let healthy = bare("GET /healthz", &[]);
        let sale = json("POST /reservations/", BODY);
        let others = [String::new(), healthy, sale];
        let (before, after) = (random.pick(&others), random.pick(&others[..2]));
        *bytes = [before.as_bytes(), bytes, after.as_bytes()].concat();
    }
}

fn mend_length(bytes: &mut Vec<u8>) {
    const NAME: &[u8] = b"Content-Length: ";
    let find = |in_bytes: &[u8], what: &[u8]| {
        in_bytes.windows(what.len()).position(|window| window == what)
    };
    let Some(from) = find(bytes, NAME).map(|at| at + NAME.len()) else { return };
    let Some(to) = find(&bytes[from..], b"\r\n").map(|length| from + length) else { return };
    let Some(head) = find(&bytes[to..], b"\r\n\r\n").map(|length| to + length + 4) else { return };
    let length = (bytes.len() - head).to_string();
    bytes.splice(from..to, length.into_bytes());
}

/// A body of the right form with something else in it.
fn reservation(random: &mut Random) -> String {
    let partner = if random.once_in(2) { "\"p\"".to_owned() } else { value(random, 3) };
    let seats = if random.once_in(2) { "1".to_owned() } else { value(random, 3) };
    let mut members = vec![format!("\"partnerId\":{partner}"), format!("\"seats\":{seats}")];
    while random.once_in(3) {
        let name = random.pick(&["partnerId", "seats", "Seats", "", "__proto__", "\\u0073eats"]);
        members.insert(random.below(3), format!("\"{name}\":{}", value(random, 6)));
    }
    let (before, after) =
        (random.pick(&["", "", "\u{feff}", " \n"]), random.pick(&["", "", "\0", "{}"]));
    format!("{before}{{{}}}{after}", members.join(","))
}

/// Any JSON, or what looks like it.
fn value(random: &mut Random, depth: usize) -> String {
    let among = if depth == 0 { 8 } else { 12 };
    match random.below(among) {
        0 => random.number().to_string(),
        1 => format!("-{}.{}e{}", random.below(9), random.below(99), random.below(999)),
        2 => (*random.pick(&[
            "null", "true", "0.0", "-0.0", "0e0", "1e-400", "10.000", "NaN", "Infinity", "-", "01",
            "1.", "0x1", "'p'",
        ]))
        .into(),
        3 => format!("{}", f64::from_bits(random.next())),
        4 => "9".repeat(random.below(2000)),
        5 => {
            format!("\"{}\"", random.pick(&["", " ", "\\u0000", "\\ud800", "\\uD83C\\uDFAB", "\t"]))
        }
        6 => format!("\"{}\"", "é".repeat(random.below(300))),
        7 => format!("\"\\u{:04x}\"", random.below(0x1_0000)),
        8 => "[".repeat(random.below(3000)),
        9 => format!("[{},{}]", value(random, depth - 1), value(random, depth - 1)),
        10 => format!("{{\"a\":{},\"a\":{}}}", value(random, depth - 1), value(random, depth - 1)),
        _ => format!("{0}{1}{0}", random.pick(&[" ", "\r\n", "\u{a0}"]), value(random, depth - 1)),
    }
}

impl Harness {
    fn start() -> Self {
        let directory = new_directory();
        let log_file = directory.path().join("access.log");
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name(THREAD_NAME)
            .enable_all()
            .build()
            .unwrap();
        let log = if cases(NAME, SHARE) <= LOGGED_CASES_MAX {
            AccessLog::to_file(&log_file, Clock::System).unwrap()
        } else {
            AccessLog::OFF
        };
        let access_log = log.clone();
        let address = runtime.block_on(async {
            let store = Store::Memory(MemoryStore::default());
            let engine = Engine::open(store, Clock::System, Entropy::System).await.unwrap();
            let terms = terms("e", u32::MAX);
            engine.create_event(terms, Actor::System, RequestId(0)).await.unwrap();
            let api = api(&Context::new(engine, Readiness::default(), 0));
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let answer = move |request| api.clone().answer(request);
            let never = std::future::pending();
            tokio::spawn(serve(listener, answer, access_log, standard_limits(), never));
            address
        });
        Self {
            runtime,
            address,
            log,
            log_file,
            _directory: directory,
            made: AtomicU64::new(0),
            cancelled: AtomicU64::new(0),
            unknown: AtomicU64::new(0),
            ids: Mutex::default(),
        }
    }

    /// Sends the bytes, and checks all that is said to them.
    fn ask(&self, bytes: &[u8]) -> Verdict {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        // A server that has closed already cannot be told more; what it said can still be read.
        let _ = stream.write_all(&self.with_id(bytes));
        let _ = stream.shutdown(Shutdown::Write);
        let mut told = Vec::new();
        let end = stream.read_to_end(&mut told);
        let is_reset = end.is_err_and(|error| {
            assert_eq!(error.kind(), ErrorKind::ConnectionReset, "an answer or an end in time");
            true
        });
        let read = answers::read(&told);
        assert!(read.is_whole || is_reset, "b\"{}\"", told.escape_ascii());
        if is_reset {
            self.unknown.fetch_add(1, Ordering::Relaxed);
        }
        // It may be the other thread's case, which is then told, too.
        assert_eq!(PANICS.load(Ordering::Relaxed), 0, "panics of the server");
        self.note(&read.answers)
    }

    fn with_id(&self, bytes: &[u8]) -> Vec<u8> {
        let at = bytes.windows(ID.len()).position(|window| window == ID);
        let id = at.and_then(|_| self.ids.lock().unwrap().pop_front());
        let (Some(at), Some(id)) = (at, id) else { return bytes.to_vec() };
        [&bytes[..at], id.as_bytes(), &bytes[at + ID.len()..]].concat()
    }

    fn note(&self, answers: &[Said]) -> Verdict {
        let mut verdict = Verdict::RefusedEarly;
        for (index, said) in answers.iter().enumerate() {
            said.check();
            if said.is_of_an_unreadable_head() {
                assert_eq!(index + 1, answers.len(), "such an answer is the last");
                continue;
            }
            if said.status < 400 {
                verdict = Verdict::Accepted;
            } else if verdict == Verdict::RefusedEarly {
                verdict = Verdict::RefusedLate;
            }
            if let Some(id) = said.reservation() {
                self.made.fetch_add(1, Ordering::Relaxed);
                let mut ids = self.ids.lock().unwrap();
                ids.push_back(id);
                ids.truncate(IDS_MAX);
            }
            if said.is_cancellation() {
                self.cancelled.fetch_add(1, Ordering::Relaxed);
            }
        }
        verdict
    }

    /// The server still answers, and has what it said that it has.
    fn check_health(&self) {
        let summary = self.runtime.block_on(async {
            let healthy = ask(self.address, &bare("GET /healthz", &[])).await;
            assert_eq!(healthy.text(), r#"{"status":"ok"}"#);
            ask(self.address, &bare("GET /reservations/", &[])).await.json()
        });
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (made, cancelled) = (load(&self.made), load(&self.cancelled));
        let live = summary["reservationCount"].as_u64().unwrap();
        println!("{made} reservations were made, {cancelled} cancelled, {live} are live");
        // A connection has at most three requests that do something.
        let unknown = 3 * load(&self.unknown);
        assert!(live.abs_diff(made - cancelled) <= unknown, "{unknown} unknown");
    }

    /// Every line of the access log is one line of one form, whatever was asked.
    fn check_log(&self) {
        self.log.flush();
        let Ok(log) = std::fs::read(&self.log_file) else { return };
        let log = std::str::from_utf8(&log).expect("the log is text");
        let mut lines = 0;
        for line in log.lines().filter(|line| !line.starts_with("# ")) {
            lines += 1;
            assert!(line.bytes().all(|byte| (0x20..0x7F).contains(&byte)), "{line:?}");
            assert!(line.starts_with("127.0.0.1 - - ["), "{line}");
            let quotes = line.replace("\\\\", "").replace("\\\"", "").matches('"').count();
            assert_eq!(quotes, 6, "three fields are quoted: {line}");
        }
        assert!(lines > 0 || self.made.load(Ordering::Relaxed) == 0);
    }
}
