//! The operations that prove the past and count it up, described.

use http::StatusCode;
use serde_json::{Value, json};

use super::entry::{Answer, Entry, OF_EVENT, Tag};
use super::parameters::{BUCKET_SECONDS, COUNTED_PARTNER_ID, ETAG, FROM, TO};
use crate::http::ledger::{HeadBody, ProofBody};
use crate::http::problem::Code;
use crate::http::statistics::StatisticsBody;

/// `GET /v1/events/{eventId}/ledger/head`.
pub(in crate::http) fn head() -> Entry {
    let about = "The digest that stands for all that was up to that version. Whoever has noted it can see later \
        that it still is what it was.";
    let example = json!({
        "eventId": "jazz-2026", "version": 3, "digest": digest('a'),
        "updatedAt": "2026-01-07T09:30:00.000Z",
    });
    let told = Answer::json::<HeadBody<'_>>("The head of the ledger.", example);
    Entry::new(Tag::Ledger, "getLedgerHead", "Look at the head of the ledger", about)
        .answers(StatusCode::OK, told.with(ETAG))
        .answers_not_modified()
        .problems(&[Code::InvalidRequest])
        .problems(OF_EVENT)
}

/// `GET /v1/events/{eventId}/proof`.
pub(in crate::http) fn proof() -> Entry {
    let about = "The pages that hold the versions `from` up to `to`, as they lie on the disk; `ticketboss \
        check-proof` looks at them. The first may begin before, and the last may go on after.";
    let page = json!({
        "firstVersion": 2, "lastVersion": 3, "previousDigest": digest('0'), "digest": digest('a'),
        "bytes": "AAECAw==",
    });
    let example = json!({ "eventId": "jazz-2026", "eventNumber": 2, "pages": [page] });
    let told = Answer::json::<ProofBody<'_>>("The pages, or some of them.", example);
    Entry::new(Tag::Ledger, "getProof", "Prove the past", about)
        .takes(&[FROM, TO])
        .answers(StatusCode::OK, told.with(ETAG))
        .answers_not_modified()
        .problems(&[Code::InvalidRequest, Code::VersionNotFound, Code::Unavailable])
        .problems(OF_EVENT)
}

/// `GET /v1/events/{eventId}/statistics`.
pub(in crate::http) fn statistics() -> Entry {
    let about = "What the changes of versions `from` up to `to` come to, of all partners or of one, in stretches \
        of time; `to` is not before `from`. What was refused counts with the change after it, which names a few \
        of the partners.";
    let told = Answer::json::<StatisticsBody<'_>>("The statistics.", counted());
    Entry::new(Tag::Ledger, "getStatistics", "Count what happened", about)
        .takes(&[FROM, TO, COUNTED_PARTNER_ID, BUCKET_SECONDS])
        .answers(StatusCode::OK, told.with(ETAG))
        .answers_not_modified()
        .problems(&[Code::InvalidRequest, Code::VersionNotFound])
        .problems(&[Code::Overloaded, Code::Unavailable])
        .problems(OF_EVENT)
}

fn digest(digit: char) -> String {
    std::iter::repeat_n(digit, 64).collect()
}

fn counted() -> Value {
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
