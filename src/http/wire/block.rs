//! Seats that are taken out of sale, as JSON.
//!
//! It must not know: which operation responds with it.

use serde::Serialize;
use utoipa::ToSchema;

use crate::http::kernel::kinds;
use crate::http::kernel::list_page::ListPage;

/// Seats that are taken out of sale.
#[derive(Serialize, ToSchema)]
#[schema(as = Block)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BlockBody<'a> {
    #[schema(value_type = kinds::BlockId)]
    pub(crate) block_id: u64,
    #[schema(value_type = kinds::Seats)]
    pub(crate) seats: u32,
    pub(crate) reason: &'a str,
    #[schema(value_type = kinds::Moment)]
    pub(crate) created_at: String,
}

/// The seats of an event that are taken out of sale.
#[derive(Serialize, ToSchema)]
#[schema(as = BlockList)]
pub(crate) struct BlockListBody {
    #[schema(value_type = Vec<BlockBody<'_>>)]
    pub(crate) items: ListPage,
    /// Where the list goes on, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::Address)]
    pub(crate) next: Option<String>,
}
