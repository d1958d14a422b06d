//! What was sold, held, given up and refused, when and by whom; for any stretch of an event's ledger.
//!
//! It must not know: how changes are counted.

use std::cmp::Reverse;

use http::StatusCode;
use serde_json::{Value, json};

use super::lookup::event_in_path;
use crate::http::context::Context;
use crate::http::describe::headers::ETAG;
use crate::http::describe::operation::{OF_EVENT, OperationDoc, Tag};
use crate::http::describe::parameters::{BUCKET_SECONDS, COUNTED_PARTNER_ID, FROM, TO};
use crate::http::describe::response::ResponseDoc;
use crate::http::kernel::problem::{Code, Fault, Problem};
use crate::http::kernel::query::{Query, version_of};
use crate::http::kernel::reply::{Response, as_state, json, not_modified};
use crate::http::kernel::request::Request;
use crate::http::kernel::text::time_text;
use crate::http::wire::statistics::{PartnerTallyBody, StatisticsBody, bucket_bodies, tally_body};
use ticketboss_core::domain::Timestamp;

/// How many partners are told one by one; the others together.
const PARTNERS_TOLD_MAX: usize = 200;
/// How many stretches of time are told.
const BUCKETS_MAX: i64 = 1_000;
/// How many there are at most where nobody says how long they are.
const BUCKETS_USUAL: i64 = 100;
/// How long they then may be, in seconds: from a minute to thirty days.
const BUCKET_SECONDS_USUAL: [i64; 9] =
    [60, 300, 900, 3_600, 10_800, 21_600, 86_400, 604_800, 2_592_000];

/// `GET /v1/events/{eventId}/statistics`: what the changes from version `from` up to `to` come to, of all
/// partners or of `partnerId`, with time in stretches of `bucketSeconds`. What was refused counts with the
/// change after it. 200, or 304 where the caller has the newest version; 400, also where `to` is less than `from`; 404 `event_not_found`,
/// `version_not_found`; 503.
pub(crate) async fn read(context: Context, request: Request) -> Result<Response, Problem> {
    let event = context.engine.event(&event_in_path(&request)?)?;
    let mut query = Query::read(&request);
    let (from, to) = query.range(event.version());
    let only = query.partner_id();
    let bucket_seconds = query.take("bucketSeconds", |text| {
        let seconds =
            text.parse().ok().filter(|seconds| (1..=i64::from(u32::MAX)).contains(seconds));
        seconds.ok_or_else(|| "must be a number of seconds".into())
    });
    query.finish()?;
    for version in [from, to] {
        version_of(&event, Some(version))?;
    }
    if let Some(response) = not_modified(&request.headers, event.version()) {
        return Ok(response);
    }
    let bucket_ms = |first: Timestamp, last: Timestamp| {
        let span_seconds = (last.0 - first.0) / 1_000;
        Ok::<_, Problem>(1_000 * choose_bucket_seconds(bucket_seconds, span_seconds)?)
    };
    let _waiting = request.long_wait.begin();
    let counted = context.engine.statistics(event.id(), (from, to), only, bucket_ms).await?;
    let (mut statistics, first_at, last_at) = counted;
    let named = std::mem::take(&mut statistics.by_partner);
    let mut partners = named.iter().collect::<Vec<_>>();
    partners.sort_by_key(|(_, tally)| Reverse(tally.sold_seats()));
    let left_out = partners.split_off(partners.len().min(PARTNERS_TOLD_MAX));
    for (_, tally) in left_out {
        statistics.others.merge(tally);
    }
    let bucket_seconds = (statistics.begin_of(1).0 - statistics.begin_of(0).0) / 1_000;
    let body = StatisticsBody {
        event_id: event.id().as_str(),
        from: from.get(),
        to: to.get(),
        from_at: time_text(first_at),
        to_at: time_text(last_at),
        total: tally_body(&statistics.total),
        partners: partners
            .iter()
            .map(|(id, tally)| PartnerTallyBody {
                partner_id: id.as_str(),
                tally: tally_body(tally),
            })
            .collect(),
        others: tally_body(&statistics.others),
        bucket_seconds,
        buckets: bucket_bodies(&statistics, first_at, last_at),
    };
    Ok(as_state(json(StatusCode::OK, &body), event.version()))
}

/// Describes [`read`].
pub(crate) fn describe_read() -> OperationDoc {
    let about = "What the changes of versions `from` up to `to` come to, of all partners or of one, in stretches \
        of time; `to` is not before `from`. What was refused counts with the change after it, which names a few \
        of the partners.";
    let told = ResponseDoc::json::<StatisticsBody<'_>>("The statistics.", example_statistics());
    OperationDoc::new(Tag::Ledger, "getStatistics", "Count what happened", about)
        .takes(&[FROM, TO, COUNTED_PARTNER_ID, BUCKET_SECONDS])
        .responds(StatusCode::OK, told.with(ETAG))
        .responds_not_modified()
        .problems(&[Code::InvalidRequest, Code::VersionNotFound])
        .problems(&[Code::Overloaded, Code::Unavailable])
        .problems(OF_EVENT)
}

/// How long a stretch of time is: as long as is asked for, or so that there are not too many.
fn choose_bucket_seconds(asked: Option<i64>, span_seconds: i64) -> Result<i64, Problem> {
    // A span touches one stretch more than it is long, and one more where it begins within one.
    let fits = |seconds: i64, most: i64| span_seconds / seconds + 2 <= most;
    let Some(seconds) = asked else {
        let mut usual = BUCKET_SECONDS_USUAL.into_iter();
        let chosen = usual.find(|seconds| fits(*seconds, BUCKETS_USUAL));
        return Ok(chosen.unwrap_or(span_seconds / BUCKETS_USUAL + 1));
    };
    if fits(seconds, BUCKETS_MAX) {
        return Ok(seconds);
    }
    let detail = format!("must be more, as there may be {BUCKETS_MAX} buckets");
    Err(Problem::invalid_query(vec![Fault::at("?bucketSeconds", detail)]))
}

fn example_statistics() -> Value {
    let none = json!({ "reservations": 0, "seats": 0 });
    let tally = |sold_seats: u32, reserved: Value| {
        json!({
            "soldSeats": sold_seats, "reserved": reserved, "held": none, "confirmed": none,
            "confirmedLate": none, "released": none, "expired": none, "cancelled": none,
            "partlyCancelled": none, "extensions": 0, "refusals": {},
        })
    };
    let total = tally(2, json!({ "reservations": 1, "seats": 2 }));
    let mut partner = json!({ "partnerId": "abc-corp" });
    if let (Some(partner), Some(total)) = (partner.as_object_mut(), total.as_object()) {
        partner.extend(total.clone());
    }
    json!({
        "eventId": "jazz-2026", "from": 1, "to": 3, "fromAt": "2026-01-07T09:00:00.000Z",
        "toAt": "2026-01-07T09:30:00.000Z", "total": total, "partners": [partner],
        "others": tally(0, none.clone()), "bucketSeconds": 3600,
        "buckets": [{
            "at": "2026-01-07T09:00:00.000Z", "soldSeats": 2, "heldSeats": 0, "lostSeats": 0,
            "cancelledSeats": 0, "refusals": 0,
        }],
    })
}
