//! Events under `/v1`: how they are made, listed and changed, and what that does to their sale.

use std::net::SocketAddr;

use serde_json::{Value, json as value};
use ticketboss_engine::Engine;
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_store::Store;
use ticketboss_store::local::memory::MemoryStore;

use crate::wire::{Answer, Server, ask, bare, json, standard_limits};

/// 2026-01-01T00:00:00Z.
const BEGIN_MS: i64 = 1_767_225_600_000;

/// Serves no event yet, by a clock of ours.
async fn server() -> (SocketAddr, Clock) {
    let (store, clock) = (Store::Memory(MemoryStore::default()), Clock::manual(BEGIN_MS));
    let engine = Engine::open(store, clock.clone(), Entropy::System).await.unwrap();
    (Server::of_engine(engine, standard_limits()).await.address, clock)
}

async fn post(address: SocketAddr, path: &str, body: &Value) -> Answer {
    ask(address, &json(&format!("POST /v1/events{path}"), &body.to_string())).await
}

async fn get(address: SocketAddr, path: &str) -> Answer {
    ask(address, &bare(&format!("GET /v1/events{path}"), &[])).await
}

async fn patch(address: SocketAddr, id: &str, if_match: &str, body: &Value) -> Answer {
    let body = body.to_string();
    let (precondition, length) =
        (format!("If-Match: {if_match}"), format!("Content-Length: {}", body.len()));
    let headers = ["Content-Type: application/json", &length, &precondition];
    let headers = if if_match.is_empty() { &headers[..2] } else { &headers[..] };
    ask(address, &(bare(&format!("PATCH /v1/events/{id}"), headers) + &body)).await
}

async fn reserve(address: SocketAddr, id: &str, seats: u32) -> Answer {
    post(address, &format!("/{id}/reservations"), &value!({"partnerId": "p", "seats": seats})).await
}

/// Takes seats of `e` out of sale.
async fn take_out(address: SocketAddr, body: &Value) -> Answer {
    let (line, body) = ("POST /v1/events/e/blocks", body.to_string());
    let length = format!("Content-Length: {}", body.len());
    let headers = ["Content-Type: application/json", "If-Match: *", &length];
    ask(address, &(bare(line, &headers) + &body)).await
}

/// An event of ten seats that is on sale.
async fn on_sale(address: SocketAddr, id: &str) {
    let event = value!({"eventId": id, "name": "E", "totalSeats": 10, "status": "onSale"});
    let created = post(address, "", &event).await;
    assert_eq!(created.status, 201, "{}", created.text());
}

fn faults(answer: &Answer) -> Vec<String> {
    let problem = answer.json();
    assert_eq!((answer.status, &problem["code"]), (400, &"invalid_request".into()), "{problem}");
    let faults = problem["errors"].as_array().unwrap().iter();
    let text = |fault: &Value, name: &str| fault[name].as_str().unwrap().to_owned();
    faults.map(|fault| format!("{} {}", text(fault, "pointer"), text(fault, "detail"))).collect()
}

#[tokio::test]
async fn an_event_is_told_as_it_was_made() {
    let (address, _) = server().await;
    let event = value!({
        "eventId": "gala", "name": "Gala", "totalSeats": 300, "description": "With a band",
        "venue": "Town hall", "startsAt": "2026-06-01T20:00:00", "timeZone": "Europe/Berlin",
        "onSaleAt": "2026-02-01T00:00:00+01:00", "offSaleAt": "2026-06-01T18:00:00Z",
        "seatsPerRequestMin": 2, "seatsPerRequestMax": 6, "holdSeconds": 300, "status": "onSale",
    });
    let created = post(address, "", &event).await;
    assert_eq!((created.status, created.header("location")), (201, "/v1/events/gala"));
    assert_eq!(created.header("etag"), "\"1\"");
    let expected = value!({
        "eventId": "gala", "name": "Gala", "totalSeats": 300, "availableSeats": 300,
        "reservationCount": 0, "version": 1, "heldSeats": 0, "confirmedSeats": 0,
        "blockedSeats": 0, "status": "onSale", "isSelling": false, "description": "With a band",
        "venue": "Town hall", "startsAt": "2026-06-01T20:00:00+02:00", "timeZone": "Europe/Berlin",
        "onSaleAt": "2026-01-31T23:00:00.000Z", "offSaleAt": "2026-06-01T18:00:00.000Z",
        "seatsPerRequestMin": 2, "seatsPerRequestMax": 6, "holdSeconds": 300,
        "createdAt": "2026-01-01T00:00:00.000Z", "updatedAt": "2026-01-01T00:00:00.000Z",
    });
    assert_eq!(created.json(), expected);
    assert_eq!(get(address, "/gala").await.json(), expected);
    let again = post(address, "", &event).await;
    assert_eq!(again.problem(), "409 event_exists: Event exists already");
}

