//! The operations on events and their blocks, described.

use http::StatusCode;
use serde_json::{Value, json};

use super::entry::{Answer, Entry, OF_BODY, OF_CHANGE, OF_EVENT, Tag};
use super::parameters::{
    AT_VERSION, ETAG, EVENT_CURSOR, EVENT_STATUS, IDEMPOTENCY_KEY, IF_MATCH, LIMIT, LOCATION,
    REPLAYED, VERSION_CURSOR, WAIT_SECONDS, WAIT_VERSION,
};
use super::requests;
use crate::http::events::{BlockBody, BlocksBody, EventBody, ListBody};
use crate::http::problem::Code;

/// `GET /v1/events`.
pub(in crate::http) fn list() -> Entry {
    let about =
        "In the order of their making; those that are archived only where `status` asks for them.";
    let example = json!({ "items": [event()], "next": "/v1/events?limit=1&cursor=1" });
    let events = Answer::json::<ListBody>("The events, or some of them.", example)
        .leads_to("getEvent", &[("eventId", "$response.body#/items/0/eventId")]);
    Entry::new(Tag::Events, "listEvents", "List events", about)
        .takes(&[EVENT_STATUS, LIMIT, EVENT_CURSOR])
        .answers(StatusCode::OK, events)
        .problems(&[Code::InvalidRequest])
}

/// `POST /v1/events`.
pub(in crate::http) fn create() -> Entry {
    let about = "A `draft`, unless `status` says otherwise. What is sold, and on which terms, can be changed \
        later; the id cannot.";
    let id = [("eventId", "$response.body#/eventId")];
    let at_version =
        [("eventId", "$response.body#/eventId"), ("header.If-Match", "$response.header.ETag")];
    let created = Answer::json::<EventBody<'_>>("The event.", event())
        .with(ETAG)
        .with(LOCATION)
        .with(REPLAYED)
        .leads_to("getEvent", &id)
        .leads_to("updateEvent", &at_version)
        .leads_to("blockSeats", &id)
        .leads_to("createReservation", &id)
        .leads_to("listChanges", &id);
    let body = json!({
        "eventId": "jazz-2026", "name": "Jazz", "totalSeats": 300, "venue": "Town hall",
        "timeZone": "Europe/Berlin", "startsAt": "2026-05-01T20:00:00", "status": "onSale",
    });
    Entry::new(Tag::Events, "createEvent", "Create an event", about)
        .takes(&[IDEMPOTENCY_KEY])
        .body("NewEvent", requests::new_event(), body)
        .answers(StatusCode::CREATED, created)
        .problems(OF_BODY)
        .problems(&[Code::EventExists, Code::IdempotencyKeyReused])
        .problems(OF_CHANGE)
}

/// `GET /v1/events/{eventId}`.
pub(in crate::http) fn read() -> Entry {
    let about = "All of one version: the newest, that of `atVersion`, or one that is waited for with \
        `waitVersion`.";
    let id = [("eventId", "$request.path.eventId")];
    let told = Answer::json::<EventBody<'_>>("The event.", event())
        .with(ETAG)
        .leads_to("createReservation", &id)
        .leads_to("listReservations", &id);
    Entry::new(Tag::Events, "getEvent", "Look at an event", about)
        .takes(&[AT_VERSION, WAIT_VERSION, WAIT_SECONDS])
        .answers(StatusCode::OK, told)
        .answers_not_modified()
        .problems(OF_EVENT)
        .problems(&[Code::InvalidRequest, Code::VersionNotFound])
        .problems(&[Code::Overloaded, Code::Unavailable])
}

