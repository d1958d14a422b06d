//! Reservations under `/v1`: what each operation answers, and what it refuses.

use std::net::SocketAddr;

use ticketboss_core::domain::{Actor, RequestId};
use ticketboss_engine::Engine;
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_store::Store;
use ticketboss_store::local::memory::MemoryStore;

use crate::support::terms;
use crate::wire::{Answer, Server, ask, bare, json, standard_limits};

/// 2026-01-01T00:00:00Z.
const BEGIN_MS: i64 = 1_767_225_600_000;

/// Serves an event `a` of 10 seats and an event `b`, by a clock of ours.
async fn server() -> (SocketAddr, Clock) {
    let (store, clock) = (Store::Memory(MemoryStore::default()), Clock::manual(BEGIN_MS));
    let engine = Engine::open(store, clock.clone(), Entropy::System).await.unwrap();
    for id in ["a", "b"] {
        engine.create_event(terms(id, 10), Actor::System, RequestId::NOBODY).await.unwrap();
    }
    (Server::of_engine(engine, standard_limits()).await.address, clock)
}

async fn post(address: SocketAddr, path: &str, body: &str) -> Answer {
    ask(address, &json(&format!("POST /v1/events/a/reservations{path}"), body)).await
}

async fn get(address: SocketAddr, path: &str) -> Answer {
    ask(address, &bare(&format!("GET /v1/events/a/reservations{path}"), &[])).await
}

