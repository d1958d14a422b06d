//! Answers: a status, headers, a body.
//!
//! It must not know: what a body is about.

use http::header::{self, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde::Serialize;

use ticketboss_core::domain::Version;

/// An answer, as warp and hyper take it.
pub type Response = warp::reply::Response;

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
}

/// An answer with a JSON body.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    json_as(status, HeaderValue::from_static("application/json; charset=utf-8"), body)
}

/// An answer with a JSON body of a media type of its own.
pub(crate) fn json_as(
    status: StatusCode,
    content_type: HeaderValue,
    body: &impl Serialize,
) -> Response {
    let bytes = serde_json::to_vec(body).expect("wire types have string keys and no failing parts");
    let mut response = Response::new(bytes.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

/// The entity tag of an event at a version: the version in quotes.
pub(crate) fn etag(version: Version) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\"")).expect("digits and quotes are a header value")
}

/// Marks an answer with the version that it tells of or has made.
pub(crate) fn with_version(mut response: Response, version: Version) -> Response {
    response.headers_mut().insert(header::ETAG, etag(version));
    response
}

/// Marks an answer as the state at a version, which a cache may keep but has to ask about.
pub(crate) fn as_state(response: Response, version: Version) -> Response {
    let mut response = with_version(response, version);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// Returns 304 for a caller that has the state at a version already.
pub(crate) fn not_modified(headers: &HeaderMap, version: Version) -> Option<Response> {
    let has_it = is_known(headers, &etag(version));
    has_it.then(|| as_state(empty(StatusCode::NOT_MODIFIED), version))
}

/// Marks a response with the path of what the request has made.
pub(crate) fn with_location(mut response: Response, path: &str) -> Response {
    if let Ok(location) = HeaderValue::from_str(path) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// Whether the caller has this very state already (RFC 9110, section 13.1.2: weak comparison).
pub(crate) fn is_known(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH);
    known.iter().filter_map(|value| value.to_str().ok()).flat_map(|list| list.split(',')).any(
        |candidate| {
            let candidate = candidate.trim();
            let strong = candidate.strip_prefix("W/").unwrap_or(candidate);
            candidate == "*" || strong.as_bytes() == etag.as_bytes()
        },
    )
}
