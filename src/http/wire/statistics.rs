//! Statistics as JSON.
//!
//! It must not know: how changes are counted.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Type};

use crate::http::kernel::kinds::{self, kinds, seat_count};
use crate::http::kernel::problem::Code;
use crate::http::kernel::problem::code::problem_code;
use crate::http::kernel::text::time_text;
use ticketboss_core::domain::{Bucket, Count, Outcome, Statistics, Tally, Timestamp};

kinds! {
    Share: "A share of a whole.", share();
    Refusals: "How often something was refused, by the code of the problem.", refusals();
}

fn share() -> ObjectBuilder {
    let number = ObjectBuilder::new().schema_type(Type::Number);
    number.minimum(Some(0_u32)).maximum(Some(1_u32))
}

fn refusals() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .property_names(Some(problem_code()))
        .additional_properties(Some(AdditionalProperties::from(RefOr::from(seat_count()))))
}

/// What the changes of a stretch of a ledger come to.
#[derive(Serialize, ToSchema)]
#[schema(as = Statistics)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StatisticsBody<'a> {
    #[schema(value_type = kinds::EventId)]
    pub(crate) event_id: &'a str,
    /// The first and the last version that is counted.
    #[schema(value_type = kinds::Version)]
    pub(crate) from: u64,
    #[schema(value_type = kinds::Version)]
    pub(crate) to: u64,
    #[schema(value_type = kinds::Moment)]
    pub(crate) from_at: String,
    #[schema(value_type = kinds::Moment)]
    pub(crate) to_at: String,
    pub(crate) total: TallyBody,
    /// Those who bought most, first.
    pub(crate) partners: Vec<PartnerTallyBody<'a>>,
    /// The other partners together, and refusals without a partner: of what was asked of the event itself, or
    /// of a reservation that it never had, and those of partners beyond the few that a change names.
    pub(crate) others: TallyBody,
    pub(crate) bucket_seconds: i64,
    pub(crate) buckets: Vec<BucketBody>,
}

/// What they come to of one partner.
#[derive(Serialize, ToSchema)]
#[schema(as = PartnerTally)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PartnerTallyBody<'a> {
    #[schema(value_type = kinds::PartnerId)]
    pub(crate) partner_id: &'a str,
    #[serde(flatten)]
    pub(crate) tally: TallyBody,
}

/// What happened, by its kind.
#[derive(Serialize, ToSchema)]
#[schema(as = Tally)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TallyBody {
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
    #[schema(value_type = Share)]
    conversion: Option<f64>,
    /// By the code of the problem. What is refused of a reservation is counted for its partner.
    #[schema(value_type = Refusals)]
    refusals: BTreeMap<&'static str, u64>,
}

/// How often, and how many seats.
#[derive(Serialize, ToSchema)]
#[schema(as = Count)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CountBody {
    reservations: u64,
    seats: u64,
}

/// What happened in a stretch of time.
#[derive(Serialize, ToSchema)]
#[schema(as = Bucket)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BucketBody {
    #[schema(value_type = kinds::Moment)]
    at: String,
    sold_seats: u64,
    held_seats: u64,
    /// Seats whose hold came to nothing.
    lost_seats: u64,
    cancelled_seats: u64,
    refusals: u64,
}

/// Every stretch of time from the first to the last, those in which nothing happened, too.
pub(crate) fn bucket_bodies(
    statistics: &Statistics,
    first: Timestamp,
    last: Timestamp,
) -> Vec<BucketBody> {
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

/// What happened, as it is told.
pub(crate) fn tally_body(tally: &Tally) -> TallyBody {
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
