//! The keys under which events are created. A key is of one event: of one that is here, or of one that
//! is just being created. Events themselves know their keys, but not those of each other.
//!
//! It must not know: what else is done under keys.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use ticketboss_core::domain::{EventId, Key, KeyName, Refusal, Version};

/// Which key is of which event. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Creations(Arc<Mutex<HashMap<KeyName, Claimed>>>);

#[derive(Debug)]
struct Claimed {
    event: EventId,
    /// How many claim it for this event: everybody who is just creating it, and itself once it is here.
    claims: usize,
}

/// That a key is of an event, for as long as this is kept.
#[derive(Debug)]
pub(crate) struct Claim {
    creations: Creations,
    key: KeyName,
}

impl Creations {
    /// Takes a key for an event.
    ///
    /// # Errors
    /// `KeyReused` where it is that of another one.
    pub(crate) fn claim(&self, key: &Key, event: &EventId) -> Result<Claim, Refusal> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let claimed =
            all.entry(key.name).or_insert_with(|| Claimed { event: event.clone(), claims: 0 });
        if claimed.event != *event {
            return Err(Refusal::KeyReused { version: Version::FIRST });
        }
        claimed.claims += 1;
        Ok(Claim { creations: self.clone(), key: key.name })
    }

    /// Takes for good the key under which an event was created that is here.
    pub(crate) fn keep(&self, key: KeyName, event: &EventId) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(key).or_insert_with(|| Claimed { event: event.clone(), claims: 0 }).claims += 1;
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut all = self.creations.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut claimed) = all.entry(self.key) {
            claimed.get_mut().claims -= 1;
            if claimed.get().claims == 0 {
                claimed.remove();
            }
        }
    }
}
