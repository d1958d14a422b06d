//! The wire: the seed's contract to the letter, and what a user would expect where the seed was broken.

use std::collections::BTreeSet;

use serde_json::Value;
use ticketboss::http::Problem;
use ticketboss_core::domain::{Actor, EventId, EventName, EventTerms, PartnerId, RequestId, Seats};
use ticketboss_engine::Engine;
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_store::Store;
use ticketboss_store::local::memory::MemoryStore;
use ticketboss_store::local::sled::{SledOptions, open};

use crate::wire::{Answer, Connection, Server, ask, bare, json, reserve, standard_limits};

async fn server(capacity: u32) -> Server {
    Server::of_event(Store::Memory(MemoryStore::default()), capacity).await
}

async fn summary(server: &Server) -> Value {
    ask(server.address, &bare("GET /reservations/", &[])).await.json()
}

fn id_of(answer: &Answer) -> String {
    answer.json()["reservationId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_seeds_bodies_come_back_to_the_letter() {
    let server = server(500).await;
    let summary = ask(server.address, &bare("GET /reservations/", &[])).await;
    assert_eq!(summary.status, 200);
    assert_eq!(
        summary.text(),
        r#"{"eventId":"e","name":"An event","totalSeats":500,"availableSeats":500,"reservationCount":0,"version":1}"#
    );
    assert_eq!(summary.header("content-type"), "application/json; charset=utf-8");
    let reserved = reserve(server.address, "abc-corp", 3).await;
    assert_eq!(reserved.status, 201);
    let id = id_of(&reserved);
    let expected =
        format!(r#"{{"reservationId":"{id}","seats":3,"status":"confirmed","version":2}}"#);
    assert_eq!(reserved.text(), expected);
    assert_eq!(reserved.header("etag"), "\"2\"");
    let cancelled = ask(server.address, &bare(&format!("DELETE /reservations/{id}"), &[])).await;
    assert_eq!((cancelled.status, cancelled.text()), (204, ""));
    assert_eq!(cancelled.header("etag"), "\"3\"");
    let summary = ask(server.address, &bare("GET /reservations", &[])).await;
    assert_eq!(
        summary.text(),
        r#"{"eventId":"e","name":"An event","totalSeats":500,"availableSeats":500,"reservationCount":0,"version":3}"#
    );
}

#[tokio::test]
async fn a_path_works_with_and_without_its_slash_and_in_any_case() {
    let server = server(500).await;
    for path in ["/reservations", "/reservations/", "/RESERVATIONS", "/Reservations/?x=1"] {
        let request = json(&format!("POST {path}"), r#"{"partnerId":"p","seats":1}"#);
        assert_eq!(ask(server.address, &request).await.status, 201, "{path}");
        assert_eq!(ask(server.address, &bare(&format!("GET {path}"), &[])).await.status, 200);
    }
    let id = id_of(&reserve(server.address, "p", 1).await);
    let path = format!("DELETE /reservations/{}/", id.to_uppercase());
    assert_eq!(ask(server.address, &bare(&path, &[])).await.status, 204);
}

#[tokio::test]
async fn a_body_is_refused_with_the_seeds_text() {
    let server = server(500).await;
    let invalid = "400 invalid_request: Invalid request body";
    let range = "400 seats_per_request: Seats per request must be between 1 and 10";
    let long = format!(r#"{{"partnerId":"{}","seats":1}}"#, "x".repeat(129));
    let cases: &[(&str, &str)] = &[
        ("", invalid),
        ("{", invalid),
        ("null", invalid),
        ("[]", invalid),
        ("\"x\"", invalid),
        ("1", invalid),
        ("{}", invalid),
        ("{\"partnerId\":\"p\",\"seats\":1} x", invalid),
        ("\u{feff}{\"partnerId\":\"p\",\"seats\":1}", invalid),
        (r#"{"seats":1}"#, invalid),
        (r#"{"partnerId":"","seats":1}"#, invalid),
        (r#"{"partnerId":"  ","seats":1}"#, invalid),
        (r#"{"partnerId":null,"seats":1}"#, invalid),
        (r#"{"partnerId":7,"seats":1}"#, invalid),
        (r#"{"partnerId":{"a":1},"seats":1}"#, invalid),
        (r#"{"partnerId":["a"],"seats":1}"#, invalid),
        (&long, invalid),
        (r#"{"partnerId":"p"}"#, invalid),
        (r#"{"partnerId":"p","seats":null}"#, invalid),
        (r#"{"partnerId":"p","seats":"3"}"#, invalid),
        (r#"{"partnerId":"p","seats":true}"#, invalid),
        (r#"{"partnerId":"p","seats":2.5}"#, invalid),
        (r#"{"partnerId":"p","seats":0.5}"#, invalid),
        (r#"{"partnerId":"p","seats":1,"seats":2}"#, invalid),
        (r#"{"partnerId":"p","seats":0}"#, range),
        (r#"{"partnerId":"p","seats":-0}"#, range),
        (r#"{"partnerId":"p","seats":-1}"#, range),
        (r#"{"partnerId":"p","seats":11}"#, range),
        (r#"{"partnerId":"p","seats":1e400}"#, range),
        (r#"{"partnerId":"p","seats":-1e400}"#, range),
        (r#"{"partnerId":"p","seats":4294967297}"#, range),
    ];
    for (body, expected) in cases {
        let answer = ask(server.address, &json("POST /reservations/", body)).await;
        assert_eq!(answer.problem(), *expected, "{body}");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
    }
    let untouched = summary(&server).await;
    assert_eq!((&untouched["version"], &untouched["availableSeats"]), (&1.into(), &500.into()));
}

#[tokio::test]
async fn what_means_the_same_is_taken() {
    let server = server(500).await;
    let widest = format!(r#"{{"partnerId":"{}","seats":1}}"#, "é".repeat(128));
    for body in [
        r#"{"partnerId":"p","seats":3.0}"#,
        r#"{"partnerId":"p","seats":1e1}"#,
        r#"  {"seats":1,"partnerId":" p ","extra":{"x":[1e400]}} "#,
        &widest,
    ] {
        let answer = ask(server.address, &json("POST /reservations/", body)).await;
        assert_eq!(answer.status, 201, "{body}: {}", answer.text());
    }
}

#[tokio::test]
async fn every_fault_of_a_body_is_told_at_once() {
    let server = server(500).await;
    let request = json("POST /reservations", r#"{"partnerId":"","seats":2.5}"#);
    let json = ask(server.address, &request).await.json();
    let pointers = json["errors"].as_array().unwrap().iter().map(|fault| fault["pointer"].clone());
    assert_eq!(pointers.collect::<Vec<_>>(), ["/partnerId", "/seats"]);
    assert_eq!(json["detail"], "/partnerId must not be blank; /seats must be a whole number");
}

#[tokio::test]
async fn what_javascript_trims_away_is_blank() {
    let server = server(500).await;
    for blank in ["\u{FEFF}", " \u{A0}\u{FEFF}\u{3000}\n"] {
        let body = serde_json::json!({"partnerId": blank, "seats": 1}).to_string();
        for path in ["POST /reservations", "POST /v1/events/e/reservations"] {
            let refused = ask(server.address, &json(path, &body)).await;
            assert_eq!(refused.problem(), "400 invalid_request: Invalid request body");
            assert_eq!(refused.json()["detail"], "/partnerId must not be blank");
        }
    }
}

#[tokio::test]
async fn a_body_that_is_not_said_to_be_json_is_refused() {
    let server = server(500).await;
    let body = r#"{"partnerId":"p","seats":1}"#;
    let length = format!("Content-Length: {}", body.len());
    for content_type in [
        "Content-Type: text/plain",
        "Content-Type: application/x-www-form-urlencoded",
        "Content-Type: application/vnd.api+json",
        "X-Nothing: x",
    ] {
        let request = bare("POST /reservations/", &[content_type, &length]) + body;
        let answer = ask(server.address, &request).await;
        assert_eq!(answer.problem(), "400 invalid_request: Invalid request body", "{content_type}");
    }
    let request =
        bare("POST /reservations/", &["Content-Type: Application/JSON; charset=utf-8", &length]);
    assert_eq!(ask(server.address, &(request + body)).await.status, 201);
    let nothing = ask(server.address, &bare("POST /reservations/", &[])).await;
    assert_eq!(nothing.problem(), "400 invalid_request: Invalid request body");
    // Elsewhere that has a status of its own.
    for content_type in ["Content-Type: text/plain", "X-Nothing: x"] {
        let request = bare("POST /v1/events/e/reservations", &[content_type, &length]) + body;
        let answer = ask(server.address, &request).await;
        let expected = "415 unsupported_media_type: Unsupported media type";
        assert_eq!(answer.problem(), expected, "{content_type}");
    }
}

#[tokio::test]
async fn a_request_names_one_host() {
    let server = server(500).await;
    let (get, end) = ("GET /reservations HTTP/1.1\r\n", "Connection: close\r\n\r\n");
    for (hosts, version, status) in [
        ("Host: a\r\n", "1.1", 200),
        ("", "1.1", 400),
        ("Host: a\r\nHost: b\r\n", "1.1", 400),
        ("", "1.0", 200),
        ("Host: a\r\nHost: a\r\n", "1.0", 400),
    ] {
        let request = format!("{}{hosts}{end}", get.replace("1.1", version));
        let answer = ask(server.address, &request).await;
        assert_eq!(answer.status, status, "{hosts:?} {version}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_as_it_is() {
    let server = server(500).await;
    let faults = async |line: &str, body: &str| {
        let problem = ask(server.address, &json(line, body)).await.json();
        let faults = problem["errors"].as_array().unwrap().clone();
        let text = |fault: serde_json::Value| format!("{} {}", fault["pointer"], fault["detail"]);
        faults.into_iter().map(text).collect::<Vec<_>>().join("; ").replace('"', "")
    };
    let half = r#"{"partnerId":"\ud800","seats":1}"#;
    let told = faults("POST /v1/events/e/reservations", half).await;
    assert_eq!(told, "/partnerId must be valid Unicode");
    let zone = r#"{"eventId":"f","name":"F","totalSeats":1,"timeZone":"Nowhere","startsAt":"2026-05-01T20:00"}"#;
    let told = faults("POST /v1/events", zone).await;
    assert_eq!(told, "/timeZone must be a time zone, as in Europe/Berlin");
    for (query, expected) in
        [("limit=1&limit=2", "?limit comes twice"), ("a=1", "?a is not known here")]
    {
        let told = faults(&format!("GET /v1/events?{query}"), "").await;
        assert_eq!(told, expected);
    }
    let one = r#"{"partnerId":"p","seats":1}"#;
    let made = ask(server.address, &json("POST /v1/events/e/reservations", one)).await;
    let path = made.header("location").to_owned();
    assert_eq!(ask(server.address, &bare(&format!("GET {path}"), &[])).await.json(), made.json());
    let told = faults(&format!("POST {path}/cancel"), r#"{"seats":1}"#).await;
    assert_eq!(told, "/seats must be left out: a single seat has no parts");
    let many = r#"{"partnerId":"p","seats":11}"#;
    let many = ask(server.address, &json("POST /v1/events/e/reservations", many)).await.json();
    let numbers =
        ["asked", "seatsPerRequestMin", "seatsPerRequestMax"].map(|name| many[name].as_u64());
    assert_eq!(numbers, [Some(11), Some(1), Some(10)]);
}

#[tokio::test]
async fn a_body_has_a_limit_however_it_comes() {
    let server = server(500).await;
    let body = |length: usize| {
        let frame = r#"{"partnerId":"p","seats":1,"x":""}"#.len();
        format!(r#"{{"partnerId":"p","seats":1,"x":"{}"}}"#, "x".repeat(length - frame))
    };
    let too_large = "413 body_too_large: Request body too large";
    let fits = ask(server.address, &json("POST /reservations/", &body(16 * 1024))).await;
    assert_eq!(fits.status, 201);
    let answer = ask(server.address, &json("POST /reservations/", &body(16 * 1024 + 1))).await;
    assert_eq!(answer.problem(), too_large);
    let announced = bare(
        "POST /reservations/",
        &["Content-Type: application/json", "Content-Length: 1000000000000"],
    );
    assert_eq!(ask(server.address, &announced).await.problem(), too_large);
    let chunked = |body: &str| {
        let headers = ["Content-Type: application/json", "Transfer-Encoding: chunked"];
        let (first, second) = body.split_at(body.len() / 2);
        let chunk = |part: &str| format!("{:x}\r\n{part}\r\n", part.len());
        bare("POST /reservations/", &headers) + &chunk(first) + &chunk(second) + "0\r\n\r\n"
    };
    assert_eq!(ask(server.address, &chunked(&body(16 * 1024))).await.status, 201);
    let answer = ask(server.address, &chunked(&body(16 * 1024 + 1))).await;
    assert_eq!(answer.problem(), too_large);
    assert_eq!(summary(&server).await["availableSeats"], 498);
}

#[tokio::test]
async fn an_id_that_names_nothing_is_not_found() {
    let server = server(500).await;
    let id = id_of(&reserve(server.address, "p", 2).await);
    let other_last_digit = if id.ends_with('0') { "1" } else { "0" };
    let guessed = format!("{}{other_last_digit}", &id[..id.len() - 1]);
    let other_event = format!("00000002{}", &id[8..]);
    let random = "6f2c1a3e-8f1b-4c8e-9f57-0d9d2b1c3a4f";
    for id in [&guessed, &other_event, random, "x", "%E0%A4%A", "..", &"9".repeat(5000)] {
        let answer = ask(server.address, &bare(&format!("DELETE /reservations/{id}"), &[])).await;
        assert_eq!(answer.problem(), "404 reservation_not_found: Reservation not found", "{id}");
    }
    assert_eq!(summary(&server).await["availableSeats"], 498);
    let cancel = bare(&format!("DELETE /reservations/{id}"), &[]);
    assert_eq!(ask(server.address, &cancel).await.status, 204);
    let again = ask(server.address, &cancel).await;
    assert_eq!(again.problem(), "404 reservation_not_found: Reservation not found");
    assert_eq!(summary(&server).await["availableSeats"], 500);
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let server = server(500).await;
    for (line, allowed) in [
        ("PUT /reservations/", "GET, HEAD, POST, OPTIONS"),
        ("DELETE /reservations/", "GET, HEAD, POST, OPTIONS"),
        ("PATCH /reservations", "GET, HEAD, POST, OPTIONS"),
        ("BREW /reservations", "GET, HEAD, POST, OPTIONS"),
        ("GET /reservations/abc", "DELETE, OPTIONS"),
        ("POST /healthz", "GET, HEAD, OPTIONS"),
        ("POST /", "GET, HEAD, OPTIONS"),
    ] {
        let answer = ask(server.address, &bare(line, &["Accept: text/html"])).await;
        assert_eq!(answer.problem(), "405 method_not_allowed: Method not allowed", "{line}");
        assert_eq!(answer.header("allow"), allowed, "{line}");
    }
}

#[tokio::test]
async fn an_unknown_path_is_a_problem_for_programs_and_the_dashboard_for_browsers() {
    let server = server(500).await;
    let html = "Accept: text/html,application/xhtml+xml,*/*;q=0.8";
    for line in
        ["GET /nowhere", "GET /v1/nowhere", "GET /reservations//", "POST /nowhere", "GET /a/b"]
    {
        let answer = ask(server.address, &bare(line, &["Accept: */*"])).await;
        assert_eq!(answer.problem(), "404 not_found: Not found", "{line}");
    }
    let refused = ["Accept: application/json, text/html;q=0"];
    let answer = ask(server.address, &bare("GET /nowhere", &refused)).await;
    assert_eq!(answer.problem(), "404 not_found: Not found");
    for path in ["/", "/index.html", "/nowhere", "/a/b", "/reservations//"] {
        let answer = ask(server.address, &bare(&format!("GET {path}"), &[html])).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        assert!(answer.header("content-security-policy").contains("script-src 'self'"));
    }
    for line in ["GET /v1", "GET /V1/nowhere", "POST /nowhere", "DELETE /nowhere"] {
        let answer = ask(server.address, &bare(line, &[html])).await;
        assert_eq!(answer.problem(), "404 not_found: Not found", "{line}");
    }
}

#[tokio::test]
async fn a_request_without_a_path_is_answered_all_the_same() {
    let server = server(500).await;
    for line in ["CONNECT localhost:80", "GET localhost", "POST localhost:80"] {
        let answer = ask(server.address, &bare(line, &["Accept: text/html"])).await;
        assert_eq!(answer.problem(), "404 not_found: Not found", "{line}");
    }
    for line in ["GET http://localhost", "OPTIONS *", "OPTIONS localhost"] {
        let answer = ask(server.address, &bare(line, &["Accept: text/html"])).await;
        assert!(answer.status < 300, "{line}: {answer:?}");
    }
}

#[tokio::test]
async fn the_dashboards_files_are_cached_and_compressed() {
    let server = server(500).await;
    let plain = ask(server.address, &bare("GET /dashboard.js", &[])).await;
    assert_eq!(plain.header("content-type"), "text/javascript; charset=utf-8");
    let gzip =
        ask(server.address, &bare("GET /dashboard.js", &["Accept-Encoding: br, gzip"])).await;
    assert_eq!(gzip.header("content-encoding"), "gzip");
    assert!(gzip.body.len() < plain.body.len());
    let refused = ["Accept-Encoding: gzip;q=0"];
    let refused = ask(server.address, &bare("GET /dashboard.js", &refused)).await;
    assert_eq!(refused.body, plain.body);
    let known = format!("If-None-Match: {}", plain.header("etag"));
    let known = ask(server.address, &bare("GET /dashboard.js", &[&known])).await;
    assert_eq!((known.status, known.body.len()), (304, 0));
}

#[tokio::test]
async fn a_browser_of_any_origin_may_ask() {
    let server = server(500).await;
    for path in ["/reservations/", "/anything/at/all"] {
        let headers = [
            "Origin: https://partner.example",
            "Access-Control-Request-Method: DELETE",
            "Access-Control-Request-Headers: content-type,x-more",
        ];
        let answer = ask(server.address, &bare(&format!("OPTIONS {path}"), &headers)).await;
        assert_eq!((answer.status, answer.body.len()), (204, 0));
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(answer.header("access-control-allow-methods"), "GET,HEAD,PUT,PATCH,POST,DELETE");
        assert_eq!(answer.header("access-control-allow-headers"), "content-type,x-more");
        assert_eq!(answer.header("vary"), "Access-Control-Request-Headers");
    }
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let server = server(500).await;
    let get = ask(server.address, &bare("GET /reservations/", &[])).await;
    let head = ask(server.address, &bare("HEAD /reservations/", &[])).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    for name in ["content-length", "content-type", "etag"] {
        assert_eq!(head.header(name), get.header(name));
    }
}

#[tokio::test]
async fn who_has_the_version_is_told_so() {
    let server = server(500).await;
    let get = |tag: &str| bare("GET /reservations/", &[&format!("If-None-Match: {tag}")]);
    for tag in ["\"1\"", "W/\"1\"", "\"0\", \"1\"", "*"] {
        let answer = ask(server.address, &get(tag)).await;
        assert_eq!((answer.status, answer.header("etag")), (304, "\"1\""), "{tag}");
    }
    for tag in ["\"2\"", "1", "\"11\""] {
        assert_eq!(ask(server.address, &get(tag)).await.status, 200, "{tag}");
    }
    reserve(server.address, "p", 1).await;
    assert_eq!(ask(server.address, &get("\"1\"")).await.status, 200);
}

#[tokio::test]
async fn a_request_keeps_the_id_it_came_with() {
    let server = server(500).await;
    let own = "6f2c1a3e-8f1b-4c8e-9f57-0d9d2b1c3a4f";
    let answer = ask(server.address, &bare("GET /x", &[&format!("X-Request-Id: {own}")])).await;
    assert_eq!(answer.header("x-request-id"), own);
    assert_eq!(answer.json()["requestId"], own);
    let answer = ask(server.address, &bare("GET /x", &["X-Request-Id: not one"])).await;
    assert_eq!(answer.header("x-request-id").len(), 36);
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_ask_for_ten_of_500_seats_and_fifty_get_them() {
    let server = server(500).await;
    let mut asking = tokio::task::JoinSet::new();
    for number in 0..60 {
        let address = server.address;
        asking.spawn(async move { reserve(address, &format!("p{number}"), 10).await });
    }
    let answers = asking.join_all().await;
    let won = answers.iter().filter(|answer| answer.status == 201).collect::<Vec<_>>();
    assert_eq!(won.len(), 50);
    let versions = won.iter().map(|answer| answer.json()["version"].as_u64().unwrap());
    assert_eq!(versions.collect::<BTreeSet<_>>(), (2..=51).collect());
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(refused.problem(), "409 not_enough_seats: Not enough seats left");
        let json = refused.json();
        assert_eq!((&json["asked"], &json["available"]), (&10.into(), &0.into()));
        assert_eq!(json["version"], 51);
    }
    let summary = summary(&server).await;
    assert_eq!(summary["availableSeats"], 0);
    assert_eq!(summary["reservationCount"], 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_cancel_one_reservation_and_one_does() {
    let server = server(500).await;
    for _ in 0..100 {
        let id = id_of(&reserve(server.address, "p", 7).await);
        let mut asking = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (address, cancel) =
                (server.address, bare(&format!("DELETE /reservations/{id}"), &[]));
            asking.spawn(async move { ask(address, &cancel).await.status });
        }
        let mut statuses = asking.join_all().await;
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 404, 404, 404, 404, 404, 404, 404]);
        assert_eq!(summary(&server).await["availableSeats"], 500);
    }
}

#[tokio::test]
async fn requests_in_a_row_on_one_connection_are_answered_in_order() {
    let server = server(500).await;
    let mut connection = Connection::open(server.address).await;
    let body = r#"{"partnerId":"p","seats":1}"#;
    let both = json("POST /reservations/", body) + &bare("GET /reservations/", &[]);
    connection.send(both).await;
    assert_eq!(connection.receive("POST").await.unwrap().status, 201);
    assert_eq!(connection.receive("GET").await.unwrap().json()["availableSeats"], 499);
}

#[tokio::test]
async fn health_and_readiness_differ_when_the_server_stops() {
    let server = server(500).await;
    let get = |path: &str| bare(&format!("GET {path}"), &[]);
    assert_eq!(ask(server.address, &get("/healthz")).await.text(), r#"{"status":"ok"}"#);
    assert_eq!(ask(server.address, &get("/readyz")).await.text(), r#"{"status":"ready"}"#);
    server.readiness.start_stopping();
    assert_eq!(ask(server.address, &get("/healthz")).await.status, 200);
    let stopping = ask(server.address, &get("/readyz")).await;
    assert_eq!(stopping.problem(), "503 unavailable: Service unavailable");
    assert_eq!(stopping.header("retry-after"), "1");
}

#[tokio::test]
async fn a_nearly_full_disk_is_said_and_reading_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let options = SledOptions::standard(directory.path());
    let first = Server::of_event(open(&options).unwrap().store, 500).await;
    assert_eq!(reserve(first.address, "p", 1).await.status, 201);
    first.stop.cancel();
    first.ended.await.unwrap();
    let full = SledOptions { disk_free_bytes_min: u64::MAX, ..options };
    let store = open(&full).unwrap().store;
    let engine = Engine::open(store, Clock::System, Entropy::System).await.unwrap();
    let server = Server::of_engine(engine, standard_limits()).await;
    let answer = reserve(server.address, "p", 1).await;
    assert_eq!(answer.problem(), "503 storage_full: Storage is full");
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(summary(&server).await["availableSeats"], 499);
}

#[tokio::test]
async fn without_an_event_there_is_nothing_to_reserve() {
    let store = Store::Memory(MemoryStore::default());
    let engine = Engine::open(store, Clock::System, Entropy::System).await.unwrap();
    let server = Server::of_engine(engine, standard_limits()).await;
    let event_not_found = "404 event_not_found: Event not found";
    assert_eq!(reserve(server.address, "p", 1).await.problem(), event_not_found);
    let get = ask(server.address, &bare("GET /reservations/", &[])).await;
    assert_eq!(get.problem(), event_not_found);
}

#[tokio::test]
async fn the_events_own_limit_is_in_the_text() {
    let store = Store::Memory(MemoryStore::default());
    let engine = Engine::open(store, Clock::System, Entropy::System).await.unwrap();
    let terms = EventTerms::on_sale(
        EventId::new("e").unwrap(),
        EventName::new("An event").unwrap(),
        Seats::new(100).unwrap(),
        Seats::new(4).unwrap(),
    );
    engine.create_event(terms, Actor::System, RequestId(0)).await.unwrap();
    let server = Server::of_engine(engine, standard_limits()).await;
    let answer = reserve(server.address, "p", 5).await;
    let expected = "400 seats_per_request: Seats per request must be between 1 and 4";
    assert_eq!(answer.problem(), expected);
}

#[tokio::test]
async fn more_than_may_wait_are_told_to_come_back() {
    let store = Store::Memory(MemoryStore::default());
    let engine = Engine::open(store, Clock::System, Entropy::System).await.unwrap();
    let terms = EventTerms::on_sale(
        EventId::new("e").unwrap(),
        EventName::new("An event").unwrap(),
        Seats::new(1_000_000).unwrap(),
        Seats::new(10).unwrap(),
    );
    let event = terms.id.clone();
    engine.create_event(terms, Actor::System, RequestId(0)).await.unwrap();
    let partner = PartnerId::new("p").unwrap();
    // On one thread all of them ask before the writer has a turn.
    let asking = (0..5000).map(|_| engine.reserve(&event, partner.clone(), 1, RequestId(0)));
    let outcomes = futures_util::future::join_all(asking).await;
    let told = outcomes.into_iter().filter_map(Result::err).collect::<Vec<_>>();
    assert_eq!(told.len(), 5000 - 4096);
    for error in told {
        let response = Problem::from(error).into_response(RequestId(0));
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()["retry-after"], "1");
    }
    assert_eq!(engine.event(&event).unwrap().seats().confirmed, 4096);
}
