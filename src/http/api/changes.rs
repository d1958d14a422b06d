//! What happened to an event, change by change.
//!
//! It must not know: how changes are kept.

use http::StatusCode;
use serde_json::{Value, json};

use super::lookup::{event_after, event_in_path, reservation_in_path};
use crate::http::context::Context;
use crate::http::describe::headers::ETAG;
use crate::http::describe::operation::{OF_EVENT, OF_RESERVATION, OperationDoc, Tag};
use crate::http::describe::parameters::{LIMIT, SINCE, WAIT_SECONDS, WAIT_VERSION};
use crate::http::describe::response::ResponseDoc;
use crate::http::kernel::list_page::ListPage;
use crate::http::kernel::problem::{Code, Problem};
use crate::http::kernel::query::Query;
use crate::http::kernel::reply::{Response, as_state, json, not_modified};
use crate::http::kernel::request::Request;
use crate::http::wire::change::{ChangeListBody, change_body};
use crate::http::wire::reservation::id_text_of;
use ticketboss_core::domain::{Event, Refusal, Version};
use ticketboss_engine::EngineError;

/// `GET /v1/events/{eventId}/changes`: the changes after version `since`, at most `limit`, in order and
/// without a gap; `since=0` is from the beginning. With `waitVersion` the answer waits, as that of the
/// event does. 200, or 304 where the caller has that version; 400; 404 `event_not_found`,
/// `version_not_found`; 503.
pub(crate) async fn list(context: Context, request: Request) -> Result<Response, Problem> {
    let id = event_in_path(&request)?;
    let mut query = Query::read(&request);
    let (since, limit, wait) = (query.since(), query.limit(), query.wait());
    query.finish()?;
    let event = event_after(&context, &request.long_wait, &id, wait).await?;
    let (since, version) = (begin_after(&event, since)?, event.version());
    if let Some(response) = not_modified(&request.headers, version) {
        return Ok(response);
    }
    let changes = context.engine.changes(&id, since, limit).await?;
    // The event is asked once more: it knows every reservation that these changes are about.
    let event = context.engine.event(&id)?;
    let (mut items, mut last) = (ListPage::new(limit), since);
    for change in &changes {
        if items.is_full() {
            break;
        }
        items.add(&change_body(&event, change));
        last = change.version;
    }
    let next = format!("/v1/events/{id}/changes?limit={limit}&since={last}");
    let next = (last < version).then_some(next);
    // What has come since the version may be told or not, so the tag is not of what came.
    Ok(as_state(json(StatusCode::OK, &ChangeListBody { items, next }), version))
}

/// Describes [`list`].
pub(crate) fn describe_list() -> OperationDoc {
    let about = "Every change after version `since`, in order and without a gap. With `waitVersion` the answer \
        waits as that of the event does.";
    let next = "/v1/events/jazz-2026/changes?limit=1&since=3";
    let example = json!({ "items": [example_change()], "next": next });
    let told = ResponseDoc::json::<ChangeListBody>("The changes, or some of them.", example);
    OperationDoc::new(Tag::Feeds, "listChanges", "List changes", about)
        .takes(&[SINCE, LIMIT, WAIT_VERSION, WAIT_SECONDS])
        .responds(StatusCode::OK, told.with(ETAG))
        .responds_not_modified()
        .problems(OF_EVENT)
        .problems(&[Code::InvalidRequest, Code::VersionNotFound])
        .problems(&[Code::Overloaded, Code::Unavailable])
}

/// `GET …/reservations/{id}/history`: the changes that a reservation went through after version `since`, at
/// most `limit`, in order and without a gap; `since=0` is from the beginning. 200, or 304 where the caller has
/// that version of the event; 400; 404; 503.
pub(crate) async fn history(context: Context, request: Request) -> Result<Response, Problem> {
    let (event_id, id) = reservation_in_path(&context, &request)?;
    let mut query = Query::read(&request);
    let (since, limit) = (query.since(), query.limit());
    query.finish()?;
    let event = context.engine.event(&event_id)?;
    let since = begin_after(&event, since)?;
    if let Some(response) = not_modified(&request.headers, event.version()) {
        return Ok(response);
    }
    let (id, kept) = event.reservation_made_by(id.version).ok_or(Refusal::ReservationNotFound)?;
    // One more than is told, to know whether there are more.
    let versions = kept.versions(id.version, since).take(limit + 1).collect::<Vec<_>>();
    let (mut items, mut last) = (ListPage::new(limit), since);
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
            items.add(&change_body(&event, &change));
            last = change.version;
        }
    }
    let id = id_text_of(id, &kept);
    let has_more = versions.last().is_some_and(|version| *version > last);
    let next = has_more.then(|| {
        format!("/v1/events/{event_id}/reservations/{id}/history?limit={limit}&since={last}")
    });
    Ok(as_state(json(StatusCode::OK, &ChangeListBody { items, next }), event.version()))
}

/// Describes [`history`].
pub(crate) fn describe_history() -> OperationDoc {
    let about = "The changes that a reservation went through after version `since`, in order.";
    let id = "00000002-0000-8000-8009-61b42a322344";
    let next = format!("/v1/events/jazz-2026/reservations/{id}/history?limit=1&since=3");
    let example = json!({ "items": [example_change()], "next": next });
    let told = ResponseDoc::json::<ChangeListBody>("The changes, or some of them.", example);
    OperationDoc::new(
        Tag::Reservations,
        "getReservationHistory",
        "Look at what became of it",
        about,
    )
    .takes(&[SINCE, LIMIT])
    .responds(StatusCode::OK, told.with(ETAG))
    .responds_not_modified()
    .problems(OF_RESERVATION)
    .problems(&[Code::InvalidRequest, Code::VersionNotFound, Code::Unavailable])
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

/// A change as it is told.
pub(crate) fn example_change() -> Value {
    json!({
        "eventId": "jazz-2026", "version": 3, "type": "held", "at": "2026-01-07T09:30:00.000Z",
        "by": "anonymous", "requestId": "ccf8d00e-f355-42c2-b677-5d27c02e80b3",
        "reservationId": "00000002-0000-8000-8009-61b42a322344", "partnerId": "abc-corp", "seats": 2,
        "expiresAt": "2026-01-07T09:40:00.000Z",
    })
}
