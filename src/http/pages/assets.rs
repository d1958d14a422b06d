//! The dashboard's files, and the looks of the other pages, which are part of the binary; and the answer to
//! every path that is nothing.
//!
//! It must not know: the paths of the API.

use std::sync::LazyLock;

use http::header::{self, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use rust_embed_for_web::{EmbedableFile, RustEmbed};
use warp::Filter;
use warp::filters::BoxedFilter;

use super::static_page::{StaticPage, accepts, entity_tag, guarded};
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

/// The page at the root.
const DASHBOARD: &str = "index.html";
/// The colours that all pages share.
const TOKENS: &str = "shared/tokens.css";

/// The style sheets of the pages, made when one is asked for first.
static STYLES: LazyLock<[(&str, StaticPage); 2]> =
    LazyLock::new(|| ["dashboard.css", "docs.css"].map(|name| (name, style(name))));

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
        "/" => DASHBOARD,
        other => other.strip_prefix('/').unwrap_or(other),
    };
    match file(name, headers) {
        Some(response) if reads(method) => Ok(response),
        Some(_) => {
            let allowed = [Method::GET, Method::HEAD, Method::OPTIONS];
            Err(Problem::method_not_allowed(method, &allowed))
        }
        None => {
            let lost = browser_is_lost(path, method, headers).then(|| file(DASHBOARD, headers));
            let nothing = || Problem::new(Code::NotFound, "there is nothing at this path");
            lost.flatten().ok_or_else(nothing)
        }
    }
}

/// Returns a file by its name, if there is one that pages ask for.
fn file(name: &str, headers: &HeaderMap) -> Option<Response> {
    let style = STYLES.iter().find(|(known, _)| *known == name).map(|(_, style)| style);
    let mut response = match style {
        Some(style) => style.respond(headers),
        None if name == TOKENS => return None,
        None => file_response(&Assets::get(name)?, headers),
    };
    let varies = HeaderValue::from_static("Accept, Accept-Encoding");
    response.headers_mut().insert(header::VARY, varies);
    Some(guarded(response))
}

/// Makes the style sheet of a page: the colours that all pages share, and what is its own.
fn style(name: &str) -> StaticPage {
    let part = |name| Assets::get(name).expect("the style sheets are embedded").data();
    let text = [TOKENS, name].map(part).concat();
    StaticPage::compressed("text/css; charset=utf-8", String::from_utf8_lossy(&text).into_owned())
}

fn reads(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}

/// Whether somebody typed an address, rather than a program calling the API.
fn browser_is_lost(path: &str, method: &Method, headers: &HeaderMap) -> bool {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    reads(method)
        && !first.eq_ignore_ascii_case("v1")
        && accepts(headers, &header::ACCEPT, "text/html")
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
    response
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
