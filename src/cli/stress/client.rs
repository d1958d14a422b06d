//! A client as a partner would write one: a connection that is kept, opened anew when it breaks.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;
use uuid::Uuid;

use super::answers::Answer;
use crate::cli::Failure;

/// How long an answer may take before it counts as none.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest answer that is read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Where a server listens.
#[derive(Debug, Clone)]
pub(super) struct Target {
    authority: String,
    address: String,
}

impl Target {
    /// Reads `http://host:port`, with any path.
    pub(super) fn parse(url: &str) -> Result<Self, Failure> {
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

/// The event in numbers, as the server tells it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Summary {
    pub(super) event_id: String,
    pub(super) total_seats: u32,
    pub(super) available_seats: u32,
    pub(super) reservation_count: u64,
    pub(super) version: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReservedBody {
    reservation_id: Uuid,
    seats: u32,
    version: u64,
}

#[derive(Deserialize)]
struct RefusedBody {
    available: Option<u32>,
    version: Option<u64>,
}

/// A status, the version in the `ETag`, and the body.
struct Told {
    status: StatusCode,
    version: Option<u64>,
    body: Bytes,
}

/// One client with one connection.
pub(super) struct Client {
    target: Target,
    connection: Option<SendRequest<Full<Bytes>>>,
}

impl Client {
    pub(super) fn new(target: Target) -> Self {
        Self { target, connection: None }
    }

    pub(super) async fn summary(&mut self) -> Result<Summary, Failure> {
        let told = self.ask(Method::GET, "/reservations/", None).await?;
        if told.status != StatusCode::OK {
            return Err(format!("GET /reservations/ was answered with {}", told.status).into());
        }
        Ok(serde_json::from_slice(&told.body)?)
    }

    pub(super) async fn reserve(&mut self, partner: &str, seats: u32) -> Answer {
        let body = format!(r#"{{"partnerId":"{partner}","seats":{seats}}}"#);
        let told = match self.ask(Method::POST, "/reservations/", Some(body)).await {
            Ok(told) => told,
            Err(error) => {
                return Answer::Unknown { cancelled: None, what: error.to_string() };
            }
        };
        let understood = match told.status {
            StatusCode::CREATED => serde_json::from_slice(&told.body).ok().map(
                |ReservedBody { reservation_id: id, seats, version }| Answer::Reserved {
                    id,
                    seats,
                    version,
                },
            ),
            StatusCode::CONFLICT => {
                serde_json::from_slice(&told.body).ok().map(|RefusedBody { available, version }| {
                    Answer::NotEnoughSeats { asked: seats, available, version }
                })
            }
            _ => None,
        };
        understood.unwrap_or_else(|| unexpected(&told, None))
    }

    pub(super) async fn cancel(&mut self, id: Uuid, seats: u32) -> Answer {
        match self.ask(Method::DELETE, &format!("/reservations/{id}"), None).await {
            Ok(told) if told.status == StatusCode::NO_CONTENT => {
                Answer::Cancelled { id, seats, version: told.version }
            }
            Ok(told) => unexpected(&told, Some(id)),
            Err(error) => Answer::Unknown { cancelled: Some(id), what: error.to_string() },
        }
    }

    /// Whether anybody is there, after a request that was not answered.
    pub(super) async fn reaches_server(&mut self) -> bool {
        self.connection().await.is_ok()
    }

    async fn ask(
        &mut self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<Told, Failure> {
        let asked = tokio::time::timeout(ANSWER_TIMEOUT, self.ask_in_time(method, path, body));
        let told = asked.await.unwrap_or_else(|_| Err("no answer in time".into()));
        if told.is_err() {
            self.connection = None;
        }
        told
    }

    async fn ask_in_time(
        &mut self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<Told, Failure> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.target.authority)
            .header(header::USER_AGENT, "ticketboss-stress");
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let request = request.body(Full::new(body.unwrap_or_default().into()))?;
        let response = self.connection().await?.send_request(request).await?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await?.to_bytes();
        let etag = head.headers.get(header::ETAG).and_then(|value| value.to_str().ok());
        let version = etag.and_then(|tag| tag.trim_matches('"').parse().ok());
        Ok(Told { status: head.status, version, body })
    }

    /// The connection, opened if there is none that works.
    async fn connection(&mut self) -> Result<&mut SendRequest<Full<Bytes>>, Failure> {
        let usable = match &mut self.connection {
            Some(connection) => connection.ready().await.is_ok(),
            None => false,
        };
        if !usable {
            self.connection = Some(connect(&self.target).await?);
        }
        self.connection.as_mut().ok_or_else(|| "there is no connection".into())
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

fn unexpected(told: &Told, cancelled: Option<Uuid>) -> Answer {
    let body = String::from_utf8_lossy(&told.body).into_owned();
    Answer::Unexpected { status: told.status.as_u16(), cancelled, body }
}
