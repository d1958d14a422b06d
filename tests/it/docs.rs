//! `/docs` tells all that `/openapi.json` tells, its links lead somewhere, and its commands work.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use ticketboss::http::Code;
use ticketboss_engine::Engine;
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_store::Store;
use ticketboss_store::local::memory::MemoryStore;

use crate::browser::Browser;
use crate::openapi::description::Description;
use crate::program::Serving;
use crate::wire::{Answer, Server, ask, bare, json, standard_limits};

/// What a browser says that it takes.
const BROWSER: &str = "Accept: text/html,application/xhtml+xml,*/*;q=0.8";
/// Where the commands on the page find a server.
const SERVER: &str = "http://127.0.0.1:8000";

/// A server without an event.
async fn server() -> Server {
    let store = Store::Memory(MemoryStore::default());
    let engine = Engine::open(store, Clock::System, Entropy::System).await.unwrap();
    Server::of_engine(engine, standard_limits()).await
}

async fn page(server: &Server) -> String {
    let answer = ask(server.address, &bare("GET /docs", &[BROWSER])).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/html; charset=utf-8"));
    answer.text().to_owned()
}

/// The values that an attribute has on a page.
fn values<'a>(page: &'a str, attribute: &str) -> Vec<&'a str> {
    let lead = format!(" {attribute}=\"");
    page.split(&lead).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

/// The part of a page that begins with an article of this id.
fn article<'a>(page: &'a str, id: &str) -> &'a str {
    let begin = page.find(&format!(" id=\"{id}\"")).unwrap_or_else(|| panic!("{id} is missing"));
    page[begin..].split("</article>").next().unwrap()
}

fn unescaped(html: &str) -> String {
    let plain = html.replace("&lt;", "<").replace("&gt;", ">");
    plain.replace("&quot;", "\"").replace("&amp;", "&")
}

#[tokio::test]
async fn all_that_is_described_is_on_the_page() {
    let server = server().await;
    let page = page(&server).await;
    let description = Description::of(server.address).await;
    for operation in description.operations() {
        let shown = article(&page, operation.id());
        let told = operation.told;
        let text = |name: &str| told[name].as_str().unwrap();
        assert!(shown.contains(&format!(">{}</a>", text("summary"))), "{}", operation.id());
        assert!(shown.contains(&format!(">{}</span>", operation.method)), "{}", operation.id());
        assert!(shown.contains(&format!("<code>{}</code>", operation.template)));
        for parameter in told["parameters"].as_array().unwrap() {
            let name = description.resolved(parameter)["name"].as_str().unwrap();
            assert!(shown.contains(&format!("<code class=\"name\">{name}</code>")), "{name}");
        }
        for (status, answer) in told["responses"].as_object().unwrap() {
            assert!(shown.contains(&format!("<dt>{status}</dt>")), "{} {status}", operation.id());
            let problems = &answer["content"]["application/problem+json"]["examples"];
            for code in problems.as_object().into_iter().flat_map(|codes| codes.keys()) {
                assert!(shown.contains(&format!("href=\"/problems/{code}\"")), "{code}");
            }
        }
    }
    let components = &description.document["components"];
    for (name, schema) in components["schemas"].as_object().unwrap() {
        let shown = article(&page, &format!("schema-{name}"));
        let parts = schema["allOf"].as_array().into_iter().flatten().chain([schema]);
        for part in parts.map(|part| description.resolved(part)) {
            for field in part["properties"].as_object().into_iter().flat_map(|all| all.keys()) {
                let name = format!("<code class=\"name\">{field}</code>");
                assert!(shown.contains(&name), "{name} of {field}");
            }
        }
    }
    for name in components["headers"].as_object().unwrap().keys() {
        assert!(page.contains(&format!(" id=\"header-{name}\"")), "{name}");
    }
    for code in Code::ALL {
        let row = page.split(&format!(" id=\"problem-{}\"", code.as_str())).nth(1);
        let row = row.unwrap_or_else(|| panic!("{code:?}")).split("</tr>").next().unwrap();
        assert!(row.contains(&format!("<td>{}</td>", code.status().as_u16())), "{row}");
        assert!(row.contains(&format!("<td>{}</td>", code.title())), "{row}");
    }
}

/// Whether a page names anything that a browser would get from elsewhere, or run.
fn assert_keeps_to_itself(page: &str) {
    for stranger in ["<script", "<style", " style=", "<iframe", "url(", "@import", " onclick="] {
        assert!(!page.contains(stranger), "{stranger}");
    }
    for place in values(page, "src").into_iter().chain(values(page, "href")) {
        let is_own = place.starts_with('#') || (place.starts_with('/') && !place.starts_with("//"));
        assert!(is_own, "{place} leads elsewhere");
    }
}

