//! Blocks: seats that are taken out of the sale of an event, and put back.
//!
//! It must not know: why seats are taken out.

use http::StatusCode;
use serde_json::{Value, json};
use utoipa::openapi::schema::ObjectBuilder;

use super::lookup::event_in_path;
use crate::http::context::Context;
use crate::http::describe::headers::{ETAG, REPLAYED};
use crate::http::describe::operation::{OF_BODY, OF_CHANGE, OF_EVENT, OperationDoc, Tag};
use crate::http::describe::parameters::{
    AT_VERSION, IDEMPOTENCY_KEY, IF_MATCH, LIMIT, VERSION_CURSOR,
};
use crate::http::describe::response::ResponseDoc;
use crate::http::kernel::body::{Fields, Unknown, seats, word};
use crate::http::kernel::idempotency::{marked, request_context};
use crate::http::kernel::kinds::{closed, seats_from_one, text};
use crate::http::kernel::list_page::ListPage;
use crate::http::kernel::precondition::if_match;
use crate::http::kernel::problem::{Code, Problem};
use crate::http::kernel::query::{Query, version_of};
use crate::http::kernel::reply::{Response, as_state, empty, json, not_modified, with_version};
use crate::http::kernel::request::Request;
use crate::http::kernel::text::time_text;
use crate::http::wire::block::{BlockBody, BlockListBody};
use ticketboss_core::domain::{Reason, Version};
use ticketboss_engine::{Receipt, RequestContext};

/// `GET /v1/events/{eventId}/blocks`: the seats that are taken out of sale, or were at `atVersion`, in the
/// order in which that was done. `limit` and `cursor` go through a long list, as through the others. 200, or
/// 304 where the caller has that version; 400; 404 `event_not_found`, `version_not_found`; 503.
pub(crate) async fn list(context: Context, request: Request) -> Result<Response, Problem> {
    let event = context.engine.event(&event_in_path(&request)?)?;
    let mut query = Query::read(&request);
    let (at_version, limit, after) = (query.at_version(), query.limit(), query.after_version());
    let told = query.rest();
    query.finish()?;
    let version = version_of(&event, at_version)?;
    if let Some(response) = not_modified(&request.headers, version) {
        return Ok(response);
    }
    let (mut items, mut last, mut next) = (ListPage::new(limit), Version::ZERO, None);
    for (made_by, block) in event.blocks_as_of(version, after.unwrap_or(Version::ZERO)) {
        if items.is_full() {
            let path = format!("/v1/events/{}/blocks", event.id());
            next = Some(format!("{path}?limit={limit}&cursor={last}{told}"));
            break;
        }
        items.add(&BlockBody {
            block_id: made_by.get(),
            seats: block.seats.get(),
            reason: block.reason.as_str(),
            created_at: time_text(block.since),
        });
        last = made_by;
    }
    Ok(as_state(json(StatusCode::OK, &BlockListBody { items, next }), version))
}

/// Describes [`list`].
pub(crate) fn describe_list() -> OperationDoc {
    let about = "The seats that are taken out of sale, or were at `atVersion`, in the order in which that was \
        done.";
    let next = "/v1/events/jazz-2026/blocks?limit=1&cursor=2";
    let example = json!({ "items": [example_block()], "next": next });
    let told = ResponseDoc::json::<BlockListBody>("The blocks, or some of them.", example);
    OperationDoc::new(Tag::Events, "listBlocks", "List blocks", about)
        .takes(&[AT_VERSION, LIMIT, VERSION_CURSOR])
        .responds(StatusCode::OK, told.with(ETAG))
        .responds_not_modified()
        .problems(OF_EVENT)
        .problems(&[Code::InvalidRequest, Code::VersionNotFound])
}

