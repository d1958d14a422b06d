//! How the route table is said: a resource is a path and what its methods do.
//!
//! Filters are boxed at both ends, which keeps the types and the build small. Only the path rejects
//! (and lets the next resource try); the method is a value like everything after it, so a request
//! whose path is known is answered here, whatever it is.
//!
//! It must not know: what handlers work with (`C`), or how an operation is described (`D`).

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Buf;
use http::{HeaderMap, Method};
use warp::filters::BoxedFilter;
use warp::path::FullPath;
use warp::{Filter, Rejection};

use super::access::Access;
use super::connection::Connection;
use super::problem::Problem;
use super::reply::Response;
use super::request::{Request, read_body};
use super::request_id::named;
use ticketboss_core::domain::RequestId;

type Responding = Pin<Box<dyn Future<Output = Result<Response, Problem>> + Send>>;
type Handler<C> = Arc<dyn Fn(C, Request) -> Responding + Send + Sync>;

/// What handlers work with, as far as a route has to know it.
pub(crate) trait HandlerContext: Clone + Send + Sync + 'static {
    /// Returns what a request is called: as the caller called it, or anew.
    fn request_id(&self, headers: &HeaderMap) -> RequestId;
}

/// A path, and what its methods do.
pub(crate) struct Resource<C, D> {
    template: &'static str,
    operations: Vec<Operation<C, D>>,
    upgrade: Upgrade,
}

/// A method of a resource: who may call it, what it does, and how it is described.
pub(crate) struct Operation<C, D> {
    method: Method,
    body: Body,
    access: Access,
    handler: Handler<C>,
    describe: fn() -> D,
}

/// Whether a WebSocket can be asked for.
#[derive(Clone, Copy)]
enum Upgrade {
    Possible,
    No,
}

/// Whether an operation looks at the body.
#[derive(Clone, Copy)]
enum Body {
    Ignored,
    Read,
}

/// `GET`, and `HEAD` with it.
pub(crate) fn get<C, D, F>(
    access: Access,
    handler: fn(C, Request) -> F,
    describe: fn() -> D,
) -> Operation<C, D>
where
    C: HandlerContext,
    F: Future<Output = Result<Response, Problem>> + Send + 'static,
{
    operation(Method::GET, Body::Ignored, access, handler, describe)
}

/// `POST`.
pub(crate) fn post<C, D, F>(
    access: Access,
    handler: fn(C, Request) -> F,
    describe: fn() -> D,
) -> Operation<C, D>
where
    C: HandlerContext,
    F: Future<Output = Result<Response, Problem>> + Send + 'static,
{
    operation(Method::POST, Body::Read, access, handler, describe)
}

/// `PUT`.
pub(crate) fn put<C, D, F>(
    access: Access,
    handler: fn(C, Request) -> F,
    describe: fn() -> D,
) -> Operation<C, D>
where
    C: HandlerContext,
    F: Future<Output = Result<Response, Problem>> + Send + 'static,
{
    operation(Method::PUT, Body::Read, access, handler, describe)
}

/// `PATCH`.
pub(crate) fn patch<C, D, F>(
    access: Access,
    handler: fn(C, Request) -> F,
    describe: fn() -> D,
) -> Operation<C, D>
where
    C: HandlerContext,
    F: Future<Output = Result<Response, Problem>> + Send + 'static,
{
    operation(Method::PATCH, Body::Read, access, handler, describe)
}

/// `DELETE`.
pub(crate) fn delete<C, D, F>(
    access: Access,
    handler: fn(C, Request) -> F,
    describe: fn() -> D,
) -> Operation<C, D>
where
    C: HandlerContext,
    F: Future<Output = Result<Response, Problem>> + Send + 'static,
{
    operation(Method::DELETE, Body::Ignored, access, handler, describe)
}

fn operation<C, D, F>(
    method: Method,
    body: Body,
    access: Access,
    handler: fn(C, Request) -> F,
    describe: fn() -> D,
) -> Operation<C, D>
where
    C: HandlerContext,
    F: Future<Output = Result<Response, Problem>> + Send + 'static,
{
    let handler: Handler<C> = Arc::new(move |context, request| Box::pin(handler(context, request)));
    Operation { method, body, access, handler, describe }
}

/// A path and what its methods do. `template` is as in `OpenAPI`, `/reservations/{reservationId}`; a
/// trailing slash and the case of the fixed segments make no difference.
pub(crate) fn resource<C, D>(
    template: &'static str,
    operations: Vec<Operation<C, D>>,
) -> Resource<C, D> {
    Resource { template, operations, upgrade: Upgrade::No }
}

/// A path at which a WebSocket can be asked for, and what becomes of it.
pub(crate) fn socket<C, D>(template: &'static str, operation: Operation<C, D>) -> Resource<C, D> {
    Resource { template, operations: vec![operation], upgrade: Upgrade::Possible }
}

