//! Random numbers. The only place that draws them.

use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

use crate::domain::{Nonce, RequestId};

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

/// One step of `SplitMix64` (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
