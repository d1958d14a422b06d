//! The partners in `examples/` do what they say, each in its language, against the real program, and over
//! a network that loses answers and cuts the feed off.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Output;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::time::timeout;

use crate::program::{Serving, complained, said};
use crate::wire::{ask, bare};

/// A partner waits by himself before he asks again, so he is given longer than others.
const PATIENCE: Duration = Duration::from_mins(1);

/// A partner: what runs him, where he is, and what he calls himself.
struct Partner {
    language: &'static str,
    file: &'static str,
    name: &'static str,
}

const IN_CURL: Partner = Partner { language: "sh", file: "partner.sh", name: "curl-partner" };
const IN_PYTHON: Partner =
    Partner { language: "python3", file: "partner.py", name: "python-partner" };
const IN_JAVASCRIPT: Partner =
    Partner { language: "node", file: "partner.mjs", name: "js-partner" };

impl Partner {
    async fn run(&self, server: SocketAddr, event: &str) -> Output {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(self.file);
        let mut command = Command::new(self.language);
        command.arg(program).args([&format!("http://{server}"), event]).kill_on_drop(true);
        timeout(PATIENCE, command.output()).await.expect("an end in time").expect("the language")
    }

    /// Sees that he has done what he says.
    async fn expect_sale(&self, server: &Serving, output: &Output) {
        let (told, complaint) = (said(output), complained(output));
        assert!(output.status.success(), "{told}{complaint}");
        let path = format!("/v1/events/node-meetup-2025/reservations?partnerId={}", self.name);
        let list = ask(server.address, &bare(&format!("GET {path}"), &[])).await.json();
        let [reservation] = list["items"].as_array().unwrap().as_slice() else {
            panic!("{list}");
        };
        let text = |name: &str| reservation[name].as_str().unwrap();
        assert_eq!((text("status"), &reservation["seats"]), ("confirmed", &Value::from(2)));
        let lines = told.lines().collect::<Vec<_>>();
        let holds = format!("holds 2 seats as {} until ", text("reservationId"));
        assert!(lines[0].starts_with(&holds), "{told}");
        assert_eq!(lines[1..], ["confirmed", "version 2: held", "version 3: confirmed"]);
    }

    async fn sells(&self) {
        let home = tempfile::tempdir().unwrap();
        let server = Serving::start(home.path(), &[]);
        self.expect_sale(&server, &self.run(server.address, "node-meetup-2025").await).await;
        // Where there is nothing to reserve he says so, and ends otherwise.
        let refused = self.run(server.address, "nowhere").await;
        assert_eq!(complained(&refused), "event_not_found: there is no such event\n");
        assert!(!refused.status.success() && refused.stdout.is_empty(), "{refused:?}");
    }

    async fn sells_over_a_bad_network(&self) {
        let home = tempfile::tempdir().unwrap();
        let server = Serving::start(home.path(), &[]);
        // Twice the reservation's, once the confirmation's.
        let posts = [Fate::Lost, Fate::CutAfter("\"status\":"), Fate::Whole, Fate::Reset];
        // The version of a frame has come and the frame has not; half a frame has come after a whole one.
        let feeds = [Fate::CutAfter("id: 2\n"), Fate::CutAfter("id: 3\ndata: {\"eventId\":")];
        let network = Network::before(server.address, posts, feeds).await;
        let output = self.run(network.address, "node-meetup-2025").await;
        self.expect_sale(&server, &output).await;
        network.expect_all_met();
    }
}

/// What becomes of an answer on its way. The server has given it in any case.
#[derive(Debug)]
enum Fate {
    Whole,
    /// The connection ends without a word of it.
    Lost,
    /// The same, and rudely.
    Reset,
    /// The connection ends after this, in the middle of a body or of a chunk.
    CutAfter(&'static str),
}

/// What becomes of the answers to `POST`s, and of the feeds, one after the other. The others arrive.
#[derive(Debug)]
struct Fates {
    posts: VecDeque<Fate>,
    feeds: VecDeque<Fate>,
}

/// What lies between a partner and the server.
struct Network {
    address: SocketAddr,
    fates: Arc<Mutex<Fates>>,
}

impl Network {
    async fn before(
        server: SocketAddr,
        posts: impl Into<VecDeque<Fate>>,
        feeds: impl Into<VecDeque<Fate>>,
    ) -> Self {
        let fates = Arc::new(Mutex::new(Fates { posts: posts.into(), feeds: feeds.into() }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let carried = fates.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server, carried.clone()));
            }
        });
        Self { address, fates }
    }

    fn expect_all_met(&self) {
        let fates = self.fates.lock().unwrap();
        assert!(fates.posts.is_empty() && fates.feeds.is_empty(), "not met: {fates:?}");
    }
}

