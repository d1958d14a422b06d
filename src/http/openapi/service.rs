//! What the server says of itself, described.

use http::StatusCode;
use serde_json::json;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Type};

use super::entry::{Answer, Entry, Tag};
use super::kinds::string;
use super::parameters::ETAG;
use crate::http::health::Health;
use crate::http::problem::Code;
use crate::http::problems::Explanation;

/// `GET /healthz`.
pub(in crate::http) fn live() -> Entry {
    let alive = Answer::json::<Health>("It lives.", json!({ "status": "ok" }));
    Entry::new(Tag::Service, "getHealth", "Whether it lives", "200 as long as it answers at all.")
        .answers(StatusCode::OK, alive)
}

/// `GET /readyz`.
pub(in crate::http) fn ready() -> Entry {
    let about = "Whether new work is welcome. Damaged events are named; the others are sold from.";
    let ready = Answer::json::<Health>("It wants work.", json!({ "status": "ready" }));
    Entry::new(Tag::Service, "getReadiness", "Whether it wants work", about)
        .answers(StatusCode::OK, ready)
        .problems(&[Code::StorageFull, Code::Unavailable])
}

/// `GET /openapi.json`.
pub(in crate::http) fn openapi() -> Entry {
    let document = ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("openapi", string())
        .additional_properties(Some(AdditionalProperties::FreeForm(true)))
        .required("openapi")
        .required("paths");
    let told = Answer::empty("The description.").with(ETAG);
    Entry::new(Tag::Service, "getOpenApi", "This description", "The API in OpenAPI 3.1.")
        .answers(
            StatusCode::OK,
            told.or("application/json", document, json!({ "openapi": "3.1.0", "paths": {} })),
        )
        .answers_not_modified()
}

/// `GET /docs`.
pub(in crate::http) fn docs() -> Entry {
    let told = Answer::empty("The page.").with(ETAG);
    Entry::new(Tag::Service, "getDocs", "This page", "The API as a page for people.")
        .answers(StatusCode::OK, told.or("text/html", string(), json!("<!doctype html>")))
        .answers_not_modified()
}

/// `GET /problems/{code}`.
pub(in crate::http) fn problem() -> Entry {
    let about = "What a code means and what to do about it: a page where `Accept` names `text/html`, JSON \
        otherwise. The `type` of a problem is this address.";
    let told = Answer::json::<Explanation>("The explanation.", Explanation::example())
        .or("text/html", string(), json!("<!doctype html>"))
        .with(ETAG);
    Entry::new(Tag::Service, "getProblem", "What a problem means", about)
        .answers(StatusCode::OK, told)
        .answers_not_modified()
        .problems(&[Code::NotFound])
}