/// `POST /v1/events/{eventId}/blocks`: takes seats out of sale. 201 with the block; 400; 404; 409
/// `not_enough_seats`; 412, 428; 503.
pub(crate) async fn create(context: Context, request: Request) -> Result<Response, Problem> {
    let id = event_in_path(&request)?;
    let if_terms_of = if_match(&request, &*context.engine.event(&id)?)?;
    let mut fields = Fields::read(&request)?;
    let seats = fields.required("seats", seats);
    let reason = fields.required("reason", |given| word(given, Reason::new));
    fields.finish(Unknown::Refused)?;
    let (seats, reason) = seats.zip(reason).expect("a field that is missing is a fault");
    let request_context = RequestContext { if_terms_of, ..request_context(&request, "block", "")? };
    let Receipt { result: made, replay, .. } =
        context.engine.block(&id, seats, reason.clone(), request_context).await?;
    let (seats, reason) = (seats.get(), reason.as_str());
    let created_at = time_text(made.at);
    let body = BlockBody { block_id: made.version.get(), seats, reason, created_at };
    Ok(marked(with_version(json(StatusCode::CREATED, &body), made.version), replay))
}

/// Describes [`create`].
pub(crate) fn describe_create() -> OperationDoc {
    let about = "Takes seats out of sale, with a reason.";
    let which = [
        ("eventId", "$request.path.eventId"),
        ("blockId", "$response.body#/blockId"),
        ("header.If-Match", "$response.header.ETag"),
    ];
    let blocked = ResponseDoc::json::<BlockBody<'_>>("The block.", example_block());
    OperationDoc::new(Tag::Events, "blockSeats", "Take seats out of sale", about)
        .takes(&[IF_MATCH, IDEMPOTENCY_KEY])
        .body("NewBlock", new_block_schema(), json!({ "seats": 4, "reason": "camera" }))
        .responds(
            StatusCode::CREATED,
            blocked.with(ETAG).with(REPLAYED).leads_to("unblockSeats", &which),
        )
        .problems(OF_BODY)
        .problems(&[Code::EventNotFound, Code::NotEnoughSeats, Code::IdempotencyKeyReused])
        .problems(&[Code::PreconditionFailed, Code::PreconditionRequired])
        .problems(OF_CHANGE)
}

/// `DELETE /v1/events/{eventId}/blocks/{blockId}`: puts the seats back. 204; 404 `block_not_found`; 412, 428;
/// 503.
pub(crate) async fn delete(context: Context, request: Request) -> Result<Response, Problem> {
    let id = event_in_path(&request)?;
    let if_terms_of = if_match(&request, &*context.engine.event(&id)?)?;
    let block = request.segment(1).parse().ok().and_then(Version::new);
    let block = block.ok_or_else(|| Problem::new(Code::BlockNotFound, "it is no block's id"))?;
    let request_context =
        RequestContext { if_terms_of, ..request_context(&request, "unblock", "")? };
    let Receipt { version, replay, .. } =
        context.engine.unblock(&id, block, request_context).await?;
    Ok(marked(with_version(empty(StatusCode::NO_CONTENT), version), replay))
}

/// Describes [`delete`].
pub(crate) fn describe_delete() -> OperationDoc {
    let about = "The seats of a block can be sold again.";
    let unblocked = ResponseDoc::empty("The seats are back.").with(ETAG).with(REPLAYED);
    OperationDoc::new(Tag::Events, "unblockSeats", "Put seats back on sale", about)
        .takes(&[IF_MATCH, IDEMPOTENCY_KEY])
        .responds(StatusCode::NO_CONTENT, unblocked)
        .problems(&[Code::InvalidRequest, Code::EventNotFound, Code::BlockNotFound])
        .problems(&[Code::PreconditionFailed, Code::PreconditionRequired])
        .problems(OF_CHANGE)
}

/// Seats to be taken out of sale.
fn new_block_schema() -> ObjectBuilder {
    closed("Seats that are taken out of sale.")
        .property("seats", seats_from_one())
        .property("reason", text(Reason::CHARS_MAX))
        .required("seats")
        .required("reason")
}

fn example_block() -> Value {
    json!({
        "blockId": 2, "seats": 4, "reason": "camera", "createdAt": "2026-01-07T09:10:00.000Z",
    })
}
