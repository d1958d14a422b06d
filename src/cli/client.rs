//! A client as a partner would write one: a connection that is kept, and for each request one outcome,
//! as a history has it.
//!
//! It must not know: what is asked for next, or whether the server can be started again.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use uuid::Uuid;

use super::Failure;
use crate::domain::{EventId, PartnerId};
use crate::judge::history::{Asked, Outcome, Stand};

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an answer may take before it counts as none.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest answer that is read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How much of an answer is kept that nobody expected.
const STRANGE_CHARS_MAX: usize = 300;

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
    summary_path: String,
    reservations_path: String,
    /// What the seed had no routes for.
    holds_path: String,
}

impl Subject {
    /// An event by its id.
    pub fn of(event: EventId) -> Self {
        let summary_path = format!("/v1/events/{event}");
        let reservations_path = format!("{summary_path}/reservations");
        let holds_path = reservations_path.clone();
        Self { event, summary_path, reservations_path, holds_path }
    }

    /// The default event, by the routes of the seed.
    pub fn by_default(event: EventId) -> Self {
        let path = || "/reservations".to_owned();
        let Self { event, holds_path, .. } = Self::of(event);
        Self { event, summary_path: path(), reservations_path: path(), holds_path }
    }
}

/// The event in numbers, as the server tells it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Which event.
    pub event_id: String,
    /// How many seats it has.
    pub total_seats: u32,
    /// How many of them anybody may take.
    pub available_seats: u32,
    /// How many reservations are not cancelled.
    pub reservation_count: u64,
    /// The version that the numbers are of.
    pub version: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReservedBody {
    reservation_id: Uuid,
    seats: u32,
    version: u64,
}

/// A reservation under `/v1`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HeldBody {
    reservation_id: Uuid,
    seats: u32,
    version: u64,
    status: String,
    expires_at: Option<jiff::Timestamp>,
}

#[derive(Deserialize)]
struct ProblemBody {
    code: String,
    available: Option<u32>,
    has: Option<u32>,
    version: Option<u64>,
}

