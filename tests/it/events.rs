//! The wire of several events: each under its id, and the seed's routes for the default one.

use std::net::SocketAddr;

use ticketboss_core::domain::{Actor, RequestId};
use ticketboss_engine::Engine;
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_store::Store;
use ticketboss_store::local::memory::MemoryStore;

use crate::support::terms;
use crate::wire::{Answer, Server, ask, bare, json, standard_limits};

/// Serves events of these ids and capacities; the first is the default one.
async fn server(events: &[(&str, u32)]) -> Server {
    let store = Store::Memory(MemoryStore::default());
    let engine = Engine::open(store, Clock::System, Entropy::System).await.unwrap();
    for (id, capacity) in events {
        engine.create_event(terms(id, *capacity), Actor::System, RequestId(0)).await.unwrap();
    }
    Server::of_engine(engine, standard_limits()).await
}

async fn get(address: SocketAddr, path: &str) -> Answer {
    ask(address, &bare(&format!("GET {path}"), &[])).await
}

async fn reserve_at(address: SocketAddr, path: &str, seats: u32) -> Answer {
    let body = format!(r#"{{"partnerId":"p","seats":{seats}}}"#);
    ask(address, &json(&format!("POST {path}"), &body)).await
}

async fn delete(address: SocketAddr, path: &str) -> Answer {
    ask(address, &bare(&format!("DELETE {path}"), &[])).await
}

fn id_of(answer: &Answer) -> String {
    answer.json()["reservationId"].as_str().unwrap().to_owned()
}

/// What an answer says, less what is drawn anew for each.
fn told(answer: &Answer) -> (u16, String, Vec<(String, String)>) {
    let drawn = ["date", "x-request-id"];
    let headers = answer.headers.clone().into_iter();
    let headers = headers.filter(|(name, _)| !drawn.contains(&name.as_str())).collect();
    let text = answer.text().replace(answer.header("x-request-id"), "ID");
    (answer.status, text, headers)
}

#[tokio::test]
async fn each_event_sells_its_own_seats() {
    let Server { address, .. } = server(&[("a", 100), ("b", 20), ("c", 30)]).await;
    let reserved = reserve_at(address, "/v1/events/b/reservations", 3).await;
    let id = id_of(&reserved);
    assert_eq!((reserved.status, &reserved.json()["eventId"]), (201, &"b".into()));
    assert_eq!(reserved.header("etag"), "\"2\"");
    let summary = get(address, "/v1/events/b").await;
    let seed = r#"{"eventId":"b","name":"Node Meetup","totalSeats":20,"availableSeats":17,"reservationCount":1,"version":2,"#;
    assert!(summary.text().starts_with(seed), "{}", summary.text());
    for (other, seats) in [("a", 100), ("c", 30)] {
        let summary = get(address, &format!("/V1/Events/{other}/")).await.json();
        assert_eq!((&summary["availableSeats"], &summary["version"]), (&seats.into(), &1.into()));
    }
    let cancelled = delete(address, &format!("/v1/events/b/reservations/{id}/")).await;
    assert_eq!((cancelled.status, cancelled.header("etag")), (204, "\"3\""));
    assert_eq!(get(address, "/v1/events/b").await.json()["availableSeats"], 20);
}

#[tokio::test]
async fn the_seeds_routes_are_those_of_the_default_event() {
    // The same is asked of two servers, in each the other way.
    let by_seed = server(&[("a", 10), ("b", 10)]).await.address;
    let by_id = server(&[("a", 10), ("b", 10)]).await.address;
    for seats in [9, 11, 2] {
        let seed = reserve_at(by_seed, "/reservations/", seats).await;
        let id = reserve_at(by_id, "/v1/events/a/reservations", seats).await;
        if seed.status == 201 {
            assert_eq!((id.status, id.header("etag")), (201, seed.header("etag")));
        } else {
            assert_eq!(told(&seed), told(&id), "{seats}");
        }
    }
    for tag in ["\"0\"", "\"2\"", "*"] {
        let known = [&format!("If-None-Match: {tag}")[..]];
        let seed = ask(by_seed, &bare("GET /reservations/", &known)).await;
        let id = ask(by_id, &bare("GET /v1/events/a", &known)).await;
        assert_eq!((seed.status, seed.header("etag")), (id.status, id.header("etag")), "{tag}");
        // What the seed told of its event comes first, in its order; the rest is more.
        let same = seed.text().trim_end_matches('}');
        assert!(id.text().starts_with(same), "{tag}: {} and {}", seed.text(), id.text());
    }
    for body in ["", "[]", r#"{"partnerId":"","seats":2.5}"#] {
        let seed = ask(by_seed, &json("POST /reservations/", body)).await;
        let id = ask(by_id, &json("POST /v1/events/a/reservations", body)).await;
        assert_eq!(told(&seed), told(&id), "{body}");
    }
}

#[tokio::test]
async fn a_reservation_is_cancelled_under_its_own_event_only() {
    let Server { address, .. } = server(&[("a", 10), ("b", 10)]).await;
    let of_a = id_of(&reserve_at(address, "/v1/events/a/reservations", 1).await);
    let of_b = id_of(&reserve_at(address, "/v1/events/b/reservations", 1).await);
    let not_found = "404 reservation_not_found: Reservation not found";
    for path in [
        format!("/v1/events/a/reservations/{of_b}"),
        format!("/v1/events/b/reservations/{of_a}"),
        "/v1/events/a/reservations/x".to_owned(),
    ] {
        assert_eq!(delete(address, &path).await.problem(), not_found, "{path}");
    }
    assert_eq!(get(address, "/v1/events/a").await.json()["version"], 2);
    assert_eq!(get(address, "/v1/events/b").await.json()["version"], 2);
    // The seed's route finds the event by the id.
    assert_eq!(delete(address, &format!("/reservations/{of_b}")).await.status, 204);
    assert_eq!(delete(address, &format!("/v1/events/a/reservations/{of_a}")).await.status, 204);
    let again = delete(address, &format!("/v1/events/b/reservations/{of_b}")).await;
    assert_eq!(again.problem(), not_found);
}

#[tokio::test]
async fn an_event_that_is_not_there_is_not_found() {
    let Server { address, .. } = server(&[("a", 10)]).await;
    let id = id_of(&reserve_at(address, "/reservations", 1).await);
    let not_found = "404 event_not_found: Event not found";
    for event in ["b", "A", "%61", "a.b", "-", &"x".repeat(5000)] {
        let path = format!("/v1/events/{event}");
        assert_eq!(get(address, &path).await.problem(), not_found, "{event}");
        let reserved = reserve_at(address, &format!("{path}/reservations"), 1).await;
        assert_eq!(reserved.problem(), not_found, "{event}");
        let cancelled = delete(address, &format!("{path}/reservations/{id}")).await;
        assert_eq!(cancelled.problem(), not_found, "{event}");
    }
    for path in ["/v1", "/v1/events//", "/v1/events/a/b", "/v1/events//reservations"] {
        assert_eq!(get(address, path).await.problem(), "404 not_found: Not found", "{path}");
    }
    for (line, allowed) in [
        ("POST /v1/events/a", "GET, HEAD, PATCH, OPTIONS"),
        ("DELETE /v1/events", "GET, HEAD, POST, OPTIONS"),
        ("DELETE /v1/events/a/reservations", "GET, HEAD, POST, OPTIONS"),
        ("PATCH /v1/events/a/reservations/x", "GET, HEAD, PUT, DELETE, OPTIONS"),
    ] {
        let answer = ask(address, &bare(line, &[])).await;
        assert_eq!(answer.problem(), "405 method_not_allowed: Method not allowed", "{line}");
        assert_eq!(answer.header("allow"), allowed, "{line}");
    }
}
