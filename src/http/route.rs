//! How the route table is said: a resource is a path and what its methods do.
//!
//! Filters are boxed at both ends, which keeps the types and the build small. Only the path rejects
//! (and lets the next resource try); the method is a value like everything after it, so a request
//! whose path is known is answered here, whatever it is.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Buf;
use http::{HeaderMap, Method};
use warp::filters::BoxedFilter;
use warp::path::FullPath;
use warp::{Filter, Rejection};

use super::Context;
use super::input::{Input, read_body};
use super::openapi::Entry;
use super::patience::LongWait;
use super::problem::Problem;
use super::reply::{Response, named};

type Answered = Pin<Box<dyn Future<Output = Result<Response, Problem>> + Send>>;
type Handler = Arc<dyn Fn(Context, Input) -> Answered + Send + Sync>;

/// A path, and what its methods do.
pub(super) struct Resource {
    template: &'static str,
    operations: Vec<Operation>,
    upgrade: Upgrade,
}

/// A method of a resource: what it does, and how it is described.
pub(super) struct Operation {
    method: Method,
    body: Body,
    handler: Handler,
    describe: fn() -> Entry,
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
pub(super) fn get<F>(handler: fn(Context, Input) -> F, describe: fn() -> Entry) -> Operation
where
    F: Future<Output = Result<Response, Problem>> + Send + 'static,
{
    operation(Method::GET, Body::Ignored, handler, describe)
}

/// `POST`.
pub(super) fn post<F>(handler: fn(Context, Input) -> F, describe: fn() -> Entry) -> Operation
where
    F: Future<Output = Result<Response, Problem>> + Send + 'static,
{
    operation(Method::POST, Body::Read, handler, describe)
}

/// `PUT`.
pub(super) fn put<F>(handler: fn(Context, Input) -> F, describe: fn() -> Entry) -> Operation
where
    F: Future<Output = Result<Response, Problem>> + Send + 'static,
{
    operation(Method::PUT, Body::Read, handler, describe)
}

/// `PATCH`.
pub(super) fn patch<F>(handler: fn(Context, Input) -> F, describe: fn() -> Entry) -> Operation
where
    F: Future<Output = Result<Response, Problem>> + Send + 'static,
{
    operation(Method::PATCH, Body::Read, handler, describe)
}

/// `DELETE`.
pub(super) fn delete<F>(handler: fn(Context, Input) -> F, describe: fn() -> Entry) -> Operation
where
    F: Future<Output = Result<Response, Problem>> + Send + 'static,
{
    operation(Method::DELETE, Body::Ignored, handler, describe)
}

fn operation<F>(
    method: Method,
    body: Body,
    handler: fn(Context, Input) -> F,
    describe: fn() -> Entry,
) -> Operation
where
    F: Future<Output = Result<Response, Problem>> + Send + 'static,
{
    let handler: Handler = Arc::new(move |context, input| Box::pin(handler(context, input)));
    Operation { method, body, handler, describe }
}

/// A path and what its methods do. `template` is as in `OpenAPI`, `/reservations/{reservationId}`; a
/// trailing slash and the case of the fixed segments make no difference.
pub(super) fn resource(template: &'static str, operations: Vec<Operation>) -> Resource {
    Resource { template, operations, upgrade: Upgrade::No }
}

/// A path at which a WebSocket can be asked for, and what becomes of it.
pub(super) fn socket(template: &'static str, operation: Operation) -> Resource {
    Resource { template, operations: vec![operation], upgrade: Upgrade::Possible }
}

impl Resource {
    /// Its path.
    pub(super) fn template(&self) -> &'static str {
        self.template
    }

    /// Its methods, and how each is described.
    pub(super) fn described(&self) -> impl Iterator<Item = (&Method, Entry)> {
        self.operations.iter().map(|operation| (&operation.method, (operation.describe)()))
    }

    /// The route that answers whatever is asked for at its path.
    pub(super) fn route(self, context: &Context) -> BoxedFilter<(Response,)> {
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
            .and(warp::ext::optional::<LongWait>())
            .and(warp::body::stream())
            .then(
                move |segments,
                      query,
                      method: Method,
                      headers,
                      upgrade,
                      long_wait: Option<_>,
                      body| {
                    let (context, operations) = (context.clone(), operations.clone());
                    async move {
                        let request_id = context.request_id(&headers);
                        let input = Input {
                            request_id,
                            segments,
                            query,
                            headers,
                            upgrade,
                            long_wait: long_wait.unwrap_or_default(),
                            body: bytes::Bytes::new(),
                        };
                        let answered = dispatch(&operations, &method, context, input, body).await;
                        let told =
                            answered.unwrap_or_else(|problem| problem.into_response(request_id));
                        named(told, request_id)
                    }
                },
            )
            .boxed()
    }
}

async fn dispatch<B: Buf>(
    operations: &[Operation],
    method: &Method,
    context: Context,
    mut input: Input,
    body: impl warp::Stream<Item = Result<B, warp::Error>>,
) -> Result<Response, Problem> {
    let wanted = if method == Method::HEAD { &Method::GET } else { method };
    let operation = operations
        .iter()
        .find(|operation| operation.method == wanted)
        .ok_or_else(|| Problem::method_not_allowed(method, &allowed(operations)))?;
    if let Body::Read = operation.body {
        input.body = read_body(&input.headers, body).await?;
    }
    (operation.handler)(context, input).await
}

/// The methods that a resource knows, those that it answers by itself included.
fn allowed(operations: &[Operation]) -> Vec<Method> {
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
pub(super) fn either(
    routes: impl DoubleEndedIterator<Item = BoxedFilter<(Response,)>>,
) -> BoxedFilter<(Response,)> {
    routes
        .rev()
        .reduce(|tried_later, route| route.or(tried_later).unify().boxed())
        .expect("there is at least one route")
}

/// Matches every path: what it is, the method and the headers.
pub(super) fn anything()
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