async fn held(address: SocketAddr, seats: u32, hold: &str) -> String {
    let body = format!(r#"{{"partnerId":"acme","seats":{seats},"hold":{hold}}}"#);
    let answer = post(address, "", &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    format!("/{}", answer.json()["reservationId"].as_str().unwrap())
}

/// A reservation in a line: its status, seats, version and the time that it has left.
fn line(answer: &Answer) -> String {
    let told = answer.json();
    assert_eq!(answer.header("etag"), format!("\"{}\"", told["version"]), "{told}");
    let left =
        told.get("expiresInSeconds").map_or(String::new(), |left| format!(", {left} s left"));
    let (status, seats, version) = (&told["status"], &told["seats"], &told["version"]);
    format!("{} {} of {seats} at {version}{left}", answer.status, status.as_str().unwrap())
}

#[tokio::test]
async fn a_reservation_is_told_as_a_whole() {
    let (address, _) = server().await;
    let made = post(address, "", r#"{"partnerId":"acme","seats":3}"#).await;
    let id = made.json()["reservationId"].as_str().unwrap().to_owned();
    let confirmed = format!(
        r#"{{"reservationId":"{id}","eventId":"a","partnerId":"acme","seats":3,"status":"confirmed","version":2,"createdAt":"2026-01-01T00:00:00.000Z"}}"#
    );
    assert_eq!((made.status, made.text()), (201, confirmed.as_str()));
    let made = post(address, "", r#"{"partnerId":"acme","seats":3,"hold":90}"#).await;
    let id = made.json()["reservationId"].as_str().unwrap().to_owned();
    let held = format!(
        r#"{{"reservationId":"{id}","eventId":"a","partnerId":"acme","seats":3,"status":"held","version":3,"createdAt":"2026-01-01T00:00:00.000Z","expiresAt":"2026-01-01T00:01:30.000Z","expiresInSeconds":90}}"#
    );
    assert_eq!((made.status, made.text()), (201, held.as_str()));
    let read = get(address, &format!("/{id}")).await;
    assert_eq!((read.status, read.text()), (200, held.as_str()));
    assert_eq!((read.header("etag"), read.header("cache-control")), ("\"3\"", "no-cache"));
    // There is less time left of what is held each time it is looked at.
    let path = format!("GET /v1/events/a/reservations/{id}");
    let known = ask(address, &bare(&path, &["If-None-Match: \"3\""])).await;
    assert_eq!((known.status, known.text()), (200, held.as_str()));
    post(address, &format!("/{id}/confirm"), "").await;
    let known = ask(address, &bare(&path, &["If-None-Match: \"4\""])).await;
    assert_eq!((known.status, known.text()), (304, ""));
}

#[tokio::test]
async fn a_hold_is_extended_confirmed_and_given_up() {
    let (address, clock) = server().await;
    let id = held(address, 4, "true").await;
    assert_eq!(line(&get(address, &id).await), "200 held of 4 at 2, 600 s left");
    clock.set(BEGIN_MS + 1);
    // Rounded down: rather too early than too late.
    assert_eq!(line(&get(address, &id).await), "200 held of 4 at 2, 599 s left");
    clock.set(BEGIN_MS + 60_000);
    let extended = post(address, &format!("{id}/extend"), "").await;
    assert_eq!(line(&extended), "200 held of 4 at 3, 600 s left");
    let extended = post(address, &format!("{id}/extend"), r#"{"holdSeconds":900}"#).await;
    assert_eq!(line(&extended), "200 held of 4 at 4, 900 s left");
    for _ in 0..2 {
        let confirmed = post(address, &format!("{id}/confirm"), "{}").await;
        assert_eq!(line(&confirmed), "200 confirmed of 4 at 5");
    }
    let part = post(address, &format!("{id}/cancel"), r#"{"seats":1}"#).await;
    assert_eq!(line(&part), "200 confirmed of 3 at 6");
    for _ in 0..2 {
        let cancelled = post(address, &format!("{id}/cancel"), "").await;
        assert_eq!(line(&cancelled), "200 cancelled of 3 at 7");
    }
    assert_eq!(line(&get(address, &id).await), "200 cancelled of 3 at 7");
}

/// Who confirms once more is told what was so when that was decided, and not what somebody else has made of
/// it by the time it is told.
#[tokio::test]
async fn confirming_once_more_tells_of_what_is_confirmed() {
    let (address, _) = server().await;
    let mut confirmed_first = 0;
    for _ in 0..100 {
        let made = post(address, "", r#"{"partnerId":"acme","seats":2}"#).await.json();
        let id = format!("/{}", made["reservationId"].as_str().unwrap());
        let (confirm, cancel) = (format!("{id}/confirm"), format!("{id}/cancel"));
        let (again, cancelled) =
            tokio::join!(post(address, &confirm, ""), post(address, &cancel, ""));
        assert_eq!(cancelled.status, 200, "{}", cancelled.text());
        if again.status == 409 {
            assert_eq!(again.json()["code"], "reservation_cancelled");
            continue;
        }
        assert_eq!(line(&again), format!("200 confirmed of 2 at {}", made["version"]));
        confirmed_first += 1;
    }
    assert!(confirmed_first > 0, "whoever gives up is always the first");
}

#[tokio::test]
async fn what_became_of_a_reservation_is_told() {
    let (address, clock) = server().await;
    let expired = held(address, 4, "10").await;
    clock.set(BEGIN_MS + 10_000);
    let cancelled = held(address, 9, "10").await;
    let confirm = post(address, &format!("{expired}/confirm"), "").await;
    assert_eq!(confirm.problem(), "409 hold_expired: Hold has expired");
    let told = confirm.json();
    let numbers = ["asked", "available", "held", "version"].map(|name| told[name].as_u64());
    assert_eq!(numbers, [4, 1, 9, 4].map(Some));
    assert_eq!(told["nextExpiresAt"], "2026-01-01T00:00:20.000Z");
    post(address, &format!("{cancelled}/cancel"), "").await;
    let late = post(address, &format!("{expired}/confirm"), "").await;
    assert_eq!(line(&late), "200 confirmed of 4 at 6");
    let confirmed = late.json()["reservationId"].as_str().unwrap().to_owned();
    let gone = held(address, 1, "10").await;
    clock.set(BEGIN_MS + 20_000);
    for (path, body, problem) in [
        (format!("{cancelled}/confirm"), "", "409 reservation_cancelled: Reservation is cancelled"),
        (format!("{cancelled}/extend"), "", "409 reservation_cancelled: Reservation is cancelled"),
        (
            format!("{cancelled}/cancel"),
            r#"{"seats":1}"#,
            "409 reservation_cancelled: Reservation is cancelled",
        ),
        (format!("{gone}/extend"), "", "409 reservation_expired: Reservation has expired"),
        (
            format!("/{confirmed}/extend"),
            "",
            "409 already_confirmed: Reservation is confirmed already",
        ),
        (
            format!("/{confirmed}/cancel"),
            r#"{"seats":4}"#,
            "400 not_a_part: Not a part of the reservation",
        ),
    ] {
        assert_eq!(post(address, &path, body).await.problem(), problem, "{path}");
    }
    assert_eq!(line(&post(address, &format!("{gone}/cancel"), "").await), "200 expired of 1 at 8");
    let delete = bare(&format!("DELETE /v1/events/a/reservations{gone}"), &[]);
    let deleted = ask(address, &delete).await;
    assert_eq!(deleted.problem(), "404 reservation_not_found: Reservation not found");
}

#[tokio::test]
async fn a_hold_that_cannot_be_extended_says_so() {
    let (address, clock) = server().await;
    let id = held(address, 1, "1800").await;
    clock.set(BEGIN_MS + 60_000);
    let refused = post(address, &format!("{id}/extend"), r#"{"holdSeconds":1800}"#).await;
    assert_eq!(refused.problem(), "409 hold_limit: Hold cannot be extended");
    let expected = "it is held until 2026-01-01T00:30:00.000Z already, and until 2026-01-01T00:30:00.000Z at most";
    assert_eq!(refused.json()["detail"], expected);
    let id = held(address, 1, "60").await;
    let refused = post(address, &format!("{id}/extend"), r#"{"holdSeconds":60}"#).await;
    assert_eq!(refused.problem(), "409 hold_limit: Hold cannot be extended");
    let expected = "it is held until 2026-01-01T00:02:00.000Z already, and until 2026-01-01T00:31:00.000Z at most";
    assert_eq!(refused.json()["detail"], expected);
    let part = post(address, &format!("{id}/cancel"), r#"{"seats":1}"#).await;
    assert_eq!(part.problem(), "409 not_confirmed: Reservation is not confirmed");
}

#[tokio::test]
async fn every_fault_of_a_body_is_told() {
    let (address, _) = server().await;
    let told = |answer: &Answer| {
        let problem = answer.json();
        let faults = problem["errors"].as_array().unwrap().iter();
        let faults = faults.map(|fault| {
            let text = |name: &str| fault[name].as_str().unwrap().to_owned();
            format!("{} {}", text("pointer"), text("detail"))
        });
        (problem["code"].as_str().unwrap().to_owned(), faults.collect::<Vec<_>>())
    };
    let body = r#"{"partnerId":7,"hold":"yes","holdSecond":60,"a/b~":1}"#;
    let (code, faults) = told(&post(address, "", body).await);
    assert_eq!(code, "invalid_request");
    let expected = [
        "/partnerId must be a string",
        "/seats is missing",
        "/hold must be true, false, or a whole number of seconds",
        "/holdSecond is not known here",
        "/a~1b~0 is not known here",
    ];
    assert_eq!(faults.iter().collect::<std::collections::BTreeSet<_>>().len(), 5);
    for fault in expected {
        assert!(faults.contains(&fault.to_owned()), "{fault}: {faults:?}");
    }
    for seconds in ["9", "1801", "0", "-1", "1e99"] {
        let body = format!(r#"{{"partnerId":"p","seats":1,"hold":{seconds}}}"#);
        let (code, faults) = told(&post(address, "", &body).await);
        assert_eq!(code, "hold_seconds");
        assert_eq!(faults, ["/hold must be between 10 and 1800"]);
    }
    let id = held(address, 1, "60").await;
    for (path, body, fault) in [
        ("confirm", r#"{"seats":1}"#, "/seats is not known here"),
        ("extend", r#"{"holdSeconds":"a"}"#, "/holdSeconds must be a number"),
        ("cancel", r#"{"seats":0}"#, "/seats must be at least 1"),
        ("cancel", "[1]", " the body must be a JSON object"),
    ] {
        let (code, faults) = told(&post(address, &format!("{id}/{path}"), body).await);
        assert_eq!((code.as_str(), &faults[..]), ("invalid_request", &[fault.to_owned()][..]));
    }
    assert_eq!(line(&get(address, &id).await), "200 held of 1 at 2, 60 s left");
}

#[tokio::test]
async fn a_reservation_is_found_under_its_own_event_alone() {
    let (address, _) = server().await;
    let id = held(address, 1, "60").await;
    for (method, path) in [
        ("GET", format!("/v1/events/b/reservations{id}")),
        ("POST", format!("/v1/events/b/reservations{id}/confirm")),
        ("POST", format!("/v1/events/b/reservations{id}/extend")),
        ("POST", format!("/v1/events/b/reservations{id}/cancel")),
        ("DELETE", format!("/v1/events/b/reservations{id}")),
        ("GET", "/v1/events/a/reservations/x".to_owned()),
    ] {
        let answer = ask(address, &bare(&format!("{method} {path}"), &[])).await;
        let problem = "404 reservation_not_found: Reservation not found";
        assert_eq!(answer.problem(), problem, "{method} {path}");
    }
    let answer = ask(address, &bare("GET /v1/events/c/reservations/x", &[])).await;
    assert_eq!(answer.problem(), "404 event_not_found: Event not found");
}

#[tokio::test]
async fn what_a_partner_notes_is_given_back() {
    let (address, _) = server().await;
    let body =
        r#"{"partnerId":"acme","seats":1,"reference":"order 7","metadata":{"b":"2","a":"1"}}"#;
    let made = post(address, "", body).await;
    let told = made.json();
    assert_eq!((&told["reference"], made.status), (&"order 7".into(), 201));
    assert_eq!(told["metadata"].to_string(), r#"{"a":"1","b":"2"}"#);
    let id = told["reservationId"].as_str().unwrap();
    assert_eq!(get(address, &format!("/{id}")).await.json(), told);
    let cancelled = post(address, &format!("/{id}/cancel"), "").await.json();
    assert_eq!(cancelled["reference"], "order 7");
    let many = (0..11).map(|name| format!(r#""{name}":"x""#)).collect::<Vec<_>>().join(",");
    for (field, fault) in [
        (r#""reference":"""#.to_owned(), "/reference must not be blank"),
        (r#""reference":7"#.to_owned(), "/reference must be a string"),
        (r#""metadata":[]"#.to_owned(), "/metadata must be an object of strings"),
        (r#""metadata":{"a":1}"#.to_owned(), "/metadata must be an object of strings"),
        (r#""metadata":{"a":""}"#.to_owned(), "/metadata has a value that must not be blank"),
        (
            r#""metadata":{"a":"1","b":"2","\u0061":"3"}"#.to_owned(),
            "/metadata has the name `a` twice",
        ),
        (
            r#""metadata":{"a":"1"},"metadata":{"b":"2"}"#.to_owned(),
            "the body has the field `metadata` twice",
        ),
        (format!(r#""metadata":{{{many}}}"#), "/metadata must not have more than 10 entries"),
    ] {
        let body = format!(r#"{{"partnerId":"acme","seats":1,{field}}}"#);
        let problem = post(address, "", &body).await.json();
        assert_eq!(problem["detail"], fault, "{body}");
    }
}

#[tokio::test]
async fn reservations_are_listed_by_partner_and_status() {
    let (address, clock) = server().await;
    let mut made = Vec::new();
    for (partner, hold) in
        [("acme", "10"), ("globex", "false"), ("acme", "false"), ("acme", "60"), ("a&b=c", "60")]
    {
        let body = format!(r#"{{"partnerId":"{partner}","seats":1,"hold":{hold}}}"#);
        let told = post(address, "", &body).await.json();
        made.push(told["reservationId"].as_str().unwrap().to_owned());
    }
    clock.set(BEGIN_MS + 10_000);
    post(address, &format!("/{}/cancel", made[2]), "").await;
    let ids = |list: &serde_json::Value| {
        let items = list["items"].as_array().unwrap().iter();
        let place = |id: &str| made.iter().position(|made| made == id).unwrap();
        items.map(|item| place(item["reservationId"].as_str().unwrap())).collect::<Vec<_>>()
    };
    for (query, expected) in [
        ("", &[0, 1, 2, 3, 4][..]),
        ("?partnerId=acme", &[0, 2, 3]),
        ("?status=expired", &[0]),
        ("?status=held&partnerId=acme", &[3]),
        ("?status=cancelled", &[2]),
        ("?partnerId=a%26b%3Dc", &[4]),
        ("?partnerId=nobody", &[]),
    ] {
        let list = get(address, query).await.json();
        assert_eq!((ids(&list), list.get("next")), (expected.to_vec(), None), "{query}");
    }
    // Page by page, by the links that are given.
    for (query, expected) in
        [("?limit=2", &[0, 1, 2, 3, 4][..]), ("?partnerId=acme&limit=1", &[0, 2, 3])]
    {
        let (mut query, mut seen) = (query.to_owned(), Vec::new());
        loop {
            let list = get(address, &query).await.json();
            seen.extend(ids(&list));
            let Some(next) = list["next"].as_str() else { break };
            query = next.strip_prefix("/v1/events/a/reservations").unwrap().to_owned();
        }
        assert_eq!(seen, expected, "{query}");
    }
    for query in ["?status=sold", "?limit=201", "?cursor=x", "?sort=asc"] {
        let problem = get(address, query).await.problem();
        assert_eq!(problem, "400 invalid_request: Invalid request", "{query}");
    }
    let unknown = ask(address, &bare("GET /v1/events/c/reservations", &[])).await;
    assert_eq!(unknown.problem(), "404 event_not_found: Event not found");
}
