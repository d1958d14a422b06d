//! `X-Request-Id`: the id that a caller gives a request, and the one that every response carries.
//!
//! It must not know: where the ids of other requests come from.

use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

use super::reply::Response;
use ticketboss_core::domain::RequestId;

/// The header that names a request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Returns the id that the caller has given, if it is a UUID.
pub(crate) fn given(headers: &HeaderMap) -> Option<RequestId> {
    let uuid = headers.get(REQUEST_ID).and_then(|id| Uuid::try_parse_ascii(id.as_bytes()).ok());
    uuid.map(|uuid| RequestId(uuid.as_u128()))
}

/// Tells the caller what his request is called.
pub(crate) fn named(mut response: Response, request_id: RequestId) -> Response {
    let mut text = Uuid::encode_buffer();
    let text = Uuid::from_u128(request_id.0).hyphenated().encode_lower(&mut text);
    let name = HeaderValue::from_str(text).expect("a UUID is a header value");
    response.headers_mut().insert(REQUEST_ID, name);
    response
}