#[tokio::test]
async fn an_event_is_a_draft_until_somebody_says_otherwise() {
    let (address, _) = server().await;
    let event = value!({"eventId": "e", "name": "E", "totalSeats": 10});
    assert_eq!(post(address, "", &event).await.json()["status"], "draft");
    let refused = reserve(address, "e", 1).await;
    assert_eq!(refused.problem(), "409 not_on_sale: Event is not on sale");
    let changed = patch(address, "e", "\"1\"", &value!({"status": "onSale"})).await;
    assert_eq!((changed.status, changed.header("etag")), (200, "\"2\""));
    assert_eq!(reserve(address, "e", 1).await.status, 201);
}

#[tokio::test]
async fn every_fault_of_an_event_is_told() {
    let (address, _) = server().await;
    let told = faults(
        &post(
            address,
            "",
            &value!({
                "eventId": "A b", "totalSeats": 0, "description": " ", "timeZone": "Mars/Olympus",
                "startsAt": "tomorrow", "onSaleAt": 5, "seatsPerRequestMin": 0, "holdSeconds": 9,
                "status": "sold", "capacity": 3,
            }),
        )
        .await,
    );
    for expected in [
        "/eventId may have the letters a-z, digits, '-' and '_' only",
        "/name is missing",
        "/totalSeats must be at least 1",
        "/description must not be blank",
        "/timeZone must be a time zone, as in Europe/Berlin",
        "/startsAt must be a time, as in 2026-05-01T20:00:00 in the time zone, or with an offset",
        "/onSaleAt must be a string",
        "/seatsPerRequestMin must be at least 1",
        "/holdSeconds must be between 10 and 1800",
        "/status must be one of draft, onSale, paused, closed, archived",
        "/capacity is not known here",
    ] {
        assert!(told.contains(&expected.to_owned()), "{expected}: {told:#?}");
    }
    assert_eq!(told.len(), 11, "{told:#?}");
    let told = faults(
        &post(
            address,
            "",
            &value!({
                "eventId": "e", "name": "E", "totalSeats": 1, "seatsPerRequestMin": 11,
                "onSaleAt": "2026-02-01T00:00:00Z", "offSaleAt": "2026-02-01T00:00:00Z",
            }),
        )
        .await,
    );
    assert_eq!(
        told,
        [
            "/seatsPerRequestMin must not be above seatsPerRequestMax",
            "/offSaleAt must be after onSaleAt"
        ]
    );
    assert_eq!(get(address, "/e").await.status, 404);
}

/// What becomes of one field of a new event, whose clocks are those of Berlin.
async fn time_told(address: SocketAddr, field: &str, time: &str) -> Result<String, Vec<String>> {
    let id = format!("{field}{time}").to_lowercase();
    let id = id.replace(|byte: char| !byte.is_ascii_alphanumeric(), "_");
    let mut event =
        value!({"eventId": id, "name": "E", "totalSeats": 1, "timeZone": "Europe/Berlin"});
    event[field] = time.into();
    let answer = post(address, "", &event).await;
    match answer.status {
        201 => Ok(answer.json()[field].as_str().unwrap().to_owned()),
        _ => Err(faults(&answer)),
    }
}

