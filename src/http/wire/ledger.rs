//! The head and the pages of a ledger as JSON.
//!
//! It must not know: what a page holds.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::kernel::kinds::{self, kinds, string};
use crate::http::kernel::list_page::ListPage;
use ticketboss_engine::SealedPage;

kinds! {
    Digest: "The digest of a page of the ledger.", string().pattern(Some("^[0-9a-f]{64}$"));
    Base64: "Bytes in Base64.", string().content_encoding("base64");
}

/// The head of a ledger.
#[derive(Serialize, ToSchema)]
#[schema(as = LedgerHead)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LedgerHeadBody<'a> {
    #[schema(value_type = kinds::EventId)]
    pub(crate) event_id: &'a str,
    #[schema(value_type = kinds::Version)]
    pub(crate) version: u64,
    /// The digest of the newest page, in hexadecimal digits.
    #[schema(value_type = Digest)]
    pub(crate) digest: String,
    #[schema(value_type = kinds::Moment)]
    pub(crate) updated_at: String,
}

/// Pages of a ledger, one after the other.
#[derive(Serialize, ToSchema)]
#[schema(as = Proof)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProofBody<'a> {
    #[schema(value_type = kinds::EventId)]
    pub(crate) event_id: &'a str,
    #[schema(value_type = kinds::SeatCount)]
    pub(crate) event_number: u32,
    #[schema(value_type = Vec<LedgerPageBody>)]
    pub(crate) pages: ListPage,
    /// Where it goes on, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::Address)]
    pub(crate) next: Option<String>,
}

/// A page of a ledger.
#[derive(Serialize, ToSchema)]
#[schema(as = Page)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LedgerPageBody {
    #[schema(value_type = kinds::Version)]
    first_version: u64,
    #[schema(value_type = kinds::Version)]
    last_version: u64,
    /// The digest of the page before it; zeros where this is the first.
    #[schema(value_type = Digest)]
    previous_digest: String,
    #[schema(value_type = Digest)]
    digest: String,
    /// Its bytes in Base64.
    #[schema(value_type = Base64)]
    bytes: String,
}

/// A page as it lies on the disk.
pub(crate) fn ledger_page_body(page: &SealedPage) -> LedgerPageBody {
    LedgerPageBody {
        first_version: page.first_version.get(),
        last_version: page.last_version.get(),
        previous_digest: page.previous.clone(),
        digest: page.digest.clone(),
        bytes: STANDARD.encode(&page.bytes),
    }
}
