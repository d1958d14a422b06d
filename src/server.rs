//! Connections: the accept loop around the filters, its limits, its end.
//!
//! warp's own server has no header timeout, no cap on connections, no `TCP_NODELAY` and a graceful
//! stop without an end (its author recommends a loop of one's own). It must not know what is served:
//! the answering function, the listener and the moment to stop come in as arguments.

pub mod access_log;
mod places;
mod stream;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::net::sockopt::set_socket_send_buffer_size;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::http::{Connection, Response};
use access_log::AccessLog;
use places::{Place, Places};
use stream::ClientStream;

/// How long the loop waits after it could not accept, as when no file descriptor is left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long connections that are cut have to end. One that is just being worked on ends when it lets others
/// have their turn.
const CUT_GRACE: Duration = Duration::from_millis(250);
/// The most of a connection that is kept unread; a longer request head is refused. Ten thousand clients
/// that stop before the end of such a head take about 270 MB.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// What the system keeps of answers that a client does not read, or nearly: several of the longest. By
/// itself it would keep megabytes, and the server would be busy until they are full.
const UNREAD_BYTES_MAX: usize = 64 * 1024;
/// The most headers of a request.
const HEADERS_MAX: usize = 100;

/// What connections may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many are served at once. One more is accepted, and waits; the rest wait for that.
    pub connections_max: NonZeroU32,
    /// How long a request's head may take to arrive; an idle connection is closed after the same time.
    pub head_timeout: Duration,
    /// How long a client may take to read a part of its answer.
    pub write_timeout: Duration,
    /// How long connections have, after the stop, to finish what is in flight.
    pub grace: Duration,
}

impl Limits {
    /// The limits for `connections_max` connections that serve everybody who has no reason for others.
    pub fn standard(connections_max: NonZeroU32) -> Self {
        Self {
            connections_max,
            head_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            grace: Duration::from_secs(8),
        }
    }
}

/// Answers requests from `listener` until `stop` is done; then finishes what is in flight, as long as
/// the limits allow, and returns.
pub async fn serve<A, F>(
    listener: TcpListener,
    answer: A,
    access_log: AccessLog,
    limits: Limits,
    stop: impl Future<Output = ()>,
) where
    A: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    // However this ends, nothing is worked on any more for a connection that is not waited for.
    let cut = CancellationToken::new();
    let _cut_in_the_end = cut.clone().drop_guard();
    let (connections, stopping) = (TaskTracker::new(), cut.child_token());
    let mut places = Places::new(limits.connections_max);
    let mut stop = std::pin::pin!(stop);
    loop {
        let (stream, peer, place) = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listener, &mut places) => accepted,
        };
        let attached = Connection::from_peer(peer);
        let long_wait = attached.long_wait.clone();
        let stream = ClientStream::new(stream, place, limits.write_timeout, long_wait);
        let (answer, access_log) = (answer.clone(), access_log.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(attached.clone());
            let answered = answer_logged(answer.clone(), access_log.clone(), peer, request);
            async { Ok::<_, std::convert::Infallible>(answered.await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head_timeout)
            .max_buf_size(HEAD_BYTES_MAX)
            .max_headers(HEADERS_MAX)
            // A client may have said all that it has to say and still wait for its answer; where it would
            // keep a place that others want, the stream looks out for its end. Besides,
            // looking out for the end of what it says costs a read buffer for every answer that is
            // not there at once.
            .half_close(true)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let (stopping, cut) = (stopping.clone(), cut.clone());
        connections.spawn(async move {
            let mut connection = std::pin::pin!(connection);
            // A connection that ends in an error was ended by the other side or by a timeout.
            tokio::select! {
                biased;
                _ = connection.as_mut() => return,
                () = stopping.cancelled() => connection.as_mut().graceful_shutdown(),
            }
            tokio::select! {
                biased;
                () = cut.cancelled() => {}
                _ = connection => {}
            }
        });
    }
    drop(listener);
    stopping.cancel();
    connections.close();
    if tokio::time::timeout(limits.grace, connections.wait()).await.is_err() {
        log::warn!("some connections were still open after {:?} and were cut", limits.grace);
        cut.cancel();
        let _ = tokio::time::timeout(CUT_GRACE, connections.wait()).await;
    }
}

/// The next connection, once there is a place for it; until then callers wait in the backlog.
async fn accept(listener: &TcpListener, places: &mut Places) -> (TcpStream, SocketAddr, Place) {
    let (stream, peer) = loop {
        match listener.accept().await {
            Ok(accepted) => break accepted,
            // A client that went away while it waited is no fault of ours, and nothing lacks.
            Err(error) if is_of_the_client(error.kind()) => {}
            Err(error) => {
                if places.may_tell() {
                    log::warn!("a connection could not be accepted: {error}");
                }
                // It may be descriptors that lack, and the slowest clients have some.
                places.recall();
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    };
    // Without it small answers wait for the other side's delayed acknowledgement. Where it cannot be
    // set, the connection is about to break anyway.
    let _ = stream.set_nodelay(true);
    let _ = set_socket_send_buffer_size(&stream, UNREAD_BYTES_MAX);
    (stream, peer, places.take().await)
}

fn is_of_the_client(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset)
}

async fn answer_logged<F: Future<Output = Response>>(
    answer: impl Fn(Request<Incoming>) -> F,
    access_log: AccessLog,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Response {
    let began = Instant::now();
    let entry = access_log.begin(peer, &request);
    let response = answer(request).await;
    if let Some(entry) = entry {
        access_log.finish(entry, &response, began.elapsed());
    }
    response
}