#[tokio::test]
async fn a_time_is_taken_as_it_is_told_or_not_at_all() {
    let (address, _) = server().await;
    for time in [
        "2026-05-01T20:00:00[Europe/Berlin]",
        "2026-05-01T20:00:00Z[Europe/Berlin]",
        "2026-05-01T20:00:00+02:00[Europe/Berlin]",
        "2026-05-01",
        "20260501T200000Z",
        "2026-05-01T20:00:00+24:00",
        "2026-05-01T20:00:00+02:60",
        "2026-05-01T20:00:00+02",
        "2026-05-01T20:00:00+0200",
        "2026-05-01T20:00:00+02:00:00",
        "2026-05-01 20:00:00Z",
        "2026-05-01T20:00:60Z",
        "2026-05-01T24:00:00Z",
        "2026-02-29T20:00:00Z",
        "2026-05-01T20:00:00.Z",
        "2026-05-01T20:00:00,5Z",
        "2026-05-01T20Z",
        "+002026-05-01T20:00:00Z",
        "-2026-05-01T20:00:00Z",
        " 2026-05-01T20:00:00Z",
        "2026-05-01T20:00:00Z ",
        "2026-05-01T20:00:00ZZ",
        "2026-05-0\u{661}T20:00:00Z",
        "",
    ] {
        for (field, expected) in [
            (
                "startsAt",
                "must be a time, as in 2026-05-01T20:00:00 in the time zone, or with an offset",
            ),
            (
                "onSaleAt",
                "must be a time with an offset, as in 2026-05-01T20:00:00+02:00 (RFC 3339)",
            ),
            (
                "offSaleAt",
                "must be a time with an offset, as in 2026-05-01T20:00:00+02:00 (RFC 3339)",
            ),
        ] {
            let told = time_told(address, field, time).await;
            assert_eq!(told, Err(vec![format!("/{field} {expected}")]), "{time}");
        }
    }
    for (field, time, expected) in [
        ("onSaleAt", "2026-05-01T20:00:00+02:00", "2026-05-01T18:00:00.000Z"),
        ("onSaleAt", "2026-05-01t20:00:00.1239z", "2026-05-01T20:00:00.123Z"),
        ("onSaleAt", "2026-05-01T20:00:00.5-00:00", "2026-05-01T20:00:00.500Z"),
        ("onSaleAt", "2028-02-29T23:59:59.1234567890123-23:59", "2028-03-01T23:58:59.123Z"),
        ("onSaleAt", "1969-12-31T23:59:59.001Z", "1969-12-31T23:59:59.001Z"),
        ("startsAt", "2026-05-01T20:00:00Z", "2026-05-01T22:00:00+02:00"),
        ("startsAt", "2026-05-01T20:00:00", "2026-05-01T20:00:00+02:00"),
        ("startsAt", "2026-05-01T20:00", "2026-05-01T20:00:00+02:00"),
    ] {
        let told = time_told(address, field, time).await;
        assert_eq!(told, Ok(expected.to_owned()), "{field} {time}");
    }
}

#[tokio::test]
async fn a_time_that_cannot_be_told_is_called_that() {
    let (address, _) = server().await;
    let (least, most) = ("0001-01-01T00:00:00.000Z", "9999-12-30T22:00:00.000Z");
    for (field, time) in [("onSaleAt", least), ("offSaleAt", most)] {
        assert_eq!(time_told(address, field, time).await, Ok(time.to_owned()));
    }
    for time in [
        "9999-12-30T22:00:00.001Z",
        "9999-12-31T23:59:59Z",
        "0000-12-31T23:59:59.999Z",
        "0001-01-01T00:00:00+00:01",
    ] {
        let expected = format!("/offSaleAt must be between {least} and {most}");
        assert_eq!(time_told(address, "offSaleAt", time).await, Err(vec![expected]), "{time}");
    }
    // The clocks of Berlin are set forward from two to three, and back from three to two.
    for (time, expected) in [
        ("2027-03-28T01:59:59", Some("2027-03-28T01:59:59+01:00")),
        ("2027-03-28T02:00:00", None),
        ("2027-03-28T02:30:00", None),
        ("2027-03-28T03:00:00", Some("2027-03-28T03:00:00+02:00")),
        ("2027-10-31T02:30:00", Some("2027-10-31T02:30:00+02:00")),
        ("2027-10-31T02:30:00+01:00", Some("2027-10-31T02:30:00+01:00")),
    ] {
        let skipped =
            "/startsAt does not exist in Europe/Berlin: the clocks there are set forward over it";
        let expected = expected.map(str::to_owned).ok_or_else(|| vec![skipped.to_owned()]);
        assert_eq!(time_told(address, "startsAt", time).await, expected, "{time}");
    }
}

