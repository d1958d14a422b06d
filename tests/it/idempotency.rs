//! `Idempotency-Key`: who asks again under the same key is answered as the first time.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use ticketboss_core::domain::{Actor, RequestId};
use ticketboss_engine::Engine;
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_store::Store;
use ticketboss_store::local::memory::MemoryStore;
use tokio::sync::mpsc;

use crate::program::Serving;
use crate::support::{new_directory, open_store, terms};
use crate::wire::{Answer, Connection, Server, ask, bare, json, standard_limits};

/// 2026-01-01T00:00:00Z.
const BEGIN_MS: i64 = 1_767_225_600_000;
const RESERVATIONS: &str = "/v1/events/a/reservations";
const REUSED: &str = "422 idempotency_key_reused: Key or id was used for something else";
const REPLAYED: &str = "idempotent-replayed";
const DEFAULT_RESERVATIONS: &str = "/v1/events/node-meetup-2025/reservations";
const QUIET: [&str; 4] = ["--access-log", "off", "--log", "error"];

/// Serves an event `a` of 20 seats, and makes it if it is not there.
async fn serve(store: Store) -> (Server, Engine, Clock) {
    let clock = Clock::manual(BEGIN_MS);
    let engine = Engine::open(store, clock.clone(), Entropy::System).await.unwrap();
    if engine.event_ids().is_empty() {
        let created = engine.create_event(terms("a", 20), Actor::System, RequestId::NOBODY);
        created.await.unwrap();
    }
    (Server::of_engine(engine.clone(), standard_limits()).await, engine, clock)
}

async fn server() -> (SocketAddr, Clock) {
    let (server, _, clock) = serve(Store::Memory(MemoryStore::default())).await;
    (server.address, clock)
}

async fn keyed(address: SocketAddr, line: &str, key: &str, body: &str) -> Answer {
    let (key, length) =
        (format!("Idempotency-Key: {key}"), format!("Content-Length: {}", body.len()));
    // Only who changes an event is asked for it.
    let headers = ["Content-Type: application/json", "If-Match: *", &key, &length];
    ask(address, &(bare(line, &headers) + body)).await
}

async fn reserve(address: SocketAddr, key: &str, body: &str) -> Answer {
    keyed(address, &format!("POST {RESERVATIONS}"), key, body).await
}