/// Carries one request to the server, and of its answer what fate lets arrive.
async fn carry(mut client: TcpStream, server: SocketAddr, fates: Arc<Mutex<Fates>>) {
    let Some(request) = read_request(&mut client).await else { return };
    let fate = {
        let mut fates = fates.lock().unwrap();
        if request.starts_with("POST ") {
            fates.posts.pop_front()
        } else if request.contains("/feed") {
            fates.feeds.pop_front()
        } else {
            None
        }
    };
    // So there is one request a connection, and each meets its own fate.
    let request = request.replacen("\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1);
    let mut server = TcpStream::connect(server).await.unwrap();
    server.write_all(request.as_bytes()).await.unwrap();
    match fate.unwrap_or(Fate::Whole) {
        // Whoever has heard enough of a feed hangs up.
        Fate::Whole => drop(copy_bidirectional(&mut client, &mut server).await),
        Fate::Lost => drop(read_through(&mut server, "\r\n\r\n").await),
        Fate::Reset => {
            read_through(&mut server, "\r\n\r\n").await;
            client.set_zero_linger().unwrap();
        }
        Fate::CutAfter(text) => {
            let told = read_through(&mut server, text).await.expect("an answer with this");
            client.write_all(told.as_bytes()).await.unwrap();
        }
    }
}

/// A head, and the body whose length it tells.
async fn read_request(client: &mut TcpStream) -> Option<String> {
    let mut request = read_through(client, "\r\n\r\n").await?;
    let length = request.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().unwrap())
    });
    let mut body = vec![0; length.unwrap_or(0)];
    client.read_exact(&mut body).await.ok()?;
    request.push_str(std::str::from_utf8(&body).unwrap());
    Some(request)
}

/// What comes, until it ends with `text`.
async fn read_through(stream: &mut TcpStream, text: &str) -> Option<String> {
    let mut read = Vec::new();
    while !read.ends_with(text.as_bytes()) {
        read.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8(read).unwrap())
}

#[tokio::test]
#[ignore = "needs curl"]
async fn a_partner_in_curl() {
    IN_CURL.sells().await;
}

#[tokio::test]
#[ignore = "needs python3"]
async fn a_partner_in_python() {
    IN_PYTHON.sells().await;
}

#[tokio::test]
#[ignore = "needs node"]
async fn a_partner_in_javascript() {
    IN_JAVASCRIPT.sells().await;
}

#[tokio::test]
#[ignore = "needs curl"]
async fn a_partner_in_curl_sells_over_a_bad_network() {
    IN_CURL.sells_over_a_bad_network().await;
}

#[tokio::test]
#[ignore = "needs python3"]
async fn a_partner_in_python_sells_over_a_bad_network() {
    IN_PYTHON.sells_over_a_bad_network().await;
}

#[tokio::test]
#[ignore = "needs node"]
async fn a_partner_in_javascript_sells_over_a_bad_network() {
    IN_JAVASCRIPT.sells_over_a_bad_network().await;
}

#[tokio::test]
#[ignore = "needs curl"]
async fn a_partner_in_curl_says_that_he_has_not_seen_both() {
    let home = tempfile::tempdir().unwrap();
    let server = Serving::start(home.path(), &[]);
    let feeds = [(); 5].map(|()| Fate::CutAfter("id: 3\n"));
    let network = Network::before(server.address, [], feeds).await;
    let output = IN_CURL.run(network.address, "node-meetup-2025").await;
    let (told, complaint) = (said(&output), complained(&output));
    assert_eq!(told.lines().skip(1).collect::<Vec<_>>(), ["confirmed", "version 2: held"]);
    assert!(complaint.ends_with("\nthe feed ended 5 times before both were seen\n"), "{complaint}");
    assert!(!output.status.success());
    network.expect_all_met();
}
