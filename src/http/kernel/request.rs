//! What a handler is given: everything of a request that it may look at, as values.
//!
//! It must not know: which operation is asked for, or what its body is to hold.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, header};
use warp::ws::Ws;

use super::long_poll::LongWait;
use super::problem::{Code, Fault, Problem};
use ticketboss_core::domain::RequestId;

/// The longest body that any operation takes.
pub(crate) const BODY_BYTES_MAX: usize = 16 * 1024;
/// The media type of JSON.
pub(crate) const JSON: &str = "application/json";
/// The media type of JSON that changes what is named (RFC 7396).
pub(crate) const MERGE_PATCH: &str = "application/merge-patch+json";
/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// A request, as far as a handler may look at it.
#[derive(Debug)]
pub(crate) struct Request {
    /// What this request is called in logs, problems and the ledger.
    pub(crate) id: RequestId,
    /// The variable segments of the path, in order.
    pub(crate) segments: Vec<String>,
    /// What is behind the question mark, or nothing.
    pub(crate) query: String,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The WebSocket that is asked for, where the path has one.
    pub(crate) upgrade: Option<Ws>,
    /// The address of the other side of the connection.
    #[expect(dead_code, reason = "no limit and no permission depends on the address yet")]
    pub(crate) peer: SocketAddr,
    /// To be told where the answer may take long.
    pub(crate) long_wait: LongWait,
    /// The body; empty for a method that has none.
    pub(crate) body: Bytes,
}

impl Request {
    /// A variable segment of the path by its place, or nothing where the route has fewer.
    pub(crate) fn segment(&self, place: usize) -> &str {
        self.segments.get(place).map_or("", String::as_str)
    }

    /// Whether the body says that it is JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.is_one_of(&[JSON])
    }

    /// Whether the body says that it is one of these media types, whatever their parameters.
    pub(crate) fn is_one_of(&self, media_types: &[&str]) -> bool {
        let given = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = given.and_then(|text| text.split(';').next()).map(str::trim);
        essence.is_some_and(|given| media_types.iter().any(|one| given.eq_ignore_ascii_case(one)))
    }
}

/// Reads a body up to the limit; chunked or with a length makes no difference.
///
/// # Errors
/// `BodyTooLarge` as soon as that is known, `RequestTimeout`, and `InvalidRequest` when the
/// connection breaks.
pub(crate) async fn read_body<B: Buf>(
    headers: &HeaderMap,
    body: impl Stream<Item = Result<B, warp::Error>>,
) -> Result<Bytes, Problem> {
    let too_large =
        || Problem::new(Code::BodyTooLarge, format!("a body has at most {BODY_BYTES_MAX} bytes"));
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if declared.and_then(|text| text.parse::<u64>().ok()) > Some(BODY_BYTES_MAX as u64) {
        return Err(too_large());
    }
    let read = async {
        let mut body = std::pin::pin!(body);
        let mut bytes = BytesMut::new();
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| broken_off(&error))?;
            if bytes.len() + chunk.remaining() > BODY_BYTES_MAX {
                return Err(too_large());
            }
            bytes.extend_from_slice(chunk.chunk());
        }
        Ok(bytes.freeze())
    };
    tokio::time::timeout(BODY_TIMEOUT, read).await.unwrap_or_else(|_| {
        let detail = format!("the body did not arrive within {} s", BODY_TIMEOUT.as_secs());
        Err(Problem::new(Code::RequestTimeout, detail))
    })
}

/// What to tell of a body that does not go on. It may be heard: the other direction may still work.
fn broken_off(error: &warp::Error) -> Problem {
    let mut causes = std::iter::successors(error.source(), |cause| (*cause).source());
    let kind = causes.find_map(|cause| Some(cause.downcast_ref::<io::Error>()?.kind()));
    if kind == Some(io::ErrorKind::TimedOut) {
        Problem::new(Code::RequestTimeout, "the body took too long while others wait")
    } else {
        Problem::invalid_body(vec![Fault::of_whole("the body ended too early".to_owned())])
    }
}
