//! What proves the past: the digest that stands for all of a ledger, and the pages that lead up to it.
//!
//! Whoever has noted a digest can later see that what was before is still what it was. The pages are told
//! as they lie on the disk, so that nothing has to be believed: `ticketboss check-proof` looks at them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::Context;
use super::input::Input;
use super::openapi::kinds;
use super::part::Part;
use super::problem::Problem;
use super::query::Query;
use super::reply::{Response, as_state, empty, etag, is_known, json, time_text};
use super::seed::event_in_path;
use ticketboss_engine::SealedPage;

/// How many pages one answer has at most.
const PAGES_MAX: usize = 32;

/// The head of a ledger.
#[derive(Serialize, ToSchema)]
#[schema(as = LedgerHead)]
#[serde(rename_all = "camelCase")]
pub(super) struct HeadBody<'a> {
    #[schema(value_type = kinds::EventId)]
    event_id: &'a str,
    #[schema(value_type = kinds::Version)]
    version: u64,
    /// The digest of the newest page, in hexadecimal digits.
    #[schema(value_type = kinds::Digest)]
    digest: String,
    #[schema(value_type = kinds::Moment)]
    updated_at: String,
}

/// Pages of a ledger, one after the other.
#[derive(Serialize, ToSchema)]
#[schema(as = Proof)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProofBody<'a> {
    #[schema(value_type = kinds::EventId)]
    event_id: &'a str,
    #[schema(value_type = kinds::SeatCount)]
    event_number: u32,
    #[schema(value_type = Vec<PageBody>)]
    pages: Part,
    /// Where it goes on, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::Address)]
    next: Option<String>,
}

/// A page of a ledger.
#[derive(Serialize, ToSchema)]
#[schema(as = Page)]
#[serde(rename_all = "camelCase")]
struct PageBody {
    #[schema(value_type = kinds::Version)]
    first_version: u64,
    #[schema(value_type = kinds::Version)]
    last_version: u64,
    /// The digest of the page before it; zeros where this is the first.
    #[schema(value_type = kinds::Digest)]
    previous_digest: String,
    #[schema(value_type = kinds::Digest)]
    digest: String,
    /// Its bytes in Base64.
    #[schema(value_type = kinds::Base64)]
    bytes: String,
}

/// `GET /v1/events/{eventId}/ledger/head`: the version and the digest of the newest page. 200, or 304 where
/// the caller has that version; 404; 503.
pub(super) async fn head(context: Context, input: Input) -> Result<Response, Problem> {
    let (event, digest) = context.engine.ledger_head(&event_in_path(&input)?)?;
    Query::read(&input).finish()?;
    let version = event.version();
    if is_known(&input.headers, &etag(version)) {
        return Ok(as_state(empty(StatusCode::NOT_MODIFIED), version));
    }
    let body = HeadBody {
        event_id: event.id().as_str(),
        version: version.get(),
        digest,
        updated_at: time_text(event.updated_at()),
    };
    Ok(as_state(json(StatusCode::OK, &body), version))
}

/// `GET /v1/events/{eventId}/proof`: the pages that hold the versions from `from` up to `to`, or from the
/// first up to the newest. The first may begin before, and the last may go on after. 200, or 304 where the
/// caller has the newest version; 400; 404 `event_not_found`, `version_not_found`; 503.
pub(super) async fn proof(context: Context, input: Input) -> Result<Response, Problem> {
    let event = context.engine.event(&event_in_path(&input)?)?;
    let mut query = Query::read(&input);
    let (from, to) = query.range(event.version());
    query.finish()?;
    let sealed = context.engine.sealed_pages(event.id(), from, to, PAGES_MAX).await?;
    if is_known(&input.headers, &etag(event.version())) {
        return Ok(as_state(empty(StatusCode::NOT_MODIFIED), event.version()));
    }
    let (mut pages, mut last) = (Part::new(PAGES_MAX), to);
    for page in sealed {
        if pages.is_full() {
            break;
        }
        pages.add(&page_body(&page));
        last = page.last_version;
    }
    let next = (last < to)
        .then(|| format!("/v1/events/{}/proof?from={}&to={to}", event.id(), last.next()));
    let (event_id, event_number) = (event.id().as_str(), event.number().0);
    let body = ProofBody { event_id, event_number, pages, next };
    Ok(as_state(json(StatusCode::OK, &body), event.version()))
}

fn page_body(page: &SealedPage) -> PageBody {
    PageBody {
        first_version: page.first_version.get(),
        last_version: page.last_version.get(),
        previous_digest: page.previous.clone(),
        digest: page.digest.clone(),
        bytes: STANDARD.encode(&page.bytes),
    }
}
