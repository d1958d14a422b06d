//! Reservations under `/v1`: taken at once or held, and looked at.
//!
//! Every answer is the whole reservation, as it was right after what was asked for.
//!
//! It must not know: how seats are counted.

pub(crate) mod transitions;

use std::borrow::Cow;
use std::sync::Arc;

use http::StatusCode;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use uuid::Uuid;

use super::lookup::{event_in_path, reservation_in_path};
use crate::http::context::Context;
use crate::http::describe::headers::{ETAG, LOCATION, REPLAYED};
use crate::http::describe::operation::{
    OF_BODY, OF_CHANGE, OF_EVENT, OF_RESERVATION, OperationDoc, Tag,
};
use crate::http::describe::parameters::{
    AT_VERSION, IDEMPOTENCY_KEY, LIMIT, PARTNER_ID, RESERVATION_STATUS, VERSION_CURSOR,
};
use crate::http::describe::response::ResponseDoc;
use crate::http::kernel::body::{
    Fields, Hold, Unknown, Wrong, hold, partner_id, strings, whole_number, word,
};
use crate::http::kernel::idempotency::{marked, request_context, request_context_as};
use crate::http::kernel::kinds::{self, asked_seats, closed, hold_seconds, or_null, text};
use crate::http::kernel::list_page::ListPage;
use crate::http::kernel::problem::{Code, Problem};
use crate::http::kernel::query::{Query, version_of};
use crate::http::kernel::reply::{
    Response, as_state, json, not_modified, with_location, with_version,
};
use crate::http::kernel::request::Request;
use crate::http::wire::reservation::{
    ReservationBody, ReservationListBody, STATUSES, id_text_of, reservation_body, status_name,
};
use ticketboss_core::domain::{
    EventId, METADATA_ENTRIES_MAX, MetadataKey, MetadataValue, Note, PartnerId, Reference, Refusal,
    Reservation, ReservationId, Status, Version,
};
use ticketboss_engine::{EngineError, Receipt, RequestContext, ReservationReceipt};

/// How many reservations are looked at for one part of a list.
const LOOKED_AT_MAX: usize = 10_000;
/// What can keep seats from being taken, whoever asks.
const OF_ORDER: &[Code] = &[
    Code::SeatsPerRequest,
    Code::HoldSeconds,
    Code::EventNotFound,
    Code::NotEnoughSeats,
    Code::NotOnSale,
    Code::IdempotencyKeyReused,
];

/// `POST /v1/events/{eventId}/reservations`: takes seats for a partner, or holds them. 201 with the
/// reservation; 400 `invalid_request`, `seats_per_request`, `hold_seconds`; 404 `event_not_found`; 409
/// `not_enough_seats`; 413; 503.
pub(crate) async fn create(context: Context, request: Request) -> Result<Response, Problem> {
    let order = read_order(&request)?;
    let request_context = request_context(&request, "reserve", order.partner.as_str())?;
    place(order, request_context, &context, &request).await
}

/// Describes [`create`].
pub(crate) fn describe_create() -> OperationDoc {
    let about = "Takes seats for a partner, or holds them. It is on disk before it is answered.";
    OperationDoc::new(Tag::Reservations, "createReservation", "Reserve or hold seats", about)
        .takes(&[IDEMPOTENCY_KEY])
        .body("NewReservation", new_reservation_schema(), example_order())
        .responds(StatusCode::CREATED, described_new())
        .problems(OF_BODY)
        .problems(OF_ORDER)
        .problems(OF_CHANGE)
}

/// `PUT /v1/events/{eventId}/reservations/{id}`: the same, under an id that the client has chosen, a UUID; so
/// it can be asked for again. 201, also then; 400; 404; 409; 413; 422 `idempotency_key_reused` where there
/// is another reservation of that id; 503.
pub(crate) async fn create_as(context: Context, request: Request) -> Result<Response, Problem> {
    let chosen = Uuid::try_parse(request.segment(1)).map_err(|_| {
        let detail = "the id of the reservation must be a UUID";
        Problem::new(Code::InvalidRequest, detail)
    })?;
    let mut order = read_order(&request)?;
    order.note.chosen_id = Some(chosen.as_u128());
    let request_context = request_context_as(&request, chosen);
    place(order, request_context, &context, &request).await.map_err(Problem::of_chosen_id)
}

