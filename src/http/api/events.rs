//! Events under `/v1`: created, listed, looked at, changed.
//!
//! Whoever changes an event says in `If-Match` at which version he looked at it. What was sold since
//! makes no difference; what somebody else has changed about its terms does.
//!
//! It must not know: how terms are kept, or what becomes of seats.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::lookup::{event_after, event_in_path};
use crate::http::context::Context;
use crate::http::describe::headers::{ETAG, LOCATION, REPLAYED};
use crate::http::describe::operation::{OF_BODY, OF_CHANGE, OF_EVENT, OperationDoc, Tag};
use crate::http::describe::parameters::{
    AT_VERSION, EVENT_CURSOR, EVENT_STATUS, IDEMPOTENCY_KEY, IF_MATCH, LIMIT, WAIT_SECONDS,
    WAIT_VERSION,
};
use crate::http::describe::response::ResponseDoc;
use crate::http::kernel::body::{Fields, Unknown, Wrong, seats, whole_number, word};
use crate::http::kernel::idempotency::{marked, request_context};
use crate::http::kernel::kinds::{
    self, closed, event_id, one_of, or_null, seats_from_one, statuses, string, text,
};
use crate::http::kernel::list_page::ListPage;
use crate::http::kernel::long_poll::Waiting;
use crate::http::kernel::precondition::if_match;
use crate::http::kernel::problem::{Code, Problem};
use crate::http::kernel::query::Query;
use crate::http::kernel::reply::{
    Response, as_state, json, not_modified, with_location, with_version,
};
use crate::http::kernel::request::Request;
use crate::http::kernel::times::{moment, start, zone_name};
use crate::http::wire::event::{EventBody, EventListBody, event_body};
use ticketboss_core::domain::{
    Description, Event, EventId, EventName, EventNumber, EventStatus, EventTerms, HOLD_SECONDS_MAX,
    HOLD_SECONDS_MIN, HOLD_SECONDS_USUAL, Seats, Timestamp, Venue, ZoneName,
};
use ticketboss_engine::{Receipt, RequestContext};

/// The most seats that one request may take where nobody says how many.
const SEATS_PER_REQUEST_MAX: Seats = Seats::TEN;

/// What a date and a time on the clock look like, with or without an offset.
const LOCAL_TIME: &str = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])?$";
/// What is said of every time that is taken.
const TIME_LIMITS: &str =
    "From the year 1 to 9999-12-30T22:00:00Z, kept to the millisecond; there are no leap seconds.";

/// `POST /v1/events`: creates an event. 201 with it and its `Location`; 400 `invalid_request`; 409
/// `event_exists`; 413; 503.
pub(crate) async fn create(context: Context, request: Request) -> Result<Response, Problem> {
    let mut fields = Fields::read(&request)?;
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
    let request_context = request_context(&request, "createEvent", "")?;
    let known = context.engine.event(&terms.id);
    let _waiting = known.ok().and_then(|known| begin_if_done(&known, &request_context, &request));
    let Receipt { result: created, replay, .. } =
        context.engine.create_event_once(terms, request_context).await?;
    let response = marked(respond(StatusCode::CREATED, &created, &context), replay);
    Ok(with_location(response, &format!("/v1/events/{}", created.id())))
}

/// Describes [`create`].
pub(crate) fn describe_create() -> OperationDoc {
    let about = "A `draft`, unless `status` says otherwise. What is sold, and on which terms, can be changed \
        later; the id cannot.";
    let id = [("eventId", "$response.body#/eventId")];
    let at_version =
        [("eventId", "$response.body#/eventId"), ("header.If-Match", "$response.header.ETag")];
    let created = ResponseDoc::json::<EventBody<'_>>("The event.", example_event())
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
    OperationDoc::new(Tag::Events, "createEvent", "Create an event", about)
        .takes(&[IDEMPOTENCY_KEY])
        .body("NewEvent", new_event_schema(), body)
        .responds(StatusCode::CREATED, created)
        .problems(OF_BODY)
        .problems(&[Code::EventExists, Code::IdempotencyKeyReused])
        .problems(OF_CHANGE)
}

