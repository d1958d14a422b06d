//! The live feed: frames as events that a server sends, and over a WebSocket.
//!
//! The frames are those of `…/changes`, each change once and in order, without a gap: what a subscriber
//! missed he gets out of the ledger. There is no buffer for him, and no limit to how late he may come.
//!
//! It must not know how a change is decided or stored.

mod channel;
mod socket;
mod stretch;
mod subscriber;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::header::{self, HeaderName, HeaderValue};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;
use utoipa::ToSchema;
use warp::Reply;

use self::channel::{Channel, Channels, Subject, position_of};
use self::subscriber::{News, Subscriber};
use super::Context;
use super::body::Wrong;
use super::events::{EventBody, body_of};
use super::input::Input;
use super::openapi::kinds;
use super::patience::{LongWait, Waiting};
use super::problem::{Code, Fault, Problem};
use super::query::Query;
use super::reply::Response;
use super::seed::event_in_path;
use ticketboss_core::domain::{Event, EventId, EventNumber, Version};
use ticketboss_engine::EngineError;

/// How long a client that has lost its connection waits at least before it asks again, and how much longer
/// at most: so that they do not all come at once.
const RETRY_MS: (u64, u64) = (1_000, 2_000);
/// The same after the server has said that it stops.
const RETRY_AFTER_STOP_MS: (u64, u64) = (1_000, 5_000);
/// How many events are shown at once before their changes are told.
const SHOWN_AT_ONCE: usize = 64;
/// The last position that there can be: the last moment.
pub(super) const POSITION_MAX: u64 = i64::MAX as u64;
/// Tells proxies of the kind of nginx not to keep back what comes.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// What the browser says it has got, when it asks again.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// What all feeds share. Clones are the same.
#[derive(Debug, Clone)]
pub struct Feeds {
    channels: Channels,
    permits: Arc<Semaphore>,
    sockets: TaskTracker,
}

impl Feeds {
    /// For so many subscribers at once, and waiting readers with them.
    pub fn new(subscribers_max: usize) -> Self {
        let permits = Arc::new(Semaphore::new(subscribers_max.min(Semaphore::MAX_PERMITS)));
        Self { channels: Channels::default(), permits, sockets: TaskTracker::new() }
    }

    /// Takes one of the places for those who wait.
    ///
    /// # Errors
    /// `Overloaded`.
    pub(super) fn permit(&self) -> Result<OwnedSemaphorePermit, Problem> {
        self.permits
            .clone()
            .try_acquire_owned()
            .map_err(|_| Problem::new(Code::Overloaded, "too many follow already").retry_later())
    }

    /// Waits until every WebSocket is closed. That happens by itself once the server is stopping.
    pub async fn closed(&self) {
        self.sockets.close();
        self.sockets.wait().await;
    }
}

/// An event as it is at a version, before its changes.
#[derive(Serialize, ToSchema)]
pub(super) struct Snapshot<'a> {
    #[schema(value_type = kinds::SnapshotType)]
    r#type: &'static str,
    #[serde(flatten)]
    event: EventBody<'a>,
}

/// The last frame of a server that stops.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shutdown {
    #[schema(value_type = kinds::ShutdownType)]
    r#type: &'static str,
    retry_ms: u64,
}

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
pub(super) async fn of_event(context: Context, input: Input) -> Result<Response, Problem> {
    let opening = open_event(&context, &input)?;
    let mut first = first_lines(&context, opening.position);
    match &opening.snapshot {
        Some(event) => push_data(&mut first, &snapshot(&context, event)),
        None => first.push('\n'),
    }
    let first = stream::iter([Bytes::from(first)]);
    let waiting = input.long_wait.begin();
    Ok(stream_of(first.chain(rest(context, opening.subscriber, waiting))))
}

/// `GET /v1/events/{eventId}/ws`: the same frames over a WebSocket, one a message; `since` and `snapshot`
/// as there. 101; 400; 404; 426 where no WebSocket is asked for; 503.
pub(super) async fn socket_of_event(
    context: Context,
    mut input: Input,
) -> Result<Response, Problem> {
    let upgrade = input.upgrade.take();
    let upgrade = upgrade.ok_or_else(|| {
        Problem::new(Code::UpgradeRequired, "this path speaks WebSocket; /feed does not need it")
    })?;
    let opening = open_event(&context, &input)?;
    let first = opening.snapshot.as_ref().map(|event| json_text(&snapshot(&context, event)));
    let shutdown = json_text(&shutdown(&context));
    Ok(socket::answer(upgrade, first, shutdown, opening.subscriber, &context.feeds.sockets))
}

/// `GET /v1/feed`: the changes of all events. Their ids are times; what is dated at or after `since` (or
/// is told from now on) comes event by event, those of one event in order. 200; 400; 503.
pub(super) async fn of_all(context: Context, input: Input) -> Result<Response, Problem> {
    let mut query = Query::read(&input);
    let since = query.take("since", read_position);
    let wants_snapshot = query.flag("snapshot");
    query.finish()?;
    let last = last_event_id(&input)?;
    let permit = context.feeds.permit()?;
    let subject = Subject::All;
    let settled = position_of(context.engine.settled_now());
    // A position is never beyond what is on disk: another process may have a clock that is behind.
    let newest = context.engine.newest_change_at().map_or(0, |at| position_of(at) + 1);
    let channel = context.feeds.channels.of(&context.engine, &subject, newest.min(settled));
    let position = last.or(since).unwrap_or_else(|| channel.position());
    if position > settled {
        let detail = format!("must not be above {settled}");
        return Err(Problem::invalid_query(vec![Fault { pointer: "?since".into(), detail }]));
    }
    let subscriber = subscribe(&context, subject, channel, position, permit);
    let mut first = first_lines(&context, position);
    first.push('\n');
    let shown = (last.is_none() && wants_snapshot).then(|| snapshots(context.clone()));
    let first = stream::iter([Bytes::from(first)]).chain(stream::iter(shown).flatten());
    let waiting = input.long_wait.begin();
    Ok(stream_of(first.chain(rest(context, subscriber, waiting))))
}

/// An event, once it is at the version that is waited for, or as it is when that takes too long.
pub(super) async fn event_after(
    context: &Context,
    long_wait: &LongWait,
    id: &EventId,
    wait: Option<(Version, Duration)>,
) -> Result<Arc<Event>, Problem> {
    let event = context.engine.event(id)?;
    let Some((version, patience)) = wait.filter(|(version, _)| *version > event.version()) else {
        return Ok(event);
    };
    let (_permit, _waiting) = (context.feeds.permit()?, long_wait.begin());
    let mut following = context.engine.follow(id)?;
    tokio::select! {
        event = following.until(version) => Ok(event?),
        () = tokio::time::sleep(patience) => Ok(context.engine.event(id)?),
        () = context.readiness.stopping().cancelled_owned() => Ok(context.engine.event(id)?),
    }
}

fn open_event(context: &Context, input: &Input) -> Result<Opening, Problem> {
    let id = event_in_path(input)?;
    let event = context.engine.event(&id)?;
    let mut query = Query::read(input);
    let since = query.since();
    let wants_snapshot = query.flag("snapshot");
    query.finish()?;
    let last = last_event_id(input)?;
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
    let channel = context.feeds.channels.of(&context.engine, &subject, newest.get());
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
fn last_event_id(input: &Input) -> Result<Option<u64>, Problem> {
    let Some(given) = input.headers.get(LAST_EVENT_ID) else { return Ok(None) };
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
    Snapshot { r#type: "snapshot", event: body_of(event, context.engine.now()) }
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
