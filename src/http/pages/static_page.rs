//! What stays the same for as long as the program runs: its tag, and what a browser may do with it.
//!
//! It must not know: what a page is about.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};

use crate::http::kernel::reply::{Response, empty, is_known};

/// Nothing from elsewhere, nothing inline, not in anybody's frame.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'";

/// Something that is answered with the same bytes each time.
#[derive(Debug)]
pub(crate) struct StaticPage {
    content_type: &'static str,
    content: Bytes,
    /// The same, for those who read it; short pages have none.
    gzip: Option<Bytes>,
    etag: HeaderValue,
}

impl StaticPage {
    /// A page of a media type.
    pub(crate) fn new(content_type: &'static str, content: String) -> Self {
        let etag = entity_tag(content.as_bytes());
        Self { content_type, content: content.into(), gzip: None, etag }
    }

    /// A long page, which is compressed for those who read that.
    pub(crate) fn compressed(content_type: &'static str, content: String) -> Self {
        let gzip = gzip(content.as_bytes());
        Self { gzip: Some(gzip), ..Self::new(content_type, content) }
    }

    /// The page, or that the caller has it already. A cache may keep it, but has to ask about it.
    pub(crate) fn respond(&self, headers: &HeaderMap) -> Response {
        let mut response = if is_known(headers, &self.etag) {
            empty(StatusCode::NOT_MODIFIED)
        } else {
            self.body(headers)
        };
        let set = response.headers_mut();
        set.insert(header::ETAG, self.etag.clone());
        set.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if self.gzip.is_some() {
            set.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        }
        response
    }

    fn body(&self, headers: &HeaderMap) -> Response {
        let wanted = accepts(headers, &header::ACCEPT_ENCODING, "gzip");
        let compressed = self.gzip.as_ref().filter(|_| wanted);
        let mut response = Response::new(compressed.unwrap_or(&self.content).clone().into());
        let set = response.headers_mut();
        if compressed.is_some() {
            set.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        set.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        response
    }
}

fn gzip(content: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(content).and_then(|()| encoder.finish());
    written.expect("writing into memory does not fail").into()
}

/// The tag of some bytes.
pub(crate) fn entity_tag(content: &[u8]) -> HeaderValue {
    let digest = blake3::hash(content).to_hex();
    HeaderValue::from_str(&format!("\"{digest}\"")).expect("hex is a header value")
}

/// Keeps a browser from doing with a page what the page itself does not.
pub(crate) fn guarded(mut response: Response) -> Response {
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Whether a header that lists what is accepted names `wanted`, and not only to refuse it (`q=0`).
pub(crate) fn accepts(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> bool {
    let lists = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|entry| {
        let mut parts = entry.split(';').map(str::trim);
        let is_wanted = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(wanted));
        let refuses = |parameter: &str| {
            let quality = parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q="));
            quality
                .is_some_and(|quality| quality.parse::<f32>().is_ok_and(|quality| quality <= 0.0))
        };
        is_wanted && !parts.any(refuses)
    })
}