/// Describes [`create_as`].
pub(crate) fn describe_create_as() -> OperationDoc {
    let about = "The same under an id that the client has chosen, so it can be asked for as often as he likes: \
        it is done once, and answered alike. The id is the key: an `Idempotency-Key` is not looked at here. \
        422 where there is another reservation of that id.";
    OperationDoc::new(
        Tag::Reservations,
        "putReservation",
        "Reserve or hold seats under an id",
        about,
    )
    .body("NewReservation", new_reservation_schema(), example_order())
    .responds(StatusCode::CREATED, described_new())
    .problems(OF_BODY)
    .problems(OF_ORDER)
    .problems(OF_CHANGE)
}

/// What somebody wants to have.
struct Order {
    partner: PartnerId,
    seats: u32,
    hold: Hold,
    note: Note,
}

fn read_order(request: &Request) -> Result<Order, Problem> {
    let mut fields = Fields::read(request)?;
    let partner = fields.required("partnerId", partner_id);
    let seats = fields.required("seats", whole_number);
    let hold = fields.optional("hold", hold).unwrap_or(Hold::No);
    let reference = fields.optional("reference", |given| word(given, Reference::new));
    let metadata = fields.optional("metadata", metadata).unwrap_or_default();
    fields.finish(Unknown::Refused)?;
    let (partner, seats) = partner.zip(seats).expect("a field that is missing is a fault");
    Ok(Order { partner, seats, hold, note: Note { reference, metadata, chosen_id: None } })
}

async fn place(
    order: Order,
    request_context: RequestContext,
    context: &Context,
    request: &Request,
) -> Result<Response, Problem> {
    let event = event_in_path(request)?;
    let Order { partner, seats, hold, note } = order;
    let note = (!note.is_empty()).then(|| Arc::new(note));
    let request_context = RequestContext { note, ..request_context };
    let engine = &context.engine;
    let seconds = match hold {
        Hold::No => None,
        Hold::Usual => Some(engine.event(&event)?.terms().hold_seconds),
        Hold::Seconds(seconds) => Some(seconds),
    };
    let reserved = match seconds {
        None => engine.reserve(&event, partner, seats, request_context).await?,
        Some(seconds) => {
            let held = engine.hold(&event, partner, seats, seconds, request_context).await;
            held.map_err(|error| Problem::from(error).pointing_at("/hold"))?
        }
    };
    let response = respond(StatusCode::CREATED, &event, &reserved, context);
    let id = id_text_of(reserved.id(), reserved.reservation());
    Ok(with_location(response, &format!("/v1/events/{event}/reservations/{id}")))
}

