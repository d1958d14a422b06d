//! What a partner may note on a reservation, for himself: we keep it and give it back.

use super::text::{MetadataKey, MetadataValue, Reference};

/// How many entries a note may have besides its reference.
pub const METADATA_ENTRIES_MAX: usize = 10;

/// What a partner has noted on a reservation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Note {
    /// His own name for it.
    pub reference: Option<Reference>,
    /// The id that he has chosen for it, as the bits of a UUID. The event knows it as the name of a key.
    pub chosen_id: Option<u128>,
    /// Whatever else, at most [`METADATA_ENTRIES_MAX`] entries, no name twice, in the order of the names.
    pub metadata: Vec<(MetadataKey, MetadataValue)>,
}

impl Note {
    /// Whether nothing is noted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
