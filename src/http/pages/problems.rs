//! A page for each code of a problem, at the address that is its `type`: what it means, what to do.
//!
//! It must not know: when there is such a problem.

use http::header::{self, HeaderValue};
use http::{HeaderMap, StatusCode};
use maud::html;
use serde_json::json;

use super::html::{marked_up, page};
use super::static_page::{StaticPage, accepts, guarded};
use crate::http::context::Context;
use crate::http::describe::headers::ETAG;
use crate::http::describe::operation::{OperationDoc, Tag};
use crate::http::describe::response::ResponseDoc;
use crate::http::kernel::kinds::string;
use crate::http::kernel::problem::{Code, Problem};
use crate::http::kernel::reply::Response;
use crate::http::kernel::request::Request;
use crate::http::wire::service::ExplanationBody;

/// `GET /problems/{code}`: what a code means, as a page for a browser and as JSON for others. 200, or 304
/// where the caller has it; 404 `not_found`.
pub(crate) async fn read(_: Context, request: Request) -> Result<Response, Problem> {
    let asked = request.segment(0);
    let code = Code::ALL.into_iter().find(|code| code.as_str() == asked);
    let code = code.ok_or_else(|| Problem::new(Code::NotFound, "there is no such code"))?;
    Ok(respond(code, &request.headers))
}

/// Describes [`read`].
pub(crate) fn describe_read() -> OperationDoc {
    let about = "What a code means and what to do about it: a page where `Accept` names `text/html`, JSON \
        otherwise. The `type` of a problem is this address.";
    let told = ResponseDoc::json::<ExplanationBody>("The explanation.", ExplanationBody::example())
        .or("text/html", string(), json!("<!doctype html>"))
        .with(ETAG);
    OperationDoc::new(Tag::Service, "getProblem", "What a problem means", about)
        .responds(StatusCode::OK, told)
        .responds_not_modified()
        .problems(&[Code::NotFound])
}

fn respond(code: Code, headers: &HeaderMap) -> Response {
    let mut response = if accepts(headers, &header::ACCEPT, "text/html") {
        guarded(StaticPage::new("text/html; charset=utf-8", html(code)).respond(headers))
    } else {
        let text = json!(ExplanationBody::of(code)).to_string();
        StaticPage::new("application/json; charset=utf-8", text).respond(headers)
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
    response
}

fn html(code: Code) -> String {
    let title = code.title();
    let example = Problem::example_text(code);
    let about = html! {
        main.problem #content {
            h1 { (title) }
            p { code { (code.status().as_str()) } " " code { (code.as_str()) } }
            h2 { "What it means" }
            p { (marked_up(code.meaning())) }
            h2 { "What to do" }
            p { (marked_up(code.advice())) }
            h2 { "Example" }
            pre { code { (example) } }
            p { a href="/docs#problems" { "All problems" } }
        }
    };
    page(title, &about)
}