/// `GET /v1/events/{eventId}/reservations`: the reservations in the order of their making, of one partner
/// or status where `partnerId` or `status` say so, as they were at `atVersion` where that is given. `limit`
/// and `cursor` go through a long list; a part of it may have fewer than `limit`, or none, and still not be
/// the last. 200, or 304 where the caller has that version and nothing in it is held; 400; 404
/// `event_not_found`, `version_not_found`; 503.
pub(crate) async fn list(context: Context, request: Request) -> Result<Response, Problem> {
    let event = context.engine.event(&event_in_path(&request)?)?;
    let mut query = Query::read(&request);
    let partner = query.partner_id();
    let status = query.take("status", |text| {
        let known = STATUSES.iter().find(|name| **name == text).copied();
        known.ok_or_else(|| format!("must be one of {}", STATUSES.join(", ")).into())
    });
    let (limit, after, at_version) = (query.limit(), query.after_version(), query.at_version());
    let told = query.rest();
    query.finish()?;
    let version = version_of(&event, at_version)?;
    let is_wanted = |kept: &Reservation| {
        partner.as_ref().is_none_or(|partner| kept.partner == *partner)
            && status.is_none_or(|status| status_name(kept.status) == status)
    };
    let (mut items, mut seen, mut has_held) = (ListPage::new(limit), Version::ZERO, false);
    let all = event.reservations_after(after.unwrap_or(Version::ZERO));
    let mut all = all.take_while(|(id, _)| id.version <= version).peekable();
    for (id, kept) in all.by_ref().take(LOOKED_AT_MAX) {
        seen = id.version;
        let then = at_version.map(|version| kept.as_of(version));
        let kept = then.as_ref().unwrap_or(kept);
        if is_wanted(kept) {
            let since = kept.since(id.version);
            has_held |= matches!(kept.status, Status::Held(_));
            items.add(&reservation_body(event.id(), id, kept, since, context.engine.now()));
        }
        if items.is_full() {
            break;
        }
    }
    // What is held has less time left each time it is looked at.
    if !has_held && let Some(response) = not_modified(&request.headers, version) {
        return Ok(response);
    }
    let path = format!("/v1/events/{}/reservations", event.id());
    let next = all.peek().map(|_| format!("{path}?limit={limit}&cursor={seen}{told}"));
    Ok(as_state(json(StatusCode::OK, &ReservationListBody { items, next }), version))
}

/// Describes [`list`].
pub(crate) fn describe_list() -> OperationDoc {
    let about = "In the order of their making. A part of a long list may have fewer items than `limit`, or \
        none, and still not be the last: where there is `next`, there may be more. While something in it \
        is held, it is never answered with 304.";
    let next = "/v1/events/jazz-2026/reservations?limit=1&cursor=2";
    let example = json!({ "items": [example_reservation()], "next": next });
    let told =
        ResponseDoc::json::<ReservationListBody>("The reservations, or some of them.", example);
    OperationDoc::new(Tag::Reservations, "listReservations", "List reservations", about)
        .takes(&[PARTNER_ID, RESERVATION_STATUS, AT_VERSION, LIMIT, VERSION_CURSOR])
        .responds(StatusCode::OK, told.with(ETAG))
        .responds_not_modified()
        .problems(&[Code::InvalidRequest, Code::VersionNotFound])
        .problems(OF_EVENT)
}

/// `GET /v1/events/{eventId}/reservations/{id}`: a reservation. 200, or 304 where the caller has it as
/// it is, and it is not held; 404 `event_not_found`, `reservation_not_found`; 503 `event_damaged`.
pub(crate) async fn read(context: Context, request: Request) -> Result<Response, Problem> {
    let (event, id) = reservation_in_path(&context, &request)?;
    let mut query = Query::read(&request);
    let at_version = query.at_version();
    query.finish()?;
    let mut reserved = as_it_is(&context, id)?;
    if let Some(version) = at_version {
        reserved = as_it_was(&context, &event, &reserved, version)?;
    }
    // What is held has less time left each time it is looked at.
    let is_as_it_was = !matches!(reserved.reservation().status, Status::Held(_));
    if is_as_it_was && let Some(response) = not_modified(&request.headers, reserved.version) {
        return Ok(response);
    }
    let version = reserved.version;
    Ok(as_state(respond(StatusCode::OK, &event, &reserved, &context), version))
}

/// Describes [`read`].
pub(crate) fn describe_read() -> OperationDoc {
    let about = "A reservation as it is, or was at `atVersion`. One that is given up stays to be looked at.";
    OperationDoc::new(Tag::Reservations, "getReservation", "Look at a reservation", about)
        .takes(&[AT_VERSION])
        .responds(StatusCode::OK, described().with(ETAG))
        .responds_not_modified()
        .problems(&[Code::InvalidRequest, Code::VersionNotFound])
        .problems(OF_RESERVATION)
}

