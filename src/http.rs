//! The HTTP API: the route table, and what holds for every request.
//!
//! A handler is unpack, one call to the engine, wrap. Only the path can reject a request; from there
//! on everything is a value, and a handler answers `Result<Response, Problem>`. A rejection would
//! make warp try the next route, which is not what a sale wants.
//!
//! # Floors
//!
//! A module uses the modules that this table lists before it, and itself; no two files import each other.
//!
//! | module | what for |
//! | --- | --- |
//! | `kernel` | the mechanics: request, route, body, query, reply, problem |
//! | `wire` | the JSON shapes of responses |
//! | `describe` | how an operation is described in `OpenAPI` |
//! | `feed` | channels of changes, and those who follow them |
//! | `context` | what handlers work with |
//! | `api` | the operations under `/v1` and of the service, each beside its description |
//! | `legacy` | the API of TicketBossJS, at the root |
//! | `pages` | pages for browsers |
//! | `openapi` | the description of the API, put together from the route table |
//!
//! It must not know: the store, sled, or how many connections there are.

mod api;
mod context;
mod describe;
mod feed;
mod kernel;
mod legacy;
mod openapi;
mod pages;
mod wire;

use std::convert::Infallible;
use std::sync::LazyLock;

use http::header::{self, HeaderValue};
use http::{HeaderMap, Method, StatusCode, Version};
use hyper::body::Incoming;
use tower_service::Service;
use warp::filters::BoxedFilter;

use api::reservations::transitions;
use api::{blocks, changes, events, ledger, reservations, service, statistics};
pub use context::{Context, Readiness};
use describe::operation::OperationDoc;
pub use feed::Feeds;
use kernel::access::Access::Anyone;
pub use kernel::connection::Connection;
pub use kernel::long_poll::LongWait;
pub use kernel::problem::{Code, Problem};
use kernel::reply;
pub use kernel::reply::Response;
use kernel::request::Request;
use kernel::request_id::named;
use kernel::route::{
    HandlerContext, Resource, delete, either, get, patch, post, put, resource, socket,
};
use pages::static_page::{StaticPage, guarded};
use pages::{docs, problems};

/// A path, what its methods do, and how each is described.
type Route = Resource<Context, OperationDoc>;

/// The route table: of each operation who may call it, its handler and its description. What is not in it
/// is a page of the dashboard or unknown. The first is found soonest, so the busiest stands there.
fn table() -> Vec<Route> {
    let mut table = table_of_legacy();
    table.extend(table_of_reservations());
    table.extend(table_of_events());
    table.extend(table_of_service());
    table
}

fn table_of_legacy() -> Vec<Route> {
    vec![
        resource(
            "/reservations",
            vec![
                get(Anyone, legacy::summary, legacy::describe_summary),
                post(Anyone, legacy::reserve, legacy::describe_reserve),
            ],
        ),
        resource(
            "/reservations/{reservationId}",
            vec![delete(Anyone, legacy::cancel, legacy::describe_cancel)],
        ),
    ]
}

fn table_of_reservations() -> Vec<Route> {
    vec![
        resource(
            "/v1/events/{eventId}/reservations",
            vec![
                get(Anyone, reservations::list, reservations::describe_list),
                post(Anyone, reservations::create, reservations::describe_create),
            ],
        ),
        resource(
            "/v1/events/{eventId}/reservations/{reservationId}",
            vec![
                get(Anyone, reservations::read, reservations::describe_read),
                put(Anyone, reservations::create_as, reservations::describe_create_as),
                delete(Anyone, transitions::delete, transitions::describe_delete),
            ],
        ),
        resource(
            "/v1/events/{eventId}/reservations/{reservationId}/history",
            vec![get(Anyone, changes::history, changes::describe_history)],
        ),
        resource(
            "/v1/events/{eventId}/reservations/{reservationId}/confirm",
            vec![post(Anyone, transitions::confirm, transitions::describe_confirm)],
        ),
        resource(
            "/v1/events/{eventId}/reservations/{reservationId}/extend",
            vec![post(Anyone, transitions::extend, transitions::describe_extend)],
        ),
        resource(
            "/v1/events/{eventId}/reservations/{reservationId}/cancel",
            vec![post(Anyone, transitions::cancel, transitions::describe_cancel)],
        ),
    ]
}

