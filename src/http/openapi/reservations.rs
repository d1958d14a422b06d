//! The operations on reservations, described.

use http::StatusCode;
use serde_json::{Value, json};

use super::entry::{Answer, Entry, OF_BODY, OF_CHANGE, OF_EVENT, OF_RESERVATION, Tag};
use super::feeds;
use super::parameters::{
    AT_VERSION, ETAG, IDEMPOTENCY_KEY, LIMIT, LOCATION, PARTNER_ID, REPLAYED, RESERVATION_STATUS,
    SINCE, VERSION_CURSOR,
};
use super::requests;
use crate::http::changes::ChangesBody;
use crate::http::problem::Code;
use crate::http::reservations::{ListBody, ReservationBody};

/// What can keep seats from being taken, whoever asks.
const OF_ORDER: &[Code] = &[
    Code::SeatsPerRequest,
    Code::HoldSeconds,
    Code::EventNotFound,
    Code::NotEnoughSeats,
    Code::NotOnSale,
    Code::IdempotencyKeyReused,
];

/// `GET /v1/events/{eventId}/reservations`.
pub(in crate::http) fn list() -> Entry {
    let about = "In the order of their making. A part of a long list may have fewer items than `limit`, or \
        none, and still not be the last: where there is `next`, there may be more. While something in it \
        is held, it is never answered with 304.";
    let next = "/v1/events/jazz-2026/reservations?limit=1&cursor=2";
    let example = json!({ "items": [reservation()], "next": next });
    let told = Answer::json::<ListBody>("The reservations, or some of them.", example);
    Entry::new(Tag::Reservations, "listReservations", "List reservations", about)
        .takes(&[PARTNER_ID, RESERVATION_STATUS, AT_VERSION, LIMIT, VERSION_CURSOR])
        .answers(StatusCode::OK, told.with(ETAG))
        .answers_not_modified()
        .problems(&[Code::InvalidRequest, Code::VersionNotFound])
        .problems(OF_EVENT)
}

/// `POST /v1/events/{eventId}/reservations`.
pub(in crate::http) fn create() -> Entry {
    let about = "Takes seats for a partner, or holds them. It is on disk before it is answered.";
    Entry::new(Tag::Reservations, "createReservation", "Reserve or hold seats", about)
        .takes(&[IDEMPOTENCY_KEY])
        .body("NewReservation", requests::new_reservation(), order())
        .answers(StatusCode::CREATED, made())
        .problems(OF_BODY)
        .problems(OF_ORDER)
        .problems(OF_CHANGE)
}

/// `PUT /v1/events/{eventId}/reservations/{reservationId}`.
pub(in crate::http) fn create_as() -> Entry {
    let about = "The same under an id that the client has chosen, so it can be asked for as often as he likes: \
        it is done once, and answered alike. The id is the key: an `Idempotency-Key` is not looked at here. \
        422 where there is another reservation of that id.";
    Entry::new(Tag::Reservations, "putReservation", "Reserve or hold seats under an id", about)
        .body("NewReservation", requests::new_reservation(), order())
        .answers(StatusCode::CREATED, made())
        .problems(OF_BODY)
        .problems(OF_ORDER)
        .problems(OF_CHANGE)
}

/// `GET /v1/events/{eventId}/reservations/{reservationId}`.
pub(in crate::http) fn read() -> Entry {
    let about = "A reservation as it is, or was at `atVersion`. One that is given up stays to be looked at.";
    Entry::new(Tag::Reservations, "getReservation", "Look at a reservation", about)
        .takes(&[AT_VERSION])
        .answers(StatusCode::OK, told().with(ETAG))
        .answers_not_modified()
        .problems(&[Code::InvalidRequest, Code::VersionNotFound])
        .problems(OF_RESERVATION)
}

/// `DELETE /v1/events/{eventId}/reservations/{reservationId}`.
pub(in crate::http) fn delete() -> Entry {
    let about = "Gives it up. The second time it is not found; `cancel` answers alike.";
    let given_up = Answer::empty("The seats are given back.").with(ETAG).with(REPLAYED);
    Entry::new(Tag::Reservations, "deleteReservation", "Give up a reservation", about)
        .takes(&[IDEMPOTENCY_KEY])
        .answers(StatusCode::NO_CONTENT, given_up)
        .problems(&[Code::InvalidRequest])
        .problems(OF_RESERVATION)
        .problems(OF_CHANGE)
}

