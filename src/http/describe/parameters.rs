//! Parameters, each described once and referred to by the operations that take it.
//!
//! It must not know: which operations there are.

use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::ObjectBuilder;
use utoipa::openapi::{Ref, Required};

use crate::http::kernel::idempotency::KEY_BYTES_MAX;
use crate::http::kernel::kinds::{
    boolean, event_id, integer, one_of, seat_count, statuses, string, text, uuid, version,
};
use crate::http::kernel::query::{LIMIT_MAX, LIMIT_USUAL, WAIT_SECONDS_MAX, WAIT_SECONDS_USUAL};
use crate::http::wire::feed::POSITION_MAX;
use crate::http::wire::reservation::STATUSES;
use ticketboss_core::domain::PartnerId;

/// A parameter under its name in the document.
#[derive(Clone, Copy)]
pub(crate) struct ParameterDoc {
    pub(crate) key: &'static str,
    pub(crate) describe: fn() -> Parameter,
}

impl ParameterDoc {
    const fn new(key: &'static str, describe: fn() -> Parameter) -> Self {
        Self { key, describe }
    }

    /// What stands where it is taken.
    pub(crate) fn reference(self) -> Ref {
        Ref::new(format!("#/components/parameters/{}", self.key))
    }
}

pub(crate) const LIMIT: ParameterDoc = ParameterDoc::new("limit", || {
    let most = integer(1, LIMIT_MAX as u64).default(Some(LIMIT_USUAL.into()));
    query("limit", "How many items a list has at most.", most)
});
pub(crate) const EVENT_CURSOR: ParameterDoc = ParameterDoc::new("eventCursor", || {
    query("cursor", "Where a list goes on, as `next` has it.", seat_count())
});
pub(crate) const VERSION_CURSOR: ParameterDoc = ParameterDoc::new("versionCursor", || {
    query("cursor", "Where a list goes on, as `next` has it.", version())
});
pub(crate) const EVENT_STATUS: ParameterDoc = ParameterDoc::new("eventStatus", || {
    query("status", "Only events of this status.", one_of(&statuses()))
});
pub(crate) const RESERVATION_STATUS: ParameterDoc = ParameterDoc::new("reservationStatus", || {
    query("status", "Only reservations of this status.", one_of(&STATUSES))
});
pub(crate) const PARTNER_ID: ParameterDoc = ParameterDoc::new("partnerId", || {
    query("partnerId", "Only reservations of this partner.", text(PartnerId::CHARS_MAX))
});
pub(crate) const SINCE: ParameterDoc = ParameterDoc::new("since", || {
    query("since", "Changes after this version; 0 is from the beginning.", version())
});
pub(crate) const SINCE_POSITION: ParameterDoc = ParameterDoc::new("sincePosition", || {
    let about =
        "Changes from this position on, as an id of a frame has it: a time in milliseconds.";
    query("since", about, integer(0, POSITION_MAX))
});
pub(crate) const SNAPSHOT: ParameterDoc = ParameterDoc::new("snapshot", || {
    let asked = boolean().default(Some(false.into()));
    query("snapshot", "Whether the event as it is now comes first.", asked)
});
pub(crate) const AT_VERSION: ParameterDoc = ParameterDoc::new("atVersion", || {
    query("atVersion", "As it was at this version of the event.", version())
});
pub(crate) const WAIT_VERSION: ParameterDoc = ParameterDoc::new("waitVersion", || {
    query("waitVersion", "Answer when the event is at this version.", version())
});
pub(crate) const WAIT_SECONDS: ParameterDoc = ParameterDoc::new("waitSeconds", || {
    let seconds = integer(1, WAIT_SECONDS_MAX).default(Some(WAIT_SECONDS_USUAL.into()));
    query("waitSeconds", "With `waitVersion`: answer after so long even so.", seconds)
});
pub(crate) const FROM: ParameterDoc = ParameterDoc::new("from", || {
    query("from", "The first version; the first that there is where it is missing.", version())
});
pub(crate) const TO: ParameterDoc = ParameterDoc::new("to", || {
    query("to", "The last version; the newest where it is missing.", version())
});
pub(crate) const COUNTED_PARTNER_ID: ParameterDoc = ParameterDoc::new("countedPartnerId", || {
    query("partnerId", "Only what this partner did.", text(PartnerId::CHARS_MAX))
});
pub(crate) const BUCKET_SECONDS: ParameterDoc = ParameterDoc::new("bucketSeconds", || {
    let about = "How long a stretch of time is. There are 1000 at most, and a handy length is chosen where it \
        is missing.";
    query("bucketSeconds", about, integer(1, u32::MAX.into()))
});
pub(crate) const GIVEN_REQUEST_ID: ParameterDoc = ParameterDoc::new("X-Request-Id", || {
    let about = "What the request is to be called in the answer, in logs and in the ledger: a UUID. \
        Anything else is replaced by one.";
    header("X-Request-Id", about, string())
});
pub(crate) const IF_NONE_MATCH: ParameterDoc = ParameterDoc::new("If-None-Match", || {
    let about = "The `ETag` of what the caller has; 304 if it is still so.";
    header("If-None-Match", about, string())
});
pub(crate) const IF_MATCH: ParameterDoc = ParameterDoc::new("If-Match", || {
    let about = "The version at which the caller has looked at the event, as its `ETag` had it. Sales since \
        make no difference. `*` is any.";
    let tag = string().pattern(Some(r#"^(\*|"[0-9]{1,13}")$"#)).examples([r#""1""#]);
    let mut parameter = header("If-Match", about, tag);
    parameter.required = Required::True;
    parameter
});
pub(crate) const IDEMPOTENCY_KEY: ParameterDoc = ParameterDoc::new("Idempotency-Key", || {
    let about = "Under the same key it is done once, and the first answer is given again. Bare or in \
        quotes. A key is of one partner, one operation and one body.";
    let inner = KEY_BYTES_MAX - 2;
    let key = format!(r#"^("[ -~]{{1,{KEY_BYTES_MAX}}}"|[!#-~]([ -~]{{0,{inner}}}[!-~])?)$"#);
    header("Idempotency-Key", about, string().pattern(Some(key)))
});
pub(crate) const LAST_EVENT_ID: ParameterDoc = ParameterDoc::new("Last-Event-ID", || {
    let about =
        "The id of the last frame that the subscriber has got; goes before `since` and `snapshot`.";
    // An id is text; those of ours are versions and milliseconds, all of 13 digits at most.
    header("Last-Event-ID", about, string().pattern(Some("^[0-9]{1,13}$")))
});

/// The parameter that a variable segment of a path is.
pub(crate) fn of_path(template: &str, name: &str) -> ParameterDoc {
    match name {
        "eventId" => ParameterDoc::new("eventId", || {
            path("eventId", "The event, by its id.", event_id().examples(["jazz-2026"]))
        }),
        "blockId" => ParameterDoc::new("blockId", || {
            let block = version().minimum(Some(1_u32)).examples([2]);
            path("blockId", "The version that took the seats out of sale.", block)
        }),
        "code" => ParameterDoc::new("code", || {
            let code = string().pattern(Some("^[a-z_]+$")).examples(["not_enough_seats"]);
            path("code", "The code of a problem.", code)
        }),
        // Where the path names no event, our id does, and one that is chosen is of the first.
        "reservationId" if !template.contains("{eventId}") => {
            ParameterDoc::new("ownReservationId", || {
                let id = uuid().examples(["00000001-0000-8000-8009-61b42a322344"]);
                let about = "The reservation: our id, of whatever event, or the one that its client chose, of \
                    the first event.";
                path("reservationId", about, id)
            })
        }
        _ => ParameterDoc::new("reservationId", || {
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
