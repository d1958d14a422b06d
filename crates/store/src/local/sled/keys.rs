//! The keys under which sled has events and pages.

use ticketboss_core::domain::{EventId, EventNumber, Version};

use crate::port::StoreError;

#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
pub(super) fn failed(error: ::sled::Error) -> StoreError {
    StoreError::Failed(error.to_string().into())
}

const PAGE_KEY_BYTES: usize = 12;

pub(super) fn page_key(number: EventNumber, first_version: Version) -> [u8; PAGE_KEY_BYTES] {
    let mut key = [0; PAGE_KEY_BYTES];
    let (front, back) = key.split_at_mut(4);
    front.copy_from_slice(&number.0.to_be_bytes());
    back.copy_from_slice(&first_version.get().to_be_bytes());
    key
}

pub(super) fn read_page_key(key: &[u8]) -> Result<(EventNumber, Version), StoreError> {
    let parts = key.split_first_chunk().and_then(|(number, version)| {
        let version = Version::new(u64::from_be_bytes(version.try_into().ok()?))?;
        Some((EventNumber(u32::from_be_bytes(*number)), version))
    });
    parts.ok_or_else(|| StoreError::Failed("a key in the ledger is not of this program".into()))
}

pub(super) fn event_id(key: &[u8]) -> Result<EventId, StoreError> {
    std::str::from_utf8(key)
        .ok()
        .and_then(|text| EventId::new(text).ok())
        .ok_or_else(|| StoreError::Failed("a key in the events is not of this program".into()))
}
