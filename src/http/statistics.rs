//! What was sold, held, given up and refused, when and by whom; for any stretch of an event's ledger.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::Context;
use super::input::Input;
use super::openapi::kinds;
use super::problem::{Code, Fault, Problem};
use super::query::{Query, version_of};
use super::reply::{Response, as_state, empty, etag, is_known, json, time_text};
use super::seed::event_in_path;
use ticketboss_core::domain::{Bucket, Count, Outcome, PartnerId, Statistics, Tally, Timestamp};

/// How many partners are told one by one; the others together.
const PARTNERS_TOLD_MAX: usize = 200;
/// How many stretches of time are told.
const BUCKETS_MAX: i64 = 1_000;
/// How many there are at most where nobody says how long they are.
const BUCKETS_USUAL: i64 = 100;
/// How long they then may be, in seconds: from a minute to thirty days.
const BUCKET_SECONDS_USUAL: [i64; 9] =
    [60, 300, 900, 3_600, 10_800, 21_600, 86_400, 604_800, 2_592_000];

/// What the changes of a stretch of a ledger come to.
#[derive(Serialize, ToSchema)]
#[schema(as = Statistics)]
#[serde(rename_all = "camelCase")]
pub(super) struct StatisticsBody<'a> {
    #[schema(value_type = kinds::EventId)]
    event_id: &'a str,
    /// The first and the last version that is counted.
    #[schema(value_type = kinds::Version)]
    from: u64,
    #[schema(value_type = kinds::Version)]
    to: u64,
    #[schema(value_type = kinds::Moment)]
    from_at: String,
    #[schema(value_type = kinds::Moment)]
    to_at: String,
    total: TallyBody,
    /// Those who bought most, first.
    partners: Vec<PartnerBody<'a>>,
    /// The other partners together, and refusals without a partner: of what was asked of the event itself, or
    /// of a reservation that it never had, and those of partners beyond the few that a change names.
    others: TallyBody,
    bucket_seconds: i64,
    buckets: Vec<BucketBody>,
}

/// What they come to of one partner.
#[derive(Serialize, ToSchema)]
#[schema(as = PartnerTally)]
#[serde(rename_all = "camelCase")]
struct PartnerBody<'a> {
    #[schema(value_type = kinds::PartnerId)]
    partner_id: &'a str,
    #[serde(flatten)]
    tally: TallyBody,
}

/// What happened, by its kind.
#[derive(Serialize, ToSchema)]
#[schema(as = Tally)]
#[serde(rename_all = "camelCase")]
struct TallyBody {
    /// `reserved`, `confirmed` and `confirmedLate` together.
    sold_seats: u64,
    reserved: CountBody,
    held: CountBody,
    confirmed: CountBody,
    confirmed_late: CountBody,
    released: CountBody,
    expired: CountBody,
    cancelled: CountBody,
    partly_cancelled: CountBody,
    extensions: u64,
    /// How many of the holds that have ended became sales, from 0 to 1; missing where none has ended. A
    /// hold has ended that was confirmed, released or expired in these versions, also one that had expired
    /// before and was confirmed late in them. Each counts once, and as a sale if it was sold in them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::Share)]
    conversion: Option<f64>,
    /// By the code of the problem. What is refused of a reservation is counted for its partner.
    #[schema(value_type = kinds::Refusals)]
    refusals: BTreeMap<&'static str, u64>,
}

/// How often, and how many seats.
#[derive(Serialize, ToSchema)]
#[schema(as = Count)]
#[serde(rename_all = "camelCase")]
struct CountBody {
    reservations: u64,
    seats: u64,
}

/// What happened in a stretch of time.
#[derive(Serialize, ToSchema)]
#[schema(as = Bucket)]
#[serde(rename_all = "camelCase")]
struct BucketBody {
    #[schema(value_type = kinds::Moment)]
    at: String,
    sold_seats: u64,
    held_seats: u64,
    /// Seats whose hold came to nothing.
    lost_seats: u64,
    cancelled_seats: u64,
    refusals: u64,
}

