//! Reservations under `/v1`: taken at once or held, confirmed, extended, given up, looked at.
//!
//! Every answer is the whole reservation, as it was right after what was asked for. What is so already
//! is no failure here: to confirm what is confirmed, or to give up what is given up, is answered like
//! the first time, so a client that has lost an answer asks again.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use http::StatusCode;
use http::header::{self, HeaderValue};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Context;
use super::body::{
    Fields, Hold, Unknown, Wrong, hold, partner_id, seats, strings, whole_number, word,
};
use super::idempotency::{marked, request_context, request_context_about, request_context_as};
use super::input::Input;
use super::openapi::kinds;
use super::part::Part;
use super::problem::{Code, Problem};
use super::query::{Query, version_of};
use super::reply::{Response, as_state, empty, etag, is_known, json, time_text, with_version};
use super::seed::{event_in_path, id_of_chosen, id_text};
use ticketboss_core::domain::{
    EventId, METADATA_ENTRIES_MAX, MetadataKey, MetadataValue, Note, PartnerId, Reference, Refusal,
    Reservation, ReservationId, Status, Timestamp, Version,
};
use ticketboss_engine::{EngineError, Receipt, RequestContext, ReservationReceipt};

/// A reservation, at one version of its event.
#[derive(Serialize, ToSchema)]
#[schema(as = Reservation)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReservationBody<'a> {
    #[schema(value_type = kinds::ReservationId)]
    reservation_id: String,
    #[schema(value_type = kinds::EventId)]
    event_id: &'a str,
    #[schema(value_type = kinds::PartnerId)]
    partner_id: &'a str,
    #[schema(value_type = kinds::Seats)]
    seats: u32,
    #[schema(value_type = kinds::ReservationStatus)]
    status: &'static str,
    /// The version of the event that made the reservation what it is.
    #[schema(value_type = kinds::Version)]
    version: u64,
    #[schema(value_type = kinds::Moment)]
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    reference: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = kinds::Metadata)]
    metadata: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::Moment)]
    expires_at: Option<String>,
    /// The same as a time from now on, for those whose clocks are wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64)]
    expires_in_seconds: Option<i64>,
}

/// Reservations, or a part of a longer list.
#[derive(Serialize, ToSchema)]
#[schema(as = ReservationList)]
pub(super) struct ListBody {
    #[schema(value_type = Vec<ReservationBody<'_>>)]
    items: Part,
    /// Where the list goes on, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::Address)]
    next: Option<String>,
}

/// How many reservations are looked at for one part of a list.
const LOOKED_AT_MAX: usize = 10_000;
/// What a reservation can be.
pub(super) const STATUSES: [&str; 4] = ["held", "confirmed", "cancelled", "expired"];

/// `POST /v1/events/{eventId}/reservations`: takes seats for a partner, or holds them. 201 with the
/// reservation; 400 `invalid_request`, `seats_per_request`, `hold_seconds`; 404 `event_not_found`; 409
/// `not_enough_seats`; 413; 503.
pub(super) async fn create(context: Context, input: Input) -> Result<Response, Problem> {
    let order = read_order(&input)?;
    let request = request_context(&input, "reserve", order.partner.as_str())?;
    place(order, request, &context, &input).await
}

/// `PUT /v1/events/{eventId}/reservations/{id}`: the same, under an id that the client has chosen, a UUID; so
/// it can be asked for again. 201, also then; 400; 404; 409; 413; 422 `idempotency_key_reused` where there
/// is another reservation of that id; 503.
pub(super) async fn create_as(context: Context, input: Input) -> Result<Response, Problem> {
    let chosen = Uuid::try_parse(input.segment(1)).map_err(|_| {
        let detail = "the id of the reservation must be a UUID";
        Problem::new(Code::InvalidRequest, detail)
    })?;
    let mut order = read_order(&input)?;
    order.note.chosen_id = Some(chosen.as_u128());
    let request = request_context_as(&input, chosen);
    place(order, request, &context, &input).await.map_err(Problem::of_chosen_id)
}

/// What somebody wants to have.
struct Order {
    partner: PartnerId,
    seats: u32,
    hold: Hold,
    note: Note,
}

