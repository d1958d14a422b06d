//! Whether the process lives, and whether it wants work.

use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::Context;
use super::input::Input;
use super::openapi::kinds;
use super::problem::{Code, Problem};
use super::reply::{Response, json};

/// How the server is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Health {
    #[schema(value_type = kinds::HealthStatus)]
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = kinds::EventIds)]
    damaged_events: Vec<String>,
}

/// `GET /healthz`: 200 as long as the process answers at all.
pub(super) async fn live(_: Context, _: Input) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &Health { status: "ok", damaged_events: Vec::new() }))
}

/// `GET /readyz`: 200 while new work is welcome, 503 `unavailable` while the server stops or after the
/// store has failed, 503 `storage_full` while there is no room on the disk. What is there can be looked
/// at meanwhile.
///
/// Damaged events are named; they do not make the others unready.
pub(super) async fn ready(context: Context, _: Input) -> Result<Response, Problem> {
    if context.readiness.is_stopping() {
        return Err(Problem::new(Code::Unavailable, "the server is stopping").retry_later());
    }
    context.engine.check_room().await?;
    let damages = context.engine.damages();
    let damaged_events = damages.into_iter().map(|damage| damage.event.to_string()).collect();
    Ok(json(StatusCode::OK, &Health { status: "ready", damaged_events }))
}
