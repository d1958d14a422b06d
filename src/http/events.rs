//! Events under `/v1`: created, listed, looked at, changed, and seats taken out of their sale.
//!
//! Whoever changes an event says in `If-Match` at which version he looked at it. What was sold since
//! makes no difference; what somebody else has changed about its terms does.

use std::sync::Arc;

use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use super::body::{Fields, Unknown, Wrong, seats, whole_number, word};
use super::idempotency::{marked, request_context};
use super::input::Input;
use super::openapi::kinds;
use super::part::Part;
use super::patience::Waiting;
use super::problem::{Code, Problem};
use super::query::{Query, version_of};
use super::reply::{Response, as_state, empty, etag, is_known, json, time_text, with_version};
use super::seed::event_in_path;
use super::times::{local_text, moment, start, zone_name};
use super::{Context, feed};
use ticketboss_core::domain::{
    Description, Event, EventId, EventName, EventNumber, EventStatus, EventTerms, HOLD_SECONDS_MAX,
    HOLD_SECONDS_MIN, Reason, Seats, Timestamp, Venue, Version, ZoneName,
};
use ticketboss_engine::{Receipt, RequestContext};

/// The most seats that one request may take where nobody says how many.
const SEATS_PER_REQUEST_MAX: Seats = Seats::TEN;

/// An event; it begins with what the seed told of its one.
#[derive(Serialize, ToSchema)]
#[schema(as = Event)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventBody<'a> {
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
    #[schema(value_type = kinds::SeatCount)]
    held_seats: u32,
    #[schema(value_type = kinds::SeatCount)]
    confirmed_seats: u32,
    #[schema(value_type = kinds::SeatCount)]
    blocked_seats: u32,
    #[schema(value_type = kinds::EventStatus)]
    status: &'static str,
    /// Whether a seat could be had now, if there is one.
    is_selling: bool,
    #[schema(value_type = kinds::Moment)]
    created_at: String,
    #[schema(value_type = kinds::Moment)]
    updated_at: String,
    #[serde(flatten)]
    terms: TermsBody,
}

/// The terms of an event, besides its name, its seats and its status.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EventTerms)]
#[serde(rename_all = "camelCase")]
pub(super) struct TermsBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    venue: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::Moment)]
    starts_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    time_zone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::Moment)]
    on_sale_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::Moment)]
    off_sale_at: Option<String>,
    #[schema(value_type = kinds::Seats)]
    seats_per_request_min: u32,
    #[schema(value_type = kinds::Seats)]
    seats_per_request_max: u32,
    #[schema(value_type = kinds::HoldSeconds)]
    hold_seconds: u32,
}

/// Events, or a part of a longer list.
#[derive(Serialize, ToSchema)]
#[schema(as = EventList)]
pub(super) struct ListBody {
    #[schema(value_type = Vec<EventBody<'_>>)]
    items: Part,
    /// Where the list goes on, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::Address)]
    next: Option<String>,
}

/// Seats that are taken out of sale.
#[derive(Serialize, ToSchema)]
#[schema(as = Block)]
#[serde(rename_all = "camelCase")]
pub(super) struct BlockBody<'a> {
    #[schema(value_type = kinds::BlockId)]
    block_id: u64,
    #[schema(value_type = kinds::Seats)]
    seats: u32,
    reason: &'a str,
    #[schema(value_type = kinds::Moment)]
    created_at: String,
}

/// The seats of an event that are taken out of sale.
#[derive(Serialize, ToSchema)]
#[schema(as = BlockList)]
pub(super) struct BlocksBody {
    #[schema(value_type = Vec<BlockBody<'_>>)]
    items: Part,
    /// Where the list goes on, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::Address)]
    next: Option<String>,
}