/// `GET /v1/events`: the events in the order of their making, those that are archived only where
/// `status` asks for them. `limit` and `cursor` go through a long list; a part of it may have fewer than
/// `limit` and still not be the last. 200; 400.
pub(crate) async fn list(context: Context, request: Request) -> Result<Response, Problem> {
    let mut query = Query::read(&request);
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
    let (mut items, mut last, mut next) = (ListPage::new(limit), EventNumber(0), None);
    // One more than is shown, to know whether there are more.
    for event in context.engine.events_after(after, limit + 1, is_wanted) {
        if items.is_full() {
            next = Some(format!("/v1/events?limit={limit}&cursor={}{told}", last.0));
            break;
        }
        items.add(&event_body(&event, now));
        last = event.number();
    }
    Ok(json(StatusCode::OK, &EventListBody { items, next }))
}

/// Describes [`list`].
pub(crate) fn describe_list() -> OperationDoc {
    let about =
        "In the order of their making; those that are archived only where `status` asks for them.";
    let example = json!({ "items": [example_event()], "next": "/v1/events?limit=1&cursor=1" });
    let events = ResponseDoc::json::<EventListBody>("The events, or some of them.", example)
        .leads_to("getEvent", &[("eventId", "$response.body#/items/0/eventId")]);
    OperationDoc::new(Tag::Events, "listEvents", "List events", about)
        .takes(&[EVENT_STATUS, LIMIT, EVENT_CURSOR])
        .responds(StatusCode::OK, events)
        .problems(&[Code::InvalidRequest])
}

/// `GET /v1/events/{eventId}`: an event, all of one version. With `waitVersion` the answer waits until the
/// event is at that version, or until `waitSeconds` are over or the server stops. 200, or 304 where the caller has that
/// version; 404 `event_not_found`; 503 `event_damaged`.
pub(crate) async fn read(context: Context, request: Request) -> Result<Response, Problem> {
    let id = event_in_path(&request)?;
    let mut query = Query::read(&request);
    let (at_version, wait) = (query.at_version(), query.wait());
    query.finish()?;
    let newest = event_after(&context, &request.long_wait, &id, wait).await?;
    let event = match at_version {
        None => newest,
        Some(version) => {
            let _waiting = request.long_wait.begin();
            Arc::new(context.engine.event_as_of(&id, version).await?)
        }
    };
    let is_as_it_was = !has_turned(&event, context.engine.now());
    if is_as_it_was && let Some(response) = not_modified(&request.headers, event.version()) {
        return Ok(response);
    }
    Ok(as_state(respond(StatusCode::OK, &event, &context), event.version()))
}

/// Describes [`read`].
pub(crate) fn describe_read() -> OperationDoc {
    let about = "All of one version: the newest, that of `atVersion`, or one that is waited for with \
        `waitVersion`.";
    let id = [("eventId", "$request.path.eventId")];
    let told = ResponseDoc::json::<EventBody<'_>>("The event.", example_event())
        .with(ETAG)
        .leads_to("createReservation", &id)
        .leads_to("listReservations", &id);
    OperationDoc::new(Tag::Events, "getEvent", "Look at an event", about)
        .takes(&[AT_VERSION, WAIT_VERSION, WAIT_SECONDS])
        .responds(StatusCode::OK, told)
        .responds_not_modified()
        .problems(OF_EVENT)
        .problems(&[Code::InvalidRequest, Code::VersionNotFound])
        .problems(&[Code::Overloaded, Code::Unavailable])
}

/// `PATCH /v1/events/{eventId}`: changes the terms; what is not named stays, and `null` takes away what
/// may be missing (RFC 7396). 200 with the event; 400; 404; 409 `capacity_taken`, `status_change`,
/// `seats_held`; 412, 428; 503.
pub(crate) async fn update(context: Context, request: Request) -> Result<Response, Problem> {
    let id = event_in_path(&request)?;
    let event = context.engine.event(&id)?;
    // Whatever the terms are, they are those that what is named is put over.
    let expected = if_match(&request, &event)?.unwrap_or(event.version());
    let mut fields = Fields::read_patch(&request)?;
    let terms = read_terms(&mut fields, Some(event.terms().clone()));
    fields.finish(Unknown::Refused)?;
    let terms = terms.expect("what was there is there");
    let request_context = request_context(&request, "update", "")?;
    let _waiting = begin_if_done(&event, &request_context, &request);
    let updated = context.engine.update_event(&id, terms, expected, request_context).await?;
    Ok(marked(respond(StatusCode::OK, &updated.result, &context), updated.replay))
}

