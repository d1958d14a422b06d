//! Headers of responses, each described once and referred to by the responses that carry it.
//!
//! It must not know: which operations there are.

use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::schema::ObjectBuilder;

use crate::http::kernel::kinds::{integer, one_of, string, uuid};

/// The name of a header of answers.
pub(crate) type HeaderKey = &'static str;

/// A header of answers, and what describes it.
type DescribedHeader = (HeaderKey, fn() -> Header);

pub(crate) const REQUEST_ID: HeaderKey = "X-Request-Id";
pub(crate) const ETAG: HeaderKey = "ETag";
pub(crate) const LOCATION: HeaderKey = "Location";
pub(crate) const REPLAYED: HeaderKey = "Idempotent-Replayed";
pub(crate) const RETRY_AFTER: HeaderKey = "Retry-After";
pub(crate) const ALLOW: HeaderKey = "Allow";

/// The headers of answers.
pub(crate) const HEADERS: &[DescribedHeader] = &[
    (REQUEST_ID, || described("What the request is called.", uuid())),
    (ETAG, || {
        let tag = string().pattern(Some(r#"^"[0-9a-f]+"$"#));
        described("The version that the answer tells of or has made, in quotes.", tag)
    }),
    (LOCATION, || described("Where it is.", string())),
    (REPLAYED, || described("That the answer was given before.", one_of(&["true"]))),
    (RETRY_AFTER, || described("When to try again, in seconds.", integer(1, 60))),
    (ALLOW, || described("The methods that the path knows.", string())),
];

fn described(about: &str, schema: ObjectBuilder) -> Header {
    HeaderBuilder::new().description(Some(about)).schema(Some(schema)).build()
}
