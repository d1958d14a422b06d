//! The seed's three routes, at the root, for the default event.
//!
//! The names, the order of the fields and the texts are the seed's, too, so that its clients work
//! unchanged.

use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Context;
use super::body::{Fields, Unknown, partner_id, whole_number};
use super::idempotency::{marked, name_of, request_context, request_context_about};
use super::input::Input;
use super::openapi::kinds;
use super::problem::{Fault, Problem};
use super::reply::{Response, as_state, empty, etag, is_known, json, with_version};
use ticketboss_core::domain::{Event, EventId, PartnerId, Refusal, ReservationId};
use ticketboss_engine::EngineError;

/// What the seed told of a reservation.
#[derive(Serialize, ToSchema)]
#[schema(as = Reserved)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReservedBody {
    #[schema(value_type = kinds::ReservationId)]
    reservation_id: String,
    #[schema(value_type = kinds::Seats)]
    seats: u32,
    #[schema(value_type = kinds::ReservationStatus)]
    status: &'static str,
    #[schema(value_type = kinds::Version)]
    version: u64,
}

/// What the seed told of its event.
#[derive(Serialize, ToSchema)]
#[schema(as = Summary)]
#[serde(rename_all = "camelCase")]
pub(super) struct SummaryBody<'a> {
    #[schema(value_type = kinds::EventId)]
    event_id: &'a str,
    #[schema(value_type = kinds::EventName)]
    name: &'a str,
    #[schema(value_type = kinds::Seats)]
    total_seats: u32,
    #[schema(value_type = kinds::SeatCount)]
    available_seats: u32,
    reservation_count: u64,
    #[schema(value_type = kinds::Version)]
    version: u64,
}

/// `POST /reservations/`: takes seats of the default event for a partner. 201 with the reservation; 400
/// `invalid_request`, `seats_per_request`; 404 `event_not_found`; 409 `not_enough_seats`; 413; 503.
pub(super) async fn reserve_of_default(
    context: Context,
    input: Input,
) -> Result<Response, Problem> {
    let event = context.engine.default_event_id()?;
    let (partner, seats) = read_reserve(&input)?;
    let request = request_context(&input, "reserve", partner.as_str())?;
    let reserved = context.engine.reserve(&event, partner, seats, request).await?;
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

/// `DELETE /reservations/{id}`: gives up a reservation of whatever event by our id, which says of which,
/// or one of the default event by the id that its client has chosen. 204; 404 `reservation_not_found` where
/// the id is unknown, given up already or no id at all; 503.
pub(super) async fn cancel(context: Context, input: Input) -> Result<Response, Problem> {
    let id = read_reservation_id(input.segment(0), &context)?;
    let cancelled = context.engine.cancel(id, request_context_about(&input, "delete", id)?).await?;
    let response = with_version(empty(StatusCode::NO_CONTENT), cancelled.version);
    Ok(marked(response, cancelled.replay))
}

/// `GET /reservations/`: the default event in numbers, all of one version. 200, or 304 where the caller has
/// that version; 404 `event_not_found`; 503 `event_damaged`.
pub(super) async fn summary_of_default(
    context: Context,
    input: Input,
) -> Result<Response, Problem> {
    let event = context.engine.event(&context.engine.default_event_id()?)?;
    if is_known(&input.headers, &etag(event.version())) {
        return Ok(as_state(empty(StatusCode::NOT_MODIFIED), event.version()));
    }
    Ok(as_state(json(StatusCode::OK, &summarise(&event)), event.version()))
}

fn summarise(event: &Event) -> SummaryBody<'_> {
    let seats = event.seats();
    SummaryBody {
        event_id: event.id().as_str(),
        name: event.name().as_str(),
        total_seats: seats.capacity,
        available_seats: seats.available,
        reservation_count: event.live_reservations(),
        version: event.version().get(),
    }
}

/// What is no event id is no event's.
pub(super) fn event_in_path(input: &Input) -> Result<EventId, EngineError> {
    EventId::new(input.segment(0)).map_err(|_| EngineError::EventNotFound)
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

/// Our id of the reservation for which a client has chosen that one.
pub(super) fn id_of_chosen(event: &Event, chosen: Uuid) -> Option<ReservationId> {
    let done = event.done_by(name_of(chosen))?;
    event.reservation_made_by(done.reservation?).map(|(id, _)| id)
}

/// A reservation id as it stands in JSON.
pub(super) fn id_text(id: ReservationId) -> String {
    Uuid::from_u128(id.to_bits()).to_string()
}

fn read_reserve(input: &Input) -> Result<(PartnerId, u32), Problem> {
    if !input.is_json() {
        // The seed did not see such a body, and said so.
        let detail = "the Content-Type must be application/json".to_owned();
        return Err(Problem::invalid_body(vec![Fault::of_whole(detail)]));
    }
    let mut fields = Fields::read(input)?;
    let partner = fields.required("partnerId", partner_id);
    let seats = fields.required("seats", whole_number);
    fields.finish(Unknown::Ignored)?;
    Ok((partner.zip(seats)).expect("a field that is missing is a fault"))
}