/// Describes [`update`].
pub(crate) fn describe_update() -> OperationDoc {
    let about = "What is named is changed, and `null` takes it away (RFC 7396). `If-Match` names the version \
        that the caller has looked at.";
    let updated = ResponseDoc::json::<EventBody<'_>>("The event.", example_event());
    OperationDoc::new(Tag::Events, "updateEvent", "Change an event", about)
        .takes(&[IF_MATCH, IDEMPOTENCY_KEY])
        .patch("EventChange", event_change_schema(), json!({ "venue": null, "holdSeconds": 900 }))
        .responds(StatusCode::OK, updated.with(ETAG).with(REPLAYED))
        .problems(OF_BODY)
        .problems(OF_EVENT)
        .problems(&[Code::CapacityTaken, Code::StatusChange, Code::SeatsHeld])
        .problems(&[Code::PreconditionFailed, Code::PreconditionRequired])
        .problems(&[Code::IdempotencyKeyReused])
        .problems(OF_CHANGE)
}

/// Says that the answer may take long where it was given before: the event as it was then is read back.
fn begin_if_done(
    event: &Event,
    request_context: &RequestContext,
    request: &Request,
) -> Option<Waiting> {
    let done = request_context.key.and_then(|key| event.done_under(&key).ok()?);
    done.map(|_| request.long_wait.begin())
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

/// Whether the sale has begun or ended since the event's last change: then it is told differently, though its
/// version is the same.
fn has_turned(event: &Event, now: Timestamp) -> bool {
    let terms = event.terms();
    let turns = terms.on_sale_at.into_iter().chain(terms.off_sale_at);
    turns.into_iter().any(|at| event.updated_at() < at && at <= now)
}

fn respond(status: StatusCode, event: &Event, context: &Context) -> Response {
    with_version(json(status, &event_body(event, context.engine.now())), event.version())
}

/// A new event.
fn new_event_schema() -> ObjectBuilder {
    terms_schema(closed("A new event.").property("eventId", event_id()))
        .required("eventId")
        .required("name")
        .required("totalSeats")
}

/// Other terms of an event.
fn event_change_schema() -> ObjectBuilder {
    terms_schema(closed("What is named is changed; `null` takes it away (RFC 7396)."))
}

/// What events are sold on.
fn terms_schema(body: ObjectBuilder) -> ObjectBuilder {
    let zone = text(ZoneName::CHARS_MAX).examples(["Europe/Berlin"]);
    let starts_at = string()
        .pattern(Some(LOCAL_TIME))
        .description(Some(format!(
            "With an offset, or the time on the clock in `timeZone`: the first, where the clocks there show it \
             twice as they are set back; one that they never show, as they are set forward, is refused. \
             {TIME_LIMITS}"
        )))
        .examples(["2026-05-01T20:00:00", "2026-05-01T20:00:00+02:00"]);
    let sale = |about: &str| {
        or_null(kinds::moment(), Type::String).description(Some(format!("{about} {TIME_LIMITS}")))
    };
    let usual = kinds::hold_seconds()
        .description(Some("How long seats are held where nobody says for how long."))
        .default(Some(HOLD_SECONDS_USUAL.into()));
    body.property("name", text(EventName::CHARS_MAX))
        .property("totalSeats", seats_from_one())
        .property("description", or_null(text(Description::CHARS_MAX), Type::String))
        .property("venue", or_null(text(Venue::CHARS_MAX), Type::String))
        .property("timeZone", or_null(zone, Type::String))
        .property("startsAt", or_null(starts_at, Type::String))
        .property("onSaleAt", sale("Seats are sold from this moment on."))
        .property("offSaleAt", sale("From this moment on they are not sold any more."))
        .property("seatsPerRequestMin", seats_from_one())
        .property("seatsPerRequestMax", seats_from_one())
        .property("holdSeconds", usual)
        .property("status", one_of(&statuses()))
}

/// An event as it is told.
fn example_event() -> Value {
    json!({
        "eventId": "jazz-2026", "name": "Jazz", "totalSeats": 300, "availableSeats": 294,
        "reservationCount": 1, "version": 3, "heldSeats": 0, "confirmedSeats": 2, "blockedSeats": 4,
        "status": "onSale", "isSelling": true, "venue": "Town hall",
        "startsAt": "2026-05-01T20:00:00+02:00", "timeZone": "Europe/Berlin", "seatsPerRequestMin": 1,
        "seatsPerRequestMax": 10, "holdSeconds": 600, "createdAt": "2026-01-07T09:00:00.000Z",
        "updatedAt": "2026-01-07T09:30:00.000Z",
    })
}
