//! The dashboard's files, and the looks of the other pages, which are part of the binary; and the answer to
//! every path that is nothing.
//!
//! It must not know: the paths of the API.

use http::header::{self, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use rust_embed_for_web::{EmbedableFile, RustEmbed};
use warp::Filter;
use warp::filters::BoxedFilter;

use super::static_page::{accepts, entity_tag, guarded};
use crate::http::context::Context;
use crate::http::kernel::problem::{Code, Problem};
use crate::http::kernel::reply::{Response, empty, is_known};
use crate::http::kernel::request_id::named;
use crate::http::kernel::route::{HandlerContext, anything};

/// The files of the pages, compressed when the binary is built.
#[derive(RustEmbed)]
#[folder = "assets/"]
#[br = false]
struct Assets;

/// Answers every path: a file of the dashboard, the dashboard itself for a browser that is lost, or
/// a problem.
pub(crate) fn fallback(context: &Context) -> BoxedFilter<(Response,)> {
    let context = context.clone();
    anything()
        .map(move |path: warp::path::FullPath, method: Method, headers: HeaderMap| {
            let request_id = context.request_id(&headers);
            let shown = page(path.as_str(), &method, &headers);
            let told = shown.unwrap_or_else(|problem| problem.into_response(request_id));
            named(told, request_id)
        })
        .boxed()
}

fn page(path: &str, method: &Method, headers: &HeaderMap) -> Result<Response, Problem> {
    let name = match path {
        "/" => "index.html",
        other => other.strip_prefix('/').unwrap_or(other),
    };
    let asset = Assets::get(name);
    if asset.is_some() && method != Method::GET && method != Method::HEAD {
        let allowed = [Method::GET, Method::HEAD, Method::OPTIONS];
        return Err(Problem::method_not_allowed(method, &allowed));
    }
    let lost = || browser_is_lost(path, method, headers).then(|| Assets::get("index.html"));
    match asset.map(Some).or_else(lost).flatten() {
        Some(file) => Ok(file_response(&file, headers)),
        None => Err(Problem::new(Code::NotFound, "there is nothing at this path")),
    }
}

/// Whether somebody typed an address, rather than a program calling the API.
fn browser_is_lost(path: &str, method: &Method, headers: &HeaderMap) -> bool {
    let reads = method == Method::GET || method == Method::HEAD;
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    reads && !first.eq_ignore_ascii_case("v1") && accepts(headers, &header::ACCEPT, "text/html")
}

fn file_response(
    file: &impl EmbedableFile<Data: AsRef<[u8]>, Meta: AsRef<str>>,
    headers: &HeaderMap,
) -> Response {
    // The embedding crate's own tag is base85, which may have characters that a header may not.
    let etag = entity_tag(file.hash().as_ref().as_bytes());
    let mut response = if is_known(headers, &etag) {
        empty(StatusCode::NOT_MODIFIED)
    } else {
        body(file, headers)
    };
    let set = response.headers_mut();
    set.insert(header::ETAG, etag);
    set.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    set.insert(header::VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
    guarded(response)
}

fn body(
    file: &impl EmbedableFile<Data: AsRef<[u8]>, Meta: AsRef<str>>,
    headers: &HeaderMap,
) -> Response {
    let gzip = accepts(headers, &header::ACCEPT_ENCODING, "gzip");
    let compressed = if gzip { file.data_gzip() } else { None };
    let is_compressed = compressed.is_some();
    let data = compressed.unwrap_or_else(|| file.data());
    let mut response = Response::new(data.as_ref().to_vec().into());
    let headers = response.headers_mut();
    if is_compressed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    let mime = file.mime_type();
    if let Some(mime) = mime.and_then(|mime| content_type(mime.as_ref())) {
        headers.insert(header::CONTENT_TYPE, mime);
    }
    response
}

/// Text files are all UTF-8, which a media type must say.
fn content_type(mime: &str) -> Option<HeaderValue> {
    if mime.starts_with("text/") && !mime.contains("charset") {
        return HeaderValue::from_str(&format!("{mime}; charset=utf-8")).ok();
    }
    HeaderValue::from_str(mime).ok()
}