async fn available(address: SocketAddr) -> u64 {
    let event = ask(address, &bare("GET /v1/events/a", &[])).await;
    event.json()["availableSeats"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_at_once_one_is_done_and_all_are_answered_alike() {
    let directory = new_directory();
    let store = open_store(&directory);
    let (server, engine, _) = serve(store.clone()).await;
    let body = r#"{"partnerId":"acme","seats":3}"#;
    let address = server.address;
    let asked = (0..100).map(|_| tokio::spawn(async move { reserve(address, "k1", body).await }));
    let mut answers = BTreeSet::new();
    let mut first = 0;
    for answer in asked.collect::<Vec<_>>() {
        let answer = answer.await.unwrap();
        assert_eq!(answer.status, 201);
        first += u32::from(answer.header(REPLAYED).is_empty());
        answers.insert((answer.text().to_owned(), answer.header("etag").to_owned()));
    }
    assert_eq!((answers.len(), first, available(address).await), (1, 1, 17));
    engine.close().await;
    server.stop.cancel();
    server.ended.await.unwrap();
    drop((engine, store));

    // And after a restart.
    let (server, _, _) = serve(open_store(&directory)).await;
    let again = reserve(server.address, "k1", body).await;
    assert_eq!((again.status, again.header(REPLAYED)), (201, "true"));
    assert!(answers.contains(&(again.text().to_owned(), again.header("etag").to_owned())));
    assert_eq!(available(server.address).await, 17);
}

/// The program is killed when so many of a hundred have their answer, and the hundred ask again when it is
/// back: where nobody knows what was done, and where everybody does.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_before_and_after_a_kill_one_is_done() {
    let home = new_directory();
    for answered_before in [0, 1, 30, 99, 100] {
        let partner = format!("partner-{answered_before}");
        let serving = Serving::start(home.path(), &QUIET);
        let mut answers = ask_a_hundred(serving.address, &partner).await;
        let mut told = Vec::new();
        while told.len() < answered_before {
            told.extend(answers.recv().await.unwrap());
        }
        serving.kill();
        while let Some(answer) = answers.recv().await {
            told.extend(answer);
        }
        let serving = Serving::start(home.path(), &QUIET);
        let mut answers = ask_a_hundred(serving.address, &partner).await;
        let before = told.len();
        while let Some(answer) = answers.recv().await {
            told.extend(answer);
        }
        assert_eq!(told.len() - before, 100, "everybody is answered");
        let first = told.iter().filter(|answer| answer.header(REPLAYED).is_empty()).count();
        assert!(first <= 1, "{first} were told that it was done now");
        let mut bodies = told.iter().map(Answer::text).collect::<Vec<_>>();
        bodies.dedup();
        assert_eq!(bodies.len(), 1, "{bodies:?}");
        let list = format!("GET {DEFAULT_RESERVATIONS}?partnerId={partner}");
        let list = ask(serving.address, &bare(&list, &[])).await.json();
        assert_eq!(list["items"].as_array().unwrap(), &[told[0].json()]);
    }
}

/// A hundred have asked for the same, under one key, when this returns; gives their answers, or that there
/// is none.
async fn ask_a_hundred(
    address: SocketAddr,
    partner: &str,
) -> mpsc::UnboundedReceiver<Option<Answer>> {
    let body = format!(r#"{{"partnerId":"{partner}","seats":2}}"#);
    let length = format!("Content-Length: {}", body.len());
    let headers = ["Content-Type: application/json", "Idempotency-Key: k1", &length];
    let request = bare(&format!("POST {DEFAULT_RESERVATIONS}"), &headers) + &body;
    let asking = (0..100).map(|_| {
        let request = request.clone();
        tokio::spawn(async move {
            let mut connection = Connection::open(address).await;
            connection.send(&request).await;
            connection
        })
    });
    let (answered, answers) = mpsc::unbounded_channel();
    for asked in asking.collect::<Vec<_>>() {
        let (mut connection, answered) = (asked.await.unwrap(), answered.clone());
        tokio::spawn(async move {
            let _ = answered.send(connection.receive("POST").await);
        });
    }
    answers
}

#[tokio::test]
async fn a_key_is_of_one_partner_one_operation_and_one_body() {
    let (address, _) = server().await;
    let first = reserve(address, "k", r#"{"partnerId":"acme","seats":3}"#).await;
    assert_eq!((first.status, first.header(REPLAYED)), (201, ""));
    // Neither the quotes of the key nor the order and the white space of the body matter.
    let same = reserve(address, "\"k\"", "{ \"seats\":3,\n\"partnerId\":\"acme\"}").await;
    assert_eq!((same.header(REPLAYED), same.text()), ("true", first.text()));
    for body in [
        r#"{"partnerId":"acme","seats":2}"#,
        r#"{"partnerId":"acme","seats":3,"hold":true}"#,
        r#"{"partnerId":"acme","seats":11}"#,
    ] {
        assert_eq!(reserve(address, "k", body).await.problem(), REUSED, "{body}");
    }
    let other = reserve(address, "k", r#"{"partnerId":"globex","seats":3}"#).await;
    assert_eq!((other.status, other.header(REPLAYED)), (201, ""));
    let id = first.json()["reservationId"].as_str().unwrap().to_owned();
    let path = format!("POST {RESERVATIONS}/{id}/cancel");
    let part = keyed(address, &path, "k", r#"{"seats":1}"#).await;
    assert_eq!((part.status, part.header(REPLAYED), &part.json()["seats"]), (200, "", &2.into()));
    let again = keyed(address, &path, "k", r#"{"seats":1}"#).await;
    assert_eq!((again.header(REPLAYED), again.text()), ("true", part.text()));
    assert_eq!(keyed(address, &path, "k", "").await.problem(), REUSED);
    assert_eq!(available(address).await, 15);
}

#[tokio::test]
async fn the_first_answer_is_given_whatever_has_become_of_it() {
    let (address, clock) = server().await;
    let asked = r#"{"partnerId":"acme","seats":4,"hold":60}"#;
    let held = reserve(address, "h", asked).await;
    let id = held.json()["reservationId"].as_str().unwrap().to_owned();
    let of = |what: &str| format!("POST {RESERVATIONS}/{id}/{what}");
    let refused = keyed(address, &of("extend"), "e", r#"{"holdSeconds":60}"#).await;
    assert_eq!(refused.status, 409, "it would not be longer: {}", refused.text());
    let extended = keyed(address, &of("extend"), "e", r#"{"holdSeconds":120}"#).await;
    assert_eq!(extended.status, 200, "{}", extended.text());
    clock.set(BEGIN_MS + 1_000);
    let confirmed = keyed(address, &of("confirm"), "c", "").await;
    let part = keyed(address, &of("cancel"), "p", r#"{"seats":1}"#).await;
    let line = format!("DELETE {RESERVATIONS}/{id}");
    let deleted = keyed(address, &line, "d", "").await;
    assert_eq!((deleted.status, deleted.header(REPLAYED)), (204, ""));
    clock.set(BEGIN_MS);
    for (first, again) in [
        (&held, reserve(address, "h", asked).await),
        (&extended, keyed(address, &of("extend"), "e", r#"{"holdSeconds":120}"#).await),
        (&confirmed, keyed(address, &of("confirm"), "c", "").await),
        (&part, keyed(address, &of("cancel"), "p", r#"{"seats":1}"#).await),
        (&deleted, keyed(address, &line, "d", "").await),
    ] {
        assert_eq!(again.header(REPLAYED), "true");
        assert_eq!((again.status, again.text()), (first.status, first.text()));
        assert_eq!(again.header("etag"), first.header("etag"));
    }
    let statuses = [&held, &extended, &confirmed, &part].map(|told| told.json()["status"].clone());
    assert_eq!(statuses, ["held", "held", "confirmed", "confirmed"].map(serde_json::Value::from));
    assert_eq!(available(address).await, 20);
}

/// An id is told in one way and taken in several, and one that was chosen for a reservation is taken like ours.
#[tokio::test]
async fn however_a_reservation_is_spelt_its_key_is_one() {
    let (address, _) = server().await;
    let chosen = "0197f2c0-0000-7000-8000-00000000000a";
    let put = json(&format!("PUT {RESERVATIONS}/{chosen}"), r#"{"partnerId":"acme","seats":9}"#);
    assert_eq!(ask(address, &put).await.status, 201);
    for (count, spelt) in
        [chosen.to_owned(), chosen.to_uppercase(), chosen.replace('-', "")].iter().enumerate()
    {
        let line = format!("POST {RESERVATIONS}/{spelt}/cancel");
        let part = keyed(address, &line, "k", r#"{"seats":1}"#).await;
        assert_eq!((part.status, &part.json()["seats"]), (200, &8.into()), "{spelt}");
        assert_eq!(part.header(REPLAYED), if count == 0 { "" } else { "true" });
    }
    // Who has nothing to say may leave the body out.
    for (body, replayed) in [("", ""), ("{}", "true"), (" { } ", "true")] {
        let line = format!("POST {RESERVATIONS}/{chosen}/cancel");
        let cancelled = keyed(address, &line, "all", body).await;
        assert_eq!((cancelled.status, cancelled.header(REPLAYED)), (200, replayed), "{body:?}");
    }
}

#[tokio::test]
async fn what_was_refused_is_decided_anew() {
    let (address, _) = server().await;
    let all = reserve(address, "all", r#"{"partnerId":"acme","seats":10}"#).await;
    reserve(address, "more", r#"{"partnerId":"acme","seats":10}"#).await;
    let body = r#"{"partnerId":"globex","seats":2}"#;
    let refused = "409 not_enough_seats: Not enough seats left";
    assert_eq!(reserve(address, "k", body).await.problem(), refused);
    let id = all.json()["reservationId"].as_str().unwrap().to_owned();
    ask(address, &bare(&format!("DELETE {RESERVATIONS}/{id}"), &[])).await;
    assert_eq!(reserve(address, "k", body).await.status, 201);
    assert_eq!(reserve(address, "k", body).await.header(REPLAYED), "true");
}

#[tokio::test]
async fn the_seeds_routes_take_keys_too() {
    let (address, _) = server().await;
    let body = r#"{"partnerId":"acme","seats":3}"#;
    let first = keyed(address, "POST /reservations/", "k", body).await;
    let again = keyed(address, "POST /reservations/", "k", body).await;
    assert_eq!((again.text(), again.header(REPLAYED)), (first.text(), "true"));
    let id = first.json()["reservationId"].as_str().unwrap().to_owned();
    for replayed in ["", "true"] {
        let cancelled = keyed(address, &format!("DELETE /reservations/{id}"), "k", "").await;
        assert_eq!((cancelled.status, cancelled.header(REPLAYED)), (204, replayed));
    }
    assert_eq!(available(address).await, 20);
}

#[tokio::test]
async fn a_key_that_cannot_be_one_is_refused() {
    let (address, _) = server().await;
    let body = r#"{"partnerId":"acme","seats":3}"#;
    let long = "k".repeat(256);
    for key in ["", "\"\"", "\"open", &long, "a\r\nIdempotency-Key: b", "ü", "a\tb"] {
        let refused = reserve(address, key, body).await;
        assert_eq!(refused.problem(), "400 invalid_request: Invalid request", "{key}");
        assert!(refused.json().get("errors").is_none(), "a header is no place in the body");
    }
    assert_eq!(reserve(address, &long[1..], body).await.status, 201);
    assert_eq!(available(address).await, 17);
}

#[tokio::test]
async fn a_client_may_choose_the_id_of_a_reservation() {
    let (address, _) = server().await;
    let chosen = "0197F2C0-0000-7000-8000-00000000000A";
    let told = chosen.to_lowercase();
    let put = |body: &'static str| {
        let length = format!("Content-Length: {}", body.len());
        let headers = ["Content-Type: application/json", &length];
        bare(&format!("PUT {RESERVATIONS}/{chosen}"), &headers) + body
    };
    let hold = r#"{"partnerId":"acme","seats":4,"hold":60}"#;
    let first = ask(address, &put(hold)).await;
    assert_eq!((first.status, first.header(REPLAYED)), (201, ""));
    assert_eq!(first.json()["reservationId"], told.as_str());
    let again = ask(address, &put(hold)).await;
    assert_eq!((again.status, again.header(REPLAYED), again.text()), (201, "true", first.text()));
    let other = ask(address, &put(r#"{"partnerId":"acme","seats":3}"#)).await;
    assert_eq!(other.problem(), REUSED);
    let detail = "there is another reservation of that id, which was asked for otherwise";
    assert_eq!(other.json()["detail"], detail);
    // A key is not looked at here, so one that is used, or can be none, makes no difference.
    for key in ["Idempotency-Key: used", "Idempotency-Key: \"open"] {
        let headers =
            [key, "Content-Type: application/json", &format!("Content-Length: {}", hold.len())];
        let again = bare(&format!("PUT {RESERVATIONS}/{chosen}"), &headers) + hold;
        assert_eq!(ask(address, &again).await.text(), first.text(), "{key}");
    }
    assert_eq!(available(address).await, 16);

    // It is found under that id, whatever its letters, and by no other way.
    let path = format!("{RESERVATIONS}/{told}");
    let confirmed = ask(address, &bare(&format!("POST {path}/confirm"), &[])).await;
    assert_eq!(confirmed.json()["reservationId"], told.as_str());
    let read = ask(address, &bare(&format!("GET {RESERVATIONS}/{chosen}"), &[])).await;
    assert_eq!((read.text(), read.status), (confirmed.text(), 200));
    let list = ask(address, &bare(&format!("GET {RESERVATIONS}"), &[])).await;
    assert_eq!(list.json()["items"][0], read.json());
    let foreign = format!("GET {RESERVATIONS}/0197f2c0-0000-7000-8000-00000000000b");
    let missing = ask(address, &bare(&foreign, &[])).await;
    assert_eq!(missing.problem(), "404 reservation_not_found: Reservation not found");
    assert_eq!(ask(address, &bare(&format!("DELETE {path}"), &[])).await.status, 204);
    assert_eq!(available(address).await, 20);
    let nonsense = put(hold).replace(chosen, "order-7");
    let answer = ask(address, &nonsense).await;
    assert_eq!(answer.problem(), "400 invalid_request: Invalid request");
}

#[tokio::test]
async fn a_chosen_id_is_given_up_without_the_event_where_that_is_the_first() {
    let (address, _) = server().await;
    let body = r#"{"partnerId":"acme","seats":4}"#;
    let create =
        json("POST /v1/events", r#"{"eventId":"b","name":"B","totalSeats":9,"status":"onSale"}"#);
    assert_eq!(ask(address, &create).await.status, 201);
    let delete = async |id: &str| {
        let key = ["Idempotency-Key: d"];
        ask(address, &bare(&format!("DELETE /reservations/{id}"), &key)).await
    };
    let missing = "404 reservation_not_found: Reservation not found";
    // The second has the form of ours, of the first event and of one that is not there.
    for chosen in [
        "0197F2C0-0000-7000-8000-00000000000A",
        "00000001-0000-8000-8009-61b42a322344",
        "000000ff-0000-8000-8009-61b42a322344",
    ] {
        let of_second = format!("PUT /v1/events/b/reservations/{chosen}");
        assert_eq!(ask(address, &json(&of_second, body)).await.status, 201);
        assert_eq!(delete(chosen).await.problem(), missing, "{chosen}");
        let put = ask(address, &json(&format!("PUT {RESERVATIONS}/{chosen}"), body)).await;
        assert_eq!((put.status, available(address).await), (201, 16), "{}", put.text());
        let first = delete(chosen).await;
        assert_eq!((first.status, first.header(REPLAYED)), (204, ""), "{}", first.text());
        let again = delete(chosen).await;
        assert_eq!((again.status, again.header(REPLAYED)), (204, "true"));
        assert_eq!(available(address).await, 20);
        let once_more = bare(&format!("DELETE /reservations/{chosen}"), &[]);
        assert_eq!(ask(address, &once_more).await.problem(), missing);
        let of_second = format!("DELETE /v1/events/b/reservations/{chosen}");
        assert_eq!(ask(address, &bare(&of_second, &[])).await.status, 204);
    }
}

#[tokio::test]
async fn an_id_that_a_reservation_has_cannot_be_chosen_for_another() {
    let (address, _) = server().await;
    let body = r#"{"partnerId":"acme","seats":4}"#;
    let made = reserve(address, "k1", body).await;
    let id = made.json()["reservationId"].as_str().unwrap().to_owned();
    for body in [body, r#"{"partnerId":"mallory","seats":7}"#] {
        let put = ask(address, &json(&format!("PUT {RESERVATIONS}/{id}"), body)).await;
        assert_eq!(put.problem(), REUSED);
        let detail = "there is another reservation of that id, which was asked for otherwise";
        assert_eq!(put.json()["detail"], detail);
    }
    let read = ask(address, &bare(&format!("GET {RESERVATIONS}/{id}"), &[])).await;
    assert_eq!((read.text(), available(address).await), (made.text(), 16));
    // The ids of an event say nothing to another one.
    let create =
        json("POST /v1/events", r#"{"eventId":"b","name":"B","totalSeats":9,"status":"onSale"}"#);
    assert_eq!(ask(address, &create).await.status, 201);
    let put = ask(address, &json(&format!("PUT /v1/events/b/reservations/{id}"), body)).await;
    assert_eq!((put.status, put.json()["reservationId"].as_str()), (201, Some(id.as_str())));
    let delete = format!("DELETE /v1/events/b/reservations/{id}");
    assert_eq!(ask(address, &bare(&delete, &[])).await.status, 204);
    assert_eq!(available(address).await, 16);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_event_is_created_once_under_a_key() {
    let (address, _) = server().await;
    let body = r#"{"eventId":"b","name":"B","totalSeats":9}"#;
    let create =
        async move |key: &str, body: &str| keyed(address, "POST /v1/events", key, body).await;
    let asked = (0..100).map(|_| tokio::spawn(async move { create("k", body).await }));
    let (mut answers, mut first) = (BTreeSet::new(), 0);
    for answer in asked.collect::<Vec<_>>() {
        let answer = answer.await.unwrap();
        assert_eq!(answer.status, 201, "{}", answer.text());
        assert_eq!(answer.header("location"), "/v1/events/b");
        first += u32::from(answer.header(REPLAYED).is_empty());
        answers.insert(answer.text().to_owned());
    }
    assert_eq!((answers.len(), first), (1, 1));
    // It is told as it was made, whatever has become of it.
    let sell = ["Content-Type: application/json", "If-Match: *", "Content-Length: 19"];
    let patch = bare("PATCH /v1/events/b", &sell) + r#"{"status":"onSale"}"#;
    assert_eq!(ask(address, &patch).await.status, 200);
    let again = create("k", body).await;
    assert_eq!((again.header(REPLAYED), again.text()), ("true", answers.first().unwrap().as_str()));
    let other = create("k", r#"{"eventId":"b","name":"C","totalSeats":9}"#).await;
    assert_eq!(other.status, 422, "{}", other.text());
    let exists = create("l", body).await.problem();
    assert_eq!(exists, "409 event_exists: Event exists already");
    // What was refused has not used up its key.
    assert_eq!(create("l", &body.replace("\"b\"", "\"d\"")).await.status, 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_events_with_one_key_one_is_created() {
    let directory = new_directory();
    let store = open_store(&directory);
    let (server, engine, _) = serve(store.clone()).await;
    let address = server.address;
    let create = async |address: SocketAddr, number: usize| {
        let body = format!(r#"{{"eventId":"e{number}","name":"B","totalSeats":9}}"#);
        keyed(address, "POST /v1/events", "k", &body).await
    };
    let asked = (0..50).map(|number| tokio::spawn(async move { create(address, number).await }));
    let mut created = Vec::new();
    for (number, answer) in asked.collect::<Vec<_>>().into_iter().enumerate() {
        match answer.await.unwrap() {
            answer if answer.status == 201 => created.push(number),
            answer => assert_eq!(answer.problem(), REUSED),
        }
    }
    let [created] = created[..] else { panic!("{created:?} were created") };
    // It is of that event after a restart, too.
    engine.close().await;
    server.stop.cancel();
    server.ended.await.unwrap();
    drop((engine, store));
    let (server, _, _) = serve(open_store(&directory)).await;
    assert_eq!(create(server.address, 50).await.problem(), REUSED);
    assert_eq!(create(server.address, created).await.header(REPLAYED), "true");
}

#[tokio::test]
async fn terms_and_blocks_are_changed_once_under_a_key() {
    let (address, _) = server().await;
    let patch = async |key: &str, body: &str| {
        let (key, length) =
            (format!("Idempotency-Key: {key}"), format!("Content-Length: {}", body.len()));
        let headers = ["Content-Type: application/json", "If-Match: \"1\"", &key, &length];
        ask(address, &(bare("PATCH /v1/events/a", &headers) + body)).await
    };
    let first = patch("k1", r#"{"totalSeats":30}"#).await;
    assert_eq!((first.status, first.header("etag")), (200, "\"2\""));
    let block = r#"{"seats":2,"reason":"A camera"}"#;
    let blocked = keyed(address, "POST /v1/events/a/blocks", "k2", block).await;
    let again = keyed(address, "POST /v1/events/a/blocks", "k2", block).await;
    assert_eq!((blocked.status, blocked.text()), (201, again.text()));
    assert_eq!([&blocked, &again].map(|answer| answer.header(REPLAYED)), ["", "true"]);
    assert_eq!(available(address).await, 28);
    let other = r#"{"seats":3,"reason":"A camera"}"#;
    assert_eq!(keyed(address, "POST /v1/events/a/blocks", "k2", other).await.status, 422);
    for (key, expected) in [("k3", 204), ("k3", 204), ("k4", 404)] {
        assert_eq!(keyed(address, "DELETE /v1/events/a/blocks/3", key, "").await.status, expected);
    }
    assert_eq!(available(address).await, 30);
    // The terms are told as they were right after the change, though they are no more those of version 1.
    let again = patch("k1", r#"{"totalSeats":30}"#).await;
    assert_eq!((again.header(REPLAYED), again.text()), ("true", first.text()));
    assert_eq!(patch("k1", r#"{"totalSeats":31}"#).await.status, 422);
    assert_eq!(patch("k5", r#"{"totalSeats":31}"#).await.status, 412);
}
