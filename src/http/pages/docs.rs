//! The reference of the API: the description of it as one page, for people.
//!
//! It is made of the same document that programs get, on the server and once, so that it needs no
//! script, is found by the browser's search, and can be read in a terminal. It must not know the route
//! table, nor what an operation does.

mod example;
mod kind;
mod operation;
mod reader;
mod rules;

use http::StatusCode;
use maud::{Markup, html};
use serde_json::json;
use utoipa::openapi::{OpenApi, RefOr};

use self::kind::{explained, kind, of_whole, own_fields, prose};
use self::operation::{method, operation};
use self::reader::{Reader, SchemaOrRef, description};
use super::html;
use super::static_page::StaticPage;
use crate::http::describe::headers::ETAG;
use crate::http::describe::operation::{OperationDoc, Tag};
use crate::http::describe::response::ResponseDoc;
use crate::http::kernel::kinds::string;
use crate::http::kernel::problem::Code;

/// Makes the page out of a description.
pub(crate) fn page(document: &OpenApi) -> StaticPage {
    StaticPage::compressed("text/html; charset=utf-8", text(document))
}

/// Describes the operation that responds with the page.
pub(crate) fn describe() -> OperationDoc {
    let told = ResponseDoc::empty("The page.").with(ETAG);
    OperationDoc::new(Tag::Service, "getDocs", "This page", "The API as a page for people.")
        .responds(StatusCode::OK, told.or("text/html", string(), json!("<!doctype html>")))
        .responds_not_modified()
}

fn text(document: &OpenApi) -> String {
    let reader = Reader { document };
    let content = html! {
        div.columns {
            (contents(reader))
            main #content {
                (introduction(reader))
                @for (name, about) in tags(reader) { (of_tag(reader, name, about)) }
                (problems())
                (headers(reader))
                (schemas(reader))
            }
        }
    };
    html::page("The API", &content)
}

/// The tags and what they are about.
fn tags(reader: Reader<'_>) -> impl Iterator<Item = (&str, &str)> {
    let tags = reader.document.tags.iter().flatten();
    tags.map(|tag| (tag.name.as_str(), tag.description.as_deref().unwrap_or_default()))
}

/// The anchor of a tag.
fn anchor(tag: &str) -> String {
    tag.to_lowercase().replace(' ', "-")
}

fn contents(reader: Reader<'_>) -> Markup {
    html! {
        nav aria-label="Contents" {
            details {
                summary { "Contents" }
                // A link to what is folded unfolds it.
                ul #contents {
                    li { a href="#conventions" { "Conventions" } }
                    @for (tag, _) in tags(reader) {
                        li {
                            a href={ "#" (anchor(tag)) } { (tag) }
                            ul {
                                @for told in reader.operations(tag) {
                                    li { a href={ "#" (told.id()) } { (method(told.method)) " " (told.summary()) } }
                                }
                            }
                        }
                    }
                    li { a href="#problems" { "Problems" } }
                    li { a href="#headers" { "Headers of answers" } }
                    li { a href="#schemas" { "Schemas" } }
                }
            }
        }
    }
}

fn introduction(reader: Reader<'_>) -> Markup {
    let info = &reader.document.info;
    html! {
        h1 { (info.title) " API " span.version { (info.version) } }
        section #conventions aria-label="Conventions" {
            (prose(reader, info.description.as_deref().unwrap_or_default()))
            p {
                "The commands below ask a server at " code { (example::SERVER) } ". Programs read "
                a href="/openapi.json" { "openapi.json" } ", which says the same (OpenAPI 3.1)."
            }
        }
    }
}

fn of_tag(reader: Reader<'_>, tag: &str, about: &str) -> Markup {
    let title = anchor(tag);
    html! {
        section aria-labelledby=(title) {
            h2 id=(title) { (tag) }
            (prose(reader, about))
            @for told in reader.operations(tag) { (operation(reader, &told)) }
        }
    }
}

fn problems() -> Markup {
    html! {
        section aria-labelledby="problems" {
            h2 #problems { "Problems" }
            p { "What goes wrong is told as a " a href="#schema-Problem" { "Problem" } ", by its code." }
            table {
                thead { tr { th scope="col" { "Status" } th scope="col" { "Code" } th scope="col" { "What it means" } } }
                tbody {
                    @for code in Code::ALL {
                        tr id={ "problem-" (code.as_str()) } {
                            td { (code.status().as_str()) }
                            th scope="row" { a href={ "/problems/" (code.as_str()) } { code { (code.as_str()) } } }
                            td { (code.title()) }
                        }
                    }
                }
            }
        }
    }
}

fn headers(reader: Reader<'_>) -> Markup {
    html! {
        section aria-labelledby="headers" {
            h2 #headers { "Headers of answers" }
            dl.fields {
                @for (name, header) in &reader.shared().headers {
                    @let header = reader.header(header);
                    div id={ "header-" (name) } {
                        dt {
                            code.name { (name) } " "
                            @if let Some(schema) = &header.schema { span.kind { (kind(reader, schema)) } }
                        }
                        dd {
                            (prose(reader, header.description.as_deref().unwrap_or_default()))
                            @if let Some(schema) = &header.schema { (explained(reader, schema)) }
                        }
                    }
                }
            }
        }
    }
}

fn schemas(reader: Reader<'_>) -> Markup {
    html! {
        section aria-labelledby="schemas" {
            h2 #schemas { "Schemas" }
            @for (name, schema) in &reader.shared().schemas { (schema_of(reader, name, schema)) }
        }
    }
}

fn schema_of(reader: Reader<'_>, name: &str, schema: &SchemaOrRef) -> Markup {
    let about = if let RefOr::T(schema) = schema { description(schema) } else { "" };
    html! {
        article.schema id={ "schema-" (name) } {
            h3 { a href={ "#schema-" (name) } { code { (name) } } }
            (prose(reader, about))
            (of_whole(reader, schema))
            @if !reader.fields(schema).is_empty() { (own_fields(reader, schema)) }
        }
    }
}
