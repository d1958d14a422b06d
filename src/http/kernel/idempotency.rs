//! `Idempotency-Key`: the name under which a client asks, so that he can ask again and is answered as the
//! first time (draft-ietf-httpapi-idempotency-key-header, which wants it quoted; most send it bare).
//!
//! A key is of one partner and one operation on one resource; with another body it is refused. Keys are
//! remembered for as long as their event is. An id that a client chooses for a reservation is a key, too.
//!
//! It must not know: how an event remembers a key.

use http::{HeaderName, HeaderValue};
use serde_json::Value;
use uuid::Uuid;

use super::problem::{Code, Problem};
use super::reply::Response;
use super::request::Request;
use super::text::id_text;
use ticketboss_core::domain::{Key, KeyName, ReservationId};
use ticketboss_engine::{Replay, RequestContext};

/// The header that carries the key.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The header by which an answer is known that was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// The longest key, in bytes.
pub(crate) const KEY_BYTES_MAX: usize = 255;

/// How a request is asked: for `operation`, by `partner` where the request says who that is.
///
/// # Errors
/// `InvalidRequest` when there is a key and it cannot be one.
pub(crate) fn request_context(
    request: &Request,
    operation: &'static str,
    partner: &str,
) -> Result<RequestContext, Problem> {
    let segments = request.segments.iter().map(String::as_str);
    request_context_of(request, [operation, partner], segments.collect())
}

/// As [`request_context`], about a reservation, however the path has spelt its id.
///
/// # Errors
/// As there.
pub(crate) fn request_context_about(
    request: &Request,
    operation: &'static str,
    reservation: ReservationId,
) -> Result<RequestContext, Problem> {
    let id = id_text(reservation);
    let mut segments = request.segments.iter().map(String::as_str).collect::<Vec<_>>();
    if let Some(last) = segments.last_mut() {
        *last = &id;
    }
    request_context_of(request, [operation, ""], segments)
}

fn request_context_of(
    request: &Request,
    [operation, partner]: [&str; 2],
    segments: Vec<&str>,
) -> Result<RequestContext, Problem> {
    let key = given(request)?.map(|key| {
        let parts = [vec![operation, partner, key], segments].concat();
        Key { name: KeyName(digest_of(&parts)), body: digest_of(&[&canonical(&request.body)]) }
    });
    Ok(RequestContext { key, ..request.id.into() })
}

/// How a reservation is asked for whose id the client has chosen: the id is the key.
pub(crate) fn request_context_as(request: &Request, chosen: Uuid) -> RequestContext {
    let key = Key { name: name_of(chosen), body: digest_of(&[&canonical(&request.body)]) };
    RequestContext { key: Some(key), ..request.id.into() }
}

/// The name under which an event remembers the id that a client has chosen.
pub(crate) fn name_of(chosen: Uuid) -> KeyName {
    KeyName(digest_of(&["put", &chosen.to_string()]))
}

/// Marks an answer that was given before.
pub(crate) fn marked(mut response: Response, replay: Replay) -> Response {
    if replay == Replay::Replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

fn given(request: &Request) -> Result<Option<&str>, Problem> {
    let mut given = request.headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(first) = given.next() else { return Ok(None) };
    let text = first.to_str().ok().map(str::trim).filter(|_| given.next().is_none());
    let text = text.and_then(|text| match text.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"'),
        None => Some(text),
    });
    let text = text.filter(|text| (1..=KEY_BYTES_MAX).contains(&text.len()));
    // A header may have tabs, a string in it may not (RFC 9651).
    let text = text.filter(|text| !text.contains('\t'));
    text.map(Some).ok_or_else(|| {
        let detail = format!(
            "the Idempotency-Key must be one, of 1 to {KEY_BYTES_MAX} printable characters of ASCII"
        );
        Problem::new(Code::InvalidRequest, detail)
    })
}

/// A body without what makes no difference: white space, and the order of its fields; one that may be left
/// out is like one without fields.
fn canonical(body: &[u8]) -> String {
    let body = if body.trim_ascii().is_empty() { b"{}" } else { body };
    serde_json::from_slice::<Value>(body).map_or_else(
        |_| String::from_utf8_lossy(body.trim_ascii()).into_owned(),
        |value| value.to_string(),
    )
}

/// The digest of several texts, none of which runs into the next.
fn digest_of(parts: &[&str]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut digest = [0; 16];
    hasher.finalize_xof().fill(&mut digest);
    digest
}
