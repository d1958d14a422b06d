//! Statistics: what a stretch of a ledger comes to, told by its own changes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use serde_json::{Value, json};
use ticketboss_core::domain::{
    Actor, Change, Event, Fact, PartnerId, REFUSED_BY_NAME_MAX, RequestId, ReservationId, Seats,
    Version,
};
use ticketboss_engine::{Engine, EngineError};
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_store::Store;
use ticketboss_store::local::memory::MemoryStore;

use crate::random::SplitMix;
use crate::support::{event_id, new_directory, open_store, partner, setting, terms, version};
use crate::wire::{Server, ask, bare, json as with_json, standard_limits};

/// 2026-01-01T00:00:00Z.
const BEGIN_MS: i64 = 1_767_225_600_000;

async fn serve(store: Store, seats: u32) -> (Server, Engine, Clock) {
    let clock = Clock::manual(BEGIN_MS);
    let engine = Engine::open(store, clock.clone(), Entropy::System).await.unwrap();
    let created = engine.create_event(terms("a", seats), Actor::System, RequestId::NOBODY);
    created.await.unwrap();
    (Server::of_engine(engine.clone(), standard_limits()).await, engine, clock)
}

async fn statistics(address: SocketAddr, query: &str) -> Value {
    let path = format!("/v1/events/a/statistics{query}");
    let answer = ask(address, &bare(&format!("GET {path}"), &[])).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

async fn post(address: SocketAddr, path: &str, body: &str) -> Value {
    let line = format!("POST /v1/events/a/reservations{path}");
    ask(address, &with_json(&line, body)).await.json()
}

fn id_of(reservation: &Value) -> &str {
    reservation["reservationId"].as_str().unwrap()
}

fn count(reservations: u64, seats: u64) -> Value {
    json!({ "reservations": reservations, "seats": seats })
}

#[tokio::test]
async fn a_sale_is_told_in_numbers() {
    let (server, _, clock) = serve(Store::Memory(MemoryStore::default()), 20).await;
    let address = server.address;
    // Versions 2 to 5: acme buys, holds twice and extends once.
    let sold = post(address, "", r#"{"partnerId":"acme","seats":5}"#).await;
    let hold = r#"{"partnerId":"acme","seats":3,"hold":60}"#;
    let first = post(address, "", hold).await;
    let second = post(address, "", hold).await;
    post(address, &format!("/{}/extend", id_of(&first)), r#"{"holdSeconds":90}"#).await;
    // Refused: more than there is, twice; more than one may ask for; what is sold held longer.
    for _ in 0..2 {
        post(address, "", r#"{"partnerId":"globex","seats":10}"#).await;
    }
    post(address, "", r#"{"partnerId":"globex","seats":11}"#).await;
    post(address, &format!("/{}/extend", id_of(&sold)), "").await;
    clock.set(BEGIN_MS + 65_000);
    // Versions 6 to 11: one hold ends, the other is sold; globex buys, gives back a part, then all.
    // What is asked for once more, and is so already, is refused to nobody.
    for _ in 0..2 {
        post(address, &format!("/{}/confirm", id_of(&first)), "").await;
    }
    let bought = post(address, "", r#"{"partnerId":"globex","seats":4}"#).await;
    post(address, &format!("/{}/cancel", id_of(&bought)), r#"{"seats":1}"#).await;
    post(address, &format!("/{}/cancel", id_of(&bought)), "").await;
    let expired = post(address, &format!("/{}/cancel", id_of(&second)), "").await;
    assert_eq!(expired["status"], "expired");
    post(address, &format!("/{}/confirm", id_of(&second)), "").await;

    let told = statistics(address, "").await;
    assert_eq!((&told["from"], &told["to"]), (&json!(1), &json!(11)));
    let total = &told["total"];
    for (name, expected) in [
        ("soldSeats", json!(15)),
        ("reserved", count(2, 9)),
        ("held", count(2, 6)),
        ("confirmed", count(1, 3)),
        ("confirmedLate", count(1, 3)),
        ("released", count(0, 0)),
        ("expired", count(1, 3)),
        ("cancelled", count(1, 3)),
        ("partlyCancelled", count(1, 1)),
        ("extensions", json!(1)),
        ("conversion", json!(1.0)),
        (
            "refusals",
            json!({ "not_enough_seats": 2, "seats_per_request": 1, "already_confirmed": 1 }),
        ),
    ] {
        assert_eq!(total[name], expected, "{name}");
    }
    let partners = told["partners"].as_array().unwrap();
    let sold = |index: usize| (&partners[index]["partnerId"], &partners[index]["soldSeats"]);
    assert_eq!(sold(0), (&json!("acme"), &json!(11)));
    assert_eq!(sold(1), (&json!("globex"), &json!(4)));
    let refused = json!({ "not_enough_seats": 2, "seats_per_request": 1 });
    assert_eq!(partners[1]["refusals"], refused);
    assert_eq!(partners[0]["refusals"], json!({ "already_confirmed": 1 }));
    assert_eq!(told["others"]["refusals"], json!({}));
    assert_eq!(told["bucketSeconds"], 60);
    let bucket = |at: &str, sold: u64, held: u64, lost: u64, cancelled: u64, refusals: u64| {
        json!({
            "at": at, "soldSeats": sold, "heldSeats": held, "lostSeats": lost,
            "cancelledSeats": cancelled, "refusals": refusals,
        })
    };
    let expected = json!([
        bucket("2026-01-01T00:00:00.000Z", 5, 6, 0, 0, 0),
        bucket("2026-01-01T00:01:00.000Z", 10, 0, 3, 4, 4),
    ]);
    assert_eq!(told["buckets"], expected);

    let globex = statistics(address, "?partnerId=globex&from=7&to=9").await;
    assert_eq!(globex["total"]["soldSeats"], 4);
    assert_eq!(globex["total"]["cancelled"], count(0, 0));
    assert_eq!(globex["partners"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_counted_is_a_problem() {
    let (server, _, clock) = serve(Store::Memory(MemoryStore::default()), 20).await;
    clock.set(BEGIN_MS + 2_000_000);
    post(server.address, "", r#"{"partnerId":"acme","seats":5}"#).await;
    for (query, expected) in [
        ("?from=0", "404 version_not_found: Version not found"),
        ("?to=3", "404 version_not_found: Version not found"),
        ("?bucketSeconds=0", "400 invalid_request: Invalid request"),
        ("?bucketSeconds=1", "400 invalid_request: Invalid request"),
        ("?partnerId=", "400 invalid_request: Invalid request"),
        ("?limit=1", "400 invalid_request: Invalid request"),
    ] {
        let path = format!("/v1/events/a/statistics{query}");
        let answer = ask(server.address, &bare(&format!("GET {path}"), &[])).await;
        assert_eq!(answer.problem(), expected, "{query}");
    }
    let told = statistics(server.address, "?bucketSeconds=10").await;
    assert_eq!(told["buckets"].as_array().unwrap().len(), 201);
    let one = statistics(server.address, "?from=2&to=2").await;
    assert_eq!(one["total"]["soldSeats"], 5);
}

#[tokio::test]
async fn a_stretch_does_not_end_before_it_begins() {
    let (server, _, _) = serve(Store::Memory(MemoryStore::default()), 20).await;
    post(server.address, "", r#"{"partnerId":"acme","seats":5}"#).await;
    // The second begins at a version that there is not yet, which makes no difference.
    for query in ["?from=2&to=1", "?to=1&from=9", "?from=2&to=1&partnerId=acme"] {
        let path = format!("/v1/events/a/statistics{query}");
        let answer = ask(server.address, &bare(&format!("GET {path}"), &[])).await;
        assert_eq!(answer.problem(), "400 invalid_request: Invalid request", "{query}");
        let errors = json!([{ "pointer": "?to", "detail": "must not be less than `from`" }]);
        assert_eq!(answer.json()["errors"], errors, "{query}");
    }
}

#[tokio::test]
async fn a_hold_that_was_over_and_sold_late_counts_once() {
    let (server, _, clock) = serve(Store::Memory(MemoryStore::default()), 20).await;
    let address = server.address;
    // Versions 2 to 4: two holds of acme, and one of globex.
    let hold = |partner: &str| json!({ "partnerId": partner, "seats": 2, "hold": 60 }).to_string();
    let first = post(address, "", &hold("acme")).await;
    post(address, "", &hold("acme")).await;
    let third = post(address, "", &hold("globex")).await;
    clock.set(BEGIN_MS + 60_000);
    // Versions 5 to 7: they expire, in that order. Versions 8 and 9: the first and the third are sold late.
    for late in [&first, &third] {
        let sold = post(address, &format!("/{}/confirm", id_of(late)), "").await;
        assert_eq!(sold["status"], "confirmed", "{sold}");
    }
    // Of all, of acme, of globex: as sold of ended.
    let share = |sold: f64, ended: f64| json!(sold / ended);
    let nothing = || Value::Null;
    for (query, all, acme, globex) in [
        ("", share(2.0, 3.0), share(1.0, 2.0), share(1.0, 1.0)),
        // The first expires before the stretch, and is sold within it.
        ("?from=6", share(2.0, 3.0), share(1.0, 2.0), share(1.0, 1.0)),
        ("?from=7", share(2.0, 2.0), share(1.0, 1.0), share(1.0, 1.0)),
        ("?from=8", share(2.0, 2.0), share(1.0, 1.0), share(1.0, 1.0)),
        ("?from=6&to=8", share(1.0, 3.0), share(1.0, 2.0), share(0.0, 1.0)),
        // What is sold later is not known of yet.
        ("?to=7", share(0.0, 3.0), share(0.0, 2.0), share(0.0, 1.0)),
        ("?to=4", nothing(), nothing(), nothing()),
    ] {
        let told = statistics(address, query).await;
        let of = |name: &str| {
            let mut partners = told["partners"].as_array().unwrap().iter();
            let his = partners.find(|partner| partner["partnerId"] == name);
            his.map_or(Value::Null, |his| his["conversion"].clone())
        };
        assert_eq!(told["total"]["conversion"], all, "{query}");
        assert_eq!((of("acme"), of("globex")), (acme.clone(), globex), "{query}");
        let apart = query.replace('?', "&");
        let his = statistics(address, &format!("?partnerId=acme{apart}")).await;
        assert_eq!(his["total"]["conversion"], acme, "{query}");
    }
}

#[tokio::test]
async fn a_refusal_is_counted_for_the_partner_of_the_reservation() {
    let (server, _, clock) = serve(Store::Memory(MemoryStore::default()), 20).await;
    let address = server.address;
    let sold = post(address, "", r#"{"partnerId":"acme","seats":5}"#).await;
    let held = post(address, "", r#"{"partnerId":"globex","seats":8,"hold":60}"#).await;
    let refused = async |line: &str, body: &str, code: &str| {
        let answer = ask(address, &with_json(line, body)).await;
        assert_eq!(answer.json()["code"], code, "{}", answer.text());
    };
    let of = |reservation: &Value, action: &str| {
        format!("POST /v1/events/a/reservations/{}/{action}", id_of(reservation))
    };
    refused(&of(&sold, "extend"), "", "already_confirmed").await;
    refused(&of(&sold, "cancel"), r#"{"seats":5}"#, "not_a_part").await;
    refused(&of(&held, "cancel"), r#"{"seats":1}"#, "not_confirmed").await;
    refused(&of(&held, "extend"), r#"{"holdSeconds":5}"#, "hold_seconds").await;
    refused(&of(&held, "extend"), r#"{"holdSeconds":60}"#, "hold_limit").await;
    // What is told again under its key refuses nothing; to ask for something else under it is refused.
    let keyed = async |seconds: u32| {
        let body = format!(r#"{{"holdSeconds":{seconds}}}"#);
        let length = format!("Content-Length: {}", body.len());
        let headers = ["Content-Type: application/json", "Idempotency-Key: once", &length];
        ask(address, &(bare(&of(&held, "extend"), &headers) + &body)).await
    };
    assert_eq!(keyed(90).await.status, 200);
    assert_eq!(keyed(90).await.header("idempotent-replayed"), "true");
    assert_eq!(keyed(100).await.json()["code"], "idempotency_key_reused");
    // These have no partner: whoever made up the end of an id, and who asks something of the event itself.
    let id = id_of(&sold);
    let other = if id.ends_with('0') { '1' } else { '0' };
    let made_up = format!("DELETE /reservations/{}{other}", &id[..id.len() - 1]);
    assert_eq!(ask(address, &bare(&made_up, &[])).await.json()["code"], "reservation_not_found");
    let block = ask(address, &bare("DELETE /v1/events/a/blocks/9", &["If-Match: *"])).await;
    assert_eq!(block.json()["code"], "block_not_found");
    // The hold expires, its seats are taken, and it cannot be confirmed any more.
    clock.set(BEGIN_MS + 90_000);
    post(address, "", r#"{"partnerId":"initech","seats":10}"#).await;
    refused(&of(&held, "confirm"), "", "hold_expired").await;
    post(address, "", r#"{"partnerId":"initech","seats":1}"#).await;

    let told = statistics(address, "").await;
    let refusals = |name: &str| {
        let mut partners = told["partners"].as_array().unwrap().iter();
        partners.find(|partner| partner["partnerId"] == name).unwrap()["refusals"].clone()
    };
    assert_eq!(refusals("acme"), json!({ "already_confirmed": 1, "not_a_part": 1 }));
    let expected = json!({
        "not_confirmed": 1, "hold_seconds": 1, "hold_limit": 1, "hold_expired": 1,
        "idempotency_key_reused": 1,
    });
    assert_eq!(refusals("globex"), expected);
    let nobody = json!({ "reservation_not_found": 1, "block_not_found": 1 });
    assert_eq!(told["others"]["refusals"], nobody);
    let globex = statistics(address, "?partnerId=globex").await;
    assert_eq!(globex["total"]["refusals"], expected);
}

/// Changes an event by chance, while its clock goes on.
async fn live(engine: &Engine, clock: &Clock, mut draws: SplitMix) {
    let id = event_id("a");
    let mut has: Vec<ReservationId> = Vec::new();
    let mut now_ms = BEGIN_MS;
    for _ in 0..600 {
        now_ms += i64::try_from(draws.within(0, 3_000)).unwrap();
        clock.set(now_ms);
        let seats = u32::try_from(draws.within(1, 6)).unwrap();
        let who = partner(&format!("partner-{}", draws.within(0, 12)));
        let place = usize::try_from(draws.within(0, 50)).unwrap();
        let known = has.iter().rev().nth(place).copied();
        let done = match (draws.within(0, 9), known) {
            (0..=2, _) | (_, None) => engine.reserve(&id, who, seats, RequestId(7)).await,
            (3..=5, _) => engine.hold(&id, who, seats, 10, RequestId(7)).await,
            (6 | 7, Some(known)) => engine.confirm(known, RequestId(7)).await,
            (8, Some(known)) => {
                engine.cancel_part(known, Seats::new(1).unwrap(), RequestId(7)).await
            }
            (_, Some(known)) => engine.cancel(known, RequestId(7)).await,
        };
        has.extend(done.ok().map(|reserved| reserved.id()));
    }
}

fn number(of: &Value) -> i64 {
    of.as_i64().unwrap()
}

/// What the counts of a whole ledger have to do with where the seats are.
fn agrees(event: &Event, told: &Value) {
    let seats = |name: &str| number(&told["total"][name]["seats"]);
    let sold = number(&told["total"]["soldSeats"]) - seats("cancelled") - seats("partlyCancelled");
    assert_eq!(sold, i64::from(event.seats().confirmed));
    let held = seats("held") - seats("confirmed") - seats("released") - seats("expired");
    assert_eq!(held, i64::from(event.seats().held));
    let over_time = |name: &str| {
        told["buckets"].as_array().unwrap().iter().map(|bucket| number(&bucket[name])).sum::<i64>()
    };
    assert_eq!(over_time("soldSeats"), number(&told["total"]["soldSeats"]));
    assert_eq!(over_time("heldSeats"), seats("held"));
    assert_eq!(over_time("lostSeats"), seats("released") + seats("expired"));
    assert_eq!(over_time("cancelledSeats"), seats("cancelled") + seats("partlyCancelled"));
}

/// How many of the holds that end between two versions are sold there, and how many they are: of each
/// partner, by all the changes of its event.
fn conversions(
    event: &Event,
    changes: &[Change],
    (from, to): (Version, Version),
) -> BTreeMap<PartnerId, (u64, u64)> {
    let mut held = BTreeSet::new();
    let mut is_sold = BTreeMap::new();
    for change in changes.iter().take_while(|change| change.version <= to) {
        let (reservation, is_sale) = match &change.fact {
            Fact::Held { .. } => {
                held.insert(change.version);
                continue;
            }
            Fact::Confirmed { reservation } | Fact::ConfirmedLate { reservation } => {
                (*reservation, true)
            }
            Fact::Expired { reservation } => (*reservation, false),
            Fact::Cancelled { reservation } if held.contains(reservation) => (*reservation, false),
            _ => continue,
        };
        held.remove(&reservation);
        if change.version >= from {
            is_sold.insert(reservation, is_sale);
        }
    }
    let mut by_partner = BTreeMap::new();
    for (reservation, is_sold) in is_sold {
        let (_, reservation) = event.reservation_made_by(reservation).unwrap();
        let (sold, ended) = by_partner.entry(reservation.partner).or_default();
        (*sold, *ended) = (*sold + u64::from(is_sold), *ended + 1);
    }
    by_partner
}

#[tokio::test]
async fn every_hold_that_ends_in_a_stretch_counts_once() {
    let seed = setting("TICKETBOSS_STATISTICS_SEED")
        .map_or_else(|| Entropy::System.nonce().get(), |text| text.parse().unwrap());
    println!("TICKETBOSS_STATISTICS_SEED={seed}");
    let (_server, engine, clock) = serve(Store::Memory(MemoryStore::default()), 300).await;
    let id = event_id("a");
    live(&engine, &clock, SplitMix(seed)).await;
    let event = engine.event(&id).unwrap();
    let changes = engine.changes(&id, Version::ZERO, 1_000).await.unwrap();
    assert_eq!(changes.last().unwrap().version, event.version());
    let is_late = |change: &&Change| matches!(change.fact, Fact::ConfirmedLate { .. });
    assert!(changes.iter().filter(is_late).count() > 5, "hardly anything was sold late");
    let mut draws = SplitMix(seed);
    for _ in 0..100 {
        let from = draws.within(1, event.version().get());
        let to = draws.within(from, event.version().get());
        let stretch = (version(from), version(to));
        let bucket_ms = |_, _| Ok::<_, EngineError>(60_000);
        let counted = engine.statistics(&id, stretch, None, bucket_ms).await;
        let (statistics, ..) = counted.unwrap();
        let told = statistics.by_partner.iter();
        let told = told.filter_map(|(id, tally)| Some((id.clone(), tally.conversion()?)));
        let expected = conversions(&event, &changes, stretch);
        assert_eq!(told.collect::<BTreeMap<_, _>>(), expected, "{from} to {to}");
        // All partners together are all.
        let mut merged = statistics.others.clone();
        statistics.by_partner.values().for_each(|tally| merged.merge(tally));
        assert_eq!(merged, statistics.total, "{from} to {to}");
        let sum = expected.values().fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
        assert_eq!(merged.conversion().unwrap_or_default(), sum, "{from} to {to}");
    }
}

#[tokio::test]
async fn counts_agree_with_the_seats_and_add_up() {
    let directory = new_directory();
    let seed = Entropy::System.nonce().get();
    println!("seed {seed}");
    let (server, engine, clock) = serve(open_store(&directory), 300).await;
    live(&engine, &clock, SplitMix(seed)).await;
    let address = server.address;
    let event = engine.event(&event_id("a")).unwrap();
    let whole = statistics(address, "").await;
    agrees(&event, &whole);
    // Any two stretches that join come to as much as both together, for all and for each.
    let middle = event.version().get() / 2;
    let early = statistics(address, &format!("?to={middle}")).await;
    let late = statistics(address, &format!("?from={}", middle + 1)).await;
    agrees(&engine.event_as_of(&event_id("a"), version(middle)).await.unwrap(), &early);
    let sum = |of: &dyn Fn(&Value) -> i64| of(&early) + of(&late);
    for name in ["reserved", "held", "confirmed", "confirmedLate", "expired", "cancelled"] {
        let seats = |told: &Value| number(&told["total"][name]["seats"]);
        assert_eq!(sum(&seats), seats(&whole), "{name}");
        for partner in whole["partners"].as_array().unwrap() {
            let of = |told: &Value| {
                let all = told["partners"].as_array().unwrap();
                let his = all.iter().find(|his| his["partnerId"] == partner["partnerId"]);
                his.map_or(0, |his| number(&his[name]["seats"]))
            };
            assert_eq!(sum(&of), of(&whole), "{name} of {partner}");
        }
    }
    let refusals =
        |told: &Value| told["total"]["refusals"]["not_enough_seats"].as_i64().unwrap_or(0);
    assert!(refusals(&whole) > 0, "{whole}");
    assert_eq!(sum(&refusals), refusals(&whole));
}

#[tokio::test]
async fn of_partners_whose_reservations_are_refused_a_change_names_a_few() {
    let (server, _, _) = serve(Store::Memory(MemoryStore::default()), 40).await;
    let address = server.address;
    let mut sold = Vec::new();
    for number in 0..REFUSED_BY_NAME_MAX + 2 {
        let body = json!({ "partnerId": format!("partner-{number}"), "seats": 2 }).to_string();
        sold.push(post(address, "", &body).await);
    }
    for _ in 0..2 {
        for reservation in &sold {
            let path = format!("/{}/cancel", id_of(reservation));
            assert_eq!(post(address, &path, r#"{"seats":2}"#).await["code"], "not_a_part");
        }
    }
    post(address, "", r#"{"partnerId":"acme","seats":1}"#).await;
    let told = statistics(address, "").await;
    let partners = told["partners"].as_array().unwrap().iter();
    let named = partners.filter(|partner| partner["refusals"] == json!({ "not_a_part": 2 }));
    assert_eq!(named.count(), REFUSED_BY_NAME_MAX);
    assert_eq!(told["others"]["refusals"], json!({ "not_a_part": 4 }));
}

#[tokio::test]
async fn what_was_refused_is_known_after_a_restart() {
    let directory = new_directory();
    let (server, engine, _) = serve(open_store(&directory), 20).await;
    for number in 0..30 {
        let body = json!({ "partnerId": format!("partner-{number}"), "seats": 11 }).to_string();
        post(server.address, "", &body).await;
    }
    post(server.address, "", r#"{"partnerId":"acme","seats":1}"#).await;
    let before = statistics(server.address, "").await;
    assert_eq!(before["total"]["refusals"], json!({ "seats_per_request": 30 }));
    // Some are told by name, the others together.
    assert_eq!(before["partners"].as_array().unwrap().len(), 9);
    assert_eq!(before["others"]["refusals"], json!({ "seats_per_request": 22 }));
    server.stop.cancel();
    server.ended.await.unwrap();
    engine.close().await;
    drop(engine);
    let engine = Engine::open(open_store(&directory), Clock::manual(0), Entropy::System).await;
    let server = Server::of_engine(engine.unwrap(), standard_limits()).await;
    assert_eq!(statistics(server.address, "").await, before);
}
