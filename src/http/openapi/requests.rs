//! Bodies of requests. There are no types for them: they are read field by field, so that all that is
//! wrong is told at once.

use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, SchemaType, Type};

use super::kinds::{
    event_id, hold_seconds, metadata, moment, one_of, seat_count, statuses, string, text,
};
use ticketboss_core::domain::{
    Description, EVENT_NAME_CHARS_MAX, HOLD_SECONDS_USUAL, PARTNER_ID_CHARS_MAX, Reason, Reference,
    Venue, ZoneName,
};

/// What a date and a time on the clock look like, with or without an offset.
const LOCAL_TIME: &str = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])?$";
/// What is said of every time that is taken.
const TIME_LIMITS: &str =
    "From the year 1 to 9999-12-30T22:00:00Z, kept to the millisecond; there are no leap seconds.";

/// Seats of the first event, as the seed took it: fields that it does not know are ignored.
pub(super) fn reserve() -> ObjectBuilder {
    object("Seats for a partner.")
        .property("partnerId", text(PARTNER_ID_CHARS_MAX))
        .property("seats", asked_seats())
        .required("partnerId")
        .required("seats")
}

/// Seats of any event.
pub(super) fn new_reservation() -> ObjectBuilder {
    let reference = "Your own name for it, as an order number.";
    closed("Seats for a partner, taken at once or held.")
        .property("partnerId", text(PARTNER_ID_CHARS_MAX))
        .property("seats", asked_seats())
        .property("hold", hold())
        .property(
            "reference",
            or_null(text(Reference::CHARS_MAX), Type::String).description(Some(reference)),
        )
        .property("metadata", or_null(metadata(), Type::Object))
        .required("partnerId")
        .required("seats")
}

/// A new event.
pub(super) fn new_event() -> ObjectBuilder {
    terms(closed("A new event.").property("eventId", event_id()))
        .required("eventId")
        .required("name")
        .required("totalSeats")
}

/// Other terms of an event.
pub(super) fn event_change() -> ObjectBuilder {
    terms(closed("What is named is changed; `null` takes it away (RFC 7396)."))
}

/// Seats to be taken out of sale.
pub(super) fn new_block() -> ObjectBuilder {
    closed("Seats that are taken out of sale.")
        .property("seats", seats_from_one())
        .property("reason", text(Reason::CHARS_MAX))
        .required("seats")
        .required("reason")
}

/// What a confirmation says: nothing.
pub(super) fn confirmation() -> ObjectBuilder {
    closed("Nothing, yet.")
}

/// For how long a hold is to go on.
pub(super) fn extension() -> ObjectBuilder {
    let about = "From now on; where it is missing, as long as the event says.";
    let seconds = or_null(hold_seconds(), Type::Integer).description(Some(about));
    closed("For how long seats are to be held.").property("holdSeconds", seconds)
}

/// What is given up.
pub(super) fn cancellation() -> ObjectBuilder {
    let about = "So many seats of a confirmed reservation; where it is missing, all of it.";
    let seats = or_null(seats_from_one(), Type::Integer).description(Some(about));
    closed("What is given up.").property("seats", seats)
}

/// What events are sold on.
fn terms(body: ObjectBuilder) -> ObjectBuilder {
    let zone = text(ZoneName::CHARS_MAX).examples(["Europe/Berlin"]);
    let starts_at = string()
        .pattern(Some(LOCAL_TIME))
        .description(Some(format!(
            "With an offset, or the time on the clock in `timeZone`: the first, where the clocks there show it \
             twice as they are set back; one that they never show, as they are set forward, is refused. \
             {TIME_LIMITS}"
        )))
        .examples(["2026-05-01T20:00:00", "2026-05-01T20:00:00+02:00"]);
    let sale = |about: &str| {
        or_null(moment(), Type::String).description(Some(format!("{about} {TIME_LIMITS}")))
    };
    let usual = hold_seconds()
        .description(Some("How long seats are held where nobody says for how long."))
        .default(Some(HOLD_SECONDS_USUAL.into()));
    body.property("name", text(EVENT_NAME_CHARS_MAX))
        .property("totalSeats", seats_from_one())
        .property("description", or_null(text(Description::CHARS_MAX), Type::String))
        .property("venue", or_null(text(Venue::CHARS_MAX), Type::String))
        .property("timeZone", or_null(zone, Type::String))
        .property("startsAt", or_null(starts_at, Type::String))
        .property("onSaleAt", sale("Seats are sold from this moment on."))
        .property("offSaleAt", sale("From this moment on they are not sold any more."))
        .property("seatsPerRequestMin", seats_from_one())
        .property("seatsPerRequestMax", seats_from_one())
        .property("holdSeconds", usual)
        .property("status", one_of(&statuses()))
}

fn asked_seats() -> ObjectBuilder {
    let about = "How many; an event says how many one request may take, ten if it says nothing.";
    seats_from_one().description(Some(about))
}

fn seats_from_one() -> ObjectBuilder {
    seat_count().minimum(Some(1_u32))
}

fn hold() -> ObjectBuilder {
    let about = "`true` to hold the seats for as long as the event says, or for how many seconds. They are \
        taken at once where it is missing.";
    hold_seconds()
        .schema_type(SchemaType::from_iter([Type::Boolean, Type::Integer, Type::Null]))
        .description(Some(about))
}

fn or_null(schema: ObjectBuilder, r#type: Type) -> ObjectBuilder {
    schema.schema_type(SchemaType::from_iter([r#type, Type::Null]))
}

fn object(about: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Object).description(Some(about))
}

/// An object in which a field that is not known is refused.
fn closed(about: &str) -> ObjectBuilder {
    object(about).additional_properties(Some(AdditionalProperties::FreeForm(false)))
}
