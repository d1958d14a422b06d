//! The description of the API (`OpenAPI` 3.1), put together from the route table, and served.
//!
//! Each operation of the table brings its [`Entry`]; what it takes is described in `requests` and
//! `parameters`, what it answers by the wire types themselves. Statuses of problems come out of the one
//! status table. It must not know what a handler does.

mod entry;
pub(super) mod events;
pub(super) mod feeds;
pub(super) mod kinds;
pub(super) mod ledger;
mod parameters;
mod requests;
pub(super) mod reservations;
pub(super) mod seed;
pub(super) mod service;

use std::sync::LazyLock;

use http::Method;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::path::{HttpMethod, PathItemBuilder, Paths};
use utoipa::openapi::schema::{ComponentsBuilder, Schema};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    Components, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, RefOr, Response, Server,
};

pub(super) use self::entry::Entry;
use self::entry::{Tag, example_of};
use self::parameters::{Carried, HEADERS};
use super::input::Input;
use super::page::Page;
use super::problem::{self, Code, Problem};
use super::{Context, reply};

/// The header under whose key a change is done once.
pub(super) const IDEMPOTENCY_KEY: &str = parameters::IDEMPOTENCY_KEY.key;

/// Schemas by their names.
type Schemas = Vec<(String, RefOr<Schema>)>;

/// What holds for all operations.
const ABOUT: &str = "Sells seats for events and never sells one twice.\n\n\
    - What goes wrong is a problem (RFC 9457) with a stable `code`, explained at its `type`.\n\
    - With an `Idempotency-Key` a change can be asked for again: it is done once, and answered alike.\n\
    - Answers about an event carry its version as `ETag`.\n\
    - Every answer has an `X-Request-Id`, and scripts of any origin may read it.\n\
    - Where there is `GET` there is `HEAD`, and `OPTIONS` everywhere; any other method is answered with \
    405 `method_not_allowed` and `Allow`.\n\
    - A path works with and without a slash at its end.\n\
    - Bodies have at most 16 KiB. Fields may be added to answers at any time.\n\
    - There is no authentication yet: whoever reaches the server may do everything.";

/// The document as it is sent, made when it is asked for first.
static DOCUMENT: LazyLock<Page> = LazyLock::new(|| {
    let text = document().to_json().expect("the document has string keys and no failing parts");
    Page::compressed("application/json; charset=utf-8", text)
});

/// `GET /openapi.json`: this description. 200, or 304 where the caller has it.
pub(super) async fn serve(_: Context, input: Input) -> Result<reply::Response, Problem> {
    Ok(DOCUMENT.answer(&input.headers))
}

/// The description as values.
pub(super) fn document() -> OpenApi {
    let mut paths = Paths::new();
    let mut schemas = Schemas::new();
    let mut carried = Vec::new();
    let table = super::table();
    for resource in &table {
        let mut item = PathItemBuilder::new();
        for (method, entry) in resource.described() {
            let mut entry = entry.completed(resource.template());
            schemas.append(&mut entry.schemas);
            carried.extend(entry.parameters.iter().copied());
            item = item.operation(http_method(method), entry.operation());
        }
        paths.paths.insert(resource.template().to_owned(), item.build());
    }
    let license = LicenseBuilder::new()
        .name("MIT or Apache-2.0")
        .identifier(Some("MIT OR Apache-2.0"))
        .build();
    let info = InfoBuilder::new()
        .title("TicketBoss")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(license));
    let tags = Tag::ALL
        .map(|tag| TagBuilder::new().name(tag.name()).description(Some(tag.about())).build());
    OpenApiBuilder::new()
        .info(info)
        .servers(Some([Server::new("/")]))
        // Nothing is asked of whoever asks: that is said, and not left out.
        .security(Some([]))
        .security(Some([]))
        .tags(Some(tags))
        .paths(paths)
        .components(Some(components(schemas, &carried)))
        .build()
}

/// What operations share.
fn components(mut schemas: Schemas, carried: &[Carried]) -> Components {
    <problem::Body<'_> as ToSchema>::schemas(&mut schemas);
    schemas.push(entry::schema_of::<problem::Body<'_>>());
    schemas.extend(feeds::frames());
    let mut components = ComponentsBuilder::new()
        .schemas_from_iter(schemas)
        .response("MethodNotAllowed", RefOr::<Response>::T(entry::method_not_allowed()))
        .build();
    for parameter in carried {
        components.parameters.insert(parameter.key.to_owned(), (parameter.describe)().into());
    }
    for (name, describe) in HEADERS {
        components.headers.insert((*name).to_owned(), describe().into());
    }
    for code in Code::ALL {
        components.examples.insert(code.as_str().to_owned(), example_of(code).into());
    }
    components
}

/// A problem of each code as it is told, under the id of no request.
pub(super) fn problem_example(code: Code) -> Value {
    Problem::example(code).to_json(ticketboss_core::domain::RequestId::NOBODY)
}

fn http_method(method: &Method) -> HttpMethod {
    match *method {
        Method::POST => HttpMethod::Post,
        Method::PUT => HttpMethod::Put,
        Method::PATCH => HttpMethod::Patch,
        Method::DELETE => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}
