//! An operation as it is shown: what it does, how to ask for it, what it takes and what it answers.
//!
//! It must not know: which operations there are.

use maud::{Markup, html};
use serde_json::Value;
use utoipa::openapi::content::Content;
use utoipa::openapi::path::ParameterIn;
use utoipa::openapi::request_body::RequestBody;
use utoipa::openapi::response::Response;
use utoipa::openapi::{RefOr, Required};

use super::example::{curl, pretty};
use super::kind::{explained, fields, kind, prose, term};
use super::reader::{Endpoint, Presence, Reader, SchemaOrRef, name_of};
use crate::http::kernel::problem::Code;
use crate::http::pages::html::marked_up;

const PROBLEM: &str = "application/problem+json";

/// An operation.
pub(crate) fn operation(reader: Reader<'_>, endpoint: &Endpoint<'_>) -> Markup {
    let about = endpoint.operation.description.as_deref().unwrap_or_default();
    html! {
        article.operation id=(endpoint.id()) {
            div.told {
                h3 { a href={ "#" (endpoint.id()) } { (endpoint.summary()) } }
                p.path { (method(endpoint.method)) " " code { (endpoint.path) } }
                (prose(reader, about))
            }
            div.shown { (examples(reader, endpoint)) }
            div.taken {
                (parameters(reader, endpoint))
                (body(reader, endpoint))
                (answers(reader, endpoint))
                (problems(reader, endpoint))
            }
        }
    }
}

/// The name of a method.
pub(crate) fn method(name: &str) -> Markup {
    html! { span class={ "method " (name.to_lowercase()) } { (name) } }
}

/// The command, and what it is answered with.
fn examples(reader: Reader<'_>, endpoint: &Endpoint<'_>) -> Markup {
    let answers = endpoint.operation.responses.responses.iter();
    let answers = answers.map(|(status, answer)| (status, reader.response(answer)));
    let good = answers.filter(|(status, _)| !status.starts_with(['4', '5']));
    html! {
        h4 { "Request" }
        pre.curl { code { (curl(reader, endpoint)) } }
        @for (status, answer) in good {
            @for (media_type, content) in &answer.content {
                @let content = reader.content(content);
                // A page shows itself better than its text does.
                @if let Some(example) = content.example.as_ref().filter(|_| media_type != "text/html") {
                    h4 { "Answer " (status) }
                    pre { code { (shown(reader, example, content)) } }
                }
            }
        }
    }
}

/// An example as it stands in a body.
fn shown(reader: Reader<'_>, example: &Value, content: &Content) -> String {
    match example {
        Value::String(text) => text.trim_end().to_owned(),
        value => pretty(reader, value, content.schema.as_ref()),
    }
}

fn parameters(reader: Reader<'_>, endpoint: &Endpoint<'_>) -> Markup {
    let all = reader.parameters(endpoint.operation);
    let places = [
        (ParameterIn::Path, "In the path"),
        (ParameterIn::Query, "In the query"),
        (ParameterIn::Header, "Headers"),
    ];
    html! {
        @for (place, title) in places {
            @let here = all.iter().filter(|parameter| parameter.parameter_in == place);
            @let here = here.collect::<Vec<_>>();
            @if !here.is_empty() {
                h4 { (title) }
                dl.fields {
                    @for parameter in here {
                        div {
                            @if let Some(schema) = &parameter.schema {
                                (term(reader, &parameter.name, schema, presence(&parameter.required)))
                                dd {
                                    (prose(reader, parameter.description.as_deref().unwrap_or_default()))
                                    (explained(reader, schema))
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn presence(required: &Required) -> Presence {
    match required {
        Required::True => Presence::Required,
        Required::False => Presence::Optional,
    }
}

fn body(reader: Reader<'_>, endpoint: &Endpoint<'_>) -> Markup {
    let Some(RefOr::T(body)) = &endpoint.operation.request_body else { return html! {} };
    html! {
        h4 {
            "Body " span.kind { @for (schema, _) in bodies(reader, body) { (kind(reader, schema)) } } " "
            @if body.required == Some(Required::True) {
                span.required { "required" }
            } @else {
                span.kind { "may be left out" }
            }
        }
        @for (schema, _) in bodies(reader, body) {
            (prose(reader, reader.about(schema)))
            (fields(reader, schema))
        }
    }
}

fn bodies<'a>(
    reader: Reader<'a>,
    body: &'a RequestBody,
) -> impl Iterator<Item = (&'a SchemaOrRef, &'a str)> {
    let content = body.content.iter();
    content.filter_map(move |(media_type, content)| {
        Some((reader.content(content).schema.as_ref()?, media_type.as_str()))
    })
}

/// What is answered if all goes well.
fn answers(reader: Reader<'_>, endpoint: &Endpoint<'_>) -> Markup {
    let all = &endpoint.operation.responses.responses;
    html! {
        h4 { "Answers" }
        dl.answers {
            @for (status, answer) in all {
                @let answer = reader.response(answer);
                @if !answer.content.contains_key(PROBLEM) {
                    div { dt { (status) } dd { (answered(reader, answer)) } }
                }
            }
        }
    }
}

fn answered(reader: Reader<'_>, answer: &Response) -> Markup {
    html! {
        (prose(reader, &answer.description))
        @for (media_type, content) in &answer.content {
            @if let Some(schema) = &reader.content(content).schema {
                p { code { (media_type) } ": " (kind(reader, schema)) }
                @if !reader.fields(schema).is_empty() {
                    details {
                        summary { "Fields" @if let Some(name) = name_of(schema) { " of " code { (name) } } }
                        (fields(reader, schema))
                    }
                } @else if name_of(schema).is_none() {
                    (explained(reader, schema))
                }
            }
        }
        (headers(answer))
        (next(answer))
    }
}

/// The headers of an answer, which are described in one place.
fn headers(answer: &Response) -> Markup {
    html! {
        p.headers {
            "Headers: "
            @for (index, name) in answer.headers.keys().enumerate() {
                @if index > 0 { ", " }
                a href={ "#header-" (name) } { code { (name) } }
            }
        }
    }
}

/// What can be done next.
fn next(answer: &Response) -> Markup {
    html! {
        @if !answer.links.is_empty() {
            p.next {
                "Then: "
                @for (index, name) in answer.links.keys().enumerate() {
                    @if index > 0 { ", " }
                    a href={ "#" (name) } { code { (name) } }
                }
            }
        }
    }
}

/// What can go wrong: each code, with a link to what it means.
fn problems(reader: Reader<'_>, endpoint: &Endpoint<'_>) -> Markup {
    let all = endpoint.operation.responses.responses.iter();
    let all = all.map(|(status, answer)| (status, reader.response(answer)));
    let of_problems = all.filter_map(|(status, answer)| {
        Some((status, reader.content(answer.content.get(PROBLEM)?)))
    });
    let of_problems = of_problems.collect::<Vec<_>>();
    html! {
        @if !of_problems.is_empty() {
            h4 { "Problems " span.kind { a href="#schema-Problem" { "Problem" } } }
            dl.answers {
                @for (status, content) in of_problems {
                    div {
                        dt { (status) }
                        dd { @for name in content.examples.keys() { p { (problem(name)) } } }
                    }
                }
            }
        }
    }
}

/// A code, and what it is called.
pub(crate) fn problem(name: &str) -> Markup {
    let code = Code::ALL.into_iter().find(|code| code.as_str() == name);
    html! {
        a href={ "/problems/" (name) } { code { (name) } }
        @if let Some(code) = code { " " (marked_up(code.title())) }
    }
}
