//! The legacy API: the three routes of TicketBossJS, at the root, for the default event.
//!
//! The names, the order of the fields and the texts are those of TicketBossJS, so that its clients work
//! unchanged.
//!
//! It must not know: what `/v1` makes of the same refusals.

use http::StatusCode;
use serde_json::json;
use utoipa::openapi::schema::ObjectBuilder;
use uuid::Uuid;

use super::api::lookup::id_of_chosen;
use super::context::Context;
use super::describe::headers::{ETAG, REPLAYED};
use super::describe::operation::{OF_CHANGE, OF_EVENT, OperationDoc, Tag};
use super::describe::parameters::IDEMPOTENCY_KEY;
use super::describe::response::ResponseDoc;
use super::kernel::body::{Fields, Unknown, partner_id, whole_number};
use super::kernel::idempotency::{marked, request_context, request_context_about};
use super::kernel::kinds::{asked_seats, object, text};
use super::kernel::problem::{Code, Fault, Problem};
use super::kernel::reply::{Response, as_state, empty, json, not_modified, with_version};
use super::kernel::request::Request;
use super::kernel::text::id_text;
use super::wire::legacy::{ReservedBody, SummaryBody, summary_body};
use ticketboss_core::domain::{PartnerId, Refusal, ReservationId};
use ticketboss_engine::EngineError;

/// `POST /reservations/`: takes seats of the default event for a partner. 201 with the reservation; 400
/// `invalid_request`, `seats_per_request`; 404 `event_not_found`; 409 `not_enough_seats`; 413; 503.
pub(crate) async fn reserve(context: Context, request: Request) -> Result<Response, Problem> {
    let event = context.engine.default_event_id()?;
    let (partner, seats) = read_reserve(&request)?;
    let request_context = request_context(&request, "reserve", partner.as_str())?;
    let reserved = context.engine.reserve(&event, partner, seats, request_context).await?;
    let (id, reservation) = reserved.result;
    let body = ReservedBody {
        reservation_id: id_text(id),
        seats: reservation.seats.get(),
        status: "confirmed",
        version: reserved.version.get(),
    };
    let response = with_version(json(StatusCode::CREATED, &body), reserved.version);
    Ok(marked(response, reserved.replay))
}

/// Describes [`reserve`].
pub(crate) fn describe_reserve() -> OperationDoc {
    let about = "Takes seats of the first event for a partner, at once. The sale is on disk before it is \
        answered. 409 `not_enough_seats` never means to try again.";
    let example = json!({
        "reservationId": "00000001-0000-8000-8009-61b42a322344", "seats": 3, "status": "confirmed",
        "version": 2,
    });
    let reserved = ResponseDoc::json::<ReservedBody>("The seats are taken.", example)
        .with(ETAG)
        .with(REPLAYED)
        .leads_to("cancelReservation", &[("reservationId", "$response.body#/reservationId")]);
    OperationDoc::new(Tag::Legacy, "reserve", "Reserve seats of the first event", about)
        .takes(&[IDEMPOTENCY_KEY])
        .body("Reserve", reserve_schema(), json!({ "partnerId": "abc-corp", "seats": 3 }))
        .responds(StatusCode::CREATED, reserved)
        .problems(&[Code::InvalidRequest, Code::RequestTimeout, Code::BodyTooLarge])
        .problems(&[Code::SeatsPerRequest, Code::EventNotFound, Code::NotEnoughSeats])
        .problems(&[Code::NotOnSale, Code::IdempotencyKeyReused])
        .problems(OF_CHANGE)
}

/// `DELETE /reservations/{id}`: gives up a reservation of whatever event by our id, which says of which,
/// or one of the default event by the id that its client has chosen. 204; 404 `reservation_not_found` where
/// the id is unknown, given up already or no id at all; 503.
pub(crate) async fn cancel(context: Context, request: Request) -> Result<Response, Problem> {
    let id = read_reservation_id(request.segment(0), &context)?;
    let cancelled =
        context.engine.cancel(id, request_context_about(&request, "delete", id)?).await?;
    let response = with_version(empty(StatusCode::NO_CONTENT), cancelled.version);
    Ok(marked(response, cancelled.replay))
}