/// A reservation as it was when its event was at a version.
fn as_it_was(
    context: &Context,
    event: &EventId,
    now: &ReservationReceipt,
    version: Version,
) -> Result<ReservationReceipt, EngineError> {
    version_of(&*context.engine.event(event)?, Some(version))?;
    let (id, reservation) = &now.result;
    if version < id.version {
        return Err(Refusal::ReservationNotFound.into());
    }
    let reservation = reservation.as_of(version);
    Ok(Receipt::first(reservation.since(id.version), (*id, reservation)))
}

fn as_it_is(context: &Context, id: ReservationId) -> Result<ReservationReceipt, EngineError> {
    let reservation = context.engine.reservation(id)?;
    Ok(Receipt::first(reservation.since(id.version), (id, reservation)))
}

fn respond(
    status: StatusCode,
    event: &EventId,
    reserved: &ReservationReceipt,
    context: &Context,
) -> Response {
    let Receipt { version, result: (id, reservation), replay } = reserved;
    let body = reservation_body(event, *id, reservation, *version, context.engine.now());
    marked(with_version(json(status, &body), *version), *replay)
}

/// Reads what is noted, in the order of the names.
fn metadata(given: &RawValue) -> Result<Vec<(MetadataKey, MetadataValue)>, Wrong> {
    let read = strings(given)?;
    if read.len() > METADATA_ENTRIES_MAX {
        return Err(format!("must not have more than {METADATA_ENTRIES_MAX} entries").into());
    }
    let entry = |(name, text): (Cow<'_, str>, String)| {
        let key = MetadataKey::new(&name).map_err(|wrong| format!("has a name that {wrong}"))?;
        let value =
            MetadataValue::new(&text).map_err(|wrong| format!("has a value that {wrong}"))?;
        Ok((key, value))
    };
    let mut entries = read.into_iter().map(entry).collect::<Result<Vec<_>, Wrong>>()?;
    entries.sort_unstable();
    Ok(entries)
}

fn described() -> ResponseDoc {
    ResponseDoc::json::<ReservationBody<'_>>(
        "The reservation, as it was right after it.",
        example_reservation(),
    )
}

fn described_new() -> ResponseDoc {
    let which = [
        ("eventId", "$response.body#/eventId"),
        ("reservationId", "$response.body#/reservationId"),
    ];
    described()
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

fn example_order() -> Value {
    json!({
        "partnerId": "abc-corp", "seats": 2, "hold": true, "reference": "order 4711",
        "metadata": { "till": "3" },
    })
}

fn example_reservation() -> Value {
    json!({
        "reservationId": "00000002-0000-8000-8009-61b42a322344", "eventId": "jazz-2026",
        "partnerId": "abc-corp", "seats": 2, "status": "held", "version": 3,
        "createdAt": "2026-01-07T09:30:00.000Z", "reference": "order 4711",
        "metadata": { "till": "3" }, "expiresAt": "2026-01-07T09:40:00.000Z", "expiresInSeconds": 600,
    })
}

/// Seats of any event.
fn new_reservation_schema() -> ObjectBuilder {
    let reference = "Your own name for it, as an order number.";
    closed("Seats for a partner, taken at once or held.")
        .property("partnerId", text(PartnerId::CHARS_MAX))
        .property("seats", asked_seats())
        .property("hold", hold_schema())
        .property(
            "reference",
            or_null(text(Reference::CHARS_MAX), Type::String).description(Some(reference)),
        )
        .property("metadata", or_null(kinds::metadata(), Type::Object))
        .required("partnerId")
        .required("seats")
}

fn hold_schema() -> ObjectBuilder {
    let about = "`true` to hold the seats for as long as the event says, or for how many seconds. They are \
        taken at once where it is missing.";
    hold_seconds()
        .schema_type(SchemaType::from_iter([Type::Boolean, Type::Integer, Type::Null]))
        .description(Some(about))
}
