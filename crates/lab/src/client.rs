//! A client as a partner would write one: a connection that is kept, and for each request one outcome,
//! as a history has it.
//!
//! It must not know: what is asked for next, or whether the server can be started again.

mod answer;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use uuid::Uuid;

pub use self::answer::Summary;
use self::answer::{Response, outcome};
use crate::checker::history::{Asked, Outcome, Telling};
use ticketboss_core::domain::{EventId, PartnerId};
use ticketboss_runtime::terminal::Failure;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an answer may take before it counts as none.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// The header that carries a key.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The header by which an answer is known that was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// What `If-Match` says where any version will do.
const ANY: HeaderValue = HeaderValue::from_static("*");
/// The longest answer that is read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    authority: String,
    address: String,
}

impl Target {
    /// Reads `http://host:port`, with any path.
    ///
    /// # Errors
    /// When it is something else.
    pub fn parse(url: &str) -> Result<Self, Failure> {
        let uri: Uri = url.parse().map_err(|error| format!("{url:?} is no URL: {error}"))?;
        if uri.scheme_str() != Some("http") {
            return Err(format!("{url:?} does not begin with http://").into());
        }
        let host = uri.host().ok_or_else(|| format!("{url:?} names no host"))?;
        let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
        let port = match uri.port_u16() {
            Some(port) => port,
            None if authority == host => 80,
            None => return Err(format!("{url:?} names no port that there is").into()),
        };
        Ok(Self { authority, address: format!("{host}:{port}") })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.authority)
    }
}

/// An event, and the paths by which it is reached.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Which event.
    pub event: EventId,
    /// How many seats it has at first, where that is known.
    pub seats: Option<u32>,
    /// What the seed had no routes for.
    event_path: String,
    summary_path: String,
    reservations_path: String,
    /// What the seed had no routes for.
    holds_path: String,
}

impl Subject {
    /// An event by its id.
    pub fn of(event: EventId) -> Self {
        let event_path = format!("/v1/events/{event}");
        let summary_path = event_path.clone();
        let reservations_path = format!("{event_path}/reservations");
        let holds_path = reservations_path.clone();
        Self { event, seats: None, event_path, summary_path, reservations_path, holds_path }
    }

    /// The same, which has so many seats at first.
    #[must_use]
    pub fn with_seats(self, seats: u32) -> Self {
        Self { seats: Some(seats), ..self }
    }

    /// The default event, by the routes of the seed.
    pub fn by_default(event: EventId) -> Self {
        let path = || "/reservations".to_owned();
        Self { summary_path: path(), reservations_path: path(), ..Self::of(event) }
    }
}

/// What a request is called.
#[derive(Debug, Clone, Copy)]
pub struct Naming {
    /// Its id.
    pub id: Uuid,
    /// The key under which it is asked, if there is one.
    pub key: Option<Uuid>,
}

/// One client with one connection.
#[derive(Debug)]
pub struct Client {
    host: String,
    connection: Option<SendRequest<Full<Bytes>>>,
}

impl Client {
    /// A client that has no connection yet.
    pub fn new() -> Self {
        Self { host: String::new(), connection: None }
    }

    /// Opens a connection, in place of the one that there was.
    ///
    /// # Errors
    /// When nobody is there.
    pub async fn connect(&mut self, target: &Target) -> Result<(), Failure> {
        self.connection = None;
        let opened = tokio::time::timeout(CONNECT_TIMEOUT, connect(target)).await;
        let opened = opened.unwrap_or_else(|_| Err(format!("{target} does not answer").into()));
        self.connection = Some(opened?);
        self.host.clone_from(&target.authority);
        Ok(())
    }

    /// Whether there is a connection that another request can go over.
    pub async fn is_connected(&mut self) -> bool {
        match &mut self.connection {
            Some(connection) => connection.ready().await.is_ok(),
            None => false,
        }
    }

    /// The default event in numbers, or that of `subject`.
    ///
    /// # Errors
    /// When the answer is something else, or there is none.
    pub async fn summary(&mut self, subject: Option<&Subject>) -> Result<Summary, Failure> {
        let path = subject.map_or("/reservations", |subject| &subject.summary_path);
        let response = self.exchange(self.request(Method::GET, path, None, "")?).await?;
        if response.status != StatusCode::OK {
            return Err(format!("GET {path} was answered with {}", response.status).into());
        }
        Ok(serde_json::from_slice(&response.body)?)
    }

    /// Asks for one thing, and says what came of it, and whether that was told before.
    pub async fn ask(
        &mut self,
        subject: &Subject,
        asked: &Asked,
        naming: Naming,
    ) -> (Outcome, Telling) {
        let request = match self.request_for(subject, asked, naming) {
            Ok(request) => request,
            Err(never_sent) => {
                return (Outcome::NotDone { what: never_sent.to_string() }, Telling::First);
            }
        };
        match self.exchange(request).await {
            Ok(response) => (outcome(asked, &response), response.telling),
            Err(broken) => (Outcome::Unknown { what: broken.to_string() }, Telling::First),
        }
    }

