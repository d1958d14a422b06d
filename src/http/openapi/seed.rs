//! The seed's three operations, described.

use http::StatusCode;
use serde_json::json;

use super::entry::{Answer, Entry, OF_CHANGE, OF_EVENT, Tag};
use super::parameters::{ETAG, IDEMPOTENCY_KEY, REPLAYED};
use super::requests;
use crate::http::problem::Code;
use crate::http::seed::{ReservedBody, SummaryBody};

/// `GET /reservations`.
pub(in crate::http) fn summary() -> Entry {
    let about = "The first event in numbers, all of one version.";
    let example = json!({
        "eventId": "node-meetup-2025", "name": "Node.js Tech Meet-up", "totalSeats": 500,
        "availableSeats": 497, "reservationCount": 1, "version": 2,
    });
    Entry::new(Tag::Seed, "getSummary", "Look at the first event", about)
        .answers(StatusCode::OK, Answer::json::<SummaryBody<'_>>("The event.", example).with(ETAG))
        .answers_not_modified()
        .problems(OF_EVENT)
}

/// `POST /reservations`.
pub(in crate::http) fn reserve() -> Entry {
    let about = "Takes seats of the first event for a partner, at once. The sale is on disk before it is \
        answered. 409 `not_enough_seats` never means to try again.";
    let example = json!({
        "reservationId": "00000001-0000-8000-8009-61b42a322344", "seats": 3, "status": "confirmed",
        "version": 2,
    });
    let reserved = Answer::json::<ReservedBody>("The seats are taken.", example)
        .with(ETAG)
        .with(REPLAYED)
        .leads_to("cancelReservation", &[("reservationId", "$response.body#/reservationId")]);
    Entry::new(Tag::Seed, "reserve", "Reserve seats of the first event", about)
        .takes(&[IDEMPOTENCY_KEY])
        .body("Reserve", requests::reserve(), json!({ "partnerId": "abc-corp", "seats": 3 }))
        .answers(StatusCode::CREATED, reserved)
        .problems(&[Code::InvalidRequest, Code::RequestTimeout, Code::BodyTooLarge])
        .problems(&[Code::SeatsPerRequest, Code::EventNotFound, Code::NotEnoughSeats])
        .problems(&[Code::NotOnSale, Code::IdempotencyKeyReused])
        .problems(OF_CHANGE)
}

/// `DELETE /reservations/{reservationId}`.
pub(in crate::http) fn cancel() -> Entry {
    let about = "Gives up a reservation: by our id, which says of which event it is, or by the one that its client \
        chose, if it is of the first event. The second time it is not found.";
    let given_up = Answer::empty("The seats are given back.").with(ETAG).with(REPLAYED);
    Entry::new(Tag::Seed, "cancelReservation", "Cancel a reservation", about)
        .takes(&[IDEMPOTENCY_KEY])
        .answers(StatusCode::NO_CONTENT, given_up)
        .problems(&[Code::InvalidRequest, Code::ReservationNotFound])
        .problems(OF_CHANGE)
}