#[tokio::test]
async fn every_link_leads_somewhere_and_none_elsewhere() {
    let server = server().await;
    let page = page(&server).await;
    assert_keeps_to_itself(&page);
    let ids = values(&page, "id");
    let distinct = ids.iter().collect::<BTreeSet<_>>();
    assert_eq!(distinct.len(), ids.len(), "an id is there once");
    let links = values(&page, "href").into_iter().chain(values(&page, "src"));
    let links = links.collect::<BTreeSet<_>>();
    assert!(links.len() > 100, "{}", links.len());
    for link in links {
        if let Some(id) = link.strip_prefix('#') {
            assert!(ids.contains(&id), "{link} leads nowhere");
            continue;
        }
        let (path, id) = link.split_once('#').unwrap_or((link, "contents"));
        assert!(ids.contains(&id), "{link} leads nowhere");
        let answer = ask(server.address, &bare(&format!("GET {path}"), &[BROWSER])).await;
        assert_eq!(answer.status, 200, "{link}");
        if path.starts_with("/problems/") {
            assert_keeps_to_itself(answer.text());
            let back = values(answer.text(), "href");
            assert!(back.contains(&"/docs#problems") && back.contains(&"/docs.css"), "{path}");
        }
        // A browser that is lost is shown the dashboard, which would hide a link that leads nowhere.
        let is_dashboard = answer.text().contains("/dashboard.js");
        assert_eq!(is_dashboard, path == "/", "{link}");
    }
    let style = ask(server.address, &bare("GET /docs.css", &[])).await;
    assert_eq!((style.status, style.header("content-type")), (200, "text/css; charset=utf-8"));
    assert_keeps_to_itself(style.text());
}

#[tokio::test]
async fn a_browser_keeps_it_may_not_do_more_with_it_and_gets_it_compressed() {
    let server = server().await;
    for path in ["/docs", "/openapi.json"] {
        let line = format!("GET {path}");
        let plain = ask(server.address, &bare(&line, &[])).await;
        assert_eq!(plain.header("content-encoding"), "");
        assert_eq!(plain.header("vary"), "Accept-Encoding");
        let known = format!("If-None-Match: {}", plain.header("etag"));
        let again = ask(server.address, &bare(&line, &[&known])).await;
        assert_eq!((again.status, again.text()), (304, ""));
        assert_eq!(again.header("vary"), "Accept-Encoding");
        let gzip = ask(server.address, &bare(&line, &["Accept-Encoding: br, gzip"])).await;
        assert_eq!(gzip.header("content-encoding"), "gzip");
        assert_eq!(gzip.header("content-type"), plain.header("content-type"));
        assert!(gzip.body.len() * 4 < plain.body.len(), "{} bytes", gzip.body.len());
        let mut text = String::new();
        GzDecoder::new(gzip.body.as_slice()).read_to_string(&mut text).unwrap();
        assert!(text == plain.text(), "{path} is another when it is compressed");
        let refused = ask(server.address, &bare(&line, &["Accept-Encoding: gzip;q=0"])).await;
        assert!(refused.text() == plain.text(), "{path} is compressed for who refuses that");
    }
    let docs = ask(server.address, &bare("GET /docs", &[])).await;
    assert!(docs.header("content-security-policy").starts_with("default-src 'none'"));
}

/// A command that is shown, taken apart.
struct Shown {
    method: String,
    path: String,
    headers: Vec<String>,
    body: String,
}

impl Shown {
    /// The command of an operation.
    fn of(page: &str, operation: &str) -> Self {
        let shown = article(page, operation).split("<pre class=\"curl\"><code>").nth(1).unwrap();
        let words = words(&unescaped(shown.split("</code>").next().unwrap()));
        let mut words = words.into_iter();
        assert_eq!(words.next().unwrap(), "curl");
        let mut command = Self {
            method: String::new(),
            path: String::new(),
            headers: vec![],
            body: String::new(),
        };
        while let Some(word) = words.next() {
            match word.as_str() {
                "-N" | "-i" => {}
                "-X" => command.method = words.next().unwrap(),
                "-H" => command.headers.push(words.next().unwrap()),
                "-d" => command.body = words.next().unwrap(),
                url => url.strip_prefix(SERVER).unwrap().clone_into(&mut command.path),
            }
        }
        if command.method.is_empty() {
            // As curl has it.
            let method = if command.body.is_empty() { "GET" } else { "POST" };
            method.clone_into(&mut command.method);
        }
        command
    }

    /// The same as it goes over the wire.
    fn request(&self) -> String {
        let mut headers = self.headers.clone();
        if !self.body.is_empty() {
            headers.push(format!("Content-Length: {}", self.body.len()));
        }
        let headers = headers.iter().map(String::as_str).collect::<Vec<_>>();
        bare(&format!("{} {}", self.method, self.path), &headers) + &self.body
    }

    async fn run(&self, server: &Server) -> Answer {
        ask(server.address, &self.request()).await
    }
}

/// The words of a command as a shell reads them: quotes, and lines that go on.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    let mut characters = command.chars();
    while let Some(character) = characters.next() {
        match character {
            '\'' => is_quoted = !is_quoted,
            _ if is_quoted => words.last_mut().unwrap().push(character),
            '\\' => {
                let escaped = characters.next().unwrap();
                if escaped != '\n' {
                    words.last_mut().unwrap().push(escaped);
                }
            }
            ' ' | '\n' => words.push(String::new()),
            _ => words.last_mut().unwrap().push(character),
        }
    }
    assert!(!is_quoted, "{command}");
    words.into_iter().filter(|word| !word.is_empty()).collect()
}

