//! A real browser for tests: Chromium, driven by chromedriver over the `WebDriver` protocol.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use crate::wire::{self, PATIENCE, bare};

/// How often a driver is started that finds no port.
const STARTS_MAX: usize = 5;

/// A browser window, and the driver behind it; both end with the test.
pub(crate) struct Browser {
    driver: Child,
    address: SocketAddr,
    session: String,
    profile: tempfile::TempDir,
}

impl Browser {
    /// Opens a window of a phone's or a desktop's size.
    pub(crate) async fn open(width: u32, height: u32) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let started = (0..STARTS_MAX).find_map(|_| start_driver());
        let (driver, address) = started.expect("chromedriver finds a port");
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            &format!("--user-data-dir={}", profile.path().display()),
            &format!("--window-size={width},{height}"),
        ];
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let mut browser = Self { driver, address, session: String::new(), profile };
        let asked = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let opened = browser.send("POST /session", &asked).await;
        browser.session = opened["sessionId"].as_str().unwrap().to_owned();
        let size = json!({
            "cmd": "Emulation.setDeviceMetricsOverride",
            "params": { "width": width, "height": height, "deviceScaleFactor": 2, "mobile": width < 600 },
        });
        browser.post("/goog/cdp/execute", &size).await;
        browser
    }

    async fn send(&self, line: &str, body: &Value) -> Value {
        let answer = wire::ask(self.address, &wire::json(line, &body.to_string())).await;
        let mut json = answer.json();
        assert_eq!(answer.status, 200, "{line}: {json}");
        json["value"].take()
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        self.send(&format!("POST /session/{}{path}", self.session), body).await
    }

    pub(crate) async fn go(&self, url: &str) {
        self.post("/url", &json!({ "url": url })).await;
    }

    pub(crate) async fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": [] })).await
    }

    async fn element(&self, css: &str) -> String {
        let found = self.post("/element", &json!({ "using": "css selector", "value": css })).await;
        found.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned()
    }

    pub(crate) async fn click(&self, css: &str) {
        let element = self.element(css).await;
        self.post(&format!("/element/{element}/click"), &json!({})).await;
    }

    pub(crate) async fn fill(&self, css: &str, text: &str) {
        let element = self.element(css).await;
        self.post(&format!("/element/{element}/clear"), &json!({})).await;
        self.post(&format!("/element/{element}/value"), &json!({ "text": text })).await;
    }

    /// Waits until an expression is true of the page.
    pub(crate) async fn wait_for(&self, expression: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.run(&format!("return Boolean({expression})")).await != true {
            let page = self.run("return document.body.innerText").await;
            assert!(Instant::now() < deadline, "not in time: {expression}\n{page}");
        }
    }

    /// What the browser complained of, such as a breach of the content security policy.
    pub(crate) async fn complaints(&self) -> Vec<Value> {
        self.post("/se/log", &json!({ "type": "browser" })).await.as_array().unwrap().clone()
    }

    /// Writes a picture of the window to `file`.
    pub(crate) async fn picture(&self, file: &Path) {
        let request = bare(&format!("GET /session/{}/screenshot", self.session), &[]);
        let encoded = wire::ask(self.address, &request).await.json()["value"].take();
        let decoded = Command::new("base64")
            .arg("--decode")
            .stdin(Stdio::piped())
            .stdout(std::fs::File::create(file).unwrap())
            .spawn();
        let mut decoded = decoded.unwrap();
        let mut input = decoded.stdin.take().unwrap();
        std::io::Write::write_all(&mut input, encoded.as_str().unwrap().as_bytes()).unwrap();
        drop(input);
        assert!(decoded.wait().unwrap().success());
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver leaves its browser behind when it is ended, so the browser is first.
        end_session(self.address, &self.session);
        let pid = self.driver.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let _ = self.driver.wait();
    }
}

/// Starts a driver, which takes a port of its own choice. It takes the same one of IPv4 and of IPv6, and ends
/// where somebody else has that: then there is none.
fn start_driver() -> Option<(Child, SocketAddr)> {
    let mut driver = Command::new("chromedriver")
        .arg("--port=0")
        .stdout(Stdio::piped())
        .spawn()
        .expect("chromedriver is installed");
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    // It says the port it was asked for, 0, before the one that it got.
    let port = lines.find_map(|line| {
        let line = line.ok()?;
        let port = line.rsplit_once("on port ")?.1.trim_end_matches('.').parse::<u16>().ok()?;
        (port > 0).then_some(port)
    });
    let Some(port) = port else {
        driver.wait().unwrap();
        return None;
    };
    std::thread::spawn(move || lines.for_each(drop));
    Some((driver, SocketAddr::from(([127, 0, 0, 1], port))))
}

/// Ends a session, and with it the browser. Whatever goes wrong, a test that ends says what it has to say.
fn end_session(address: SocketAddr, session: &str) {
    let Ok(mut stream) = TcpStream::connect(address) else { return };
    let _ = stream.set_read_timeout(Some(PATIENCE));
    let _ = stream.write_all(bare(&format!("DELETE /session/{session}"), &[]).as_bytes());
    // The driver keeps the connection, so it is the end of the answer that is waited for.
    let (mut answer, mut part) = (Vec::new(), [0; 1024]);
    while !answer.ends_with(b"}")
        && let Ok(read @ 1..) = stream.read(&mut part)
    {
        answer.extend_from_slice(&part[..read]);
    }
}

/// How many processes are at work for the browser of a profile.
fn processes_of(profile: &Path) -> usize {
    let profile = profile.to_str().unwrap();
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let told = all.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    told.filter(|told| String::from_utf8_lossy(told).contains(profile)).count()
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn a_browser_ends_with_its_test() {
    let browser = Browser::open(390, 844).await;
    let profile = browser.profile.path().to_owned();
    assert!(processes_of(&profile) > 0, "it is at work");
    drop(browser);
    let deadline = Instant::now() + PATIENCE;
    while processes_of(&profile) > 0 {
        assert!(Instant::now() < deadline, "it is at work still");
        tokio::task::yield_now().await;
    }
}
