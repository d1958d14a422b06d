//! What handlers work with: the engine, the feeds, and whether the server takes new work.
//!
//! It must not know: which operations there are.

use http::HeaderMap;
use tokio_util::sync::CancellationToken;

use super::feed::Feeds;
use super::kernel::request_id;
use super::kernel::route::HandlerContext;
use ticketboss_core::domain::RequestId;
use ticketboss_engine::Engine;

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
}

impl HandlerContext for Context {
    fn request_id(&self, headers: &HeaderMap) -> RequestId {
        request_id::given(headers).unwrap_or_else(|| self.engine.new_request_id())
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

    /// Whether the server is going away.
    pub(crate) fn is_stopping(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Is cancelled when the server begins to stop.
    pub(crate) fn stopping(&self) -> CancellationToken {
        self.0.clone()
    }
}
