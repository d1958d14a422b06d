//! A page for each code of a problem, at the address that is its `type`: what it means, what to do.

use http::HeaderMap;
use http::header::{self, HeaderValue};
use maud::html;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::Context;
use super::html::{marked_up, page};
use super::input::Input;
use super::openapi::{kinds, problem_example};
use super::page::{Page, accepts, guarded};
use super::problem::{Code, Problem};
use super::reply::Response;
use ticketboss_core::domain::RequestId;

/// What a code means, and what to do about it.
#[derive(Serialize, ToSchema)]
pub(super) struct Explanation {
    #[schema(value_type = kinds::ProblemCode)]
    code: &'static str,
    #[schema(value_type = kinds::ProblemStatus)]
    status: u16,
    title: &'static str,
    /// What it means.
    meaning: &'static str,
    /// What to do about it.
    advice: &'static str,
    /// Such a problem.
    example: Value,
}

impl Explanation {
    fn of(code: Code) -> Self {
        Self {
            code: code.as_str(),
            status: code.status().as_u16(),
            title: code.title(),
            meaning: code.meaning(),
            advice: code.advice(),
            example: problem_example(code),
        }
    }

    /// One of them, as it is told.
    pub(super) fn example() -> Value {
        json!(Self::of(Code::NotEnoughSeats))
    }
}

/// `GET /problems/{code}`: what a code means, as a page for a browser and as JSON for others. 200, or 304
/// where the caller has it; 404 `not_found`.
pub(super) async fn read(_: Context, input: Input) -> Result<Response, Problem> {
    let asked = input.segment(0);
    let code = Code::ALL.into_iter().find(|code| code.as_str() == asked);
    let code = code.ok_or_else(|| Problem::new(Code::NotFound, "there is no such code"))?;
    Ok(told(code, &input.headers))
}

fn told(code: Code, headers: &HeaderMap) -> Response {
    let mut response = if accepts(headers, &header::ACCEPT, "text/html") {
        guarded(Page::new("text/html; charset=utf-8", html(code)).answer(headers))
    } else {
        let text = json!(Explanation::of(code)).to_string();
        Page::new("application/json; charset=utf-8", text).answer(headers)
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
    response
}

fn html(code: Code) -> String {
    let title = code.title();
    let example = Problem::example(code).to_text(RequestId::NOBODY);
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
