//! A page for each code of a problem, at the address that is its `type`: what it means, what to do.

use std::fmt::Write;

use http::HeaderMap;
use http::header::{self, HeaderValue};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::Context;
use super::input::Input;
use super::openapi::{kinds, problem_example};
use super::page::{Page, accepts, guarded};
use super::problem::{Code, Problem};
use super::reply::Response;

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
    Ok(told(&Explanation::of(code), &input.headers))
}

fn told(explanation: &Explanation, headers: &HeaderMap) -> Response {
    let mut response = if accepts(headers, &header::ACCEPT, "text/html") {
        guarded(Page::new("text/html; charset=utf-8", html(explanation)).answer(headers))
    } else {
        let text = json!(explanation).to_string();
        Page::new("application/json; charset=utf-8", text).answer(headers)
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
    response
}

fn html(explanation: &Explanation) -> String {
    let Explanation { code, status, title, meaning, advice, example } = explanation;
    let example = escaped(&format!("{example:#}"));
    let (meaning, advice) = (marked_up(meaning), marked_up(advice));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n  <meta charset=\"utf-8\">\n  \
        <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n  \
        <meta name=\"color-scheme\" content=\"light dark\">\n  <title>{title} – TicketBoss</title>\n  \
        <link rel=\"icon\" href=\"/favicon.svg\" type=\"image/svg+xml\">\n  \
        <link rel=\"stylesheet\" href=\"/docs.css\">\n</head>\n<body>\n<main>\n  \
        <p><a href=\"/docs\">TicketBoss API</a></p>\n  <h1>{title}</h1>\n  \
        <p><code>{status}</code> <code>{code}</code></p>\n  <h2>What it means</h2>\n  <p>{meaning}</p>\n  \
        <h2>What to do</h2>\n  <p>{advice}</p>\n  <h2>Example</h2>\n  <pre><code>{example}</code></pre>\n\
        </main>\n</body>\n</html>\n"
    )
}

/// Text with words in backticks, as HTML.
fn marked_up(text: &str) -> String {
    let mut html = String::new();
    for (index, part) in text.split('`').enumerate() {
        let part = escaped(part);
        // Every second part stands between backticks. Writing to a string does not fail.
        let _ = if index % 2 == 1 {
            write!(html, "<code>{part}</code>")
        } else {
            write!(html, "{part}")
        };
    }
    html
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