/// `GET …/{reservationId}/history`.
pub(in crate::http) fn history() -> Entry {
    let about = "The changes that a reservation went through after version `since`, in order.";
    let id = "00000002-0000-8000-8009-61b42a322344";
    let next = format!("/v1/events/jazz-2026/reservations/{id}/history?limit=1&since=3");
    let example = json!({ "items": [feeds::change()], "next": next });
    let told = Answer::json::<ChangesBody>("The changes, or some of them.", example);
    Entry::new(Tag::Reservations, "getReservationHistory", "Look at what became of it", about)
        .takes(&[SINCE, LIMIT])
        .answers(StatusCode::OK, told.with(ETAG))
        .answers_not_modified()
        .problems(OF_RESERVATION)
        .problems(&[Code::InvalidRequest, Code::VersionNotFound, Code::Unavailable])
}

/// `POST …/{reservationId}/confirm`.
pub(in crate::http) fn confirm() -> Entry {
    let about = "Takes for good what is held, or was until its time was up, if the seats are still there. \
        What is confirmed already is answered alike.";
    changing("confirmReservation", "Confirm what is held", about)
        .body_if_any("Confirmation", requests::confirmation(), json!({}))
        .problems(&[Code::HoldExpired, Code::NotOnSale, Code::ReservationCancelled])
}

/// `POST …/{reservationId}/extend`.
pub(in crate::http) fn extend() -> Entry {
    let about = "Holds the seats for so long from now on: 30 minutes in all and ten times at most. A hold that ends \
        no sooner than that already is not shortened: 409 `hold_limit`.";
    changing("extendReservation", "Hold longer", about)
        .body_if_any("Extension", requests::extension(), json!({ "holdSeconds": 600 }))
        .problems(&[Code::HoldSeconds, Code::NotOnSale, Code::HoldLimit, Code::AlreadyConfirmed])
        .problems(&[Code::ReservationCancelled, Code::ReservationExpired])
        .problems(&[Code::IdempotencyKeyReused])
}

/// `POST …/{reservationId}/cancel`.
pub(in crate::http) fn cancel() -> Entry {
    let about = "Gives it up, or so many `seats` of what is confirmed. What is given up already is answered \
        alike.";
    changing("cancelPartOrAll", "Give up a reservation, or a part", about)
        .body_if_any("Cancellation", requests::cancellation(), json!({ "seats": 1 }))
        .problems(&[Code::NotAPart, Code::NotConfirmed, Code::IdempotencyKeyReused])
        .problems(&[Code::ReservationCancelled, Code::ReservationExpired])
}

/// What changes a reservation that there is.
fn changing(id: &str, summary: &str, about: &str) -> Entry {
    Entry::new(Tag::Reservations, id, summary, about)
        .takes(&[IDEMPOTENCY_KEY])
        .answers(StatusCode::OK, told().with(ETAG).with(REPLAYED))
        .problems(OF_BODY)
        .problems(OF_RESERVATION)
        .problems(OF_CHANGE)
}

fn told() -> Answer {
    Answer::json::<ReservationBody<'_>>("The reservation, as it was right after it.", reservation())
}

fn made() -> Answer {
    let which = [
        ("eventId", "$response.body#/eventId"),
        ("reservationId", "$response.body#/reservationId"),
    ];
    told()
        .with(ETAG)
        .with(LOCATION)
        .with(REPLAYED)
        .leads_to("getReservation", &which)
        .leads_to("getReservationHistory", &which)
        .leads_to("confirmReservation", &which)
        .leads_to("extendReservation", &which)
        .leads_to("cancelPartOrAll", &which)
        .leads_to("deleteReservation", &which)
}

fn order() -> Value {
    json!({
        "partnerId": "abc-corp", "seats": 2, "hold": true, "reference": "order 4711",
        "metadata": { "till": "3" },
    })
}

fn reservation() -> Value {
    json!({
        "reservationId": "00000002-0000-8000-8009-61b42a322344", "eventId": "jazz-2026",
        "partnerId": "abc-corp", "seats": 2, "status": "held", "version": 3,
        "createdAt": "2026-01-07T09:30:00.000Z", "reference": "order 4711",
        "metadata": { "till": "3" }, "expiresAt": "2026-01-07T09:40:00.000Z", "expiresInSeconds": 600,
    })
}