fn read_order(input: &Input) -> Result<Order, Problem> {
    let mut fields = Fields::read(input)?;
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
    request: RequestContext,
    context: &Context,
    input: &Input,
) -> Result<Response, Problem> {
    let event = event_in_path(input)?;
    let Order { partner, seats, hold, note } = order;
    let note = (!note.is_empty()).then(|| Arc::new(note));
    let request = RequestContext { note, ..request };
    let engine = &context.engine;
    let seconds = match hold {
        Hold::No => None,
        Hold::Usual => Some(engine.event(&event)?.terms().hold_seconds),
        Hold::Seconds(seconds) => Some(seconds),
    };
    let reserved = match seconds {
        None => engine.reserve(&event, partner, seats, request).await?,
        Some(seconds) => {
            let held = engine.hold(&event, partner, seats, seconds, request).await;
            held.map_err(|error| Problem::from(error).pointing_at("/hold"))?
        }
    };
    let mut response = told(StatusCode::CREATED, &event, &reserved, context);
    let id = id_text_of(reserved.id(), reserved.reservation());
    let location = HeaderValue::try_from(format!("/v1/events/{event}/reservations/{id}"));
    if let Ok(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// `GET /v1/events/{eventId}/reservations`: the reservations in the order of their making, of one partner
/// or status where `partnerId` or `status` say so, as they were at `atVersion` where that is given. `limit`
/// and `cursor` go through a long list; a part of it may have fewer than `limit`, or none, and still not be
/// the last. 200, or 304 where the caller has that version and nothing in it is held; 400; 404
/// `event_not_found`, `version_not_found`; 503.
pub(super) async fn list(context: Context, input: Input) -> Result<Response, Problem> {
    let event = context.engine.event(&event_in_path(&input)?)?;
    let mut query = Query::read(&input);
    let partner = query.take("partnerId", |text| {
        PartnerId::new(text).map_err(|invalid| invalid.to_string().into())
    });
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
    let (mut items, mut seen, mut has_held) = (Part::new(limit), Version::ZERO, false);
    let all = event.reservations_after(after.unwrap_or(Version::ZERO));
    let mut all = all.take_while(|(id, _)| id.version <= version).peekable();
    for (id, kept) in all.by_ref().take(LOOKED_AT_MAX) {
        seen = id.version;
        let then = at_version.map(|version| kept.as_of(version));
        let kept = then.as_ref().unwrap_or(kept);
        if is_wanted(kept) {
            let since = kept.since(id.version);
            has_held |= matches!(kept.status, Status::Held(_));
            items.add(&body_of(event.id(), id, kept, since, context.engine.now()));
        }
        if items.is_full() {
            break;
        }
    }
    // What is held has less time left each time it is looked at.
    if !has_held && is_known(&input.headers, &etag(version)) {
        return Ok(as_state(empty(StatusCode::NOT_MODIFIED), version));
    }
    let path = format!("/v1/events/{}/reservations", event.id());
    let next = all.peek().map(|_| format!("{path}?limit={limit}&cursor={seen}{told}"));
    Ok(as_state(json(StatusCode::OK, &ListBody { items, next }), version))
}

/// `GET /v1/events/{eventId}/reservations/{id}`: a reservation. 200, or 304 where the caller has it as
/// it is, and it is not held; 404 `event_not_found`, `reservation_not_found`; 503 `event_damaged`.
pub(super) async fn read(context: Context, input: Input) -> Result<Response, Problem> {
    let (event, id) = in_path(&context, &input)?;
    let mut query = Query::read(&input);
    let at_version = query.at_version();
    query.finish()?;
    let mut reserved = as_it_is(&context, id)?;
    if let Some(version) = at_version {
        reserved = as_it_was(&context, &event, &reserved, version)?;
    }
    // What is held has less time left each time it is looked at.
    let is_as_it_was = !matches!(reserved.reservation().status, Status::Held(_));
    if is_as_it_was && is_known(&input.headers, &etag(reserved.version)) {
        return Ok(as_state(empty(StatusCode::NOT_MODIFIED), reserved.version));
    }
    let version = reserved.version;
    Ok(as_state(told(StatusCode::OK, &event, &reserved, &context), version))
}

/// `POST …/{id}/confirm`: takes for good what is held, or was until its time was up, if the seats are
/// still there. 200 with the reservation, also where it is confirmed already; 404; 409 `hold_expired`,
/// `reservation_cancelled`; 503.
pub(super) async fn confirm(context: Context, input: Input) -> Result<Response, Problem> {
    let (event, id) = in_path(&context, &input)?;
    Fields::read_if_any(&input)?.finish(Unknown::Refused)?;
    let confirmed = context.engine.confirm(id, request_context_about(&input, "confirm", id)?).await;
    answer(confirmed, &event, id, &context, |refusal| match refusal {
        Refusal::AlreadyConfirmed { since } => Some(since),
        _ => None,
    })
}

/// `POST …/{id}/extend`: keeps what is held for `holdSeconds` from now on. 200 with the reservation; 400
/// `hold_seconds`; 404; 409 `already_confirmed`, `reservation_cancelled`, `reservation_expired`,
/// `hold_limit`; 503.
pub(super) async fn extend(context: Context, input: Input) -> Result<Response, Problem> {
    let (event, id) = in_path(&context, &input)?;
    let mut fields = Fields::read_if_any(&input)?;
    let seconds = fields.optional("holdSeconds", whole_number);
    fields.finish(Unknown::Refused)?;
    let seconds = match seconds {
        Some(seconds) => seconds,
        None => context.engine.event(&event)?.terms().hold_seconds,
    };
    let extended =
        context.engine.extend(id, seconds, request_context_about(&input, "extend", id)?).await;
    answer(extended, &event, id, &context, |_| None)
}

/// `POST …/{id}/cancel`: gives up a reservation, or so many `seats` of a confirmed one. 200 with the
/// reservation, also where all of it is given up already; 400 `not_a_part`; 404; 409 `not_confirmed`,
/// and where a part is to be given up, `reservation_cancelled`, `reservation_expired`; 503.
pub(super) async fn cancel(context: Context, input: Input) -> Result<Response, Problem> {
    let (event, id) = in_path(&context, &input)?;
    let mut fields = Fields::read_if_any(&input)?;
    let part = fields.optional("seats", seats);
    fields.finish(Unknown::Refused)?;
    let engine = &context.engine;
    let request = request_context_about(&input, "cancel", id)?;
    let cancelled = match part {
        None => engine.cancel(id, request).await,
        Some(seats) => engine.cancel_part(id, seats, request).await,
    };
    answer(cancelled, &event, id, &context, |refusal| match refusal {
        Refusal::AlreadyCancelled { since } | Refusal::AlreadyExpired { since } => {
            Some(since).filter(|_| part.is_none())
        }
        _ => None,
    })
}

/// `DELETE …/{id}`: gives up a reservation. 204; 404 also where it is given up already; 503.
pub(super) async fn delete(context: Context, input: Input) -> Result<Response, Problem> {
    let (_, id) = in_path(&context, &input)?;
    let cancelled = context.engine.cancel(id, request_context_about(&input, "delete", id)?).await?;
    let response = with_version(empty(StatusCode::NO_CONTENT), cancelled.version);
    Ok(marked(response, cancelled.replay))
}

/// The event and the reservation of the path, by our id or by the one that the client has chosen; one of
/// another event is not there.
pub(super) fn in_path(
    context: &Context,
    input: &Input,
) -> Result<(EventId, ReservationId), Problem> {
    let event = context.engine.event(&event_in_path(input)?)?;
    let uuid = Uuid::try_parse(input.segment(1)).map_err(|_| Refusal::ReservationNotFound)?;
    let ours = ReservationId::from_bits(uuid.as_u128());
    let ours = ours.filter(|id| event.reservation(*id).is_some());
    let id = ours.or_else(|| id_of_chosen(&event, uuid)).ok_or(Refusal::ReservationNotFound)?;
    Ok((event.id().clone(), id))
}

/// Tells what came of a change, or, where that is `so_since` a version, what is so since then. More may
/// have become of it while this is told; that is not what was decided.
fn answer(
    changed: Result<ReservationReceipt, EngineError>,
    event: &EventId,
    id: ReservationId,
    context: &Context,
    so_since: impl FnOnce(&Refusal) -> Option<&Version>,
) -> Result<Response, Problem> {
    let reserved = match changed {
        Ok(reserved) => reserved,
        Err(EngineError::Refused(refusal)) => match so_since(&refusal) {
            Some(since) => {
                let (id, newest) = as_it_is(context, id)?.result;
                Receipt::first(*since, (id, newest.as_of(*since)))
            }
            None => return Err(Problem::of_reservation(refusal)),
        },
        Err(error) => return Err(error.into()),
    };
    Ok(told(StatusCode::OK, event, &reserved, context))
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

fn told(
    status: StatusCode,
    event: &EventId,
    reserved: &ReservationReceipt,
    context: &Context,
) -> Response {
    let Receipt { version, result: (id, reservation), replay } = reserved;
    let body = body_of(event, *id, reservation, *version, context.engine.now());
    marked(with_version(json(status, &body), *version), *replay)
}

fn body_of<'a>(
    event: &'a EventId,
    id: ReservationId,
    reservation: &'a Reservation,
    version: Version,
    now: Timestamp,
) -> ReservationBody<'a> {
    let hold = match reservation.status {
        Status::Held(hold) => Some(hold),
        _ => None,
    };
    let note = reservation.note.as_deref();
    ReservationBody {
        reservation_id: id_text_of(id, reservation),
        event_id: event.as_str(),
        partner_id: reservation.partner.as_str(),
        seats: reservation.seats.get(),
        status: status_name(reservation.status),
        version: version.get(),
        created_at: time_text(reservation.made_at),
        reference: note.and_then(|note| note.reference.as_ref()).map(Reference::as_str),
        metadata: note.map(|note| entries(note).collect()).unwrap_or_default(),
        expires_at: hold.map(|hold| time_text(hold.expires_at)),
        // Rounded down: whoever goes by it is rather too early.
        expires_in_seconds: hold.map(|hold| (hold.expires_at.0 - now.0).max(0) / 1_000),
    }
}

/// The id under which its partner knows a reservation.
pub(super) fn id_text_of(id: ReservationId, reservation: &Reservation) -> String {
    let chosen = reservation.note.as_ref().and_then(|note| note.chosen_id);
    chosen.map_or_else(|| id_text(id), |chosen| Uuid::from_u128(chosen).to_string())
}

fn status_name(status: Status) -> &'static str {
    match status {
        Status::Held(_) => "held",
        Status::Confirmed => "confirmed",
        Status::Cancelled { .. } => "cancelled",
        Status::Expired { .. } => "expired",
    }
}

fn entries(note: &Note) -> impl Iterator<Item = (&str, &str)> {
    note.metadata.iter().map(|(name, text)| (name.as_str(), text.as_str()))
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
