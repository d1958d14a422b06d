//! What proves the past: the digest that stands for all of a ledger, and the pages that lead up to it.
//!
//! Whoever has noted a digest can later see that what was before is still what it was. The pages are told
//! as they lie on the disk, so that nothing has to be believed: `ticketboss check-proof` looks at them.
//!
//! It must not know: what a page holds.

use http::StatusCode;
use serde_json::json;

use super::lookup::event_in_path;
use crate::http::context::Context;
use crate::http::describe::headers::ETAG;
use crate::http::describe::operation::{OF_EVENT, OperationDoc, Tag};
use crate::http::describe::parameters::{FROM, TO};
use crate::http::describe::response::ResponseDoc;
use crate::http::kernel::list_page::ListPage;
use crate::http::kernel::problem::{Code, Problem};
use crate::http::kernel::query::Query;
use crate::http::kernel::reply::{Response, as_state, json, not_modified};
use crate::http::kernel::request::Request;
use crate::http::kernel::text::time_text;
use crate::http::wire::ledger::{LedgerHeadBody, ProofBody, ledger_page_body};

/// How many pages one answer has at most.
const PAGES_MAX: usize = 32;

/// `GET /v1/events/{eventId}/ledger/head`: the version and the digest of the newest page. 200, or 304 where
/// the caller has that version; 404; 503.
pub(crate) async fn head(context: Context, request: Request) -> Result<Response, Problem> {
    let (event, digest) = context.engine.ledger_head(&event_in_path(&request)?)?;
    Query::read(&request).finish()?;
    let version = event.version();
    if let Some(response) = not_modified(&request.headers, version) {
        return Ok(response);
    }
    let body = LedgerHeadBody {
        event_id: event.id().as_str(),
        version: version.get(),
        digest,
        updated_at: time_text(event.updated_at()),
    };
    Ok(as_state(json(StatusCode::OK, &body), version))
}

/// Describes [`head`].
pub(crate) fn describe_head() -> OperationDoc {
    let about = "The digest that stands for all that was up to that version. Whoever has noted it can see later \
        that it still is what it was.";
    let example = json!({
        "eventId": "jazz-2026", "version": 3, "digest": example_digest('a'),
        "updatedAt": "2026-01-07T09:30:00.000Z",
    });
    let told = ResponseDoc::json::<LedgerHeadBody<'_>>("The head of the ledger.", example);
    OperationDoc::new(Tag::Ledger, "getLedgerHead", "Look at the head of the ledger", about)
        .responds(StatusCode::OK, told.with(ETAG))
        .responds_not_modified()
        .problems(&[Code::InvalidRequest])
        .problems(OF_EVENT)
}

/// `GET /v1/events/{eventId}/proof`: the pages that hold the versions from `from` up to `to`, or from the
/// first up to the newest. The first may begin before, and the last may go on after. 200, or 304 where the
/// caller has the newest version; 400; 404 `event_not_found`, `version_not_found`; 503.
pub(crate) async fn proof(context: Context, request: Request) -> Result<Response, Problem> {
    let event = context.engine.event(&event_in_path(&request)?)?;
    let mut query = Query::read(&request);
    let (from, to) = query.range(event.version());
    query.finish()?;
    let sealed = context.engine.sealed_pages(event.id(), from, to, PAGES_MAX).await?;
    if let Some(response) = not_modified(&request.headers, event.version()) {
        return Ok(response);
    }
    let (mut pages, mut last) = (ListPage::new(PAGES_MAX), to);
    for page in sealed {
        if pages.is_full() {
            break;
        }
        pages.add(&ledger_page_body(&page));
        last = page.last_version;
    }
    let next = (last < to)
        .then(|| format!("/v1/events/{}/proof?from={}&to={to}", event.id(), last.next()));
    let (event_id, event_number) = (event.id().as_str(), event.number().0);
    let body = ProofBody { event_id, event_number, pages, next };
    Ok(as_state(json(StatusCode::OK, &body), event.version()))
}

/// Describes [`proof`].
pub(crate) fn describe_proof() -> OperationDoc {
    let about = "The pages that hold the versions `from` up to `to`, as they lie on the disk; `ticketboss \
        check-proof` looks at them. The first may begin before, and the last may go on after.";
    let page = json!({
        "firstVersion": 2, "lastVersion": 3, "previousDigest": example_digest('0'), "digest": example_digest('a'),
        "bytes": "AAECAw==",
    });
    let example = json!({ "eventId": "jazz-2026", "eventNumber": 2, "pages": [page] });
    let told = ResponseDoc::json::<ProofBody<'_>>("The pages, or some of them.", example);
    OperationDoc::new(Tag::Ledger, "getProof", "Prove the past", about)
        .takes(&[FROM, TO])
        .responds(StatusCode::OK, told.with(ETAG))
        .responds_not_modified()
        .problems(&[Code::InvalidRequest, Code::VersionNotFound, Code::Unavailable])
        .problems(OF_EVENT)
}

fn example_digest(digit: char) -> String {
    std::iter::repeat_n(digit, 64).collect()
}
