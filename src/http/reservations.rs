//! Reserve, cancel and summarise: the event of the path under `/v1`, the default one at the root.
//!
//! The routes at the root are the seed's. The names, the order of the fields and the texts are its, too,
//! so that its clients work unchanged; under `/v1` they are the same.

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::Context;
use super::input::Input;
use super::problem::{Fault, Problem};
use super::reply::{Response, as_state, empty, etag, is_known, json, with_version};
use crate::domain::{Event, EventId, PartnerId, Refusal, ReservationId};
use crate::office::OfficeError;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReservedBody {
    reservation_id: String,
    seats: u32,
    status: &'static str,
    version: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SummaryBody<'a> {
    event_id: &'a str,
    name: &'a str,
    total_seats: u32,
    available_seats: u32,
    reservation_count: u64,
    version: u64,
}

/// A body as it came: the values are looked at one by one, so that all faults are told at once.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReserveBody<'a> {
    #[serde(borrow)]
    partner_id: Option<&'a RawValue>,
    #[serde(borrow)]
    seats: Option<&'a RawValue>,
}

/// `POST /v1/events/{eventId}/reservations`: takes seats for a partner. 201 with the reservation; 400
/// `invalid_request`, `seats_per_request`; 404 `event_not_found`; 409 `not_enough_seats`; 413; 503.
pub(super) async fn reserve(context: Context, input: Input) -> Result<Response, Problem> {
    reserve_of(&event_in_path(&input)?, &context, &input).await
}

/// `POST /reservations/`: the same of the default event.
pub(super) async fn reserve_of_default(
    context: Context,
    input: Input,
) -> Result<Response, Problem> {
    reserve_of(&context.office.default_event_id()?, &context, &input).await
}

/// `DELETE /v1/events/{eventId}/reservations/{id}`: gives up a reservation of the event. 204; 404
/// `event_not_found`; 404 `reservation_not_found` where the id is unknown, of another event, cancelled
/// already or no id at all; 503.
pub(super) async fn cancel_of_event(context: Context, input: Input) -> Result<Response, Problem> {
    let event = context.office.event(&event_in_path(&input)?)?;
    let id = read_reservation_id(input.segment(1))?;
    if id.event != event.number() {
        return Err(Refusal::ReservationNotFound.into());
    }
    cancel_any(id, &context, &input).await
}

/// `DELETE /reservations/{id}`: the same of whatever event the reservation is of; its id says which.
pub(super) async fn cancel(context: Context, input: Input) -> Result<Response, Problem> {
    cancel_any(read_reservation_id(input.segment(0))?, &context, &input).await
}

/// `GET /v1/events/{eventId}`: the event in numbers, all of one version. 200, or 304 where the caller
/// has that version; 404 `event_not_found`; 503 `event_damaged`.
pub(super) async fn summary(context: Context, input: Input) -> Result<Response, Problem> {
    summary_of(&event_in_path(&input)?, &context, &input)
}

/// `GET /reservations/`: the same of the default event.
pub(super) async fn summary_of_default(
    context: Context,
    input: Input,
) -> Result<Response, Problem> {
    summary_of(&context.office.default_event_id()?, &context, &input)
}

async fn reserve_of(
    event: &EventId,
    context: &Context,
    input: &Input,
) -> Result<Response, Problem> {
    let (partner, seats) = read_reserve(input)?;
    let reserved = context.office.reserve(event, partner, seats, input.request_id).await?;
    let body = ReservedBody {
        reservation_id: Uuid::from_u128(reserved.id.to_bits()).to_string(),
        seats: reserved.reservation.seats.get(),
        status: "confirmed",
        version: reserved.version.get(),
    };
    Ok(with_version(json(StatusCode::CREATED, &body), reserved.version))
}

async fn cancel_any(
    id: ReservationId,
    context: &Context,
    input: &Input,
) -> Result<Response, Problem> {
    let cancelled = context.office.cancel(id, input.request_id).await?;
    Ok(with_version(empty(StatusCode::NO_CONTENT), cancelled.version))
}

fn summary_of(event: &EventId, context: &Context, input: &Input) -> Result<Response, Problem> {
    let event = context.office.event(event)?;
    if is_known(&input.headers, &etag(event.version())) {
        return Ok(as_state(empty(StatusCode::NOT_MODIFIED), event.version()));
    }
    Ok(as_state(json(StatusCode::OK, &summarise(&event)), event.version()))
}

/// What is no event id is no event's.
fn event_in_path(input: &Input) -> Result<EventId, OfficeError> {
    EventId::new(input.segment(0)).map_err(|_| OfficeError::EventNotFound)
}

fn read_reservation_id(text: &str) -> Result<ReservationId, Refusal> {
    let uuid = Uuid::try_parse(text).map_err(|_| Refusal::ReservationNotFound)?;
    ReservationId::from_bits(uuid.as_u128()).ok_or(Refusal::ReservationNotFound)
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

fn read_reserve(input: &Input) -> Result<(PartnerId, u32), Problem> {
    let whole = |detail: String| Problem::invalid_request(vec![Fault { pointer: "", detail }]);
    if !input.is_json() {
        return Err(whole("the Content-Type must be application/json".to_owned()));
    }
    let body: ReserveBody<'_> = match input.body.trim_ascii_start().first() {
        None => return Err(whole("the body is empty".to_owned())),
        Some(b'{') => serde_json::from_slice(&input.body)
            .map_err(|error| whole(format!("the body is not valid JSON: {error}")))?,
        Some(_) => return Err(whole("the body must be a JSON object".to_owned())),
    };
    let partner = read_partner(body.partner_id);
    let seats = read_seats(body.seats);
    match (partner, seats) {
        (Ok(partner), Ok(seats)) => Ok((partner, seats)),
        (partner, seats) => {
            let faults = partner.err().into_iter().chain(seats.err()).collect();
            Err(Problem::invalid_request(faults))
        }
    }
}

fn read_partner(given: Option<&RawValue>) -> Result<PartnerId, Fault> {
    let fault = |detail: String| Fault { pointer: "/partnerId", detail };
    let given = given.ok_or_else(|| fault("is missing".to_owned()))?;
    let text: String =
        serde_json::from_str(given.get()).map_err(|_| fault("must be a string".to_owned()))?;
    PartnerId::new(&text).map_err(|invalid| fault(invalid.to_string()))
}

/// Reads a number of seats, whole but of any size: whether it is too many is the event's to say.
///
/// What does not fit is the nearest that does, and refused as that: `-1` as 0, `1e400` as 2³² − 1.
fn read_seats(given: Option<&RawValue>) -> Result<u32, Fault> {
    let fault = |detail: &str| Fault { pointer: "/seats", detail: detail.to_owned() };
    let given = given.ok_or_else(|| fault("is missing"))?.get();
    let starts_a_number = |first: &u8| *first == b'-' || first.is_ascii_digit();
    if !given.as_bytes().first().is_some_and(starts_a_number) {
        return Err(fault("must be a number"));
    }
    let number: f64 = given.parse().map_err(|_| fault("must be a number"))?;
    if number.is_finite() && number.fract() != 0.0 {
        return Err(fault("must be a whole number"));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, which is what is wanted; a whole number loses nothing"
    )]
    Ok(number as u32)
}
