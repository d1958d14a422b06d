//! The kinds of values that bodies are made of: each once, with its form and its limits.
//!
//! A limit is the one that the domain checks; it is not written down a second time here. A kind that only
//! one shape has stands beside that shape.
//!
//! It must not know: which bodies there are.

use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    AdditionalProperties, KnownFormat, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type,
};

use ticketboss_core::domain::{
    self, EVENT_ID_BYTES_MAX, HOLD_SECONDS_MAX, HOLD_SECONDS_MIN, METADATA_ENTRIES_MAX,
    MetadataKey, MetadataValue,
};

/// Text that has something which is no white space by any reckoning: engines differ on a few characters.
pub(crate) const NOT_BLANK: &str = r"[^\s\u0085\uFEFF]";

/// Schemas by their names.
pub(crate) type Schemas = Vec<(String, RefOr<Schema>)>;

/// Adds the schema of a type, and those that it refers to.
pub(crate) fn add_schema<T: ToSchema>(schemas: &mut Schemas) {
    T::schemas(schemas);
    schemas.push((T::name().into_owned(), T::schema()));
}

/// Names types that stand for a schema, and what it is.
macro_rules! kinds {
    ($($name:ident: $about:literal, $schema:expr;)*) => {$(
        #[doc = $about]
        pub(crate) struct $name;

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                $schema.description(Some($about)).into()
            }
        }

        impl utoipa::ToSchema for $name {}
    )*};
}
pub(crate) use kinds;

kinds! {
    EventId: "The public name of an event, which never changes.", event_id();
    EventName: "What an event is called.", text(domain::EventName::CHARS_MAX);
    PartnerId: "Who reserves on behalf of buyers.", text(domain::PartnerId::CHARS_MAX);
    ReservationId: "The id of a reservation: ours, or the one that the client has chosen.", uuid();
    RequestId: "What a request is called in logs, problems and the ledger.", uuid();
    Moment: "A moment (RFC 3339).", moment();
    Version: "How many changes an event has had.", version();
    BlockId: "The version that took the seats out of sale.", version().minimum(Some(1_u32));
    Seats: "A number of seats, one at least.", seats_from_one();
    SeatCount: "A number of seats.", seat_count();
    HoldSeconds: "For how long seats are held, in seconds.", hold_seconds();
    Address: "Where the list goes on, as a path with its query.", string();
    EventStatus: "Whether the seats of an event are sold.", one_of(&statuses());
    Metadata: "Short texts under short names, which are kept and given back.", metadata();
}

/// Any text.
pub(crate) fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// Text that says something, of at most so many characters.
pub(crate) fn text(chars_max: usize) -> ObjectBuilder {
    string().min_length(Some(1)).max_length(Some(chars_max)).pattern(Some(NOT_BLANK))
}

/// One of a few words.
pub(crate) fn one_of(words: &[&str]) -> ObjectBuilder {
    string().enum_values(Some(words.iter().copied()))
}

/// A whole number of a range.
pub(crate) fn integer(least: u64, most: u64) -> ObjectBuilder {
    let limit = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let number = ObjectBuilder::new().schema_type(Type::Integer);
    number.minimum(Some(limit(least))).maximum(Some(limit(most)))
}

/// `true` or `false`.
pub(crate) fn boolean() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Boolean)
}

/// A number of seats, none included.
pub(crate) fn seat_count() -> ObjectBuilder {
    integer(0, u32::MAX.into())
}

/// A version, from before the first change on.
pub(crate) fn version() -> ObjectBuilder {
    integer(0, domain::Version::MAX.get())
}

/// For how long seats can be held.
pub(crate) fn hold_seconds() -> ObjectBuilder {
    integer(HOLD_SECONDS_MIN.into(), HOLD_SECONDS_MAX.into())
}

/// A moment, with its offset.
pub(crate) fn moment() -> ObjectBuilder {
    string().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
}

/// A UUID.
pub(crate) fn uuid() -> ObjectBuilder {
    string().format(Some(SchemaFormat::Custom("uuid".to_owned())))
}

/// The public name of an event.
pub(crate) fn event_id() -> ObjectBuilder {
    string().pattern(Some(format!("^[a-z0-9_-]{{1,{EVENT_ID_BYTES_MAX}}}$")))
}

/// What a partner may note besides a reference.
pub(crate) fn metadata() -> ObjectBuilder {
    let value = text(MetadataValue::CHARS_MAX);
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .property_names(Some(text(MetadataKey::CHARS_MAX)))
        .additional_properties(Some(AdditionalProperties::from(RefOr::from(value))))
        .max_properties(Some(METADATA_ENTRIES_MAX))
}

/// The names of what an event can be.
pub(crate) fn statuses() -> [&'static str; domain::EventStatus::ALL.len()] {
    domain::EventStatus::ALL.map(|(_, name)| name)
}

/// A number of seats, one at least.
pub(crate) fn seats_from_one() -> ObjectBuilder {
    seat_count().minimum(Some(1_u32))
}

/// The seats that a request asks for.
pub(crate) fn asked_seats() -> ObjectBuilder {
    let about = "How many; an event says how many one request may take, ten if it says nothing.";
    seats_from_one().description(Some(about))
}

/// A value of a type, or `null`.
pub(crate) fn or_null(schema: ObjectBuilder, r#type: Type) -> ObjectBuilder {
    schema.schema_type(SchemaType::from_iter([r#type, Type::Null]))
}

/// An object in which a field that is not known is ignored.
pub(crate) fn object(about: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Object).description(Some(about))
}

/// An object in which a field that is not known is refused.
pub(crate) fn closed(about: &str) -> ObjectBuilder {
    object(about).additional_properties(Some(AdditionalProperties::FreeForm(false)))
}