/// `PATCH /v1/events/{eventId}`.
pub(in crate::http) fn update() -> Entry {
    let about = "What is named is changed, and `null` takes it away (RFC 7396). `If-Match` names the version \
        that the caller has looked at.";
    let updated = Answer::json::<EventBody<'_>>("The event.", event());
    Entry::new(Tag::Events, "updateEvent", "Change an event", about)
        .takes(&[IF_MATCH, IDEMPOTENCY_KEY])
        .patch(
            "EventChange",
            requests::event_change(),
            json!({ "venue": null, "holdSeconds": 900 }),
        )
        .answers(StatusCode::OK, updated.with(ETAG).with(REPLAYED))
        .problems(OF_BODY)
        .problems(OF_EVENT)
        .problems(&[Code::CapacityTaken, Code::StatusChange, Code::SeatsHeld])
        .problems(&[Code::PreconditionFailed, Code::PreconditionRequired])
        .problems(&[Code::IdempotencyKeyReused])
        .problems(OF_CHANGE)
}

/// `GET /v1/events/{eventId}/blocks`.
pub(in crate::http) fn blocks() -> Entry {
    let about = "The seats that are taken out of sale, or were at `atVersion`, in the order in which that was \
        done.";
    let next = "/v1/events/jazz-2026/blocks?limit=1&cursor=2";
    let example = json!({ "items": [a_block()], "next": next });
    let told = Answer::json::<BlocksBody>("The blocks, or some of them.", example);
    Entry::new(Tag::Events, "listBlocks", "List blocks", about)
        .takes(&[AT_VERSION, LIMIT, VERSION_CURSOR])
        .answers(StatusCode::OK, told.with(ETAG))
        .answers_not_modified()
        .problems(OF_EVENT)
        .problems(&[Code::InvalidRequest, Code::VersionNotFound])
}

/// `POST /v1/events/{eventId}/blocks`.
pub(in crate::http) fn block() -> Entry {
    let about = "Takes seats out of sale, with a reason.";
    let which = [
        ("eventId", "$request.path.eventId"),
        ("blockId", "$response.body#/blockId"),
        ("header.If-Match", "$response.header.ETag"),
    ];
    let blocked = Answer::json::<BlockBody<'_>>("The block.", a_block());
    Entry::new(Tag::Events, "blockSeats", "Take seats out of sale", about)
        .takes(&[IF_MATCH, IDEMPOTENCY_KEY])
        .body("NewBlock", requests::new_block(), json!({ "seats": 4, "reason": "camera" }))
        .answers(
            StatusCode::CREATED,
            blocked.with(ETAG).with(REPLAYED).leads_to("unblockSeats", &which),
        )
        .problems(OF_BODY)
        .problems(&[Code::EventNotFound, Code::NotEnoughSeats, Code::IdempotencyKeyReused])
        .problems(&[Code::PreconditionFailed, Code::PreconditionRequired])
        .problems(OF_CHANGE)
}

/// `DELETE /v1/events/{eventId}/blocks/{blockId}`.
pub(in crate::http) fn unblock() -> Entry {
    let about = "The seats of a block can be sold again.";
    let unblocked = Answer::empty("The seats are back.").with(ETAG).with(REPLAYED);
    Entry::new(Tag::Events, "unblockSeats", "Put seats back on sale", about)
        .takes(&[IF_MATCH, IDEMPOTENCY_KEY])
        .answers(StatusCode::NO_CONTENT, unblocked)
        .problems(&[Code::InvalidRequest, Code::EventNotFound, Code::BlockNotFound])
        .problems(&[Code::PreconditionFailed, Code::PreconditionRequired])
        .problems(OF_CHANGE)
}

/// An event as it is told.
pub(super) fn event() -> Value {
    json!({
        "eventId": "jazz-2026", "name": "Jazz", "totalSeats": 300, "availableSeats": 294,
        "reservationCount": 1, "version": 3, "heldSeats": 0, "confirmedSeats": 2, "blockedSeats": 4,
        "status": "onSale", "isSelling": true, "venue": "Town hall",
        "startsAt": "2026-05-01T20:00:00+02:00", "timeZone": "Europe/Berlin", "seatsPerRequestMin": 1,
        "seatsPerRequestMax": 10, "holdSeconds": 600, "createdAt": "2026-01-07T09:00:00.000Z",
        "updatedAt": "2026-01-07T09:30:00.000Z",
    })
}

fn a_block() -> Value {
    json!({
        "blockId": 2, "seats": 4, "reason": "camera", "createdAt": "2026-01-07T09:10:00.000Z",
    })
}