impl<C: HandlerContext, D> Resource<C, D> {
    /// Its path.
    pub(crate) fn template(&self) -> &'static str {
        self.template
    }

    /// Its methods, and how each is described.
    pub(crate) fn described(&self) -> impl Iterator<Item = (&Method, D)> {
        self.operations.iter().map(|operation| (&operation.method, (operation.describe)()))
    }

    /// The route that answers whatever is asked for at its path.
    pub(crate) fn route(self, context: &C) -> BoxedFilter<(Response,)>
    where
        D: 'static,
    {
        let (context, operations) = (context.clone(), Arc::new(self.operations));
        let query = warp::query::raw().or(warp::any().map(String::new)).unify();
        let none = warp::any().map(|| None);
        let upgrade = match self.upgrade {
            Upgrade::Possible => warp::ws().map(Some).or(none).unify().boxed(),
            Upgrade::No => none.boxed(),
        };
        at(self.template)
            .and(query)
            .and(warp::method())
            .and(warp::header::headers_cloned())
            .and(upgrade)
            .and(warp::ext::optional::<Connection>())
            .and(warp::body::stream())
            .then(
                move |segments,
                      query,
                      method: Method,
                      headers,
                      upgrade,
                      connection: Option<Connection>,
                      body| {
                    let (context, operations) = (context.clone(), operations.clone());
                    let Connection { peer, long_wait } =
                        connection.expect("the server attaches the connection to each request");
                    async move {
                        let request_id = context.request_id(&headers);
                        let request = Request {
                            id: request_id,
                            segments,
                            query,
                            headers,
                            upgrade,
                            peer,
                            long_wait,
                            body: bytes::Bytes::new(),
                        };
                        let response = dispatch(&operations, &method, context, request, body)
                            .await
                            .unwrap_or_else(|problem| problem.into_response(request_id));
                        named(response, request_id)
                    }
                },
            )
            .boxed()
    }
}

async fn dispatch<C, D, B: Buf>(
    operations: &[Operation<C, D>],
    method: &Method,
    context: C,
    mut request: Request,
    body: impl warp::Stream<Item = Result<B, warp::Error>>,
) -> Result<Response, Problem> {
    let wanted = if method == Method::HEAD { &Method::GET } else { method };
    let operation = operations
        .iter()
        .find(|operation| operation.method == wanted)
        .ok_or_else(|| Problem::method_not_allowed(method, &allowed(operations)))?;
    if let Body::Read = operation.body {
        request.body = read_body(&request.headers, body).await?;
    }
    // The caller is authenticated here once an operation is not open to anyone.
    let Access::Anyone = operation.access;
    (operation.handler)(context, request).await
}

/// The methods that a resource knows, those that it answers by itself included.
fn allowed<C, D>(operations: &[Operation<C, D>]) -> Vec<Method> {
    let mut allowed = Vec::new();
    for operation in operations {
        allowed.push(operation.method.clone());
        if operation.method == Method::GET {
            allowed.push(Method::HEAD);
        }
    }
    allowed.push(Method::OPTIONS);
    allowed
}

/// Matches a path by its template, and extracts the variable segments.
fn at(template: &'static str) -> impl Filter<Extract = (Vec<String>,), Error = Rejection> + Clone {
    warp::path::full().and_then(move |path: FullPath| {
        let matched = segments(template, path.as_str()).ok_or_else(warp::reject::not_found);
        std::future::ready(matched)
    })
}

fn segments(template: &str, path: &str) -> Option<Vec<String>> {
    let path = path.strip_prefix('/')?;
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut given = path.split('/');
    let mut variable = Vec::new();
    for expected in template.trim_start_matches('/').split('/') {
        let segment = given.next()?;
        if expected.starts_with('{') {
            if segment.is_empty() {
                return None;
            }
            variable.push(segment.to_owned());
        } else if !segment.eq_ignore_ascii_case(expected) {
            return None;
        }
    }
    given.next().is_none().then_some(variable)
}

/// The first route that does not reject. The last must match everything.
///
/// The first is tried without going through the others' boxes, so the busiest comes first.
pub(crate) fn either(
    routes: impl DoubleEndedIterator<Item = BoxedFilter<(Response,)>>,
) -> BoxedFilter<(Response,)> {
    routes
        .rev()
        .reduce(|tried_later, route| route.or(tried_later).unify().boxed())
        .expect("there is at least one route")
}

/// Matches every path: what it is, the method and the headers.
pub(crate) fn anything()
-> impl Filter<Extract = (FullPath, Method, HeaderMap), Error = Infallible> + Clone {
    warp::path::full().and(warp::method()).and(warp::header::headers_cloned())
}

#[cfg(test)]
mod tests {
    use super::segments;

    #[test]
    fn a_path_matches_its_template() {
        let yes = |template, path, variable: &[&str]| {
            assert_eq!(
                segments(template, path),
                Some(variable.iter().map(|s| (*s).into()).collect())
            );
        };
        yes("/reservations", "/reservations", &[]);
        yes("/reservations", "/RESERVATIONS/", &[]);
        yes("/reservations/{id}", "/reservations/Abc/", &["Abc"]);
        for (template, path) in [
            ("/reservations", "/reservations//"),
            ("/reservations", "/reservations/x"),
            ("/reservations/{id}", "/reservations/"),
            ("/reservations/{id}", "/reservations//"),
            ("/reservations/{id}", "/reservations/a/b"),
            ("/reservations", "/"),
            ("/reservations", "*"),
        ] {
            assert_eq!(segments(template, path), None, "{template} {path}");
        }
    }
}
