//! The live feed: frames as events that a server sends, and over a WebSocket.
//!
//! It must not know: how a change is decided or stored.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::StatusCode;
use http::header::{self, HeaderName, HeaderValue};
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType};
use warp::Reply;

use super::changes;
use super::lookup::event_in_path;
use crate::http::context::Context;
use crate::http::describe::operation::{OF_EVENT, OperationDoc, Tag};
use crate::http::describe::parameters::{self, SINCE, SINCE_POSITION, SNAPSHOT};
use crate::http::describe::response::ResponseDoc;
use crate::http::feed::channel::{Channel, Subject, position_of};
use crate::http::feed::socket;
use crate::http::feed::subscriber::{News, Subscriber};
use crate::http::kernel::body::Wrong;
use crate::http::kernel::long_poll::Waiting;
use crate::http::kernel::problem::{Code, Fault, Problem};
use crate::http::kernel::query::Query;
use crate::http::kernel::reply::Response;
use crate::http::kernel::request::Request;
use crate::http::wire::event::event_body;
use crate::http::wire::feed::{FeedFrame, POSITION_MAX, Shutdown, Snapshot};
use ticketboss_core::domain::{Event, EventNumber, Version};
use ticketboss_engine::EngineError;

/// How long a client that has lost its connection waits at least before it asks again, and how much longer
/// at most: so that they do not all come at once.
const RETRY_MS: (u64, u64) = (1_000, 2_000);
/// The same after the server has said that it stops.
const RETRY_AFTER_STOP_MS: (u64, u64) = (1_000, 5_000);
/// How many events are shown at once before their changes are told.
const SHOWN_AT_ONCE: usize = 64;
/// Tells proxies of the kind of nginx not to keep back what comes.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// What the browser says it has got, when it asks again.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// What a subscriber asked for: what comes first, and what follows.
struct Opening {
    position: u64,
    /// An event to show first.
    snapshot: Option<Arc<Event>>,
    subscriber: Subscriber,
}

/// `GET /v1/events/{eventId}/feed`: the changes of an event from version `since` on, or from now on, as
/// events whose ids are the versions; with `snapshot=true` the event comes first. `Last-Event-ID` goes
/// before both. 200; 400; 404 `event_not_found`, `version_not_found`; 503.
pub(crate) async fn of_event(context: Context, request: Request) -> Result<Response, Problem> {
    let opening = open_event(&context, &request)?;
    let mut first = first_lines(&context, opening.position);
    match &opening.snapshot {
        Some(event) => push_data(&mut first, &snapshot(&context, event)),
        None => first.push('\n'),
    }
    let first = stream::iter([Bytes::from(first)]);
    let waiting = request.long_wait.begin();
    Ok(stream_of(first.chain(rest(context, opening.subscriber, waiting))))
}

/// Describes [`of_event`].
pub(crate) fn describe_of_event() -> OperationDoc {
    let about = "The changes as they happen, as server-sent events whose ids are versions: after `since`, after \
        `Last-Event-ID`, or from now on. Whatever was missed comes first. It does not end by itself.";
    OperationDoc::new(Tag::Feeds, "followEvent", "Follow an event", about)
        .takes(&[SINCE, SNAPSHOT, parameters::LAST_EVENT_ID])
        .responds(StatusCode::OK, stream())
        .problems(&[Code::InvalidRequest, Code::VersionNotFound, Code::Overloaded])
        .problems(OF_EVENT)
}

/// `GET /v1/events/{eventId}/ws`: the same frames over a WebSocket, one a message; `since` and `snapshot`
/// as there. 101; 400; 404; 426 where no WebSocket is asked for; 503.
pub(crate) async fn socket_of_event(
    context: Context,
    mut request: Request,
) -> Result<Response, Problem> {
    let upgrade = request.upgrade.take();
    let upgrade = upgrade.ok_or_else(|| {
        Problem::new(Code::UpgradeRequired, "this path speaks WebSocket; /feed does not need it")
    })?;
    let opening = open_event(&context, &request)?;
    let first = opening.snapshot.as_ref().map(|event| json_text(&snapshot(&context, event)));
    let shutdown = json_text(&shutdown(&context));
    Ok(socket::answer(upgrade, first, shutdown, opening.subscriber, context.feeds.sockets()))
}