/// A status, the version in the `ETag`, and the body.
struct Told {
    status: StatusCode,
    version: Option<u64>,
    body: Bytes,
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
        let told = self.exchange(self.request(Method::GET, path, None, "")?).await?;
        if told.status != StatusCode::OK {
            return Err(format!("GET {path} was answered with {}", told.status).into());
        }
        Ok(serde_json::from_slice(&told.body)?)
    }

    /// Asks for one thing, and says what came of it.
    pub async fn ask(&mut self, subject: &Subject, asked: &Asked, id: Uuid) -> Outcome {
        let request = match self.request_for(subject, asked, id) {
            Ok(request) => request,
            Err(never_sent) => return Outcome::NotDone { what: never_sent.to_string() },
        };
        match self.exchange(request).await {
            Ok(told) => outcome(asked, &told),
            Err(broken) => Outcome::Unknown { what: broken.to_string() },
        }
    }

    fn request_for(
        &self,
        subject: &Subject,
        asked: &Asked,
        id: Uuid,
    ) -> Result<Request<Full<Bytes>>, Failure> {
        let Subject { summary_path, reservations_path, holds_path, .. } = subject;
        let post = |path: &str, body: &str| self.request(Method::POST, path, Some(id), body);
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
                self.request(Method::DELETE, &path, Some(id), "")
            }
            Asked::Read => self.request(Method::GET, summary_path, Some(id), ""),
        }
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        id: Option<Uuid>,
        body: &str,
    ) -> Result<Request<Full<Bytes>>, Failure> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.host)
            .header(header::USER_AGENT, "ticketboss-stress");
        if let Some(id) = id {
            request = request.header("x-request-id", id.to_string());
        }
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        Ok(request.body(Full::new(body.to_owned().into()))?)
    }

    /// Sends a request and reads the answer. A connection that fails at it is not used again.
    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<Told, Failure> {
        let exchanged = tokio::time::timeout(ANSWER_TIMEOUT, self.exchange_in_time(request)).await;
        let told = exchanged.unwrap_or_else(|_| Err("no answer in time".into()));
        if told.is_err() {
            self.connection = None;
        }
        told
    }

    async fn exchange_in_time(&mut self, request: Request<Full<Bytes>>) -> Result<Told, Failure> {
        let connection = self.connection.as_mut().ok_or("there is no connection")?;
        connection.ready().await?;
        let response = connection.send_request(request).await?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await?.to_bytes();
        let etag = head.headers.get(header::ETAG).and_then(|value| value.to_str().ok());
        let version = etag.and_then(|tag| tag.trim_matches('"').parse().ok());
        Ok(Told { status: head.status, version, body })
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
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

/// What an answer comes to. Whether the request deserves it is for the judge to say.
fn outcome(asked: &Asked, told: &Told) -> Outcome {
    understood(asked, told).unwrap_or_else(|| Outcome::Unexpected { what: in_short(told) })
}

fn understood(asked: &Asked, told: &Told) -> Option<Outcome> {
    match told.status {
        StatusCode::CREATED if matches!(asked, Asked::Hold { .. }) => {
            let HeldBody { reservation_id, seats, version, expires_at, .. } = read(told)?;
            let expires_at_ms = expires_at?.as_millisecond();
            Some(Outcome::Held { reservation: reservation_id, seats, version, expires_at_ms })
        }
        StatusCode::CREATED => {
            let ReservedBody { reservation_id, seats, version } = read(told)?;
            Some(Outcome::Reserved { reservation: reservation_id, seats, version })
        }
        StatusCode::NO_CONTENT => Some(Outcome::Cancelled { version: told.version? }),
        StatusCode::OK => shown(asked, told),
        _ => refused(told, &read(told)?),
    }
}

fn shown(asked: &Asked, told: &Told) -> Option<Outcome> {
    if let Asked::Read = asked {
        let Summary { version, available_seats, reservation_count, .. } = read(told)?;
        let (available, reservations) = (available_seats, reservation_count);
        return Some(Outcome::Read { version, available, reservations });
    }
    let HeldBody { seats, version, status, expires_at, .. } = read(told)?;
    match (asked, status.as_str()) {
        (Asked::Confirm { .. }, "confirmed") => Some(Outcome::Confirmed { version }),
        // It was confirmed already, and has been given up since then.
        (Asked::Confirm { .. }, "cancelled") => Some(Outcome::Stands { how: Stand::Cancelled }),
        (Asked::Extend { .. }, "held") => {
            Some(Outcome::Extended { version, expires_at_ms: expires_at?.as_millisecond() })
        }
        (Asked::CancelPart { .. }, "confirmed") => {
            Some(Outcome::PartlyCancelled { version, seats })
        }
        _ => None,
    }
}

/// The codes that leave no doubt whether something was done, and the one that does.
fn refused(told: &Told, problem: &ProblemBody) -> Option<Outcome> {
    let what = || in_short(told);
    match (told.status.as_u16(), problem.code.as_str()) {
        (409, "not_enough_seats") => Some(Outcome::NotEnoughSeats {
            available: problem.available?,
            version: problem.version?,
        }),
        (409, "hold_expired") => {
            Some(Outcome::HoldExpired { available: problem.available?, version: problem.version? })
        }
        (409, "already_confirmed") => Some(Outcome::Stands { how: Stand::Confirmed }),
        (409, "not_confirmed") => Some(Outcome::Stands { how: Stand::Held }),
        (409, "reservation_cancelled") => Some(Outcome::Stands { how: Stand::Cancelled }),
        (409, "reservation_expired") => Some(Outcome::Stands { how: Stand::Expired }),
        (409, "hold_limit") => Some(Outcome::HoldLimit),
        (400, "hold_seconds") => Some(Outcome::HoldSeconds),
        (400, "not_a_part") => Some(Outcome::NotAPart { has: problem.has? }),
        (400, "seats_per_request") => Some(Outcome::SeatsPerRequest),
        (404, "reservation_not_found") => Some(Outcome::ReservationNotFound),
        (503, "overloaded" | "storage_full") => Some(Outcome::NotDone { what: what() }),
        (503, "unavailable") => Some(Outcome::Unknown { what: what() }),
        _ => None,
    }
}

fn read<T: DeserializeOwned>(told: &Told) -> Option<T> {
    serde_json::from_slice(&told.body).ok()
}

fn in_short(told: &Told) -> String {
    let body = String::from_utf8_lossy(&told.body);
    let body = body.chars().take(STRANGE_CHARS_MAX).collect::<String>();
    format!("{}: {body}", told.status.as_u16())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(asked: &Asked, status: u16, version: Option<u64>, body: &str) -> String {
        let status = StatusCode::from_u16(status).unwrap();
        let told = Told { status, version, body: Bytes::copy_from_slice(body.as_bytes()) };
        let outcome = format!("{:?}", outcome(asked, &told));
        outcome.split(' ').next().unwrap().to_owned()
    }

    #[test]
    fn an_answer_counts_for_what_it_surely_says() {
        let reserved =
            r#"{"reservationId":"00000001-0000-8000-8009-61b42a322344","seats":3,"version":2}"#;
        let read =
            r#"{"eventId":"e","totalSeats":5,"availableSeats":2,"reservationCount":1,"version":2}"#;
        let code = |code: &str| format!(r#"{{"code":"{code}","available":1,"version":2}}"#);
        for (status, version, body, expected) in [
            (201, None, reserved.to_owned(), "Reserved"),
            (201, Some(2), "{}".to_owned(), "Unexpected"),
            (201, None, "[]".to_owned(), "Unexpected"),
            (204, Some(3), String::new(), "Cancelled"),
            (204, None, String::new(), "Unexpected"),
            (200, Some(2), read.to_owned(), "Read"),
            (409, None, code("not_enough_seats"), "NotEnoughSeats"),
            (409, None, r#"{"code":"not_enough_seats"}"#.to_owned(), "Unexpected"),
            (400, None, code("seats_per_request"), "SeatsPerRequest"),
            (400, None, code("invalid_request"), "Unexpected"),
            (404, None, code("reservation_not_found"), "ReservationNotFound"),
            (404, None, code("event_not_found"), "Unexpected"),
            (503, None, code("overloaded"), "NotDone"),
            (503, None, code("storage_full"), "NotDone"),
            (503, None, code("unavailable"), "Unknown"),
            (503, None, code("event_damaged"), "Unexpected"),
            (500, None, String::new(), "Unexpected"),
        ] {
            assert_eq!(of(&Asked::Read, status, version, &body), expected, "{status} {body}");
        }
    }

    #[test]
    fn an_answer_about_a_hold_counts_for_what_it_surely_says() {
        let reservation = Uuid::nil();
        let (partner, seats, hold_seconds) = (PartnerId::new("p").unwrap(), 3, 60);
        let hold = Asked::Hold { partner, seats, hold_seconds };
        let confirm = Asked::Confirm { reservation };
        let extend = Asked::Extend { reservation, hold_seconds };
        let part = Asked::CancelPart { reservation, seats };
        let confirmed = r#"{"reservationId":"00000001-0000-8000-8009-61b42a322344","seats":3,"version":2,"status":"confirmed"}"#;
        let cancelled = confirmed.replace("confirmed", "cancelled");
        let until = r#"held","expiresAt":"2026-01-01T00:00:00.500Z"}"#;
        let kept = confirmed.replace(r#"confirmed"}"#, until);
        let code = |code: &str| format!(r#"{{"code":"{code}","available":1,"has":3,"version":2}}"#);
        for (asked, status, body, expected) in [
            (&hold, 201, kept.clone(), "Held"),
            (&hold, 201, confirmed.to_owned(), "Unexpected"),
            (&confirm, 200, confirmed.to_owned(), "Confirmed"),
            (&confirm, 200, cancelled.clone(), "Stands"),
            (&confirm, 200, kept.clone(), "Unexpected"),
            (&extend, 200, kept, "Extended"),
            (&extend, 200, confirmed.to_owned(), "Unexpected"),
            (&part, 200, confirmed.to_owned(), "PartlyCancelled"),
            (&part, 200, cancelled, "Unexpected"),
            (&confirm, 409, code("hold_expired"), "HoldExpired"),
            (&confirm, 409, code("reservation_cancelled"), "Stands"),
            (&extend, 409, code("hold_limit"), "HoldLimit"),
            (&extend, 400, code("hold_seconds"), "HoldSeconds"),
            (&part, 400, code("not_a_part"), "NotAPart"),
            (&part, 409, code("not_confirmed"), "Stands"),
        ] {
            assert_eq!(of(asked, status, None, &body), expected, "{status} {body}");
        }
    }
}
