//! What comes in a feed besides changes, as JSON.
//!
//! It must not know: who follows, or how frames are carried.

use serde::Serialize;
use utoipa::openapi::schema::{OneOfBuilder, Schema};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use super::change::ChangeBody;
use super::event::EventBody;
use crate::http::kernel::kinds::{Schemas, add_schema, kinds, one_of};

/// The last position that there can be: the last moment.
pub(crate) const POSITION_MAX: u64 = i64::MAX as u64;

kinds! {
    SnapshotType: "That it is the event itself.", one_of(&["snapshot"]);
    ShutdownType: "That the server stops.", one_of(&["shutdown"]);
}

/// An event as it is at a version, before its changes.
#[derive(Serialize, ToSchema)]
pub(crate) struct Snapshot<'a> {
    #[schema(value_type = SnapshotType)]
    pub(crate) r#type: &'static str,
    #[serde(flatten)]
    pub(crate) event: EventBody<'a>,
}

/// The last frame of a server that stops.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Shutdown {
    #[schema(value_type = ShutdownType)]
    pub(crate) r#type: &'static str,
    pub(crate) retry_ms: u64,
}

/// A frame of a feed: a change, or one of the two that come besides.
pub(crate) struct FeedFrame;

impl PartialSchema for FeedFrame {
    fn schema() -> RefOr<Schema> {
        let frame = OneOfBuilder::new()
            .description(Some("What comes in a feed; `type` tells which it is."))
            .item(Ref::from_schema_name("Change"))
            .item(Ref::from_schema_name("Snapshot"))
            .item(Ref::from_schema_name("Shutdown"));
        Schema::from(frame).into()
    }
}

impl ToSchema for FeedFrame {
    fn schemas(schemas: &mut Schemas) {
        add_schema::<ChangeBody>(schemas);
        add_schema::<Snapshot<'_>>(schemas);
        add_schema::<Shutdown>(schemas);
    }
}
