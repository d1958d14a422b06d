//! What happened to an event, change by change: the frames of which everything that tells of changes is made.

use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::events::TermsBody;
use super::input::Input;
use super::openapi::kinds;
use super::part::Part;
use super::problem::Problem;
use super::query::Query;
use super::reply::{Response, as_state, empty, etag, is_known, json, time_text};
use super::reservations::{id_text_of, in_path};
use super::seed::event_in_path;
use super::{Context, feed};
use ticketboss_core::domain::{Actor, Change, Event, Fact, Refusal, ReservationId, Version};
use ticketboss_engine::EngineError;

/// What a change can be.
pub(super) const TYPES: [&str; 12] = [
    "eventCreated",
    "eventUpdated",
    "seatsBlocked",
    "seatsUnblocked",
    "reserved",
    "held",
    "confirmed",
    "confirmedLate",
    "extended",
    "cancelled",
    "expired",
    "partlyCancelled",
];

/// One change. What is not of its kind is left out.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Change)]
#[serde(rename_all = "camelCase")]
pub(super) struct Frame {
    #[schema(value_type = kinds::EventId)]
    event_id: String,
    /// The version of the event after it.
    #[schema(value_type = kinds::Version)]
    version: u64,
    #[schema(value_type = kinds::ChangeType)]
    r#type: &'static str,
    #[schema(value_type = kinds::Moment)]
    at: String,
    #[schema(value_type = kinds::Actor)]
    by: &'static str,
    #[schema(value_type = kinds::RequestId)]
    request_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::ReservationId)]
    reservation_id: Option<String>,
    #[serde(flatten)]
    what: What,
}

/// What a change is about, besides a reservation.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = ChangeDetails)]
#[serde(rename_all = "camelCase")]
struct What {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::PartnerId)]
    partner_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::Seats)]
    seats: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::Moment)]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::BlockId)]
    block_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::EventName)]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::Seats)]
    total_seats: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::EventStatus)]
    status: Option<&'static str>,
    /// What else the terms say since.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = TermsBody)]
    terms: Option<TermsBody>,
}

/// Changes in order, or a part of more.
#[derive(Serialize, ToSchema)]
#[schema(as = ChangeList)]
pub(super) struct ChangesBody {
    #[schema(value_type = Vec<Frame>)]
    items: Part,
    /// Where it goes on, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::Address)]
    next: Option<String>,
}

/// `GET /v1/events/{eventId}/changes`: the changes after version `since`, at most `limit`, in order and
/// without a gap; `since=0` is from the beginning. With `waitVersion` the answer waits, as that of the
/// event does. 200, or 304 where the caller has that version; 400; 404 `event_not_found`,
/// `version_not_found`; 503.
pub(super) async fn list(context: Context, input: Input) -> Result<Response, Problem> {
    let id = event_in_path(&input)?;
    let mut query = Query::read(&input);
    let (since, limit, wait) = (query.since(), query.limit(), query.wait());
    query.finish()?;
    let event = feed::event_after(&context, &input.long_wait, &id, wait).await?;
    let (since, version) = (begin_after(&event, since)?, event.version());
    if is_known(&input.headers, &etag(version)) {
        return Ok(as_state(empty(StatusCode::NOT_MODIFIED), version));
    }
    let changes = context.engine.changes(&id, since, limit).await?;
    // The event is asked once more: it knows every reservation that these changes are about.
    let event = context.engine.event(&id)?;
    let (mut items, mut last) = (Part::new(limit), since);
    for change in &changes {
        if items.is_full() {
            break;
        }
        items.add(&frame(&event, change));
        last = change.version;
    }
    let next = format!("/v1/events/{id}/changes?limit={limit}&since={last}");
    let next = (last < version).then_some(next);
    // What has come since the version may be told or not, so the tag is not of what came.
    Ok(as_state(json(StatusCode::OK, &ChangesBody { items, next }), version))
}