/// Describes [`cancel`].
pub(crate) fn describe_cancel() -> OperationDoc {
    let about = "Gives up a reservation: by our id, which says of which event it is, or by the one that its client \
        chose, if it is of the first event. The second time it is not found.";
    let given_up = ResponseDoc::empty("The seats are given back.").with(ETAG).with(REPLAYED);
    OperationDoc::new(Tag::Legacy, "cancelReservation", "Cancel a reservation", about)
        .takes(&[IDEMPOTENCY_KEY])
        .responds(StatusCode::NO_CONTENT, given_up)
        .problems(&[Code::InvalidRequest, Code::ReservationNotFound])
        .problems(OF_CHANGE)
}

/// `GET /reservations/`: the default event in numbers, all of one version. 200, or 304 where the caller has
/// that version; 404 `event_not_found`; 503 `event_damaged`.
pub(crate) async fn summary(context: Context, request: Request) -> Result<Response, Problem> {
    let event = context.engine.event(&context.engine.default_event_id()?)?;
    if let Some(response) = not_modified(&request.headers, event.version()) {
        return Ok(response);
    }
    Ok(as_state(json(StatusCode::OK, &summary_body(&event)), event.version()))
}

/// Describes [`summary`].
pub(crate) fn describe_summary() -> OperationDoc {
    let about = "The first event in numbers, all of one version.";
    let example = json!({
        "eventId": "node-meetup-2025", "name": "Node.js Tech Meet-up", "totalSeats": 500,
        "availableSeats": 497, "reservationCount": 1, "version": 2,
    });
    OperationDoc::new(Tag::Legacy, "getSummary", "Look at the first event", about)
        .responds(
            StatusCode::OK,
            ResponseDoc::json::<SummaryBody<'_>>("The event.", example).with(ETAG),
        )
        .responds_not_modified()
        .problems(OF_EVENT)
}

/// What is no reservation id is no reservation's. An id that is ours, but of nothing that there is, stays
/// ours: the event that it names refuses it, and counts that.
fn read_reservation_id(text: &str, context: &Context) -> Result<ReservationId, EngineError> {
    let uuid = Uuid::try_parse(text).map_err(|_| Refusal::ReservationNotFound)?;
    let ours = ReservationId::from_bits(uuid.as_u128());
    let not_found = EngineError::Refused(Refusal::ReservationNotFound);
    let engine = &context.engine;
    match ours.map_or(Err(not_found), |id| engine.reservation(id).map(|_| id)) {
        Err(EngineError::Refused(_)) => {}
        found => return found,
    }
    let chosen = match engine.default_event_id().and_then(|event| engine.event(&event)) {
        Ok(event) => id_of_chosen(&event, uuid),
        Err(EngineError::EventNotFound) => None,
        Err(error) => return Err(error),
    };
    chosen.or(ours).ok_or(Refusal::ReservationNotFound.into())
}

fn read_reserve(request: &Request) -> Result<(PartnerId, u32), Problem> {
    if !request.is_json() {
        // TicketBossJS did not see such a body, and said so.
        let detail = "the Content-Type must be application/json".to_owned();
        return Err(Problem::invalid_body(vec![Fault::of_whole(detail)]));
    }
    let mut fields = Fields::read(request)?;
    let partner = fields.required("partnerId", partner_id);
    let seats = fields.required("seats", whole_number);
    fields.finish(Unknown::Ignored)?;
    Ok((partner.zip(seats)).expect("a field that is missing is a fault"))
}

/// Seats of the first event, as TicketBossJS took it: fields that it does not know are ignored.
fn reserve_schema() -> ObjectBuilder {
    object("Seats for a partner.")
        .property("partnerId", text(PartnerId::CHARS_MAX))
        .property("seats", asked_seats())
        .required("partnerId")
        .required("seats")
}
