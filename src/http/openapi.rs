//! The description of the API (`OpenAPI` 3.1), put together from the route table.
//!
//! Each operation of the table brings its own [`OperationDoc`].
//!
//! It must not know: which operations there are, or what a handler does.

use http::{Method, StatusCode};
use serde_json::json;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::path::{HttpMethod, PathItemBuilder, Paths};
use utoipa::openapi::schema::{AdditionalProperties, ComponentsBuilder, ObjectBuilder, Type};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    Components, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, RefOr, Response, Server,
};

use super::describe::headers::{ETAG, HEADERS};
use super::describe::operation::{OperationDoc, Tag};
use super::describe::parameters::ParameterDoc;
use super::describe::response::{ResponseDoc, method_not_allowed};
use super::kernel::kinds::{Schemas, add_schema, string};
use super::kernel::problem::{Code, Problem, ProblemBody};
use super::kernel::route::{HandlerContext, Resource};
use super::pages::static_page::StaticPage;

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

/// Makes the document as it is sent.
pub(crate) fn page(document: &OpenApi) -> StaticPage {
    let text = document.to_json().expect("the document has string keys and no failing parts");
    StaticPage::compressed("application/json; charset=utf-8", text)
}

/// Describes the operation that responds with the document.
pub(crate) fn describe() -> OperationDoc {
    let document = ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("openapi", string())
        .additional_properties(Some(AdditionalProperties::FreeForm(true)))
        .required("openapi")
        .required("paths");
    let told = ResponseDoc::empty("The description.").with(ETAG);
    OperationDoc::new(Tag::Service, "getOpenApi", "This description", "The API in OpenAPI 3.1.")
        .responds(
            StatusCode::OK,
            told.or("application/json", document, json!({ "openapi": "3.1.0", "paths": {} })),
        )
        .responds_not_modified()
}

/// The description as values.
pub(crate) fn document<C: HandlerContext>(table: &[Resource<C, OperationDoc>]) -> OpenApi {
    let mut paths = Paths::new();
    let mut schemas = Schemas::new();
    let mut carried = Vec::new();
    for resource in table {
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
        .tags(Some(tags))
        .paths(paths)
        .components(Some(components(schemas, &carried)))
        .build()
}

/// What operations share.
fn components(mut schemas: Schemas, carried: &[ParameterDoc]) -> Components {
    add_schema::<ProblemBody<'_>>(&mut schemas);
    let mut components = ComponentsBuilder::new()
        .schemas_from_iter(schemas)
        .response("MethodNotAllowed", RefOr::<Response>::T(method_not_allowed()))
        .build();
    for parameter in carried {
        components.parameters.insert(parameter.key.to_owned(), (parameter.describe)().into());
    }
    for (name, describe) in HEADERS {
        components.headers.insert((*name).to_owned(), describe().into());
    }
    for code in Code::ALL {
        let example =
            ExampleBuilder::new().summary(code.title()).value(Some(Problem::example_json(code)));
        components.examples.insert(code.as_str().to_owned(), example.build().into());
    }
    components
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