/// `GET /v1/events/{eventId}/statistics`: what the changes from version `from` up to `to` come to, of all
/// partners or of `partnerId`, with time in stretches of `bucketSeconds`. What was refused counts with the
/// change after it. 200, or 304 where the caller has the newest version; 400, also where `to` is less than `from`; 404 `event_not_found`,
/// `version_not_found`; 503.
pub(super) async fn read(context: Context, input: Input) -> Result<Response, Problem> {
    let event = context.engine.event(&event_in_path(&input)?)?;
    let mut query = Query::read(&input);
    let (from, to) = query.range(event.version());
    let only = query.take("partnerId", |text| {
        PartnerId::new(text).map_err(|invalid| invalid.to_string().into())
    });
    let bucket_seconds = query.take("bucketSeconds", |text| {
        let seconds =
            text.parse().ok().filter(|seconds| (1..=i64::from(u32::MAX)).contains(seconds));
        seconds.ok_or_else(|| "must be a number of seconds".into())
    });
    query.finish()?;
    for version in [from, to] {
        version_of(&event, Some(version))?;
    }
    if is_known(&input.headers, &etag(event.version())) {
        return Ok(as_state(empty(StatusCode::NOT_MODIFIED), event.version()));
    }
    let bucket_ms = |first: Timestamp, last: Timestamp| {
        let span_seconds = (last.0 - first.0) / 1_000;
        Ok::<_, Problem>(1_000 * choose_bucket_seconds(bucket_seconds, span_seconds)?)
    };
    let _waiting = input.long_wait.begin();
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
            .map(|(id, tally)| PartnerBody { partner_id: id.as_str(), tally: tally_body(tally) })
            .collect(),
        others: tally_body(&statistics.others),
        bucket_seconds,
        buckets: buckets(&statistics, first_at, last_at),
    };
    Ok(as_state(json(StatusCode::OK, &body), event.version()))
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
    Err(Problem::invalid_query(vec![Fault { pointer: "?bucketSeconds".into(), detail }]))
}

/// Every stretch of time from the first to the last, those in which nothing happened, too.
fn buckets(statistics: &Statistics, first: Timestamp, last: Timestamp) -> Vec<BucketBody> {
    let all = statistics.bucket_of(first)..=statistics.bucket_of(last);
    let body = |number| {
        let known = statistics.over_time.get(&number).copied();
        let Bucket { sold_seats, held_seats, lost_seats, cancelled_seats, refused } =
            known.unwrap_or_default();
        let at = time_text(statistics.begin_of(number));
        BucketBody { at, sold_seats, held_seats, lost_seats, cancelled_seats, refusals: refused }
    };
    all.map(body).collect()
}

fn tally_body(tally: &Tally) -> TallyBody {
    let count = |outcome| {
        let Count { reservations, seats } = tally.count(outcome);
        CountBody { reservations, seats }
    };
    let refusals = tally.refused.iter().map(|(kind, times)| (Code::of(*kind).as_str(), *times));
    #[expect(clippy::cast_precision_loss, reason = "a share of counts below 2^40 needs no more")]
    let conversion = tally.conversion().map(|(sold, ended)| sold as f64 / ended as f64);
    TallyBody {
        sold_seats: tally.sold_seats(),
        reserved: count(Outcome::Reserved),
        held: count(Outcome::Held),
        confirmed: count(Outcome::Confirmed),
        confirmed_late: count(Outcome::ConfirmedLate),
        released: count(Outcome::Released),
        expired: count(Outcome::Expired),
        cancelled: count(Outcome::Cancelled),
        partly_cancelled: count(Outcome::PartlyCancelled),
        extensions: tally.count(Outcome::Extended).reservations,
        conversion,
        refusals: refusals.collect(),
    }
}
