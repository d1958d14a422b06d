//! The wire: warp filters, the route table, what bodies look like, what a problem looks like.
//!
//! A handler is unpack, one call to the engine, wrap. Only the path can reject a request; from there
//! on everything is a value, and a handler answers `Result<Response, Problem>`. A rejection would
//! make warp try the next route, which is not what a sale wants.
//!
//! It must not know: the store, sled, or how many connections there are.

mod body;
mod changes;
mod dashboard;
mod docs;
mod events;
mod feed;
mod health;
mod html;
mod idempotency;
mod input;
mod ledger;
mod openapi;
mod page;
mod part;
mod patience;
mod problem;
mod problems;
mod query;
mod reply;
mod reservations;
mod route;
mod seed;
mod statistics;
mod times;

use std::convert::Infallible;

use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, StatusCode, Version};
use hyper::body::Incoming;
use tokio_util::sync::CancellationToken;
use tower_service::Service;
use uuid::Uuid;
use warp::filters::BoxedFilter;

pub use feed::Feeds;
pub use patience::LongWait;
pub use problem::{Code, Problem};
pub use reply::Response;
use route::{Resource, delete, either, get, patch, post, put, resource, socket};
use ticketboss_core::domain::RequestId;
use ticketboss_engine::Engine;

/// The header that names a request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What handlers work with.
#[derive(Debug, Clone)]
pub struct Context {
    /// The use cases.
    pub engine: Engine,
    /// Whether new work is welcome.
    pub readiness: Readiness,
    /// Those who follow what happens.
    pub feeds: Feeds,
}

impl Context {
    /// Handlers work for an engine, as long as it is ready, with so many subscribers at once.
    pub fn new(engine: Engine, readiness: Readiness, subscribers_max: usize) -> Self {
        Self { engine, readiness, feeds: Feeds::new(subscribers_max) }
    }

    /// What a request is called: as the caller called it, if that is a UUID, or anew.
    fn request_id(&self, headers: &HeaderMap) -> RequestId {
        let given =
            headers.get(REQUEST_ID).and_then(|id| Uuid::try_parse_ascii(id.as_bytes()).ok());
        given.map_or_else(|| self.engine.new_request_id(), |uuid| RequestId(uuid.as_u128()))
    }
}

/// Whether the server takes new work; it says no while it stops.
#[derive(Debug, Clone, Default)]
pub struct Readiness(CancellationToken);

impl Readiness {
    /// From now on `GET /readyz` says that the server is going away, and so is told who follows or waits.
    pub fn start_stopping(&self) {
        self.0.cancel();
    }

    fn is_stopping(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Is cancelled when the server begins to stop.
    fn stopping(&self) -> CancellationToken {
        self.0.clone()
    }
}

/// The route table, each operation with its description. What is not in it is a page of the dashboard
/// or unknown. The first is found soonest, so the busiest stands there.
fn table() -> Vec<Resource> {
    let mut table = table_of_seed();
    table.extend(table_of_reservations());
    table.extend(table_of_events());
    table.extend(table_of_service());
    table
}

fn table_of_seed() -> Vec<Resource> {
    use openapi::seed as told;
    vec![
        resource(
            "/reservations",
            vec![
                get(seed::summary_of_default, told::summary),
                post(seed::reserve_of_default, told::reserve),
            ],
        ),
        resource("/reservations/{reservationId}", vec![delete(seed::cancel, told::cancel)]),
    ]
}

fn table_of_reservations() -> Vec<Resource> {
    use openapi::reservations as told;
    vec![
        resource(
            "/v1/events/{eventId}/reservations",
            vec![get(reservations::list, told::list), post(reservations::create, told::create)],
        ),
        resource(
            "/v1/events/{eventId}/reservations/{reservationId}",
            vec![
                get(reservations::read, told::read),
                put(reservations::create_as, told::create_as),
                delete(reservations::delete, told::delete),
            ],
        ),
        resource(
            "/v1/events/{eventId}/reservations/{reservationId}/history",
            vec![get(changes::history, told::history)],
        ),
        resource(
            "/v1/events/{eventId}/reservations/{reservationId}/confirm",
            vec![post(reservations::confirm, told::confirm)],
        ),
        resource(
            "/v1/events/{eventId}/reservations/{reservationId}/extend",
            vec![post(reservations::extend, told::extend)],
        ),
        resource(
            "/v1/events/{eventId}/reservations/{reservationId}/cancel",
            vec![post(reservations::cancel, told::cancel)],
        ),
    ]
}

fn table_of_events() -> Vec<Resource> {
    use openapi::{events as told, feeds as told_of_feeds, ledger as told_of_ledger};
    vec![
        resource(
            "/v1/events",
            vec![get(events::list, told::list), post(events::create, told::create)],
        ),
        resource(
            "/v1/events/{eventId}",
            vec![get(events::read, told::read), patch(events::update, told::update)],
        ),
        resource(
            "/v1/events/{eventId}/blocks",
            vec![get(events::blocks, told::blocks), post(events::block, told::block)],
        ),
        resource(
            "/v1/events/{eventId}/blocks/{blockId}",
            vec![delete(events::unblock, told::unblock)],
        ),
        resource("/v1/events/{eventId}/changes", vec![get(changes::list, told_of_feeds::changes)]),
        resource("/v1/events/{eventId}/ledger/head", vec![get(ledger::head, told_of_ledger::head)]),
        resource("/v1/events/{eventId}/proof", vec![get(ledger::proof, told_of_ledger::proof)]),
        resource(
            "/v1/events/{eventId}/statistics",
            vec![get(statistics::read, told_of_ledger::statistics)],
        ),
        resource("/v1/events/{eventId}/feed", vec![get(feed::of_event, told_of_feeds::of_event)]),
        socket("/v1/events/{eventId}/ws", get(feed::socket_of_event, told_of_feeds::socket)),
        resource("/v1/feed", vec![get(feed::of_all, told_of_feeds::of_all)]),
    ]
}

fn table_of_service() -> Vec<Resource> {
    use openapi::service as told;
    vec![
        resource("/healthz", vec![get(health::live, told::live)]),
        resource("/readyz", vec![get(health::ready, told::ready)]),
        resource("/openapi.json", vec![get(openapi::serve, told::openapi)]),
        resource("/docs", vec![get(docs::serve, told::docs)]),
        resource("/problems/{code}", vec![get(problems::read, told::problem)]),
    ]
}

fn routes(context: &Context) -> BoxedFilter<(Response,)> {
    let told = table().into_iter().map(|resource| resource.route(context));
    either(told.chain([dashboard::pages(context)]))
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
    impl Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send>
    + Clone
    + use<>,
> {
    Api { routes: warp::service(routes(context)), context: context.clone() }
}

impl<R> Api<R>
where
    R: Service<Request<Incoming>, Response = Response, Error = Infallible> + Clone,
{
    /// Answers a request.
    pub async fn answer(mut self, request: Request<Incoming>) -> Response {
        let mut response = if request.method() == Method::OPTIONS {
            reply::named(preflight(&request), self.context.request_id(request.headers()))
        } else if let Err(problem) = check_head(&request) {
            let request_id = self.context.request_id(request.headers());
            reply::named(problem.into_response(request_id), request_id)
        } else {
            self.routes.call(request).await.unwrap_or_else(|never| match never {})
        };
        finish(response.headers_mut());
        response
    }
}

/// Refuses what is no request to anything here.
fn check_head(request: &Request<Incoming>) -> Result<(), Problem> {
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

/// Answers a CORS preflight as the seed did: anything may be asked, with the headers asked for.
fn preflight(request: &Request<Incoming>) -> Response {
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