#[tokio::test]
async fn more_seats_than_can_be_counted_are_refused() {
    let (address, _) = server().await;
    for (seats, expected) in [
        ("4294967296", "/totalSeats must be at most 4294967295"),
        ("1e400", "/totalSeats must be at most 4294967295"),
        ("-1e400", "/totalSeats must be at least 1"),
    ] {
        let body = format!(r#"{{"eventId":"e","name":"E","totalSeats":{seats}}}"#);
        let answer = ask(address, &json("POST /v1/events", &body)).await;
        assert_eq!(faults(&answer), [expected], "{seats}");
    }
    let most = value!({"eventId": "e", "name": "E", "totalSeats": u32::MAX});
    assert_eq!(post(address, "", &most).await.status, 201);
}

#[tokio::test]
async fn whoever_follows_an_event_is_told_all_its_terms() {
    let (address, _) = server().await;
    on_sale(address, "e").await;
    let change = value!({
        "description": "With a band", "startsAt": "2026-06-01T20:00:00", "timeZone": "Europe/Berlin",
        "offSaleAt": "2026-06-01T18:00:00Z", "seatsPerRequestMax": 6,
    });
    assert_eq!(patch(address, "e", "\"1\"", &change).await.status, 200);
    let told = get(address, "/e/changes?since=0").await.json();
    let created = value!({"seatsPerRequestMin": 1, "seatsPerRequestMax": 10, "holdSeconds": 600});
    let updated = value!({
        "description": "With a band", "startsAt": "2026-06-01T20:00:00+02:00",
        "timeZone": "Europe/Berlin", "offSaleAt": "2026-06-01T18:00:00.000Z",
        "seatsPerRequestMin": 1, "seatsPerRequestMax": 6, "holdSeconds": 600,
    });
    assert_eq!((&told["items"][0]["terms"], &told["items"][1]["terms"]), (&created, &updated));
    // What is no change of the terms says nothing of them.
    assert_eq!(reserve(address, "e", 1).await.status, 201);
    let told = get(address, "/e/changes?since=2").await.json();
    assert_eq!(told["items"][0].get("terms"), None);
}

#[tokio::test]
async fn an_event_is_changed_by_those_who_know_it() {
    let (address, _) = server().await;
    on_sale(address, "e").await;
    let more = value!({"totalSeats": 12});
    let required = "428 precondition_required: If-Match is required";
    assert_eq!(patch(address, "e", "", &more).await.problem(), required);
    let failed = "412 precondition_failed: Event was changed meanwhile";
    for if_match in ["\"2\"", "\"0\"", "\"x\"", "W/\"1\"", "\"2\", \"x\""] {
        assert_eq!(patch(address, "e", if_match, &more).await.problem(), failed, "{if_match}");
    }
    // Nobody is to look again because of what he can never have seen.
    for if_match in ["1", "\"1\", 1", ""] {
        let answer = patch(address, "e", &format!("{if_match} "), &more).await;
        assert_eq!(answer.problem(), "400 invalid_request: Invalid request", "{if_match}");
        let told = "If-Match must be *, or tags in quotes, as in If-Match: \"7\"";
        assert_eq!(answer.json()["detail"], told, "{if_match}");
    }
    // What is sold meanwhile makes no difference.
    assert_eq!(reserve(address, "e", 4).await.status, 201);
    let changed = patch(address, "e", "\"99\", \"1\", \"x\"\r\nIf-Match: \"0\"", &more).await;
    assert_eq!((changed.status, changed.header("etag")), (200, "\"3\""));
    assert_eq!(
        (&changed.json()["totalSeats"], &changed.json()["availableSeats"]),
        (&12.into(), &8.into())
    );
    // What somebody else has changed does.
    for if_match in ["\"1\"", "\"2\""] {
        assert_eq!(patch(address, "e", if_match, &more).await.problem(), failed, "{if_match}");
    }
    assert_eq!(patch(address, "e", "*", &value!({"name": "F"})).await.json()["name"], "F");
    assert_eq!(patch(address, "f", "*", &more).await.status, 404);
}

#[tokio::test]
async fn blocks_are_changed_on_the_terms_that_somebody_has_seen() {
    let (address, _) = server().await;
    on_sale(address, "e").await;
    assert_eq!(patch(address, "e", "*", &value!({"totalSeats": 12})).await.status, 200);
    let send = async |line: &str, if_match: &str, body: &str| {
        let (seen, length) =
            (format!("If-Match: {if_match}"), format!("Content-Length: {}", body.len()));
        let headers = ["Content-Type: application/json", &length, &seen];
        let headers = if if_match.is_empty() { &headers[..2] } else { &headers[..] };
        ask(address, &(bare(line, headers) + body)).await
    };
    let required = "428 precondition_required: If-Match is required";
    let (block, body) = ("POST /v1/events/e/blocks", r#"{"seats":2,"reason":"A pillar"}"#);
    let failed = "412 precondition_failed: Event was changed meanwhile";
    assert_eq!(send(block, "", body).await.problem(), required);
    assert_eq!(send(block, "\"1\"", body).await.problem(), failed);
    assert_eq!(send(block, "\"2\"", body).await.status, 201);
    let unblock = "DELETE /v1/events/e/blocks/3";
    assert_eq!(send(unblock, "", "").await.problem(), required);
    assert_eq!(send(unblock, "\"1\"", "").await.problem(), failed);
    assert_eq!(send(unblock, "*", "").await.status, 204);
}

/// The version is the same when a sale begins or ends, and what is told is not.
#[tokio::test]
async fn nobody_is_told_that_a_sale_is_as_it_was_when_it_has_begun() {
    let (address, clock) = server().await;
    let event = value!({
        "eventId": "e", "name": "E", "totalSeats": 10, "status": "onSale",
        "onSaleAt": "2026-01-01T00:00:10Z", "offSaleAt": "2026-01-01T00:00:20Z",
    });
    assert_eq!(post(address, "", &event).await.status, 201);
    let read = bare("GET /v1/events/e", &["If-None-Match: \"1\""]);
    for (after_ms, status) in [(9_999, 304), (10_000, 200), (19_999, 200), (20_000, 200)] {
        clock.set(BEGIN_MS + after_ms);
        let told = ask(address, &read).await;
        assert_eq!(told.status, status, "{after_ms}");
        if status == 200 {
            assert_eq!(told.json()["isSelling"], after_ms < 20_000);
        }
    }
    assert_eq!(patch(address, "e", "*", &value!({"name": "F"})).await.status, 200);
    let read = bare("GET /v1/events/e", &["If-None-Match: \"2\""]);
    assert_eq!(ask(address, &read).await.status, 304);
}

#[tokio::test]
async fn what_is_not_named_stays_and_null_takes_away() {
    let (address, _) = server().await;
    let event = value!({
        "eventId": "e", "name": "E", "totalSeats": 10, "venue": "V", "description": "D",
        "startsAt": "2026-06-01T20:00:00+02:00", "timeZone": "Europe/Berlin",
    });
    assert_eq!(post(address, "", &event).await.status, 201);
    // The time on the clock there, by the zone that it has.
    let change = value!({"venue": null, "startsAt": "2026-12-01T20:00"});
    let changed = patch(address, "e", "\"1\"", &change).await.json();
    assert_eq!(changed["startsAt"], "2026-12-01T20:00:00+01:00");
    assert_eq!((&changed["description"], changed.get("venue")), (&"D".into(), None));
    let changed = patch(address, "e", "\"2\"", &value!({"timeZone": null})).await.json();
    assert_eq!(changed["startsAt"], "2026-12-01T19:00:00.000Z");
    let told = faults(&patch(address, "e", "\"3\"", &value!({"name": null})).await);
    assert_eq!(told, ["/name must be a string"]);
}

#[tokio::test]
async fn the_capacity_does_not_fall_below_what_is_taken() {
    let (address, _) = server().await;
    on_sale(address, "e").await;
    reserve(address, "e", 4).await;
    let block = take_out(address, &value!({"seats": 3, "reason": "A camera"})).await;
    assert_eq!(
        (block.status, block.text()),
        (
            201,
            r#"{"blockId":3,"seats":3,"reason":"A camera","createdAt":"2026-01-01T00:00:00.000Z"}"#
        )
    );
    let refused = patch(address, "e", "\"3\"", &value!({"totalSeats": 6})).await;
    assert_eq!(refused.problem(), "409 capacity_taken: More seats are taken");
    assert_eq!((&refused.json()["asked"], &refused.json()["taken"]), (&6.into(), &7.into()));
    assert_eq!(patch(address, "e", "\"3\"", &value!({"totalSeats": 7})).await.status, 200);
    let refused = reserve(address, "e", 1).await;
    assert_eq!(refused.problem(), "409 not_enough_seats: Not enough seats left");
    let listed = get(address, "/e/blocks").await.json();
    assert_eq!(listed["items"][0]["reason"], "A camera");
    let delete = bare("DELETE /v1/events/e/blocks/3", &["If-Match: *"]);
    assert_eq!(ask(address, &delete).await.status, 204);
    assert_eq!(ask(address, &delete).await.problem(), "404 block_not_found: Block not found");
    assert_eq!(get(address, "/e/blocks").await.json()["items"], value!([]));
    assert_eq!(reserve(address, "e", 3).await.status, 201);
    let told = faults(&take_out(address, &value!({"seats": 0, "reason": ""})).await);
    assert_eq!(told.len(), 2, "{told:?}");
}

#[tokio::test]
async fn the_sale_window_opens_and_closes_by_the_clock() {
    let (address, clock) = server().await;
    on_sale(address, "e").await;
    let window = value!({"onSaleAt": "2026-01-01T00:00:10Z", "offSaleAt": "2026-01-01T00:00:20Z"});
    assert_eq!(patch(address, "e", "*", &window).await.json()["isSelling"], false);
    let early = reserve(address, "e", 1).await;
    assert_eq!(early.problem(), "409 not_on_sale: Event is not on sale");
    assert_eq!(early.json()["onSaleAt"], "2026-01-01T00:00:10.000Z");
    clock.set(BEGIN_MS + 10_000);
    assert_eq!(get(address, "/e").await.json()["isSelling"], true);
    assert_eq!(reserve(address, "e", 1).await.status, 201);
    clock.set(BEGIN_MS + 20_000);
    let late = reserve(address, "e", 1).await;
    assert_eq!(late.problem(), "409 not_on_sale: Event is not on sale");
    assert_eq!(late.json()["offSaleAt"], "2026-01-01T00:00:20.000Z");
}

#[tokio::test]
async fn a_long_list_is_gone_through() {
    let (address, _) = server().await;
    for id in ["a", "b", "c", "d", "e"] {
        on_sale(address, id).await;
    }
    patch(address, "b", "*", &value!({"status": "closed"})).await;
    patch(address, "b", "*", &value!({"status": "archived"})).await;
    patch(address, "d", "*", &value!({"status": "paused"})).await;
    let ids = |answer: &Answer| {
        let list = answer.json();
        let items = list["items"].as_array().unwrap().iter();
        items.map(|event| event["eventId"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&get(address, "").await), ["a", "c", "d", "e"]);
    assert_eq!(ids(&get(address, "?status=archived").await), ["b"]);
    let first = get(address, "?limit=2").await;
    assert_eq!(ids(&first), ["a", "c"]);
    let next = first.json()["next"].as_str().unwrap().to_owned();
    let second = get(address, next.strip_prefix("/v1/events").unwrap()).await;
    assert_eq!((ids(&second), second.json().get("next")), (vec!["d".into(), "e".into()], None));
    let told = faults(&get(address, "?limit=0&status=x&cursor=-1&page=2&limit=3").await);
    assert_eq!(told.len(), 5, "{told:?}");
}

/// Before there were time zones, a clock went by the sun of its place, so many minutes and seconds from UTC.
#[tokio::test]
async fn a_moment_whose_offset_has_seconds_is_told_in_utc() {
    let (address, _) = server().await;
    let event = value!({
        "eventId": "e", "name": "E", "totalSeats": 10, "timeZone": "Europe/Berlin",
        "startsAt": "1010-01-01T00:00:00",
    });
    let created = post(address, "", &event).await;
    assert_eq!(created.json()["startsAt"], "1009-12-31T23:06:32.000Z", "{}", created.text());
}
