//! Random numbers for ids. The only place that draws such as cannot be guessed.

use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

use crate::random::split_mix;
use ticketboss_core::domain::{Nonce, RequestId};

/// A source of random numbers.
#[derive(Debug, Clone)]
pub enum Entropy {
    /// A generator seeded by the operating system, fit for ids that must not be guessed.
    System,
    /// Numbers that follow from a seed: for simulations, where the same seed gives the same run.
    Seeded(Arc<Mutex<u64>>),
}

impl Entropy {
    /// Numbers that follow from `seed`.
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded(Arc::new(Mutex::new(seed)))
    }

    /// The random part of a reservation id.
    pub fn nonce(&self) -> Nonce {
        // The lowest 62 bits of a version 4 UUID are random; a nonce takes 50 of them.
        let (_, low) = self.uuid().as_u64_pair();
        Nonce::from_bits(low)
    }

    /// An id for a request that brought none.
    pub fn request_id(&self) -> RequestId {
        RequestId(self.uuid().as_u128())
    }

    fn uuid(&self) -> Uuid {
        match self {
            Self::System => random_uuid(),
            Self::Seeded(state) => {
                let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                let (high, low) = (split_mix(&mut state), split_mix(&mut state));
                uuid::Builder::from_random_bytes(
                    (u128::from(high) << 64 | u128::from(low)).to_be_bytes(),
                )
                .into_uuid()
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one home of randomness")]
fn random_uuid() -> Uuid {
    Uuid::new_v4()
}
