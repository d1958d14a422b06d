//! The kinds of values that bodies are made of: each once, with its form and its limits.
//!
//! A limit is the one that the domain checks; it is not written down a second time here.

use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type,
};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::http::changes::TYPES;
use crate::http::problem::Code;
use crate::http::reservations::STATUSES;
use ticketboss_core::domain::{
    self, EVENT_ID_BYTES_MAX, EVENT_NAME_CHARS_MAX, HOLD_SECONDS_MAX, HOLD_SECONDS_MIN,
    METADATA_ENTRIES_MAX, MetadataKey, MetadataValue, PARTNER_ID_CHARS_MAX,
};

/// Text that has something which is no white space by any reckoning: engines differ on a few characters.
pub(in crate::http) const NOT_BLANK: &str = r"[^\s\u0085\uFEFF]";

/// Names types that stand for a schema, and what it is.
macro_rules! kinds {
    ($($name:ident: $about:literal, $schema:expr;)*) => {$(
        #[doc = $about]
        pub(in crate::http) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                $schema.description(Some($about)).into()
            }
        }

        impl ToSchema for $name {}
    )*};
}

kinds! {
    EventId: "The public name of an event, which never changes.", event_id();
    EventName: "What an event is called.", text(EVENT_NAME_CHARS_MAX);
    PartnerId: "Who reserves on behalf of buyers.", text(PARTNER_ID_CHARS_MAX);
    ReservationId: "The id of a reservation: ours, or the one that the client has chosen.", uuid();
    RequestId: "What a request is called in logs, problems and the ledger.", uuid();
    Moment: "A moment (RFC 3339).", moment();
    Version: "How many changes an event has had.", version();
    BlockId: "The version that took the seats out of sale.", version().minimum(Some(1_u32));
    Seats: "A number of seats, one at least.", seat_count().minimum(Some(1_u32));
    SeatCount: "A number of seats.", seat_count();
    HoldSeconds: "For how long seats are held, in seconds.", hold_seconds();
    Digest: "The digest of a page of the ledger.", string().pattern(Some("^[0-9a-f]{64}$"));
    Base64: "Bytes in Base64.", base64();
    Share: "A share of a whole.", share();
    Refusals: "How often something was refused, by the code of the problem.", refusals();
    Address: "Where the list goes on, as a path with its query.", string();
    EventStatus: "Whether the seats of an event are sold.", one_of(&statuses());
    ReservationStatus: "What a reservation is.", one_of(&STATUSES);
    ChangeType: "What happened.", one_of(&TYPES);
    Actor: "Who made a change.", one_of(&["anonymous", "system"]);
    SnapshotType: "That it is the event itself.", one_of(&["snapshot"]);
    ShutdownType: "That the server stops.", one_of(&["shutdown"]);
    HealthStatus: "How the server is.", one_of(&["ok", "ready"]);
    Metadata: "Short texts under short names, which are kept and given back.", metadata();
    EventIds: "Events that are damaged, and not sold from.", event_ids();
    ProblemCode: "What went wrong, in a word that does not change.", problem_code();
    ProblemType: "Where the code is explained.", string().pattern(Some("^/problems/[a-z_]+$"));
    ProblemStatus: "The status of the answer.", integer(400, 599);
}

/// Any text.
pub(super) fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// Text that says something, of at most so many characters.
pub(super) fn text(chars_max: usize) -> ObjectBuilder {
    string().min_length(Some(1)).max_length(Some(chars_max)).pattern(Some(NOT_BLANK))
}

/// One of a few words.
pub(super) fn one_of(words: &[&str]) -> ObjectBuilder {
    string().enum_values(Some(words.iter().copied()))
}

/// A whole number of a range.
pub(super) fn integer(least: u64, most: u64) -> ObjectBuilder {
    let limit = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let number = ObjectBuilder::new().schema_type(Type::Integer);
    number.minimum(Some(limit(least))).maximum(Some(limit(most)))
}

/// `true` or `false`.
pub(super) fn boolean() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Boolean)
}

/// A number of seats, none included.
pub(super) fn seat_count() -> ObjectBuilder {
    integer(0, u32::MAX.into())
}

/// A version, from before the first change on.
pub(super) fn version() -> ObjectBuilder {
    integer(0, domain::Version::MAX.get())
}

/// For how long seats can be held.
pub(super) fn hold_seconds() -> ObjectBuilder {
    integer(HOLD_SECONDS_MIN.into(), HOLD_SECONDS_MAX.into())
}

/// A moment, with its offset.
pub(super) fn moment() -> ObjectBuilder {
    string().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
}

/// A UUID.
pub(super) fn uuid() -> ObjectBuilder {
    string().format(Some(SchemaFormat::Custom("uuid".to_owned())))
}

/// The public name of an event.
pub(super) fn event_id() -> ObjectBuilder {
    string().pattern(Some(format!("^[a-z0-9_-]{{1,{EVENT_ID_BYTES_MAX}}}$")))
}

/// What a partner may note besides a reference.
pub(super) fn metadata() -> ObjectBuilder {
    let value = text(MetadataValue::CHARS_MAX);
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .property_names(Some(text(MetadataKey::CHARS_MAX)))
        .additional_properties(Some(AdditionalProperties::from(RefOr::from(value))))
        .max_properties(Some(METADATA_ENTRIES_MAX))
}

/// The names of what an event can be.
pub(super) fn statuses() -> [&'static str; domain::EventStatus::ALL.len()] {
    domain::EventStatus::ALL.map(|(_, name)| name)
}

fn base64() -> ObjectBuilder {
    string().content_encoding("base64")
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

fn event_ids() -> ArrayBuilder {
    ArrayBuilder::new().items(Ref::from_schema_name("EventId"))
}

fn problem_code() -> ObjectBuilder {
    one_of(&Code::ALL.map(Code::as_str))
}