/// Describes [`socket_of_event`].
pub(crate) fn describe_socket_of_event() -> OperationDoc {
    let about = "The same frames over a WebSocket (RFC 6455), one a message, as text: each is a \
        `FeedFrame`. What the client says is not heard. 1012 closes it when the server stops.";
    let switched = ResponseDoc::empty("From here on it is a WebSocket.");
    OperationDoc::new(Tag::Feeds, "followEventBySocket", "Follow an event over a WebSocket", about)
        .takes(&[SINCE, SNAPSHOT, parameters::LAST_EVENT_ID])
        .responds(StatusCode::SWITCHING_PROTOCOLS, switched)
        .problems(&[Code::InvalidRequest, Code::VersionNotFound, Code::Overloaded])
        .problems(OF_EVENT)
        .problems(&[Code::UpgradeRequired])
}

/// `GET /v1/feed`: the changes of all events. Their ids are times; what is dated at or after `since` (or
/// is told from now on) comes event by event, those of one event in order. 200; 400; 503.
pub(crate) async fn of_all(context: Context, request: Request) -> Result<Response, Problem> {
    let mut query = Query::read(&request);
    let since = query.take("since", read_position);
    let wants_snapshot = query.flag("snapshot");
    query.finish()?;
    let last = last_event_id(&request)?;
    let permit = context.feeds.permit()?;
    let subject = Subject::All;
    let settled = position_of(context.engine.settled_now());
    // A position is never beyond what is on disk: another process may have a clock that is behind.
    let newest = context.engine.newest_change_at().map_or(0, |at| position_of(at) + 1);
    let channel = context.feeds.channel(&context.engine, &subject, newest.min(settled));
    let position = last.or(since).unwrap_or_else(|| channel.position());
    if position > settled {
        let detail = format!("must not be above {settled}");
        return Err(Problem::invalid_query(vec![Fault::at("?since", detail)]));
    }
    let subscriber = subscribe(&context, subject, channel, position, permit);
    let mut first = first_lines(&context, position);
    first.push('\n');
    let shown = (last.is_none() && wants_snapshot).then(|| snapshots(context.clone()));
    let first = stream::iter([Bytes::from(first)]).chain(stream::iter(shown).flatten());
    let waiting = request.long_wait.begin();
    Ok(stream_of(first.chain(rest(context, subscriber, waiting))))
}

/// Describes [`of_all`].
pub(crate) fn describe_of_all() -> OperationDoc {
    let about = "The changes of all events together. Ids are times, so those of the last moment may come twice: \
        `eventId` and `version` tell.";
    OperationDoc::new(Tag::Feeds, "followAll", "Follow all events", about)
        .takes(&[SINCE_POSITION, SNAPSHOT, parameters::LAST_EVENT_ID])
        .responds(StatusCode::OK, stream())
        .problems(&[Code::InvalidRequest, Code::Overloaded])
}

fn open_event(context: &Context, request: &Request) -> Result<Opening, Problem> {
    let id = event_in_path(request)?;
    let event = context.engine.event(&id)?;
    let mut query = Query::read(request);
    let since = query.since();
    let wants_snapshot = query.flag("snapshot");
    query.finish()?;
    let last = last_event_id(request)?;
    let permit = context.feeds.permit()?;
    let newest = event.version();
    let snapshot = (last.is_none() && wants_snapshot).then_some(event);
    let since = since.filter(|_| snapshot.is_none()).map(Version::get);
    let position = last.or(since).unwrap_or(newest.get());
    if position > newest.get() {
        let version = Version::new(position).unwrap_or(Version::MAX);
        return Err(EngineError::NoSuchVersion { version, newest }.into());
    }
    let subject = Subject::Event(id);
    let channel = context.feeds.channel(&context.engine, &subject, newest.get());
    let subscriber = subscribe(context, subject, channel, position, permit);
    Ok(Opening { position, snapshot, subscriber })
}

fn subscribe(
    context: &Context,
    subject: Subject,
    channel: Arc<Channel>,
    position: u64,
    permit: OwnedSemaphorePermit,
) -> Subscriber {
    let (engine, stopping) = (context.engine.clone(), context.readiness.stopping());
    Subscriber::new(engine, subject, channel, position, stopping, permit)
}

