//! Parameters and headers, each described once and referred to by those who take or give it.

use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::ObjectBuilder;
use utoipa::openapi::{Ref, Required};

use super::kinds::{
    boolean, event_id, integer, one_of, seat_count, statuses, string, text, uuid, version,
};
use crate::http::feed::POSITION_MAX;
use crate::http::idempotency::KEY_BYTES_MAX;
use crate::http::query::{LIMIT_MAX, LIMIT_USUAL, WAIT_SECONDS_MAX, WAIT_SECONDS_USUAL};
use crate::http::reservations::STATUSES;
use ticketboss_core::domain::PARTNER_ID_CHARS_MAX;

/// A parameter under its name in the document.
#[derive(Clone, Copy)]
pub(super) struct Carried {
    pub(super) key: &'static str,
    pub(super) describe: fn() -> Parameter,
}

impl Carried {
    const fn new(key: &'static str, describe: fn() -> Parameter) -> Self {
        Self { key, describe }
    }

    /// What stands where it is taken.
    pub(super) fn reference(self) -> Ref {
        Ref::new(format!("#/components/parameters/{}", self.key))
    }
}

pub(super) const LIMIT: Carried = Carried::new("limit", || {
    let most = integer(1, LIMIT_MAX as u64).default(Some(LIMIT_USUAL.into()));
    query("limit", "How many items a list has at most.", most)
});
pub(super) const EVENT_CURSOR: Carried = Carried::new("eventCursor", || {
    query("cursor", "Where a list goes on, as `next` has it.", seat_count())
});
pub(super) const VERSION_CURSOR: Carried = Carried::new("versionCursor", || {
    query("cursor", "Where a list goes on, as `next` has it.", version())
});
pub(super) const EVENT_STATUS: Carried = Carried::new("eventStatus", || {
    query("status", "Only events of this status.", one_of(&statuses()))
});
pub(super) const RESERVATION_STATUS: Carried = Carried::new("reservationStatus", || {
    query("status", "Only reservations of this status.", one_of(&STATUSES))
});
pub(super) const PARTNER_ID: Carried = Carried::new("partnerId", || {
    query("partnerId", "Only reservations of this partner.", text(PARTNER_ID_CHARS_MAX))
});
pub(super) const SINCE: Carried = Carried::new("since", || {
    query("since", "Changes after this version; 0 is from the beginning.", version())
});
pub(super) const SINCE_POSITION: Carried = Carried::new("sincePosition", || {
    let about =
        "Changes from this position on, as an id of a frame has it: a time in milliseconds.";
    query("since", about, integer(0, POSITION_MAX))
});
pub(super) const SNAPSHOT: Carried = Carried::new("snapshot", || {
    let asked = boolean().default(Some(false.into()));
    query("snapshot", "Whether the event as it is now comes first.", asked)
});
pub(super) const AT_VERSION: Carried = Carried::new("atVersion", || {
    query("atVersion", "As it was at this version of the event.", version())
});
pub(super) const WAIT_VERSION: Carried = Carried::new("waitVersion", || {
    query("waitVersion", "Answer when the event is at this version.", version())
});
pub(super) const WAIT_SECONDS: Carried = Carried::new("waitSeconds", || {
    let seconds = integer(1, WAIT_SECONDS_MAX).default(Some(WAIT_SECONDS_USUAL.into()));
    query("waitSeconds", "With `waitVersion`: answer after so long even so.", seconds)
});
pub(super) const FROM: Carried = Carried::new("from", || {
    query("from", "The first version; the first that there is where it is missing.", version())
});
pub(super) const TO: Carried = Carried::new("to", || {
    query("to", "The last version; the newest where it is missing.", version())
});
pub(super) const COUNTED_PARTNER_ID: Carried = Carried::new("countedPartnerId", || {
    query("partnerId", "Only what this partner did.", text(PARTNER_ID_CHARS_MAX))
});
pub(super) const BUCKET_SECONDS: Carried = Carried::new("bucketSeconds", || {
    let about = "How long a stretch of time is. There are 1000 at most, and a handy length is chosen where it \
        is missing.";
    query("bucketSeconds", about, integer(1, u32::MAX.into()))
});
pub(super) const GIVEN_REQUEST_ID: Carried = Carried::new("X-Request-Id", || {
    let about = "What the request is to be called in the answer, in logs and in the ledger: a UUID. \
        Anything else is replaced by one.";
    header("X-Request-Id", about, string())
});
pub(super) const IF_NONE_MATCH: Carried = Carried::new("If-None-Match", || {
    let about = "The `ETag` of what the caller has; 304 if it is still so.";
    header("If-None-Match", about, string())
});
pub(super) const IF_MATCH: Carried = Carried::new("If-Match", || {
    let about = "The version at which the caller has looked at the event, as its `ETag` had it. Sales since \
        make no difference. `*` is any.";
    let tag = string().pattern(Some(r#"^(\*|"[0-9]{1,13}")$"#)).examples([r#""1""#]);
    let mut parameter = header("If-Match", about, tag);
    parameter.required = Required::True;
    parameter
});
pub(super) const IDEMPOTENCY_KEY: Carried = Carried::new("Idempotency-Key", || {
    let about = "Under the same key it is done once, and the first answer is given again. Bare or in \
        quotes. A key is of one partner, one operation and one body.";
    let inner = KEY_BYTES_MAX - 2;
    let key = format!(r#"^("[ -~]{{1,{KEY_BYTES_MAX}}}"|[!#-~]([ -~]{{0,{inner}}}[!-~])?)$"#);
    header("Idempotency-Key", about, string().pattern(Some(key)))
});
pub(super) const LAST_EVENT_ID: Carried = Carried::new("Last-Event-ID", || {
    let about =
        "The id of the last frame that the subscriber has got; goes before `since` and `snapshot`.";
    // An id is text; those of ours are versions and milliseconds, all of 13 digits at most.
    header("Last-Event-ID", about, string().pattern(Some("^[0-9]{1,13}$")))
});

/// The parameter that a variable segment of a path is.
pub(super) fn of_path(template: &str, name: &str) -> Carried {
    match name {
        "eventId" => Carried::new("eventId", || {
            path("eventId", "The event, by its id.", event_id().examples(["jazz-2026"]))
        }),
        "blockId" => Carried::new("blockId", || {
            let block = version().minimum(Some(1_u32)).examples([2]);
            path("blockId", "The version that took the seats out of sale.", block)
        }),
        "code" => Carried::new("code", || {
            let code = string().pattern(Some("^[a-z_]+$")).examples(["not_enough_seats"]);
            path("code", "The code of a problem.", code)
        }),
        // Where the path names no event, our id does, and one that is chosen is of the first.
        "reservationId" if !template.contains("{eventId}") => {
            Carried::new("ownReservationId", || {
                let id = uuid().examples(["00000001-0000-8000-8009-61b42a322344"]);
                let about = "The reservation: our id, of whatever event, or the one that its client chose, of \
                    the first event.";
                path("reservationId", about, id)
            })
        }
        _ => Carried::new("reservationId", || {
            let id = uuid().examples(["6f2c1a3e-8f1b-4c8e-9f57-0d9d2b1c3a4f"]);
            path("reservationId", "The reservation: our id, or the one that its client chose.", id)
        }),
    }
}

fn path(name: &str, about: &str, schema: ObjectBuilder) -> Parameter {
    parameter(name, ParameterIn::Path, about, schema).required(Required::True).build()
}

fn query(name: &str, about: &str, schema: ObjectBuilder) -> Parameter {
    parameter(name, ParameterIn::Query, about, schema).build()
}

fn header(name: &str, about: &str, schema: ObjectBuilder) -> Parameter {
    parameter(name, ParameterIn::Header, about, schema).build()
}

fn parameter(
    name: &str,
    place: ParameterIn,
    about: &str,
    schema: ObjectBuilder,
) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(Required::False)
        .description(Some(about))
        .schema(Some(schema))
}

/// The name of a header of answers.
pub(super) type HeaderName = &'static str;

/// A header of answers, and what describes it.
type Answered = (HeaderName, fn() -> Header);

pub(super) const REQUEST_ID: HeaderName = "X-Request-Id";
pub(super) const ETAG: HeaderName = "ETag";
pub(super) const LOCATION: HeaderName = "Location";
pub(super) const REPLAYED: HeaderName = "Idempotent-Replayed";
pub(super) const RETRY_AFTER: HeaderName = "Retry-After";
pub(super) const ALLOW: HeaderName = "Allow";

/// The headers of answers.
pub(super) const HEADERS: &[Answered] = &[
    (REQUEST_ID, || answered("What the request is called.", uuid())),
    (ETAG, || {
        let tag = string().pattern(Some(r#"^"[0-9a-f]+"$"#));
        answered("The version that the answer tells of or has made, in quotes.", tag)
    }),
    (LOCATION, || answered("Where it is.", string())),
    (REPLAYED, || answered("That the answer was given before.", one_of(&["true"]))),
    (RETRY_AFTER, || answered("When to try again, in seconds.", integer(1, 60))),
    (ALLOW, || answered("The methods that the path knows.", string())),
];

fn answered(about: &str, schema: ObjectBuilder) -> Header {
    HeaderBuilder::new().description(Some(about)).schema(Some(schema)).build()
}
