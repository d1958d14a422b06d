//! The operations that tell of changes, described, and the frames that feeds are made of.

use http::StatusCode;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::Ref;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, SchemaType};

use super::Schemas;
use super::entry::{Answer, Entry, OF_EVENT, Tag, schema_of};
use super::parameters::{
    ETAG, LAST_EVENT_ID, LIMIT, SINCE, SINCE_POSITION, SNAPSHOT, WAIT_SECONDS, WAIT_VERSION,
};
use crate::http::changes::{ChangesBody, Frame};
use crate::http::feed::{Shutdown, Snapshot};
use crate::http::problem::Code;

const STREAM: &str = "text/event-stream";

/// `GET /v1/events/{eventId}/changes`.
pub(in crate::http) fn changes() -> Entry {
    let about = "Every change after version `since`, in order and without a gap. With `waitVersion` the answer \
        waits as that of the event does.";
    let next = "/v1/events/jazz-2026/changes?limit=1&since=3";
    let example = json!({ "items": [change()], "next": next });
    let told = Answer::json::<ChangesBody>("The changes, or some of them.", example);
    Entry::new(Tag::Feeds, "listChanges", "List changes", about)
        .takes(&[SINCE, LIMIT, WAIT_VERSION, WAIT_SECONDS])
        .answers(StatusCode::OK, told.with(ETAG))
        .answers_not_modified()
        .problems(OF_EVENT)
        .problems(&[Code::InvalidRequest, Code::VersionNotFound])
        .problems(&[Code::Overloaded, Code::Unavailable])
}

/// `GET /v1/events/{eventId}/feed`.
pub(in crate::http) fn of_event() -> Entry {
    let about = "The changes as they happen, as server-sent events whose ids are versions: after `since`, after \
        `Last-Event-ID`, or from now on. Whatever was missed comes first. It does not end by itself.";
    Entry::new(Tag::Feeds, "followEvent", "Follow an event", about)
        .takes(&[SINCE, SNAPSHOT, LAST_EVENT_ID])
        .answers(StatusCode::OK, stream())
        .problems(&[Code::InvalidRequest, Code::VersionNotFound, Code::Overloaded])
        .problems(OF_EVENT)
}

/// `GET /v1/events/{eventId}/ws`.
pub(in crate::http) fn socket() -> Entry {
    let about = "The same frames over a WebSocket (RFC 6455), one a message, as text: each is a \
        `FeedFrame`. What the client says is not heard. 1012 closes it when the server stops.";
    let switched = Answer::empty("From here on it is a WebSocket.");
    Entry::new(Tag::Feeds, "followEventBySocket", "Follow an event over a WebSocket", about)
        .takes(&[SINCE, SNAPSHOT, LAST_EVENT_ID])
        .answers(StatusCode::SWITCHING_PROTOCOLS, switched)
        .problems(&[Code::InvalidRequest, Code::VersionNotFound, Code::Overloaded])
        .problems(OF_EVENT)
        .problems(&[Code::UpgradeRequired])
}

/// `GET /v1/feed`.
pub(in crate::http) fn of_all() -> Entry {
    let about = "The changes of all events together. Ids are times, so those of the last moment may come twice: \
        `eventId` and `version` tell.";
    Entry::new(Tag::Feeds, "followAll", "Follow all events", about)
        .takes(&[SINCE_POSITION, SNAPSHOT, LAST_EVENT_ID])
        .answers(StatusCode::OK, stream())
        .problems(&[Code::InvalidRequest, Code::Overloaded])
}

/// The schemas of what comes in a feed.
pub(super) fn frames() -> Schemas {
    let mut schemas = Schemas::new();
    <Frame as ToSchema>::schemas(&mut schemas);
    <Snapshot<'_> as ToSchema>::schemas(&mut schemas);
    <Shutdown as ToSchema>::schemas(&mut schemas);
    schemas.push(schema_of::<Frame>());
    schemas.push(schema_of::<Snapshot<'_>>());
    schemas.push(schema_of::<Shutdown>());
    let frame = OneOfBuilder::new()
        .description(Some("What comes in a feed; `type` tells which it is."))
        .item(Ref::from_schema_name("Change"))
        .item(Ref::from_schema_name("Snapshot"))
        .item(Ref::from_schema_name("Shutdown"));
    schemas.push(("FeedFrame".to_owned(), Schema::from(frame).into()));
    schemas
}

/// A change as it is told.
pub(super) fn change() -> Value {
    json!({
        "eventId": "jazz-2026", "version": 3, "type": "held", "at": "2026-01-07T09:30:00.000Z",
        "by": "anonymous", "requestId": "ccf8d00e-f355-42c2-b677-5d27c02e80b3",
        "reservationId": "00000002-0000-8000-8009-61b42a322344", "partnerId": "abc-corp", "seats": 2,
        "expiresAt": "2026-01-07T09:40:00.000Z",
    })
}

fn stream() -> Answer {
    // Without a type: OpenAPI 3.1 leaves open whether this is the schema of the whole text or of each event
    // in it, and programs that read it take it for the one or the other.
    let text = ObjectBuilder::new().schema_type(SchemaType::AnyValue).description(Some(
        "Server-sent events: `retry`, `id`, and `data`, each of which is a `FeedFrame` as JSON. A line with \
         a colon is a sign of life.",
    ));
    let example = format!("retry: 1500\nid: 2\n\nid: 3\ndata: {}\n\n", change());
    Answer::empty("The frames, as they come.").or(STREAM, text, example.into())
}