/// `POST /v1/events`: creates an event. 201 with it and its `Location`; 400 `invalid_request`; 409
/// `event_exists`; 413; 503.
pub(super) async fn create(context: Context, input: Input) -> Result<Response, Problem> {
    let mut fields = Fields::read(&input)?;
    let id = fields.required("eventId", |given| word(given, EventId::new));
    let name = fields.required("name", |given| word(given, EventName::new));
    let capacity = fields.required("totalSeats", seats);
    let blank = id.zip(name).zip(capacity).map(|((id, name), capacity)| EventTerms {
        status: EventStatus::Draft,
        ..EventTerms::on_sale(id, name, capacity, SEATS_PER_REQUEST_MAX)
    });
    let terms = read_terms(&mut fields, blank);
    fields.finish(Unknown::Refused)?;
    let terms = terms.expect("what is missing is a fault");
    let request = request_context(&input, "createEvent", "")?;
    let known = context.engine.event(&terms.id);
    let _waiting = known.ok().and_then(|known| begin_if_done(&known, &request, &input));
    let Receipt { result: created, replay, .. } =
        context.engine.create_event_once(terms, request).await?;
    let mut response = marked(told(StatusCode::CREATED, &created, &context), replay);
    let location = format!("/v1/events/{}", created.id());
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// `GET /v1/events`: the events in the order of their making, those that are archived only where
/// `status` asks for them. `limit` and `cursor` go through a long list; a part of it may have fewer than
/// `limit` and still not be the last. 200; 400.
pub(super) async fn list(context: Context, input: Input) -> Result<Response, Problem> {
    let mut query = Query::read(&input);
    let status = query.take("status", read_status);
    let limit = query.limit();
    let after = query
        .take("cursor", |text| text.parse().map(EventNumber).map_err(|_| "is none of ours".into()));
    let told = query.rest();
    query.finish()?;
    let is_wanted = |event: &Event| match status {
        Some(status) => event.terms().status == status,
        None => event.terms().status != EventStatus::Archived,
    };
    let now = context.engine.now();
    let (mut items, mut last, mut next) = (Part::new(limit), EventNumber(0), None);
    // One more than is shown, to know whether there are more.
    for event in context.engine.events_after(after, limit + 1, is_wanted) {
        if items.is_full() {
            next = Some(format!("/v1/events?limit={limit}&cursor={}{told}", last.0));
            break;
        }
        items.add(&body_of(&event, now));
        last = event.number();
    }
    Ok(json(StatusCode::OK, &ListBody { items, next }))
}

/// `GET /v1/events/{eventId}`: an event, all of one version. With `waitVersion` the answer waits until the
/// event is at that version, or until `waitSeconds` are over or the server stops. 200, or 304 where the caller has that
/// version; 404 `event_not_found`; 503 `event_damaged`.
pub(super) async fn read(context: Context, input: Input) -> Result<Response, Problem> {
    let id = event_in_path(&input)?;
    let mut query = Query::read(&input);
    let (at_version, wait) = (query.at_version(), query.wait());
    query.finish()?;
    let newest = feed::event_after(&context, &input.long_wait, &id, wait).await?;
    let event = match at_version {
        None => newest,
        Some(version) => {
            let _waiting = input.long_wait.begin();
            Arc::new(context.engine.event_as_of(&id, version).await?)
        }
    };
    let is_as_it_was = !has_turned(&event, context.engine.now());
    if is_as_it_was && is_known(&input.headers, &etag(event.version())) {
        return Ok(as_state(empty(StatusCode::NOT_MODIFIED), event.version()));
    }
    Ok(as_state(told(StatusCode::OK, &event, &context), event.version()))
}

/// `PATCH /v1/events/{eventId}`: changes the terms; what is not named stays, and `null` takes away what
/// may be missing (RFC 7396). 200 with the event; 400; 404; 409 `capacity_taken`, `status_change`,
/// `seats_held`; 412, 428; 503.
pub(super) async fn update(context: Context, input: Input) -> Result<Response, Problem> {
    let id = event_in_path(&input)?;
    let event = context.engine.event(&id)?;
    // Whatever the terms are, they are those that what is named is put over.
    let expected = if_match(&input, &event)?.unwrap_or(event.version());
    let mut fields = Fields::read_patch(&input)?;
    let terms = read_terms(&mut fields, Some(event.terms().clone()));
    fields.finish(Unknown::Refused)?;
    let terms = terms.expect("what was there is there");
    let request = request_context(&input, "update", "")?;
    let _waiting = begin_if_done(&event, &request, &input);
    let updated = context.engine.update_event(&id, terms, expected, request).await?;
    Ok(marked(told(StatusCode::OK, &updated.result, &context), updated.replay))
}

/// `GET /v1/events/{eventId}/blocks`: the seats that are taken out of sale, or were at `atVersion`, in the
/// order in which that was done. `limit` and `cursor` go through a long list, as through the others. 200, or
/// 304 where the caller has that version; 400; 404 `event_not_found`, `version_not_found`; 503.
pub(super) async fn blocks(context: Context, input: Input) -> Result<Response, Problem> {
    let event = context.engine.event(&event_in_path(&input)?)?;
    let mut query = Query::read(&input);
    let (at_version, limit, after) = (query.at_version(), query.limit(), query.after_version());
    let told = query.rest();
    query.finish()?;
    let version = version_of(&event, at_version)?;
    if is_known(&input.headers, &etag(version)) {
        return Ok(as_state(empty(StatusCode::NOT_MODIFIED), version));
    }
    let (mut items, mut last, mut next) = (Part::new(limit), Version::ZERO, None);
    for (made_by, block) in event.blocks_as_of(version, after.unwrap_or(Version::ZERO)) {
        if items.is_full() {
            let path = format!("/v1/events/{}/blocks", event.id());
            next = Some(format!("{path}?limit={limit}&cursor={last}{told}"));
            break;
        }
        items.add(&BlockBody {
            block_id: made_by.get(),
            seats: block.seats.get(),
            reason: block.reason.as_str(),
            created_at: time_text(block.since),
        });
        last = made_by;
    }
    Ok(as_state(json(StatusCode::OK, &BlocksBody { items, next }), version))
}

/// `POST /v1/events/{eventId}/blocks`: takes seats out of sale. 201 with the block; 400; 404; 409
/// `not_enough_seats`; 412, 428; 503.
pub(super) async fn block(context: Context, input: Input) -> Result<Response, Problem> {
    let id = event_in_path(&input)?;
    let if_terms_of = if_match(&input, &*context.engine.event(&id)?)?;
    let mut fields = Fields::read(&input)?;
    let seats = fields.required("seats", seats);
    let reason = fields.required("reason", |given| word(given, Reason::new));
    fields.finish(Unknown::Refused)?;
    let (seats, reason) = seats.zip(reason).expect("a field that is missing is a fault");
    let request = RequestContext { if_terms_of, ..request_context(&input, "block", "")? };
    let Receipt { result: made, replay, .. } =
        context.engine.block(&id, seats, reason.clone(), request).await?;
    let (seats, reason) = (seats.get(), reason.as_str());
    let created_at = time_text(made.at);
    let body = BlockBody { block_id: made.version.get(), seats, reason, created_at };
    Ok(marked(with_version(json(StatusCode::CREATED, &body), made.version), replay))
}

/// `DELETE /v1/events/{eventId}/blocks/{blockId}`: puts the seats back. 204; 404 `block_not_found`; 412, 428;
/// 503.
pub(super) async fn unblock(context: Context, input: Input) -> Result<Response, Problem> {
    let id = event_in_path(&input)?;
    let if_terms_of = if_match(&input, &*context.engine.event(&id)?)?;
    let block = input.segment(1).parse().ok().and_then(Version::new);
    let block = block.ok_or_else(|| Problem::new(Code::BlockNotFound, "it is no block's id"))?;
    let request = RequestContext { if_terms_of, ..request_context(&input, "unblock", "")? };
    let Receipt { version, replay, .. } = context.engine.unblock(&id, block, request).await?;
    Ok(marked(with_version(empty(StatusCode::NO_CONTENT), version), replay))
}

/// Says that the answer may take long where it was given before: the event as it was then is read back.
fn begin_if_done(event: &Event, request: &RequestContext, input: &Input) -> Option<Waiting> {
    let done = request.key.and_then(|key| event.done_under(&key).ok()?);
    done.map(|_| input.long_wait.begin())
}

/// Reads terms over those that there are; nothing where those are missing.
fn read_terms(fields: &mut Fields<'_>, terms: Option<EventTerms>) -> Option<EventTerms> {
    let name = fields.present("name", |given| word(given, EventName::new));
    let capacity = fields.present("totalSeats", seats);
    let description = fields.cleared("description", |given| word(given, Description::new));
    let venue = fields.cleared("venue", |given| word(given, Venue::new));
    let zone = fields.cleared("timeZone", zone_name);
    let known_zone = terms.as_ref().and_then(|terms| terms.zone.clone());
    // Where the zone is none, a time in it may be right even so.
    let told_in = if fields.is_wrong("timeZone") {
        ZoneName::new("UTC").ok()
    } else {
        zone.clone().over(known_zone)
    };
    let starts_at = fields.cleared("startsAt", |given| start(given, told_in.as_ref()));
    let on_sale_at = fields.cleared("onSaleAt", moment);
    let off_sale_at = fields.cleared("offSaleAt", moment);
    let least = fields.present("seatsPerRequestMin", seats);
    let most = fields.present("seatsPerRequestMax", seats);
    let hold_seconds = fields.present("holdSeconds", |given| {
        let seconds = whole_number(given)?;
        let is_possible = (HOLD_SECONDS_MIN..=HOLD_SECONDS_MAX).contains(&seconds);
        let range = || format!("must be between {HOLD_SECONDS_MIN} and {HOLD_SECONDS_MAX}").into();
        if is_possible { Ok(seconds) } else { Err(range()) }
    });
    let status = fields.present("status", |given| {
        let text: String = serde_json::from_str(given.get()).map_err(|_| "must be a string")?;
        read_status(&text)
    });
    let mut terms = terms?;
    terms.name = name.unwrap_or(terms.name);
    terms.capacity = capacity.unwrap_or(terms.capacity);
    terms.description = description.over(terms.description);
    terms.venue = venue.over(terms.venue);
    terms.zone = zone.over(terms.zone);
    terms.starts_at = starts_at.over(terms.starts_at);
    terms.on_sale_at = on_sale_at.over(terms.on_sale_at);
    terms.off_sale_at = off_sale_at.over(terms.off_sale_at);
    terms.seats_per_request_min = least.unwrap_or(terms.seats_per_request_min);
    terms.seats_per_request_max = most.unwrap_or(terms.seats_per_request_max);
    terms.hold_seconds = hold_seconds.unwrap_or(terms.hold_seconds);
    terms.status = status.unwrap_or(terms.status);
    if terms.seats_per_request_min > terms.seats_per_request_max {
        fields.fault("seatsPerRequestMin", "must not be above seatsPerRequestMax".into());
    }
    if terms.off_sale_at.is_some() && terms.off_sale_at <= terms.on_sale_at {
        fields.fault("offSaleAt", "must be after onSaleAt".into());
    }
    Some(terms)
}

fn read_status(text: &str) -> Result<EventStatus, Wrong> {
    let mut all = EventStatus::ALL.into_iter();
    let known = all.find(|(_, name)| *name == text).map(|(status, _)| status);
    known.ok_or_else(|| {
        let names = EventStatus::ALL.map(|(_, name)| name).join(", ");
        format!("must be one of {names}").into()
    })
}

/// The version of `event` at which the caller says in `If-Match` that he has looked at it; of several the
/// newest that there is, and nothing for `*`, which is any.
///
/// # Errors
/// `PreconditionRequired` where he says nothing; `PreconditionFailed`, `InvalidRequest`.
fn if_match(input: &Input, event: &Event) -> Result<Option<Version>, Problem> {
    let given = input.headers.get_all(header::IF_MATCH);
    let given = given.iter().map(|list| list.to_str().unwrap_or("")).collect::<Vec<_>>();
    if given.is_empty() {
        let detail = "name the version that you have looked at in If-Match, as in If-Match: \"7\"";
        return Err(Problem::new(Code::PreconditionRequired, detail));
    }
    let newest = event.version();
    let mut seen = None;
    for tag in given.iter().flat_map(|list| list.split(',')).map(str::trim) {
        if tag == "*" {
            return Ok(None);
        }
        if !tag.contains('"') {
            let detail = "If-Match must be *, or tags in quotes, as in If-Match: \"7\"";
            return Err(Problem::new(Code::InvalidRequest, detail));
        }
        let number = tag.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let version = number.and_then(|number| number.parse().ok()).and_then(Version::new);
        seen = seen.max(version.filter(|version| *version <= newest));
    }
    let none = || Problem::new(Code::PreconditionFailed, "If-Match names no version of the event");
    seen.map(Some).ok_or_else(none)
}

/// Whether the sale has begun or ended since the event's last change: then it is told differently, though its
/// version is the same.
fn has_turned(event: &Event, now: Timestamp) -> bool {
    let terms = event.terms();
    let turns = terms.on_sale_at.into_iter().chain(terms.off_sale_at);
    turns.into_iter().any(|at| event.updated_at() < at && at <= now)
}

fn told(status: StatusCode, event: &Event, context: &Context) -> Response {
    with_version(json(status, &body_of(event, context.engine.now())), event.version())
}

impl TermsBody {
    pub(super) fn of(terms: &EventTerms) -> Self {
        Self {
            description: terms.description.as_ref().map(ToString::to_string),
            venue: terms.venue.as_ref().map(ToString::to_string),
            starts_at: terms.starts_at.map(|at| local_text(at, terms.zone.as_ref())),
            time_zone: terms.zone.as_ref().map(ToString::to_string),
            on_sale_at: terms.on_sale_at.map(time_text),
            off_sale_at: terms.off_sale_at.map(time_text),
            seats_per_request_min: terms.seats_per_request_min.get(),
            seats_per_request_max: terms.seats_per_request_max.get(),
            hold_seconds: terms.hold_seconds,
        }
    }
}

/// An event as it is told.
pub(super) fn body_of(event: &Event, now: Timestamp) -> EventBody<'_> {
    let (seats, terms) = (event.seats(), event.terms());
    EventBody {
        event_id: terms.id.as_str(),
        name: terms.name.as_str(),
        total_seats: seats.capacity,
        available_seats: seats.available,
        reservation_count: event.live_reservations(),
        version: event.version().get(),
        held_seats: seats.held,
        confirmed_seats: seats.confirmed,
        blocked_seats: seats.blocked,
        status: terms.status.as_str(),
        is_selling: terms.sells_at(now).is_ok(),
        created_at: time_text(event.created_at()),
        updated_at: time_text(event.updated_at()),
        terms: TermsBody::of(terms),
    }
}
