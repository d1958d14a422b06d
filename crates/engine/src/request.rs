//! What comes with a request besides what it asks for.

use std::sync::Arc;

use ticketboss_core::domain::{Key, Note, RequestId, Version};

/// A request, and how it may be asked again.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// What it is called in logs and in the ledger.
    pub request: RequestId,
    /// The key under which it is asked, if there is one.
    pub key: Option<Key>,
    /// What is to be noted on the reservation that it makes.
    pub note: Option<Arc<Note>>,
    /// The version at which somebody looked at the event's terms, where it shall only be done if they are
    /// still those.
    pub if_terms_of: Option<Version>,
}

impl From<RequestId> for RequestContext {
    fn from(request: RequestId) -> Self {
        Self { request, key: None, note: None, if_terms_of: None }
    }
}
