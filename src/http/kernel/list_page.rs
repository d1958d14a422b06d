//! One page of a long list. It is bounded in items and in bytes: an answer is kept until whoever asked for
//! it has read it, and he may take his time.
//!
//! It must not know: what it is a list of, or where the next page begins.

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

/// At so many bytes a page is full; the item that fills it may go beyond.
const BYTES_MAX: usize = 64 * 1024;

/// Items as they are sent, in order.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct ListPage {
    items: Vec<Box<RawValue>>,
    #[serde(skip)]
    items_max: usize,
    #[serde(skip)]
    bytes: usize,
}

impl ListPage {
    /// A page that is to have so many items at most.
    pub(crate) fn new(items_max: usize) -> Self {
        Self { items: Vec::new(), items_max, bytes: 0 }
    }

    /// Whether nothing more belongs into it.
    pub(crate) fn is_full(&self) -> bool {
        self.items.len() >= self.items_max || self.bytes >= BYTES_MAX
    }

    /// Adds an item.
    pub(crate) fn add(&mut self, item: &impl Serialize) {
        let item = to_raw_value(item).expect("wire types have string keys and no failing parts");
        self.bytes += item.get().len();
        self.items.push(item);
    }
}