fn table_of_events() -> Vec<Route> {
    vec![
        resource(
            "/v1/events",
            vec![
                get(Anyone, events::list, events::describe_list),
                post(Anyone, events::create, events::describe_create),
            ],
        ),
        resource(
            "/v1/events/{eventId}",
            vec![
                get(Anyone, events::read, events::describe_read),
                patch(Anyone, events::update, events::describe_update),
            ],
        ),
        resource(
            "/v1/events/{eventId}/blocks",
            vec![
                get(Anyone, blocks::list, blocks::describe_list),
                post(Anyone, blocks::create, blocks::describe_create),
            ],
        ),
        resource(
            "/v1/events/{eventId}/blocks/{blockId}",
            vec![delete(Anyone, blocks::delete, blocks::describe_delete)],
        ),
        resource(
            "/v1/events/{eventId}/changes",
            vec![get(Anyone, changes::list, changes::describe_list)],
        ),
        resource(
            "/v1/events/{eventId}/ledger/head",
            vec![get(Anyone, ledger::head, ledger::describe_head)],
        ),
        resource(
            "/v1/events/{eventId}/proof",
            vec![get(Anyone, ledger::proof, ledger::describe_proof)],
        ),
        resource(
            "/v1/events/{eventId}/statistics",
            vec![get(Anyone, statistics::read, statistics::describe_read)],
        ),
        resource(
            "/v1/events/{eventId}/feed",
            vec![get(Anyone, api::feed::of_event, api::feed::describe_of_event)],
        ),
        socket(
            "/v1/events/{eventId}/ws",
            get(Anyone, api::feed::socket_of_event, api::feed::describe_socket_of_event),
        ),
        resource("/v1/feed", vec![get(Anyone, api::feed::of_all, api::feed::describe_of_all)]),
    ]
}

fn table_of_service() -> Vec<Route> {
    vec![
        resource("/healthz", vec![get(Anyone, service::live, service::describe_live)]),
        resource("/readyz", vec![get(Anyone, service::ready, service::describe_ready)]),
        resource("/openapi.json", vec![get(Anyone, read_openapi, openapi::describe)]),
        resource("/docs", vec![get(Anyone, read_docs, docs::describe)]),
        resource("/problems/{code}", vec![get(Anyone, problems::read, problems::describe_read)]),
    ]
}

/// The description of the API as programs read it, made when it is asked for first.
static OPENAPI: LazyLock<StaticPage> =
    LazyLock::new(|| openapi::page(&openapi::document(&table())));

/// The description of the API as people read it, made when it is asked for first.
static DOCS: LazyLock<StaticPage> = LazyLock::new(|| docs::page(&openapi::document(&table())));

/// `GET /openapi.json`: the description of the API. 200, or 304 where the caller has it.
async fn read_openapi(_: Context, request: Request) -> Result<Response, Problem> {
    Ok(OPENAPI.respond(&request.headers))
}

/// `GET /docs`: the reference. 200, or 304 where the caller has it.
async fn read_docs(_: Context, request: Request) -> Result<Response, Problem> {
    Ok(guarded(DOCS.respond(&request.headers)))
}

fn routes(context: &Context) -> BoxedFilter<(Response,)> {
    let routes = table().into_iter().map(|resource| resource.route(context));
    either(routes.chain([pages::assets::fallback(context)]))
}

/// Answers every request.
///
/// Around the routes it does what holds for all of them: it lets scripts of any origin read the
/// answer, and answers the browser's question whether they may ask.
#[derive(Debug, Clone)]
pub struct Api<R> {
    routes: R,
    context: Context,
}

/// Makes the answers to every request out of the route table.
pub fn api(
    context: &Context,
) -> Api<
    impl Service<http::Request<Incoming>, Response = Response, Error = Infallible, Future: Send>
    + Clone
    + use<>,
> {
    Api { routes: warp::service(routes(context)), context: context.clone() }
}

impl<R> Api<R>
where
    R: Service<http::Request<Incoming>, Response = Response, Error = Infallible> + Clone,
{
    /// Answers a request, which carries the [`Connection`] that it came over as an extension.
    ///
    /// # Panics
    /// When the request does not carry a [`Connection`].
    pub async fn answer(mut self, request: http::Request<Incoming>) -> Response {
        let mut response = if request.method() == Method::OPTIONS {
            named(preflight(&request), self.context.request_id(request.headers()))
        } else if let Err(problem) = check_head(&request) {
            let request_id = self.context.request_id(request.headers());
            named(problem.into_response(request_id), request_id)
        } else {
            self.routes.call(request).await.unwrap_or_else(|never| match never {})
        };
        finish(response.headers_mut());
        response
    }
}

/// Refuses what is no request to anything here.
fn check_head(request: &http::Request<Incoming>) -> Result<(), Problem> {
    if request.uri().path_and_query().is_none() {
        // `CONNECT host:80` and nonsense like `GET host` have no path, over which warp panics.
        return Err(Problem::new(Code::NotFound, "the request names no path"));
    }
    let hosts = request.headers().get_all(header::HOST).iter().count();
    let may_lack_it = request.version() < Version::HTTP_11;
    if hosts > 1 || hosts == 0 && !may_lack_it {
        // What stands between might read another one (RFC 9112, section 3.2).
        return Err(Problem::new(Code::InvalidRequest, "a request has one Host header"));
    }
    Ok(())
}

/// Adds what every answer has. With those of a sale the headers still fit into the smallest map that
/// there is, and a larger one would cost more than all of them.
fn finish(headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("ETag,Idempotent-Replayed,Location,Retry-After,X-Request-Id"),
    );
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

/// Answers a CORS preflight as TicketBossJS did: anything may be asked, with the headers asked for.
fn preflight(request: &http::Request<Incoming>) -> Response {
    let mut response = reply::empty(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET,HEAD,PUT,PATCH,POST,DELETE"),
    );
    if let Some(asked) = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
    headers.insert(header::VARY, HeaderValue::from_static("Access-Control-Request-Headers"));
    response
}
