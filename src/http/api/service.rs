//! Whether the process lives, and whether it wants work.
//!
//! It must not know: what work there is.

use http::StatusCode;
use serde_json::json;

use crate::http::context::Context;
use crate::http::describe::operation::{OperationDoc, Tag};
use crate::http::describe::response::ResponseDoc;
use crate::http::kernel::problem::{Code, Problem};
use crate::http::kernel::reply::{Response, json};
use crate::http::kernel::request::Request;
use crate::http::wire::service::HealthBody;

/// `GET /healthz`: 200 as long as the process answers at all.
pub(crate) async fn live(_: Context, _: Request) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &HealthBody { status: "ok", damaged_events: Vec::new() }))
}

/// Describes [`live`].
pub(crate) fn describe_live() -> OperationDoc {
    let alive = ResponseDoc::json::<HealthBody>("It lives.", json!({ "status": "ok" }));
    OperationDoc::new(
        Tag::Service,
        "getHealth",
        "Whether it lives",
        "200 as long as it answers at all.",
    )
    .responds(StatusCode::OK, alive)
}

/// `GET /readyz`: 200 while new work is welcome, 503 `unavailable` while the server stops or after the
/// store has failed, 503 `storage_full` while there is no room on the disk. What is there can be looked
/// at meanwhile.
///
/// Damaged events are named; they do not make the others unready.
pub(crate) async fn ready(context: Context, _: Request) -> Result<Response, Problem> {
    if context.readiness.is_stopping() {
        return Err(Problem::new(Code::Unavailable, "the server is stopping").retry_later());
    }
    context.engine.check_room().await?;
    let damages = context.engine.damages();
    let damaged_events = damages.into_iter().map(|damage| damage.event.to_string()).collect();
    Ok(json(StatusCode::OK, &HealthBody { status: "ready", damaged_events }))
}

/// Describes [`ready`].
pub(crate) fn describe_ready() -> OperationDoc {
    let about = "Whether new work is welcome. Damaged events are named; the others are sold from.";
    let ready = ResponseDoc::json::<HealthBody>("It wants work.", json!({ "status": "ready" }));
    OperationDoc::new(Tag::Service, "getReadiness", "Whether it wants work", about)
        .responds(StatusCode::OK, ready)
        .problems(&[Code::StorageFull, Code::Unavailable])
}