/// `GET …/reservations/{id}/history`: the changes that a reservation went through after version `since`, at
/// most `limit`, in order and without a gap; `since=0` is from the beginning. 200, or 304 where the caller has
/// that version of the event; 400; 404; 503.
pub(super) async fn history(context: Context, input: Input) -> Result<Response, Problem> {
    let (event_id, id) = in_path(&context, &input)?;
    let mut query = Query::read(&input);
    let (since, limit) = (query.since(), query.limit());
    query.finish()?;
    let event = context.engine.event(&event_id)?;
    let since = begin_after(&event, since)?;
    if is_known(&input.headers, &etag(event.version())) {
        return Ok(as_state(empty(StatusCode::NOT_MODIFIED), event.version()));
    }
    let (id, kept) = event.reservation_made_by(id.version).ok_or(Refusal::ReservationNotFound)?;
    // One more than is told, to know whether there are more.
    let versions = kept.versions(id.version, since).take(limit + 1).collect::<Vec<_>>();
    let (mut items, mut last) = (Part::new(limit), since);
    for run in versions.chunk_by(|earlier, later| earlier.next() == *later) {
        if items.is_full() {
            break;
        }
        let Some(before) = run.first().and_then(|first| Version::new(first.get() - 1)) else {
            continue;
        };
        for change in context.engine.changes(&event_id, before, run.len()).await? {
            if items.is_full() {
                break;
            }
            items.add(&frame(&event, &change));
            last = change.version;
        }
    }
    let id = id_text_of(id, &kept);
    let has_more = versions.last().is_some_and(|version| *version > last);
    let next = has_more.then(|| {
        format!("/v1/events/{event_id}/reservations/{id}/history?limit={limit}&since={last}")
    });
    Ok(as_state(json(StatusCode::OK, &ChangesBody { items, next }), event.version()))
}

/// The version after which something is to be told, if the event was there already.
fn begin_after(event: &Event, since: Option<Version>) -> Result<Version, Problem> {
    let (since, newest) = (since.unwrap_or(Version::ZERO), event.version());
    if since > newest {
        // Somebody has seen more than there is, as after a backup was restored: that is not nothing.
        return Err(EngineError::NoSuchVersion { version: since, newest }.into());
    }
    Ok(since)
}

/// A change as it is told; `event` is as it is now, or was since.
pub(super) fn frame(event: &Event, change: &Change) -> Frame {
    let made_by = change.fact.reservation().unwrap_or(change.version);
    let about: Option<(ReservationId, _)> = event.reservation_made_by(made_by);
    let (r#type, mut what) = told(&change.fact);
    if let Some((_, reservation)) = &about {
        // So that nobody has to have heard of it before to keep count.
        what.partner_id = Some(reservation.partner.to_string());
        what.seats.get_or_insert(reservation.seats_at(change.version).get());
    }
    match change.fact {
        Fact::SeatsBlocked { .. } => what.block_id = Some(change.version.get()),
        Fact::SeatsUnblocked { block } => {
            what.seats = event.block_made_by(block).map(|block| block.seats.get());
        }
        _ => {}
    }
    Frame {
        event_id: event.id().to_string(),
        version: change.version.get(),
        r#type,
        at: time_text(change.at),
        by: match change.by {
            Actor::Anonymous => "anonymous",
            Actor::System => "system",
        },
        request_id: Uuid::from_u128(change.request.0).to_string(),
        reservation_id: about.map(|(id, reservation)| id_text_of(id, &reservation)),
        what,
    }
}

fn told(fact: &Fact) -> (&'static str, What) {
    let none = What::default();
    match fact {
        Fact::EventCreated(terms) | Fact::EventUpdated(terms) => {
            let name = match fact {
                Fact::EventCreated(_) => "eventCreated",
                _ => "eventUpdated",
            };
            let what = What {
                name: Some(terms.name.to_string()),
                total_seats: Some(terms.capacity.get()),
                status: Some(terms.status.as_str()),
                terms: Some(TermsBody::of(terms)),
                ..none
            };
            (name, what)
        }
        Fact::SeatsBlocked { seats, reason } => {
            let reason = Some(reason.to_string());
            ("seatsBlocked", What { seats: Some(seats.get()), reason, ..none })
        }
        Fact::SeatsUnblocked { block } => {
            ("seatsUnblocked", What { block_id: Some(block.get()), ..none })
        }
        Fact::Reserved { partner, seats, .. } => {
            let partner_id = Some(partner.to_string());
            ("reserved", What { partner_id, seats: Some(seats.get()), ..none })
        }
        Fact::Held { partner, seats, expires_at, .. } => {
            let (partner_id, expires_at) =
                (Some(partner.to_string()), Some(time_text(*expires_at)));
            ("held", What { partner_id, seats: Some(seats.get()), expires_at, ..none })
        }
        Fact::Confirmed { .. } => ("confirmed", none),
        Fact::ConfirmedLate { .. } => ("confirmedLate", none),
        Fact::Extended { expires_at, .. } => {
            ("extended", What { expires_at: Some(time_text(*expires_at)), ..none })
        }
        Fact::Cancelled { .. } => ("cancelled", none),
        Fact::Expired { .. } => ("expired", none),
        Fact::PartlyCancelled { seats, .. } => {
            ("partlyCancelled", What { seats: Some(seats.get()), ..none })
        }
    }
}