/// A command, after what has to be done before it makes sense: by the commands that are shown, where there
/// are.
async fn prepared(server: &Server, page: &str, operation: &str) -> Shown {
    let mut command = Shown::of(page, operation);
    if operation == "createEvent" {
        return command;
    }
    assert_eq!(Shown::of(page, "createEvent").run(server).await.status, 201);
    match operation {
        "unblockSeats" => {
            assert_eq!(Shown::of(page, "blockSeats").run(server).await.status, 201);
        }
        "cancelReservation" => {
            // Its id is drawn anew each time.
            let made = Shown::of(page, "reserve").run(server).await.json();
            let shown = command.path.rsplit('/').next().unwrap().to_owned();
            command.path = command.path.replace(&shown, made["reservationId"].as_str().unwrap());
        }
        "putReservation" => {}
        _ if command.path.contains("/reservations/") => {
            let is_held = ["confirmReservation", "extendReservation"].contains(&operation);
            let body = format!(r#"{{"partnerId":"abc-corp","seats":2,"hold":{is_held}}}"#);
            let path = Shown::of(page, "putReservation").path;
            let made = ask(server.address, &json(&format!("PUT {path}"), &body)).await;
            assert_eq!(made.status, 201, "{operation}");
        }
        _ => {}
    }
    command
}

#[tokio::test]
async fn every_command_that_is_shown_does_what_is_described() {
    let page = page(&server().await).await;
    let description = Description::of(server().await.address).await;
    let mut ran = 0;
    for operation in description.operations() {
        // A server of its own, so that no command rests on the one before.
        let server = server().await;
        let command = prepared(&server, &page, operation.id()).await;
        let mut held_against = Description::of(server.address).await;
        assert_eq!(command.method, operation.method, "{}", operation.id());
        assert!(operation.is_at(&command.path), "{}", operation.id());
        let takes_key = operation.told.to_string().contains("parameters/Idempotency-Key\"");
        let has_key = command.headers.iter().any(|header| header.starts_with("Idempotency-Key: "));
        assert_eq!(has_key, takes_key, "{}", operation.id());
        let answer = command.run(&server).await;
        assert!(answer.status < 300, "{}: {}", operation.id(), answer.text());
        held_against.check(&command.request(), &answer);
        ran += 1;
    }
    assert!(ran > 25, "{ran}");
}

#[test]
fn a_command_is_read_as_a_shell_does() {
    let command = "curl -X PUT http://h/p \\\n  -H 'A: b c' \\\n  -d '{\n\"a\": \"it'\\''s\"}'";
    let expected = ["curl", "-X", "PUT", "http://h/p", "-H", "A: b c", "-d", "{\n\"a\": \"it's\"}"];
    assert_eq!(words(command), expected);
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn it_is_read_on_a_phone_and_at_a_desk() {
    let home = tempfile::tempdir().unwrap();
    let server = Serving::start(home.path(), &[]);
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let phone = Browser::open(390, 844).await;
    let is_as_wide = "document.documentElement.scrollWidth === 390";
    phone.go(&format!("http://{}/docs", server.address)).await;
    phone.wait_for(is_as_wide).await;
    phone.picture(&pictures.join("docs-phone.png")).await;
    // Unfolded, nothing sticks out either.
    phone
        .run("for (const folded of document.querySelectorAll('main details')) folded.open = true")
        .await;
    assert_eq!(phone.run(&format!("return {is_as_wide}")).await, true);
    phone.click("nav summary").await;
    phone.click("nav a[href='#createReservation']").await;
    let top =
        "Math.round(document.querySelector('#createReservation').getBoundingClientRect().top)";
    phone.wait_for("location.hash === '#createReservation'").await;
    phone.wait_for(&format!("{top} >= 0 && {top} < 120")).await;
    // The header leads back to the contents, which unfold.
    phone.run("document.querySelector('nav details').open = false").await;
    phone.click("header .contents").await;
    phone.wait_for("document.querySelector('nav details').open").await;
    phone.go(&format!("http://{}/problems/not_enough_seats", server.address)).await;
    phone.wait_for(is_as_wide).await;
    phone.picture(&pictures.join("problem-phone.png")).await;
    assert_eq!(phone.complaints().await.len(), 0);

    let desk = Browser::open(1280, 800).await;
    desk.go(&format!("http://{}/docs", server.address)).await;
    // The contents are beside the text without being unfolded; the driver thinks that what is folded is not
    // seen, so it is asked what a mouse would meet there.
    let pressed = "const link = document.querySelector(\"nav a[href='#createReservation']\"); \
        const { x, y, height } = link.getBoundingClientRect(); \
        const met = document.elementFromPoint(x + 2, y + height / 2); \
        met.click(); return link.contains(met)";
    assert_eq!(desk.run(pressed).await, true);
    desk.wait_for(&format!("{top} >= 0 && {top} < 120")).await;
    desk.picture(&pictures.join("docs-desktop.png")).await;
    assert_eq!(desk.complaints().await.len(), 0);
}