fn read_position(text: &str) -> Result<u64, Wrong> {
    let position = text.parse().ok().filter(|position| *position <= POSITION_MAX);
    position.ok_or_else(|| "must be a position".into())
}

/// What `Last-Event-ID` says, if it is there.
fn last_event_id(request: &Request) -> Result<Option<u64>, Problem> {
    let Some(given) = request.headers.get(LAST_EVENT_ID) else { return Ok(None) };
    let position = given.to_str().ok().and_then(|text| text.parse().ok());
    position.map(Some).ok_or_else(|| {
        let detail = "Last-Event-ID must be the id of a frame";
        Problem::new(Code::InvalidRequest, detail)
    })
}

/// All events, a few at a time.
fn snapshots(context: Context) -> impl Stream<Item = Bytes> {
    stream::unfold((context, None), |(context, after): (Context, Option<EventNumber>)| {
        let events = context.engine.events_after(after, SHOWN_AT_ONCE, |_| true);
        let mut text = String::new();
        for event in &events {
            push_data(&mut text, &snapshot(&context, event));
        }
        let last = events.last().map(|event| event.number());
        std::future::ready(last.map(|last| (Bytes::from(text), (context, Some(last)))))
    })
}

/// What comes after the beginning, until the server stops.
fn rest(context: Context, subscriber: Subscriber, waiting: Waiting) -> impl Stream<Item = Bytes> {
    stream::unfold(Some((context, subscriber, waiting)), async |state| {
        let (context, mut subscriber, waiting) = state?;
        match subscriber.next().await {
            News::Piece(piece) => Some((piece.text(), Some((context, subscriber, waiting)))),
            News::Quiet => {
                Some((Bytes::from_static(b":\n\n"), Some((context, subscriber, waiting))))
            }
            News::Stopping => {
                let shutdown = shutdown(&context);
                let mut last = format!("retry: {}\n", shutdown.retry_ms);
                push_data(&mut last, &shutdown);
                Some((last.into(), None))
            }
            News::Over => None,
        }
    })
}

fn stream_of(frames: impl Stream<Item = Bytes> + Send + Sync + 'static) -> Response {
    let frames = frames.map(Ok::<_, std::convert::Infallible>);
    let mut response = warp::reply::stream(frames).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    response
}

fn snapshot<'a>(context: &Context, event: &'a Event) -> Snapshot<'a> {
    Snapshot { r#type: "snapshot", event: event_body(event, context.engine.now()) }
}

fn shutdown(context: &Context) -> Shutdown {
    Shutdown { r#type: "shutdown", retry_ms: drawn_ms(context, RETRY_AFTER_STOP_MS) }
}

/// When to come back, and how much one has got to begin with.
fn first_lines(context: &Context, position: u64) -> String {
    format!("retry: {}\nid: {position}\n", drawn_ms(context, RETRY_MS))
}

fn drawn_ms(context: &Context, (least, most): (u64, u64)) -> u64 {
    least + context.engine.draw() % (most - least + 1)
}

fn push_data(text: &mut String, frame: &impl Serialize) {
    text.push_str("data: ");
    text.push_str(&json_text(frame));
    text.push_str("\n\n");
}

fn json_text(frame: &impl Serialize) -> String {
    serde_json::to_string(frame).expect("wire types have string keys and no failing parts")
}

fn stream() -> ResponseDoc {
    // Without a type: OpenAPI 3.1 leaves open whether this is the schema of the whole text or of each event
    // in it, and programs that read it take it for the one or the other.
    let text = ObjectBuilder::new().schema_type(SchemaType::AnyValue).description(Some(
        "Server-sent events: `retry`, `id`, and `data`, each of which is a `FeedFrame` as JSON. A line with \
         a colon is a sign of life.",
    ));
    let example = format!("retry: 1500\nid: 2\n\nid: 3\ndata: {}\n\n", changes::example_change());
    ResponseDoc::empty("The frames, as they come.")
        .or("text/event-stream", text, example.into())
        .mentions::<FeedFrame>()
}