    fn request_for(
        &self,
        subject: &Subject,
        asked: &Asked,
        naming: Naming,
    ) -> Result<Request<Full<Bytes>>, Failure> {
        let Subject { event_path, summary_path, reservations_path, holds_path, .. } = subject;
        let post = |path: &str, body: &str| self.request(Method::POST, path, Some(naming), body);
        let json_text = |partner: &PartnerId| serde_json::Value::from(partner.as_str());
        match asked {
            Asked::Reserve { partner, seats } => {
                let partner = json_text(partner);
                post(reservations_path, &format!(r#"{{"partnerId":{partner},"seats":{seats}}}"#))
            }
            Asked::Hold { partner, seats, hold_seconds } => {
                let partner = json_text(partner);
                let body =
                    format!(r#"{{"partnerId":{partner},"seats":{seats},"hold":{hold_seconds}}}"#);
                post(holds_path, &body)
            }
            Asked::Confirm { reservation } => {
                post(&format!("{holds_path}/{reservation}/confirm"), "")
            }
            Asked::Extend { reservation, hold_seconds } => {
                let body = format!(r#"{{"holdSeconds":{hold_seconds}}}"#);
                post(&format!("{holds_path}/{reservation}/extend"), &body)
            }
            Asked::CancelPart { reservation, seats } => {
                let body = format!(r#"{{"seats":{seats}}}"#);
                post(&format!("{holds_path}/{reservation}/cancel"), &body)
            }
            Asked::Cancel { reservation } => {
                let path = format!("{reservations_path}/{reservation}");
                self.request(Method::DELETE, &path, Some(naming), "")
            }
            Asked::Update { capacity, seats_per_request_max, expected } => {
                let fields = [
                    capacity.map(|seats| format!(r#""totalSeats":{seats}"#)),
                    seats_per_request_max.map(|seats| format!(r#""seatsPerRequestMax":{seats}"#)),
                ];
                let fields = fields.into_iter().flatten().collect::<Vec<_>>().join(",");
                let body = format!("{{{fields}}}");
                let request = self.request(Method::PATCH, event_path, Some(naming), &body)?;
                Ok(matching(request, HeaderValue::try_from(format!("\"{expected}\""))?))
            }
            Asked::Block { seats } => {
                let body = format!(r#"{{"seats":{seats},"reason":"stress"}}"#);
                let request = post(&format!("{event_path}/blocks"), &body)?;
                Ok(matching(request, ANY))
            }
            Asked::Unblock { block } => {
                let path = format!("{event_path}/blocks/{block}");
                let request = self.request(Method::DELETE, &path, Some(naming), "")?;
                Ok(matching(request, ANY))
            }
            Asked::Read => self.request(Method::GET, summary_path, Some(naming), ""),
        }
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        naming: Option<Naming>,
        body: &str,
    ) -> Result<Request<Full<Bytes>>, Failure> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.host)
            .header(header::USER_AGENT, "ticketboss-stress");
        if let Some(Naming { id, key }) = naming {
            request = request.header("x-request-id", id.to_string());
            if let Some(key) = key {
                request = request.header(IDEMPOTENCY_KEY, format!("\"{key}\""));
            }
        }
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        Ok(request.body(Full::new(body.to_owned().into()))?)
    }

    /// Sends a request and reads the answer. A connection that fails at it is not used again.
    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<Response, Failure> {
        let exchanged = tokio::time::timeout(ANSWER_TIMEOUT, self.exchange_in_time(request)).await;
        let response = exchanged.unwrap_or_else(|_| Err("no answer in time".into()));
        if response.is_err() {
            self.connection = None;
        }
        response
    }

    async fn exchange_in_time(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response, Failure> {
        let connection = self.connection.as_mut().ok_or("there is no connection")?;
        connection.ready().await?;
        let response = connection.send_request(request).await?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await?.to_bytes();
        let etag = head.headers.get(header::ETAG).and_then(|value| value.to_str().ok());
        let version = etag.and_then(|tag| tag.trim_matches('"').parse().ok());
        let is_replayed = head.headers.contains_key(REPLAYED);
        let telling = if is_replayed { Telling::Again } else { Telling::First };
        Ok(Response { status: head.status, version, telling, body })
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

/// The same request for an event that is as it was seen.
fn matching(mut request: Request<Full<Bytes>>, seen: HeaderValue) -> Request<Full<Bytes>> {
    request.headers_mut().insert(header::IF_MATCH, seen);
    request
}

async fn connect(target: &Target) -> Result<SendRequest<Full<Bytes>>, Failure> {
    let stream = TcpStream::connect(&target.address)
        .await
        .map_err(|error| format!("cannot connect to {target}: {error}"))?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Its errors show in the request that meets them.
    tokio::spawn(async { drop(connection.await) });
    Ok(sender)
}
